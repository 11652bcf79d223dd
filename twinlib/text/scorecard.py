"""From answers and scores to the figures of the score card, each with an interval and a sentence on what it means.

Pure: lists and numbers in, figures out. An answer here is {document, language, prompt, real, text}: what a row said to
a held-out question, all that it was told (`prompt`), and what the author wrote there (`real`).
"""

import math

from ..language import t
from ..twin import figure
from . import privacy, style
from .statistics import bootstrap, wilson

SHORT = {"zh": 30, "en": 80}  # characters; in shorter answers a style can't be seen
FEW_ANSWERS = 3
GOOD_LIKENESS, GOOD_NONSENSE, GOOD_COPIED = 0.7, 0.02, 0.05
QUOTED = {"zh": 30, "en": 100}  # characters in one run: a quotation, no turn of phrase
LATER = ("told_apart", "pick_my_reply", "membership", "forgetting", "own_facts", "never_wrote", "quantization_loss",
         "fool_rate")


def grouped(items, documents):
    """Items in one list per document."""
    found = {}
    for item, document in zip(items, documents):
        found.setdefault(document, []).append(item)
    return list(found.values())


def percent(share):
    return f"{share:.0%}"


# Prediction gain


def prediction_gain(mine, theirs):
    """The figure from texts {document, text, gain}: `gain` is by how many nats the twin's surprise is below its base's.

    The value is the gain a character on the author's held-out text less that on other people's.
    """
    if not mine or not theirs:
        return figure(None, note=t("Not measured: there is no text to compare with.", "未测：没有可比的文字。"))

    def rate(documents):
        texts = [text for document in documents for text in document]
        return sum(text["gain"] for text in texts) / sum(len(text["text"]) for text in texts)

    groups = [grouped(texts, [text["document"] for text in texts]) for texts in (mine, theirs)]
    own, other = map(rate, groups)
    low, high = bootstrap(lambda a, b: rate(a) - rate(b), *groups)
    verdict, less, others = _gain_verdict(own - other, low), _less(own), _less(other)
    return figure(own - other, low, high, len(groups[0]), t(
        f"A character of your held-out writing surprises the twin {less[0]} than its base, one of other people's "
        f"{others[0]} (nats; {len(mine)} texts of yours, {len(theirs)} of theirs). {verdict[0]}",
        f"和基础模型相比，分身读您留出的文字，每个字的意外程度{less[1]}，读别人的文字{others[1]}"
        f"（单位 nat；您的 {len(mine)} 段，别人的 {len(theirs)} 段）。{verdict[1]}"))


# Parts of a note are (English, Chinese): only the whole note goes through `t`.


def _less(gain):
    return (f"{gain:.3f} less", f"减少 {gain:.3f}") if gain >= 0 else (f"{-gain:.3f} more", f"增加 {-gain:.3f}")


def _gain_verdict(value, low):
    if value <= 0:
        return ("It learnt nothing that is yours: train longer, or add writing.",
                "没学到您独有的东西：多训练一会儿，或多加文字。")
    if low is None or low <= 0:
        return "That may be chance.", "这也可能是巧合。"
    return "So it learnt you, not just writing in general.", "所以它学到的是您，不只是一般的写作。"


# Sounds like me


def triples(voices, row, base):
    """[(row, base, author) margins] and their documents, of the questions where all three texts are long enough.

    `voices` is {language: Voice}. What an answer only repeats of its prompt doesn't count; the three texts of a
    question are cut to the same length.
    """
    found, documents = [], []
    for answer, floor in zip(row, base):
        language = answer["language"]
        said = [style.own_words(one["text"], one["prompt"], language) for one in (answer, floor)]
        texts = style.same_length(*said, answer["real"])
        if voices.get(language) and len(texts[0]) >= SHORT[language]:
            found.append(tuple(style.margins(voices[language], texts)))
            documents.append(answer["document"])
    return found, documents


def sounds_like_me(voices, row, base, name):
    """The figure of one row: 0 is the base, 1 the author's own held-out text."""
    found, documents = triples(voices, row, base)
    if len(found) < FEW_ANSWERS:
        return figure(None, n=len(found), note=t(
            f"Not measured: {len(found)} of {len(row)} answers are long enough in words that are not the prompt's, or "
            "there is too little of your writing to know its style.",
            f"未测：{len(row)} 个回答里，除去照念提示词的部分还够长的只有 {len(found)} 个；也可能是您的文字太少、看不出风格。"))
    value = style.likeness(found)
    said, floor, ceiling = (sum(margins) / len(found) for margins in zip(*found))
    en = (f"Margins over the impostors: {name} {said:.3f}, floor (base) {floor:.3f}, ceiling (you) {ceiling:.3f}; "
          f"{len(found)} answers.")
    zh = (f"与冒充者的差距：{name} {said:.3f}，下限（基础模型）{floor:.3f}，上限（您本人）{ceiling:.3f}；{len(found)} 个回答。")
    if math.isnan(value):
        return figure(None, n=len(found), note=t("Not measured: the base sounds as much like you as you do. " + en,
                                                 "未测：基础模型已经和您本人一样像您。" + zh))
    low, high = bootstrap(lambda drawn: style.likeness([x for group in drawn for x in group]),
                          grouped(found, documents))
    return figure(value, low, high, len(found), t(
        f"{en} 0 is the base, 1 you; {GOOD_LIKENESS} and more is good.",
        f"{zh}0 是基础模型，1 是您；{GOOD_LIKENESS} 以上算好。"))


