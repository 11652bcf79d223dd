"""The graph of the memory: names, the sentences that mention them, and the passages these are in.

The method is LinearRAG's (Zhuang et al., ICLR 2026, https://arxiv.org/abs/2510.10114), written from
the paper: no relations, so that no model is asked while the graph is made. A question wakes the
names in it. They wake the names beside them in sentences of passages that fit the question, round
after round. Then a random walk between names and passages that often starts again at what is awake
(personalised PageRank) ranks the passages. In twins/NAME/memory/ lie mentions.jsonl (the names of
each text, kept for texts that did not change), entities.jsonl and graph.npz (sparse matrices).
"""

import functools
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from ..files import Cache, content_id, read_records, replaced, write_records
from ..text import script
from ..text.script import HAN
from ..text.style import tidy
from ..twin import Twin
from . import entities, lexical
from .index import Index, Passage, Search

if TYPE_CHECKING:
    import numpy
    from scipy import sparse

_ROUNDS = 3  # in which names wake each other
_FAINTEST = 0.3  # activation from which a name wakes others
_DAMPING = 0.5  # the chance of a step along the graph; else the walk starts again
_STEPS = 20  # of the walk; what is left after 20 is a millionth
_ANCHORS = 3  # passages of each arm among which the one is that a question points at
_SHORT = 10  # terms; a sentence with fewer is not preferred for being short
_EVEN = 0.1  # added to how well each passage fits, so that a walk may reach all
_ON_PASSAGES = 0.3  # share of the starts that are passages, the others are names
_BATCH = 50  # passages between two records of progress
_LONGEST_NAME = 6  # words of an English name that is looked for in a question


@dataclass(frozen=True, slots=True)
class Entity:
    """A name or topic: `key` is what its spellings share, `documents` how many have it."""

    key: str
    name: str
    kind: str
    documents: int


