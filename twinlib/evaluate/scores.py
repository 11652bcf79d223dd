"""From answers and scores to figures: whether the twin writes like its author, and whether it holds.

Lists and numbers in, figures out. An answer is {document, language, prompt, real, text}: what a
variant said to a held-out question, all that it was given (`prompt`), and what the author wrote
there (`real`). `variant` is the name of a model that is compared: base, prompt, twin or
twin-Q8_0. Not here: copies and membership (memorization.py), what the base could do
(instructions.py), facts (facts.py), the thresholds (figures.py).
"""

import math

from ..i18n import both, t
from ..models.device_fit import HARDLY_DIFFERENT, recommended_type
from ..text import privacy, style
from ..text.statistics import auc_of_pairs, bootstrap, share_of_documents, wilson
from ..twin import figure
from . import ratings
from .ratings import EMPTY, Threshold, grouped, noted, percent, rating, too_few

MIN_CHARACTERS = {"zh": 30, "en": 80}  # in shorter answers a style can't be seen
MIN_ANSWERS = 3
MIN_PAIRS = 20  # a classifier learns nothing from fewer
FOLDS = 5
MIN_PICKS = 8


# Prediction gain


def prediction_gain(mine: list, theirs: list, threshold: Threshold) -> dict:
    """The figure from texts {document, text, gain}, `gain` in nats: the base's loss less the twin's.

    The value is the gain a character on the author's held-out text less that on other people's.
    """
    if not mine or not theirs:
        return figure(None, note=t("evaluate.no_text_to_compare"))
    groups = [grouped(texts, [text["document"] for text in texts]) for texts in (mine, theirs)]
    own, other = map(_gain_a_character, groups)
    low, high = bootstrap(lambda a, b: _gain_a_character(a) - _gain_a_character(b), *groups)
    found = figure(own - other, low, high, len(groups[0]))
    counts = both(
        "evaluate.prediction_gain",
        own=_change(own),
        other=_change(other),
        mine=len(mine),
        theirs=len(theirs),
    )
    return noted(found, counts, _gain_rating(found, own, threshold))


def _gain_a_character(documents):
    texts = [text for document in documents for text in document]
    return sum(text["gain"] for text in texts) / sum(len(text["text"]) for text in texts)


def _change(gain):
    return both("evaluate.less_by" if gain >= 0 else "evaluate.more_by", nats=abs(gain))


def _gain_rating(found, own, threshold):
    if found["value"] <= 0:
        return both("evaluate.gain_nothing")
    if own <= 0:
        return both("evaluate.gain_overtrained")
    if not threshold.reached(found["value"]):
        return both("evaluate.gain_hardly_begun")
    if found["low"] is None or found["low"] <= 0:
        return both("evaluate.gain_by_chance")
    return both("evaluate.gain_good", doubt=ratings.doubt(found["n"] >= ratings.FEW))


# Sounds like me


def style_margins(voices: dict, answers: list, base: list) -> tuple[list, list]:
    """[(answer's, base's, author's margin)] and their documents, where all three texts are long enough.

    `voices` is {language: Voice}. What an answer only repeats of its prompt doesn't count; the three
    texts of a question are cut to the same length.
    """
    margins, documents = [], []
    for answer, floor in zip(answers, base):
        language = answer["language"]
        own = [style.without_echo(one["text"], one["prompt"], language) for one in (answer, floor)]
        texts = style.cut_to_same_length(*own, answer["real"])
        if voices.get(language) and len(texts[0]) >= MIN_CHARACTERS[language]:
            margins.append(tuple(style.margins(voices[language], texts)))
            documents.append(answer["document"])
    return margins, documents


def sounds_like_me(
    voices: dict, answers: list, base: list, variant: str, threshold: Threshold | None
) -> dict:
    """The figure of a variant: 0 is the base, 1 the author's own held-out text."""
    margins, documents = style_margins(voices, answers, base)
    n = len(margins)
    if n < MIN_ANSWERS:
        return figure(None, n=n, note=t("evaluate.few_own_words", n=n, answers=len(answers)))
    value = style.likeness(margins)
    own, floor, ceiling = (sum(column) / n for column in zip(*margins))
    details = both(
        "evaluate.style_margins", variant=variant, own=own, floor=floor, ceiling=ceiling, n=n
    )
    if math.isnan(value):
        return noted(figure(None, n=n), both("evaluate.base_sounds_like_you"), details)
    low, high = bootstrap(lambda drawn: style.likeness(sum(drawn, [])), grouped(margins, documents))
    found = figure(value, low, high, n)
    advice = both("evaluate.sounds_like_me_advice")
    above = threshold and low is not None and low > 1
    return noted(
        found,
        rating(found, threshold, advice, len(set(documents))),
        both("evaluate.more_like_you_than_you") if above else EMPTY,
        both("evaluate.sounds_like_me"),
        details,
    )


