"""Pictures and tables: drawn from real records, and every text in them harmless."""

import re

import matplotlib
import pytest

from twinlib.files import now, write_atomic, write_records
from twinlib.text import sufficiency
from twinlib.twin import Report, figure
from twinlib.ui import display, gguf_choice, plots, plotting, tables

EVIL = "<script>alert('$x_1$')</script> 你好"


@pytest.fixture(params=["a Chinese font", "no Chinese font"])
def fonts(request, monkeypatch):
    """With whatever font is installed, and as on a machine that has none."""
    if request.param == "no Chinese font":
        monkeypatch.setattr(plotting, "chinese_font", lambda: None)


def report(twin, step, figures):
    twin.folder(step)
    twin.finish(Report(step, {}, now(), now(), {}, {}, {}, figures, []))
    return twin.report(step)


def harmless(shown):
    assert "<script" not in shown.html
    return shown


@pytest.mark.parametrize("language", ["en", "zh", "both"])
def test_the_corpus_picture_says_what_was_kept_and_dropped(
    sample_twin, fonts, language, monkeypatch, recwarn
):
    monkeypatch.setenv("TWINLIB_LANG", language)
    shown = plots.corpus(sample_twin)
    kept = len(sample_twin.records("documents"))
    assert f"{kept} texts kept" in shown.text or f"保留 {kept} 篇" in shown.text
    assert "data:image/png;base64," in shown.html
    missing = [
        str(warning.message) for warning in recwarn if "missing from font" in str(warning.message)
    ]
    assert not missing, "a character was drawn that no font has"


def leave_out(twin, *lines):
    rows = [
        f"{document},{what},{reason},x,{characters},1\n"
        for document, what, reason, characters in lines
    ]
    twin.file("dropped").write_text(
        "document,what,reason,text,characters,id\n" + "".join(rows), encoding="utf-8"
    )


def drawn(panel):
    """The one axis of a picture, and every text in it."""
    axis = plotting.picture(panel.draw).axes[0]
    return axis, [
        text.get_text() for text in [*axis.texts, *axis.get_xticklabels(), *axis.get_yticklabels()]
    ]


def test_whole_texts_that_were_dropped_are_counted_and_parts_are_not(sample_twin):
    leave_out(
        sample_twin,
        ("a.md", "document", "too short", 1),
        ("b.md", "文章", "太短", 1),
        ("c.md", "quotation", "somebody else's words", 1),
    )
    kept = len(sample_twin.records("documents"))
    assert f"{kept} texts kept, 2 put aside" in plots.corpus(sample_twin).text


def test_what_came_in_is_counted_by_format_with_what_was_put_aside():
    kept = [{"source": "x.zip/a.md"}, {"source": "chat.json#2023-05"}, {"source": "b.MD"}]
    aside = [{"document": "c.md", "what": "document"}, {"document": "c.md", "what": "code"}]
    axis, texts = drawn(plots.formats_panel(kept, aside))
    assert texts[:2] == ["3", "1"] and [".md", ".json"] == [
        label.get_text() for label in axis.get_yticklabels()
    ]


def test_characters_by_script_show_the_share_that_was_kept(twin, fonts):
    report(
        twin,
        "corpus",
        {
            "characters_in": figure(150),
            "characters_chinese": figure(5, n=100),
            "characters_latin": figure(50, n=50),
        },
    )
    assert drawn(plots.scripts_panel(twin))[1][:2] == ["5%", "100%"]
    report(twin, "corpus", {"characters_in": figure(0)})
    assert plots.scripts_panel(twin) is None


