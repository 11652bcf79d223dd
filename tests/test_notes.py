"""Notes of figures are kept as what they say, and read in the reader's language."""

import json

import pytest

from twinlib import i18n
from twinlib.evaluate import figures, ratings
from twinlib.files import TwinError
from twinlib.i18n import both
from twinlib.text import labels
from twinlib.twin import Report, figure


def through_a_file(measured):
    return json.loads(json.dumps(measured, ensure_ascii=False))


@pytest.mark.parametrize("made_in, read_in", [("en", "zh"), ("zh", "en"), ("both", "zh")])
def test_a_note_made_in_one_language_is_read_in_another(monkeypatch, made_in, read_in):
    monkeypatch.setenv("TWINLIB_LANG", made_in)
    bound, advice = figures.threshold("copied"), both("evaluate.fewer_epochs")
    counts = {"n": 40, "near": 9, "exact": 1, "known": 0, "own": "0%", "run": 23}
    details = both("evaluate.copied", **counts)
    found = through_a_file(ratings.rated(figure(0.2, 0.15, 0.3, 40), bound, advice, details))
    monkeypatch.setenv("TWINLIB_LANG", read_in)
    said = i18n.choose(labels.note(found))
    assert said == i18n.choose(ratings.joined(*_sentences(bound, advice, details)))
    assert ("不好" in said) == (read_in == "zh") and ("Bad" in said) == (read_in == "en")


def _sentences(bound, advice, details):
    return both("evaluate.bad", bound=bound.text()), advice, details


def test_lists_labels_and_numbers_of_numpy_survive_the_file():
    import numpy

    kinds = i18n.listed([both("ui.base"), {"en": "draft", "zh": "草稿"}, "GGUF"])
    note = both("core.name_and_count", name=kinds, count=numpy.int64(3))
    assert labels.note(through_a_file(figure(1, note=note))) == dict(note)


def test_a_sentence_that_is_gone_is_read_as_it_was():
    kept = {**figure(1, note="as it was"), "said": {"key": "evaluate.gone_long_ago", "values": {}}}
    assert labels.note(kept) == {"en": "as it was", "zh": "as it was"}
    kept["said"] = {"key": "evaluate.copied", "values": {"n": 3}}  # needs more today
    assert labels.note(kept)["en"] == "as it was"


@pytest.mark.parametrize(
    "note, level",
    [
        ("Good (at most 5%), so far as so few can tell. Given", "unsure"),
        ("好（标准：至多 5%），但样本少，说不准。", "unsure"),
        ("A character surprises it less. Bad: it learnt nothing that is yours.", "bad"),
        ("每个字的意外程度减少 0.1。不好：没学到您独有的东西。", "bad"),
        ("So-so: that may be chance.", "so-so"),
        ("Good: no worse than the base. · 好：不比基础模型差。", "good"),
        ("broken characters: 1, in the wrong script: 1", None),
    ],
)
def test_a_report_from_before_levels_is_rated_by_the_words_of_its_note(note, level):
    assert labels.level({**figure(0.5, note=note)}) == level


def test_a_warning_is_read_in_the_readers_language_too(twin, monkeypatch):
    monkeypatch.setenv("TWINLIB_LANG", "en")
    warning = i18n.t("evaluate.few_held_out", documents=4)
    report = Report("evaluate", {}, 0, 0, {}, {}, {}, {}, [warning, "frozen"])
    twin.folder("evaluate")
    twin.finish(report)
    assert twin.report("evaluate").warnings == [warning, "frozen"]
    monkeypatch.setenv("TWINLIB_LANG", "zh")
    assert twin.report("evaluate").warnings[0].startswith("只留出了 4 篇文章")
    path = twin.report_path("evaluate")
    path.write_text(path.read_text(encoding="utf-8").replace("few_held_out", "gone"), "utf-8")
    assert twin.report("evaluate").warnings[0] == warning, "as it was said"


def test_a_sentence_in_a_warning_and_an_error_in_it_change_the_language_too(twin, monkeypatch):
    monkeypatch.setenv("TWINLIB_LANG", "en")
    error = TwinError(i18n.t("corpus.no_memory_to_ask", name="qwen"))
    lines = [i18n.t("corpus.add_more_text"), i18n.t("corpus.answer_interview")]
    warnings = [
        i18n.t("corpus.titles_ask_instead", error=error),
        i18n.said(i18n.listed(lines, "core.sentence_separator")),
    ]
    twin.folder("corpus")
    twin.finish(Report("corpus", {}, 0, 0, {}, {}, {}, {}, warnings))
    assert twin.report("corpus").warnings == warnings
    monkeypatch.setenv("TWINLIB_LANG", "zh")
    first, second = twin.report("corpus").warnings
    assert first == (
        "本机空闲内存不够让 qwen 提问：请在“提问的模型”（--question-model）里选小一点的。"
        "在此之前用现成的问句。"
    )
    assert second.startswith("再找些您写过的") and "访谈" in second and "Add" not in second
