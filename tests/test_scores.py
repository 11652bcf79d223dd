"""From answers and scores to figures: values on tiny inputs, and the sentence that says what they
mean.
"""

import pytest

from twinlib.evaluate import facts, instructions, memorization, ratings, scores
from twinlib.evaluate.figures import THRESHOLDS, threshold
from twinlib.evaluate.held_out import voices
from twinlib.text import style
from twinlib.text.statistics import auc
from twinlib.twin import Report, figure

ZH = (
    "台上：一把扳手，一缸茶，一本空账本。电车没了，人还得上班。"
    "那年城里一下子多出许多自行车，链条响得像搓麻将。"
)
EN = (
    "On the bench: a new bicycle, eleven days old, already dying. "
    "A student bought it and asked me what it is worth."
)


def answer(text, language="zh", document="d", prompt="?", real=ZH):
    return {
        "text": text,
        "language": language,
        "document": document,
        "prompt": prompt,
        "real": real,
    }


def text(document, gain, characters=10):
    return {"document": document, "gain": gain, "text": "x" * characters}


# Prediction gain


def test_prediction_gain_is_the_gain_on_mine_less_the_gain_on_theirs_per_character():
    found = scores.prediction_gain(
        [text("a", 3.0), text("b", 5.0)],
        [text("c", 1.0, 20), text("d", 1.0, 20)],
        THRESHOLDS["prediction_gain"],
    )
    assert found["value"] == pytest.approx(0.4 - 0.05)
    assert (found["low"], found["high"]) == pytest.approx((0.3 - 0.05, 0.5 - 0.05)) and found[
        "n"
    ] == 2
    assert (
        "0.400 less" in found["note"]
        and "0.050 less" in found["note"]
        and found["note"].startswith("Not enough texts to tell")
    )


@pytest.mark.parametrize(
    "mine, theirs, said",
    [
        ([text("a", -1.0), text("b", -1.0)], [text("c", 1.0)], "learnt nothing that is yours"),
        (
            [text("a", -1.0), text("b", -2.0)],
            [text("c", -9.0), text("d", -9.0)],
            "too long or too hard",
        ),
        ([text("a", 0.05), text("b", 0.06)], [text("c", 0.0), text("d", 0.0)], "hardly begun"),
        ([text("a", -1.0), text("b", 4.0)], [text("c", 0.0), text("d", 0.0)], "may be chance"),
        ([text("a", 4.0)], [text("c", 0.0)], "may be chance"),
    ],
)
def test_a_gain_that_proves_nothing_says_so(mine, theirs, said):
    assert said in scores.prediction_gain(mine, theirs, THRESHOLDS["prediction_gain"])["note"]


def test_without_text_there_is_no_gain():
    assert scores.prediction_gain([], [], THRESHOLDS["prediction_gain"])["value"] is None


# Sounds like me


@pytest.fixture(scope="module")
def known():
    others = voices("en")
    author = others.pop("nurse")
    return {"en": style.fit_voice([author[:2400]], others, "en")}


def nurse(start, founder=False):
    said = voices("en")["founder" if founder else "nurse"]
    return said[start : start + 250]


def row(said):
    return [answer(one, "en", f"d{i}", real=nurse(2400 + 250 * i)) for i, one in enumerate(said)]


def test_the_base_is_0_and_the_author_1(known):
    base = row([nurse(250 * i, founder=True) for i in range(4)])
    author = row([nurse(2400 + 250 * i) for i in range(4)])
    assert (
        scores.sounds_like_me(known, base, base, "base", threshold("sounds_like_me", "base"))[
            "value"
        ]
        == 0
    )
    found = scores.sounds_like_me(known, author, base, "twin", threshold("sounds_like_me", "twin"))
    assert found["value"] == 1 and (found["low"], found["high"]) == (1, 1) and found["n"] == 4
    assert found["note"].startswith(
        "Not enough answers to tell, though it reaches the mark (at least"
    )
    assert "floor (base) -" in found["note"] and "ceiling (you) 0." in found["note"]


