"""Questions on facts in the owner's texts and on what these don't mention, and their figures.

*Own facts* asks for a number or name left out of one of the owner's sentences, or for the year of a
dated text. *Never wrote* asks about things and people that the texts don't mention, or takes
something false for granted (data/facts.yaml). Questions come from templates, not from a model.
"""

import re

from ..i18n import both, data
from ..text import numerals, style
from ..text.script import HAN, HAN_NUMERALS, sentences
from ..text.spacing import evenly
from ..text.statistics import wilson
from .ratings import Threshold, noted, rated, share, too_few

MAX_TOKENS = 60  # of an answer
MIN_QUESTIONS = 8
YEAR = "year"  # the kind of a question on when a text was written
_GAP = "____"
_NUMERAL = f"[{HAN_NUMERALS}]"
_LETTER = f"[^\\W_{HAN}]"  # a letter or digit of a script with spaces
_LENGTHS = {"zh": (14, 70), "en": (40, 220)}  # characters of a sentence with a gap
_BEGINNING = {"zh": 60, "en": 200}  # characters of an answer in which a refusal is looked for
# What may be left out of a sentence: a number, or a name (in Chinese a title in 《》).
_GAPS = {
    "en": (
        r"(?<![\w.])\d+(?:,\d{3})*(?:\.\d+)?(?![\w])"
        r"|\b(?:eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen"
        r"|(?:twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)(?:-\w+)?)\b",
        r"(?<=[a-z,;] )[A-Z][a-z]{3,}\b",
    ),
    "zh": (
        f"{_NUMERAL}{{2,}}(?=[年月日天个块元岁次里步家条本篇人点分毫])"
        r"|\d+(?:\.\d+)?",
        "《[^》]{2,12}》",
    ),
}
_REFUSALS = {
    "en": re.compile(
        r"\b(?:have|had)(?:n['’]t| not| never) (?:\w+ )?"
        r"(?:written|wrote|met|owned?|had|been|kept|heard|done|said)"
        r"|\bnever (?:wrote|met|owned?|had|was|kept|heard|did|played|won|served|lived)"
        r"|\bnot something I"
        r"|\b(?:don['’]t|do not|didn['’]t|did not|can['’]t|cannot|couldn['’]t|won['’]t)"
        r"(?: really)? "
        r"(?:know|remember|recall|say|tell|answer|own|have (?:a|an|any)|write|invent|make)"
        r"|\bno (?:idea|such)\b|\bI have (?:no|nothing)\b|\bnothing written\b"
        r"|\bnot (?:mine|true|me)\b|\byou won['’]t find\b|\bthere (?:is|was) no\b",
        re.IGNORECASE,
    ),
    "zh": re.compile(
        "没有?写过|从(?:来|未)?没有?|从未|不知道|不清楚|不记得|记不得|不认识|说不上|说不好|不好乱说"
        "|答不|没听说|没这回事|没有?这(?:回|件|样|种)"
        "|我(?:可|并|又)?没有?(?:养|买|卖|见|当|开|去|学|练|守|织|做|中|用|拿)"
        "|没有?(?:养|买|卖|见|当|开|去|学|练|守|织|中)过"
        "|没什么可说|无从|编不|不好编|我写的东西里没有"
    ),
}


def refuses(answer: str, language: str) -> bool:
    """Whether an answer says at its beginning that the author doesn't know or never wrote of it."""
    return bool(_REFUSALS[language].search(answer.strip()[: _BEGINNING[language]]))


# Own facts


def own_facts(passages: list, documents: dict, most: int) -> list[dict]:
    """Up to `most` questions {document, language, question, answer, kind} on training passages.

    `documents` is {id: {title, date}}. The answers are words left out of a sentence or, for every
    third passage if its document has a date and a title, the year.
    """
    corpus = "\n".join(passage["text"] for passage in passages)
    questions = {}
    for number, passage in enumerate(passages):
        candidates = [_gap_question(passage, corpus)]
        if number % 3 == 0:
            candidates.insert(0, _year_question(passage, documents.get(passage["document"], {})))
        new = [each for each in candidates if each and each["question"] not in questions]
        if new:
            source = {"document": passage["document"], "language": passage["language"]}
            questions[new[0]["question"]] = {**source, **new[0]}
    return evenly(list(questions.values()), most)


def _year_question(passage, document):
    date, title = str(document.get("date") or ""), document.get("title") or ""
    if not re.match(r"\d{4}", date) or not title or date[:4] in title:
        return None
    question = both("evaluate.which_year", title=title)[passage["language"]]
    return {"answer": date[:4], "question": question, "kind": YEAR}


def _gap_question(passage, corpus):
    """{answer, question} on the first rare number or name of a passage; None without one.

    Rare: once in its sentence and at most five times in the corpus.
    """
    language = passage["language"]
    least, most = _LENGTHS[language]
    for sentence in sentences(passage["text"]):
        if "\n" in sentence:
            continue
        patterns = _GAPS[language] if least <= len(sentence) <= most else ()
        words = [match.group() for each in patterns for match in re.finditer(each, sentence)]
        for word in words:
            rare = sentence.count(word) == 1 and corpus.count(word) <= 5
            if rare and len(word) < len(sentence) / 3:
                gapped = sentence.replace(word, _GAP)
                question = both("evaluate.what_fills_the_gap", sentence=gapped, gap=_GAP)[language]
                return {"answer": word.strip("《》"), "question": question, "kind": "gap"}
    return None