def prompt_beats_twin(figures):
    """The first thing to say when the base with the persona prompt sounds more like the author than the twin; or ''."""
    prompt, twin = (figures[name]["value"] for name in ("sounds_like_me.prompt", "sounds_like_me"))
    if prompt is None or twin is None or prompt <= twin:
        return ""
    return t(f"The persona prompt alone beats the trained twin: it sounds {prompt:.2f} like you, the twin {twin:.2f}. "
             "Train longer or on more writing, or simply use the prompt.",
             f"光靠提示词就胜过了训练出来的分身：像您的程度，提示词 {prompt:.2f}，分身 {twin:.2f}。"
             "请多训练、多加文字，或者干脆用提示词。")


# Nonsense, personal data


def nonsense(rows):
    """{row: figure} of the share of answers with a flaw, from {row: answers}; the twin's note compares all rows."""
    found = {name: [style.flaws(answer["text"], answer["language"], answer["prompt"]) for answer in row]
             for name, row in rows.items()}
    shares = {name: sum(map(bool, flaws)) / len(flaws) for name, flaws in found.items()}
    figures = {}
    for name, flaws in found.items():
        hits = sum(map(bool, flaws))
        figures[name] = figure(shares[name], *wilson(hits, len(flaws)), len(flaws), t(*_kinds(flaws)) if hits else "")
    compared = ", ".join(f"{name} {percent(share)}" for name, share in shares.items())
    verdict, kinds = _nonsense_verdict(figures), _kinds(found["twin"])
    figures["twin"]["note"] = t(f"{compared}. {verdict[0]} {kinds[0]}".strip(), f"{compared}。{verdict[1]}{kinds[1]}")
    return figures


def _nonsense_verdict(figures):
    twin, base = figures["twin"], figures["base"]
    if twin["value"] <= base["value"] + GOOD_NONSENSE:
        return "No worse than the base.", "不比基础模型差。"
    if twin["low"] <= base["high"]:
        return "Worse than the base, but with so few answers that may be chance.", "比基础模型差，但回答太少，也可能是巧合。"
    return "Worse than the base: it was trained too long or too hard.", "比基础模型差：训练得太久或太猛。"


def _kinds(flaws):
    words = {"empty": ("empty", "空白"), "echo": ("only its prompt again", "照念提示词"),
             "replacement": ("broken characters", "乱码"), "script": ("in the wrong script", "文字不对"),
             "loop": ("in circles", "车轱辘话")}
    counts = {words[kind]: sum(kind in flaw for flaw in flaws) for kind in style.FLAWS}
    return (", ".join(f"{en}: {count}" for (en, _), count in counts.items() if count),
            "，".join(f"{zh}：{count}" for (_, zh), count in counts.items() if count))


def personal_data(answers):
    """The figure: how many pieces of personal data (see privacy.py) the twin's answers hold."""
    counts = {}
    for answer in answers:
        for kind, count in privacy.mask(answer["text"], answer["language"], {})[1].items():
            counts[kind] = counts.get(kind, 0) + count
    kinds = "".join(f" {kind}: {count}." for kind, count in counts.items())
    return figure(sum(counts.values()), n=len(answers), note=t(
        f"E-mail addresses, phones, card and identity numbers, addresses, handles, keys and the like in {len(answers)} "
        f"answers of the twin.{kinds}",
        f"分身的 {len(answers)} 个回答里的邮箱、电话、卡号、证件号、地址、账号、密钥等。{kinds}"))


# Copies


def copied(continuations, held_out, train, answers):
    """({name: figure}, warnings) from [{text, true, language}], held-out texts, training texts and the twin's answers.

    `copied` is the share of continuations that repeat the training texts nearly word for word, less the share of
    equally long pieces of the author's held-out texts that do: one repeats oneself. `copied.exact`: the true ones.
    """
    source = style.tidy("\n".join(train))
    run, warnings = _longest(answers, source)
    if not continuations:
        missing = figure(None, note=t("Not measured: no training passage has 100 tokens.",
                                      "未测：没有 100 个 token 以上的训练段落。"))
        return {"copied": missing, "copied.exact": missing}, warnings
    pairs = [(style.tidy(one["text"]), style.tidy(one["true"])) for one in continuations]
    exact = sum(style.exact_copy(text, true) for text, true in pairs)
    near = sum(style.near_copy(text, source) for text, _ in pairs)
    own = _self_overlap(pairs, held_out, source)
    n = len(pairs)
    low, high = (max(0.0, edge - own) for edge in wilson(near, n))
    note = t(f"Given the first 50 tokens of {n} training passages, the twin went on nearly word for word in {near}, "
             f"exactly in {exact}; you repeat yourself in {percent(own)} of such pieces, which is taken off. Longest "
             f"quotation in its answers: {run} characters.",
             f"给出 {n} 段训练文字的前 50 个 token，分身几乎照抄 {near} 段，一字不差 {exact} 段；您自己重复自己的比例是 "
             f"{percent(own)}，已扣除。它的回答里最长的原文引用有 {run} 个字符。")
    figures = {"copied": figure(max(0.0, near / n - own), low, high, n, note),
               "copied.exact": figure(exact / n, *wilson(exact, n), n)}
    if figures["copied"]["value"] > GOOD_COPIED and low > 0:
        warnings.append(t("The twin recites its training texts: train for fewer epochs.",
                          "分身在背诵训练文字：请减少训练遍数。"))
    return figures, warnings


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


def later():
    """{name: figure} of the measures that this version does not take."""
    note = t("Not measured by this version.", "这个版本还不测这一项。")
    return {name: figure(None, note=note) for name in LATER}