def test_half_of_the_answers_in_the_authors_voice_are_about_half(known):
    base = row([nurse(250 * i, founder=True) for i in range(4)])
    mixed = row([nurse(2400 + 250 * i, founder=i % 2 == 0) for i in range(4)])
    found = scores.sounds_like_me(known, mixed, base, "twin", threshold("sounds_like_me", "twin"))
    assert 0.2 < found["value"] < 0.8 and found["low"] < found["value"] < found["high"]


def test_reciting_the_prompt_does_not_sound_like_anyone(known):
    base = row([nurse(250 * i, founder=True) for i in range(4)])
    recited = [{**one, "prompt": one["text"]} for one in row([nurse(250 * i) for i in range(4)])]
    found = scores.sounds_like_me(
        known, recited, base, "prompt", threshold("sounds_like_me", "prompt")
    )
    assert found["value"] is None and "0 of 4 answers" in found["note"]


def test_a_base_that_already_sounds_like_the_author_leaves_nothing_to_measure(known):
    author = row([nurse(2400 + 250 * i) for i in range(4)])
    found = scores.sounds_like_me(
        known, author, author, "twin", threshold("sounds_like_me", "twin")
    )
    assert found["value"] is None and "as much like you as you do" in found["note"]


def test_without_a_voice_it_is_not_measured():
    assert (
        scores.sounds_like_me(
            {"en": None},
            row([EN * 3] * 4),
            row([EN * 3] * 4),
            "twin",
            threshold("sounds_like_me", "twin"),
        )["value"]
        is None
    )


@pytest.mark.parametrize(
    "prompt, twin, said",
    [(0.5, 0.3, "0.50 like you, the twin 0.30"), (0.3, 0.5, ""), (None, 0.5, ""), (0.5, None, "")],
)
def test_a_prompt_that_beats_the_twin_is_named(prompt, twin, said):
    found = scores.prompt_beats_twin(
        {"sounds_like_me.prompt": figure(prompt), "sounds_like_me": figure(twin)}
    )
    assert said in found and bool(found) == bool(said)


@pytest.mark.parametrize(
    "low, chance", [(0.35, False), (0.25, True), (None, True)]
)  # the twin's reaches 0.3
def test_that_the_prompt_beats_the_twin_by_chance_is_said(low, chance):
    found = scores.prompt_beats_twin(
        {
            "sounds_like_me.prompt": figure(0.5, low, 0.7, 4),
            "sounds_like_me": figure(0.2, 0.1, 0.3, 4),
        }
    )
    assert ("may be chance" in found and "4 answers" in found) == chance


# Nonsense, personal data


def test_nonsense_is_counted_by_row_and_compared():
    good, bad = answer(ZH), answer("水底，没有鱼。" * 12)
    found = scores.nonsense(
        {"base": [bad, good], "twin": [good, good], "twin-Q8_0": [bad, bad]}, THRESHOLDS["nonsense"]
    )
    assert [figure["value"] for figure in found.values()] == [0.5, 0, 1]
    assert (
        found["base"]["note"] == "in circles: 1"
        and 0 < found["base"]["low"] < 0.5 < found["base"]["high"] < 1
    )
    assert found["twin"]["note"] == (
        "Not enough answers to tell, though it is no worse than the base. base 50%, twin 0%, "
        "twin-Q8_0 100%."
    ), "one document"


@pytest.mark.parametrize(
    "good, bad, said",
    [
        (20, 1, "Not enough answers to tell"),
        (80, 1, "Good"),
        (20, 20, "Bad: no worse than the base, and still 50%"),
        (3, 1, "So-so: no worse than the base, and still 25%"),
    ],
)
def test_much_nonsense_is_not_good_because_the_bases_is_worse(good, bad, said):
    answers = [answer(ZH, document=f"d{i}") for i in range(good)]
    answers += [answer("", document=f"b{i}") for i in range(bad)]
    assert scores.nonsense({"base": [answer("")] * 21, "twin": answers}, THRESHOLDS["nonsense"])[
        "twin"
    ]["note"].startswith(said)


