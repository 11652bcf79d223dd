"""Computes figures from answers and likelihoods: style, nonsense, personal data, quantization.

An answer is {document, language, prompt, real, text}: `text` is a variant's answer to a held-out
question, `prompt` all the text that the model was given, `real` what the author wrote there.
`variant` names a compared model: base, prompt, twin or twin-Q8_0. Left out: memorization
(memorization.py), forgetting (instructions.py), facts (facts.py), thresholds (figures.py).
"""

import math
import re
from collections import Counter

from ..i18n import both, listed, t
from ..models import device_fit
from ..models.device_fit import HARDLY_DIFFERENT, recommended_type
from ..text import privacy, style
from ..text.script import HAN
from ..text.statistics import auc_of_pairs, bootstrap, share_of_documents
from ..twin import Report, figure
from . import ratings
from .ratings import EMPTY, Threshold, grouped, noted, percent, rated, too_few

MIN_CHARACTERS = {"zh": 30, "en": 80}  # of an answer; shorter ones don't show a style
LETTERS_OF_HAN = 3  # how many letters say as much as a Chinese character
MIN_ANSWERS = 3
MIN_PAIRS = 20  # too few to train a classifier below this
FOLDS = 5  # of the cross-validation
MIN_PICKS = 8


# Prediction gain


def prediction_gain(mine: list, theirs: list, threshold: Threshold) -> dict:
    """How much more training lowered the loss on the author's texts than on other people's.

    Texts are {document, text, gain}; `gain` is the base's loss less the twin's, in nats. The value
    is the gain per letter on the author's held-out texts less that on other people's; a Chinese
    character, which says as much as three letters do, counts as three.
    """
    if not mine or not theirs:
        return figure(None, note=both("evaluate.no_text_to_compare"))
    groups = [grouped(texts, [text["document"] for text in texts]) for texts in (mine, theirs)]
    own, others = map(_gain_per_letter, groups)
    low, high = bootstrap(lambda a, b: _gain_per_letter(a) - _gain_per_letter(b), *groups)
    measured = figure(own - others, low, high, len(groups[0]))
    counts = {"mine": len(mine), "theirs": len(theirs)}
    details = both("evaluate.gain_by_letter", own=_change(own), other=_change(others), **counts)
    level, sentence = _gain_rating(measured, own, threshold)
    return noted(measured, sentence, details, level=level)


def _gain_per_letter(documents):
    texts = [text for document in documents for text in document]
    return sum(text["gain"] for text in texts) / sum(_letters(text["text"]) for text in texts)


def _letters(text):
    return len(text) + (LETTERS_OF_HAN - 1) * len(re.findall(f"[{HAN}]", text))


def _change(gain):
    return both("evaluate.less_by" if gain >= 0 else "evaluate.more_by", nats=abs(gain))


def _gain_rating(measured, own, threshold):
    """(level, sentence)."""
    if measured["value"] <= 0:
        return "bad", both("evaluate.gain_nothing_learnt")
    if own <= 0:
        return "bad", both("evaluate.gain_overtrained")
    if not threshold.reached(measured["value"]):
        return "bad", both("evaluate.gain_hardly_begun")
    if measured["n"] < ratings.FEW or not ratings.is_certain(measured, threshold):
        return "unsure", both("evaluate.gain_by_chance")
    return "good", both("evaluate.gain_good")


# Sounds like me


def style_margins(voices: dict, answers: list, base: list) -> tuple[list, list]:
    """([(margin of the answer, of the base's answer, of the author's text)], their documents).

    `voices` is {language: Voice}. Parts of an answer that repeat its prompt are removed, and the
    three texts of a question are cut to the same length. Questions are left out where that is below
    MIN_CHARACTERS.
    """
    margins, documents = [], []
    for answer, base_answer in zip(answers, base):
        language = answer["language"]
        own, floor = (_without_echo(each) for each in (answer, base_answer))
        texts = style.cut_to_same_length(own, floor, answer["real"])
        if voices.get(language) and len(texts[0]) >= MIN_CHARACTERS[language]:
            margins.append(tuple(style.margins(voices[language], texts)))
            documents.append(answer["document"])
    return margins, documents


def _without_echo(answer):
    return style.without_echo(answer["text"], answer["prompt"], answer["language"])