def test_texts_stand_by_year_or_by_month_when_they_are_of_one(fonts):
    def bars(*dates):
        axis = drawn(plots.dates_panel([{"date": date} for date in dates]))[0]
        return {
            round(bar.get_x() + bar.get_width() / 2, 2): bar.get_height() for bar in axis.patches
        }

    assert bars("2010-03-01", "2010", "2019-01-02", None) == {2010: 2, 2019: 1}
    assert bars("2020-01-05", "2020-01-09", "2021-07-01") == {2020.04: 2, 2021.54: 1}
    assert plots.dates_panel([{"date": None}]) is None
    assert plots.dates_panel([{"date": "2020-01-05"}] * 5) is None, "one bar is a block of green"


def test_words_are_counted_by_the_place_they_lie_in(twin):
    twin.folder("corpus")
    write_records(
        twin.file("documents"),
        [
            {"source": f"all/{source}", "text": "x" * 30}
            for source in ("blog/a.md", "blog/2020/b.md", "chat.txt#2023-05")
        ],
    )
    leave_out(
        twin, ("all/blog/c.md", "document", "draft", 40), ("all/wx.zip/d.html", "code", "code", 5)
    )
    lines = [line.split() for line in tables.words(twin).text.splitlines()[2:]]
    assert lines == [
        ["blog/", "2", "60", "40", "60%"],
        ["*.txt", "1", "30", "0", "100%"],
        ["wx.zip/", "0", "0", "5", "0%"],
    ]


def panels(records):
    """The names of the curves in every panel."""
    return [
        [line.get_label() for line in figure.axes[0].lines] for figure in plots.curves_of(records)
    ]


def test_a_reward_that_only_the_history_names_is_drawn_beside_the_others():
    records = [
        {"done": step, "total": 2, "reward": 0.5, "reward_brevity": step / 2} for step in (1, 2)
    ]
    assert panels(records) == [["reward", "reward_brevity"]]


def test_loss_and_rewards_get_a_panel_each_and_nothing_is_drawn_of_nothing():
    records = [
        {"done": step, "total": 9, "loss": 3 / step, "reward": step / 9, "correct": 0.1}
        for step in range(1, 9)
    ]
    records += [
        {"done": 4, "total": 9, "eval_loss": 1.2},
        {"done": 5, "total": 9, "loss": float("nan")},
    ]
    assert panels(records) == [["loss", "val"], ["reward", "correct"]]
    assert (
        plots.curves_of([{"done": 1, "total": 2, "note": "reading"}, {"sample": {"step": 1}}]) == []
    )
    assert plotting.embedded(None) == "" == plotting.row([]) == plotting.scrolled(None)
    drawn = plotting.picture(lambda axes: axes.plot([1, 2]), wide=8)
    assert "overflow-x:auto" in plotting.scrolled(drawn) and "576px" in plotting.scrolled(drawn)


def test_rate_and_speed_have_panels_of_their_own_and_names_in_chinese(monkeypatch):
    monkeypatch.setattr(plotting, "chinese_font", lambda: "a font")
    records = [
        {
            "done": 1,
            "total": 9,
            "loss": 3.0,
            "learning_rate": 1e-4,
            "tokens_s": 4e4,
            "memory_gb": 12.0,
        }
    ]
    assert panels(records) == [["loss"], ["rate"], ["tokens/s"]]
    monkeypatch.setenv("TWINLIB_LANG", "zh")
    assert panels(records) == [["损失"], ["学习率"], ["token/秒"]]
    monkeypatch.setattr(plotting, "chinese_font", lambda: None)
    assert panels(records) == [["loss"], ["rate"], ["tokens/s"]]


def test_a_step_that_was_done_again_is_drawn_once_and_what_is_no_number_never():
    records = [{"done": step, "loss": float(step)} for step in (1, 2, 3)] + [
        {"done": 2, "loss": 9.0}
    ]
    records += [
        {"done": 4, "loss": float("nan")},
        {"done": 5, "loss": float("inf")},
        {"done": 6, "loss": "?"},
    ]
    assert plots.curve_points(records, "loss") == [(1, 1, 1, 1), (2, 9, 9, 9), (3, 3, 3, 3)]


