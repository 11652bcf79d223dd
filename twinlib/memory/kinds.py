"""What kind of question is asked: on a fact, on other texts, on all of them, or on a change.

By rules on its words alone, those of data/question_kinds.yaml. A fact is what no rule knows.
"""

import functools
import re

from ..i18n import data
from ..text.style import tidy

FACT, ELSEWHERE, LINKED = "fact", "elsewhere", "linked"
RETURNING, CHANGE, EVERYTHING = "returning", "change", "everything"


def kind_of(question: str) -> str:
    """FACT, ELSEWHERE (in which other texts), LINKED (what connects two things), RETURNING (what is
    written of again and again), CHANGE (of the author's mind) or EVERYTHING (on a subject)."""
    asked = tidy(question)
    return next((kind for kind, rule in _rules().items() if rule.search(asked)), FACT)


@functools.cache
def _rules():
    """{kind: its rules in both languages}, in the order in which they are asked."""
    entries = data("question_kinds")
    return {
        kind: re.compile("|".join(entries[kind]["zh"] + entries[kind]["en"]))
        for kind in (CHANGE, EVERYTHING, ELSEWHERE, LINKED, RETURNING)
    }
