"""Questions on facts in the owner's texts and on what these don't mention, and their figures.

*Own facts* asks for a number or name in one of the owner's sentences, of which it gives two or
three words and not the sentence, or for the year of a dated text. *Never wrote* asks about things
and people that the texts don't mention, or takes something false for granted (data/unwritten.yaml,
from which nothing is learnt). Questions come from templates, not from a model.
"""

import itertools
import re

from ..i18n import both, data
from ..memory import lexical
from ..text import numerals, style
from ..text.script import HAN, HAN_NUMERALS, sentences
from ..text.spacing import evenly
from .ratings import Threshold, noted, rated, share_by_document, too_few

MAX_TOKENS = 60  # of an answer
MIN_QUESTIONS = 8
YEAR = "year"  # the kind of a question on when a text was written
_HINTS = (2, 3)  # words of the sentence that a question gives, at least and at most
_NUMERAL = f"[{HAN_NUMERALS}]"
_LETTER = f"[^\\W_{HAN}]"  # a letter or digit of a script with spaces
_LENGTHS = {"zh": (14, 70), "en": (40, 220)}  # characters of a sentence with a gap
_BEGINNING = {"zh": 60, "en": 200}  # characters of an answer in which a refusal is looked for
# What is asked for: a number, or a name (in Chinese a title in 《》).
_FACTS = {
    "en": {
        "number": r"(?<![\w.])\d+(?:,\d{3})*(?:\.\d+)?(?![\w])"
        r"|\b(?:eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen"
        r"|(?:twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)(?:-\w+)?)\b",
        "name": r"(?<=[a-z,;] )[A-Z][a-z]{3,}\b",
    },
    "zh": {
        "number": f"{_NUMERAL}{{2,}}(?=[年月日天个块元岁次里步家条本篇人点分毫])"
        r"|\d+(?:\.\d+)?",
        "title": "《[^》]{2,12}》",
    },
}
_QUESTIONS = {
    "number": "evaluate.which_number",
    "name": "evaluate.which_name",
    "title": "evaluate.which_title",
}
_NAME = {"en": _FACTS["en"]["name"], "zh": _FACTS["zh"]["title"]}
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


_CLAUSE_END = re.compile(r"^[^.,;:!?，。；：！？]*")


def refuses(answer: str, language: str, question: str = "") -> bool:
    """Whether an answer says at its beginning that the author doesn't know or never wrote of it.

    Where a number or a name follows that is not in the question it answers all the same: "I have
    never been to Rome, but the boat cost 300 yuan".
    """
    beginning = answer.strip()[: _BEGINNING[language]]
    refusal = _REFUSALS[language].search(beginning)
    if not refusal:
        return False
    rest = _CLAUSE_END.sub("", beginning[refusal.end() :], count=1)  # what it denies is no fact
    said = numerals.numbers(rest) - numerals.numbers(question) - {1}  # not one, 一个字也没有
    names = set(re.findall(_NAME[language], rest)) - set(re.findall(r"\w+|《[^》]*》", question))
    return not said and not names


# Own facts


def own_facts(passages: list, documents: dict, most: int) -> list[dict]:
    """Up to `most` questions {document, language, question, answer, kind} on training passages.

    `documents` is {id: {title, date}}. The answers are numbers and names or, for every third
    passage if its document has a date and a title, the year.
    """
    corpus = "\n".join(passage["text"] for passage in passages)
    questions = {}
    for number, passage in enumerate(passages):
        candidates = [_question(passage, corpus)]
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


def _question(passage, corpus):
    """{answer, question, kind} on the first rare number or name of a passage; None without one.

    Rare: once in its sentence and at most five times in the corpus. The question gives the words
    nearest to it that say something, and not the sentence: who quotes it needs no memory.
    """
    language = passage["language"]
    shortest, longest = _LENGTHS[language]
    for sentence in sentences(passage["text"]):
        # A number in a placeholder, such as [phone-1], is none of the author's.
        if "\n" in sentence or "[" in sentence or not shortest <= len(sentence) <= longest:
            continue
        for kind, pattern in _FACTS[language].items():
            for match in re.finditer(pattern, sentence):
                fact = match.group()
                rare = sentence.count(fact) == 1 and corpus.count(fact) <= 5
                hints = _words_near(sentence, match) if rare else []
                if len(hints) >= _HINTS[0]:
                    words = both("core.list_separator")[language].join(hints)
                    question = both(_QUESTIONS[kind], words=words)[language]
                    return {"answer": fact.strip("《》"), "question": question, "kind": kind}
    return None


def _words_near(sentence, match):
    """The words nearest to a match that say what its sentence is about, in their order."""
    before, after = (
        _telling_words(part) for part in (sentence[: match.start()], sentence[match.end() :])
    )
    least, most = _HINTS
    first = before[-least:] if after else before[-most:]
    return first + [word for word in after if word not in first][: most - len(first)]


