"""Step 05 on a tiny real model with a real adapter and GGUF file: held out is held out, nothing is
computed twice.
"""

import re

import pytest

from twinlib import Stopped, TwinError, settings
from twinlib.evaluate import held_out
from twinlib.evaluate import step as evaluate
from twinlib.evaluate.blind_test import codes as blind_codes
from twinlib.evaluate.blind_test import step as blind_test
from twinlib.files import content_id, now, write_records
from twinlib.gguf import writer
from twinlib.models import embed, generate, gguf_vocabulary, load
from twinlib.progress import Progress
from twinlib.text.script import HAN
from twinlib.twin import Report

LEFT_OUT = (
    "told_apart",
    "pick_my_reply",
    "membership",
    "forgetting",
    "own_facts",
    "own_facts.memory",
    "never_wrote",
)  # at effort smoke
WANTED = settings.make("evaluate", effort="smoke", questions=3, answer_tokens=16)


def finish(twin, step, inputs, **values):
    twin.finish(Report(step, values, now(), now(), {}, {}, inputs, {}, []))


def add_adapter(twin, tiny_base, change=0.3):
    """A persona adapter that changes what the base says, and a report that it is fresh."""
    import torch

    base = load.prepare(str(tiny_base))
    twin.remember(base={"name": base.name, "revision": base.revision})
    model, _ = load.load(base, precision="32-bit", lora=load.Lora(4))
    torch.manual_seed(1)
    for name, weight in model.named_parameters():
        if "lora_B" in name:
            weight.data = change * torch.randn_like(weight)
    load.save_adapter(model, base, twin.adapter("persona"))
    finish(twin, "persona", twin.inputs(twin.file("train"), base=True), precision="32-bit")


def add_gguf(twin, tiny_base):
    tokenizer = load.tokenizer(load.prepare(str(tiny_base)))
    vocabulary = gguf_vocabulary.read(tokenizer, 600, load.end_tokens(tokenizer))
    twin.folder("quantize")
    writer.write(
        tiny_base,
        {"Q8_0": twin.gguf("Q8_0")},
        vocabulary,
        {"name": "tiny", "template": tokenizer.chat_template},
    )


@pytest.fixture
def trained(sample_twin, tiny_base):
    add_adapter(sample_twin, tiny_base)
    return sample_twin


def run(twin, wanted=WANTED):
    return evaluate.run(twin, wanted, Progress(twin.history("evaluate"), "evaluate"))


def levels(twin):
    return [problem.level for problem in evaluate.problems(WANTED, twin)]


# The whole step


@pytest.mark.slow
def test_every_row_answers_the_same_held_out_questions_and_every_figure_stands_there(
    trained, tiny_base
):
    add_gguf(trained, tiny_base)
    outcome = run(trained)
    answers = trained.records("answers")
    asked = {
        row: [a["question"] for a in answers if a["row"] == row]
        for row in ("base", "prompt", "twin", "twin-Q8_0")
    }
    held_out_ones = [question["question"] for question in evaluate.questions(trained)][:3]
    assert asked["base"] == asked["prompt"] == held_out_ones
    assert asked["twin"] == asked["twin-Q8_0"] and len(asked["twin"]) == 3, "with new ones"
    assert asked["twin"][: len(held_out_ones)] == held_out_ones
    learnt = {
        row["messages"][-2]["content"] for row in trained.records("train") if row["kind"] == "qa"
    }
    assert not learnt & set(asked["twin"])
    figures = outcome.figures
    assert [name for name in figures if "." not in name][:3] == [
        "verdict",
        "answers_the_question",
        "makes_sense",
    ]
    assert figures["verdict"]["level"] in ("unsure", "bad"), "its weights are random"
    assert {
        "prediction_gain",
        "sounds_like_me",
        "sounds_like_me.prompt",
        "copied",
        "personal_data",
        "nonsense",
        "nonsense.base",
        "nonsense.twin-Q8_0",
        *LEFT_OUT,
    } <= set(figures)
    assert all(
        figures[name]["value"] is None and "effort smoke" in figures[name]["note"]
        for name in LEFT_OUT
    )
    assert (
        "quantize" in figures["quantization_loss"]["note"]
        and "no friend's code" in figures["fool_rate"]["note"]
    )
    assert all(figure["note"] for figure in figures.values())
    assert isinstance(figures["prediction_gain"]["value"], float) and figures["nonsense"][
        "n"
    ] == len(held_out_ones)
    assert any("Too few to tell" in warning for warning in outcome.warnings)
    assert {"corpus/test.jsonl", "persona/adapter", "quantize/demo-Q8_0.gguf"} <= set(
        outcome.inputs
    )
    page = evaluate.side_by_side(trained)[0]
    assert (
        list(page) == ["question", "real", "base", "prompt", "twin", "twin-Q8_0"]
        and page["base"] != page["twin"]
    )
    assert trained.file("side_by_side").exists(), "the page to read is made by the step"