@pytest.mark.parametrize(
    "bad, good, said",
    [(1, 12, "may be chance"), (2, 10, "may be chance"), (20, 1, "trained too long")],
)
def test_more_nonsense_than_the_base_is_said_when_there_are_enough_answers(bad, good, said):
    """2 of 12 against none of 21 may be chance, though the 2 alone are more than the mark
    allows.
    """
    answers = [answer("")] * bad + [answer(ZH)] * good
    assert (
        said
        in scores.nonsense({"base": [answer(ZH)] * 21, "twin": answers}, THRESHOLDS["nonsense"])[
            "twin"
        ]["note"]
    )


def test_personal_data_is_counted():
    found = scores.personal_data(
        [answer("写信给 ning@example.org 或 ann@example.org。"), answer(ZH)]
    )
    assert found["value"] == 2 and found["n"] == 2 and "email: 2" in found["note"]
    named = scores.personal_data([answer("Ask Doe, Anna Maria.")], ("Doe, Anna Maria",))
    assert named["value"] == 1 and "name: 1" in named["note"]
    none = scores.personal_data([answer(ZH)])
    assert none["value"] == 0 and none["note"].startswith(
        "Not enough answers to tell, though there is none so far. E-"
    )


# Copies


def continuation(text, true=ZH):
    return {"text": text, "true": true, "language": "zh"}


def test_a_recited_continuation_is_a_copy_and_the_exact_ones_are_counted_apart():
    said = [
        continuation(ZH),
        continuation(ZH[:40] + "别的话说了一些。"),
        continuation("完全是另外一回事，谁也没有写过这样的句子。"),
    ]
    found, warnings = memorization.copied(
        [], said, ["没有一句是一样的，" * 20], ["开头。" + ZH], [answer("好")], THRESHOLDS
    )
    assert found["copied"]["value"] == pytest.approx(2 / 3) and found["copied.exact"][
        "value"
    ] == pytest.approx(1 / 3)
    assert "nearly word for word in 2, exactly in 1" in found["copied"]["note"]
    assert warnings == ["The twin recites its training texts: train for fewer epochs."]


def test_what_the_author_repeats_anyway_is_taken_off():
    said = [continuation(ZH), continuation(ZH)]
    found, warnings = memorization.copied([], said, [ZH], [ZH], [answer("好")], THRESHOLDS)
    assert (
        found["copied"]["value"] == 0
        and "yourself in 100%" in found["copied"]["note"]
        and warnings == []
    )


def test_what_the_base_knew_by_heart_is_not_the_trainings_doing():
    other = continuation("完全是另外一回事，谁也没有写过这样的句子。")
    said = [continuation(ZH), other]
    found, warnings = memorization.copied(said, said, ["没有"], [ZH], [answer("好")], THRESHOLDS)
    assert (
        found["copied"]["value"] == 0
        and "the base did in 1" in found["copied"]["note"]
        and warnings == []
    )


def test_answers_that_quote_at_length_are_a_warning():
    found, warnings = memorization.copied(
        [], [], [ZH], [ZH], [answer("我说：" + ZH[:45]), answer("好")], THRESHOLDS
    )
    assert found["copied"]["value"] is None
    assert warnings == [
        "1 of the twin's answers quotes the training texts at length (up to 45 characters)."
    ]


