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


def leave_out(twin, *lines):
    rows = [f"{document},{what},{reason},x,{characters},1\n" for document, what, reason, characters in lines]
    twin.file("dropped").write_text("document,what,reason,text,characters,id\n" + "".join(rows), encoding="utf-8")


def drawn(draw):
    """The one axis of a picture, and every text in it."""
    axis = plots.picture(draw).axes[0]
    return axis, [text.get_text() for text in [*axis.texts, *axis.get_xticklabels(), *axis.get_yticklabels()]]


def test_whole_texts_that_were_dropped_are_counted_and_parts_are_not(sample_twin):
    leave_out(sample_twin, ("a.md", "document", "too short", 1), ("b.md", "文章", "太短", 1),
              ("c.md", "quotation", "somebody else's words", 1))
    kept = len(sample_twin.records("documents"))
    assert f"{kept} texts kept, 2 put aside" in plots.corpus(sample_twin).text


def test_what_came_in_is_counted_by_format_with_what_was_put_aside():
    kept = [{"source": "x.zip/a.md"}, {"source": "chat.json#2023-05"}, {"source": "b.MD"}]
    aside = [{"document": "c.md", "what": "document"}, {"document": "c.md", "what": "code"}]
    axis, texts = drawn(plots._formats(kept, aside))
    assert texts[:2] == ["3", "1"] and [".md", ".json"] == [label.get_text() for label in axis.get_yticklabels()]


def test_characters_by_script_show_the_share_that_was_kept(twin, fonts):
    report(twin, "corpus", {"characters_in": figure(150), "characters_chinese": figure(5, n=100),
                            "characters_latin": figure(50, n=50)})
    assert drawn(plots._scripts(twin))[1][:2] == ["5%", "100%"]
    report(twin, "corpus", {"characters_in": figure(0)})
    assert plots._scripts(twin) is None


def test_texts_stand_by_year_or_by_month_when_they_are_of_one(fonts):
    def bars(*dates):
        axis = drawn(plots._when([{"date": date} for date in dates]))[0]
        return {round(bar.get_x() + bar.get_width() / 2, 2): bar.get_height() for bar in axis.patches}

    assert bars("2010-03-01", "2010", "2019-01-02", None) == {2010: 2, 2019: 1}
    assert bars("2020-01-05", "2020-01-09", "2021-07-01") == {2020.04: 2, 2021.54: 1}
    assert plots._when([{"date": None}]) is None


def test_words_are_counted_by_the_place_they_lie_in(twin):
    twin.folder("corpus")
    write_records(twin.file("documents"), [
        {"source": f"all/{source}", "text": "x" * 30} for source in ("blog/a.md", "blog/2020/b.md", "chat.txt#2023-05")])
    leave_out(twin, ("all/blog/c.md", "document", "draft", 40), ("all/wx.zip/d.html", "code", "code", 5))
    lines = [line.split() for line in tables.words(twin).text.splitlines()[1:]]
    assert lines == [["blog/", "2", "60", "40", "60%"], ["*.txt", "1", "30", "0", "100%"], ["wx.zip/", "0", "0", "5", "0%"]]


def panels(records):
    """The names of the curves in every panel."""
    return [[line.get_label() for line in figure.axes[0].lines] for figure in plots.curves_of(records)]


def test_loss_and_rewards_get_a_panel_each_and_nothing_is_drawn_of_nothing():
    records = [{"done": step, "total": 9, "loss": 3 / step, "reward": step / 9, "correct": .1} for step in range(1, 9)]
    records += [{"done": 4, "total": 9, "eval_loss": 1.2}, {"done": 5, "total": 9, "loss": float("nan")}]
    assert panels(records) == [["loss", "val"], ["reward", "correct"]]
    assert plots.curves_of([{"done": 1, "total": 2, "note": "reading"}, {"sample": {"step": 1}}]) == []
    assert plots.embedded(None) == "" == plots.row([])


def test_rate_and_speed_have_panels_of_their_own_and_names_in_chinese(monkeypatch):
    monkeypatch.setattr(plots, "chinese_font", lambda: "a font")
    records = [{"done": 1, "total": 9, "loss": 3.0, "learning_rate": 1e-4, "tokens_s": 4e4, "memory_gb": 12.0}]
    assert panels(records) == [["loss"], ["rate"], ["tokens/s"]]
    monkeypatch.setenv("TWINLIB_LANG", "zh")
    assert panels(records) == [["损失"], ["学习率"], ["token/秒"]]
    monkeypatch.setattr(plots, "chinese_font", lambda: None)
    assert panels(records) == [["loss"], ["rate"], ["tokens/s"]]


def test_a_step_that_was_done_again_is_drawn_once_and_what_is_no_number_never():
    records = [{"done": step, "loss": float(step)} for step in (1, 2, 3)] + [{"done": 2, "loss": 9.0}]
    records += [{"done": 4, "loss": float("nan")}, {"done": 5, "loss": float("inf")}, {"done": 6, "loss": "?"}]
    assert plots._points(records, "loss") == [(1, 1, 1, 1), (2, 9, 9, 9), (3, 3, 3, 3)]


def test_long_histories_are_thinned_and_keep_their_end_and_their_peaks():
    records = [{"done": step, "total": 20_000, "loss": 1.0} for step in range(1, 20_101)]
    records[7_123]["loss"] = 99.0
    points = plots._points(records, "loss")
    assert 100 < len(points) <= plots.POINTS and points[-1][0] == 20_100
    assert [high for *_, high in points if high > 1] == [99.0] and {low for _, _, low, _ in points} == {1.0}
    assert 1 < max(mean for _, mean, _, _ in points) < 3
    [figure] = plots.curves_of(records)
    assert figure.axes[0].get_ylim()[1] > 99, "the peak is in the picture"
    assert len(plots._points(records[:plots.POINTS], "loss")) == plots.POINTS, "a short one is drawn whole"


def test_a_picture_has_its_size_so_that_the_page_does_not_jump():
    html = plots.row(plots.curves_of([{"done": 1, "loss": 1.0}]))
    wide, tall = (int(html.split(f'{side}="')[1].split('"')[0]) for side in ("width", "height"))
    assert (wide, tall) == (403, 211) and "height:auto" in html


@pytest.mark.parametrize("language, caption", [("en", "when val, the loss on rows"), ("zh", "验证损失（val")])
def test_the_curves_of_a_run_have_a_caption_with_the_names_in_them(twin, language, caption, monkeypatch):
    monkeypatch.setenv("TWINLIB_LANG", language)
    twin.folder("persona")
    write_records(twin.history("persona"), [{"done": 1, "total": 2, "loss": 2.0}, {"sample": {"step": 1}}])
    shown = plots.curves(twin, "persona")
    assert caption in shown.text and shown.html.count("<img") == 1


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
    assert show.esc(tables._cut(tables.turn(rows[0], "assistant"))) in shown.html


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