@pytest.mark.slow
def test_at_effort_standard_everything_is_measured_or_says_what_it_lacks(trained, tmp_path):
    problems = tmp_path / "problems.jsonl"
    problems.write_text(
        '{"question": "2 + 2?", "answer": "4"}\n' * 2 + '{"question": "3 + 4?", "answer": "7"}\n'
    )
    wanted = settings.make(
        "evaluate", effort="standard", questions=4, answer_tokens=16, problems=str(problems)
    )
    outcome = run(trained, wanted)
    figures = outcome.figures
    assert figures["forgetting"]["n"] == 60 and figures["forgetting.problems"]["n"] == 2
    assert (
        figures["forgetting.base"]["value"] < 0.2
        and "hardly anything to forget" in figures["forgetting"]["note"]
    )
    assert figures["own_facts"]["n"] >= 8 and figures["own_facts"]["value"] < 0.2
    assert figures["never_wrote"]["n"] == 30 and figures["never_wrote.false_premises"]["n"] == 10
    assert "memory" in figures["own_facts.memory"]["note"]
    for name in ("told_apart", "pick_my_reply", "membership"):
        assert figures[name]["value"] is None and figures[name]["note"].startswith(
            "Too few to tell"
        )
    assert str(problems) in outcome.inputs and all(figure["note"] for figure in figures.values())
    again = [run(trained, wanted).figures, figures]
    assert again[0] == again[1]


@pytest.mark.slow
def test_a_problem_file_that_is_not_there_is_a_stop(trained):
    wanted = settings.make("evaluate", problems="/nowhere/problems.jsonl")
    assert [
        problem.level
        for problem in evaluate.problems(wanted, trained)
        if "/nowhere" in problem.text
    ] == ["stop"]


@pytest.mark.slow
def test_a_second_run_loads_no_model_and_says_the_same(trained, monkeypatch):
    first = run(trained)
    monkeypatch.setattr(load, "load", lambda *_, **__: pytest.fail("the model was loaded again"))
    again = []
    monkeypatch.setattr(embed.E5, "compute", lambda self, texts, _: again.extend(texts))
    assert run(trained).figures == first.figures and not again


@pytest.mark.slow
def test_another_adapter_answers_anew_and_the_base_does_not(trained, tiny_base):
    run(trained)
    before = {(a["row"], a["question"]): a for a in trained.records("answers")}
    add_adapter(trained, tiny_base, change=0.5)
    run(trained)
    for answer in trained.records("answers"):
        same = before[answer["row"], answer["question"]]["model_sha"] == answer["model_sha"]
        assert same == (answer["row"] != "twin")
    assert len(trained.records("answers")) == len(before)


@pytest.mark.slow
def test_a_stop_keeps_what_was_answered(trained):
    class Impatient(Progress):
        def __call__(self, done, total, note="", **figures):
            self.stopping = "prompt" in note  # what the base was asked is answered
            super().__call__(done, total, note, **figures)

    with pytest.raises(Stopped):
        evaluate.run(trained, WANTED, Impatient(trained.history("evaluate"), "evaluate"))
    kept = trained.records("answers")
    assert {answer["row"] for answer in kept} == {"base"}
    run(trained)
    assert kept == [answer for answer in trained.records("answers") if answer["row"] == "base"]


@pytest.mark.slow
def test_the_gain_is_that_of_the_adapter(sample_twin, tiny_base):
    """An adapter that changes nothing gains nothing on anybody's text, and answers as the base
    would.
    """
    add_adapter(sample_twin, tiny_base, change=0.0)
    note = run(sample_twin).figures["prediction_gain"]
    assert note["value"] == pytest.approx(0, abs=1e-6) and "learnt nothing" in note["note"]