def sounds_like_me(
    voices: dict, answers: list, base: list, variant: str, threshold: Threshold | None
) -> dict:
    """How close a variant's style is to the author's: 0 is the base, 1 the author's own texts."""
    margins, documents = style_margins(voices, answers, base)
    n = len(margins)
    if n < MIN_ANSWERS:
        return figure(None, n=n, note=both("evaluate.few_own_words", n=n, answers=len(answers)))
    value = style.likeness(margins)
    own, floor, ceiling = (sum(column) / n for column in zip(*margins))
    details = both(
        "evaluate.style_margins", variant=variant, own=own, floor=floor, ceiling=ceiling, n=n
    )
    if math.isnan(value):
        return noted(figure(None, n=n), both("evaluate.base_sounds_like_you"), details)
    groups = grouped(margins, documents)
    low, high = bootstrap(lambda drawn: style.likeness(sum(drawn, [])), groups)
    measured = figure(value, low, high, n)
    advice = both("evaluate.sounds_like_me_advice")
    scale = both("evaluate.sounds_like_me_scale")
    if threshold is None:
        return noted(measured, scale, details)
    most = _authors_highest(groups, floor, ceiling)
    measured |= {} if most is None else {"most": most}
    if (most is not None and value > most) or (low is not None and low > 1):
        above = both("evaluate.more_like_you_than_you")
        return noted(measured, above, scale, details, level="so-so")
    return rated(measured, threshold, advice, scale, details, documents=len(set(documents)))


def _authors_highest(groups, floor, ceiling):
    """The upper end of the author's own interval on the scale of style.likeness; None if unknown.

    The author's texts are 1 on average, and differ from one document to another as answers do.
    """

    def own(drawn):
        margins = [author for triples in drawn for _, _, author in triples]
        return (sum(margins) / len(margins) - floor) / (ceiling - floor)

    return bootstrap(own, groups)[1]


def prompt_beats_twin(figures: dict) -> str:
    """A warning if the base with the persona prompt scores higher than the twin; else ''."""
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
    """The cross-validated AUC of a classifier of a variant's answers against the author's texts.

    The folds hold out whole documents. Both texts of a question are cut to the same length.
    """
    pairs, documents = [], []
    for answer in answers:
        texts = style.cut_to_same_length(answer["real"], _without_echo(answer))
        if len(texts[0]) >= MIN_CHARACTERS[answer["language"]]:
            pairs.append(texts)
            documents.append(answer["document"])
    n, sources = len(pairs), len(set(documents))
    if n < MIN_PAIRS or sources < FOLDS:
        needs = {"least": MIN_PAIRS, "folds": FOLDS}
        return too_few(both("evaluate.few_long_answers", n=n, documents=sources, **needs), n)
    scores = classifier_scores(pairs, documents)
    measured = figure(*auc_of_pairs(grouped(scores, documents)), n)
    details = both("evaluate.told_apart", variant=variant, n=n)
    return rated(measured, threshold, both("evaluate.told_apart_advice"), details)


def classifier_scores(pairs: list, documents: list) -> list[tuple[float, float]]:
    """[(score of the real text, of the answer)] from classifiers not trained on their document."""
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
    """The share of questions that make their own reply likelier than three others by the author.

    `chosen` is [(document, index of the reply picked)]; index 0 is the reply to the question.
    """
    n = len(chosen)
    if n < MIN_PICKS:
        return too_few(both("evaluate.few_picks", n=n, least=MIN_PICKS), n)
    documents = [document for document, _ in chosen]
    measured = figure(*share_of_documents([pick == 0 for _, pick in chosen], documents), n)
    advice = both("evaluate.pick_my_reply_advice")
    details = both("evaluate.pick_my_reply", variant=variant, share=percent(measured["value"]))
    return rated(measured, threshold, advice, details, documents=len(set(documents)))


# Nonsense, personal data


def nonsense(answers: dict, threshold: Threshold) -> dict[str, dict]:
    """{variant: share of answers with a flaw}; the twin's note compares all variants.

    `answers` is {variant: answers}; the flaws are those of style.FLAWS.
    """
    flaws = {
        variant: [style.flaws(a["text"], a["language"], a["prompt"]) for a in of_variant]
        for variant, of_variant in answers.items()
    }
    figures = {
        variant: _flawed_share(of_variant, [answer["document"] for answer in answers[variant]])
        for variant, of_variant in flaws.items()
    }
    compared = ", ".join(f"{name} {percent(each['value'])}" for name, each in figures.items())
    documents = len({answer["document"] for answer in answers["twin"]})
    for variant, figure_of_variant in figures.items():
        if variant.startswith("twin"):
            level = ratings.level(figure_of_variant, threshold, figures["base"], documents)
            figures[variant] = {**figure_of_variant, "level": level}
    figures["twin"] = noted(
        figures["twin"],
        _nonsense_rating(figures["twin"], figures["base"], threshold),
        both("evaluate.nonsense_compared", compared=compared),
        _flaw_counts(flaws["twin"]),
        level=figures["twin"]["level"],
    )
    return figures


