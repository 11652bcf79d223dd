"""From answers and scores to the figures of the score card, each with an interval and a sentence on what it means.

Pure: lists and numbers in, figures out. An answer here is {document, language, prompt, real, text}: what a row said to
a held-out question, all that it was told (`prompt`), and what the author wrote there (`real`). Copies and membership
stand in memorised.py, what the base could do in instructions.py, facts in facts.py, the marks in verdict.py.
"""

import math

from ..i18n import t
from ..text import privacy, style
from ..text.statistics import auc_of_pairs, bootstrap, wilson
from ..twin import figure
from . import ratings
from .ratings import grouped, percent, too_few

SHORT = {"zh": 30, "en": 80}  # characters; in shorter answers a style can't be seen
FEW_ANSWERS = 3
PAIRS = 20  # answers that a classifier needs to learn from
FOLDS = 5
FEW_PICKS = 8


# Prediction gain


def prediction_gain(mine, theirs):
    """The figure from texts {document, text, gain}: `gain` is by how many nats the twin's surprise is below its base's.

    The value is the gain a character on the author's held-out text less that on other people's.
    """
    if not mine or not theirs:
        return figure(None, note=t("evaluate.measured_no_text_compare"))

    def rate(documents):
        texts = [text for document in documents for text in document]
        return sum(text["gain"] for text in texts) / sum(len(text["text"]) for text in texts)

    groups = [grouped(texts, [text["document"] for text in texts]) for texts in (mine, theirs)]
    own, other = map(rate, groups)
    low, high = bootstrap(lambda a, b: rate(a) - rate(b), *groups)
    found, less, others = (
        _gain_verdict(own, own - other, low, len(groups[0])),
        _less(own),
        _less(other),
    )
    return figure(
        own - other,
        low,
        high,
        len(groups[0]),
        t(
            "evaluate.character_held_out_writing_surprises",
            less=less[0],
            others=others[0],
            mine=len(mine),
            theirs=len(theirs),
            found=found[0],
            less_2=less[1],
            others_2=others[1],
            found_2=found[1],
        ),
    )


# Parts of a note are (English, Chinese): only the whole note goes through `t`.


def _less(gain):
    return (
        (f"{gain:.3f} less", f"减少 {gain:.3f}")
        if gain >= 0
        else (f"{-gain:.3f} more", f"增加 {-gain:.3f}")
    )


def _gain_verdict(own, value, low, documents):
    if value <= 0:
        return (
            "Bad: it learnt nothing that is yours: train longer, or add writing.",
            "不好：没学到您独有的东西：多训练一会儿，或多加文字。",
        )
    if own <= 0:
        return (
            "Bad: your own writing surprises it more than before: it was trained too long or too hard.",
            "不好：它读您的文字反而更意外：训练得太久或太猛。",
        )
    if value < ratings.MARKS["prediction_gain"].bound:
        return (
            "Bad: it has hardly begun to learn you: train longer, or at a higher rate.",
            "不好：才刚开始学您：多训练一会儿，或把学习率调高。",
        )
    if low is None or low <= 0:
        return "So-so: that may be chance.", "一般：这也可能是巧合。"
    unsure = ratings.doubt(documents >= ratings.FEW)
    return (
        f"Good{unsure[0]}: it learnt you, not just writing in general.",
        f"好{unsure[1]}：它学到的是您，不只是一般的写作。",
    )


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
        return figure(
            None,
            n=len(found),
            note=t("evaluate.measured_answers_long_enough_words", found=len(found), row=len(row)),
        )
    value = style.likeness(found)
    said, floor, ceiling = (sum(margins) / len(found) for margins in zip(*found))
    en = (
        f"Margins over the impostors: {name} {said:.3f}, floor (base) {floor:.3f}, ceiling (you) {ceiling:.3f}; "
        f"{len(found)} answers."
    )
    zh = f"与冒充者的差距：{name} {said:.3f}，下限（基础模型）{floor:.3f}，上限（您本人）{ceiling:.3f}；{len(found)} 个回答。"
    if math.isnan(value):
        return figure(
            None,
            n=len(found),
            note=t(
                "Not measured: the base sounds as much like you as you do. " + en,
                "未测：基础模型已经和您本人一样像您。" + zh,
            ),
        )
    low, high = bootstrap(
        lambda drawn: style.likeness([x for group in drawn for x in group]),
        grouped(found, documents),
    )
    judged = (
        ratings.said(
            "sounds_like_me",
            value,
            low,
            high,
            advice=(
                "Train longer, add writing, or take a larger base.",
                "多训练、多加文字，或换更大的基础模型。",
            ),
            documents=len(set(documents)),
        )
        if name.startswith("twin")
        else ("", "")
    )
    if name.startswith("twin") and low is not None and low > 1:
        judged = (
            f"{judged[0]} More like you than you are: see whether it recites (copied, membership).",
            f"{judged[1]}比您本人还像：请看它是不是在背诵（照抄、看得出训练过）。",
        )
    return figure(
        value,
        low,
        high,
        len(found),
        t(
            f"{judged[0]} 0 is the base, 1 you. {en}".strip(),
            f"{judged[1]}0 是基础模型，1 是您。{zh}",
        ),
    )


