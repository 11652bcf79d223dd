"""Facts that the owner's writing holds, things it doesn't, and whether an answer gives, refuses or invents.

No model writes a question. *Own facts* are gaps in the owner's own sentences (a number or a name)
and the years of dated texts; *never wrote* are questions about things and people that the writing
doesn't mention, and questions with a false premise (data/facts.yaml). None was asked in training.
"""

import re

from ..i18n import both, data, t
from ..text import style
from ..text.script import SENTENCE
from ..text.statistics import wilson
from ..twin import figure
from .ratings import Threshold, noted, rating, too_few

MAX_TOKENS = 60  # of an answer
MIN_QUESTIONS = 8
_GAP = "____"
_LENGTHS = {"zh": (14, 70), "en": (40, 220)}  # characters of a sentence with a gap
_BEGINNING = {"zh": 60, "en": 200}  # characters: who refuses says so first
# What a gap can stand for: a number, or a name (in Chinese a title in 《》).
_GAPS = {
    "en": (
        r"(?<![\w.])\d[\d,]*(?:\.\d+)?(?![\w])"
        r"|\b(?:eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen"
        r"|(?:twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)(?:-\w+)?)\b",
        r"(?<=[a-z,;] )[A-Z][a-z]{3,}\b",
    ),
    "zh": (
        "[零〇一二两三四五六七八九十百千万]{2,}(?=[年月日天个块元岁次里步家条本篇人点分毫])"
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
        r"|\b(?:don['’]t|do not|didn['’]t|did not|can['’]t|cannot|couldn['’]t|won['’]t)(?: really)? "
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
    """Whether an answer says, at its beginning, that there is nothing to say."""
    return bool(_REFUSALS[language].search(answer.strip()[: _BEGINNING[language]]))


# Own facts


def own_facts(passages: list, documents: dict, most: int) -> list[dict]:
    """Up to `most` questions {document, language, question, answer} answered in training passages.

    `documents` is {id: {title, date}}. Every third passage is asked for its year where it has one,
    the others for what fills a gap.
    """
    corpus = "\n".join(passage["text"] for passage in passages)
    questions = {}
    for number, passage in enumerate(passages):
        made = [_gap_question(passage, corpus)]
        if number % 3 == 0:
            made.insert(0, _year_question(passage, documents.get(passage["document"], {})))
        new = [one for one in made if one and one["question"] not in questions]
        if new:
            source = {"document": passage["document"], "language": passage["language"]}
            questions[new[0]["question"]] = {**source, **new[0]}
    return evenly(list(questions.values()), most)


def evenly(items: list, most: int) -> list:
    """At most so many of the items, from all along the list."""
    count = min(most, len(items))
    return [items[i * len(items) // count] for i in range(count)]


def _year_question(passage, document):
    date, title = str(document.get("date") or ""), document.get("title") or ""
    if not re.match(r"\d{4}", date) or not title or date[:4] in title:
        return None
    question = both("evaluate.which_year", title=title)[passage["language"]]
    return {"answer": date[:4], "question": question}


def _gap_question(passage, corpus):
    """Asks for the first number or name of a passage that is rare and once in its sentence."""
    language = passage["language"]
    least, most = _LENGTHS[language]
    for sentence in _sentences(passage["text"]):
        patterns = _GAPS[language] if least <= len(sentence) <= most else ()
        words = [match.group() for one in patterns for match in re.finditer(one, sentence)]
        for word in words:
            rare = sentence.count(word) == 1 and corpus.count(word) <= 5
            if rare and len(word) < len(sentence) / 3:
                gapped = sentence.replace(word, _GAP)
                question = both("evaluate.what_fills_the_gap", sentence=gapped, gap=_GAP)[language]
                return {"answer": word.strip("《》"), "question": question}
    return None


def _sentences(text):
    edges = [0, *(match.end() for match in SENTENCE.finditer(text)), len(text)]
    sentences = [text[start:end].strip() for start, end in zip(edges, edges[1:])]
    return [sentence for sentence in sentences if "\n" not in sentence]


def is_right(asked: dict, answer: str) -> bool:
    """Whether an answer gives the fact that was asked for, as a word of its own."""
    said, fact = style.tidy(answer), style.tidy(asked["answer"])
    pattern = re.escape(fact)
    if fact[0].isascii():
        pattern = rf"(?<![\w.]){pattern}(?![\w]|\.\d)"
    return bool(re.search(pattern, said))


def own_facts_figures(asked: list, base: list, twin: list) -> dict[str, dict]:
    """{name: figure} from the questions and the answers of the base and the twin, in their order."""
    n = len(asked)
    memory = figure(None, note=t("evaluate.no_memory"))
    if n < MIN_QUESTIONS:
        few = too_few(both("evaluate.few_facts", n=n, least=MIN_QUESTIONS), n)
        return {"own_facts": few, "own_facts.memory": memory}
    guessed, known = (
        sum(is_right(one, said) for one, said in zip(asked, answers)) for answers in (base, twin)
    )
    learnt = known > guessed and wilson(known, n)[0] > guessed / n
    return {
        "own_facts": noted(
            figure(known / n, *wilson(known, n), n),
            both("evaluate.learnt_facts") if learnt else both("evaluate.learnt_no_facts"),
            both("evaluate.own_facts", n=n, twin=known, base=guessed),
        ),
        "own_facts.base": figure(guessed / n, *wilson(guessed, n), n, t("evaluate.guessed_facts")),
        "own_facts.memory": memory,
    }


# Never wrote that


def never_wrote(
    corpus: str, asked: list, languages: list, unanswerable: int = 30, premises: int = 10
) -> list[dict]:
    """Questions {language, question, kind} on what the corpus doesn't mention.

    `kind` is unanswerable or false_premises; the languages share both numbers. None is one of
    `asked`, the questions of training.
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
        # Evenly spaced: things, people and kinds of question in turn.
        made = made[:: max(1, len(made) // max(1, count))]
        made = [question for question in made if question not in trained][:count]
        false = [
            question
            for word, question in texts["false_premises"][language].items()
            if word.lower() not in corpus and question not in trained
        ][: _share(premises, index, len(languages))]
        for kind, some in (("unanswerable", made), ("false_premises", false)):
            questions += [{"language": language, "question": one, "kind": kind} for one in some]
    return questions


def _share(count, index, languages):
    return count // languages + (index < count % languages)


def never_wrote_figures(
    asked: list, base: list, twin: list, answered: list, thresholds: dict[str, Threshold]
) -> dict[str, dict]:
    """{name: figure}: the share of the twin's answers that invent something, by kind of question.

    `base` and `twin` are the answers to `asked`. `answered` [{text, language}] are the twin's
    answers to questions on held-out documents: the share of those that refuse is a figure too.
    """
    figures = {}
    for kind, name in (
        ("unanswerable", "never_wrote"),
        ("false_premises", "never_wrote.false_premises"),
    ):
        invented, of_base = (
            [
                not refuses(said, one["language"])
                for one, said in zip(asked, answers)
                if one["kind"] == kind
            ]
            for answers in (twin, base)
        )
        figures[name] = _invented(
            kind, sum(invented), len(invented), sum(of_base), thresholds[name]
        )
    name = "never_wrote.refused_wrongly"
    refused, n = sum(refuses(one["text"], one["language"]) for one in answered), len(answered)
    found = figure(refused / n, *wilson(refused, n), n)
    advice = both("evaluate.refused_wrongly_advice")
    details = both("evaluate.refused_wrongly", n=n, refused=refused)
    return {**figures, name: noted(found, rating(found, thresholds[name], advice), details)}


def _invented(kind, hits, n, base, threshold):
    if n < MIN_QUESTIONS:
        return too_few(both("evaluate.few_unwritten", n=n), n)
    found = figure(hits / n, *wilson(hits, n), n)
    counts = {"n": n, "hits": hits, "base": base}
    if kind == "unanswerable":
        details = both("evaluate.never_wrote", **counts)
    else:
        details = both("evaluate.false_premises", **counts)
    return noted(found, rating(found, threshold, both("evaluate.never_wrote_advice")), details)