def test_long_histories_are_thinned_and_keep_their_end_and_their_peaks():
    records = [{"done": step, "total": 20_000, "loss": 1.0} for step in range(1, 20_101)]
    records[7_123]["loss"] = 99.0
    points = plots.curve_points(records, "loss")
    assert 100 < len(points) <= plots.POINTS and points[-1][0] == 20_100
    assert [high for *_, high in points if high > 1] == [99.0] and {
        low for _, _, low, _ in points
    } == {1.0}
    assert 1 < max(mean for _, mean, _, _ in points) < 3
    [figure] = plots.curves_of(records)
    assert figure.axes[0].get_ylim()[1] > 99, "the peak is in the picture"
    assert len(plots.curve_points(records[: plots.POINTS], "loss")) == plots.POINTS, (
        "a short one is drawn whole"
    )


def test_a_picture_has_its_size_so_that_the_page_does_not_jump():
    html = plotting.row(plots.curves_of([{"done": 1, "loss": 1.0}]))
    wide, tall = (int(html.split(f'{side}="')[1].split('"')[0]) for side in ("width", "height"))
    assert (wide, tall) == (403, 211) and "height:auto" in html


@pytest.mark.parametrize(
    "language, caption", [("en", "when val, the loss on rows"), ("zh", "验证损失（val")]
)
def test_the_curves_of_a_run_have_a_caption_with_the_names_in_them(
    twin, language, caption, monkeypatch
):
    monkeypatch.setenv("TWINLIB_LANG", language)
    twin.folder("persona")
    write_records(
        twin.history("persona"), [{"done": 1, "total": 2, "loss": 2.0}, {"sample": {"step": 1}}]
    )
    shown = plots.curves(twin, "persona")
    assert caption in shown.text and shown.html.count("<img") == 1


def test_curves_of_a_step_that_has_not_run_are_a_sentence(twin):
    assert plots.curves(twin, "persona").text == "There are no numbers to draw yet."


def quantized(twin, failed=(), warnings=(), context=4096, **figures):
    """A twin of a 7B after step 04: {KIND: (MB, divergence, low, high, top-1, tokens a second)}."""
    twin.facts["base"] = {"name": "qwen2.5-7b"}
    names = ("kl_divergence", "top1", "tokens_per_second")
    twin.folder("quantize")
    found = {}
    for kind, (size, value, low, high, top1, speed) in figures.items():
        measured = figure(value, low, high), figure(top1), figure(speed)
        found |= {f"size_mb_{kind}": figure(size)} | {
            f"{name}_{kind}": each
            for name, each in zip(names, measured)
            if each["value"] is not None
        }
        twin.gguf(kind).with_suffix(".gguf.failed" if kind in failed else ".gguf").write_bytes(
            b"GGUF"
        )
    twin.finish(
        Report("quantize", {"context": context}, now(), now(), {}, {}, {}, found, list(warnings))
    )
    return twin


SEVEN = {
    "Q8_0": (8099, 0.0006, 0.0005, 0.0007, 0.988, 5.2),
    "Q5_K_M": (5445, 0.0079, 0.0069, 0.0092, 0.958, 8.1),
    "Q4_K_M": (4683, 0.0212, 0.0189, 0.0241, 0.931, 9.4),
}


def columns(shown):
    """The lines of what is shown, each a list of its columns."""
    return [re.split(r"\s{2,}", line) for line in shown.text.splitlines()]


def lines(shown):
    """Those of a table of files."""
    return [line for line in columns(shown) if line[0].endswith(".gguf") and len(line) > 2]


