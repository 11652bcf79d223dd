"""Some of many items, evenly spaced, where there is no time or room for all of them."""

from collections.abc import Sequence


def evenly(items: Sequence, most: int) -> list:
    """At most `most` of the items, from the first on at even distances over the whole of them.

    Of 500 items 256 are not the first 256: the distances differ by one where they can't be equal.
    """
    count = max(0, min(most, len(items)))
    return [items[i * len(items) // count] for i in range(count)]
