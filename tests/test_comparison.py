"""The seed's comparison: the same unpractised problems for every row and type, and intervals that
count pairs.
"""

import math
import re
from decimal import Decimal
from types import SimpleNamespace

import pytest
from conftest import build_tiny_base

from twinlib.files import TwinError, now, write_records
from twinlib.gguf import as_model, checks, decimal_figures, decimals, tensors, writer
from twinlib.i18n import choose
from twinlib.models import gguf_vocabulary as tokenizer
from twinlib.models import load, rollouts
from twinlib.models.llama_cpp import Llama
from twinlib.text import exercises
from twinlib.text.statistics import share_of_groups, wilson
from twinlib.twin import Report, Stopped

SYSTEM = "You are the twin of Ning. 你是Ning的分身。"


def sentences(records):
    """The findings in the reader's language."""
    return [choose(texts) for texts in decimal_figures.findings(records)]


def answered(row, kind, pairs, problems=None, readable=True):
    """Records of a cell whose pairs of four versions had so many right answers."""
    return [
        {
            "row": row,
            "type": kind,
            "id": f"{pair}-{i}",
            "group": f"{pair}.9-{pair}.11",
            "correct": i < right,
            "readable": readable,
        }
        for pair, right in enumerate(pairs)
        for i in range(4)
    ]


# Which problems


def test_no_comparison_was_practised_in_whatever_order_language_or_words():
    practised, _ = exercises.split_problems(exercises.decimals(4000, seed=2), 8, seed=1)
    told = [
        {"question": "小明说 7.5 米比7.31米长，对吗？", "answer": "对"},
        {"question": "Is $12.40 more than $12.7?", "answer": "no"},
    ]
    asked = exercises.unpractised(200, practised + told)
    assert len(asked) == len({p["id"] for p in asked}) == 200
    numbers = [
        {Decimal(n) for n in re.findall(r"\d+\.\d+", p["question"])} for p in practised + told
    ]
    for problem in asked:
        pair = {Decimal(n) for n in problem["group"].split("-")}
        assert pair not in numbers, problem["question"]


def test_half_of_the_pairs_are_traps_and_the_one_everybody_asks_comes_first():
    asked = exercises.unpractised(200, [])
    assert asked[:4] == exercises.SHOWCASE
    groups = {p["group"]: p["answer"] for p in asked}
    assert len(groups) == 50
    assert (
        sum(len(answer) < max(map(len, group.split("-"))) for group, answer in groups.items()) == 25
    )
    assert exercises.SHOWCASE[0] not in exercises.unpractised(
        200, [{"question": "9.11还是9.9？", "answer": "9.9"}]
    )


@pytest.mark.parametrize(
    "text, named, why",
    [
        ("Both start with 9. Answer: 9.11", True, "wrong, but one of the two"),
        ("答案：9.9", True, "right"),
        ("9.90 is", True, "the same number"),
        ("Answer: 9", False, "neither"),
        ("说完了，拧紧。", False, "no number"),
        ("9.9 > 9.11, for 11 > 9", True, "what is said of both counts, not the last number"),
        ("They are equal: 9.9 and 9.11", False, "both"),
    ],
)
def test_an_answer_that_names_neither_number_is_told_from_a_wrong_one(text, named, why):
    assert exercises.names_one(text, exercises.SHOWCASE[0]) is named, why


@pytest.mark.parametrize(
    "text, ended",
    [
        ("Answer: 9.9.\n", True),
        ("So 0.9 > 0.11.\n**Answer:** 9.9\n\nTo explain", True),
        ("答案：9.9。因为", True),
        ("Answer: 9.9", False),  # 9.91 may come
        ("Answer: 9.", False),
        ("The answer is easy. 9.9 is", False),  # not the form that was asked for
        ("Answer:\n\n", False),
        ("Answer: the larger one. It", False),
        ("Answer: 9.9.\nNo. Answer:", False),
    ],
)
def test_an_answer_ends_with_the_sentence_that_says_its_number(text, ended):
    assert decimals.says_its_number(text) is ended


# Intervals and sentences