def test_every_file_stands_with_its_difference_memory_and_devices(twin):
    shown = plots.files(quantized(twin, **SEVEN))
    assert lines(shown) == [
        ["demo-Q4_K_M.gguf", "hardly different", "93%", "5.6 GB", "≥ 12 GB", "≥ 16 GB", "≥ 6 GB"],
        ["demo-Q5_K_M.gguf", "hardly different", "96%", "6.4 GB", "≥ 12 GB", "≥ 16 GB", "≥ 8 GB"],
        ["demo-Q8_0.gguf", "indistinguishable", "99%", "9.3 GB", "—", "≥ 16 GB", "≥ 12 GB"],
    ]
    assert shown.text.startswith("✓ Take demo-Q4_K_M.gguf (4.7 GB): it says practically what")


def test_the_file_to_take_is_the_smallest_good_one_else_the_nearest(twin):
    far = {
        kind: (size, value * 4, low, high, top1, speed)
        for kind, (size, value, low, high, top1, speed) in SEVEN.items()
    }
    assert "Take demo-Q8_0.gguf (8.1 GB)" in plots.files(quantized(twin, **far)).text
    nearest = plots.files(
        quantized(twin, Q4_K_M=far["Q4_K_M"], Q5_K_M=(5445, 0.05, 0.04, 0.06, 0.9, 8))
    )
    assert nearest.text.startswith("! No file keeps all") and "demo-Q5_K_M.gguf" in nearest.text
    assert "make the Q8_0 file too" in nearest.text


def test_the_conversation_of_the_settings_counts_and_a_base_nobody_knows_is_not_guessed_at(twin):
    assert "≥ 8 GB" in lines(plots.files(quantized(twin, context=32768, Q4_K_M=SEVEN["Q4_K_M"])))[0]
    twin.facts["base"] = {"name": "/nowhere"}
    assert lines(plots.files(twin))[0][3:] == ["?", "?", "?", "?"]


def test_on_a_phone_every_column_of_the_files_is_there_below_the_others(twin):
    shown = plots.files(quantized(twin, **SEVEN)).html
    assert "<table" not in shown and shown.count('role="columnheader"') == 7


def picture_of(twin):
    """The texts of the pictures' axes (sizes, differences, speeds), and the axes."""
    panels = gguf_choice.files_panels(gguf_choice.measured_files(twin, twin.report("quantize")))
    axes = [plotting.picture(draw).axes[0] for draw in panels]
    return [[text.get_text() for text in axis.texts] for axis in axes], axes


def test_the_picture_has_sizes_differences_and_speeds_in_one_order(twin):
    (sizes, differences, speeds), axes = picture_of(quantized(twin, **SEVEN))
    assert sizes == ["4.7 GB", "5.4 GB", "8.1 GB"] and speeds == ["9.4", "8.1", "5.2"]
    assert differences[-3:] == ["2.1 %", "0.79 %", "0.06 %"], "how much less likely words become"
    assert [label.get_text() for label in axes[0].get_yticklabels()] == [
        "Q4_K_M",
        "Q5_K_M",
        "Q8_0",
    ]
    axis = axes[1]
    assert axis.get_xscale() == "log" and {0.005, 0.03} <= set(axis.get_xticks())
    dots = {tuple(line.get_xdata()) for line in axis.lines}
    assert {(0.0189, 0.0241), (0.0212,), (0.0069, 0.0092)} <= dots, "the intervals, too"


def test_what_is_smaller_or_larger_than_the_axis_is_still_seen(twin):
    (_, differences, _), axes = picture_of(
        quantized(
            twin, F16=(15237, -1e-7, -2e-7, 3e-7, 1.0, 3.0), Q4_K_M=(4683, 2.5, 2.1, 3.0, 0.2, 9.4)
        )
    )
    assert differences[-2:] == ["92 %", "< 0.02 %"] and axes[1].get_xlim() == (2e-4, 6)
    assert [line.get_marker() for line in axes[1].lines if len(line.get_xdata()) == 1][-2:] == [
        "X",
        "<",
    ]


