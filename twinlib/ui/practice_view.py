"""What practice looks like while it runs: one completion, and what its figures mean, in sentences.

What was taken for the completion's answer is coloured: green if right, red if wrong.
"""

from collections.abc import Sequence

from ..i18n import t
from .display import NOTHING, Shown, esc, sentence

_LATELY = 20  # records of steps that the sentences speak of
_FEWEST = 5
_TEACHES_NOTHING = 0.5  # share of groups without a signal from which it is said
_CUT_OFF = 0.2
_SAME_WORDS = 0.05  # nats of entropy a token
_FELL = 0.05  # of the accuracy on held-out problems
_COLOURS = {True: "40,160,80", False: "220,50,50", None: "90,120,200"}
_KEYS = {
    True: "practice.taken_right",
    False: "practice.taken_wrong",
    None: "practice.taken_prose",
}


def practice(records: Sequence[dict]) -> Shown:
    """The newest completion with its coloured answer, and the sentences beside it."""
    samples = [record["sample"] for record in records if "right" in record.get("sample", {})]
    said = sum((sentence(text, level) for level, text in sentences(records)), NOTHING)
    if not samples:
        return said
    shown = completion(samples[-1])
    return Shown(
        '<div style="display:flex;flex-wrap:wrap;gap:.5em 1.5em;max-width:70em">'
        f'<div style="flex:2 1 20em;min-width:0">{shown.html}</div>'
        f'<div style="flex:1 1 16em;min-width:0">{said.html}</div></div>',
        "\n".join(filter(None, (shown.text, said.text))),
    )


def completion(sample: dict) -> Shown:
    """A completion of a problem, with what was taken for its answer in colour (text: brackets)."""
    text, right = sample["text"], sample["right"]
    start, end = sample.get("taken") or (len(text), len(text))
    colour = _COLOURS[right]
    taken = (
        f'<mark style="background:rgba({colour},.35);color:inherit;border-radius:3px;'
        f'padding:0 .2em">{esc(text[start:end])}</mark>'
        if end > start
        else ""
    )
    key = {
        True: "practice.taken_right",
        False: "practice.taken_wrong",
        None: "practice.taken_prose",
    }[right]
    if right is False and not taken:
        key = "practice.taken_nothing"
    cut_off = "" if sample.get("ended", True) else t("ui.answer_cut_off")
    head = t("ui.at_step", step=sample["step"]) + " · " + t(key) + cut_off
    body = f"{esc(text[:start])}{taken}{esc(text[end:])}"
    return Shown(
        f'<div style="margin:.8em 0"><b style="white-space:pre-wrap">{esc(sample["question"])}</b>'
        f'<div style="opacity:.7">{esc(head)}</div>'
        '<div style="white-space:pre-wrap;overflow-wrap:anywhere;max-height:18em;overflow:auto">'
        f"{body}</div></div>",
        f"{sample['question']}\n{head}\n{text[:start]}[{text[start:end]}]{text[end:]}",
    )


def sentences(records: Sequence[dict]) -> list[tuple[str, str]]:
    """[(level, sentence)]: what the newest steps of a practice mean now; [] before some steps."""
    steps = [record for record in records if "no_signal" in record]
    if len(steps) < _FEWEST:
        return []
    lately = steps[-_LATELY:]
    found = []
    silent, correct = _mean(lately, "no_signal"), _mean(lately, "correct")
    if silent > _TEACHES_NOTHING:
        if correct is None:
            key = "practice.all_alike"
        else:
            key = "practice.too_easy" if correct > 0.5 else "practice.too_hard"
        found.append(("warning", t(key, share=silent)))
    clipped = _mean(lately, "clipped")
    if clipped is not None and clipped > _CUT_OFF:
        found.append(("warning", t("practice.cut_off", share=clipped)))
    entropy = _mean(lately, "entropy")
    if entropy is not None and entropy < _SAME_WORDS:
        found.append(("warning", t("practice.same_words")))
    return [*found, *_direction(steps, lately)]


def _direction(steps, lately):
    """Whether the reward rises, and the accuracy on held-out problems with it."""
    first = steps[:_LATELY]
    before, now = (_mean(part, "reward") for part in (first, lately))
    if before is None or len(steps) < 2 * _LATELY:
        return [("note", t("practice.wobbles"))]
    rose = now - before > 0.02
    exams = [r["held_out_accuracy"] for r in steps if _is_number(r.get("held_out_accuracy"))]
    if rose and len(exams) > 1 and exams[0] - exams[-1] > _FELL:
        values = {"before": exams[0], "now": exams[-1]}
        return [("stop", t("practice.is_fooled", **values))]
    if rose and len(exams) > 1 and exams[-1] > exams[0]:
        return [("good", t("practice.helps", before=exams[0], now=exams[-1]))]
    if rose:
        return [("good", t("practice.reward_rises", before=before, now=now))]
    return [("note", t("practice.stands_still", before=before, now=now))]


def _mean(records, name):
    values = [record[name] for record in records if _is_number(record.get(name))]
    return sum(values) / len(values) if values else None


def _is_number(value):
    return isinstance(value, (int, float)) and value == value
