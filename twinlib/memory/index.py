"""The index of the memory: the author's passages, their vectors and words, searched together.

The folder twins/NAME/memory/ holds passages.jsonl (what is searched), vectors.npy (embeddings in
16 bits, each with the id of its text), words/ (the lexical index) and calibration.json (when to
say "I never wrote about that"). All of it is made again from the corpus; vectors of texts that did
not change are kept. While they are made they are appended to vectors.part, so that a killed run
goes on where it was. Every search compares the question with all vectors: 100,000 of them take
some 20 ms, which needs no vector store.
"""

import functools
import re
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, NamedTuple

from ..files import (
    TwinError,
    content_id,
    known_fields,
    put_folder_in_place,
    read_records,
    replaced,
    write_records,
)
from ..i18n import t
from ..models import embed
from ..text.script import language_of
from ..twin import Twin
from .lexical import Lexical, question_words, sentences, words

if TYPE_CHECKING:
    import numpy

DIMENSIONS = 384  # of the vectors
_RRF = 60  # of reciprocal rank fusion: Cormack, Clarke and Büttcher, SIGIR 2009
_DEPTH = 50  # passages of each arm that are fused
_MANY = 24  # texts from which loading torch takes less time than it saves
_PER_DOCUMENT = 2  # passages of one document in a result, at most
_MOST_REPLIES = 3  # passages that reply to the very question, in a result
_FURTHER = 15  # passages whose sentences are looked through for an answer
_FURTHER_PER_DOCUMENT = 6
_HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*$", re.MULTILINE)
# Characters of what others wrote before a turn that are searched with it.
_LONGEST_ASKED = {"zh": 100, "en": 300}
_LONGEST_QUESTION = 400  # characters of a question that are embedded


@dataclass(frozen=True, slots=True)
class Passage:
    """A passage of the author's: `heading` is that of its section, `split` train, val or test.

    `tags` are those of its document, one a line. `asked` is the end of what somebody else wrote
    before it in a conversation, or '': the author's answer is found by it.
    """

    id: str
    document: str
    title: str
    heading: str
    date: str
    source: str
    split: str
    language: str
    text: str
    tags: str = ""
    asked: str = ""

    @property
    def searched(self) -> str:
        """The text that is searched: the passage under its title, heading and question."""
        return "\n".join(filter(None, (self.title, self.heading, self.asked, self.text)))

    @property
    def written(self) -> str:
        """The author's own of it: the passage under its title and heading."""
        return "\n".join(filter(None, (self.title, self.heading, self.text)))

    @property
    def key(self) -> str:
        """The id of the searched text, by which its vector is kept."""
        return content_id(self.searched)


class Search(NamedTuple):
    """What a search found: the positions of passages, the best first, and how each arm saw all.

    `similarities` (cosines, level between languages) and `scores` (BM25) have the shape
    (passages,); `similarities` is None where there are no vectors. Passages of other splits than
    those asked for are nan and 0. `rankings` are the positions by each arm, the best first.
    `replies` are those found first because somebody asked the author this very question.
    """

    found: list[int]
    similarities: "numpy.ndarray | None"
    scores: "numpy.ndarray"
    rankings: list = []
    replies: tuple[int, ...] = ()


def shortened(question: str) -> str:
    """Beginning and end of a long question: what is asked stands there, and time is saved."""
    half = _LONGEST_QUESTION // 2
    return question if len(question) <= 2 * half else f"{question[:half]} … {question[-half:]}"


def gather(twin: Twin) -> list[Passage]:
    """The passages of a twin's corpus, without equal ones; raises TwinError without a corpus."""
    documents = {record["id"]: record for record in twin.records("documents")}
    passages, ends, read = {}, {}, {}
    for record in twin.records("passages"):
        document = documents.get(record["document"], {})
        passage = Passage(
            record["id"],
            record["document"],
            document.get("title") or "",
            _section(record, document.get("text") or "", ends),
            str(document.get("date") or ""),
            document.get("source") or "",
            record["split"],
            language_of(record["text"]),
            record["text"],
            "\n".join(map(str, document.get("tags") or ())),
            _asked(record, document, read),
        )
        passages.setdefault((passage.searched, passage.split), passage)
    return list(passages.values())