def test_a_file_that_failed_is_shown_as_failed_with_its_reason_and_never_advised(twin, fonts):
    why = f"demo-Q4_K_M.gguf is kept aside as demo-Q4_K_M.gguf.failed: {EVIL}."
    quantized(
        twin, failed=["Q4_K_M"], warnings=["demo-Q4_K_M.gguf: two words of doubt.", why], **SEVEN
    )
    shown = harmless(plots.files(twin))
    assert f"✗ {why}" in shown.text.splitlines() and "doubt." not in shown.text
    assert "Take demo-Q5_K_M.gguf" in shown.text
    assert lines(shown)[0][:2] == ["demo-Q4_K_M.gguf", "not offered"]
    (_, _, speeds), axes = picture_of(twin)
    assert (
        speeds == ["✗ not offered", "8.1", "5.2"]
        and axes[0].get_yticklabels()[0].get_text() == "✗ Q4_K_M"
    )


def test_a_file_that_failed_before_anything_was_measured_is_shown_too(twin):
    quantized(
        twin,
        warnings=["demo-Q8_0.gguf 已放到一边，改名为 demo-Q8_0.gguf.failed：文件不完整。"],
        Q4_K_M=SEVEN["Q4_K_M"],
    )
    assert ["demo-Q8_0.gguf", "not offered", "—", "?", "?", "?", "?"] in lines(plots.files(twin))
    assert picture_of(twin)[0][0] == ["?", "4.7 GB"]


@pytest.mark.parametrize(
    "language, said", [("en", "not measured"), ("zh", "没有量"), ("both", "not measured · 没有量")]
)
def test_a_report_of_before_is_drawn_and_says_what_is_missing(
    twin, fonts, language, said, monkeypatch, recwarn
):
    monkeypatch.setenv("TWINLIB_LANG", language)
    quantized(
        twin, Q8_0=(8099, None, None, None, None, 5.2), F16=(15237, None, None, None, None, None)
    )
    shown = plots.files(twin)
    assert shown.html.count("<img") == 3 and lines(shown)[0][1] == said
    assert not [
        str(warning.message) for warning in recwarn if "missing from font" in str(warning.message)
    ]


def test_the_share_of_equal_first_choices_stands_in_for_a_divergence(twin):
    quantized(twin, Q4_K_M=(4683, None, None, None, 0.931, 9.4))
    assert "same first choice 93.1%" in picture_of(twin)[0][1]
    assert lines(plots.files(twin))[0][1:3] == ["hardly different", "93%"]


def test_without_files_there_is_a_sentence(twin, monkeypatch):
    monkeypatch.setattr("twinlib.commands.in_notebook", lambda: True)
    assert plots.files(twin).text == "There is no GGUF file yet: run the step above."
    assert "9.11' in the form above" in plots.decimals(twin).text


def test_the_decimals_of_every_row_and_file_stand_with_their_intervals(twin):
    shares = {
        "decimals_reasoning_Q4_K_M": figure(0.62, 0.55, 0.69, 200),
        "decimals_base_Q4_K_M": figure(0.5, 0.43, 0.57, 200),
        "decimals_base_F16": figure(0.51, 0.44, 0.58, 200),
    }
    report(twin, "quantize", shares)
    said = columns(plots.decimals(twin))
    assert said[:3] == [
        ["9.9 or 9.11? Share right", "Q4_K_M", "F16"],
        ["base", "50 % (43 … 57)", "51 % (44 … 58)"],
        ["practised", "62 % (55 … 69)", "—"],
    ]
    assert said[3][0].startswith("Where the interval holds 50 %")


def test_what_the_step_made_of_the_decimals_stands_below_them(twin):
    report(
        twin,
        "quantize",
        {
            "decimals_base_Q8_0": figure(0.5, 0.43, 0.57),
            "decimals": figure(None, note="All chance."),
        },
    )
    assert columns(plots.decimals(twin))[-1] == ["All chance."]


