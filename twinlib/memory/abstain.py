"""Whether the author wrote about what a question asks, decided before a model speaks.

A logistic model reads how the two arms of the search see the passages: a fixed bound on a
similarity would not do, since those of e5 all lie between 0.8 and 0.9. It is fitted for each twin
on its own corpus. Answerable are the questions of its rows (titles, headings, written ones), but
those that are kept apart, on which the score card measures how many are refused wrongly. Not
answerable are questions from data/facts.yaml and data/other_topics.yaml whose subject is not in the
corpus. The threshold is the lowest that answers so few of those, each judged by a model
that was fitted without it, that even the upper end of the share's 95 % interval is FALSE_ANSWERS.
How often it answers is measured apart: each fifth of the questions is decided by a model and a
threshold of the other four, vetoes included.

A name in the question that the corpus doesn't hold is a veto, whatever the model says, and a thing
is one where it is not sure, unless the passages have another word for it (unwritten.py). Between a
chance that is enough and one that is far too low the author may have written about it: that is not
answered, but not denied either. The settings were chosen on the questions of
benchmarks/memory_questions/ that are not kept.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import NamedTuple

from ..files import content_id, known_fields, read_json, write_json
from ..i18n import data
from ..text.statistics import wilson
from ..text.style import tidy
from ..twin import Twin
from . import lexical, unwritten
from .index import Index, Passage, Search
from .lexical import subject_words

WITH_VECTORS = ("top", "over", "margin", "covered", "together", "agree")
WORDS_ALONE = ("covered",)
# The share of unanswerable questions that may be answered: the upper end of its 95 % interval. With
# vectors less than the 10 % that are meant, since people ask for what lies nearer to the texts than
# the questions that this is fitted on.
FALSE_ANSWERS = {"vectors": 0.065, "words": 0.10}
_MOST = 240  # answerable questions
_APART = 6
_SURE = 0.7  # a chance from which a thing that no passage has a word for is no veto
_NEARLY = 0.2  # share of the threshold from which it may have been written about
_READ = 2  # passages in which another word for a thing is looked for
_FEWEST = 12  # of either kind, for a fit
_FOLDS = 5
_PENALTY = 0.1  # inverse of the penalty on large weights, for standardised features
_BATCH = 16  # questions that are embedded at a time


class Decision(NamedTuple):
    """Whether to answer a question: `chance` of 0 to 1 that the corpus has it; a name as `veto`.

    Where it is not answered, `nearly` says that the author may have written about it all the same.
    """

    answer: bool
    chance: float
    veto: str = ""
    nearly: bool = False


@dataclass(frozen=True)
class Calibration:
    """The fitted model: chance = 1 / (1 + exp(-(bias + sum(weights * features)))).

    `features` are names of what `measure` returns. `answered` and `false_answers` are [share, low,
    high, n] of questions that are decided as `decide` does, by a model and a threshold that were
    made without them; those in use have a fifth more to learn from. Without a fit (too few
    questions) `features` is empty and everything is answered that has a word in common with a
    passage.
    """

    features: list[str]
    weights: list[float]
    bias: float
    threshold: float
    answered: list
    false_answers: list
    # Whether questions were kept apart from the fit; False in what an older version fitted.
    kept_apart: bool = False

    def chance(self, measured: dict[str, float]) -> float:
        """The chance that a question can be answered."""
        if not self.features:
            return float(measured["covered"] > 0)
        total = self.bias + sum(
            weight * measured[name]
            for name, weight in zip(self.features, self.weights, strict=True)
        )
        return 1 / (1 + math.exp(-max(-50.0, min(50.0, total))))


def load(twin: Twin) -> dict[str, Calibration] | None:
    """{'vectors' or 'words': Calibration}; None where there is none or it is damaged."""
    try:
        kept = read_json(twin.file("memory_calibration"))
        found = {
            arm: Calibration(**known_fields(Calibration, values)) for arm, values in kept.items()
        }
        for calibration in found.values():  # of another version, or damaged, one can't do this
            float(calibration.chance(dict.fromkeys(WITH_VECTORS, 0.5)) - calibration.threshold)
    except (OSError, ValueError, TypeError, AttributeError, KeyError):
        return None
    return found


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
    if search.replies:
        return Decision(True, 1.0)
    measured = measure(index, question, search, splits)
    arm = "vectors" if search.similarities is not None else "words"
    calibration = (calibrations or {}).get(arm) or unfitted()
    vetoes = _vetoes(index, question, search, splits)
    return _decided(index, arm, calibration.chance(measured), calibration.threshold, vetoes)


class _Vetoes(NamedTuple):
    """What a question names and no passage holds, and where other words for it are looked for."""

    surely: list[str]
    perhaps: list[str]
    nearest: list[Passage]


def _vetoes(index, question, search, splits=None):
    nearest = [index.passages[position] for position in search.found[:_READ]]
    return _Vetoes(*unwritten.named(index, question, splits), nearest)


def _decided(index, arm, chance, threshold, vetoes):
    surely, perhaps = vetoes.surely, vetoes.perhaps
    if arm == "words" or chance >= _SURE:
        perhaps = []
    if chance >= threshold and not surely and perhaps:
        perhaps = [
            thing for thing in perhaps if not unwritten.has_synonym(index, thing, vetoes.nearest)
        ]
    nearly = not surely and chance >= _NEARLY * threshold
    if veto := surely + perhaps:
        return Decision(False, chance, veto[0], nearly)
    answer = chance >= threshold
    return Decision(answer, chance, nearly=nearly and not answer)


def unfitted() -> Calibration:
    """What decides where there is nothing to fit on."""
    return Calibration([], [], 0.0, 0.5, [None] * 4, [None] * 4, kept_apart=True)


# What the decision is made of


def measure(
    index: Index,
    question: str,
    search: Search,
    splits: Iterable[str] | None = None,
) -> dict[str, float]:
    """How well the passages fit the question: {feature: value}.

    `covered` is the share of the question's words, weighted by rarity, in the passage that has most
    of them. With vectors: `together`, the same share of words and pairs of Chinese characters in
    two neighbouring sentences, and the title, of a passage that was found; `top`, the highest
    cosine, `over`, how much it is above the mean, and `margin` above the next nine; `agree`, the
    share of the first five passages that both arms share.
    """
    import numpy

    allowed = index.allowed(splits)
    count = int(allowed.sum())
    words = index.lexical.subject(question)
    joined = index.lexical.joined(question)
    found = {word: _positions(index, word, joined.get(word, []), allowed) for word in words}
    rarity = {word: _rarity(len(found[word]), count) for word in words}
    total = sum(rarity.values())
    covered = numpy.zeros(len(allowed))
    for word in words:
        covered[found[word]] += rarity[word]
    measured = {"covered": covered.max() / total if total > 0 else 0.5}
    if search.similarities is not None:
        by_words, nearest = search.rankings
        best = search.similarities[nearest[:10]]
        rest = best[1:].mean() if len(best) > 1 else best[0]
        measured |= {
            "together": _together(index, question, search.found, allowed),
            "top": best[0],
            "over": best[0] - numpy.nanmean(search.similarities),
            "margin": best[0] - rest,
            "agree": len(set(nearest[:5].tolist()) & set(by_words[:5].tolist())) / 5,
        }
    return {name: float(value) for name, value in measured.items()}


def _rarity(held, count):
    """The weight of a word that so many of `count` passages have."""
    return math.log((count + 1) / (held + 0.5))


def _together(index, question, positions, allowed):
    """The largest share of a question's terms, by rarity, that stand together in these passages."""
    left_out, count = lexical.question_words(), int(allowed.sum())
    terms = [term for term in dict.fromkeys(lexical.terms(question)) if term not in left_out]
    rarity = {
        term: _rarity(int(allowed[index.lexical.texts_with(term)].sum()), count) for term in terms
    }
    best = 0.0
    for position in positions:
        passage = index.passages[position]
        head = set(lexical.terms(f"{passage.title}\n{passage.heading}\n{passage.asked}"))
        told = [set(lexical.terms(text)) for text in lexical.sentences(passage.text)] or [set()]
        for one, next_one in zip(told, told[1:] or told):
            here = head | one | next_one
            best = max(best, sum(rarity[term] for term in terms if term in here))
    return best / (sum(rarity.values()) or 1.0) if terms else 0.5


