"""What is seen of practice while it runs: the completion, the sentences, the form's correction."""

import json

import pytest

from twinlib import settings
from twinlib.progress import Progress, line_of
from twinlib.train import reasoning
from twinlib.ui import forms, plots, plotting, practice_view, progress_view


def steps(count, **figures):
    """Records of steps; a figure is a value or a function of the share done."""
    return [
        {
            "done": i + 1,
            "total": count,
            **{name: f(i / count) if callable(f) else f for name, f in figures.items()},
        }
        for i in range(count)
    ]


@pytest.mark.parametrize(
    "figures, english, chinese",
    [
        ({"no_signal": 0.7, "correct": 0.9}, "too easy", "太容易"),
        ({"no_signal": 0.7, "correct": 0.05}, "too hard", "太难"),
        ({"no_signal": 0.7}, "worth the same", "得分都一样"),
        ({"no_signal": 0.1, "clipped": 0.4}, "40% of the answers are cut off", "截断"),
        ({"no_signal": 0.1, "entropy": 0.01}, "hardly differ", "几乎一样"),
        (
            {"no_signal": 0.1, "reward": lambda x: x, "held_out_accuracy": lambda x: 0.6 - x / 2},
            "learns to please the reward",
            "讨好奖励",
        ),
        (
            {"no_signal": 0.1, "reward": lambda x: x, "held_out_accuracy": lambda x: 0.3 + x / 2},
            "It helps",
            "有用",
        ),
        ({"no_signal": 0.1, "reward": lambda x: x}, "The reward rises", "奖励从"),
        ({"no_signal": 0.1, "reward": 0.4}, "The reward stands at 0.40", "奖励现在是"),
    ],
)
def test_a_sentence_says_what_the_figures_mean_now(monkeypatch, figures, english, chinese):
    records = steps(60, **figures)
    for language, words in (("en", english), ("zh", chinese)):
        monkeypatch.setenv("TWINLIB_LANG", language)
        assert any(words in text for _, text in practice_view.sentences(records))
    assert practice_view.sentences(records[:3]) == [], "too early to tell"


@pytest.mark.parametrize(
    "text, taken, right, html, plain",
    [
        ("Think <b>.\nAnswer: 9.9", [19, 22], True, "Think &lt;b&gt;.\nAnswer: <mark", "[9.9]"),
        ("答案：9.11。", [3, 7], False, "答案：<mark", "答案：[9.11]。"),
        ("no idea", None, False, "no idea", "no idea[]"),
    ],
)
def test_the_completion_shows_what_was_taken_in_colour_and_in_brackets(
    monkeypatch, text, taken, right, html, plain
):
    monkeypatch.setenv("TWINLIB_LANG", "en")
    sample = {"step": 3, "question": "9.9 < 9.11?", "text": text, "taken": taken, "right": right}
    shown = practice_view.completion(sample)
    assert html in shown.html and "9.9 &lt; 9.11?" in shown.html and plain in shown.text
    if taken:
        assert f">{text[slice(*taken)]}</mark>" in shown.html
    assert ("220,50,50" in shown.html) == (right is False and bool(taken))


def test_the_terminal_prints_it_in_brackets_and_the_history_keeps_it(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("TWINLIB_LANG", "en")
    progress = Progress(tmp_path / "history.jsonl", "reasoning")
    text = "a long way " * 40 + "\x1b[31mso\nAnswer: 9.9 indeed"
    start = text.index("9.9")
    progress.sample(4, "9.9?", text, taken=[start, start + 3], right=True)
    progress.sample(5, "9.9?", "dunno", taken=None, right=False)
    said = capsys.readouterr().out
    assert "✓ …" in said and "Answer: [9.9] indeed" in said and "\x1b" not in said
    assert "✗ dunno" in said
    [first, second] = map(json.loads, (tmp_path / "history.jsonl").read_text().splitlines())
    assert first["sample"]["taken"] == [start, start + 3] and second["sample"]["right"] is False


@pytest.mark.filterwarnings("ignore:Glyph")  # a font without Chinese
def test_rewards_by_function_and_the_held_out_accuracy_are_drawn_with_labels(monkeypatch):
    monkeypatch.setenv("TWINLIB_LANG", "zh")
    monkeypatch.setattr(plotting, "chinese_font", lambda: "DejaVu Sans")  # labels of any machine
    names = ("reward", "reward_near", "reward_style", "held_out_accuracy", "no_signal", "entropy")
    records = steps(30, **dict.fromkeys(names, 0.5))
    figures = plots.curves_of(records)
    drawn = [text.get_text() for f in figures for text in f.axes[0].get_legend().get_texts()]
    assert "像您的答案" in drawn and "留出题" in drawn and "无信号" in drawn
    assert "像您的答案 0.50" in line_of(records[-1], "reasoning")
    sample = {"step": 2, "question": "<q>", "text": "x", "taken": None, "right": None}
    html = progress_view.pictures([*records, {"sample": sample}]).html
    assert "&lt;q&gt;" in html and "成段的话" in html


@pytest.mark.parametrize("batch, taken", [(3, 4), (4, 4), (5, 4), (9, 8)])
def test_answers_at_once_that_do_not_divide_are_corrected_beside_their_field(
    twin, monkeypatch, batch, taken
):
    monkeypatch.setenv("TWINLIB_LANG", "en")
    form = forms.form("reasoning", twin, generations=2 if batch < 9 else 8)
    form.inputs["batch"].value = str(batch)
    hint = form.hints["batch"].value
    assert (f"taken as {taken}" in hint) == (batch != taken)
    chosen = form.settings
    warned = [problem.text for problem in reasoning.problems(chosen, twin)]
    assert any(f"taken as {taken}" in text for text in warned) == (batch != taken)
    assert not [p for p in settings.stops(reasoning.problems(chosen, twin)) if "taken" in p.text]
