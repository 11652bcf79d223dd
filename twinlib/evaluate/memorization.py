"""What a twin learnt by heart: copies of its training texts, and how well these give themselves away.

Pure: texts and numbers in, figures out, as in scorecard.py.
"""

from ..i18n import t
from ..text import style
from ..text.statistics import auc_of_documents, wilson
from ..twin import figure
from . import ratings
from .ratings import FEW, MARKS, grouped, percent, too_few

QUOTED = {"zh": 30, "en": 100}  # characters in one run: a quotation, no turn of phrase


def copied(base, twin, held_out, train, answers):
    """({name: figure}, warnings) from how the base and the twin go on from training passages, both [{text, true,
    language}], held-out texts, training texts and the twin's answers.

    `copied` is the share of the twin's continuations that repeat the training texts nearly word for word, less what
    isn't this training's doing: the share of equally long pieces of the author's held-out texts that repeat them, or
    of the base's continuations (it has read known authors), whichever is larger. `copied.exact`: the true ones.
    """
    source = style.tidy("\n".join(train))
    run, warnings = _longest(answers, source)
    if not twin:
        missing = figure(None, note=t("evaluate.measured_no_training_passage_100"))
        return {"copied": missing, "copied.exact": missing}, warnings
    pairs = [(style.tidy(one["text"]), style.tidy(one["true"])) for one in twin]
    near, known = (_near([one["text"] for one in row], source) for row in (twin, base))
    exact, n = sum(style.exact_copy(text, true) for text, true in pairs), len(pairs)
    own, before = _self_overlap(pairs, held_out, source), known / n
    value, low, high = (
        max(0.0, share - max(own, before)) for share in (near / n, *wilson(near, n))
    )
    advice = "Train for fewer epochs.", "请减少训练遍数。"
    judged = ratings.said("copied", value, low, high, "{:.0%}", advice)
    note = t(
        "evaluate.given_first_50_tokens_training",
        judged=judged[0],
        n=n,
        near=near,
        exact=exact,
        known=known,
        own=percent(own),
        run=run,
        judged_2=judged[1],
    )
    ends = wilson(exact, n)
    figures = {
        "copied": figure(value, low, high, n, note),
        "copied.exact": figure(
            exact / n,
            *ends,
            n,
            t(*ratings.said("copied.exact", exact / n, *ends, "{:.0%}", advice)),
        ),
    }
    if ratings.level(figures["copied"], MARKS["copied"]) == "bad":
        warnings.append(t("evaluate.twin_recites_training_texts_train"))
    return figures, warnings


def _near(texts, source):
    return sum(style.near_copy(style.tidy(text), source) for text in texts)


def _self_overlap(pairs, held_out, source):
    length = max(1, sorted(len(true) for _, true in pairs)[len(pairs) // 2])
    pieces = [piece for text in held_out for piece in style.windows(text, length)]
    return sum(style.near_copy(piece, source) for piece in pieces) / len(pieces) if pieces else 0.0


def _longest(answers, source):
    runs = [(style.longest_run(style.tidy(answer["text"]), source), answer) for answer in answers]
    long = [run for run, answer in runs if run >= QUOTED[answer["language"]]]
    warnings = (
        [t("evaluate.twins_answers_quote_training_texts", long=len(long), long_2=max(long))]
        if long
        else []
    )
    return max((run for run, _ in runs), default=0), warnings


def membership(trained, held_out):
    """The figure from texts {document, loss}, where `loss` is the twin's over its base's: how often a text that it was
    trained on surprises it less, so measured, than one that it never saw (AUC)."""
    sides = [
        grouped([-text["loss"] for text in texts], [text["document"] for text in texts])
        for texts in (trained, held_out)
    ]
    documents = min(map(len, sides))
    if documents < FEW:
        return too_few(
            (
                f"{documents} documents on the smaller side of trained and held out, {FEW} are needed",
                f"训练过的和留出的文章，少的一边只有 {documents} 篇，至少要 {FEW} 篇",
            ),
            documents,
        )
    value, low, high = auc_of_documents(*sides)
    judged = ratings.said(
        "membership",
        value,
        low,
        high,
        advice=(
            "It knows its training texts too well: fewer epochs, or more writing.",
            "它把训练文字记得太牢：减少遍数，或多加文字。",
        ),
    )
    return figure(
        value,
        low,
        high,
        len(trained) + len(held_out),
        t(
            "evaluate.twins_loss_over_bases_one",
            judged=judged[0],
            trained=len(trained),
            held_out=len(held_out),
            judged_2=judged[1],
        ),
    )
