"""The sentences that open each look: concrete, in both languages, without the field's jargon."""

import re

import pytest

from twinlib import commands
from twinlib.files import write_records
from twinlib.i18n import both, data
from twinlib.settings import EFFORTS
from twinlib.twin import STEPS, Report, figure
from twinlib.ui import plots, score_card, summary, tables

JARGON = r"\bnats?\b|\bKL\b|\bAUC\b|perplexity|困惑度|\bp ?[=<]|p 值|p-value|散度|McNemar"


@pytest.fixture(autouse=True)
def in_notebook(monkeypatch):
    """The sentences as the notebooks' looks show them."""
    monkeypatch.setattr(commands, "in_notebook", lambda: True)


def finish(twin, step, figures, effort="smoke", gpu=None, warnings=()):
    settings, machine = {"effort": effort}, {"gpu": gpu}
    twin.folder(step)
    report = Report(step, settings, 0, 0, machine, {}, {}, figures, list(warnings))
    twin.finish(report)


def corpus(twin, passages, documents, held_out=6, level="good"):
    finish(
        twin,
        "corpus",
        {
            "train_passages": figure(passages, level=level),
            "train_documents": figure(documents),
            "test_documents": figure(held_out),
            "passages": figure(passages),
            "documents": figure(documents),
            "tokens": figure(100 * passages),
        },
    )


def trained(twin, before=4.1, after=3.4, **more):
    twin.remember(base={"name": "qwen2.5-coder-0.5b-instruct"})
    losses = {"val_loss_before": figure(before, n=9), "val_loss": figure(after, n=9)}
    finish(twin, "persona", {**losses, "seconds": figure(186)}, **more)


def said(twin, step):
    return summary.shown(twin, step).text


def test_a_small_corpus_is_told_how_many_texts_it_needs(twin):
    corpus(twin, 18, 6, held_out=1, level="so-so")
    text = said(twin, "corpus")
    assert text.startswith("! You have 18 passages")
    assert "Weakest: texts held out for the exam: only 1" in text
    assert "bring about 8 more texts or answer 28 interview questions" in text, "22 passages of 3"
    corpus(twin, 99, 33)
    assert "bring about 35 more texts" in said(twin, "corpus"), "to twice as many"
    corpus(twin, 900, 200)
    assert said(twin, "corpus").endswith("Next: look through the rows, then go on to notebook 02.")


def test_a_smoke_run_is_sent_to_a_gpu_and_a_small_base_past_notebook_03(twin):
    corpus(twin, 99, 33)
    trained(twin)
    text = said(twin, "persona")
    assert text.startswith("✓ It learnt from you") and "2.0 times as likely" in text
    assert "a quick try of 3 min" in text and "notebook 04" in text
    assert "train again at effort standard on a GPU" in text
    assert summary.is_too_small_to_reason(twin)
    assert "04 ·" in tables.saved(twin, "persona", "03_grpo_reasoning").text
    trained(twin, effort="standard", gpu="T4")
    assert "train again" not in said(twin, "persona")
    assert not summary.is_too_small_to_reason(twin) and "notebook 03" in said(twin, "persona")
    trained(twin, before=3.0, after=3.2)
    assert said(twin, "persona").startswith("✗ It did not learn")


@pytest.mark.parametrize("effort, gpu, following", [("smoke", None, "04"), ("standard", "A", "03")])
def test_only_answers_that_were_asked_are_to_be_read(twin, effort, gpu, following):
    """Where several processes share the weights of the model that is trained, none are asked."""
    corpus(twin, 99, 33)
    trained(twin, effort=effort, gpu=gpu)
    learnt = {"kind": "learnt", "tokens": [{"text": "a", "learnt": True}]}
    write_records(twin.file("samples"), [learnt])
    assert "read the answers" not in said(twin, "persona")
    assert f"Next: go on to notebook {following}" in said(twin, "persona")
    shown = tables.before_after(twin).text
    assert said(twin, "persona") in shown and "spread over several GPUs" in shown
    answer = {"kind": "answer", "when": "after", "question": "Who?", "text": "Me.", "author": "I."}
    write_records(twin.file("samples"), [learnt, answer])
    assert "Next: read the answers below, then go on to notebook " in said(twin, "persona")
    shown = tables.before_after(twin).text
    assert said(twin, "persona") in shown and "Me." in shown and "several GPUs" not in shown


