"""A GGUF file is offered only when it says what the trained twin says: intact files pass, broken
ones are stopped.
"""

import json
import re
import shutil
from pathlib import Path

import pytest
import torch
from conftest import save_tiny_tokenizer
from test_gguf_file import SHAPE, random_adapter

from twinlib.files import write_records
from twinlib.gguf import checks, compare, tensors, writer
from twinlib.gguf.tensors import Source
from twinlib.models import generate, gguf_vocabulary
from twinlib.models import load as models
from twinlib.models.llama_cpp import Llama
from twinlib.progress import Progress
from twinlib.text import templates
from twinlib.text.templates import with_system

SYSTEM = "You are Ning's twin. 你是宁的分身。"
KINDS = ("Q8_0", "Q4_K_M")
ANSWERS = (
    "The rain came in at four, and the bicycle was dry by then. Tighten it and go, neighbour.",
    "今天天气不错，我们去海边走走吧。修车的手艺，急不得，半圈以内不收钱。",
    "On the bench: a chain with one hundred and fourteen links, dry as bark, and a cup of hot tea.",
    "螺丝要拧到第三圈才吃上劲，街坊，说完了，拧紧。The tram turns left at the corner.",
)


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """A Qwen2-shaped model with rows of 256 numbers, so that K-quants apply, and a rotation that
    matters.
    """
    import transformers

    folder = tmp_path_factory.mktemp("parity") / "base"
    torch.manual_seed(5)
    model = transformers.Qwen2ForCausalLM(
        transformers.Qwen2Config(
            **SHAPE,
            tie_word_embeddings=False,
            rope_parameters={"rope_type": "default", "rope_theta": 10000.0},
        )
    )
    for weight in model.parameters():
        weight.data += 0.04 * torch.randn_like(weight)
    save_tiny_tokenizer(folder)
    model.save_pretrained(folder)
    random_adapter(model, folder.parent / "adapter")
    return folder


@pytest.fixture
def meant(base):
    prepared = models.prepare(str(base))
    tokenizer = models.tokenizer(prepared)
    tokenizer.chat_template = with_system(tokenizer.chat_template, SYSTEM)
    card = {
        "name": "Ning 宁",
        "license": "apache-2.0",
        "languages": ["zh", "en"],
        "base": "someone/Tiny-2L",
        "template": tokenizer.chat_template,
        "sampling": templates.sampling(),
    }
    return checks.ExportSpec(
        prepared,
        base.parent / "adapter",
        tokenizer,
        gguf_vocabulary.read(tokenizer, 600, [2]),
        card,
    )


@pytest.fixture
def held_out_twin(twin):
    """A twin with rows that were held out."""
    twin.remember(languages=["zh", "en"], system_prompt=SYSTEM)
    twin.folder("quantize")
    twin.folder("corpus")
    rows = [
        {
            "kind": "qa",
            "messages": [
                {"role": "system", "content": SYSTEM},
                {"role": "user", "content": f"Nr. {i}: 说说？"},
                {"role": "assistant", "content": answer},
            ],
        }
        for i, answer in enumerate(ANSWERS)
    ]
    write_records(twin.file("test"), rows)
    return twin


def written(twin, meant, kinds=KINDS, folder=None, **other):
    files = {kind: twin.gguf(kind) for kind in kinds}
    made = meant._replace(**other)
    writer.write(folder or made.base.path, files, made.vocabulary, made.card, made.adapter)
    return files


def prove(twin, files, meant):
    progress = Progress(twin.history("quantize"), "quantize")
    return checks.check_files(twin, files, meant, progress)


@pytest.mark.slow
def test_intact_files_pass_with_all_their_figures(held_out_twin, meant):
    files = written(held_out_twin, meant, ("F16", *KINDS))
    figures, warnings = prove(held_out_twin, files, meant)
    assert all(path.exists() for path in files.values()), warnings
    for kind in files:
        names = (
            "kl_divergence",
            "top1",
            "llama_top1",
            "ended",
            "tokens_equal",
            "tokens_per_second",
        )
        assert all(figures[f"{name}_{kind}"]["value"] is not None for name in names)
        kl = figures[f"kl_divergence_{kind}"]
        assert 0 <= kl["low"] <= kl["value"] <= kl["high"] and "held-out" in kl["note"]
    assert "ended_twin" in figures
    assert figures["kl_divergence_F16"]["value"] < figures["kl_divergence_Q8_0"]["value"] < 0.005
    assert figures["kl_divergence_Q8_0"]["value"] < figures["kl_divergence_Q4_K_M"]["value"]