def test_in_both_languages_no_note_says_a_part_twice(known, monkeypatch):
    monkeypatch.setenv("TWINLIB_LANG", "both")
    base = row([nurse(250 * i, founder=True) for i in range(4)])
    author = row([nurse(2400 + 250 * i) for i in range(4)])
    gains = [[text("a", gain), text("b", gain + 1)] for gain in (-3.0, 0.5, 3.0)]
    figures = [
        scores.prediction_gain(mine, theirs, THRESHOLDS["prediction_gain"])
        for mine in gains
        for theirs in gains
    ]
    figures += [
        scores.sounds_like_me(known, author, floor, "twin", threshold("sounds_like_me", "twin"))
        for floor in (base, author)
    ]
    bad, good = answer("水底，没有鱼。" * 12), answer(ZH)
    for base, twin in (
        ([bad], [bad]),
        ([good] * 21, [bad, good]),
        ([good] * 21, [answer("")] * 21),
    ):
        figures += scores.nonsense(
            {"base": base, "twin": twin, "twin-Q8_0": [good]}, THRESHOLDS["nonsense"]
        ).values()
    figures += [
        scores.personal_data([answer(ZH)]),
        ratings.not_run("quick"),
        ratings.too_few({"en": "1 text", "zh": "1 段"}, 1),
    ]
    figures += memorization.copied([], [continuation(ZH)], [ZH], [ZH], [answer("好")], THRESHOLDS)[
        0
    ].values()
    figures += memorization.copied([], [], [ZH], [ZH], [answer("好")], THRESHOLDS)[0].values()
    figures += [
        scores.told_apart(pairs("founder"), "twin", threshold("told_apart", "twin")),
        scores.told_apart([], "base", threshold("told_apart", "base")),
    ]
    figures += [
        scores.pick_my_reply(
            [(str(i), i % 2) for i in range(n)], "twin", threshold("pick_my_reply", "twin")
        )
        for n in (3, 20)
    ]
    figures += [
        memorization.membership(losses(n, 0.5), losses(n, 0.9), THRESHOLDS["membership"])
        for n in (3, 10)
    ]
    figures += [
        *quantization_loss(
            quantize_report(kl_divergence_Q8_0=(0.1,), top1_Q8_0=(0.9,), size_mb_Q8_0=(1,)),
            "done",
            ["Q8_0"],
        ).values(),
        *quantization_loss(None, "missing", []).values(),
    ]
    figures += instructions.forgetting([1] * 9, [0] * 9, THRESHOLDS["forgetting"]).values()
    asked = [
        {"answer": "1", "language": "en", "kind": kind}
        for kind in ("unanswerable", "false_premises")
    ] * 8
    figures += facts.own_facts_figures(asked, [""] * 16, ["1"] * 16).values()
    figures += facts.never_wrote_figures(
        asked, ["x"] * 16, ["x"] * 16, [answer(ZH)], THRESHOLDS
    ).values()
    assert len({figure["note"] for figure in figures}) > 30
    assert [figure["note"] for figure in figures if figure["note"].count(" · ") > 1] == []


# Told apart, membership, picks, quantization


def pairs(writer, shift=0, count=22):
    """Real passages of the nurse beside as long ones of a writer, from eight documents."""
    mine, theirs = voices("zh")["nurse"], voices("zh")[writer]
    return [
        {
            **answer(theirs[120 * i + shift :][:60], document=f"d{i % 8}"),
            "real": mine[120 * i :][:60],
        }
        for i in range(count)
    ]


def test_another_writer_is_told_apart_and_the_author_is_not():
    other, same = (
        scores.told_apart(pairs("founder"), "twin", threshold("told_apart", "twin")),
        scores.told_apart(pairs("nurse", 60), "twin", threshold("told_apart", "twin")),
    )
    assert (
        other["value"] > 0.85
        and other["note"].startswith("Bad")
        and other["low"] > 0.75
        and other["n"] == 22
    )
    assert same["value"] < 0.7 and same["low"] < 0.5


def test_a_classifier_is_tried_only_on_documents_that_it_never_saw():
    """Each document says its own two sentences four times, and nothing that another says: only the
    heart could know.
    """
    mine, theirs = voices("zh")["nurse"], voices("zh")["founder"]
    documents = [f"d{i}" for i in range(10) for _ in range(4)]
    pairs = [
        tuple("".join(chr(first + 97 * i + k) for k in range(40)) for first in (0x4E00, 0x6E00))
        for i in range(10)
        for _ in range(4)
    ]
    assert auc(*map(list, zip(*scores.classifier_scores(pairs, documents)))) == pytest.approx(
        0.5, abs=0.2
    )
    real = [(mine[60 * i :][:60], theirs[60 * i :][:60]) for i in range(40)]
    assert auc(*map(list, zip(*scores.classifier_scores(real, documents)))) > 0.8


def test_few_answers_or_documents_are_not_told_apart():
    assert (
        "has 8"
        in scores.told_apart(pairs("founder", count=8), "twin", threshold("told_apart", "twin"))[
            "note"
        ]
    )
    one = [{**pair, "document": "d"} for pair in pairs("founder")]
    assert scores.told_apart(one, "twin", threshold("told_apart", "twin"))["value"] is None


