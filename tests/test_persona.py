"""Persona training on a tiny real model: what is learnt, checkpoints and resuming, packing, the
saved adapter."""

import json
import math
import shutil
from types import SimpleNamespace

import pytest
import torch
from conftest import build_tiny_base

from twinlib import Stopped, TwinError, settings
from twinlib.files import read_records, write_atomic
from twinlib.models import generate, load
from twinlib.models.encode import Encoded, encode_row, end_is_learnt, pieces
from twinlib.progress import Progress
from twinlib.train import checkpoints, persona
from twinlib.twin import Twin


def wanted(tiny_base, **changes):
    return settings.make(
        "persona",
        **{
            "base": str(tiny_base),
            "effort": "smoke",
            "steps": 4,
            "batch": 2,
            "accumulation": 1,
            "length": 192,
            "replay_share": 0.0,
            **changes,
        },
    )


def train(twin, tiny_base, **changes):
    outcome = persona.run(
        twin,
        wanted(tiny_base, **changes),
        Progress(twin.history("persona"), "persona", fresh=False),
    )
    shutil.rmtree(twin.checkpoints("persona"))  # as the report of the finished step does
    return outcome


# What is learnt


def characters(text):
    return [ord(c) for c in text]


def test_only_the_answer_and_its_end_are_learnt():
    row = {
        "kind": "qa",
        "messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "ab"}],
    }
    encoded = encode_row(
        row, lambda m, generate: "<q>" if generate else "<q>ab$\n", characters, ord("$")
    )
    assert (
        bytes(encoded.input_ids).decode() == "<q>ab$"
    )  # what the template writes after the end is left off
    assert encoded.completion_mask == [0, 0, 0, 1, 1, 1]


def test_raw_text_is_learnt_whole_after_the_first_token():
    row = {"kind": "raw", "messages": [{"role": "assistant", "content": "ab"}]}
    assert encode_row(row, None, characters, 0, first=7)[:2] == ([7, 97, 98], [0, 1, 1])


def test_raw_text_that_is_too_long_is_cut_and_the_warning_counts_it():
    row = {"kind": "raw", "messages": [{"role": "assistant", "content": "abc"}]}
    whole, cut = (encode_row(row, None, characters, 0, first=7, length=n) for n in (4, 3))
    assert not whole.cut and cut == ([7, 97, 98], [0, 1, 1], True)
    answer = Encoded([1, 2, 3], [0, 0, 1], True)
    assert persona._said_of_cut([whole, answer._replace(cut=False)], 0, 3) == []
    [passages] = persona._said_of_cut([cut, cut, whole], 0, 3)
    assert passages.startswith("2 passages without a question are longer than 3 tokens")
    answers, _ = persona._said_of_cut([cut, answer], 1, 3)
    assert "1 ends after its last sentence" in answers


def test_a_template_that_never_ends_a_turn_is_refused():
    row = {
        "kind": "qa",
        "messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "ab"}],
    }
    with pytest.raises(TwinError, match="end of turn.*choose another base"):
        encode_row(row, lambda m, generate: "<q>" if generate else "<q>ab", characters, ord("$"))


def test_a_template_whose_prompt_is_no_beginning_is_refused():
    row = {
        "kind": "qa",
        "messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "ab"}],
    }
    with pytest.raises(TwinError, match="not the beginning.*choose another base"):
        encode_row(
            row, lambda m, generate: "<q><think>" if generate else "<q>ab$", characters, ord("$")
        )


@pytest.mark.parametrize(
    "answer, length, learnt, why",
    [
        ("One. Two two.", 20, "One. Two two.$", "it fits"),
        ("One. Two two.", 16, "One.$", "the last sentence goes"),
        ("一句。两句两句。三", 8, "一句。$", "Chinese has no spaces"),
        ("a line\nanother line", 12, "a line$", "a line ends, too"),
        ("One two three four.", 12, None, "no sentence fits"),
    ],
)
def test_a_row_that_is_too_long_ends_after_a_sentence_or_is_left_out(answer, length, learnt, why):
    row = {
        "kind": "qa",
        "messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": answer}],
    }
    encoded = encode_row(
        row,
        lambda m, generate: "<q>" if generate else f"<q>{m[-1]['content']}$",
        characters,
        ord("$"),
        length=length,
    )
    if learnt is None:
        assert encoded is None, why
    else:
        assert "".join(map(chr, encoded.input_ids)) == "<q>" + learnt, why
        assert encoded.completion_mask == [0] * 3 + [1] * len(learnt)
        assert encoded.cut is (learnt != answer + "$")