def _positions(index, word, joined, allowed):
    """The allowed passages with a word, alone or as part of the words that it is `joined` in."""
    import numpy

    every = [index.lexical.texts_with(each) for each in (word, *joined)]
    found = numpy.unique(numpy.concatenate(every)).astype(int)
    return found[allowed[found]]


# The fit


class Asked(NamedTuple):
    """A question to fit on: `answerable`, and the `kind` of question, such as its template."""

    question: str
    answerable: bool
    kind: str


def questions(twin: Twin, index: Index) -> list[Asked]:
    """Questions that the corpus answers, from its training rows, and such that it can't answer."""
    every = question_rows(twin)
    apart = {row["messages"][-2]["content"] for row in every if kept_apart(row)}
    rows = [row for row in every if row["messages"][-2]["content"] not in apart]
    known = {row["messages"][-2]["content"]: row["source"] for row in rows}
    known |= {passage.title: "title" for passage in index.passages if passage.title and not every}
    texts = sorted(known, key=lambda text: (known[text] != "local", _order(text)))
    asked = [Asked(text, True, known[text]) for text in texts if subject_words(text)][:_MOST]
    return asked + _unanswerable(index)


def question_rows(twin: Twin) -> list[dict]:
    """The rows of all splits that ask a question, each with its `split`."""
    return [
        {**row, "split": split}
        for split in ("train", "val", "test")
        if twin.file(split).exists()
        for row in twin.records(split)
        if row.get("kind") == "qa" and len(row.get("messages", ())) >= 2
    ]