class Graph:
    """The entities of a corpus and where they are mentioned.

    `mentions` is sparse, of shape (sentences, entities), 1 where a sentence has the entity;
    `passage_of`, of shape (sentences,), is the position of a sentence's passage in the index,
    increasing; `sentence_of` its number in the passage. Sentences without an entity are left out.
    """

    def __init__(
        self,
        found: Sequence[Entity],
        mentions: "sparse.csr_matrix",
        passage_of: "numpy.ndarray",
        sentence_of: "numpy.ndarray",
        documents: Sequence[str],
    ):
        import numpy
        from scipy import sparse

        self.entities, self.mentions = list(found), mentions
        self.passage_of, self.sentence_of = passage_of, sentence_of
        self.number = {entity.key: number for number, entity in enumerate(self.entities)}
        self._surnames = self._last_words()
        self.documents = list(documents)  # of each passage
        count = max(1, len(set(self.documents)))
        held = numpy.array([entity.documents for entity in self.entities] or [1.0])
        self.rarity = numpy.log1p(count / held) / numpy.log1p(count)  # 1 for one document's
        sentences = numpy.arange(len(passage_of))
        belongs = sparse.csr_matrix(
            (numpy.ones(len(passage_of)), (passage_of, sentences)),
            shape=(len(self.documents), len(passage_of)),
        )
        self.held = sparse.csr_matrix(belongs @ mentions)  # (passages, entities): mentions
        self._kept = None  # the last walk's steps, and the passages that it was allowed
        self._longest = max((len(key) for key in self.number if script.has_han(key)), default=0)

    def named(self, question: str) -> list[int]:
        """The entities in a question, by number: the longest where one holds another."""
        text, found = tidy(question), []
        for run in re.findall(f"[{HAN}·]+", text):
            start = 0
            while start < len(run):
                for end in range(min(len(run), start + self._longest), start + 1, -1):
                    if run[start:end] in self.number:
                        found.append(run[start:end])
                        start = end - 1
                        break
                start += 1
        words = re.findall(r"[\w.’'-]+", re.sub(f"[{HAN}]", " ", text))
        start = 0
        while start < len(words):
            for end in range(min(len(words), start + _LONGEST_NAME), start, -1):
                key = entities.canonical(" ".join(words[start:end]).strip("."))
                key = self._surnames.get(key, key)
                if key in self.number and not self._is_topic(key):
                    found.append(key)
                    start = end - 1
                    break
            start += 1
        if not found:
            found = [word for word in lexical.words(question) if word in self.number]
        return [self.number[key] for key in dict.fromkeys(found)]

    def _last_words(self):
        """{last word of names: the name that most documents have, more than the word alone}."""
        found = {}
        for entity in sorted(self.entities, key=lambda entity: entity.documents):
            first, _, last = entity.key.rpartition(" ")
            if not first:
                found.pop(last, None)
            elif len(last) > 3:
                found[last] = entity.key
        return found

    def _is_topic(self, key):
        return self.entities[self.number[key]].kind == entities.TOPIC

    def told(self, position: int, passage: Passage) -> list[tuple[str, list[int]]]:
        """(sentence, its entities by number) of a passage and its position, where there are any."""
        start, end = self.passage_of.searchsorted([position, position + 1])
        texts = lexical.sentences(passage.written)
        starts, numbers = self.mentions.indptr, self.mentions.indices
        return [
            (texts[self.sentence_of[row]], numbers[starts[row] : starts[row + 1]].tolist())
            for row in range(start, end)
        ]

    @functools.cached_property
    def _pairs(self):
        """(sentence, entity) of each mention, as two arrays."""
        mentions = self.mentions.tocoo()
        return mentions.row, mentions.col

    def awake(
        self, seeds: Sequence[int], relevance: "numpy.ndarray", allowed: "numpy.ndarray"
    ) -> "numpy.ndarray":
        """How much each entity is awake, 0 to 1, of shape (entities,).

        A name wakes those beside it as much as it is awake itself, times the `relevance` of the
        passage, 0 to 1; of several the strongest counts. Only `allowed` passages are walked
        through; both have the shape (passages,).
        """
        import numpy

        level = numpy.zeros(len(self.entities))
        level[list(seeds)] = 1.0
        rows, columns = self._pairs
        passages = self.passage_of[rows]
        through = allowed[passages] & (relevance[passages] > 0)
        rows, columns, passages = rows[through], columns[through], passages[through]
        for _ in range(_ROUNDS):
            strong = numpy.where(level >= _FAINTEST, level, 0.0)
            heard = numpy.zeros(self.mentions.shape[0])
            numpy.maximum.at(heard, rows, strong[columns])
            reached = numpy.zeros(len(level))
            numpy.maximum.at(reached, columns, heard[rows] * relevance[passages])
            new = numpy.maximum(level, reached)
            if numpy.array_equal(new, level):
                break
            level = new
        return level

    def walk(self, level: "numpy.ndarray", fit: "numpy.ndarray") -> "numpy.ndarray":
        """Personalised PageRank of the passages, of shape (passages,).

        It starts at entities by how awake and how rare they are, and at passages by `fit`, of shape
        (passages,), 0 for those that must not be found.
        """
        import numpy

        allowed = fit > 0
        to_names, to_passages = self._steps(allowed)
        starts = level * self.rarity
        names = (1 - _ON_PASSAGES) * starts / (starts.sum() or 1.0)
        passages = _ON_PASSAGES * fit / (fit.sum() or 1.0)
        at_names, at_passages = names, passages
        for _ in range(_STEPS):
            at_names, at_passages = (
                (1 - _DAMPING) * names + _DAMPING * (to_names @ at_passages),
                (1 - _DAMPING) * passages + _DAMPING * (to_passages @ at_names),
            )
        return numpy.where(allowed, at_passages, 0.0)

    def _steps(self, allowed):
        """(chances from passages to names, from names to passages), kept for the next question."""
        import numpy

        if self._kept is None or not numpy.array_equal(self._kept[0], allowed):
            weighted = self.held.multiply(self.rarity).multiply(allowed[:, None]).tocsr()
            steps = _rows_to_one(weighted).T.tocsr(), _rows_to_one(weighted.T.tocsr()).T.tocsr()
            self._kept = allowed, steps
        return self._kept[1]

    def elsewhere(
        self, index: Index, question: str, search: Search, splits: Iterable[str] | None = None
    ) -> list[int]:
        """The passage that a question points at, then those of other documents by its names.

        `search` is what the index found for the question, `splits` those that it searched. Names in
        the question itself count as well. [] where no name leads anywhere.
        """
        import numpy

        if not search.found:
            return []
        allowed = index.allowed(splits)
        near = [int(place) for ranking in search.rankings for place in ranking[:_ANCHORS]]
        anchor, beside = self._anchor(index, question, dict.fromkeys(near))
        named = self.named(question)
        seeds = [number for number in named + beside if self.entities[number].documents > 1]
        if not seeds:
            return []
        level = self.awake(seeds, relevances(search, allowed), allowed)
        scores = self.walk(level, allowed * (_EVEN + relevances(search, allowed)))
        own = self.documents[anchor]
        ranked = [int(place) for place in numpy.argsort(-scores, kind="stable")]
        return [anchor] + [p for p in ranked if scores[p] > 0 and self.documents[p] != own]

    def _anchor(self, index, question, found):
        """(passage, its names): where the sentence is that has most of a question's terms."""
        asked, best = set(lexical.terms(question)) - lexical.question_words(), (-1.0, 0, [])
        for place in found:
            passage = index.passages[place]
            numbers = dict(self.told(place, passage))
            for text in lexical.sentences(passage.written):
                terms = set(lexical.terms(text))
                share = len(asked & terms) / (len(terms) + _SHORT)
                if share > best[0]:
                    best = (share, place, numbers.get(text, []))
        _, place, beside = best
        if not any(self.entities[number].documents > 1 for number in beside):
            beside = self.held[place].indices.tolist()
        return place, beside


