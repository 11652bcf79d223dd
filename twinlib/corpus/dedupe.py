"""Copies and near-copies among many texts, found from small sketches: the texts themselves stay on disk.

A shingle is 5 characters from a Chinese letter on, 12 from any other: about three words, which say as much. (With 5
Latin letters an unrelated page is 60 % "contained" in a book.) Case, spaces and punctuation don't count.

A sketch is a FracMinHash: the shingles whose hash is under a limit, 1 in 2**level of them. Unlike a MinHash of fixed
size it also tells how much of a short text stands inside a long one. Levels are nested, so any two can be compared.
Sources: Broder, On the resemblance and containment of documents, 1997; Irber et al., Lightweight compositional
analysis of metagenomes with FracMinHash, 2022.
"""

from array import array
from functools import lru_cache
from hashlib import blake2b

CHINESE, OTHER = (
    5,
    12,
)  # characters in a shingle that starts with a Chinese letter, and with another
WIDE = 0x2E80  # code points from here on are Chinese, Japanese or Korean, near enough
MULTIPLIER, MIX = 0x9E3779B97F4A7C15, 0xFF51AFD7ED558CCD  # odd, no pattern in their bits
FEWEST, COARSEST = (
    32,
    5,
)  # hashes that a sketch should have at least, unless fewer shingles; 1 in 2**5 at most
PIECE = 2**18  # characters hashed at a time, so that a book takes no more memory than a post
EXACT = (
    20  # 2**20 characters: up to there all shingles are compared, of longer texts an even sample
)
CROWD = 20  # a shingle of more texts than that is a phrase of the house: it only links neighbours
SLACK = 0.5  # a pair is looked at from this part of the hits on that it should have
BATCH, PARTS = 2**17, 16  # hashes looked at together; parts that they are sorted in
NEAR, COPY = 0.5, 0.8  # jaccard: half a new text, and hardly a new one