def test_an_end_that_is_padding_or_never_learnt_is_found():
    row = {
        "kind": "qa",
        "messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "ab"}],
    }
    encoded = encode_row(
        row, lambda m, generate: "<q>" if generate else "<q>ab$", characters, ord("$")
    )
    assert end_is_learnt([encoded], ord("$"), padding=0)
    assert not end_is_learnt([encoded], ord("$"), padding=ord("$"))
    unlearnt = encoded._replace(completion_mask=encoded.completion_mask[:-1] + [0])
    assert not end_is_learnt([unlearnt], ord("$"), padding=0)


def test_a_sample_is_shown_in_runs_of_read_and_learnt():
    assert pieces([1, 2, 3], [0, 1, 1], lambda ids: "".join(map(str, ids))) == [
        {"text": "1", "learnt": False},
        {"text": "23", "learnt": True},
    ]


# Training


@pytest.mark.slow
def test_the_validation_loss_is_of_the_adapter_that_is_saved(sample_twin, tiny_base, monkeypatch):
    shown = []
    monkeypatch.setattr(
        persona,
        "_rows",
        lambda training, rows=persona._rows: shown.append(rows(training)) or shown[0],
    )
    figures = train(
        sample_twin, tiny_base, steps=24, learning_rate=1e-3, patience=20, lora_scale=0.1
    ).figures
    base = load.prepare(str(tiny_base))
    model, _ = load.load(base, sample_twin.adapter("persona"), "32-bit")
    nats, learnt = 0.0, 0
    for row in shown[0][0]["val"]:
        targets = torch.tensor(row.input_ids[1:])
        asked = torch.tensor(row.completion_mask[1:], dtype=torch.bool)
        with torch.no_grad():
            scores = model(torch.tensor([row.input_ids])).logits[0, :-1].float()
        nats += float(
            torch.nn.functional.cross_entropy(scores[asked], targets[asked], reduction="sum")
        )
        learnt += int(asked.sum())
    assert figures["val_loss"]["value"] == pytest.approx(nats / learnt, abs=2e-3)
    history = [json.loads(line) for line in sample_twin.history("persona").read_text().splitlines()]
    watched = min(r["eval_loss"] for r in history if r.get("eval_loss") and r["done"])
    assert figures["val_loss"]["value"] > watched + 0.005, "a tenth of what was learnt"


def test_a_training_that_made_it_worse_says_by_how_much():
    evaluations = [(0, 2.0), (10, 2.9), (20, 3.1)]
    history = [{"step": step, "eval_loss": loss, "loss": loss} for step, loss in evaluations]
    trainer = SimpleNamespace(state=SimpleNamespace(log_history=history, global_step=20))
    callback = SimpleNamespace(tokens_per_second=lambda: 1.0, first=0)
    rows, layer = {"val": [1] * 8, "train": [1] * 9}, torch.nn.Linear(1, 1)
    output = SimpleNamespace(metrics={})
    found = persona._figures(trainer, callback, output, rows, layer, 2.9)
    assert (found["val_loss_before"]["value"], found["val_loss"]["value"]) == (2.0, 2.9)
    assert found["val_loss"]["level"] == "bad" and persona._loss_warnings(found)


@pytest.mark.slow
def test_training_lowers_the_loss_and_saves_an_adapter_that_names_no_local_path(
    sample_twin, tiny_base
):
    outcome = train(sample_twin, tiny_base, steps=24, learning_rate=1e-3, patience=20)
    figures = {name: f["value"] for name, f in outcome.figures.items()}
    assert (
        figures["val_loss"] < figures["val_loss_before"] == pytest.approx(math.log(600), abs=0.2)
    )  # nats a token
    assert figures["steps"] == 24 and figures["end_of_turn_learnt"] == 1
    config = json.loads((sample_twin.adapter("persona") / "adapter_config.json").read_text())
    assert "/" not in config["base_model_name_or_path"] and config["r"] == 32
    samples = [json.loads(line) for line in sample_twin.file("samples").read_text().splitlines()]
    assert {s.get("when") for s in samples} == {None, "before", "after"}
    learnt = "".join(p["text"] for p in samples[0]["tokens"] if p["learnt"])
    assert learnt.endswith("<|im_end|>")


