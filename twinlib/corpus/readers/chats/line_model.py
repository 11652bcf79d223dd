"""Linear models that tell of what kind a line is by its words and its shape."""

import math
import sys
from collections.abc import Callable, Collection
from functools import cache, cached_property, lru_cache
from pathlib import Path


class LineModel:
    """How likely a line is of one kind, from the `features` of it that were weighed.

    `weights` is a file of data/ with a feature, its weight times its rarity, and its rarity a line,
    divided by tabs. The empty feature has the weight that belongs to every line. As in a search
    index, the features that a line has are scaled to a length of one.
    """

    def __init__(self, weights: Path, features: Callable[[str], Collection[str]]):
        self.weights, self.features = weights, features
        self.chance = lru_cache(maxsize=2000)(self._chance)

    def _chance(self, line: str) -> float:
        """How likely a line is of the kind, from 0 to 1."""
        weighed = self._weighed
        score = length = 0.0
        for feature in weighed.keys() & self.features(line):
            weight, square_of_rarity = weighed[feature]
            score += weight
            length += square_of_rarity
        return 1 / (1 + math.exp(-weighed[""][0] - score / (math.sqrt(length) or 1)))

    @cached_property
    def _weighed(self):
        """{feature: (its weight, the square of its rarity)}."""
        pair = cache(lambda weight, rarity: (float(weight), float(rarity) ** 2))  # many are equal
        with self.weights.open(encoding="utf-8") as lines:
            next(lines)
            rows = (line.rstrip("\n").rsplit("\t", 2) for line in lines)
            return {sys.intern(feature): pair(weight, rarity) for feature, weight, rarity in rows}