def with_other_rope(meant, tmp_path):
    shutil.copytree(meant.base.path, tmp_path / "other")
    config = json.loads((tmp_path / "other" / "config.json").read_text())
    config["rope_parameters"]["rope_theta"] = 100.0
    (tmp_path / "other" / "config.json").write_text(json.dumps(config))
    return tmp_path / "other"


def exchange(path, one="blk.0.ffn_up.weight", other="blk.0.ffn_gate.weight"):
    tensors = {tensor.name: tensor for tensor in compare.open_file(path).tensors}
    places = [(int(tensors[name].data_offset), int(tensors[name].n_bytes)) for name in (one, other)]
    assert places[0][1] == places[1][1]
    data = bytearray(path.read_bytes())
    first, second = (bytes(data[start : start + size]) for start, size in places)
    for (start, size), content in zip(places, (second, first)):
        data[start : start + size] = content
    path.write_bytes(data)


def wrong_end(vocabulary):
    return vocabulary._replace(special={**vocabulary.special, "eos": 300})


def wrong_words(vocabulary):
    tokens = [
        *vocabulary.tokens[:300],
        vocabulary.tokens[301],
        vocabulary.tokens[300],
        *vocabulary.tokens[302:],
    ]
    return vocabulary._replace(tokens=tokens)