@pytest.mark.slow
def test_the_adapter_changes_what_the_base_says(sample_twin, tiny_base):
    train(sample_twin, tiny_base, steps=6, learning_rate=1e-2)
    base = load.prepare(str(tiny_base))
    model, tokenizer = load.load(base, sample_twin.adapter("persona"))
    text = sample_twin.records("train")[0]["messages"][-1]["content"]
    [(after, n)] = generate.nll(model, tokenizer, [text])
    with model.disable_adapter():
        [(before, m)] = generate.nll(model, tokenizer, [text])
    assert n == m and after < before


class StopAt(Progress):
    """A progress whose owner asks to stop once a step is reached."""

    def __init__(self, twin, step):
        super().__init__(twin.history("persona"), "persona", fresh=False)
        self.at = step

    def __call__(self, done, total, note="", **rest):
        if "loss" in rest and done >= self.at:
            self.stopping = True
        super().__call__(done, total, note, **rest)


@pytest.mark.slow
def test_a_stopped_run_goes_on_from_its_checkpoint_and_ends_like_an_unbroken_one(
    sample_twin, tiny_base
):
    unbroken = train(sample_twin, tiny_base, steps=6)
    with pytest.raises(Stopped, match="saved"):
        persona.run(sample_twin, wanted(tiny_base, steps=6), StopAt(sample_twin, 3))
    [newest] = sorted(
        sample_twin.checkpoints("persona").glob("checkpoint-4")
    )  # the step after the wish to stop
    assert checkpoints.is_whole(newest)
    resumed = train(sample_twin, tiny_base, steps=6)
    assert resumed.figures["steps"]["value"] == 6
    assert resumed.figures["val_loss"]["value"] == pytest.approx(
        unbroken.figures["val_loss"]["value"], abs=2e-3
    )


@pytest.mark.slow
def test_a_stopped_run_is_as_patient_as_an_unbroken_one(sample_twin, tiny_base):
    impatient = {"steps": 100, "learning_rate": 1e-2, "patience": 1}
    unbroken = train(sample_twin, tiny_base, **impatient).figures["steps"]["value"]
    assert unbroken < 100, "the validation loss rises before the end"
    lines = sample_twin.history("persona").read_text(encoding="utf-8").splitlines()
    losses = [(r["eval_loss"], r["done"]) for r in map(json.loads, lines) if "eval_loss" in r]
    best = min(losses[1:])[1]
    with pytest.raises(Stopped, match="saved"):
        persona.run(sample_twin, wanted(tiny_base, **impatient), StopAt(sample_twin, best - 1))
    assert (sample_twin.checkpoints("persona") / f"checkpoint-{best}").exists()
    assert train(sample_twin, tiny_base, **impatient).figures["steps"]["value"] == unbroken


@pytest.mark.slow
def test_progress_keeps_what_the_live_view_shows(sample_twin, tiny_base):
    train(sample_twin, tiny_base, steps=8)
    records = [json.loads(line) for line in sample_twin.history("persona").read_text().splitlines()]
    steps = [r for r in records if "loss" in r]
    assert [r["done"] for r in steps] == list(range(1, 9))
    assert all(
        r["learning_rate"] >= 0 and r["tokens_s"] > 0 and r["memory_gb"] > 0.1 for r in steps
    )
    assert [r["done"] for r in records if "eval_loss" in r][0] == 0  # before anything is learnt
    sample = next(r["sample"] for r in records if "sample" in r)
    assert 0 < sample["step"] < 8 and sample["text"] and sample["question"]


@pytest.mark.slow
def test_tokens_a_second_count_the_rows_own_tokens(sample_twin, tiny_base):
    outcome = train(sample_twin, tiny_base, steps=5, packing=True, batch=1)
    assert (
        outcome.figures["tokens_per_second"]["value"] > 0
        and outcome.figures["tokens_per_second"]["n"] == 5
    )


