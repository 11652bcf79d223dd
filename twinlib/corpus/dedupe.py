"""Copies, near-copies and excerpts among many texts, detected from small sketches of them.

A shingle is a run of letters and digits: 5 if the first is Chinese, 12 if not, about three words.
(With 5 Latin letters an unrelated page is 60 % "contained" in a book.) Case, spaces and punctuation
don't count.

A sketch is a FracMinHash: the shingles whose hash is under a limit, 1 in 2**level of them. Unlike
a MinHash of fixed size (datasketch's MinHashLSH) it also shows that a short text is contained in a
long one; an excerpt of a held-out post must not be trained on. Levels are nested, so any two
sketches can be compared. The texts themselves stay on disk.

Sources: Broder, On the resemblance and containment of documents, 1997; Irber et al., Lightweight
compositional analysis of metagenomes with FracMinHash, 2022.
"""

import re
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy

_CHINESE_SIZE, _OTHER_SIZE = 5, 12  # characters of a shingle
_FIRST_CHINESE = 0x2E80  # code points from here on are Chinese, Japanese or Korean, near enough
_MULTIPLIER, _MIX = 0x9E3779B97F4A7C15, 0xFF51AFD7ED558CCD  # odd, no pattern in their bits
_FEWEST, _COARSEST = 32, 5  # hashes a sketch has at least, if there are as many; its highest level
_COMMON = 20  # shingles in more texts are boilerplate: they pair a text only with the next one
_SLACK = 0.5  # share of the expected common hashes from which on a pair is compared
_SAMPLE, _FEWEST_SAMPLED = 8, 8  # one shingle in 8 shows what is repeated; 8 are needed to tell
_FEW = 3  # other texts that a repeated passage may be made of
_PARTLY = 0.6  # share of a text, roughly, that stands in others where it may compile them
_TRIED = 4  # of the others that share most with a text must one have a sentence of it
_REPEATED = 0.5  # share of the sketch of a compilation that is in those of other texts, at least
# Labels of records and ends of lines; what is said between them.
_LABEL = re.compile(r"\n|【[^】]{1,12}】|\s\|\s")
_SENTENCE_LIKE = re.compile(r"[。！？!?…]|[^\W\d]\.(?:\s|$)|.{60}")
NEAR, COPY = 0.5, 0.8  # Jaccard index of two texts from which on one repeats, or copies, the other