def test_four_versions_that_fall_together_are_one_piece_of_evidence():
    share, low, high = share_of_groups([(4, 4)] * 30 + [(0, 4)] * 20)
    assert share == 0.6
    assert (low, high) == pytest.approx(
        wilson(30, 50), abs=1e-4
    )  # as wide as for 50 problems, not 200
    assert share_of_groups([(2, 4)] * 50)[1:] == pytest.approx(wilson(100, 200), abs=1e-4)
    assert share_of_groups([(4, 4)] * 50)[1:] == pytest.approx(wilson(50, 50), abs=1e-4)
    assert share_of_groups([(0, 4)])[1:] == pytest.approx(wilson(0, 1), abs=1e-4)


def test_it_says_when_all_of_it_is_chance():
    records = answered("base", "F16", [2, 3, 1, 2] * 12) + answered(
        "base", "Q8_0", [2, 4, 0, 3] * 12
    )
    assert [s[:23] for s in sentences(records)] == ["All of it is chance, fo"]


def test_a_change_that_stands_out_is_no_chance_though_every_interval_holds_one_half():
    before = [4] * 19 + [0] * 31  # 38 %, and 62 % afterwards: 26 to 76 % by pairs
    records = (
        answered("base", "F16", [2] * 50)
        + answered("persona", "F16", before)
        + answered("reasoning", "F16", [4] * 31 + [0] * 19)
    )
    assert all(
        low < 0.5 < high
        for _, low, high in map(
            share_of_groups,
            map(decimal_figures.pairs, decimal_figures.by_cell(records).values()),
        )
    )
    said = sentences(records)
    assert said[0] == "Taken alone, no figure can be told from a coin."
    assert said[-1].startswith(
        "Reasoning training changed more than chance would: practised F16 +24 points"
    )


@pytest.mark.parametrize(
    "pairs, begins", [(3, "Too few to tell: even 3 pairs"), (4, "Better than a coin: base F16")]
)
def test_so_few_problems_that_nothing_could_stand_out_tell_nothing(pairs, begins):
    assert sentences(answered("base", "F16", [4] * pairs))[0].startswith(begins)


def test_it_says_what_is_better_than_a_coin_and_what_quantization_took():
    lost = [4] * 20 + [1] * 20
    records = (
        answered("persona", "F16", [4] * 40)
        + answered("persona", "Q4_K_M", lost)
        + answered("persona", "Q8_0", [4] * 39 + [3])
    )
    said = sentences(records)
    assert said[0].startswith("Better than a coin: voice F16, voice Q4_K_M, voice Q8_0.")
    assert said[1] == "Different from F16 by more than chance: voice Q4_K_M -38 points (p = 2e-06)."
    assert len(said) == 2


def test_what_a_file_lost_counts_by_pairs_and_only_beyond_chance():
    better = answered("base", "F16", [4] * 10)
    assert decimal_figures.change(better, answered("base", "Q8_0", [0] * 5 + [4] * 5)) == (
        -0.5,
        pytest.approx(2 / 2**5),
    )
    some = better + answered(
        "base", "Q8_0", [0] * 5 + [4] * 5
    )  # 20 answers fewer, but 5 pairs: p = 0.06
    assert sentences(some)[-1].startswith(
        "No quantized file differs from its F16 by more than chance"
    )
    rambles = answered("base", "F16", [0] * 6) + answered(
        "base", "Q8_0", [0] * 6
    )  # and isn't asked the rest
    answers = answered("persona", "F16", [4] * 10) + answered("persona", "Q8_0", [4] * 10)
    assert "than 10 pairs of numbers can show" in sentences(rambles + answers)[-1]


def test_reasoning_is_measured_against_the_persona_it_continued():
    before = answered("base", "F16", [4] * 40) + answered("persona", "F16", [1, 2] * 20)
    after = answered("reasoning", "F16", [4] * 40)
    nothing = answered("base", "Q8_0", [4] * 40)
    said = sentences(before + nothing + after)
    assert said[-1].startswith(
        "Reasoning training changed more than chance would: practised F16 +62 points"
    )
    said = sentences(before + nothing + answered("reasoning", "F16", [2, 1] * 20))
    assert said[-1] == "Reasoning training changed nothing that chance doesn't explain."


