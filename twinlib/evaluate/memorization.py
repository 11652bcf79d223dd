"""What a twin learnt by heart: copies of its training texts, and how well these give themselves away.

Pure: texts and numbers in, figures out, as in scorecard.py.
"""

from ..i18n import t
from ..twin import figure
from ..text import style
from . import ratings
from ..text.statistics import auc_of_documents, wilson
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
        missing = figure(None, note=t("Not measured: no training passage has 100 tokens.",
                                      "未测：没有 100 个 token 以上的训练段落。"))
        return {"copied": missing, "copied.exact": missing}, warnings
    pairs = [(style.tidy(one["text"]), style.tidy(one["true"])) for one in twin]
    near, known = (_near([one["text"] for one in row], source) for row in (twin, base))
    exact, n = sum(style.exact_copy(text, true) for text, true in pairs), len(pairs)
    own, before = _self_overlap(pairs, held_out, source), known / n
    value, low, high = (max(0.0, share - max(own, before)) for share in (near / n, *wilson(near, n)))
    advice = "Train for fewer epochs.", "请减少训练遍数。"
    judged = ratings.said("copied", value, low, high, "{:.0%}", advice)
    note = t(f"{judged[0]} Given the first 50 tokens of {n} training passages, the twin went on nearly word for word "
             f"in {near}, exactly in {exact}; the base did in {known}, and you repeat yourself in {percent(own)} of "
             f"such pieces: the larger is taken off. Longest quotation in its answers: {run} characters.",
             f"{judged[1]}给出 {n} 段训练文字的前 50 个 token，分身几乎照抄 {near} 段，一字不差 {exact} 段；基础模型本来就会照抄 "
             f"{known} 段，您自己重复自己的比例是 {percent(own)}，已扣除较大的一个。它的回答里最长的原文引用有 {run} 个字符。")
    ends = wilson(exact, n)
    figures = {"copied": figure(value, low, high, n, note),
               "copied.exact": figure(exact / n, *ends, n, t(*ratings.said("copied.exact", exact / n, *ends, "{:.0%}",
                                                                           advice)))}
    if ratings.level(figures["copied"], MARKS["copied"]) == "bad":
        warnings.append(t("The twin recites its training texts: train for fewer epochs.",
                          "分身在背诵训练文字：请减少训练遍数。"))
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
    warnings = [t(f"{len(long)} of the twin's answers quote the training texts at length (up to {max(long)} "
                  "characters).",
                  f"分身有 {len(long)} 个回答大段引用训练文字（最长 {max(long)} 个字符）。")] if long else []
    return max((run for run, _ in runs), default=0), warnings


def membership(trained, held_out):
    """The figure from texts {document, loss}, where `loss` is the twin's over its base's: how often a text that it was
    trained on surprises it less, so measured, than one that it never saw (AUC)."""
    sides = [grouped([-text["loss"] for text in texts], [text["document"] for text in texts])
             for texts in (trained, held_out)]
    documents = min(map(len, sides))
    if documents < FEW:
        return too_few((f"{documents} documents on the smaller side of trained and held out, {FEW} are needed",
                        f"训练过的和留出的文章，少的一边只有 {documents} 篇，至少要 {FEW} 篇"), documents)
    value, low, high = auc_of_documents(*sides)
    judged = ratings.said("membership", value, low, high, advice=(
        "It knows its training texts too well: fewer epochs, or more writing.", "它把训练文字记得太牢：减少遍数，或多加文字。"))
    return figure(value, low, high, len(trained) + len(held_out), t(
        f"{judged[0]} From the twin's loss over its base's one can tell a text that it was trained on from one that it "
        f"never saw so often (AUC; 0.5 is guessing; {len(trained)} and {len(held_out)} texts).",
        f"{judged[1]}只看分身与基础模型的损失之比，有这么大把握认出哪段文字训练过（AUC；0.5 是瞎猜；"
        f"训练过的 {len(trained)} 段，留出的 {len(held_out)} 段）。"))