def kept_apart(row: dict) -> bool:
    """Whether nothing is fitted on the question of a row of `question_rows`.

    These are the questions on held-out texts, and of the others, by lot, one in _APART.
    """
    lot = int(content_id(f"apart {row['messages'][-2]['content']}"), 16)
    return row["split"] != "train" or lot % _APART == 0


def _order(text):
    """A key that shuffles texts, always in the same way."""
    return content_id(f"order {text}")


def _unanswerable(index):
    corpus = tidy("\n".join(passage.searched for passage in index.passages))
    shares = [passage.language for passage in index.passages]
    asked, facts, topics = [], data("facts"), data("other_topics")
    for language in ("en", "zh"):
        if shares.count(language) < unwritten.LANGUAGE_SHARE * len(shares):
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
    arms = ["vectors", "words"] if index.vectors is not None else ["words"]
    rows, vetoes = {arm: [] for arm in arms}, []
    for number, each in enumerate(asked):
        if number % _BATCH == 0:
            progress(number, len(asked))
            batch = [each.question for each in asked[number : number + _BATCH]]
            vectors = [None] * len(batch) if len(arms) == 1 else index.embedder.compute(batch, True)
        search = index.search(each.question, vector=vectors[number % _BATCH])
        vetoes.append(_vetoes(index, each.question, search) if search.found else None)
        for arm in arms:
            shown = search if arm == "vectors" else search._replace(similarities=None)
            rows[arm].append(measure(index, each.question, shown))
    progress(len(asked), len(asked))
    names = {"vectors": WITH_VECTORS, "words": WORDS_ALONE}
    return {arm: _fitted(index, arm, asked, rows[arm], vetoes, names[arm]) for arm in arms}


def _fitted(index, arm, asked, rows, vetoes, names):
    """The Calibration of an arm.

    `rows` are {feature: value} of the questions, `vetoes` None for one without any passage.
    """
    import numpy

    labels = numpy.array([each.answerable for each in asked])
    if min(labels.sum(), (~labels).sum()) < _FEWEST:
        return unfitted()
    values = numpy.array([[row[name] for name in names] for row in rows])
    folds, bearable = _fold_of(asked), FALSE_ANSWERS[arm]
    answered = numpy.zeros(len(asked), bool)
    for fold in range(_FOLDS):
        held = folds == fold
        threshold = _threshold(values[~held], labels[~held], folds[~held], bearable)
        chances = _chances(values[held], *_fit(values[~held], labels[~held]))
        for place, chance in zip(numpy.flatnonzero(held), chances):
            if vetoes[place] is not None:
                decision = _decided(index, arm, float(chance), threshold, vetoes[place])
                answered[place] = decision.answer
    weights, bias = _fit(values, labels)
    return Calibration(
        list(names),
        [float(weight) for weight in weights],
        float(bias),
        _threshold(values, labels, folds, bearable),
        _interval(answered[labels]),
        _interval(answered[~labels]),
        kept_apart=True,
    )


def _threshold(values, labels, folds, bearable):
    """The lowest that answers a bearable share of what can't be answered, judged by folds."""
    import numpy

    chances = numpy.zeros(len(labels))
    for fold in set(folds.tolist()):
        held = folds == fold
        chances[held] = _chances(values[held], *_fit(values[~held], labels[~held]))
    wrong = numpy.sort(chances[~labels])[::-1]
    counts = [k for k in range(len(wrong)) if wilson(k, len(wrong))[1] <= bearable]
    return float(wrong[max(counts, default=0)]) + 1e-9 if len(wrong) else 0.5


def _chances(values, weights, bias):
    import numpy

    return 1 / (1 + numpy.exp(-(bias + values @ weights)))


def _fold_of(asked):
    """The fold of each question: all of one template of unanswerable ones are in the same."""
    import numpy

    templates = sorted({each.kind for each in asked if not each.answerable})
    numbers = []
    for place, each in enumerate(asked):
        alone = each.answerable or each.kind in ("other", "false premise")
        numbers.append(place if alone else templates.index(each.kind))
    return numpy.array(numbers) % _FOLDS


def _fit(values, labels):
    """(weights, bias) on the raw features `values`, of shape (questions, features)."""
    import numpy
    from sklearn.linear_model import LogisticRegression

    if labels.all() or not labels.any():  # few questions, and folds without one of their kinds
        return numpy.zeros(values.shape[1]), 0.0
    center, scale = values.mean(axis=0), values.std(axis=0) + 1e-9
    model = LogisticRegression(class_weight="balanced", C=_PENALTY)
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