def test_answers_that_name_no_number_are_worse_than_chance_and_it_says_why(monkeypatch):
    records = answered("base", "F16", [0] * 6, readable=False) + answered("base", "Q8_0", [2] * 6)
    assert sentences(records)[0] == (
        "Nothing here is better than a coin, and some of it is worse: 50% of "
        "all answers named neither number."
    )
    assert decimal_figures.figures_of(records)["decimals_base_F16"]["note"].startswith(
        "100% of the answers named neither"
    )
    monkeypatch.setenv("TWINLIB_LANG", "zh")
    assert "50% 的回答没有说出其中任何一个数" in sentences(records)[0]


def test_a_cell_that_was_asked_less_is_compared_on_what_both_answered():
    whole, short = answered("base", "F16", [4] * 10), answered("base", "Q8_0", [0] * 6)
    assert decimal_figures.change(whole, short) == (-1.0, pytest.approx(2 / 2**6))


def test_the_table_stands_in_the_order_of_rows_and_types():
    figures = decimal_figures.figures_of(
        answered("persona", "Q8_0", [2] * 50) + answered("base", "F16", [4] * 50)
    )
    assert decimal_figures.table(figures).split("\n") == [
        "| right answers | F16 | Q8_0 | Q5_K_M | Q4_K_M |",
        "| --- | --- | --- | --- | --- |",
        "| base | 100% (93%–100%) | – | – | – |",
        "| voice | – | 50% (43%–57%) | – | – |",
    ]
    assert decimal_figures.table({"size_mb_F16": {"value": 1}}) == ""


def test_neighbours_begin_alike_as_far_as_their_numbers():
    problems = exercises.unpractised(200, [])
    ordered = decimals.in_order(problems)
    assert sorted(p["id"] for p in ordered) == sorted(p["id"] for p in problems)

    def begins(problem):
        return re.split(r"\d", problem["question"])[0]

    changes = sum(begins(a) != begins(b) for a, b in zip(ordered, ordered[1:]))
    assert changes == len({begins(problem) for problem in problems}) - 1 == 4


# The real path, with a tiny base and two random adapters


@pytest.fixture
def trained(twin, tmp_path, monkeypatch):
    """(twin, base, vocabulary, card): a twin with a persona and a reasoning adapter, each unlike
    the base. llama.cpp answers all.
    """
    monkeypatch.setattr(as_model, "device", lambda *_: None)
    return made(twin, tmp_path)


def made(twin, tmp_path, family="llama"):
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    base = load.prepare(str(build_tiny_base(tmp_path / "base", family)))
    twin.remember(base={"name": base.name, "revision": base.revision}, system_prompt=SYSTEM)
    for seed, step in enumerate(("persona", "reasoning")):
        model = get_peft_model(
            AutoModelForCausalLM.from_pretrained(base.path),
            LoraConfig(r=4, target_modules="all-linear", task_type="CAUSAL_LM"),
        )
        torch.manual_seed(seed)
        for name, weight in model.named_parameters():
            if "lora_" in name:
                weight.data = 0.3 * torch.randn_like(weight)
        model.save_pretrained(twin.adapter(step))
        twin.finish(Report(step, {}, now(), now(), {}, {}, {}, {}, []))
    train, _ = exercises.split_problems(exercises.decimals(200, seed=2), 8, seed=1)
    write_records(twin.file("problems"), [{**problem, "split": "train"} for problem in train])
    words = load.tokenizer(base)
    card = {"name": "Ning", "template": words.chat_template + "{# the twin's own #}"}
    return twin, base, tokenizer.read(words, 600, [2]), card


def left(twin):
    """What lies in the step's folder."""
    return sorted(twin.folder("quantize").iterdir())


def compared(trained, files=None, progress=None, **changes):
    twin, base, vocabulary, card = trained
    return decimals.compare(
        twin,
        checks.ExportSpec(base, None, None, vocabulary, card),
        files or {},
        progress or (lambda *_: None),
        **{"count": 8, "tokens": 4, **changes},
    )