def _telling_words(text):
    """The words of a text, as they stand there, but numerals and such as say nothing of it."""
    left_out, found = lexical.question_words(), []
    for piece in re.findall(f"{_LETTER}+|[{HAN}]+", text):
        whole = [piece] if not re.match(f"[{HAN}]", piece) else lexical.words(piece)
        for word in whole:
            says = set(lexical.words(word)) - left_out and not left_out.issuperset(word)  # 是不是
            if says and len(word) > 1 and not re.search(rf"\d|{_NUMERAL}", word):
                found.append(word)
    return list(dict.fromkeys(found))


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
    documents = [question.get("document", i) for i, question in enumerate(questions)]
    by_base, by_twin = (list(map(is_right, questions, answers)) for answers in (base, twin))
    guessed, known = sum(by_base), sum(by_twin)
    share_known = share_by_document(by_twin, documents)
    learnt = known > guessed and share_known["low"] > guessed / n
    return {
        "own_facts": noted(
            share_known,
            both("evaluate.learnt_facts") if learnt else both("evaluate.learnt_no_facts"),
            both("evaluate.own_facts", n=n, twin=known, base=guessed),
        ),
        "own_facts.base": share_by_document(by_base, documents, both("evaluate.guessed_facts")),
    }


# Never wrote that


def never_wrote(
    corpus: str,
    asked: list,
    languages: list,
    titles: dict[str, list[str]],
    unanswerable: int = 30,
    premises: int = 10,
) -> list[dict]:
    """Questions {language, question, kind, subject} on what the corpus doesn't mention.

    `kind` is unanswerable or false_premises; `unanswerable` and `premises` are how many of each, in
    all languages together. Some ask for a thing or a person in one of the author's `titles`,
    {language: titles}. Questions in `asked`, those of training, are left out.
    """
    texts, corpus, trained = data("unwritten"), corpus.lower(), set(asked)
    questions = []
    for index, language in enumerate(languages):
        unheard = {
            kind: [each for each in texts[kind] if not _is_mentioned(each, corpus)]
            for kind in ("things", "people")
        }
        made = [
            (question, subject)
            for question, subject in _of_each_kind(
                texts, unheard, language, titles.get(language, [])
            )
            if question not in trained
        ][: _share(unanswerable, index, len(languages))]
        false = [
            (question, word)
            for word, question in texts["false_premises"][language].items()
            if word.lower() not in corpus and question not in trained
        ][: _share(premises, index, len(languages))]
        for kind, texts_of_kind in (("unanswerable", made), ("false_premises", false)):
            questions += [
                {"language": language, "kind": kind, "question": text, "subject": subject}
                for text, subject in texts_of_kind
            ]
    return questions


def _is_mentioned(subject, corpus):
    return any(word.lower() in corpus for word in subject.values())


def _of_each_kind(texts, unheard, language, titles):
    """All (question, subject) that the templates make, in turn one of each template.

    Those of one template begin with another subject and another title than those of the next, so
    that the first few have as many subjects and titles as there are.
    """
    columns = []
    for kind, subjects in unheard.items():
        templates = texts[f"about_{kind}"]
        templates = templates + texts[f"about_{kind}_in_a_text"] * bool(titles)
        for number, template in enumerate(templates):
            first = number * len(subjects) // len(templates)
            columns.append(
                [
                    (
                        template[language].format(
                            subject=subject[language],
                            title=titles[(first + place) % len(titles)] if titles else "",
                        ),
                        subject["en"],
                    )
                    for place, subject in enumerate(subjects[first:] + subjects[:first])
                ]
            )
    in_turn = itertools.zip_longest(*columns)
    return [question for row in in_turn for question in row if question is not None]


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
        of_kind = [each for each in zip(questions, twin, base) if each[0]["kind"] == kind]
        invented, of_base = (
            [not refuses(e[place], e[0]["language"], e[0].get("question", "")) for e in of_kind]
            for place in (1, 2)
        )
        subjects = [question.get("subject", i) for i, (question, *_) in enumerate(of_kind)]
        figures[name] = _invented(kind, invented, sum(of_base), subjects, thresholds[name])
    name = "never_wrote.refused_wrongly"
    refused = [refuses(each["text"], each["language"]) for each in answers]
    documents = [each.get("document", i) for i, each in enumerate(answers)]
    advice = both("evaluate.refused_wrongly_advice")
    details = both("evaluate.refused_wrongly", n=len(refused), refused=sum(refused))
    wrongly = share_by_document(refused, documents)
    return {**figures, name: rated(wrongly, thresholds[name], advice, details)}


def _invented(kind, invented, by_base, subjects, threshold):
    """The figure of one kind of question; those with one subject are judged together."""
    n = len(invented)
    if n < MIN_QUESTIONS:
        return too_few(both("evaluate.few_unwritten", n=n), n)
    key = "evaluate.never_wrote" if kind == "unanswerable" else "evaluate.false_premises"
    advice = both("evaluate.never_wrote_advice")
    counts = {"n": n, "hits": sum(invented), "base": by_base}
    return rated(share_by_document(invented, subjects), threshold, advice, both(key, **counts))