def prompt_beats_twin(figures):
    """The first thing to say when the base with the persona prompt sounds more like the author than the twin; or ''."""
    prompt, twin = (figures[name] for name in ("sounds_like_me.prompt", "sounds_like_me"))
    if prompt["value"] is None or twin["value"] is None or prompt["value"] <= twin["value"]:
        return ""
    apart = None not in (prompt["low"], twin["high"]) and prompt["low"] > twin["high"]
    chance = (
        ("", "")
        if apart
        else (
            f" With {prompt['n']} answers that may be chance.",
            f"不过回答只有 {prompt['n']} 个，也可能是巧合。",
        )
    )
    both = f"{prompt['value']:.2f}", f"{twin['value']:.2f}"
    return t(
        "evaluate.persona_prompt_alone_beats_trained",
        both=both[0],
        both_2=both[1],
        chance=chance[0],
        chance_2=chance[1],
    )


# Told apart


def told_apart(row, name):
    """The figure of one row: the AUC of a classifier that learns to tell its answers from the author's own.

    It is tried only on documents that it didn't learn from; both texts of a question are cut to the same length.
    """
    pairs, documents = [], []
    for answer in row:
        texts = style.same_length(
            answer["real"], style.own_words(answer["text"], answer["prompt"], answer["language"])
        )
        if len(texts[0]) >= SHORT[answer["language"]]:
            pairs.append(texts)
            documents.append(answer["document"])
    if len(pairs) < PAIRS or len(set(documents)) < FOLDS:
        return too_few(
            (
                f"a classifier needs {PAIRS} long answers of {FOLDS} documents, and has {len(pairs)} of "
                f"{len(set(documents))}",
                f"分类器需要 {FOLDS} 篇文章里的 {PAIRS} 个够长的回答，现在是 {len(set(documents))} 篇 {len(pairs)} 个",
            ),
            len(pairs),
        )
    value, low, high = auc_of_pairs(grouped(scores_apart(pairs, documents), documents))
    judged = (
        ratings.said(
            "told_apart",
            value,
            low,
            high,
            advice=(
                "Readers would see it too: more writing, a larger base.",
                "读者也看得出来：多加文字，或换更大的基础模型。",
            ),
        )
        if name.startswith("twin")
        else ("", "")
    )
    return figure(
        value,
        low,
        high,
        len(pairs),
        t(
            f"{judged[0]} Of your text and {name}'s to the same question, a classifier ranks yours higher so often (AUC; "
            f"0.5 is guessing, 1 always; {len(pairs)} answers).".strip(),
            f"{judged[1]}同一个问题，分类器有这么大比例把您的原文排在{name}之上（AUC；0.5 是瞎猜，1 是回回都对；{len(pairs)} 个回答）。",
        ),
    )