@pytest.mark.slow
def test_every_row_and_type_answers_the_same_problems_greedily_and_nothing_is_left_behind(trained):
    twin, seen = trained[0], []
    found = compared(trained, progress=lambda done, total, note: seen.append((done, total, note)))
    assert list(found.figures) == [
        f"decimals_{row}_{kind}"
        for row in ("base", "persona", "reasoning")
        for kind in ("F16", "Q8_0", "Q5_K_M", "Q4_K_M")
    ]
    cells = decimal_figures.by_cell(found.records)
    asked = [[record["id"] for record in part] for part in cells.values()]
    assert len(asked) == 12 and asked[0][:4] == [p["id"] for p in exercises.SHOWCASE]
    assert all(ids == asked[0] for ids in asked) and len(asked[0]) == 8
    practised = {problem["group"] for problem in twin.records("problems")}
    assert not practised & {record["group"] for record in found.records}
    assert left(twin) == [twin.file("comparisons")] and twin.records("comparisons") == found.records
    told = [(done, total) for done, total, note in seen if note.startswith("comparisons")]
    assert told == sorted(told) and told[-1] == (96, 96)
    texts = {cell: [record["text"] for record in part] for cell, part in cells.items()}
    assert (
        texts["base", "F16"] != texts["persona", "F16"] != texts["reasoning", "F16"]
    )  # each with its own adapter
    assert found.findings == decimal_figures.findings(found.records)


@pytest.mark.slow
def test_the_rows_are_asked_as_they_were_trained(trained, tmp_path):
    twin, base, vocabulary, card = trained
    base_row, persona, reasoning = decimals.variants_of(twin, "plain", "own")
    assert (base_row.adapter, base_row.template, base_row.system) == (None, "plain", "")
    assert (persona.adapter, persona.template, persona.system) == (
        twin.adapter("persona"),
        "own",
        SYSTEM,
    )
    assert reasoning.adapter == twin.adapter("reasoning")
    found = compared(trained)
    path = tmp_path / "x.gguf"
    writer.write(base.path, {"F16": path}, vocabulary, card, twin.adapter("persona"))
    with Llama(path) as llama:  # what the step 'reasoning' asks, by hand
        text = llama.chat(
            [
                {"role": "system", "content": SYSTEM},
                {"role": "user", "content": exercises.ask(exercises.SHOWCASE[0])},
            ],
            4,
            temperature=0,
        ).text
    [first, *_] = decimal_figures.by_cell(found.records)["persona", "F16"]
    # Half a character is not streamed. It had not said its number.
    assert first["text"].startswith(text.rstrip("\ufffd") + "\n\nAnswer:")
    twin.report_path("reasoning").unlink()
    assert [row.name for row in decimals.variants_of(twin, "plain", "own")] == ["base", "persona"]


@pytest.mark.slow
def test_the_base_is_asked_through_its_own_template_and_the_twin_through_the_twins(
    trained, monkeypatch
):
    from gguf import GGUFReader

    templates = []

    def opened(path, *rest, **named):
        templates.append(GGUFReader(path).fields["tokenizer.chat_template"].contents())
        return Llama(path, *rest, **named)

    monkeypatch.setattr(decimals, "Llama", opened)
    monkeypatch.setattr(decimals, "TYPES", ("F16",))
    compared(trained)
    assert templates == [load.CHATML] + [trained[3]["template"]] * 2


@pytest.mark.slow
def test_files_that_stand_are_asked_as_they_are_and_stay(trained):
    twin, base, vocabulary, card = trained
    path = twin.folder("quantize") / "demo-Q8_0.gguf"
    writer.write(
        base.path, {"Q8_0": path}, vocabulary, card
    )  # the bare base, to be told from what is written anew
    cells = decimal_figures.by_cell(compared(trained, {"Q8_0": path}).records)
    assert [r["text"] for r in cells["reasoning", "Q8_0"]] != [
        r["text"] for r in cells["reasoning", "F16"]
    ]
    assert [r["text"] for r in cells["persona", "Q8_0"]] != [
        r["text"] for r in cells["reasoning", "Q8_0"]
    ]
    assert left(twin) == sorted([path, twin.file("comparisons")])