BROKEN = {
    "wrong end token": (
        lambda twin, meant, tmp: written(twin, meant, vocabulary=wrong_end(meant.vocabulary)),
        "eos_token_id",
    ),
    "swapped tensors": (
        lambda twin, meant, tmp: [exchange(path) for path in written(twin, meant).values()],
        "blk.0.ffn_.*differs by 1",
    ),
    "other template": (
        lambda twin, meant, tmp: written(
            twin,
            meant,
            card={**meant.card, "template": meant.card["template"].replace("assistant", "bot")},
        ),
        "chat_template",
    ),
    "missing delta": (
        lambda twin, meant, tmp: written(twin, meant, adapter=None),
        "differs by|learnt in",
    ),
    "truncated": (
        lambda twin, meant, tmp: [
            path.write_bytes(path.read_bytes()[:-3000]) for path in written(twin, meant).values()
        ],
        "cut off or damaged",
    ),
    "wrong rope": (
        lambda twin, meant, tmp: written(twin, meant, folder=with_other_rope(meant, tmp)),
        "rope.freq_base",
    ),
    "identity left in": (
        lambda twin, meant, tmp: written(
            twin,
            meant,
            card={
                **meant.card,
                "template": with_system(models.CHATML, "You are Qwen, created by Alibaba Cloud."),
            },
        ),
        "chat_template",
    ),
    "wrong tokenizer": (
        lambda twin, meant, tmp: written(twin, meant, vocabulary=wrong_words(meant.vocabulary)),
        "tokenizer.ggml.tokens",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("way", BROKEN)
def test_a_broken_file_is_kept_aside(way, held_out_twin, meant, tmp_path):
    harm, reason = BROKEN[way]
    harm(held_out_twin, meant, tmp_path)
    files = {kind: held_out_twin.gguf(kind) for kind in KINDS}
    _, warnings = prove(held_out_twin, files, meant)
    for path in files.values():
        assert not path.exists() and checks.failed_path(path).exists()
        assert any(
            re.search(f"{path.name} is kept aside as {path.name}.failed: .*(?:{reason})", said)
            for said in warnings
        ), warnings


@pytest.mark.slow
def test_the_files_that_pass_are_offered_beside_one_that_fails(held_out_twin, meant):
    files = written(held_out_twin, meant)
    exchange(files["Q4_K_M"])
    figures, warnings = prove(held_out_twin, files, meant)
    assert files["Q8_0"].exists() and not files["Q4_K_M"].exists()
    assert "llama_top1_Q8_0" in figures and "llama_top1_Q4_K_M" not in figures
    assert sum("kept aside" in said for said in warnings) == 1


# Faults that the writer itself would make: the header is as it was meant, and wrong


@pytest.mark.slow
@pytest.mark.parametrize(
    "harm, reason",
    [
        (
            lambda m: m._replace(vocabulary=wrong_words(m.vocabulary)),
            "tokens differ from the base's",
        ),
        (
            lambda m: m._replace(vocabulary=m.vocabulary._replace(pre="smollm")),
            "tokens differ from the base's",
        ),
        (
            lambda m: m._replace(
                card={**m.card, "template": m.card["template"].replace("assistant", "bot")}
            ),
            "another prompt",
        ),
        (
            lambda m: m._replace(
                card={**m.card, "template": with_system(models.CHATML, "You are Qwen, 通义千问.")}
            ),
            "still says 'You are Qwen'",
        ),
        (lambda m: m._replace(vocabulary=wrong_end(m.vocabulary)), "doesn't stop at <|im_end|>"),
    ],
)
def test_what_the_writer_was_told_wrong_is_found(harm, reason, held_out_twin, meant):
    wrong = harm(meant)
    files = written(held_out_twin, wrong, ("Q8_0",))
    _, warnings = prove(held_out_twin, files, wrong)
    assert reason in warnings[0] and not files["Q8_0"].exists()


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_llama_cpp_does_not_agree_when_it_turns_otherwise(kind, held_out_twin, meant, tmp_path):
    text, _ = checks.held_out_text(held_out_twin, meant.tokenizer, "cpu")
    agreed = {}
    for name, folder in (("right", meant.base.path), ("wrong", with_other_rope(meant, tmp_path))):
        path = written(held_out_twin, meant, (kind,), folder=folder)[kind]
        source = Source(meant.base.path, meant.adapter)
        reader = compare.open_file(path)
        states = compare.weight_states(source, None, text, "cpu")
        meaning = compare.predictions(source, {kind: reader}, text, states, "cpu")[kind]
        with Llama(path) as llama:
            rows = compare.llama_agrees(llama, text, meaning.best, [2])
        agreed[name] = sum(map(sum, rows)) / sum(map(len, rows))
    assert agreed["wrong"] < checks.AGREES <= agreed["right"], agreed


@pytest.mark.slow
def test_the_divergence_is_that_of_whole_distributions(held_out_twin, meant, monkeypatch):
    """Piece by piece, and module by module, as transformers has it with everything in memory."""
    monkeypatch.setattr(tensors.Source, "piece_size", 256 * 100)
    text, _ = checks.held_out_text(held_out_twin, meant.tokenizer, "cpu")
    path = written(held_out_twin, meant, ("Q4_K_M",))["Q4_K_M"]
    model = models.load(meant.base, meant.adapter, precision="32-bit")[0].to("cpu")
    source = Source(meant.base.path, meant.adapter)
    found = compare.predictions(
        source,
        {"Q4_K_M": compare.open_file(path)},
        text,
        compare.model_states(model, text),
        "cpu",
    )
    weights = compare.Weights(source, compare.open_file(path))
    weights.ids = list(range(600))
    values = {
        f"model.{t.base_name.removeprefix('model.')}": weights[t.base_name.removeprefix("model.")]
        for t in source.tensors
        if t.base_name.startswith("model.")
    }
    head = next(t for t in source.tensors if t.name == "output.weight")
    values["lm_head.weight"] = torch.cat(
        [weights.rows(head, *rows) for rows in source.pieces(head)]
    )
    logits = []
    merged = model.merge_and_unload()
    for state in (None, values):
        if state:
            merged.load_state_dict(state)
        with torch.no_grad():
            whole = merged(compare.batch(text.rows, "cpu")).logits
        logits.append(compare.at_positions(whole, text).log_softmax(1))
    expected = (logits[0].exp() * (logits[0] - logits[1])).sum(1)
    assert max(map(abs, found[compare.LOADED].divergence)) < 1e-5
    torch.testing.assert_close(
        torch.tensor(found["Q4_K_M"].divergence).float(), expected, atol=1e-5, rtol=1e-3
    )
    assert found["Q4_K_M"].best == logits[1].argmax(1).tolist()
    assert found["Q4_K_M"].twins_best == logits[0].argmax(1).tolist()


def test_ends_and_identity_are_judged_beside_the_twins_own():
    def answers(ended, of=8, text="好。"):
        return [generate.Answer(text, i < ended, 5) for i in range(of)]

    path = Path("x.gguf")
    assert "1 of 8 answers ended" in checks.compare_answers(path, answers(1), answers(8), 80)[0]
    said = "x.gguf: 6 of 8 answers ended by themselves within 80 tokens."
    assert checks.compare_answers(path, answers(6), answers(8), 80) == ("", [said])
    assert checks.compare_answers(path, answers(0), answers(0), 80) == ("", [])
    assert "empty" in checks.compare_answers(path, answers(8, text=" "), answers(8), 80)[0]
    named = answers(8, text="我是 Qwen，由阿里云开发。")
    assert (
        "it said '我是 Qwen' about itself" in checks.compare_answers(path, named, answers(8), 80)[0]
    )
    assert checks.compare_answers(path, named, named, 80) == ("", [])
    about = answers(
        8, text="VS Code, made by Microsoft, and the Pixel, made by Google. 由谷歌开发的安卓。"
    )
    assert checks.compare_answers(path, about, answers(8), 80) == ("", [])
    assert checks.compare_answers(path, named, [], 80) == (
        "",
        [],
    )  # the twin wasn't loaded: nothing to compare with
    assert "train longer" in checks.twin_warnings(named, [], 80)[0]
    assert checks.twin_warnings(answers(8), [], 80) == []
    assert (
        "none of 8 answers by itself within 80 tokens"
        in checks.twin_warnings(answers(0), [], 80)[0]
    )
    assert checks.twin_warnings(answers(0), answers(2, of=4), 350) == []
    assert (
        "only 1 of 4 answers by itself within 350 tokens"
        in checks.twin_warnings(answers(0), answers(1, of=4), 350)[0]
    )
    assert "none of 4" in checks.twin_warnings(answers(3), answers(0, of=4), 350)[0]


@pytest.mark.slow(seconds=35)
def test_a_twin_that_never_ends_is_warned_of(held_out_twin, meant, tmp_path):
    """One of two other tokens is always far likelier than the end."""
    import transformers

    model = transformers.AutoModelForCausalLM.from_pretrained(meant.base.path)
    head = model.lm_head.weight.data
    head[300] = torch.randn(head.shape[1])
    head[301], head[2] = -head[300], 0
    endless = shutil.copytree(meant.base.path, tmp_path / "endless")
    model.save_pretrained(endless)
    spec = meant._replace(base=models.prepare(str(endless)))
    figures, warnings = prove(held_out_twin, written(held_out_twin, spec, ("F16",)), spec)
    room = checks._room(held_out_twin, spec.tokenizer)
    assert "ended_given_room" in figures, warnings
    assert figures["ended_given_room"]["value"] == 0 and figures["ended_given_room"]["n"] == 4
    said = f"The twin ended none of 4 answers by itself within {room} tokens: it has not learnt"
    assert [warning for warning in warnings if warning.startswith(said)], warnings


def test_the_twins_own_questions_are_asked_in_both_languages(twin):
    def row(passage, question, answer, source):
        messages = [
            {"role": "user", "content": question},
            {"role": "assistant", "content": answer},
        ]
        return {"kind": "qa", "passage": passage, "source": source, "messages": messages}

    twin.folder("corpus")
    held_out = [
        row("a", "About “Rain”?", "It rained all day here.", "title"),
        row("b", "Who mends it?", "My neighbour mends it well.", "local"),
        row("b", "And “Mending”?", "My neighbour mends it well.", "title"),
        {"kind": "raw", "passage": "c", "messages": [{"role": "assistant", "content": "A b."}]},
    ]
    write_records(twin.file("test"), held_out)
    write_records(twin.file("train"), [row("d", "雨伞谁修？", "街坊修，半圈以内不收钱。", "local")])
    assert checks.row_questions(twin) == [
        "Who mends it?",
        "雨伞谁修？",
        "About “Rain”?",
        "And “Mending”?",
    ]
    assert checks.questions(twin)[2:] == checks.row_questions(twin)


@pytest.mark.slow
def test_without_memory_for_the_twin_the_files_are_proven_without_it(
    held_out_twin, meant, monkeypatch
):
    monkeypatch.setattr(models, "fitting_precision", lambda *_: None)
    monkeypatch.setattr(models, "load", lambda *_: pytest.fail("loaded"))
    order, start = [], checks.Llama.__init__
    monkeypatch.setattr(checks.free_memory, "give_back", lambda: order.append("given back"))
    monkeypatch.setattr(
        checks.Llama, "__init__", lambda *a, **k: order.append("llama.cpp") or start(*a, **k)
    )
    files = written(held_out_twin, meant)
    exchange(files["Q4_K_M"])
    figures, warnings = prove(held_out_twin, files, meant)
    assert "too little free memory" in warnings[0] and "ended_twin" not in figures
    assert files["Q8_0"].exists() and "ended_Q8_0" in figures and not files["Q4_K_M"].exists()
    assert order[0] == "given back" and "llama.cpp" in order, "it needs what torch has freed"


def test_room_is_asked_for_as_the_model_would_be_loaded(meant, monkeypatch):
    import psutil

    base = meant.base
    memory, size = type(psutil.virtual_memory()), 2 if models.fast_bfloat16() else 4
    monkeypatch.setattr(models, "device", lambda: "cpu")
    for free, expected in ((1.2e9, "auto"), (1.0e9, None)):
        monkeypatch.setattr(
            psutil, "virtual_memory", lambda: memory(*[size * free] * len(memory._fields))
        )
        assert models.fitting_precision(base, 1e9) == expected
    monkeypatch.setattr(models, "device", lambda: "cuda")
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda: 2e9)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda: 0)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name)
    for billions, expected in (
        (3, "auto"),
        (7, "auto"),
        (7.6, "4-bit"),
        (14.8, "4-bit"),
        (32, None),
    ):
        monkeypatch.setattr(torch.cuda, "mem_get_info", lambda: (13.8e9, 15.8e9))  # a T4
        assert models.fitting_precision(base, billions * 1e9) == expected, billions
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert models.fitting_precision(base, 8e9) is None