def test_a_learnt_sample_marks_what_is_learnt(twin):
    tokens = [("Question? ", False), (EVIL, True), ("<|im_end|>", True)]
    write_records(
        twin.file("samples"),
        [
            {
                "kind": "learnt",
                "tokens": [{"text": text, "learnt": learnt} for text, learnt in tokens],
            }
        ],
    )
    shown = harmless(tables.learnt(twin))
    assert f'{tables.LEARNT}">&lt;|im_end|&gt;</span>' in shown.html
    assert f'{tables.MASKED}">Question? </span>' in shown.html
    assert "tokens" not in shown.text, "the pieces are runs of tokens: their number says nothing"


def test_before_and_after_stand_beside_what_the_author_wrote(twin):
    write_records(
        twin.file("samples"),
        [
            {
                "kind": "answer",
                "when": "before",
                "question": EVIL,
                "text": "As an AI",
                "author": "Tea, hot.",
            },
            {
                "kind": "answer",
                "when": "after",
                "question": EVIL,
                "text": EVIL,
                "author": "Tea, hot.",
            },
        ],
    )
    shown = harmless(tables.before_after(twin))
    assert shown.text.splitlines()[1].split("  ")[1:] == [
        "As an AI",
        display.cut(EVIL, 60),
        "Tea, hot.",
    ]


def test_training_rows_are_counted_and_quoted_word_for_word(sample_twin):
    rows = [row for split in ("train", "val") for row in sample_twin.records(split)]
    shown = harmless(tables.rows(sample_twin))
    assert f"\n{len(rows)} training rows: " in shown.text
    assert display.esc(tables.cut(tables.turn(rows[0], "assistant"))) in shown.html
    assert "<table" not in shown.html, "on a phone the words go below, and not out of the page"


def test_answers_stand_side_by_side_with_the_real_passage(sample_twin):
    row = next(row for row in sample_twin.records("test") if row["kind"] == "qa")
    question, real = row["messages"][-2]["content"], row["messages"][-1]["content"]
    sample_twin.folder("evaluate")
    write_records(
        sample_twin.file("answers"),
        [
            {
                "id": "1",
                "question": question,
                "row": name,
                "text": f"{name} says {EVIL}",
                "model_sha": "x",
                "ended": True,
            }
            for name in ("base", "prompt", "twin", "twin-Q8_0")
        ],
    )
    shown = harmless(tables.side_by_side(sample_twin))
    assert shown.html.count("<iframe") == 1 and 'sandbox="allow-scripts"' in shown.html
    header, line, *_, where = shown.text.splitlines()
    assert (
        header.split("  ")[0] == "Question"
        and header.endswith("Ning, really")
        and " twin as Q8_0 " in header
    )
    for text in (question, f"prompt says {EVIL}", display.cut(real, 60)):
        assert text in line
    assert (
        str(sample_twin.file("side_by_side")) in where and sample_twin.file("side_by_side").exists()
    )


def test_what_would_be_uploaded_is_listed_with_sizes(twin):
    card = twin.upload("demo-GGUF") / "README.md"
    write_atomic(card, "# " + EVIL)
    write_records(
        twin.file("uploads"),
        [
            {
                "repository": "me/demo-GGUF",
                "file": "README.md",
                "bytes": 40,
                "path": "publish/demo-GGUF/README.md",
            },
            {
                "repository": "me/demo-GGUF",
                "file": "demo-Q8_0.gguf",
                "bytes": 1_200_000,
                "path": "quantize/demo-Q8_0.gguf",
            },
        ],
    )
    assert tables.uploads(twin).text.splitlines()[2:4] == [
        "me/demo-GGUF  README.md       40 B  publish/demo-GGUF/README.md",
        "me/demo-GGUF  demo-Q8_0.gguf  1 MB  quantize/demo-Q8_0.gguf",
    ]
    assert EVIL in harmless(tables.card(twin)).text