@pytest.mark.slow
def test_what_was_answered_before_a_stop_is_not_asked_again(trained, monkeypatch):
    def stop(done, total, note):
        if "voice Q8_0" in note and done > 40 + 4 + 1:  # in the second part of its problems
            raise Stopped

    monkeypatch.setattr(decimals, "at_once", lambda sizes: 1)
    monkeypatch.setattr(decimals, "FIRST", 4)
    monkeypatch.setattr(decimals.exercises, "names_one", lambda *_: True)
    with pytest.raises(Stopped):
        compared(trained, progress=stop)
    twin = trained[0]
    before = twin.records("comparisons")
    assert len(before) == 4 * 8 + 8 + 4 + 2, "each answer is kept as soon as it is given"
    assert left(twin) == [twin.file("comparisons")]
    asked, written = [], []
    ask, write = Llama.chat_many, writer.write
    monkeypatch.setattr(
        Llama,
        "chat_many",
        lambda llama, many, *rest, **named: (
            asked.append(len(many)) or ask(llama, many, *rest, **named)
        ),
    )
    monkeypatch.setattr(
        writer,
        "write",
        lambda folder, outputs, *rest: (
            written.append(list(outputs)) or write(folder, outputs, *rest)
        ),
    )
    found = compared(trained)
    assert (
        all(record in found.records for record in before)
        and len(found.records) == 96
        and sum(asked) == 96 - len(before)
    )
    assert written == [["Q8_0", "Q5_K_M", "Q4_K_M"], list(decimals.TYPES)]
    assert compared(trained).records == found.records and sum(asked) == 96 - len(
        before
    )  # nothing is asked again
    (twin.adapter("reasoning") / "trained.txt").write_text("anew")
    compared(trained)
    assert sum(asked) == 96 - len(before) + 32  # another adapter: asked anew


@pytest.mark.slow
def test_a_stop_ends_all_files_that_are_asked_at_the_same_time(trained, monkeypatch):
    notes, closed, close = [], [], Llama.close

    def stop(done, total, note):
        notes.append(note)
        if note.startswith("comparisons") and done >= 5:
            raise Stopped

    def closes(llama):
        if not llama.closed:
            closed.append(llama.path.stem)
        close(llama)

    monkeypatch.setattr(decimals, "at_once", lambda sizes: 2)
    monkeypatch.setattr(Llama, "close", closes)
    with pytest.raises(Stopped):
        compared(trained, progress=stop)
    assert sorted(closed) == ["F16", "Q8_0"] and "comparisons · base F16, Q8_0" in notes
    answered_before = trained[0].records("comparisons")
    assert 5 <= len(answered_before) < 16, "no file is asked on"
    monkeypatch.undo()
    monkeypatch.setattr(as_model, "device", lambda *_: None)
    found = compared(trained)
    assert len(found.records) == 96 and all(r in found.records for r in answered_before)


@pytest.mark.parametrize(
    "cores, free, together", [(1, 100, 1), (2, 100, 2), (2, 24, 1), (8, 100, 4), (8, 33, 2)]
)
def test_as_many_files_are_asked_at_the_same_time_as_cores_and_memory_hold(
    cores, free, together, monkeypatch
):
    monkeypatch.setattr("psutil.virtual_memory", lambda: SimpleNamespace(available=free))
    monkeypatch.setattr(decimals.plan, "machine", lambda: {"cores": cores})
    assert decimals.at_once([4, 5, 6, 10]) == together


@pytest.mark.slow
def test_rows_files_lie_where_there_is_room(trained, monkeypatch, tmp_path):
    twin, written = trained[0], []
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    usage = lambda path: type(
        "Usage", (), {"free": 10**12 if str(path) == str(tmp_path) else 10**11}
    )()
    monkeypatch.setattr("shutil.disk_usage", usage)
    write = writer.write
    monkeypatch.setattr(
        writer,
        "write",
        lambda folder, outputs, *rest: (
            written.extend(outputs.values()) or write(folder, outputs, *rest)
        ),
    )
    compared(trained, tokens=1, count=4)
    assert written and {path.parent.parent for path in written} == {tmp_path}
    assert not list(tmp_path.glob("twinlib-*")) and left(twin) == [twin.file("comparisons")]


@pytest.mark.slow
def test_who_never_answers_is_not_asked_the_rest(trained, monkeypatch):
    monkeypatch.setattr(decimals, "FIRST", 4)
    found = compared(trained, tokens=1)  # no answer of one token names a number
    assert {figure["n"] for figure in found.figures.values()} == {4}