def _rows_to_one(matrix):
    """A sparse matrix with rows that sum to 1, but for empty ones."""
    import numpy
    from scipy import sparse

    sums = numpy.asarray(matrix.sum(axis=1)).ravel()
    return sparse.diags(1 / numpy.where(sums > 0, sums, 1.0)) @ matrix


def relevances(search: Search, allowed: "numpy.ndarray") -> "numpy.ndarray":
    """How well each passage fits a question by both arms, 0 to 1, of shape (passages,)."""
    import numpy

    def scaled(values):
        seen = values[allowed]
        low, high = (seen.min(), seen.max()) if len(seen) else (0.0, 0.0)
        return numpy.where(allowed, (values - low) / ((high - low) or 1.0), 0.0)

    if search.similarities is None:
        return scaled(search.scores)
    return (scaled(search.similarities) + scaled(search.scores)) / 2


# Making it


def make(twin: Twin, passages: Sequence[Passage], progress: Callable[[int, int], None]) -> Graph:
    """Write the graph of the passages, which is returned.

    progress(done, total) is called between batches, and may raise; what was read before stays in
    mentions.jsonl.
    """
    texts = [passage.written for passage in passages]
    found = _read_mentions(twin, passages, progress)
    names, places = entities.settled(texts, found)
    titles = [title for passage in passages for title in (passage.title, passage.heading)]
    documents = [passage.document for passage in passages]
    shared = entities.topics(titles, texts, documents) | _shared_tags(passages)
    return _write(twin, passages, names, places, shared)


def _shared_tags(passages):
    """{canonical: Name} of the tags that two documents or more have."""
    held, written = defaultdict(set), {}
    for passage in passages:
        for tag in passage.tags.splitlines():
            held[entities.canonical(tag)].add(passage.document)
            written.setdefault(entities.canonical(tag), tag)
    return {
        key: entities.Name(written[key], entities.TOPIC)
        for key, documents in held.items()
        if len(documents) > 1
    }