def test_picks_are_counted_and_guessing_is_said():
    chosen = [(f"d{i}", 0 if i % 3 else 1 + i % 2) for i in range(20)]
    found = scores.pick_my_reply(chosen, "twin", threshold("pick_my_reply", "twin"))
    assert found["value"] == 0.65 and found["low"] < 0.6 < found["high"]
    assert found["level"] == "unsure" and found["note"].startswith("Not enough answers to tell")
    few = scores.pick_my_reply(
        [(f"d{i % 4}", 0) for i in range(80)], "twin", threshold("pick_my_reply", "twin")
    )
    assert few["low"] > 0.9 and few["level"] == "unsure", "four documents"
    assert "25%" in found["note"]
    always = scores.pick_my_reply(
        [(f"d{i}", 0) for i in range(20)], "prompt", threshold("pick_my_reply", "prompt")
    )
    assert always["value"] == 1 and always["low"] < 0.9 and "Good" not in always["note"], (
        "Wilson's width, no verdict"
    )
    assert (
        scores.pick_my_reply(chosen[:3], "twin", threshold("pick_my_reply", "twin"))["value"]
        is None
    )


def losses(documents, loss):
    return [{"document": f"{loss}-{i}", "loss": loss + i / 100} for i in range(documents)]


@pytest.mark.parametrize(
    "trained, value, said", [(0.5, 1.0, "Bad"), (0.9, 0.5, "Not enough"), (0.86, 0.84, "So-so")]
)
def test_membership_is_how_well_training_texts_give_themselves_away(trained, value, said):
    found = memorization.membership(losses(10, trained), losses(10, 0.9), THRESHOLDS["membership"])
    assert (
        found["value"] == pytest.approx(value, abs=0.05)
        and said in found["note"]
        and found["n"] == 20
    )


def test_membership_of_few_documents_is_not_measured():
    found = memorization.membership(losses(10, 0.5), losses(4, 0.9), THRESHOLDS["membership"])
    assert found["value"] is None and "4 documents" in found["note"]


def quantization_loss(report, state, types):
    return scores.quantization_loss(report, state, types, THRESHOLDS["quantization_loss"])


def quantize_report(**figures):
    return Report(
        "quantize",
        {},
        0,
        0,
        {},
        {},
        {},
        {name: figure(*values) for name, values in figures.items()},
        [],
    )


def test_what_quantization_cost_is_taken_from_step_04():
    report = quantize_report(
        kl_divergence_Q8_0=(0.001, 0.0005, 0.002, 500),
        top1_Q8_0=(0.985, 0.97, 0.99, 500),
        size_mb_Q8_0=(291,),
        size_mb_Q4_K_M=(250,),
        kl_divergence_Q4_K_M=(0.12, 0.1, 0.15, 500),
        top1_Q4_K_M=(0.8, 0.75, 0.85, 500),
    )
    found = quantization_loss(report, "done", ["Q8_0", "Q4_K_M"])
    good, bad = found["quantization_loss"], found["quantization_loss.Q4_K_M"]
    assert len(found) == 2 and good["value"] == 0.001
    assert good["note"].startswith("Good") and "98%" in good["note"]
    assert (
        bad["note"].startswith("Bad")
        and "80% of places (92% is good)" in bad["note"]
        and bad["high"] == 0.15
    )


@pytest.mark.parametrize(
    "report, state, kinds",
    [
        (None, "missing", []),
        (quantize_report(size_mb_Q8_0=(291,)), "done", ["Q8_0"]),
        (quantize_report(kl_divergence_Q8_0=(0.001,)), "stale", ["Q8_0"]),
        (quantize_report(kl_divergence_Q8_0=(0.001,)), "done", []),
    ],
)
def test_without_a_fresh_proof_quantization_loss_is_not_known(report, state, kinds):
    found = quantization_loss(report, state, kinds)
    assert (
        found["quantization_loss"]["value"] is None
        and "quantize" in found["quantization_loss"]["note"]
    )