@pytest.mark.slow
def test_the_base_is_scored_without_the_adapter_and_less_surprise_is_a_gain(sample_twin, tiny_base):
    add_adapter(sample_twin, tiny_base, change=1.0)
    note = run(sample_twin).figures["prediction_gain"]["note"]
    model, tokenizer = load.load(load.prepare(str(tiny_base)), precision="32-bit")
    texts = [passage["text"] for passage in held_out.cut(evaluate.passages(sample_twin, "test"))]
    plain = sum(nats for nats, _ in generate.nll(model, tokenizer, texts, 2048))
    scores = [
        [
            score["nats"]
            for score in sample_twin.records("scores")
            if score["id"] == content_id(text)
        ]
        for text in texts
    ]
    base, twin = map(sum, zip(*scores))
    assert base == pytest.approx(plain, rel=1e-4) and abs(base - twin) > 1
    written = "".join(texts)
    gain = (base - twin) / (len(written) + 2 * len(re.findall(f"[{HAN}]", written)))
    assert (
        f"surprises the twin {abs(gain):.3f} {'less' if gain > 0 else 'more'} than its base" in note
    )


def test_the_fool_rate_is_that_of_the_codes_that_friends_sent_back(twin):
    trials = [
        {"question": str(n), "owner": "a", "other": "b", "row": "twin", "first": n % 2}
        for n in range(10)
    ]
    assert blind_test.fool_rate(twin)["value"] is None
    twin.folder("evaluate")
    write_records(
        twin.file("blind_tests"),
        [{"id": "AAAA", "trials": trials}, {"id": "ABCD", "trials": trials}],
    )
    fooled = tuple(
        blind_codes.Choice(trial["first"] ^ (n < 3), 2, False) for n, trial in enumerate(trials)
    )
    codes = [
        blind_codes.write(blind_codes.Reply(test, 7, blind_codes.START, fooled, ""))
        for test in ("AAAA", "ABCD")
    ]
    twin.file("blind_codes").write_text("\n".join(codes))
    found = blind_test.fool_rate(twin)
    assert (found["value"], found["n"]) == (0.3, 10) and found["low"] < 0.3 < found["high"]


# What is measured on


def test_questions_come_from_the_documents_in_turn():
    items = [{"document": d, "n": n} for n, d in enumerate("aaabbc")]
    assert [item["n"] for item in held_out.round_robin(items, 5)] == [0, 3, 5, 1, 4]


def test_other_peoples_texts_match_mine_in_language_and_number(sample_twin):
    mine = [{"language": "zh"}] * 7 + [{"language": "en"}] * 3
    theirs = held_out.impostors(mine, [{"text": "他说，好。"}])
    assert [text["language"] for text in theirs].count("zh") == 7 and len(theirs) == 10
    assert len({text["document"] for text in theirs[:6]}) == 6
    assert "，" in theirs[0]["text"] and "," not in theirs[0]["text"]


def test_five_voices_or_more_in_both_languages():
    assert all(len(held_out.voices(language)) >= 5 for language in ("zh", "en"))


# Problems and plan


def test_a_twin_without_an_adapter_is_told_to_train(sample_twin):
    assert any(
        "persona" in problem.text
        for problem in evaluate.problems(WANTED, sample_twin)
        if problem.level == "stop"
    )
    with pytest.raises(TwinError, match="persona"):
        run(sample_twin)


@pytest.mark.slow
def test_a_trained_twin_may_be_measured_without_a_gguf_file(trained):
    assert "stop" not in levels(trained)
    assert any("no GGUF file" in problem.text for problem in evaluate.problems(WANTED, trained))


def table(folder, name="own.csv", encoding="gb18030"):
    """A table of three questions, two of them with answers that are right or wrong."""
    lines = (
        "问题,答案\n十把伞多少钱？,20\n几点收摊？,九点\n怎么修伞？,先擦干。再看伞骨。最后上油。\n"
    )
    (folder / name).write_text(lines, encoding=encoding)
    return str(folder / name)