def test_the_larger_base_goes_on_to_notebook_03(twin):
    trained(twin)
    twin.remember(base={"name": "qwen2.5-7b"})
    assert "notebook 03" in said(twin, "persona") and not summary.is_too_small_to_reason(twin)
    assert "03 ·" in tables.saved(twin, "persona", "03_grpo_reasoning").text


@pytest.mark.parametrize(
    "low, high, level, begins",
    [
        (-0.1, 0.2, "unsure", "? The practice changed nothing"),
        (0.1, 0.4, "good", "✓ It solves 12 of 16 problems now"),
        (-0.4, -0.1, "bad", "✗ It solves fewer"),
    ],
)
def test_practice_is_judged_by_the_gain(twin, low, high, level, begins):
    gain = figure((low + high) / 2, low, high, 16)
    shares = {"accuracy_before": figure(0.5, n=16), "accuracy_after": figure(0.75, n=16)}
    for kept in (gain, {**gain, "level": level}):  # of an older version, and of this one
        finish(twin, "reasoning", {**shares, "accuracy_gain": kept, "steps": figure(4)})
        assert said(twin, "reasoning").startswith(begins)
        assert summary.summary(twin, "reasoning").level == level


def test_problems_stand_with_the_answers_before_and_after_those_that_changed_first(twin):
    def solution(when, name, correct):
        said = f"{name} {when} <b>"
        about = {"id": name, "question": f"{name}?", "answer": "9.9"}
        return {**about, "when": when, "text": said, "correct": correct}

    marks = {"right": (1, 1), "wrong": (0, 0), "worse": (1, 0), "better": (0, 1)}
    twin.folder("reasoning")
    write_records(
        twin.file("solutions"),
        [
            solution(when, name, bool(mark))
            for name, pair in marks.items()
            for when, mark in zip(("before", "after"), pair)
        ],
    )
    finish(twin, "reasoning", {"accuracy_gain": figure(0.0, -0.2, 0.2, 4)})
    page = tables.practised(twin)
    places = [page.html.index(f"{name}?") for name in ("better", "worse", "wrong")]
    assert places == sorted(places) and "right?" not in page.html and "<b> " not in page.html
    assert "✗ better before" in page.text and "✓ better after" in page.text
    assert "3 of the 4 problems" in page.text and page.text.startswith("? The practice")


def test_the_file_to_take_is_named(twin):
    figures = {"size_mb_Q8_0": figure(531), "kl_divergence_Q8_0": figure(0.001)}
    figures |= {"size_mb_Q4_K_M": figure(398), "kl_divergence_Q4_K_M": figure(0.4)}
    for kind in ("Q8_0", "Q4_K_M"):
        twin.folder("quantize")
        twin.gguf(kind).write_bytes(b"GGUF")
    finish(twin, "quantize", figures)
    text = said(twin, "quantize")
    assert text.startswith("✓ Take demo-Q8_0.gguf (531 MB)")
    assert "Weakest: demo-Q4_K_M.gguf lost much" in text
    twin.gguf("Q8_0").unlink()
    text = said(twin, "quantize")
    assert "No file keeps all" in text and "demo-Q8_0.gguf is no longer on this disk" in text


