"""What is left out of a document, each part with its reason, and what the owner wants back."""

import re
from typing import NamedTuple

from ..files import content_id


class Part(NamedTuple):
    """A part that was left out: `what` and `reason` are keys of reasons.KINDS and reasons.REASONS."""

    what: str
    reason: str
    text: str

    @property
    def id(self):
        return content_id(self.text)


class Parts:
    """The parts of one document so far; `restored` are the ids of those that the owner wants back."""

    def __init__(self, restored=frozenset()):
        self.found, self.restored = [], restored

    def take(self, what, reason, text):
        """Is this left out? False when the owner wants it back; what has no word in it goes without a note."""
        part = Part(what, reason, text.strip())
        if not re.search(r"[^\W_]", part.text):
            return True
        if part.id in self.restored:
            return False
        self.found.append(part)
        return True