@pytest.mark.slow
def test_two_processes_learn_what_one_learns(sample_twin, tiny_base, tmp_path):
    """The same rows a step, shared by two processes: the same losses, one report, one history."""
    import shutil
    import subprocess
    import sys

    from twinlib import Twin

    other = tmp_path / "twins" / "shared"
    shutil.copytree(sample_twin.path, other)
    common = [
        "-m",
        "twinlib",
        "persona",
        "--base",
        str(tiny_base),
        "--effort",
        "quick",
        "--steps",
        "2",
        "--batch",
        "1",
        "--length",
        "192",
        "--packing",
        "yes",
        "--replay-share",
        "0",
        "--seed",
        "3",
    ]
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "torch.distributed.run",
            "--standalone",
            "--nproc_per_node",
            "2",
            *common,
            "--twin",
            str(other),
            "--accumulation",
            "1",
        ],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.count("done in") == 1  # the second process says nothing
    alone = train(
        sample_twin,
        tiny_base,
        effort="quick",
        steps=2,
        batch=1,
        packing=True,
        seed=3,
        accumulation=2,
    )
    one = {name: f["value"] for name, f in alone.figures.items()}
    two = {name: f["value"] for name, f in Twin(other).report("persona").figures.items()}
    for name in ("train_loss", "val_loss", "val_loss_before", "steps"):
        assert two[name] == pytest.approx(one[name], abs=2e-3)
    steps = [
        r
        for r in map(json.loads, Twin(other).history("persona").read_text().splitlines())
        if "loss" in r
    ]
    assert [r["done"] for r in steps] == list(range(1, round(one["steps"]) + 1))
    assert Twin(other).state("persona").name == "done"


def test_other_settings_do_not_go_on_from_a_checkpoint_of_earlier_ones(tmp_path):
    folder, persona = tmp_path / "checkpoints", settings.make("persona")
    of_rank_8, of_rank_16 = ({"asked": {"rank": rank}} for rank in (8, 16))
    assert checkpoints.newest_whole(folder, of_rank_8, persona) is None
    checkpoint = folder / "checkpoint-5"
    write_atomic(checkpoint / "weights", "w")
    checkpoints.write_manifest(checkpoint)
    assert checkpoints.newest_whole(folder, of_rank_8, persona) == checkpoint
    assert checkpoints.newest_whole(folder, of_rank_16, persona) is None and not checkpoint.exists()


def test_resuming_falls_back_to_the_last_whole_checkpoint(tmp_path):
    folder, run, persona = tmp_path / "checkpoints", {"asked": {}}, settings.make("persona")
    checkpoints.newest_whole(folder, run, persona)
    for step in (5, 10, 15):
        write_atomic(folder / f"checkpoint-{step}" / "weights", f"weights {step}")
        checkpoints.write_manifest(folder / f"checkpoint-{step}")
    write_atomic(folder / "checkpoint-15" / "weights", "half wri")
    (folder / "checkpoint-10" / checkpoints.MANIFEST).unlink()
    assert checkpoints.newest_whole(folder, run, persona).name == "checkpoint-5"
    assert not (folder / "checkpoint-15").exists()


def test_a_saved_adapter_takes_the_place_of_the_earlier_one_which_is_kept(twin, tiny_base, capsys):
    base = load.prepare(str(tiny_base))
    model, _ = load.load(base, lora=load.Lora(4))
    for step in ("persona", "reasoning"):
        write_atomic(twin.adapter(step) / "earlier", "x")
        checkpoints.save_adapter(twin, step, model, base)
        assert not (twin.adapter(step) / "earlier").exists()
        assert {path.name for path in twin.folder(step).iterdir()} == {"adapter", "adapter.old"}
        assert (twin.earlier_adapter(step) / "earlier").read_text() == "x"
        assert str(twin.earlier_adapter(step)) in capsys.readouterr().out
        assert (twin.adapter(step) / "adapter_model.safetensors").exists()