class Sketches:
    """Sketches of texts added one by one, of about 4 bytes for 32 shingles, plus 17 for a text."""

    def __init__(self):
        self._hashes, self._ends = array("I"), array("Q", [0])
        self._levels, self._digests = array("B"), array("Q")
        self._counted: tuple = ()

    def __len__(self) -> int:
        return len(self._levels)

    def add(self, text: str) -> int:
        """Add a text; returns its index, counted from 0."""
        import numpy as np

        letters = _letters(text)
        hashes = _hashes(letters)
        level = min(max((len(hashes) // _FEWEST).bit_length() - 1, 0), _COARSEST)
        sample = hashes[hashes < np.uint64(2 ** (64 - level) - 1)]
        # The highest bits are 0 in the samples of the highest level: the 32 below them are kept.
        sample = np.unique((sample >> np.uint64(32 - _COARSEST)).astype(np.uint32))
        self._hashes.frombytes(sample.tobytes())
        self._ends.append(len(self._hashes))
        self._levels.append(level)
        digest = blake2b(letters.encode(), digest_size=8).digest()
        self._digests.append(int.from_bytes(digest, "little"))
        return len(self) - 1

    def pairs(
        self, text_of: Callable[[int], str], alike: float = NEAR, progress: Callable | None = None
    ) -> Iterator[tuple[int, int, float, float]]:
        """Yield (i, j, Jaccard index, containment of the shorter), i < j, if either is >= `alike`.

        `text_of(i)` returns text i again: both figures are computed on the texts, not the sketches.
        Literal copies are paired with the first of them only; of more than 20 texts that are all
        alike, each with the next. An excerpt of under 300 characters may be missed in a text of
        many pages. `progress(done, total)` counts texts.
        """
        import numpy as np

        first = self._first_copies()
        for i in np.flatnonzero(first != np.arange(len(self))).tolist():
            yield int(first[i]), i, 1.0, 1.0
        cached = lru_cache(maxsize=8)(lambda i: shingles(text_of(i)))
        for i, j in self._candidates(first, alike):
            if progress:
                progress(i, len(self))
            jaccard, containment = _compared(cached(i), cached(j))
            if max(jaccard, containment) >= alike:
                yield i, j, jaccard, containment
        if progress:
            progress(len(self), len(self))

    def _first_copies(self):
        """(n,) index of the first text with the same letters; its own if it has none."""
        import numpy as np

        digests = np.frombuffer(self._digests, np.uint64)
        _, first, inverse = np.unique(digests, return_index=True, return_inverse=True)
        return np.where(np.diff(self._ends) > 0, first[inverse], np.arange(len(self)))

    def _candidates(self, first, alike):
        """[(i, j)] in order, of the texts whose sketches have enough hashes in common."""
        import numpy as np

        left, right, hits, rare, _ = self._common(first)
        levels = np.frombuffer(self._levels, np.uint8).astype(np.int64)
        level = np.maximum(levels[left], levels[right])
        expected = np.minimum(
            rare[left] >> level - levels[left], rare[right] >> level - levels[right]
        )
        enough = hits >= _SLACK * alike * expected
        return zip(left[enough].tolist(), right[enough].tolist())

    def _common(self, first):
        """Arrays (left, right, hits) of texts with hashes in common; (n,) of rare hashes.

        And (n,) the share of each text's hashes that other texts have, too.
        """
        import numpy as np

        if self._counted and self._counted[0] == len(self):
            return self._counted[1]
        sizes = np.diff(np.frombuffer(self._ends, np.uint64).astype(np.int64))
        owners = np.repeat(np.arange(len(self)), sizes)
        used = (first == np.arange(len(self)))[owners]
        hashes, owners = np.frombuffer(self._hashes, np.uint32)[used], owners[used]
        order = np.argsort(hashes, kind="stable")
        hashes, owners = hashes[order], owners[order]
        _, inverse, runs = np.unique(hashes, return_inverse=True, return_counts=True)
        common = (runs > _COMMON)[inverse]
        rare = sizes - np.bincount(owners[common], minlength=len(self))
        repeated = np.bincount(owners[(runs > 1)[inverse]], minlength=len(self))
        repeated = repeated / np.maximum(sizes, 1)
        keys = [np.empty(0, np.int64)]
        for step in range(1, _COMMON):
            same = hashes[step:] == hashes[:-step]
            if step > 1:
                same &= ~common[step:]
            keys.append(owners[:-step][same] << 32 | owners[step:][same])
        keys, hits = np.unique(np.concatenate(keys), return_counts=True)
        self._counted = len(self), (keys >> 32, keys & 0xFFFFFFFF, hits, rare, repeated)
        return self._counted[1]

    def _repeats(self, number, partners):
        """Whether several texts hold a good part of a text, as far as the sketches show.

        Texts that hold nearly all of it don't count: they are copies.
        """
        import numpy as np

        if len(partners) < _FEW:
            return False
        hashes = np.frombuffer(self._hashes, np.uint32)
        own, *others = (hashes[self._ends[i] : self._ends[i + 1]] for i in (number, *partners))
        held = [np.isin(own, other, assume_unique=True) for other in others]
        parts = [part for part in held if part.mean() < COPY]
        return bool(parts) and np.any(parts, axis=0).mean() >= _REPEATED

    def compilations(
        self, text_of: Callable[[int], str], age: Callable[[int], object]
    ) -> dict[int, list[int]]:
        """{text: what it compiles}, of texts nearly all of whose sentences stand in others.

        Labels, titles and whatever else is no sentence don't count. A text that shares with many
        others is judged first, by those that are left; of equals, the one with the highest age.
        """
        import numpy as np

        left, right, hits, _, repeated = self._common(self._first_copies())
        levels = np.frombuffer(self._levels, np.uint8).astype(np.int64)
        sizes = np.diff(np.frombuffer(self._ends, np.uint64).astype(np.int64))
        shared = hits << np.maximum(levels[left], levels[right])  # about so many shingles
        total = np.bincount(left, shared, len(self)) + np.bincount(right, shared, len(self))
        # Texts of one author share some words by chance.
        enough = (total >= _PARTLY * (sizes << levels)) & (repeated >= _REPEATED)
        likely = np.flatnonzero(enough)
        partners: dict[int, dict] = {number: {} for number in likely.tolist()}
        for i, j, count in zip(left.tolist(), right.tolist(), shared.tolist()):
            for one, other in ((i, j), (j, i)):
                if one in partners:
                    partners[one][other] = count
        found: dict[int, list[int]] = {}
        candidates = [
            number for number in partners if self._repeats(number, list(partners[number]))
        ]
        for number in sorted(candidates, key=lambda n: (len(partners[n]), age(n)), reverse=True):
            others = {o: count for o, count in partners[number].items() if o not in found}
            first = sorted(others, key=others.get, reverse=True)
            if len(first) >= _FEW and (used := _compiled(number, first, text_of)):
                found[number] = used
        return found


def _compiled(number, others, text_of):
    """The texts that a text repeats nearly all sentences of, if they are several; else []."""
    import numpy as np

    pieces = [piece for piece in _LABEL.split(text_of(number)) if _SENTENCE_LIKE.search(piece)]
    samples = [shingles(piece) for piece in pieces]
    samples = [sample for sample in samples if len(sample) >= _FEWEST_SAMPLED]
    if not samples:
        return []
    wanted, place = np.unique(np.concatenate(samples), return_inverse=True)
    sizes = np.array([len(sample) for sample in samples])
    starts = np.cumsum(sizes) - sizes

    def covered(here):
        """Which pieces have nearly all of their shingles among the `here` of `wanted`."""
        return np.add.reduceat(here[place], starts) >= COPY * sizes

    held, used, last = np.zeros(len(wanted), bool), [], 0
    for tried, other in enumerate(others):
        if tried == _TRIED and not used:
            return []  # texts that share most share words by chance, and no sentence
        here = np.isin(wanted, shingles(text_of(other)), assume_unique=True)
        if covered(here).any():
            used.append(other)
            held |= here
            last = tried
        elif tried - last > 2 * _TRIED and sizes[covered(held)].sum() >= COPY * sizes.sum():
            break  # the others share least with it
    share = sizes[covered(held)].sum() / sizes.sum()
    return used if len(used) >= _FEW and share >= COPY else []


def similar(texts: list[str], alike: float = NEAR) -> list[tuple[int, int, float, float]]:
    """The sorted pairs of a list of texts, as Sketches.pairs yields them."""
    sketches = Sketches()
    for text in texts:
        sketches.add(text)
    return sorted(sketches.pairs(texts.__getitem__, alike))


def groups(pairs: Iterable[tuple]) -> dict[int, int]:
    """{number: the smallest number of its connected group} from pairs (i, j, …) (union-find)."""
    parents: dict[int, int] = {}

    def root(i):
        while parents.setdefault(i, i) != i:
            parents[i] = i = parents[parents[i]]
        return i

    for i, j, *_ in pairs:
        low, high = sorted((root(i), root(j)))
        parents[high] = low
    return {i: root(i) for i in parents}


def duplicates(pairs: list[tuple], age: Callable[[int], object]) -> set[int]:
    """The numbers of the texts to leave out, from pairs (i, j, Jaccard index, …).

    Of texts linked by copies (COPY), directly or through others, the one with the lowest
    age(number) stays. A text that repeats half of another (NEAR) is left out only if that one
    stays.
    """
    copies = groups(
        [(number, number) for pair in pairs for number in pair[:2]]
        + [(i, j) for i, j, jaccard, *_ in pairs if jaccard >= COPY]
    )
    oldest: dict[int, int] = {}
    for number in sorted(copies, key=lambda number: (age(number), number)):
        oldest.setdefault(copies[number], number)
    near: dict[int, set] = {group: set() for group in oldest}
    for i, j, jaccard, *_ in pairs:
        if jaccard >= NEAR and copies[i] != copies[j]:
            near[copies[i]].add(copies[j])
            near[copies[j]].add(copies[i])
    kept_groups: set[int] = set()
    for group in oldest:
        if not near[group] & kept_groups:
            kept_groups.add(group)
    return set(copies) - {oldest[group] for group in kept_groups}


def repeated(texts: list[str], owners: list[str], age: Callable[[str], object]) -> set[int]:
    """The numbers of the texts of which nearly all (COPY) stands in texts of a few other owners.

    Of each copy one stays: an owner that shares texts with many others, a compilation, gives its
    own up first, then the one with the highest age(owner). Texts of under about 60 letters are
    never left out.
    """
    import numpy as np

    if not texts:
        return set()
    samples = [hashes[hashes < np.uint64(2**64 // _SAMPLE)] for hashes in map(shingles, texts)]
    names = {owner: number for number, owner in enumerate(dict.fromkeys(owners))}
    of = np.repeat([names[owner] for owner in owners], [len(sample) for sample in samples])
    values = np.concatenate(samples)
    order = np.lexsort((of, values))
    values, of = values[order], of[order]
    first = np.append(True, (values[1:] != values[:-1]) | (of[1:] != of[:-1]))  # of an owner's
    hashes, counts = np.unique(values[first], return_counts=True)
    shared = hashes[counts > 1]
    shared = np.append(shared, np.uint64(2**64 - 1))  # so that every place is one in it
    common = [
        sample[shared[np.searchsorted(shared, sample)] == sample].tolist() for sample in samples
    ]
    holders: dict[int, Counter] = {}
    for number, found in enumerate(common):
        for value in found:
            holders.setdefault(value, Counter())[owners[number]] += 1

    def is_elsewhere(number):
        """Whether a few other owners hold nearly all of a text: many hold a common phrase each."""
        if len(common[number]) < COPY * max(_FEWEST_SAMPLED, len(samples[number])):
            return False
        spread = Counter(name for value in common[number] for name in +holders[value])
        del spread[owners[number]]
        few = {name for name, _ in spread.most_common(_FEW)}
        held = sum(not few.isdisjoint(+holders[value]) for value in common[number])
        return held >= COPY * len(samples[number])

    copies = [number for number in range(len(texts)) if is_elsewhere(number)]
    partners: dict[str, set] = {owners[number]: set() for number in copies}
    for number in copies:
        partners[owners[number]].update(*(holders[value] for value in common[number]))
    gone = set()
    for number in sorted(
        copies, key=lambda n: (len(partners[owners[n]]), age(owners[n])), reverse=True
    ):
        if is_elsewhere(number):
            gone.add(number)
            for value in common[number]:
                holders[value][owners[number]] -= 1
    return gone


def shingles(text: str) -> "numpy.ndarray":
    """The sorted distinct hashes, (n,) uint64, of a text's shingles.

    A text too short for one has the hash of all its letters.
    """
    import numpy as np

    return np.unique(_hashes(_letters(text)))


def _letters(text):
    return "".join(filter(str.isalnum, text.casefold()))


def _hashes(letters):
    """The hash of the shingle at each letter where one fits: a polynomial of its letters, mixed."""
    import numpy as np

    codes = np.frombuffer(letters.encode("utf-32-le"), np.uint32)
    if not len(codes):
        return np.empty(0, np.uint64)
    chinese = codes >= _FIRST_CHINESE
    padded = np.pad(codes.astype(np.uint64), (0, _OTHER_SIZE - 1))
    powers = np.array([pow(_MULTIPLIER, n, 2**64) for n in range(_OTHER_SIZE)], np.uint64)
    short = np.convolve(padded, powers[:_CHINESE_SIZE], "valid")[: len(codes)]
    hashes = np.where(chinese, short, np.convolve(padded, powers, "valid"))
    fits = np.arange(len(codes)) + np.where(chinese, _CHINESE_SIZE, _OTHER_SIZE) <= len(codes)
    hashes = hashes[fits] if fits.any() else hashes[:1]
    hashes ^= hashes >> np.uint64(32)
    hashes *= np.uint64(_MIX)
    return hashes ^ (hashes >> np.uint64(29))


def _compared(first, second):
    """(Jaccard index, containment of the smaller) of two texts' shingles."""
    import numpy as np

    common = len(np.intersect1d(first, second, assume_unique=True))
    return common / (len(first) + len(second) - common), common / min(len(first), len(second))
