"""How the processor time of a function grows with its input, on fast and slow machines alike."""

import time
from collections.abc import Callable


def grows_in_proportion(work: Callable[[int], object], size: int) -> bool:
    """Whether four times the size takes clearly less than 16 times as long, as a square would.

    `work(size)` does the work. Compared with itself a busy machine disturbs little; where it does,
    two more attempts are made. Times under a tenth of a second are all taken as equal.
    """
    return any(_seconds(work, 4 * size) < 9 * _seconds(work, size) + 0.1 for _ in range(3))


def _seconds(work, size):
    started = time.process_time()
    work(size)
    return time.process_time() - started