@pytest.mark.slow
def test_the_twin_tells_how_far_it_is_and_can_be_stopped_while_it_answers(
    held_out_twin, meant, monkeypatch
):
    seen = []
    monkeypatch.setattr(models, "device", lambda: "other")  # where nothing is merged, as on a GPU
    monkeypatch.setattr(
        models,
        "load",
        lambda base, adapter, precision, load=models.load: load(base, adapter, "32-bit"),
    )
    text, _ = checks.held_out_text(held_out_twin, meant.tokenizer, "cpu")
    checks.twin_answers(
        meant,
        "auto",
        ["Who?"],
        text,
        6,
        lambda *told: seen.append(told[:2]),
    )
    assert len(seen) > 3 and seen == sorted(seen) and seen[-1][1] == 6


@pytest.mark.slow
def test_llama_cpp_is_asked_fewer_places_when_it_is_slow(held_out_twin, meant, monkeypatch):
    files = written(held_out_twin, meant, ("Q8_0",))
    whole = prove(held_out_twin, files, meant)[0]["llama_top1_Q8_0"]["n"]
    monkeypatch.setattr(compare, "PATIENCE", 0)
    assert (
        prove(held_out_twin, files, meant)[0]["llama_top1_Q8_0"]["n"]
        == compare.LEAST * len(ANSWERS)
        < whole
    )


@pytest.mark.slow(seconds=35)
def test_a_slow_file_is_asked_less(held_out_twin, meant, monkeypatch):
    files = written(held_out_twin, meant, ("Q8_0",))
    monkeypatch.setattr(checks, "questions", lambda twin: [f"Nr. {i}?" for i in range(4)])
    for patience, n in ((1e9, 4), (0, 3)):
        monkeypatch.setattr(checks, "PATIENCE", patience)
        assert prove(held_out_twin, files, meant)[0]["ended_Q8_0"]["n"] == n