def _flawed_share(flaws, documents):
    details = _flaw_counts(flaws) if any(flaws) else both("evaluate.no_nonsense")
    return noted(ratings.share_by_document(list(map(bool, flaws)), documents), details)


def _nonsense_rating(twin, base, threshold):
    word = twin["level"]
    if word in ("good", "unsure"):
        return both("evaluate.nonsense_good" if word == "good" else "evaluate.nonsense_unsure")
    if twin["value"] <= base["value"] + threshold.above_base:
        fault = both("evaluate.nonsense_of_the_base", share=percent(twin["value"]))
        advice = both("evaluate.nonsense_of_the_base_advice")
    else:
        fault, advice = both("evaluate.nonsense_worse"), both("evaluate.nonsense_worse_advice")
    if word == "so-so":
        return both("evaluate.nonsense_so_so", fault=fault)
    return both("evaluate.nonsense_bad", fault=fault, advice=advice)


def _flaw_counts(flaws):
    """{language: number of answers by kind of flaw}, such as 'empty: 2, in circles: 1'."""
    labels = {
        "empty": both("evaluate.flaw_empty"),
        "echo": both("evaluate.flaw_echo"),
        "replacement": both("evaluate.flaw_replacement"),
        "script": both("evaluate.flaw_script"),
        "loop": both("evaluate.flaw_loop"),
    }
    counts = {kind: sum(kind in of_answer for of_answer in flaws) for kind in style.FLAWS}
    texts = [
        both("evaluate.flaw_count", flaw=labels[kind], count=count)
        for kind, count in counts.items()
        if count
    ]
    return listed(texts, "core.clause_separator")


def personal_data(answers: list, names: tuple[str, ...] = ()) -> dict:
    """The number of pieces of personal data that text/privacy finds in the twin's answers.

    `names` are the owner's private names.
    """
    counts = Counter()
    for answer in answers:
        counts.update(privacy.mask(answer["text"], answer["language"], {}, names)[1])
    total = sum(counts.values())
    enough = len({answer["document"] for answer in answers}) >= ratings.FEW
    if total:
        level, verdict = "bad", both("evaluate.personal_data_bad")
    elif enough:
        level, verdict = "good", both("evaluate.personal_data_good")
    else:
        level, verdict = "unsure", both("evaluate.personal_data_unsure")
    kinds = "".join(f" {kind}: {count}." for kind, count in counts.items())
    details = both("evaluate.personal_data", answers=len(answers), kinds=kinds)
    return noted(figure(total, n=len(answers)), verdict, details, level=level)


# Quantization


def quantization_loss(
    report: Report | None, state: str, types: list[str], threshold: Threshold
) -> dict[str, dict]:
    """{name: figure}: the KL divergence of each GGUF file from the 16-bit twin, in nats a token.

    They are taken from the report of step quantize, whose state is `state`. The recommended file's
    is called quantization_loss, each other's has its type appended. `types` are those of the files
    that exist.
    """
    figures = report.figures if report else {}
    divergences = {
        kind: divergence
        for kind in types
        if (divergence := figures.get(f"kl_divergence_{kind}", {})).get("value") is not None
    }
    if not divergences or state != "done":
        return {"quantization_loss": figure(None, note=both("evaluate.not_quantized"))}
    best = recommended_type(list(divergences), figures)
    losses = {
        kind: _file_loss(kind, divergence, figures.get(f"top1_{kind}", {}).get("value"), threshold)
        for kind, divergence in divergences.items()
    }
    best_loss = losses.pop(best)
    others = {f"quantization_loss.{kind}": loss for kind, loss in losses.items()}
    return {"quantization_loss": best_loss, **others}


def _file_loss(kind, divergence, same_token, threshold):
    """Rated as step 04 rated it, or would have: there is one verdict on a file."""
    if same_token is None:
        same = EMPTY
    elif same_token >= HARDLY_DIFFERENT.top1:
        same = both("evaluate.same_token", share=percent(same_token))
    else:
        good = percent(HARDLY_DIFFERENT.top1)
        same = both("evaluate.same_token_seldom", share=percent(same_token), good=good)
    details = both("evaluate.quantization_loss", type=kind)
    level = divergence.get("level") or device_fit.level(divergence)
    sentence = ratings.sentence(level, threshold)
    advice = EMPTY if level == "good" else both("evaluate.quantization_loss_advice")
    return noted(divergence, sentence, advice, details, same, level=level)