def test_chinese_columns_stand_under_each_other():
    text = display.text_table(("指标", "value"), [("像我", "0.7"), ("copied", "0.01")])
    starts = [
        display.width(line.split(last)[0])
        for line, last in zip(text.splitlines(), ("value", "0.7", "0.01"))
    ]
    assert starts == [8, 8, 8]


def test_a_long_cell_is_cut_in_a_terminal_by_its_width():
    assert display.text_table(("a",), [("一二三四五六",)], longest=7).splitlines()[1] == "一二三…"


def test_drawing_leaves_matplotlib_as_it_was():
    before = dict(matplotlib.rcParams)
    plots.curves_of([{"done": 1, "loss": 1.0}])
    assert dict(matplotlib.rcParams) == before


@pytest.mark.slow
@pytest.mark.parametrize("width", [535, 390])
def test_pictures_stay_readable_on_narrow_pages(chromium, sample_twin, width):
    twin = quantized(sample_twin, **SEVEN)
    scores = {"sounds_like_me": figure(0.7, 0.6, 0.8, 40), "copied": figure(0.0, 0, 0.1, 40)}
    report(twin, "evaluate", scores)
    path = f"/home/ning/{'a_very_long_name' * 9}/twins"
    pages = plots.corpus(twin), plots.files(twin), plots.score_card(twin), display.caption(path)
    page = chromium.new_page(viewport={"width": width, "height": 800})
    page.set_content("".join(shown.html for shown in pages))
    sizes = page.evaluate(
        "[...document.images].map(image => image.clientWidth / image.getAttribute('width'))"
    )
    # Their text is 9 points, or 12 pixels, high.
    assert len(sizes) >= 8 and min(sizes) > 0.75, sizes
    assert page.evaluate("document.documentElement.scrollWidth") <= width, "nothing is cut"
    page.close()


def test_the_card_is_shown_as_readers_see_it_and_nothing_in_it_runs(twin):
    text = "---\nlicense: mit\n---\n\n# Ning\n\n<details>\n<summary>All</summary>\n\n| a | b |\n"
    text += f"| --- | --- |\n| 1 | {EVIL} |\n\n</details>\n\n![Score card](score_card_en.png)\n"
    write_atomic(twin.upload("demo-GGUF") / "README.md", text)
    write_atomic(twin.file("score_card_en"), b"PNG")
    report(twin, "publish", {"files": figure(2)})
    shown = harmless(tables.card(twin))
    assert "<h1>Ning</h1>" in shown.html and "license" not in shown.html
    assert "<details><summary>All</summary>" in shown.html and "</details>" in shown.html
    assert "<td>1</td>" in shown.html and "data:image/png;base64,UE5H" in shown.html


def test_words_passages_and_rows_have_one_number_each(sample_twin):
    figures = sample_twin.report("corpus").figures
    rows = figures["rows"]["value"]
    assert f"{rows} training rows" in tables.rows(sample_twin).text
    assert len(tables.training_rows(sample_twin)) == rows
    train = [p for p in sample_twin.records("passages") if p["split"] == "train"]
    assert figures["train_passages"]["value"] == len(train)
    # What step 02 says of the corpus, too.
    assert sufficiency.of_figures(figures).sentence in plots.corpus(sample_twin).text
    old = {name: {**part, "tokens": 1} for name, part in figures.items()}
    assert sufficiency.of_figures(old).sentence in plots.corpus(sample_twin).text, (
        "kept, not redone"
    )


def test_of_a_card_only_its_tables_scroll_and_its_words_stay_whole_there():
    html = tables.rendered("# Ning\n\n> quoted\n\n| a | b |\n| - | - |\n| 1 | 2 |\n", [])
    before, table, after = re.split("(<table>.*</table>)", html, flags=re.DOTALL)
    assert before.rstrip().endswith('overflow-wrap:normal">') and after.startswith("</div>")
    assert (
        '<blockquote style="margin-left:.5em' in before and "overflow-wrap:anywhere" in tables._PAGE
    )
