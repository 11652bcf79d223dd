"""What a client wants of an answer at most: so many tokens, and nothing from a stop text on.

llama.cpp keeps both for what the model says. What the memory says instead, such as the author's own
sentences, goes through here.
"""

import bisect
from collections.abc import Callable, Sequence

_TOKEN = 24  # characters of a long token


class Limits:
    """Passes on the pieces of an answer up to `most` tokens and up to the first text of `stop`.

    Call it with each piece, and `end()` when no more come. `text` is what was passed on, `ended`
    says that no more will be: at a stop text where `stopped`, and where `too_long` because there
    was more than `most` tokens hold. `count` counts a text's tokens.
    """

    def __init__(
        self,
        count: Callable[[str], int],
        most: int,
        stop: Sequence[str],
        on_text: Callable[[str], None],
    ):
        self.text, self.ended, self.stopped, self.too_long = "", False, False, False
        self._count, self._most, self._stop, self._on_text = count, most, stop, on_text
        self._waiting = ""

    def __call__(self, piece: str) -> None:
        if self.ended:
            return
        whole = self.text + self._waiting + piece
        found = [at for at in map(whole.find, self._stop) if at >= 0]
        sure = min(found) if found else len(whole) - self._begun(whole)
        self._waiting = whole[sure:]
        self._pass_on(whole[:sure])
        if found and not self.ended:
            self.ended = self.stopped = True

    def end(self) -> str:
        """Pass on what may have been the beginning of a stop text; gives the whole text."""
        if not self.ended:
            self._pass_on(self.text + self._waiting)
            self.ended = True
        return self.text

    def _begun(self, whole):
        """How many of the last characters a stop text may begin with."""
        sizes = (n for stop in self._stop for n in range(1, len(stop)) if whole.endswith(stop[:n]))
        return max(sizes, default=0)

    def _pass_on(self, whole):
        """Pass on what is new in a text, as far as the tokens reach."""
        end = longest(whole, self._count, self._most, len(self.text))
        if end < len(whole):
            self.too_long = self.ended = True
        if new := whole[len(self.text) : end]:
            self._on_text(new)
            self.text += new


def longest(text: str, count: Callable[[str], int], most: int, least: int = 0) -> int:
    """How many of a text's first characters `most` tokens hold; `least` or more.

    A part of a word may be more tokens than the word, so a little further on is looked at, too.
    """
    if len(text.encode()) <= most or count(text) <= most:  # no token is shorter than a byte
        return len(text)
    end = bisect.bisect_right(range(len(text)), most, least, key=lambda n: count(text[:n])) - 1
    further = range(min(end + _TOKEN, len(text)), end, -1)
    return max(least, next((n for n in further if count(text[:n]) <= most), end))