def test_a_kill_while_an_adapter_takes_the_place_of_the_earlier_one_leaves_it_to_be_put_there(
    twin, tiny_base, monkeypatch
):
    def killed(*_):
        raise SystemExit

    base = load.prepare(str(tiny_base))
    model, _ = load.load(base, lora=load.Lora(4))
    for step in ("persona", "reasoning"):
        write_atomic(twin.adapter(step) / "earlier", "x")
        with monkeypatch.context() as patch:
            patch.setattr(Twin, "finish_saving", killed)
            with pytest.raises(SystemExit):
                checkpoints.save_adapter(twin, step, model, base)
        assert not twin.adapter(step).exists()
    write_atomic(twin.folder("persona") / "adapter.part" / "half", "written")
    again = Twin.open(twin.path)
    for step in ("persona", "reasoning"):
        assert (again.adapter(step) / "adapter_model.safetensors").exists()
        assert (again.earlier_adapter(step) / "earlier").exists()
    checkpoints.save_adapter(twin, "persona", model, base)
    assert {path.name for path in twin.folder("persona").iterdir()} == {"adapter", "adapter.old"}


@pytest.mark.parametrize("family", ["qwen2", "gemma3"])
def test_packed_rows_do_not_see_each_other(tmp_path, family):
    """The loss of rows packed into one sequence is that of the rows apart, and differs when
    positions don't restart."""
    import torch
    from transformers import AutoModelForCausalLM

    build_tiny_base(tmp_path, family)
    model = AutoModelForCausalLM.from_pretrained(
        tmp_path, dtype=torch.float32, attn_implementation="sdpa"
    ).eval()
    for weight in model.parameters():
        weight.data.mul_(4)  # random weights attend almost evenly; larger ones make a leak visible
    torch.manual_seed(0)
    rows = [torch.randint(3, 600, (n,)) for n in (12, 30, 7)]
    packed = torch.cat(rows)[None]
    positions = torch.cat([torch.arange(len(row)) for row in rows])[None]
    with torch.no_grad():
        apart = torch.cat([model(input_ids=row[None]).logits[0] for row in rows])
        together = model(input_ids=packed, position_ids=positions, use_cache=False).logits[0]
        leaking = model(input_ids=packed, use_cache=False).logits[0]
    torch.testing.assert_close(together, apart, rtol=1e-3, atol=1e-3)
    assert (leaking - apart).abs().max() > 0.01


def test_an_instruct_base_replays_its_own_answers_and_keeps_them(sample_twin, tiny_base):
    base = load.prepare(str(tiny_base))
    model, tokenizer = load.load(base, lora=load.Lora(4))
    chosen = wanted(tiny_base, replay_share=0.1)
    training = persona.Training(sample_twin, chosen, base, model, tokenizer, Progress())
    persona.replay_rows(training, 40)
    kept = sample_twin.file("replay").read_text()
    assert len(kept.splitlines()) == 4 and base.revision in kept
    persona.replay_rows(training, 40)
    assert sample_twin.file("replay").read_text() == kept


def test_a_stop_keeps_the_everyday_answers_that_had_ended(sample_twin, tiny_base, monkeypatch):
    class StopsNearTheEnd(Progress):
        def __call__(self, done, total, note="", **figures):
            self.stopping = done >= 0.9 * total
            super().__call__(done, total, note, **figures)

    base = load.prepare(str(tiny_base))
    model, tokenizer = load.load(base, lora=load.Lora(4))
    end = load.end_tokens(tokenizer)[0]
    model.get_output_embeddings().weight.data[end] *= 4  # else random weights hardly ever end
    chosen = wanted(tiny_base, replay_share=0.5, effort="smoke")
    training = persona.Training(sample_twin, chosen, base, model, tokenizer, StopsNearTheEnd())
    with pytest.raises(Stopped, match="goes on from here"):
        persona.replay_rows(training, 32)
    kept = read_records(sample_twin.file("replay"), "persona")
    assert 0 < len(kept) < 16 and all(each["ended"] for each in kept)
    asked = []
    real = generate.answers

    def answers(model, tokenizer, conversations, *given, **named):
        asked.extend(conversations)
        return real(model, tokenizer, conversations, *given, **named)

    monkeypatch.setattr(persona.generate, "answers", answers)
    persona.replay_rows(training._replace(progress=Progress()), 32)
    assert len(asked) == 16 - len(kept)
    after = read_records(sample_twin.file("replay"), "persona")
    assert len(after) == 16 and all(each in after for each in kept)


