"""Computes the figures of memorization: copies of training texts, and membership inference.

The models' outputs come from outputs.py, the thresholds from figures.py.
"""

from ..i18n import both, t
from ..text import style
from ..text.statistics import auc_of_documents, wilson
from ..twin import figure
from .ratings import FEW, Threshold, grouped, level, percent, rated, share, too_few


def copied(
    base: list, twin: list, held_out: list, train: list, answers: list, thresholds: dict
) -> tuple[dict, list[str]]:
    """({name: figure}, warnings) from how base and twin continue training passages.

    `base` and `twin` are continuations [{text, true, language}]; `held_out` and `train` are texts
    of the author, `answers` are the twin's answers, `thresholds` {name: Threshold}. `copied` is the
    share of the twin's continuations that are near-copies of the training texts, less the share
    expected without this training: that of equally long pieces of held-out texts (the author
    repeats phrases) or of the base's continuations (it may have read the author), whichever is
    larger. `copied.exact` is the share that equals the true continuation.
    """
    source = style.tidy("\n".join(train))
    run, warnings = _quotations(answers, source)
    if not twin:
        missing = figure(None, note=both("evaluate.no_long_passage"))
        return {"copied": missing, "copied.exact": missing}, warnings
    pairs = [(style.tidy(each["text"]), style.tidy(each["true"])) for each in twin]
    near, known = (_near_copies(continuations, source) for continuations in (twin, base))
    exact, n = sum(style.is_exact_copy(text, true) for text, true in pairs), len(pairs)
    own = _self_overlap(pairs, held_out, source)
    expected = max(own, known / n)
    shares = (max(0.0, bound - expected) for bound in (near / n, *wilson(near, n)))
    near_copies, advice = figure(*shares, n), both("evaluate.fewer_epochs")
    if level(near_copies, thresholds["copied"]) == "bad":
        warnings.append(t("evaluate.twin_recites"))
    counts = {"n": n, "near": near, "exact": exact, "known": known, "own": percent(own), "run": run}
    details = both("evaluate.copied", **counts)
    return {
        "copied": rated(near_copies, thresholds["copied"], advice, details),
        "copied.exact": rated(share(exact, n), thresholds["copied.exact"], advice),
    }, warnings


def _near_copies(continuations, source):
    return sum(style.is_near_copy(style.tidy(each["text"]), source) for each in continuations)


def _self_overlap(pairs, held_out, source):
    """The share of near-copies among pieces of the held-out texts as long as a continuation."""
    length = max(1, sorted(len(true) for _, true in pairs)[len(pairs) // 2])
    pieces = [piece for text in held_out for piece in style.windows(text, length)]
    copies = sum(style.is_near_copy(piece, source) for piece in pieces)
    return copies / len(pieces) if pieces else 0.0


def _quotations(answers, source):
    """(length of the longest quotation in characters, warnings)."""
    runs = [(style.longest_run(style.tidy(answer["text"]), source), answer) for answer in answers]
    long = [run for run, answer in runs if run >= style.QUOTED[answer["language"]]]
    warnings = (
        [t("evaluate.twin_quotes_at_length", answers=len(long), most=max(long))] if long else []
    )
    return max((run for run, _ in runs), default=0), warnings


def membership(trained: list, held_out: list, threshold: Threshold) -> dict:
    """The AUC of telling training texts from held-out ones by the ratio of two losses.

    Texts are {document, loss}; `loss` is the twin's loss divided by its base's. The interval is a
    bootstrap over documents.
    """
    sides = [
        grouped([-text["loss"] for text in texts], [text["document"] for text in texts])
        for texts in (trained, held_out)
    ]
    documents = min(map(len, sides))
    if documents < FEW:
        return too_few(both("evaluate.few_documents", documents=documents, least=FEW), documents)
    measured = figure(*auc_of_documents(*sides), len(trained) + len(held_out))
    details = both("evaluate.membership", trained=len(trained), held_out=len(held_out))
    return rated(measured, threshold, both("evaluate.membership_advice"), details)