def _read_mentions(twin, passages, progress):
    arm = "tagger" if entities.has_tagger() else "rules"
    keys = [content_id(f"{arm} {passage.written}") for passage in passages]
    cache = Cache(twin.file("memory_mentions"), ("key",))
    known = {
        key: found
        for (key,), record in cache.records.items()
        if (found := _known(record)) is not None
    }
    texts = {key: passage.written for key, passage in zip(keys, passages)}
    missing = [(key, text) for key, text in texts.items() if key not in known]
    for start in range(0, len(missing), _BATCH):
        progress(len(keys) - len(missing) + start, len(keys))
        found = {key: entities.mentions(text) for key, text in missing[start : start + _BATCH]}
        cache.append(*(_record(*each) for each in found.items()))
        known |= found
    progress(len(keys), len(keys))
    cache.replace(_record(key, known[key]) for key in keys)
    return [known[key] for key in keys]


def _record(key, found):
    return {"key": key, "mentions": [list(mention) for mention in found]}


def _known(record):
    """The mentions of a record in the file; None of a damaged one."""
    try:
        return [entities.Mention(*each) for each in record["mentions"]]
    except (TypeError, KeyError):
        return None


def _write(twin, passages, names, places, shared):
    """The graph of names, their places in each passage, and topics; it is written and returned."""
    import numpy
    from scipy import sparse

    kinds = shared | names
    number = {key: place for place, key in enumerate(kinds)}
    rows, columns, passage_of, sentence_of, held = [], [], [], [], defaultdict(set)
    for place, (passage, here) in enumerate(zip(passages, places)):
        told = defaultdict(set)
        for sentence, key in here:
            told[sentence].add(key)
        told[0].update(kinds.keys() & map(entities.canonical, passage.tags.splitlines()))
        for sentence, text in enumerate(lexical.sentences(passage.written)):
            found = told[sentence] | (shared.keys() & set(lexical.words(text)))
            for key in sorted(found):
                rows.append(len(passage_of))
                columns.append(number[key])
                held[key].add(passage.document)
            if found:
                passage_of.append(place)
                sentence_of.append(sentence)
    mentions = sparse.csr_matrix(
        (numpy.ones(len(rows)), (rows, columns)), shape=(len(passage_of), len(number))
    )
    found = [Entity(key, kinds[key].written, kinds[key].kind, len(held[key])) for key in number]
    write_records(twin.file("memory_entities"), map(asdict, found))
    with replaced(twin.file("memory_graph")) as file:
        numpy.savez_compressed(
            file,
            indices=mentions.indices,
            starts=mentions.indptr,
            passage_of=numpy.array(passage_of, int),
            sentence_of=numpy.array(sentence_of, int),
            of=numpy.array(_of(passages)),
        )
    documents = [passage.document for passage in passages]
    places = numpy.array(passage_of, int), numpy.array(sentence_of, int)
    return Graph(found, mentions, *places, documents)


def _of(passages):
    """The id of the passages that a graph was made of."""
    return content_id("\n".join(passage.key for passage in passages))


def load(twin: Twin, passages: Sequence[Passage]) -> Graph | None:
    """The graph of these passages; None where it is missing, damaged or of other passages."""
    import numpy
    from scipy import sparse

    try:
        found = [Entity(**record) for record in read_records(twin.file("memory_entities"))]
        with numpy.load(twin.file("memory_graph"), allow_pickle=False) as kept:
            if str(kept["of"]) != _of(passages):
                return None
            indices, starts = kept["indices"], kept["starts"]
            places = kept["passage_of"], kept["sentence_of"]
        mentions = sparse.csr_matrix(
            (numpy.ones(len(indices)), indices, starts), shape=(len(places[0]), len(found))
        )
        mentions.check_format()
        return Graph(found, mentions, *places, [passage.document for passage in passages])
    except Exception:  # it is made again in a moment, whatever is wrong with it
        return None