def test_the_problem_file_is_a_table_in_any_encoding(tmp_path):
    wanted = settings.make("evaluate", effort="standard", problems=table(tmp_path))
    drawn = evaluate._problems_of_file(wanted)
    assert [each["answer"] for each in drawn] == ["20", "九点"]


@pytest.mark.parametrize(
    "effort, lines, levels_and_words",
    [
        ("standard", "question,answer\n1+1?,2\n", []),
        ("quick", "question,answer\n1+1?,2\n", [("warning", "only at effort standard")]),
        ("standard", "", [("stop", "is empty")]),
        ("standard", "\0\1binary" * 9, [("stop", "can't be read")]),
        ("standard", "question,answer\n1+1?,2\nAnd?,\n", [("warning", "1 line of")]),
        ("standard", "question,answer\nWhy?,I was wet. So I ran.\n", [("stop", "right or wrong")]),
    ],
)
def test_what_is_wrong_with_a_problem_file_is_said(twin, tmp_path, effort, lines, levels_and_words):
    (tmp_path / "own.csv").write_text(lines)
    wanted = settings.make("evaluate", effort=effort, problems=str(tmp_path / "own.csv"))
    said = [problem for problem in evaluate.problems(wanted, twin) if "own.csv" in problem.text]
    assert len(said) == len(levels_and_words)
    for problem, (level, words) in zip(said, levels_and_words):
        assert problem.level == level and words in problem.text


def test_an_empty_twin_is_told_to_read_the_corpus(twin):
    assert [(p.level, "corpus" in p.text) for p in evaluate.problems(WANTED, twin)] == [
        ("stop", True)
    ]


@pytest.mark.slow
def test_a_damaged_test_file_is_a_sentence(trained):
    trained.file("test").write_text("not a record\n")
    assert levels(trained) == ["stop"] and "line 1" in evaluate.problems(WANTED, trained)[0].text


@pytest.mark.slow
def test_nothing_held_out_is_a_stop(trained):
    passages = [{**passage, "split": "train"} for passage in trained.records("passages")]
    write_records(trained.file("passages"), passages)
    assert any(
        "held out" in problem.text
        for problem in evaluate.problems(WANTED, trained)
        if problem.level == "stop"
    )


def test_what_is_ahead_is_said_before_it_starts_and_few_questions_mean_a_short_run(
    trained, capsys, monkeypatch
):
    def stop(*_):
        raise Stopped("here")

    monkeypatch.setattr(evaluate, "gather", stop)
    said = {}
    for count in (4, 24):
        chosen = settings.make("evaluate", effort="smoke", questions=count, picks=0)
        with pytest.raises(Stopped):
            run(trained, chosen)
        output = capsys.readouterr().out
        found = re.search(r"About (\d+ \w+) on .*: (\d+) answers .* (\d+) texts", output)
        assert found, output
        sample = evaluate.draw(
            trained, evaluate.resolve(chosen, evaluate.plan(chosen, trained).values)
        )
        answers, texts = int(found[2]), int(found[3])
        assert texts == 2 * len(sample.mine + sample.theirs)
        assert answers == sum(map(len, sample.conversations.values())) + 2 * len(sample.prefixes)
        assert len(sample.prefixes) == min(8, count) and len(sample.mine) <= 2 * count
        said[count] = answers, texts, evaluate.plan(chosen, trained).seconds
    (few, few_texts, few_seconds), (many, many_texts, many_seconds) = said[4], said[24]
    assert few < many and few_texts <= many_texts and few_seconds < many_seconds


@pytest.mark.parametrize(
    "effort, questions, tokens, picks",
    [
        ("smoke", 24, 56, 0),
        ("quick", 24, 120, 20),
        ("standard", 40, 250, 50),
        ("thorough", 100, 300, 100),
    ],
)
def test_the_plan_follows_the_effort(twin, effort, questions, tokens, picks):
    plan = evaluate.plan(settings.make("evaluate", effort=effort), twin)
    assert plan.values == {
        "questions": questions,
        "answer_tokens": tokens,
        "picks": picks,
        "files": "recommended" if effort in ("smoke", "quick") else "all",
    }
    assert plan.seconds > 0 and plan.memory_gb > 0 and set(plan.reasons) == set(plan.values)