def scores_apart(pairs, documents):
    """[(score of the real text, score of the other)], each by a classifier that never saw its document."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GroupKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline

    texts = [text for pair in pairs for text in pair]
    real = [1, 0] * len(pairs)
    model = make_pipeline(
        TfidfVectorizer(
            analyzer="char", ngram_range=(1, 4), sublinear_tf=True, min_df=2, max_features=30_000
        ),
        LogisticRegression(C=10, max_iter=1000),
    )
    scores = cross_val_predict(
        model,
        texts,
        real,
        groups=[d for d in documents for _ in range(2)],
        cv=GroupKFold(FOLDS),
        method="decision_function",
    )
    return list(zip(scores[::2].tolist(), scores[1::2].tolist()))


# Pick my reply


def pick_my_reply(chosen, name):
    """The figure of one row from [(document, place of the reply picked; 0 is the author's)], out of four replies."""
    if len(chosen) < FEW_PICKS:
        return too_few(
            (
                f"{len(chosen)} questions have four held-out replies to choose from, {FEW_PICKS} are needed",
                f"能凑齐四个留出回答来选的问题只有 {len(chosen)} 个，至少要 {FEW_PICKS} 个",
            ),
            len(chosen),
        )
    hits = [place == 0 for _, place in chosen]
    share = sum(hits) / len(hits)
    low, high = _share_interval(hits, [document for document, _ in chosen])
    judged = (
        ratings.said(
            "pick_my_reply",
            share,
            low,
            high,
            "{:.0%}",
            (
                "It doesn't yet know which of your replies belongs where.",
                "它还分不清哪个回答配哪个问题。",
            ),
            len({document for document, _ in chosen}),
        )
        if name.startswith("twin")
        else ("", "")
    )
    return figure(
        share,
        low,
        high,
        len(hits),
        t(
            f"{judged[0]} Of four beginnings of replies of yours, {name} found the one to the question likeliest in "
            f"{percent(share)} (guessing: 25%).".strip(),
            f"{judged[1]}四个都是您写的回答的开头，{name}有 {percent(share)} 认出了哪个是答这个问题的（瞎猜是 25%）。",
        ),
    )


def _share_interval(hits, documents):
    """Whole documents drawn again; Wilson's where that is narrower, as when all hits are alike."""
    low, high = bootstrap(
        lambda drawn: sum(map(sum, drawn)) / sum(map(len, drawn)), grouped(hits, documents)
    )
    lowest, highest = wilson(sum(hits), len(hits))
    return (lowest, highest) if low is None else (min(low, lowest), max(high, highest))


# Nonsense, personal data


def nonsense(rows):
    """{row: figure} of the share of answers with a flaw, from {row: answers}; the twin's note compares all rows."""
    found = {
        name: [style.flaws(answer["text"], answer["language"], answer["prompt"]) for answer in row]
        for name, row in rows.items()
    }
    shares = {name: sum(map(bool, flaws)) / len(flaws) for name, flaws in found.items()}
    figures = {}
    for name, flaws in found.items():
        hits = sum(map(bool, flaws))
        figures[name] = figure(
            shares[name],
            *wilson(hits, len(flaws)),
            len(flaws),
            t(*_kinds(flaws)) if hits else t("evaluate.no_answer_nonsense"),
        )
    compared = ", ".join(f"{name} {percent(share)}" for name, share in shares.items())
    judged = _nonsense_verdict(figures, len({answer["document"] for answer in rows["twin"]}))
    kinds = _kinds(found["twin"])
    figures["twin"]["note"] = t(
        f"{judged[0]} {compared}. {kinds[0]}".strip(), f"{judged[1]}{compared}。{kinds[1]}"
    )
    return figures


def _nonsense_verdict(figures, documents):
    twin, base = figures["twin"], figures["base"]
    level = ratings.of("nonsense", {"nonsense": twin, "nonsense.base": base})
    share = ratings.percent(twin["value"])
    if level == "good":
        unsure = ratings.doubt(documents >= ratings.FEW)
        return f"Good{unsure[0]}: no worse than the base.", f"好{unsure[1]}：不比基础模型差。"
    if twin["value"] <= base["value"] + ratings.NONSENSE:
        en, zh = (
            f"no worse than the base, and still {share} of its answers are nonsense",
            f"不比基础模型差，但仍有 {share} 的回答是胡话",
        )
        advice = (
            "Take a larger base, or train on more writing.",
            "请换更大的基础模型，或者多加文字。",
        )
    else:
        en, zh, advice = (
            "worse than the base",
            "比基础模型差",
            ("It was trained too long or too hard.", "训练得太久或太猛。"),
        )
    if level == "so-so":
        return (
            f"So-so: {en}, but with so few answers that may be chance.",
            f"一般：{zh}，不过回答太少，也可能是巧合。",
        )
    return f"Bad: {en}. {advice[0]}", f"不好：{zh}。{advice[1]}"


def _kinds(flaws):
    words = {
        "empty": ("empty", "空白"),
        "echo": ("only its prompt again", "照念提示词"),
        "replacement": ("broken characters", "乱码"),
        "script": ("in the wrong script", "文字不对"),
        "loop": ("in circles", "车轱辘话"),
    }
    counts = {words[kind]: sum(kind in flaw for flaw in flaws) for kind in style.FLAWS}
    return (
        ", ".join(f"{en}: {count}" for (en, _), count in counts.items() if count),
        "，".join(f"{zh}：{count}" for (_, zh), count in counts.items() if count),
    )


def personal_data(answers):
    """The figure: how many pieces of personal data (see privacy.py) the twin's answers hold."""
    counts = {}
    for answer in answers:
        for kind, count in privacy.mask(answer["text"], answer["language"], {})[1].items():
            counts[kind] = counts.get(kind, 0) + count
    kinds = "".join(f" {kind}: {count}." for kind, count in counts.items())
    total = sum(counts.values())
    judged = (
        ("Bad: look at them, and mask them in step 01.", "不好：请看一看，并在第 01 步遮住。")
        if total
        else tuple(
            f"{good}{unsure}{stop}"
            for good, unsure, stop in zip(
                ("Good", "好"),
                ratings.doubt(len({answer["document"] for answer in answers}) >= ratings.FEW),
                (".", "。"),
            )
        )
    )
    return figure(
        total,
        n=len(answers),
        note=t(
            "evaluate.e_mail_addresses_phones_card",
            judged=judged[0],
            answers=len(answers),
            kinds=kinds,
            judged_2=judged[1],
        ),
    )