def _section(record, document, ends):
    """The heading above a passage in its document, as step 01 wrote it; '' without one.

    Passages of older versions have none: they stand in the document's order, so that each is looked
    for behind the one before it. `ends` {id of a document: where its last passage ended} grows.
    """
    if "section" in record:
        return record["section"]
    passage, start = record["text"].strip(), ends.get(record["document"], 0)
    # A passage of two short sections has the heading between them no more.
    for part in (passage, passage.partition("\n")[0]):
        place = document.find(part, start)
        if place >= 0:
            ends[record["document"]] = place + len(part)
            above = _HEADING.findall(document[:place])
            return above[-1] if above else ""
    return ""


def _asked(record, document, read):
    """The end of what somebody else wrote before the turn that a passage is of; '' without it.

    Also '' where the document's title has it. Passages stand in the order of the turns: `read` {id
    of a document: (answers, number of the turn, where the last passage ended in it)} grows.
    """
    text, turns = record["text"].strip(), document.get("turns") or ()
    if record["document"] not in read:
        read[record["document"]] = [turn["answer"].strip() for turn in turns], 0, 0
    answers, number, end = read[record["document"]]
    place = answers[number].find(text, end) if answers else -1
    if place < 0:
        later = range(number + 1, len(answers))
        number = next((n for n in later if answers[n].startswith(text)), None)
        if number is None:
            return ""
        place = 0
    read[record["document"]] = answers, number, place + len(text)
    question = " ".join(turns[number]["question"].split())
    return "" if question in (document.get("title") or "") else _last_of(question)


def _last_of(question):
    """The last sentences of what others wrote, as many as are searched with an answer."""
    most, kept = _LONGEST_ASKED[language_of(question)], ""
    for sentence in reversed(sentences(question)):
        if len(sentence) + len(kept) >= most:
            break
        kept = f"{sentence} {kept}".strip()
    return kept or question[-most:].strip()


