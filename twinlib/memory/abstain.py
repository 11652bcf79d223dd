"""Whether the author wrote about what a question asks, decided before a model speaks.

A logistic model reads how the two arms of the search see the passages: a fixed bound on a
similarity would not do, since those of e5 all lie between 0.8 and 0.9. It is fitted for each twin
on its own corpus. Answerable are the questions of its training rows (titles, headings, written
ones); since people seldom use the author's own words, words of these questions are taken as
unknown at random. Not answerable are questions from data/facts.yaml and data/other_topics.yaml
whose subject is not in the corpus. The threshold is the lowest that answers at most 10 % of those,
each judged by a model that was fitted without it.

A name in the question that the corpus doesn't hold is a veto, whatever the model says.
"""

import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import NamedTuple

from ..files import content_id, write_json
from ..i18n import data
from ..text.script import HAN, language_of
from ..text.statistics import wilson
from ..text.style import tidy
from ..twin import Twin
from . import lexical
from .index import Index, Search
from .lexical import subject_words

WITH_VECTORS = ("top", "over", "margin", "covered", "agree")
WORDS_ALONE = ("covered",)
FALSE_ANSWERS = 0.10  # the share of unanswerable questions that may be answered
_UNKNOWN_WORDS = 0.3  # share of the words of an answerable question that are taken as unknown
_COPIES = 3  # of each such question, with other words unknown
_MOST = 240  # answerable questions
# A chance from which a word that the tagger takes for a place, such as 海关, is no veto.
_SURE = 0.9
_FEWEST = 12  # of either kind, for a fit
_FOLDS = 5
_BATCH = 16  # questions that are embedded at a time
_LANGUAGE_SHARE = 0.1  # of the passages, for a language that the author writes in


class Decision(NamedTuple):
    """Whether to answer a question: `chance` of 0 to 1 that the corpus has it; a name as `veto`."""

    answer: bool
    chance: float
    veto: str = ""


@dataclass(frozen=True)
class Calibration:
    """The fitted model: chance = 1 / (1 + exp(-(bias + sum(weights * features)))).

    `features` are names of what `measure` returns. `answered` and `false_answers` are [share, low,
    high, n] of questions that the fit had not seen. Without a fit (too few questions) `features` is
    empty and everything is answered that has a word in common with a passage.
    """

    features: list[str]
    weights: list[float]
    bias: float
    threshold: float
    answered: list
    false_answers: list

    def chance(self, measured: dict[str, float]) -> float:
        """The chance that a question can be answered."""
        import math

        if not self.features:
            return float(measured["covered"] > 0)
        total = self.bias + sum(
            weight * measured[name] for name, weight in zip(self.features, self.weights)
        )
        return 1 / (1 + math.exp(-max(-50.0, min(50.0, total))))