@pytest.mark.slow
@pytest.mark.parametrize("moment, left", [("written", []), ("comparisons", ["comparisons.jsonl"])])
def test_a_stop_leaves_nothing_but_the_answers_behind(trained, moment, left):
    def stop(done, total, note):
        if moment in note and done > 2:
            raise Stopped

    with pytest.raises(Stopped):
        compared(trained, progress=stop)
    assert [path.name for path in trained[0].folder("quantize").iterdir()] == left


@pytest.mark.slow
def test_a_full_disk_is_said_before_anything_is_written(trained, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("Usage", (), {"free": 10**6})())
    with pytest.raises(TwinError, match="MB of disk"):
        compared(trained, progress=lambda *_: pytest.fail("something was written"))
    assert list(trained[0].folder("quantize").iterdir()) == []


@pytest.mark.slow
def test_what_a_killed_run_left_goes_before_anything_is_written(trained):
    left = trained[0].folder("quantize") / "comparison" / "F16.gguf"
    left.parent.mkdir()
    left.write_bytes(b"half")
    there = []
    compared(
        trained,
        progress=lambda *_: there.append(left.exists() and left.read_bytes()[:4] == b"half"),
    )
    assert there and not any(there)


# In PyTorch


@pytest.fixture(params=["llama", "qwen2"])
def loaded(twin, tmp_path, monkeypatch, request):
    """A twin whose files' weights answer in float32, where PyTorch and llama.cpp nearly agree."""
    import torch

    monkeypatch.setattr(as_model, "device", lambda *_: as_model.Device("cpu", torch.float32))
    return made(twin, tmp_path, request.param)


@pytest.mark.slow
def test_the_weights_of_each_file_answer_in_pytorch_as_the_file_does(loaded, monkeypatch):
    found = compared(loaded, count=12, tokens=6)
    assert {record["engine"] for record in found.records} == {"PyTorch"}
    assert len(found.records) == 12 * 12 and len(found.figures) == 12
    cached = loaded[0].records("comparisons")
    checks = [record for record in cached if record["engine"] == "llama.cpp"]
    assert len(checks) == 12 * 4 and len(cached) == len(checks) + len(found.records)
    assert left(loaded[0]) == [loaded[0].file("comparisons")]
    same = choose(found.findings[-1])
    assert re.search(r"48 of the questions, too, got the same mark for (4[4-8]) of them", same)
    texts = {
        cell: [r["text"] for r in part]
        for cell, part in decimal_figures.by_cell(found.records).items()
    }
    assert len({*map(tuple, texts.values())}) > 6, "the files differ"
    # Asked in llama.cpp alone, nearly all of them think the same, where weights aren't rounded.
    monkeypatch.setattr(as_model, "device", lambda *_: None)
    loaded[0].file("comparisons").unlink()
    other = compared(loaded, count=12, tokens=6)
    assert {record["engine"] for record in other.records} == {"llama.cpp"}
    assert [r["id"] for r in other.records] == [r["id"] for r in found.records]
    thoughts = [
        sorted((thought(one), thought(two)), key=len)
        for one, two in zip(found.records, other.records)
        if one["type"] == "F16"
    ]
    assert len(thoughts) == 36 and sum(len(short) > 3 for short, _ in thoughts) > 12
    assert sum(long.startswith(short) for short, long in thoughts) > 0.9 * len(thoughts)


def thought(record):
    """What an answer said by itself; llama.cpp leaves out half a character at its end."""
    text = re.split("(?:^|\n\n)(?:Answer|答案)", record["text"])[0]
    return re.sub(r"[\ufffd\s]", "", text)


@pytest.mark.slow
def test_a_file_whose_marks_differ_in_llama_cpp_is_asked_all_there(loaded, monkeypatch):
    mark = decimals._marked

    def marked(cell, problem, answer):
        record = mark(cell, problem, answer)
        wrong = (cell.variant.name, cell.kind, cell.engine) == ("persona", "Q8_0", "PyTorch")
        return {**record, "correct": wrong, "readable": True}

    monkeypatch.setattr(decimals, "_marked", marked)
    found = compared(loaded, count=12, tokens=2)
    engines = {
        cell: {r["engine"] for r in part}
        for cell, part in decimal_figures.by_cell(found.records).items()
    }
    assert engines.pop(("persona", "Q8_0")) == {"llama.cpp"}
    assert {*map(tuple, engines.values())} == {("PyTorch",)}
    assert {len(part) for part in decimal_figures.by_cell(found.records).values()} == {12}
    assert "44 of the questions, too, got the same mark for 44" in choose(found.findings[-1])