class Index:
    """The passages of a twin, searched by words and, where there are vectors, by meaning."""

    def __init__(
        self,
        passages: Sequence[Passage],
        lexical: Lexical,
        vectors: "numpy.ndarray | None",
        note: str = "",
    ):
        import numpy

        self.passages, self.lexical, self.note = list(passages), lexical, note
        self.embedder = embed.E5() if vectors is not None else None
        self.vectors = None if vectors is None else vectors.astype(numpy.float32)
        self._splits = numpy.array([passage.split for passage in self.passages])
        self.languages = numpy.array([passage.language for passage in self.passages])
        self._language = numpy.unique(self.languages, return_inverse=True)[1]

    @functools.cached_property
    def texts(self) -> list[str]:
        """What is searched of each passage."""
        return [passage.searched for passage in self.passages]

    @classmethod
    def open(cls, twin: Twin) -> "Index":
        """The index in a twin's folder; `note` says what it has to do without.

        Raises TwinError with the next action where there is none, or its passages are damaged.
        """
        passages = _read_passages(twin)
        try:
            lexical = Lexical.load(twin.file("memory_words"))
            if lexical.size != len(passages):
                raise ValueError
        except Exception:  # it is made of the passages in seconds, whatever is wrong with it
            lexical = Lexical.of([passage.searched for passage in passages])
        vectors, note = _kept_vectors(twin, passages)
        return cls(passages, lexical, vectors, note)

    @classmethod
    def of(cls, twin: Twin, splits: Iterable[str] | None = None) -> "Index":
        """An index of the corpus itself, of these splits alone, for training and evaluation.

        The words are indexed anew, which takes seconds; vectors are used where the step memory
        has made them all. Raises TwinError without a passage.
        """
        wanted = None if splits is None else set(splits)
        passages = [p for p in gather(twin) if wanted is None or p.split in wanted]
        if not passages:
            raise TwinError(t("memory.no_passages"))
        vectors, note = _kept_vectors(twin, passages)
        return cls(passages, Lexical.of([p.searched for p in passages]), vectors, note)

    def allowed(self, splits: Iterable[str] | None) -> "numpy.ndarray":
        """Which passages belong to these splits, of shape (passages,); None means all of them."""
        import numpy

        if splits is None:
            return numpy.ones(len(self.passages), bool)
        return numpy.isin(self._splits, list(splits))

    def search(
        self,
        question: str,
        most: int = 5,
        splits: Iterable[str] | None = None,
        vector: "numpy.ndarray | None" = None,
    ) -> Search:
        """The passages nearest to a question, by reciprocal rank in both arms.

        With `splits` no passage of another split is found. `vector` is the question's embedding,
        where the caller has it.
        """
        import numpy

        allowed = self.allowed(splits)
        scores = numpy.where(allowed, self.lexical.scores(question), 0)
        rankings = [_first(scores)]
        rankings[0] = rankings[0][scores[rankings[0]] > 0]
        similarities = None
        if self.vectors is not None:
            if vector is None:
                [vector] = self.embedder.compute([shortened(question)], True)
            similarities = self._level(self.vectors @ vector, allowed)
            nearest = _first(similarities)  # nan comes last
            rankings.append(nearest[allowed[nearest]])
        found = self.chosen(rankings, most)
        replies = [at for at in self._replies(question) if allowed[at]][:_MOST_REPLIES]
        found = list(dict.fromkeys([*replies, *found]))[:most]
        return Search(found, similarities, scores, rankings, tuple(replies))

    def _replies(self, question):
        """The positions of passages that reply to a question which has a subject."""
        asked = {_as_asked(sentence) for sentence in sentences(question)} - {()}
        return sorted(set().union(*(self._asked.get(words, ()) for words in asked)))

    @functools.cached_property
    def _asked(self):
        """{words of a sentence: positions of the passages that reply to it}."""
        found: dict[tuple, list[int]] = {}
        for position, passage in enumerate(self.passages):
            for sentence in sentences(passage.asked) if passage.asked else ():
                found.setdefault(_as_asked(sentence), []).append(position)
        return found

    def similarities(self, passages: Sequence[Passage], vector: "numpy.ndarray") -> "numpy.ndarray":
        """Cosines of some of its passages to a question, as in a search, of shape (passages,)."""
        level = self._level(self.vectors @ vector, self.allowed(None))
        return level[[self.place(passage) for passage in passages]]

    def place(self, passage: Passage) -> int:
        """The position of one of its passages."""
        return self._places[passage.id]

    @functools.cached_property
    def _places(self):
        """{id: position} of the passages."""
        return {passage.id: position for position, passage in enumerate(self.passages)}

    def beside(self, passage: Passage, splits: Iterable[str] | None = None) -> list[Passage]:
        """The passages before and after one in its document, where they are of these splits."""
        place, wanted = self.place(passage), None if splits is None else set(splits)
        return [
            self.passages[at]
            for at in (place - 1, place + 1)
            if 0 <= at < len(self.passages)
            and self.passages[at].document == passage.document
            and (wanted is None or self.passages[at].split in wanted)
        ]

    def further(self, search: Search) -> list[Passage]:
        """What a search found, more of it and more of one document than goes before a question."""
        chosen = self.chosen(search.rankings, _FURTHER, _FURTHER_PER_DOCUMENT)
        return [self.passages[position] for position in chosen]

    def _level(self, cosines, allowed):
        """Cosines with the same mean in every language; nan where not `allowed`.

        Without it e5 puts any passage in the question's language above those in another.
        """
        import numpy

        counts = numpy.bincount(self._language, allowed).clip(1)
        means = numpy.bincount(self._language, cosines * allowed) / counts
        mean = means @ counts / counts.sum()
        level = cosines + (mean - means)[self._language].astype(numpy.float32)
        level[~allowed] = numpy.nan
        return level

    def chosen(
        self,
        rankings: Iterable[Sequence[int]],
        most: int,
        per_document: int = _PER_DOCUMENT,
    ) -> list[int]:
        """The first `most` positions by reciprocal rank, few of a document and no text twice."""
        fused: dict[int, float] = {}
        for ranking in rankings:
            for rank, position in enumerate(list(map(int, ranking)), 1):
                fused[position] = fused.get(position, 0.0) + 1 / (_RRF + rank)
        chosen, counts, texts = [], {}, set()
        for position in sorted(fused, key=lambda position: -fused[position]):
            passage = self.passages[position]
            if counts.get(passage.document, 0) < per_document and passage.text not in texts:
                counts[passage.document] = counts.get(passage.document, 0) + 1
                texts.add(passage.text)
                chosen.append(position)
            if len(chosen) == most:
                break
        return chosen


def _as_asked(question):
    """The words of a question in their order; () where they say nothing of a subject."""
    said = tuple(words(question))
    return () if question_words().issuperset(said) else said


def _first(values):
    """The positions of the _DEPTH highest values, the highest first, of equal ones in their order.

    All are sorted only where they are few: of 20,000 that takes longer than the search.
    """
    import numpy

    if len(values) <= 2 * _DEPTH:
        return numpy.argsort(-values, kind="stable")[:_DEPTH]
    found = numpy.sort(numpy.argpartition(-values, _DEPTH)[:_DEPTH])
    return found[numpy.argsort(-values[found], kind="stable")]


