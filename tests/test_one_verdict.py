"""One verdict a figure: over random reports picture, note, table and summary say the same.

And what is no twin, the author's sentences shuffled, gets no green card.
"""

import random
import re
from pathlib import Path

import pytest

from twinlib import i18n
from twinlib.evaluate import figures, instructions, memorization, ratings, scores
from twinlib.evaluate.figures import BY_NAME, THRESHOLDS, threshold
from twinlib.evaluate.held_out import impostors, voices
from twinlib.evaluate.step import Sample
from twinlib.models import device_fit, embed
from twinlib.settings import Evaluate
from twinlib.text import labels, style
from twinlib.text.script import SENTENCE, language_of
from twinlib.twin import Report, figure
from twinlib.ui import score_card, summary, tables

POSTS = Path(__file__).parent.parent / "data_samples" / "posts"
# The first words of a note that rates, by level, in both languages.
WORDS = {
    "good": ("Good", "好"),
    "unsure": ("Not enough", "样本不够"),
    "so-so": ("So-so", "一般"),
    "bad": ("Bad", "不好"),
}
SEEDS = range(12)


def quantized(kind, divergence):
    return {f"size_mb_{kind}": figure(500), f"kl_divergence_{kind}": divergence}


def random_figures(seed):
    """The figures of a twin about whom everything is drawn at random, by the real functions."""
    draw = random.Random(seed)
    documents = draw.choice((2, 6, 40))

    def texts(gain):
        return [
            {"document": f"d{n}", "text": "x" * 20, "gain": draw.gauss(gain, 0.4), "loss": 1.0}
            for n in range(documents)
        ]

    def rows(flaw):
        said = "A bolt holds because the thread is longer than the hurry of whoever turned it. "
        broken = ("", "on and on and on and on and on and on and on and on", said)
        return [
            {
                "document": f"d{n}",
                "language": "en",
                "prompt": "?",
                "text": draw.choice(broken[:2]) if draw.random() < flaw else f"{said}{n}",
            }
            for n in range(documents)
        ]

    def share(name):
        n, hits = documents, draw.randrange(documents + 1)
        bound = threshold(name)
        advice = i18n.both("evaluate.fewer_epochs")
        return ratings.rated(ratings.share(hits, n), bound, advice, documents=documents)

    gains = draw.uniform(-0.6, 0.9), draw.uniform(-0.6, 0.9)
    found = {
        "prediction_gain": scores.prediction_gain(
            texts(gains[0]), texts(gains[1]), THRESHOLDS["prediction_gain"]
        )
    }
    answers = {name: rows(draw.random()) for name in ("base", "twin")}
    found["nonsense"] = scores.nonsense(answers, THRESHOLDS["nonsense"])["twin"]
    trained = [{**text, "loss": draw.random()} for text in texts(0)]
    found["membership"] = memorization.membership(
        trained, [{**text, "loss": draw.random()} for text in texts(0)], threshold("membership")
    )
    before, after = ([draw.random() < p for _ in range(60)] for p in (0.5, draw.random()))
    found |= instructions.forgetting(before, after, threshold("forgetting"))
    for name in ("copied", "copied.exact", "told_apart", "pick_my_reply", "answers_the_question"):
        found[name] = share(name)
    divergence = figure(draw.uniform(0, 0.2), draw.uniform(0, 0.05), 0.3, 100)
    report = Report("quantize", {}, 0, 0, {}, {}, {}, quantized("Q8_0", divergence), [])
    found |= scores.quantization_loss(report, "done", ["Q8_0"], threshold("quantization_loss"))
    return {"verdict": figures.verdict(found), **found}


def colour_of(name, found):
    """The level that the picture's marker shows, by its colour and shape."""
    [axis] = score_card.plot([name], found).axes
    [marker] = [line for line in axis.lines if line.get_markersize() == score_card._OWN]
    kinds = {(colour, shape): level for level, (colour, shape, *_) in score_card._LEVELS.items()}
    kinds[score_card.GREY, "o"] = "unsure"
    return kinds[marker.get_color(), marker.get_marker()]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_colour_in_the_picture_is_the_first_word_of_the_note(twin, monkeypatch, language):
    monkeypatch.setenv("TWINLIB_LANG", language)
    seen = set()
    for seed in SEEDS:
        found = random_figures(seed)
        twin.finish(Report("evaluate", {}, 0, 0, {}, {}, {}, found, []))
        found = twin.report("evaluate").figures  # as a file keeps it
        for name in BY_NAME:
            if name not in found or found[name]["value"] is None or not found[name]["level"]:
                continue
            level = colour_of(name, found)
            note = i18n.choose(labels.note(found[name]))
            assert note.startswith(WORDS[level][language == "zh"]), (seed, name, level, note)
            assert note in tables.figures(twin.report("evaluate")).html.replace("&#x27;", "'")
            assert labels.rating(found[name]) == i18n.data("figures")["levels"][level]
            seen.add((name, level))
        told = summary.summary(twin, "evaluate")
        assert told.level == found["verdict"]["level"]
    assert {level for _, level in seen} == set(WORDS), "each level was drawn"
    assert {"good", "bad"} <= {level for name, level in seen if name == "prediction_gain"}


def test_a_report_from_before_levels_is_coloured_by_its_note():
    """The difference passes the mark, and the note calls it bad for another reason."""
    note = "A character surprises it more. Bad: your own writing surprises it more than before."
    old = {"prediction_gain": {**figure(0.102, 0.05, 0.2, 9, note)}}
    assert colour_of("prediction_gain", old) == "bad"


