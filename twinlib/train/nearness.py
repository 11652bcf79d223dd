"""How near an answer in prose is to the one that the owner wrote: a reward of practice.

Writing more, and repeating the question, does not raise it. Small differences count, too: where
they are all that differs between the answers to a question, they are learnt at full strength with
grpo.SCALE_REWARDS "group", also those that are noise of the embeddings.

An answer is worth, from 0 to 1, the mean of two likenesses to the owner's answer, in meaning
(embeddings of multilingual-e5-small, models/embed.py) and in words, times how well its length fits.

- Of the embeddings' cosines, which all lie close together, 1 is what the owner's answer reaches,
  and 0 the farthest of other people's texts and the owner's other answers. A base's answers are
  farther from an author than his own other ones: with those as the floor it would see no way up.
- Words are compared by F1, so that more words cost as much as missing ones; those that the question
  has do not count. What repeats the question is taken out first, so that it pays nothing.
- From 60 to 120 % of the owner's length nothing is lost; beyond, half the length or twice the
  length is worth half.
- Empty, looping and echoing answers are worth 0.

The author's style adds up to a quarter of that and nothing by itself (text/style.py).
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from ..models import embed
from ..text import style
from ..text.script import HAN

STYLE = 0.2  # of an answer's worth
_COMPARED = 700  # characters that are embedded
_SHORTEST, _LONGEST = 0.6, 1.2  # of the owner's length: between them nothing is lost
_OTHERS = 12  # other answers of the owner, from which a floor is measured
_KEPT = 4096  # answers whose nearness is remembered: several rewards ask for the same ones


class Nearness(NamedTuple):
    """Likeness in `meaning`, in `words` and in `manner` (the style), and `fit` of the length.

    Each is from 0 to 1.
    """

    meaning: float
    words: float
    fit: float
    manner: float

    @property
    def content(self) -> float:
        """How near the answer is, without the style."""
        return self.fit * (self.meaning + self.words) / 2


class Author:
    """The owner's own answers, and how near others are to them.

    `answers` are [(answer, language)] that the style is learnt from. `embedder` compares meanings;
    by default the best one that runs here.
    """

    def __init__(self, answers: Sequence[tuple[str, str]], embedder: embed.Embedder | None = None):
        self.embedder = embedder or embed.embedder()
        self._others = [text[:_COMPARED] for text, _ in answers][:_OTHERS]
        self._voices = {
            language: style.fit_voice(
                [text for text, code in answers if code == language],
                style.voices(language),
                language,
            )
            for language in {code for _, code in answers}
        }
        self._floors: dict[str, tuple[float, float]] = {}
        self._known: dict[tuple[str, str], Nearness] = {}

    def near(self, texts: Sequence[str], problems: Sequence[dict]) -> list[Nearness]:
        """The nearness of each text to its problem's answer."""
        pairs = [(text, problem["answer"]) for text, problem in zip(texts, problems)]
        if len(self._known) > _KEPT:
            self._known.clear()
        missing = [i for i, pair in enumerate(pairs) if pair not in self._known]
        meanings = self._meanings([texts[i] for i in missing], [problems[i] for i in missing])
        for i, meaning in zip(missing, meanings):
            self._known[pairs[i]] = self._nearness(texts[i], problems[i], meaning)
        return [self._known[pair] for pair in pairs]

    def _nearness(self, text, problem, meaning):
        question, answer, language = (problem[key] for key in ("question", "answer", "language"))
        if style.flaws(text, language, question):
            return Nearness(0.0, 0.0, 0.0, 0.0)
        words, fit = shared_words(text, answer, question), fitting(text, answer)
        return Nearness(meaning, words, fit, self._manner(text, answer, language))

    def _meanings(self, texts, problems):
        """Likeness in meaning of each text, between the floor and the ceiling of its problem."""
        if not texts:
            return []
        wanted = list(dict.fromkeys(problem["answer"][:_COMPARED] for problem in problems))
        self._measure_floors([p for p in problems if p["answer"] not in self._floors])
        said = [
            style.without_echo(text, problem["question"], problem["language"])[: _most(problem)]
            for text, problem in zip(texts, problems)
        ]
        cosines = self.embedder.similarities(wanted, said)
        meanings = []
        for row, problem in zip(cosines, problems):
            low, high = self._floors[problem["answer"]]
            cosine = float(row[wanted.index(problem["answer"][:_COMPARED])])
            meanings.append(min(1.0, max(0.0, (cosine - low) / max(high - low, 1e-6))))
        return meanings

    def _measure_floors(self, problems):
        """{answer: (cosine of what says nothing, cosine of the answer itself)}."""
        for problem in problems:
            answer = problem["answer"][:_COMPARED]
            others = [text for text in self._others if text != answer]
            strangers = [
                style.pieces(text)[0] for text in style.voices(problem["language"]).values()
            ]
            texts = [style.tidy(answer), *others, *strangers]
            own, *rest = (float(row[0]) for row in self.embedder.similarities([answer], texts))
            self._floors[problem["answer"]] = min(rest), own

    def _manner(self, text, answer, language):
        """1 for the answer's likeness to the author's style, 0.5 for none, 0 for the opposite."""
        voice = self._voices.get(language)
        if voice is None:
            return 0.0
        said, written = style.margins(voice, style.cut_to_same_length(text, answer))
        if written <= style.NEAR:
            return 0.0
        return min(1.0, max(0.0, (said + written) / (2 * written)))


def _most(problem):
    """Characters of an answer that are embedded: what is much longer is worth little anyhow."""
    return min(_COMPARED, 2 * len(problem["answer"]) + 80)


def terms(text: str) -> list[str]:
    """The words of a text, by their first six letters, its numbers and pairs of characters."""
    text = style.tidy(text)
    words = [word[:6] for word in re.findall(r"[a-z\u00c0-\u024f]{2,}", text)]
    runs = re.findall(f"[{HAN}]+", text)
    pairs = [run[i : i + 2] for run in runs for i in range(len(run) - 1)]
    return [*words, *re.findall(r"\d+(?:\.\d+)?", text), *pairs]


def shared_words(text: str, answer: str, question: str = "") -> float:
    """F1 of the terms of a text and of the answer, without those of the question."""
    asked = set(terms(question))
    wanted, said = set(terms(answer)) - asked, set(terms(text)) - asked
    if not wanted:  # an answer in the question's own words
        wanted, said = set(terms(answer)), set(terms(text))
    common = len(wanted & said)
    return 2 * common / (len(wanted) + len(said)) if common else 0.0


def fitting(text: str, answer: str) -> float:
    """1 for a length near the answer's, less the shorter or longer a text is."""
    ratio = len(text) / max(1, len(answer))
    return min(1.0, ratio / _SHORTEST, _LONGEST / ratio) if ratio else 0.0