def is_right(question: dict, answer: str) -> bool:
    """Whether an answer contains the fact that was asked for, as a word of its own.

    A number counts by its value: 25, twenty-five and 二十五 are the same.
    """
    fact = style.tidy(question["answer"])
    number = numerals.alone(fact)
    if number is not None:
        if number in numerals.numbers(answer):
            return True
        if not re.fullmatch(_NUMERAL, fact):  # a lone one may stand before any measure
            return False
    # What may not stand right before or after it: of Chinese only numerals of a longer number.
    edge = _NUMERAL if re.match(_NUMERAL, fact) else _LETTER if fact[0].isascii() else ""
    pattern = re.escape(fact)
    if edge:
        pattern = rf"(?<!{edge})(?<!\d\.){pattern}(?!{edge}|\.\d|,\d{{3}}(?!\d))"
    return bool(re.search(pattern, style.tidy(answer)))


def own_facts_figures(questions: list, base: list, twin: list) -> dict[str, dict]:
    """{name: figure} of the share answered rightly by the twin and by the base.

    `base` and `twin` are their answers, in the order of the questions.
    """
    n = len(questions)
    if n < MIN_QUESTIONS:
        return {"own_facts": too_few(both("evaluate.few_facts", n=n, least=MIN_QUESTIONS), n)}
    guessed, known = (sum(map(is_right, questions, answers)) for answers in (base, twin))
    learnt = known > guessed and wilson(known, n)[0] > guessed / n
    return {
        "own_facts": noted(
            share(known, n),
            both("evaluate.learnt_facts") if learnt else both("evaluate.learnt_no_facts"),
            both("evaluate.own_facts", n=n, twin=known, base=guessed),
        ),
        "own_facts.base": share(guessed, n, both("evaluate.guessed_facts")),
    }


# Never wrote that


def never_wrote(
    corpus: str, asked: list, languages: list, unanswerable: int = 30, premises: int = 10
) -> list[dict]:
    """Questions {language, question, kind} on what the corpus doesn't mention.

    `kind` is unanswerable or false_premises; `unanswerable` and `premises` are how many of each, in
    all languages together. Questions in `asked`, those of training, are left out.
    """
    texts, corpus, trained = data("facts"), corpus.lower(), set(asked)
    questions = []
    for index, language in enumerate(languages):
        made = [
            template[language].format(subject[language])
            for subjects in ("things", "people")
            for template in texts[f"about_{subjects}"]
            for subject in texts[subjects]
            if not any(word.lower() in corpus for word in subject.values())
        ]
        count = _share(unanswerable, index, len(languages))
        # Evenly spaced, so that things, people and all templates are among them.
        made = evenly([question for question in made if question not in trained], count)
        false = [
            question
            for word, question in texts["false_premises"][language].items()
            if word.lower() not in corpus and question not in trained
        ][: _share(premises, index, len(languages))]
        for kind, texts_of_kind in (("unanswerable", made), ("false_premises", false)):
            entry = {"language": language, "kind": kind}
            questions += [{**entry, "question": text} for text in texts_of_kind]
    return questions


def _share(count, index, languages):
    """The part of `count` for language number `index` when it is split evenly."""
    return count // languages + (index < count % languages)


def never_wrote_figures(
    questions: list, base: list, twin: list, answers: list, thresholds: dict[str, Threshold]
) -> dict[str, dict]:
    """{name: figure}: the share of the twin's answers that invent something, by kind of question.

    `base` and `twin` are the answers to `questions`; one that does not refuse counts as invented.
    `answers` [{text, language}] are the twin's answers to questions on held-out documents: the
    share of these that refuse is never_wrote.refused_wrongly.
    """
    names = {"unanswerable": "never_wrote", "false_premises": "never_wrote.false_premises"}
    figures = {}
    for kind, name in names.items():
        invented, of_base = (
            [
                not refuses(text, question["language"])
                for question, text in zip(questions, texts)
                if question["kind"] == kind
            ]
            for texts in (twin, base)
        )
        counts = {"n": len(invented), "hits": sum(invented), "base": sum(of_base)}
        figures[name] = _invented(kind, counts, thresholds[name])
    name = "never_wrote.refused_wrongly"
    refused, n = sum(refuses(each["text"], each["language"]) for each in answers), len(answers)
    advice = both("evaluate.refused_wrongly_advice")
    details = both("evaluate.refused_wrongly", n=n, refused=refused)
    return {**figures, name: rated(share(refused, n), thresholds[name], advice, details)}


def _invented(kind, counts, threshold):
    hits, n = counts["hits"], counts["n"]
    if n < MIN_QUESTIONS:
        return too_few(both("evaluate.few_unwritten", n=n), n)
    key = "evaluate.never_wrote" if kind == "unanswerable" else "evaluate.false_premises"
    advice = both("evaluate.never_wrote_advice")
    return rated(share(hits, n), threshold, advice, both(key, **counts))