def load(twin: Twin) -> dict[str, Calibration] | None:
    """{'vectors' or 'words': Calibration}; None where there is none or it is damaged."""
    try:
        kept = json.loads(twin.file("memory_calibration").read_text(encoding="utf-8"))
        return {arm: Calibration(**values) for arm, values in kept.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return None


def decide(
    index: Index,
    calibrations: dict[str, Calibration] | None,
    question: str,
    search: Search,
    splits: Iterable[str] | None = None,
) -> Decision:
    """Whether the passages that were found can answer the question."""
    if not search.found:
        return Decision(False, 0.0)
    measured = measure(index, question, search, splits)
    arm = "vectors" if search.similarities is not None else "words"
    calibration = (calibrations or {}).get(arm) or unfitted()
    chance = calibration.chance(measured)
    names, places = unknown_names(index, question, splits)
    if names or (places and chance < _SURE):
        return Decision(False, chance, (names + places)[0])
    return Decision(chance >= calibration.threshold, chance)


def unfitted() -> Calibration:
    """What decides where there is nothing to fit on."""
    return Calibration([], [], 0.0, 0.5, [None] * 4, [None] * 4)


# What the decision is made of


def measure(
    index: Index,
    question: str,
    search: Search,
    splits: Iterable[str] | None = None,
    keep: Callable[[str], bool] = lambda word: True,
) -> dict[str, float]:
    """How well the passages fit the question: {feature: value}.

    `covered` is the share of the question's words, weighted by rarity, in the passage that has most
    of them. With vectors: `top`, the highest cosine, `over`, how much it is above the mean, and
    `margin` above the next nine; `agree`, the share of the first five passages that both arms
    share. `keep` says which words the author may know.
    """
    import numpy

    allowed = index.allowed(splits)
    count = int(allowed.sum())
    words = subject_words(question)
    found = {word: _positions(index, word, allowed) if keep(word) else () for word in words}
    rarity = {word: numpy.log((count + 1) / (len(found[word]) + 0.5)) for word in words}
    total = sum(rarity.values())
    covered, scores = numpy.zeros(len(allowed)), search.scores
    for word in words:
        if len(found[word]):
            covered[found[word]] += rarity[word]
    kept = [word for word in words if keep(word)]
    if len(kept) < len(words):
        scores = index.lexical.scores(" ".join(kept)) * allowed
    measured = {"covered": covered.max() / total if total > 0 else 0.5}
    if search.similarities is not None:
        seen = search.similarities[allowed]
        best = numpy.sort(seen)[::-1][:10]
        nearest = numpy.argsort(-search.similarities, kind="stable")[:5]
        by_words = numpy.argsort(-scores, kind="stable")[:5]
        by_words = by_words[scores[by_words] > 0]
        rest = best[1:].mean() if len(best) > 1 else best[0]
        measured |= {
            "top": best[0],
            "over": best[0] - seen.mean(),
            "margin": best[0] - rest,
            "agree": len(set(nearest.tolist()) & set(by_words.tolist())) / 5,
        }
    return {name: float(value) for name, value in measured.items()}


def _positions(index, word, allowed):
    found = index.lexical.texts_with(word)
    return found[allowed[found]]


# Names that the author never wrote

_TITLE = re.compile("《([^》]{1,40})》")
_QUOTED = re.compile(r"“([A-Z][^”]{2,60})”")
_CAPITALISED = re.compile(
    r"(?<![.!?:] )(?<!^)(?<![\"“(])\b(?!I\b|I['’])[A-Z][a-z\u00e0-\u024f]{2,}"
    r"(?:[ -][A-Z][a-z\u00e0-\u024f]{2,})*"
)
# Capitalised words that name nobody.
_NOT_NAMES = set(
    """
    mr mrs ms miss sir lady lord dr doctor captain judge king queen uncle aunt auntie english
    chinese monday tuesday wednesday thursday friday saturday sunday january february march
    april may june july august september october november december
    """.split()
)
_PEOPLE, _PLACES = ("nr", "nrt", "nrfg"), ("ns", "nt")  # tags of rjieba


def unknown_names(
    index: Index, question: str, splits: Iterable[str] | None = None
) -> tuple[list[str], list[str]]:
    """What a question names and no passage holds: ([people and works], [Chinese places]).

    English places are among the first. Names are judged only in a language that the author writes
    in: elsewhere they are spelt otherwise.
    """
    language = language_of(question)
    allowed = index.allowed(splits)
    passages = [p for p, is_allowed in zip(index.passages, allowed) if is_allowed]
    if sum(p.language == language for p in passages) < _LANGUAGE_SHARE * len(passages):
        return [], []
    names, places = _names_zh(question) if language == "zh" else (_names_en(question), [])
    unknown = [
        [name for name in group if not _holds(index, name, allowed)] for group in (names, places)
    ]
    return unknown[0], unknown[1]


def _holds(index, name, allowed):
    """Whether a passage has all parts of a name: its runs of Chinese and its other words."""
    for part in re.findall(f"[{HAN}]+|[^{HAN}]+", tidy(name)):
        for word in [part] if re.match(f"[{HAN}]", part) else lexical.words(part):
            if not len(_positions(index, word, allowed)):
                return False
    return True


def _names_en(question):
    question = question.strip()
    names = _QUOTED.findall(question)
    for run in _CAPITALISED.findall(question):
        parts = [part for part in re.split("[ -]", run) if part.lower() not in _NOT_NAMES]
        names += parts[-1:]  # the surname tells: a first name may be another's
    return names


def _names_zh(question):
    import rjieba

    names = _TITLE.findall(question)
    rest = _TITLE.sub("，", question)
    names += re.findall(r"[A-Za-z][A-Za-z]{2,}", rest)
    tagged = [(word, tag) for word, tag in rjieba.tag(rest) if re.fullmatch(f"[{HAN}]{{2,}}", word)]
    names += [word for word, tag in tagged if tag in _PEOPLE]
    return names, [word for word, tag in tagged if tag in _PLACES]


# The fit


class Asked(NamedTuple):
    """A question to fit on: `answerable`, and the `kind` of question, such as its template."""

    question: str
    answerable: bool
    kind: str


def questions(twin: Twin, index: Index) -> list[Asked]:
    """Questions that the corpus answers, from its training rows, and such that it can't answer."""
    rows = [
        row
        for key in ("train", "val", "test")
        if twin.file(key).exists()
        for row in twin.records(key)
        if row.get("kind") == "qa" and len(row.get("messages", ())) >= 2
    ]
    known = {row["messages"][-2]["content"]: row["source"] for row in rows}
    known |= {passage.title: "title" for passage in index.passages if passage.title and not rows}
    texts = sorted(known, key=lambda text: (known[text] != "local", _order(text)))
    asked = [Asked(text, True, known[text]) for text in texts if subject_words(text)][:_MOST]
    return asked + _unanswerable(index)


def _order(text):
    """A key that shuffles texts, always in the same way."""
    return content_id(f"order {text}")


def _unanswerable(index):
    corpus = tidy("\n".join(passage.searched for passage in index.passages))
    shares = [passage.language for passage in index.passages]
    asked, facts, topics = [], data("facts"), data("other_topics")
    for language in ("en", "zh"):
        if shares.count(language) < _LANGUAGE_SHARE * len(shares):
            continue
        for subjects in ("things", "people"):
            for number, template in enumerate(facts[f"about_{subjects}"]):
                asked += [
                    Asked(
                        template[language].format(subject[language]), False, f"{subjects}{number}"
                    )
                    for subject in facts[subjects]
                    if not any(word.lower() in corpus for word in subject.values())
                ]
        for kind, group in (("false premise", facts["false_premises"]), ("other", topics)):
            asked += [
                Asked(question, False, kind)
                for word, question in group[language].items()
                if word.lower() not in corpus
            ]
    return asked


def calibrate(
    index: Index, asked: Sequence[Asked], progress: Callable[[int, int], None]
) -> dict[str, Calibration]:
    """Fit the model of each arm; progress(done, total) is called while questions are embedded."""
    import numpy

    generator = numpy.random.default_rng(1)
    arms = ["vectors", "words"] if index.vectors is not None else ["words"]
    rows, seen = {arm: [] for arm in arms}, {arm: [] for arm in arms}
    for number, each in enumerate(asked):
        if number % _BATCH == 0:
            progress(number, len(asked))
            batch = [each.question for each in asked[number : number + _BATCH]]
            vectors = [None] * len(batch) if len(arms) == 1 else index.embedder.compute(batch, True)
        search = index.search(each.question, vector=vectors[number % _BATCH])
        for arm in arms:
            shown = search if arm == "vectors" else search._replace(similarities=None)
            plain = measure(index, each.question, shown)
            seen[arm].append(plain)
            copies = [plain]
            if each.answerable:
                words = subject_words(each.question)
                copies = []
                for _ in range(_COPIES):
                    kept = {w for w in words if generator.random() >= _UNKNOWN_WORDS}
                    copies.append(measure(index, each.question, shown, keep=kept.__contains__))
            rows[arm].append(copies)
    progress(len(asked), len(asked))
    names = {"vectors": WITH_VECTORS, "words": WORDS_ALONE}
    return {arm: _fitted(asked, rows[arm], seen[arm], names[arm]) for arm in arms}


def _fitted(asked, rows, seen, names):
    import numpy

    labels = numpy.array([each.answerable for each in asked])
    if min(labels.sum(), (~labels).sum()) < _FEWEST:
        return unfitted()
    chances = numpy.zeros(len(asked))
    folds = _fold_of(asked)
    for fold in range(_FOLDS):
        held = folds == fold
        weights, bias = _fit(asked, rows, names, ~held)
        for number in numpy.flatnonzero(held):
            values = [seen[number][name] for name in names]
            chances[number] = 1 / (1 + numpy.exp(-(bias + numpy.dot(weights, values))))
    wrong = numpy.sort(chances[~labels])[::-1]
    threshold = float(wrong[int(FALSE_ANSWERS * len(wrong))]) + 1e-9
    weights, bias = _fit(asked, rows, names, numpy.ones(len(asked), bool))
    answered, false = (chances[labels] >= threshold), (chances[~labels] >= threshold)
    return Calibration(
        list(names),
        [float(weight) for weight in weights],
        float(bias),
        threshold,
        _interval(answered),
        _interval(false),
    )


def _fold_of(asked):
    """The fold of each question: all of one template of unanswerable ones are in the same."""
    import numpy

    templates = sorted({each.kind for each in asked if not each.answerable})
    numbers = []
    for place, each in enumerate(asked):
        alone = each.answerable or each.kind in ("other", "false premise")
        numbers.append(place if alone else templates.index(each.kind))
    return numpy.array(numbers) % _FOLDS


def _fit(asked, rows, names, chosen):
    """(weights, bias) on the raw features, of the questions that are chosen."""
    import numpy
    from sklearn.linear_model import LogisticRegression

    values, labels = [], []
    for each, copies, is_chosen in zip(asked, rows, chosen):
        if is_chosen:
            values += [[copy[name] for name in names] for copy in copies]
            labels += [each.answerable] * len(copies)
    values = numpy.array(values)
    center, scale = values.mean(axis=0), values.std(axis=0) + 1e-9
    model = LogisticRegression(class_weight="balanced")
    model.fit((values - center) / scale, labels)
    weights = model.coef_[0] / scale
    return weights, model.intercept_[0] - weights @ center


def _interval(hits):
    n, count = len(hits), int(hits.sum())
    return [count / n, *wilson(count, n), n]


def save(twin: Twin, calibrations: dict[str, Calibration]) -> None:
    """Write calibration.json."""
    write_json(
        twin.file("memory_calibration"),
        {arm: asdict(calibration) for arm, calibration in calibrations.items()},
    )