@pytest.mark.parametrize("value, level", [(0.004, "good"), (0.05, "so-so"), (0.3, "bad")])
def test_step_04_and_the_score_card_rate_a_file_alike(value, level):
    divergence = figure(value, value - 0.001, value + 0.001, 100)
    assert device_fit.level(divergence) == level
    report = Report("quantize", {}, 0, 0, {}, {}, {}, quantized("Q4_0", divergence), [])
    found = scores.quantization_loss(report, "done", ["Q4_0"], threshold("quantization_loss"))
    assert found["quantization_loss"]["level"] == level


def test_more_like_the_author_than_the_author_is_so_so():
    others = voices("en")
    nurse = others.pop("nurse")
    known = {"en": style.fit_voice([nurse[:2400]], others, "en")}

    def rows(texts):
        return [
            {"document": f"d{n}", "language": "en", "prompt": "?", "text": text, "real": real}
            for n, (text, real) in enumerate(zip(texts, own))
        ]

    own = [nurse[2400 + 250 * n :][:250] for n in range(6)]
    base = rows([others["founder"][250 * n :][:250] for n in range(6)])
    piled_up = max(own, key=lambda text: style.margins(known["en"], [text])[0])
    found = scores.sounds_like_me(
        known, rows([piled_up] * 6), base, "twin", threshold("sounds_like_me")
    )
    assert found["value"] > found["most"] > 1 and found["level"] == "so-so"
    assert colour_of("sounds_like_me", {"sounds_like_me": found}) == "so-so"
    assert "more like you than you are" in found["note"]


# A twin of shuffled sentences


def sample_posts():
    """[{document, question, language, paragraphs}] of the sample blog, titles as questions."""
    for path in sorted(POSTS.glob("*.md")):
        text = path.read_text(encoding="utf-8")
        _, body = text.split("\n---\n", 1) if text.startswith("---") else ("", text)
        title = re.search(r"^title: *(.+)$|^# (.+)$", text, re.MULTILINE)
        paragraphs = [p.strip() for p in body.split("\n\n") if len(p.strip()) > 40]
        if title and paragraphs:
            question = (title[1] or title[2]).strip("'\"")
            yield {
                "document": path.name,
                "question": question,
                "language": language_of(question),
                "paragraphs": paragraphs,
            }


def sentences(text):
    edges = [0, *(match.end() for match in SENTENCE.finditer(text)), len(text)]
    return [text[a:b].strip() for a, b in zip(edges, edges[1:]) if text[a:b].strip()]


def measured(twin, says):
    """The card of a twin whose answers are says(post, training sentences in its language).

    What needs a model is as good as can be, so that only the answers count.
    """
    posts = list(sample_posts())
    train, test = posts[::2], posts[1::2]
    passages = [
        {"document": post["document"], "language": post["language"], "text": paragraph}
        for post in train
        for paragraph in post["paragraphs"]
    ]
    known = {
        language: [s for p in passages if p["language"] == language for s in sentences(p["text"])]
        for language in i18n.LANGUAGES
    }
    questions = [
        {
            "document": post["document"],
            "language": post["language"],
            "question": post["question"],
            "prompt": post["question"],
            "real": " ".join(post["paragraphs"]),
            "source": "local",
        }
        for post in test
    ]
    strangers = voices("en")["founder"], voices("zh")["founder"]

    def answered(variant):
        for number, (post, question) in enumerate(zip(test, questions)):
            other = strangers[post["language"] == "zh"][number * 90 :][:300]
            text = says(post, known[post["language"]]) if variant == "twin" else other
            yield {**question, "text": text}

    held_out = [
        {"document": q["document"], "language": q["language"], "text": q["real"]} for q in questions
    ]
    mine = [{**text, "gain": 0.3 * len(text["text"]), "loss": 0.9} for text in held_out]
    theirs = [{**text, "gain": 0.0, "loss": 1.0} for text in impostors(held_out, passages)]
    sample = Sample(passages, held_out, questions, {}, mine, theirs, [], [], [], [], [], [], [], [])
    asked = {variant: list(answered(variant)) for variant in ("base", "prompt", "twin")}
    evidence = figures.Evidence(
        twin, Evaluate(effort="smoke", picks=0), sample, asked, {}, ([], []), {}, embed.embedder()
    )
    return figures.measure(evidence)


@pytest.mark.slow
def test_shuffled_training_sentences_get_no_green_card(twin):
    draw = random.Random(1)
    card = measured(twin, lambda post, known: " ".join(draw.sample(known, 6)))
    assert card["verdict"]["level"] == "bad", card["verdict"]["note"]
    assert card["answers_the_question"]["level"] == "bad"
    twin.finish(Report("evaluate", {}, 0, 0, {}, {}, {}, card, []))
    assert summary.shown(twin, "evaluate").text.startswith("✗ It doesn't answer")
    rated = [name for name in BY_NAME if card.get(name, {}).get("value") is not None]
    assert "bad" in {colour_of(name, card) for name in rated}


@pytest.mark.slow
def test_the_authors_own_passages_are_not_called_bad(twin):
    """Or the test above would pass whatever the answers are."""
    card = measured(twin, lambda post, known: " ".join(post["paragraphs"]))
    assert card["verdict"]["level"] == "unsure", card["verdict"]["note"]
    assert card["answers_the_question"]["value"] > 0.5


def test_a_table_says_the_level_where_the_note_does_not():
    gain = figure(0.2, 0.1, 0.3, 16, note="the same problems", level="good")
    figures = {"accuracy_gain": gain, "no_signal": figure(0.2, note="share of problems")}
    rows = tables.figure_rows(Report("reasoning", {}, 0, 0, {}, {}, {}, figures, []))
    assert [row[-1] for row in rows] == ["good: the same problems", "share of problems"]