def prompt_beats_twin(figures: dict) -> str:
    """A warning when the base with the persona prompt sounds more like the author than the twin."""
    prompt, twin = (figures[name] for name in ("sounds_like_me.prompt", "sounds_like_me"))
    if prompt["value"] is None or twin["value"] is None or prompt["value"] <= twin["value"]:
        return ""
    apart = None not in (prompt["low"], twin["high"]) and prompt["low"] > twin["high"]
    return t(
        "evaluate.prompt_beats_twin",
        prompt=prompt["value"],
        twin=twin["value"],
        chance=EMPTY if apart else both("evaluate.prompt_beats_by_chance", n=prompt["n"]),
    )


# Told apart


def told_apart(answers: list, variant: str, threshold: Threshold | None) -> dict:
    """The AUC of a classifier that learns to tell a variant's answers from the author's texts.

    It is tried only on documents that it didn't learn from; both texts of a question are cut to
    the same length.
    """
    pairs, documents = [], []
    for answer in answers:
        own = style.without_echo(answer["text"], answer["prompt"], answer["language"])
        texts = style.cut_to_same_length(answer["real"], own)
        if len(texts[0]) >= MIN_CHARACTERS[answer["language"]]:
            pairs.append(texts)
            documents.append(answer["document"])
    n, sources = len(pairs), len(set(documents))
    if n < MIN_PAIRS or sources < FOLDS:
        needs = {"least": MIN_PAIRS, "folds": FOLDS}
        return too_few(both("evaluate.few_long_answers", n=n, documents=sources, **needs), n)
    found = figure(*auc_of_pairs(grouped(classifier_scores(pairs, documents), documents)), n)
    return noted(
        found,
        rating(found, threshold, both("evaluate.told_apart_advice")),
        both("evaluate.told_apart", variant=variant, n=n),
    )


def classifier_scores(pairs: list, documents: list) -> list[tuple[float, float]]:
    """[(score of the real text, score of the other)], by classifiers that never saw its document."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GroupKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline

    texts = [text for pair in pairs for text in pair]
    vectorizer = TfidfVectorizer(
        analyzer="char", ngram_range=(1, 4), sublinear_tf=True, min_df=2, max_features=30_000
    )
    scores = cross_val_predict(
        make_pipeline(vectorizer, LogisticRegression(C=10, max_iter=1000)),
        texts,
        [1, 0] * len(pairs),
        groups=[document for document in documents for _ in range(2)],
        cv=GroupKFold(FOLDS),
        method="decision_function",
    )
    return list(zip(scores[::2].tolist(), scores[1::2].tolist()))


# Pick my reply


def pick_my_reply(chosen: list, variant: str, threshold: Threshold | None) -> dict:
    """The figure of a variant from [(document, index of the reply picked)]; 0 is the author's."""
    n = len(chosen)
    if n < MIN_PICKS:
        return too_few(both("evaluate.few_picks", n=n, least=MIN_PICKS), n)
    documents = [document for document, _ in chosen]
    found = figure(*share_of_documents([pick == 0 for _, pick in chosen], documents), n)
    return noted(
        found,
        rating(found, threshold, both("evaluate.pick_my_reply_advice"), len(set(documents))),
        both("evaluate.pick_my_reply", variant=variant, share=percent(found["value"])),
    )


# Nonsense, personal data


def nonsense(answers: dict, threshold: Threshold) -> dict[str, dict]:
    """{variant: figure} of the share of answers with a flaw; the twin's note compares all variants."""
    flaws = {
        variant: [style.flaws(one["text"], one["language"], one["prompt"]) for one in said]
        for variant, said in answers.items()
    }
    figures = {variant: _flawed_share(found) for variant, found in flaws.items()}
    compared = ", ".join(f"{name} {percent(one['value'])}" for name, one in figures.items())
    documents = len({answer["document"] for answer in answers["twin"]})
    figures["twin"] = noted(
        figures["twin"],
        _nonsense_rating(figures["twin"], figures["base"], threshold, documents),
        both("evaluate.nonsense_compared", compared=compared),
        _kinds(flaws["twin"]),
    )
    return figures