def _kept_vectors(twin, passages):
    """(vectors of the passages or None, what the memory has to do without or '')."""
    if not embed.has_e5():
        return None, t("memory.without_vectors")
    if not _wants_vectors(twin):
        return None, ""
    known = known_vectors(twin)
    keys = [passage.key for passage in passages]
    if not all(key in known for key in keys):
        return None, t("memory.vectors_missing")
    import numpy

    return numpy.array([known[key] for key in keys]), ""


def _wants_vectors(twin):
    """Whether the memory was made to compare meaning, too, as it is unless the owner chose not."""
    try:
        report = twin.report("memory")
    except TwinError:  # damaged, of which others speak
        return True
    return report is None or report.settings.get("vectors", True)


def _read_passages(twin):
    names = {field.name for field in fields(Passage)}
    path = twin.file("memory_passages")
    if not path.exists():
        raise TwinError(t("memory.not_made"))
    try:
        passages = [
            Passage(**known_fields(Passage, record)) for record in read_records(path, "memory")
        ]
    except TypeError:
        raise TwinError(t("memory.damaged", path=path)) from None
    if not passages or not all(
        isinstance(getattr(p, name), str) for p in passages for name in names
    ):
        raise TwinError(t("memory.damaged", path=path))
    return passages


# Making it


def write(twin: Twin, passages: Sequence[Passage]) -> Lexical:
    """Write the passages and the lexical index of them, which is returned."""
    write_records(twin.file("memory_passages"), map(asdict, passages))
    lexical = Lexical.of([passage.searched for passage in passages])
    folder = twin.file("memory_words")
    part = folder.with_name(folder.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    lexical.save(part)
    put_folder_in_place(part, folder)
    return lexical


def embed_missing(
    twin: Twin,
    passages: Sequence[Passage],
    progress: Callable[[int, int], None],
    batch: int = 64,
) -> "numpy.ndarray":
    """The vectors of the passages, of shape (passages, 384); those that are kept are not computed.

    progress(done, total) is called before each batch, and may raise; what was computed before is
    kept in vectors.part.
    """
    import numpy

    known = known_vectors(twin)
    texts = {passage.key: passage.searched for passage in passages}
    missing = [key for key in texts if key not in known]
    embedder = embed.E5(many=len(missing) > _MANY)
    part = twin.folder("memory") / twin.file("memory_part").name
    for start in range(0, len(missing), batch):
        progress(len(texts) - len(missing) + start, len(texts))
        keys = missing[start : start + batch]
        vectors = embedder.compute([texts[key] for key in keys], False).astype(numpy.float16)
        with open(part, "ab") as file:
            file.write(_records(dict(zip(keys, vectors))).tobytes())
        known |= zip(keys, vectors)
    progress(len(texts), len(texts))
    kept = _records({key: known[key] for key in texts})
    with replaced(twin.file("memory_vectors")) as file:
        numpy.save(file, kept, allow_pickle=False)
    part.unlink(missing_ok=True)
    return numpy.array([known[passage.key] for passage in passages])


def known_vectors(twin: Twin) -> dict[str, "numpy.ndarray"]:
    """{id of a searched text: vector} in the folder; nothing of a damaged file."""
    import numpy

    found = []
    try:
        kept = numpy.load(twin.file("memory_vectors"), allow_pickle=False)
        if kept.dtype == _record_type():
            found.append(kept)
    except (OSError, ValueError, EOFError):
        pass
    try:
        data = twin.file("memory_part").read_bytes()
        whole = len(data) // _record_type().itemsize * _record_type().itemsize
        if whole < len(data):  # the last record was cut off when the run was killed
            with open(twin.file("memory_part"), "ab") as file:
                file.truncate(whole)
        found.append(numpy.frombuffer(data[:whole], _record_type()))
    except OSError:
        pass
    return {
        record["key"].decode("ascii", "replace"): record["vector"]
        for records in found
        for record in records
        if numpy.isfinite(record["vector"]).all()
    }


def _record_type():
    import numpy

    return numpy.dtype([("key", "S16"), ("vector", "<f2", (DIMENSIONS,))])


def _records(vectors):
    import numpy

    records = numpy.zeros(len(vectors), _record_type())
    if vectors:
        records["key"] = [key.encode() for key in vectors]
        records["vector"] = list(vectors.values())
    return records
