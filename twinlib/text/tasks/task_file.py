"""The owner's own questions with answers and, where they are there, the worked steps.

A table (CSV, JSON Lines, XLSX) with a column of questions and one of answers, recognised by their
names in both languages, as step 01 does. Where the answer is a number or a few words it is right or
wrong; where it is prose, answers are rewarded for being near to it. Both may stand in one table.
"""

import re

from .. import numerals
from ..inputs import columns
from ..script import has_han

_WORDS, _CHARACTERS = 5, 12  # of a short answer, in words and in Chinese characters
_LONGEST = 4000  # characters of prose: more is an essay, and no answer to compare with
_SENTENCE = re.compile(r"[。！？!?；;]|[.]\s")


def problem(record: dict) -> dict:
    """{question, answer, steps}, by whatever name, as a problem; GSM8K's '#### 72' is known."""
    from . import Refused

    roles = columns.answers(list(record))
    question, answer, steps = (
        _text(record.get(roles.get(role, ""))) for role in ("question", "answer", "steps")
    )
    if not question or not (answer or steps):
        raise Refused("train.no_question_and_answer")
    if not answer:
        answer, steps = steps, ""
    before, mark, final = answer.rpartition("####")
    if mark:
        steps, answer = steps or re.sub(r"<<[^<>\n]*>>", "", before).strip(), final.strip()
    if not re.search(r"[^\W_]", answer) or len(answer) > _LONGEST:
        raise Refused("train.no_usable_answer")
    return {
        "question": question,
        "answer": answer,
        "steps": "" if steps == answer else steps,
        "kind": "short" if _is_short(answer) else "prose",
        "language": "zh" if has_han(question) else "en",
    }


def _text(value):
    return "" if value is None else str(value).strip()


def _is_short(answer):
    """Whether an answer is a number or a few words, which are right or wrong."""
    if numerals.whole(answer) is not None:
        return len(answer) <= 60
    if _SENTENCE.search(answer.rstrip("。.!！")) or "\n" in answer:
        return False
    return len(answer.split()) <= _WORDS and len(answer) <= (_CHARACTERS if has_han(answer) else 60)