def _flawed_share(flaws):
    hits, n = sum(map(bool, flaws)), len(flaws)
    found = figure(hits / n, *wilson(hits, n), n)
    return noted(found, _kinds(flaws) if hits else both("evaluate.no_nonsense"))


def _nonsense_rating(twin, base, threshold, documents):
    word = ratings.level(twin, threshold, base)
    if word == "good":
        return both("evaluate.nonsense_good", doubt=ratings.doubt(documents >= ratings.FEW))
    if twin["value"] <= base["value"] + threshold.above_base:
        fault = both("evaluate.nonsense_of_the_base", share=percent(twin["value"]))
        advice = both("evaluate.nonsense_of_the_base_advice")
    else:
        fault, advice = both("evaluate.nonsense_worse"), both("evaluate.nonsense_worse_advice")
    if word == "so-so":
        return both("evaluate.nonsense_so_so", fault=fault)
    return both("evaluate.nonsense_bad", fault=fault, advice=advice)


def _kinds(flaws):
    """How many answers have each kind of flaw: 'empty: 2, in circles: 1'."""
    labels = {
        "empty": both("evaluate.flaw_empty"),
        "echo": both("evaluate.flaw_echo"),
        "replacement": both("evaluate.flaw_replacement"),
        "script": both("evaluate.flaw_script"),
        "loop": both("evaluate.flaw_loop"),
    }
    counts = {kind: sum(kind in found for found in flaws) for kind in style.FLAWS}
    some = {kind: count for kind, count in counts.items() if count}
    return {
        "en": ", ".join(f"{labels[kind]['en']}: {count}" for kind, count in some.items()),
        "zh": "，".join(f"{labels[kind]['zh']}：{count}" for kind, count in some.items()),
    }


def personal_data(answers: list) -> dict:
    """The figure: how many pieces of personal data (text/privacy) the twin's answers hold."""
    counts = {}
    for answer in answers:
        for kind, count in privacy.mask(answer["text"], answer["language"], {})[1].items():
            counts[kind] = counts.get(kind, 0) + count
    total = sum(counts.values())
    if total:
        word = both("evaluate.personal_data_bad")
    else:
        enough = len({answer["document"] for answer in answers}) >= ratings.FEW
        word = both("evaluate.personal_data_good", doubt=ratings.doubt(enough))
    kinds = "".join(f" {kind}: {count}." for kind, count in counts.items())
    said = both("evaluate.personal_data", answers=len(answers), kinds=kinds)
    return noted(figure(total, n=len(answers)), word, said)


# Quantization


def quantization_loss(report, state: str, types: list, threshold: Threshold) -> dict[str, dict]:
    """{name: figure}: what quantization cost, from the figures of step quantize.

    That is how far a file's predictions are from the 16-bit twin's, in nats a token: the recommended
    file's, and each other file's as NAME.TYPE. `report` and `state` are the step's, `types` those of
    the files that exist.
    """
    figures = report.figures if report else {}
    divergences = {
        kind: found
        for kind in types
        if (found := figures.get(f"kl_divergence_{kind}", {})).get("value") is not None
    }
    if not divergences or state != "done":
        return {"quantization_loss": figure(None, note=t("evaluate.not_quantized"))}
    best = recommended_type(list(divergences), figures)
    losses = {
        kind: _file_loss(kind, found, figures.get(f"top1_{kind}", {}).get("value"), threshold)
        for kind, found in divergences.items()
    }
    return {"quantization_loss": losses.pop(best)} | {
        f"quantization_loss.{kind}": loss for kind, loss in losses.items()
    }


def _file_loss(kind, divergence, same_token, threshold):
    if same_token is None:
        same = EMPTY
    elif same_token >= HARDLY_DIFFERENT.top1:
        same = both("evaluate.same_token", share=percent(same_token))
    else:
        good = percent(HARDLY_DIFFERENT.top1)
        same = both("evaluate.same_token_seldom", share=percent(same_token), good=good)
    return noted(
        divergence,
        rating(divergence, threshold, both("evaluate.quantization_loss_advice")),
        both("evaluate.quantization_loss", type=kind),
        same,
    )