@pytest.mark.parametrize("effort, asked", [("smoke", 16), ("quick", 30)])
def test_a_short_run_asks_fewer_everyday_questions(
    sample_twin, tiny_base, monkeypatch, effort, asked
):
    base = load.prepare(str(tiny_base))
    seen = []

    def answers(model, tokenizer, conversations, *_, **__):
        seen.extend(conversations)
        return [generate.Answer("ok", True, 1)] * len(conversations)

    monkeypatch.setattr(persona.generate, "answers", answers)
    model, tokenizer = load.load(base, lora=load.Lora(4))
    chosen = wanted(tiny_base, replay_share=0.1, effort=effort)
    training = persona.Training(sample_twin, chosen, base, model, tokenizer, Progress())
    assert len(persona.replay_rows(training, 300)) == len(seen) == asked


# Problems


def test_training_without_rows_is_stopped_with_the_next_action(twin, tiny_base):
    [problem] = settings.stops(persona.problems(wanted(tiny_base), twin))
    assert "twinlib corpus" in problem.text


@pytest.mark.parametrize(
    "changes, word",
    [
        ({"engine": "unsloth"}, "Unsloth"),
        ({"precision": "4-bit"}, "4-bit"),
        ({"compile": True}, "compile to auto"),
        ({"checkpointing": "selective"}, "checkpointing to auto"),
        ({"base": "qwen2.5-14b", "precision": "32-bit"}, "smaller base"),
    ],
)
def test_what_this_machine_cannot_do_is_a_stop(sample_twin, tiny_base, changes, word, monkeypatch):
    machine = {**persona.machine(), "gpu": None, "memory_gb": 16.0}
    monkeypatch.setattr(persona, "machine", lambda: machine)
    assert any(
        word in p.text
        for p in settings.stops(persona.problems(wanted(tiny_base, **changes), sample_twin))
    )


def test_a_second_gpu_is_pointed_out_with_the_command(sample_twin, tiny_base, monkeypatch):
    machine = {
        **persona.machine(),
        "gpu": "NVIDIA A100",
        "gpu_gb": 40.0,
        "gpu_capability": 8.0,
        "gpus": 2,
        "unsloth": False,
    }
    monkeypatch.setattr(persona, "machine", lambda: machine)
    [said] = [p for p in persona.problems(wanted(tiny_base), sample_twin) if "2 GPUs" in p.text]
    assert (
        said.level == "warning"
        and "accelerate launch --num_processes 2 -m twinlib persona" in said.text
    )
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert not [p for p in persona.problems(wanted(tiny_base), sample_twin) if "2 GPUs" in p.text]
    stops = settings.stops(persona.problems(wanted(tiny_base, engine="unsloth"), sample_twin))
    assert any("one process" in p.text for p in stops)


@pytest.mark.parametrize("passages, level", [(4, "stop"), (12, "warning"), (60, None)])
def test_too_little_text_is_said_before_anything_is_trained(
    sample_twin, tiny_base, passages, level
):
    path = sample_twin.report_path("corpus")
    report = json.loads(path.read_text())
    # As an older version kept it, without a judgement.
    report["figures"]["train_passages"] = {"value": passages}
    path.write_text(json.dumps(report))
    found = [
        p
        for p in persona.problems(wanted(tiny_base), sample_twin)
        if "passages to learn from" in p.text
    ]
    assert [p.level for p in found] == ([level] if level else [])
    assert all("interview" in p.text for p in found)


def test_a_hundred_epochs_are_warned_about(sample_twin, tiny_base):
    assert any(
        "memorises" in p.text for p in persona.problems(wanted(tiny_base, epochs=100), sample_twin)
    )


def test_a_wrong_base_is_named_with_what_can_be_chosen(sample_twin):
    with pytest.raises(TwinError, match="qwen2.5-coder-0.5b-instruct"):
        persona.run(
            sample_twin, settings.make("persona", base="no-such-base", effort="smoke"), Progress()
        )


def test_a_folder_that_is_no_model_is_said(tmp_path):
    with pytest.raises(TwinError, match="config.json"):
        load.prepare(str(tmp_path))