def test_the_weakest_figure_and_its_cure_follow_the_levels(twin):
    corpus(twin, 900, 200)
    trained(twin, effort="standard", gpu="T4")
    twin.remember(base={"name": "qwen2.5-7b"})
    verdict = figure(None, note=both("evaluate.verdict_answers", n=40), level="unsure")
    good = {"answers_the_question": figure(0.9, 0.8, 1.0, 40, level="good"), "verdict": verdict}

    def with_(**figures):
        finish(twin, "evaluate", {**good, **figures}, effort="standard")
        return said(twin, "evaluate")

    assert with_().endswith("go on to notebook 06.") and "Weakest" not in with_()
    copied = with_(copied=figure(0.4, 0.3, 0.5, 40, level="bad"))
    assert "nearly word for word" in copied and "train again with fewer epochs" in copied
    one_of_five = figure(0.2, 0.03, 0.62, 5, level="so-so")
    assert "fewer epochs" not in with_(copied=one_of_five), "one copy of five may be chance"
    both_weak = with_(copied=one_of_five, membership=figure(0.6, 0.5, 0.7, 30, level="so-so"))
    assert "fewer epochs" in both_weak, "two figures agree"
    file = with_(
        quantization_loss=figure(0.3, level="bad"),
        **{"quantization_loss.Q8_0": figure(0.001, level="good")},
    )
    assert "use the Q8_0 file instead" in file
    caricature = with_(sounds_like_me=figure(1.75, 1.46, 2.16, 20, level="so-so"))
    assert "more like you than you do" in caricature and "fewer epochs" in caricature


def opened(html):
    """What stands open of a page: without what is folded, tags and pictures."""
    html = re.sub(r"<details.*?</details>", " ", html, flags=re.DOTALL)
    return re.sub(r"<[^>]*>", " ", html)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_nothing_that_stands_open_speaks_jargon(twin, monkeypatch, language):
    monkeypatch.setenv("TWINLIB_LANG", language)
    for name in data("strings/verdict"):
        assert not re.search(JARGON, data("strings/verdict")[name][language]), name
    corpus(twin, 99, 33)
    trained(twin)
    twin.folder("quantize")
    twin.gguf("Q4_K_M").write_bytes(b"GGUF")
    measured = {"size_mb_Q4_K_M": figure(398), "kl_divergence_Q4_K_M": figure(0.4, 0.3, 0.5, 100)}
    finish(twin, "quantize", {**measured, "top1_Q4_K_M": figure(0.6)})
    note = both("evaluate.forgetting", tasks=both("evaluate.of_problems"), base=1, twin=2, n=3, p=1)
    scores = {name: figure(0.5, 0.4, 0.6, 9, note, "bad") for name in ("forgetting", "membership")}
    finish(twin, "evaluate", scores)
    pages = [plots.files(twin), score_card.score_card(twin), tables.figures(twin, "evaluate")]
    pages += [summary.shown(twin, step) for step in STEPS]
    for page in pages:
        found = re.search(JARGON, opened(page.html))
        assert not found, (found, opened(page.html))
    assert re.search(JARGON, pages[2].html), "the folded table may speak it"


def test_no_report_is_no_sentence(twin):
    assert [summary.shown(twin, step).html for step in STEPS] == [""] * len(STEPS)


def test_every_figure_that_is_rated_has_words_for_being_weak():
    from twinlib.evaluate.figures import FIGURES

    rated = {entry.name for entry in FIGURES if entry.threshold}
    assert rated <= set(summary._WEAK)
    assert EFFORTS[0] == "smoke"


def test_in_a_terminal_the_next_step_is_a_command(twin, monkeypatch):
    monkeypatch.setattr(commands, "in_notebook", lambda: False)
    monkeypatch.setattr(commands, "program", lambda: "twinlib")
    corpus(twin, passages=500, documents=100)
    said = summary.shown(twin, "corpus").text
    assert said.endswith("then go on with twinlib persona.")
    corpus(twin, passages=100, documents=30, level="so-so")
    assert "twinlib persona" in summary.shown(twin, "corpus").text
