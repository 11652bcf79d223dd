"""Notices: sentences that a program writes into a chat by itself, told by their words.

No list of them is complete. A linear model has learnt from 8,800 notices and 8,600 messages in six
languages how they differ: by words, their beginnings and ends, and words in a row. The sentences
and what fits the weights of data/notices.tsv to them are in tools/notices.
"""

import math
import re
from functools import cache, lru_cache
from pathlib import Path

WEIGHTS = Path(__file__).parents[3] / "data" / "notices.tsv"
NAME = "\x00"  # stands for a display name
_TOKEN = re.compile(
    r"\d+|[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]"
    r"|[^\W\d_\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]+|[?!…:@\[\]<>【】（）()❤👍\x00]"
)


@lru_cache(maxsize=10_000)
def chance(sentence: str) -> float:
    """How likely a program wrote a sentence, from 0 to 1; `NAME` stands for names in it."""
    weights = _weights()
    score = length = 0.0
    for feature in features(sentence):
        if feature in weights:
            weight, rarity = weights[feature]
            score += weight
            length += rarity * rarity
    return 1 / (1 + math.exp(-weights[""][0] - score / (math.sqrt(length) or 1)))


def features(sentence: str) -> set[str]:
    """The words of a sentence, how the longer ones begin and end, and what stands in a row."""
    tokens = ["0" if x.isdigit() else x for x in _TOKEN.findall(sentence.casefold())]
    found = set(tokens)
    for token in found.copy():
        if len(token) > 4:
            found.update((token[:4] + "-", "-" + token[-3:]))
            if len(token) > 6:
                found.add(token[:6] + "-")
    row = ["^", *[token[:5] for token in tokens], "$"]
    found.update(map(" ".join, zip(row, row[1:])))
    found.update(map(" ".join, zip(row, row[1:], row[2:])))
    return found


@cache
def _weights():
    """{feature: (its weight, its rarity)}; the empty feature's weight belongs to every sentence."""
    lines = WEIGHTS.read_text(encoding="utf-8").splitlines()[1:]
    rows = (line.rsplit("\t", 2) for line in lines)
    return {feature: (float(weight), float(rarity)) for feature, weight, rarity in rows}