class Sketches:
    """Sketches of texts added one by one: 4 bytes for each 32 shingles of a text, and 17 bytes more."""

    def __init__(self):
        self._hashes, self._ends = array("I"), array("Q", [0])
        self._levels, self._digests = array("B"), array("Q")

    def __len__(self):
        return len(self._levels)

    def add(self, text):
        """Keep the sketch of a text; its index, counted from 0."""
        import numpy as np

        digest, level, kept = blake2b(digest_size=8), COARSEST if len(text) > PIECE else None, []
        for letters, hashes in _pieces(text):
            digest.update(letters)
            if level is None:
                level = min(max((len(hashes) // FEWEST).bit_length() - 1, 0), COARSEST)
            kept.append(hashes[hashes <= _limit(level)])
        kept = np.unique((np.concatenate(kept) >> np.uint64(32 - COARSEST)).astype(np.uint32))
        self._hashes.frombytes(kept.tobytes())
        self._ends.append(len(self._hashes))
        self._levels.append(level)
        self._digests.append(int.from_bytes(digest.digest(), "little"))
        return len(self) - 1

    def pairs(self, text_of, alike=0.5, progress=None):
        """Yield (i, j, jaccard, containment), i < j, where either is `alike` or more; containment is of the shorter.

        `text_of(i)` gives text i again: both numbers are exact, counted on the texts. Of a text's literal copies each
        is paired with the first only; of more than 20 texts that are all alike, each with the next. An excerpt of
        under 300 characters may be missed in a text of many pages. `progress(done, total)` counts texts.
        """
        import numpy as np

        first = self._copies()
        for i in np.flatnonzero(first != np.arange(len(self))).tolist():
            yield int(first[i]), i, 1.0, 1.0
        shingles_of = lru_cache(maxsize=8)(lambda i: _sampled(text_of(i)))
        for done, candidates in self._candidates(first, alike):
            for i, j in candidates:
                jaccard, containment = _compared(*shingles_of(i), *shingles_of(j))
                if max(jaccard, containment) >= alike:
                    yield i, j, jaccard, containment
            if progress:
                progress(done, len(self))

    def _copies(self):
        """(len,) the index of the first text with the same letters; texts without letters are like no other."""
        import numpy as np

        _, first, which = np.unique(
            np.frombuffer(self._digests, np.uint64), return_index=True, return_inverse=True
        )
        return np.where(np.diff(self._ends) > 0, first[which], np.arange(len(self)))

    def _candidates(self, first, alike):
        """Yield (texts done, [(i, j), …] that have enough hashes in common), a batch of texts at a time."""
        import numpy as np

        sizes = np.diff(np.frombuffer(self._ends, np.uint64).astype(np.int64))
        hashes, owners, crowded = self._shared(
            np.where(first == np.arange(len(self)), sizes, 0), sizes
        )
        levels = np.frombuffer(self._levels, np.uint8).astype(np.int64)
        rare = sizes - np.bincount(owners[crowded], minlength=len(self))
        edges = np.searchsorted(np.cumsum(sizes), np.arange(BATCH, sizes.sum() + BATCH, BATCH)) + 1
        start = 0
        for end in np.minimum(np.unique(edges), len(self)).tolist():
            left, right, hits = _meetings(hashes, owners, crowded, start, end)
            level = np.maximum(levels[left], levels[right])
            fewer = np.minimum(
                rare[left] / 2.0 ** (level - levels[left]),
                rare[right] / 2.0 ** (level - levels[right]),
            )
            enough = hits >= SLACK * alike * fewer
            yield end, list(zip(left[enough].tolist(), right[enough].tolist()))
            start = end

    def _shared(self, used, sizes):
        """(hashes, owners, crowded) of the hashes that several texts have: one run a hash, in it the owners in order."""
        import numpy as np

        every, ends, found = np.frombuffer(self._hashes, np.uint32), np.cumsum(sizes), []
        for part in range(
            PARTS
        ):  # sorted a part at a time: sorting takes five times the room of what is sorted
            at = np.flatnonzero(every & np.uint32(PARTS - 1) == part)
            owners = np.searchsorted(ends, at, side="right")
            at, owners = at[used[owners] > 0], owners[used[owners] > 0]
            keys = every[at].astype(np.uint64) << np.uint64(32) | owners.astype(np.uint64)
            keys.sort()
            hashes = (keys >> np.uint64(32)).astype(np.uint32)
            starts = np.flatnonzero(np.diff(hashes, prepend=~hashes[:1]))
            runs = np.diff(starts, append=len(hashes))
            several = np.repeat(runs > 1, runs)
            found.append(
                (
                    hashes[several],
                    keys[several].astype(np.uint32).astype(np.int64),
                    np.repeat(runs > CROWD, runs)[several],
                )
            )
        return tuple(map(np.concatenate, zip(*found)))


def similar(texts, alike=0.5):
    """The pairs of a list of texts as Sketches.pairs gives them, sorted."""
    sketches = Sketches()
    for text in texts:
        sketches.add(text)
    return sorted(sketches.pairs(texts.__getitem__, alike))


class Groups:
    """Which of `count` things hang together; each group is known by its smallest member."""

    def __init__(self, count):
        self._parents = array("Q", range(count))

    def of(self, i):
        """The group of i: its smallest member."""
        while self._parents[i] != i:
            self._parents[i] = i = self._parents[self._parents[i]]
        return i

    def join(self, i, j):
        """From now on i and j are of one group."""
        low, high = sorted((self.of(i), self.of(j)))
        self._parents[high] = low


def superfluous(pairs, age):
    """The numbers of the texts to leave out, of pairs (i, j, jaccard): the one of lower age(number) stays.

    Copies hang together, however long the chain; where only half is the same, a text goes for one that itself stays.
    """
    numbers = sorted({number for pair in pairs for number in pair[:2]})
    copies, near, members = Groups(numbers[-1] + 1 if numbers else 0), {}, {}
    for i, j, jaccard in pairs:
        if jaccard >= COPY:
            copies.join(i, j)
    for number in numbers:
        members.setdefault(copies.of(number), []).append(number)
    for i, j in ((copies.of(i), copies.of(j)) for i, j, jaccard in pairs if jaccard >= NEAR):
        near.setdefault(i, set()).add(j)
        near.setdefault(j, set()).add(i)
    ages = {
        group: min((age(number), number) for number in texts) for group, texts in members.items()
    }
    stay = set()
    for group in sorted(ages, key=ages.get):
        if not (near.get(group, set()) - {group}) & stay:
            stay.add(group)
    return set(numbers) - {ages[group][1] for group in stay}


def shingles(text, level=0):
    """The sorted hashes (n,) uint64 of a text's distinct shingles, 1 in 2**level of them."""
    import numpy as np

    return np.unique(
        np.concatenate([hashes[hashes <= _limit(level)] for _, hashes in _pieces(text)])
    )


def _sampled(text):
    level = (len(text) >> EXACT).bit_length()
    return shingles(text, level), level


def _compared(a, level_a, b, level_b):
    """(jaccard, containment of the smaller) of two texts' shingles."""
    import numpy as np

    limit = _limit(max(level_a, level_b))
    small, large = sorted((s[: np.searchsorted(s, limit, "right")] for s in (a, b)), key=len)
    if not len(small):
        return 0.0, 0.0
    places = np.minimum(np.searchsorted(large, small), len(large) - 1)
    both = int((large[places] == small).sum())
    return both / (len(small) + len(large) - both), both / len(small)


def _meetings(hashes, owners, crowded, start, end):
    """(left, right, hits): how often the texts from `start` to `end` meet which later one under the same hash."""
    import numpy as np

    found = [np.empty(0, np.int64)]
    at = np.flatnonzero((owners >= start) & (owners < end))
    for step in range(1, CROWD):
        at = at[at + step < len(hashes)]
        at = at[(hashes[at] == hashes[at + step]) & ~(crowded[at] & (step > 1))]
        found.append(owners[at] << 32 | owners[at + step])
    keys, hits = np.unique(np.concatenate(found), return_counts=True)
    return keys >> 32, keys & 0xFFFFFFFF, hits


# Text to hashes


def _pieces(text):
    """Yield (letters as bytes, hashes of the shingles that start in them) of a text, at least once."""
    import numpy as np

    before, some = np.empty(0, np.uint32), False
    for start in range(0, max(len(text), 1), PIECE):
        codes = np.frombuffer(
            text[start : start + PIECE].casefold().encode("utf-32-le", "surrogatepass"), np.uint32
        )
        fresh = codes[_letters()[codes]]
        codes = np.concatenate((before, fresh))
        hashes = _hashes(codes, last=start + PIECE >= len(text))
        some = some or len(hashes) > 0
        if (
            start + PIECE >= len(text) and not some and len(codes)
        ):  # too short for a shingle: it is one
            hashes = _hashes(np.pad(codes, (0, OTHER - len(codes))), last=False)
        before = codes[max(len(codes) - OTHER + 1, 0) :]
        yield fresh.tobytes(), hashes


@lru_cache(maxsize=1)
def _letters():
    """(0x110000,) which code points are letters or digits."""
    import numpy as np

    return np.fromiter(map(str.isalnum, map(chr, range(0x110000))), bool, 0x110000)


def _hashes(codes, last):
    """The hashes of the shingles of some code points: those that start before the final 11, and the `last` ones."""
    import numpy as np

    by1 = codes.astype(np.uint64)
    by2 = _joined(by1, by1, 1, 1)
    by4 = _joined(by2, by2, 2, 2)
    by5, by12 = _joined(by4, by1, 4, 1), _joined(_joined(by4, by4, 4, 4), by4, 8, 4)
    wide, whole = codes >= WIDE, len(by12)
    found = np.where(wide[:whole], by5[:whole], by12)
    if last:
        found = np.concatenate((found, by5[whole:][wide[whole : len(by5)]]))
    found ^= found >> np.uint64(32)
    found *= np.uint64(MIX)
    return found ^ (found >> np.uint64(29))


def _joined(first, second, after, size):
    """Polynomial hashes of longer windows: each of `first`, and the `second` one, `size` long, that starts `after`."""
    import numpy as np

    factor = np.uint64(pow(MULTIPLIER, size, 2**64))
    return first[: max(len(second) - after, 0)] * factor + second[after:]


def _limit(level):
    import numpy as np

    return np.uint64((1 << (64 - level)) - 1)