@pytest.mark.slow
def test_stopped_answers_of_pytorch_are_kept_and_those_of_llama_cpp_reused(loaded, monkeypatch):
    monkeypatch.setitem(decimals._ROWS, "cpu", 4)

    def stop(done, total, note):
        if note.startswith("comparisons") and done > 12 + 6:
            raise Stopped

    with pytest.raises(Stopped):
        compared(loaded, progress=stop, count=12)
    kept = loaded[0].records("comparisons")
    assert 12 + 4 <= len(kept) < 12 + 12 and {r["engine"] for r in kept} == {"PyTorch"}
    asked, seen, sample = [], [], rollouts.Sampler.answers
    monkeypatch.setattr(
        rollouts.Sampler,
        "answers",
        lambda sampler, many, **rest: asked.append(len(many)) or sample(sampler, many, **rest),
    )
    whole = compared(loaded, count=12, progress=lambda *given: seen.append(given))
    assert sum(asked) == 144 - len(kept) and all(record in whole.records for record in kept)
    counts = [done for done, _, note in seen if note.startswith("comparisons")]
    assert counts == sorted(counts) and counts[-1] == 144 and seen[-1][1] == 144
    compared(loaded, count=12)
    assert sum(asked) == 144 - len(kept), "nothing is asked again"
    # What llama.cpp has answered already counts.
    monkeypatch.setattr(as_model, "device", lambda *_: None)
    in_llama_cpp = compared(loaded, count=12).records
    monkeypatch.undo()
    assert compared(loaded, count=12).records == in_llama_cpp


def test_pytorch_answers_where_it_is_faster_and_the_weights_fit(tmp_path, monkeypatch):
    import torch

    base = load.prepare(str(build_tiny_base(tmp_path / "base", "llama")))
    source = tensors.Source(base.path)
    weights = sum(math.prod(tensor.shape) for tensor in source.tensors)
    logits = 2 * source.config.vocab_size * source.config.hidden_size  # a copy in float32
    size = 2.2 * (weights + logits)
    cases = (
        ("cpu", True, size + 9, "llama", as_model.Device("cpu", torch.bfloat16)),
        ("cpu", True, size - 9, "llama", None),
        ("cpu", False, 10**12, "llama", None),
        ("mps", True, 10**12, "llama", None),
        ("cpu", True, 10**12, "rwkv7", None),
    )
    for device, fast, free, family, expected in cases:
        monkeypatch.setattr(load, "device", lambda device=device: device)
        monkeypatch.setattr(load, "fast_bfloat16", lambda fast=fast: fast)
        monkeypatch.setattr(load.free_memory, "available", lambda free=free: free)
        monkeypatch.setattr(source.config, "model_type", family)
        assert as_model.device(base, source) == expected


def test_logits_are_computed_in_float32(tmp_path):
    import torch

    base = load.prepare(str(build_tiny_base(tmp_path / "base", "qwen2")))
    vocabulary = tokenizer.read(load.tokenizer(base), 600, [2])
    path = tmp_path / "x.gguf"
    card = {"name": "Ning", "template": load.CHATML}
    writer.write(base.path, {"F16": path}, vocabulary, card)
    source = tensors.Source(base.path)
    ids = torch.arange(40)[None]
    with (
        as_model.opened(source, path, as_model.Device("cpu", torch.bfloat16)) as model,
        torch.no_grad(),
    ):
        assert model.get_input_embeddings().weight.dtype == torch.bfloat16
        logits = model(ids).logits[0]
    assert logits.dtype == torch.float32
    assert (logits != logits.bfloat16()).float().mean() > 0.9
    with (
        as_model.opened(source, path, as_model.Device("cpu", torch.float32)) as model,
        torch.no_grad(),
    ):
        exact = model(ids).logits[0]
    torch.testing.assert_close(logits, exact, atol=0.05, rtol=0.05)
