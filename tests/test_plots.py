"""Pictures and tables: drawn from real records, and every text in them harmless."""

import matplotlib
import pytest

from twinlib.twin import Report, figure, now, write_records
from twinlib.ui import plots, show, tables

EVIL = "<script>alert('$x_1$')</script> 你好"


@pytest.fixture(params=["a Chinese font", "no Chinese font"])
def fonts(request, monkeypatch):
    """With whatever font is installed, and as on a machine that has none."""
    if request.param == "no Chinese font":
        monkeypatch.setattr(plots, "chinese_font", lambda: None)


def report(twin, step, figures):
    twin.folder(step)
    twin.finish(Report(step, {}, now(), now(), {}, {}, {}, figures, []))
    return twin.report(step)


def harmless(shown):
    assert "<script" not in shown.html
    return shown


@pytest.mark.parametrize("language", ["en", "zh", "both"])
def test_the_corpus_picture_says_what_was_kept_and_dropped(sample_twin, fonts, language, monkeypatch, recwarn):
    monkeypatch.setenv("TWINLIB_LANG", language)
    shown = plots.corpus(sample_twin)
    kept = len(sample_twin.records("documents"))
    assert f"{kept} texts kept" in shown.text or f"保留 {kept} 篇" in shown.text
    assert "data:image/png;base64," in shown.html
    missing = [str(warning.message) for warning in recwarn if "missing from font" in str(warning.message)]
    assert not missing, "a character was drawn that no font has"


def test_whole_texts_that_were_dropped_are_counted_by_reason_and_parts_are_not(sample_twin):
    sample_twin.file("dropped").write_text(
        "document,what,reason,text,characters,id\na.md,document,too short,x,1,1\nb.md,document,too short,x,1,2\n"
        "c.md,quotation,somebody else's words,x,1,3\n", encoding="utf-8")
    assert plots._dropped(sample_twin) == {"too short": 2}


def test_loss_and_rewards_get_a_panel_each_and_nothing_is_drawn_of_nothing():
    records = [{"done": step, "total": 9, "loss": 3 / step, "reward": step / 9, "correct": .1} for step in range(1, 9)]
    records += [{"done": 4, "total": 9, "eval_loss": 1.2}, {"done": 5, "total": 9, "loss": float("nan")}]
    assert len(plots.curves_of(records).axes) == 2
    assert [line.get_label() for line in plots.curves_of(records).axes[0].lines] == ["loss", "eval_loss"]
    assert plots.curves_of([{"done": 1, "total": 2, "note": "reading"}]) is None
    assert plots.embedded(None) == ""


def test_curves_of_a_step_that_has_not_run_are_a_sentence(twin):
    assert plots.curves(twin, "persona").text == "There are no numbers to draw yet."


def test_the_score_card_shows_values_intervals_and_skips_what_was_not_measured(twin, fonts):
    report(twin, "evaluate", {"sounds_like_me": figure(.71, .6, .82, 40), "sounds_like_me.base": figure(.02),
                              "fool_rate": figure(None, note="later")})
    assert "95 % interval" in plots.score_card(twin).text
    assert plots.score_card(twin).html.count("<img") == 1
    report(twin, "evaluate", {"fool_rate": figure(None, note="later")})
    assert plots.score_card(twin).html == ""


def test_sizes_name_every_file(twin):
    (twin.folder("quantize") / "demo-Q8_0.gguf").write_bytes(bytes(2_500_000))
    assert "demo-Q8_0.gguf 2 MB" in plots.sizes(twin).text


def test_a_learnt_sample_marks_what_is_learnt(twin):
    tokens = [("Question? ", False), (EVIL, True), ("<|im_end|>", True)]
    write_records(twin.file("samples"), [{"kind": "learnt", "tokens": [
        {"text": text, "learnt": learnt} for text, learnt in tokens]}])
    shown = harmless(tables.learnt(twin))
    assert f'{tables.LEARNT}">&lt;|im_end|&gt;</span>' in shown.html
    assert f'{tables.MASKED}">Question? </span>' in shown.html
    assert "tokens" not in shown.text, "the pieces are runs of tokens: their number says nothing"


def test_before_and_after_stand_beside_what_the_author_wrote(twin):
    write_records(twin.file("samples"), [
        {"kind": "answer", "when": "before", "question": EVIL, "text": "As an AI", "author": "Tea, hot."},
        {"kind": "answer", "when": "after", "question": EVIL, "text": EVIL, "author": "Tea, hot."}])
    shown = harmless(tables.before_after(twin))
    assert shown.text.splitlines()[1].split("  ")[1:] == ["As an AI", show._cut(EVIL, 60), "Tea, hot."]


def test_training_rows_are_counted_and_quoted_word_for_word(sample_twin):
    rows = sample_twin.records("train")
    shown = harmless(tables.rows(sample_twin))
    assert shown.text.startswith(f"{len(rows)} rows to learn from: ")
    assert show.esc(tables._cut(tables._turn(rows[0], "assistant"))) in shown.html


def test_answers_stand_side_by_side_with_the_real_passage(sample_twin):
    row = next(row for row in sample_twin.records("test") if row["kind"] == "qa")
    question, real = row["messages"][-2]["content"], row["messages"][-1]["content"]
    sample_twin.folder("evaluate")
    write_records(sample_twin.file("answers"), [
        {"id": "1", "question": question, "row": name, "text": f"{name} says {EVIL}", "model_sha": "x", "ended": True}
        for name in ("base", "prompt", "twin", "twin-Q8_0")])
    shown = harmless(tables.side_by_side(sample_twin))
    assert "<th" in shown.html and "twin-Q8_0" in shown.html
    for text in (question, f"prompt says {EVIL}", tables._cut(real)):
        assert show.esc(text) in shown.html


def test_what_would_be_uploaded_is_listed_with_sizes(twin):
    folder = twin.upload("demo-GGUF")
    folder.mkdir(parents=True)
    (folder / "README.md").write_text("# " + EVIL, encoding="utf-8")
    (folder / "demo-Q8_0.gguf").write_bytes(bytes(1_200_000))
    assert tables.uploads(twin).text.splitlines()[1:3] == [
        "demo-GGUF   README.md       40 B", "demo-GGUF   demo-Q8_0.gguf  1 MB"]
    assert EVIL in harmless(tables.card(twin)).text


def test_chinese_columns_stand_under_each_other():
    text = show.text_table(("指标", "value"), [("像我", "0.7"), ("copied", "0.01")])
    starts = [show.width(line.split(last)[0]) for line, last in zip(text.splitlines(), ("value", "0.7", "0.01"))]
    assert starts == [8, 8, 8]


def test_a_long_cell_is_cut_in_a_terminal_by_its_width():
    assert show.text_table(("a",), [("一二三四五六",)], longest=7).splitlines()[1] == "一二三…"


def test_drawing_leaves_matplotlib_as_it_was():
    before = dict(matplotlib.rcParams)
    plots.curves_of([{"done": 1, "loss": 1.0}])
    assert dict(matplotlib.rcParams) == before
