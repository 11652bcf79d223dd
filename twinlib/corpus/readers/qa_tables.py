"""Tables of questions and answers: a paid community's answers, a problem set with steps, GSM8K's form.

One document a row, so that rows are held out, dropped and edited one by one. A row whose answer is a mere number is a
problem to practise on (step 03), not somebody's writing: its `skip_reason` says so.
"""

import re
from collections import Counter

from ...files import content_id
from ..records import Document, Turn
from . import columns, dates, spreadsheets
from .filename import title_of


def looks_like(file):
    """Is there a table with a column of questions and one of answers or steps?"""
    return any(columns.answers(names) for _, names, _ in spreadsheets.peek(file))


def read(file):
    """Yield a raw document a row that has an answer; raises Unreadable."""
    seen = Counter()
    for table in spreadsheets.read(file):
        roles = columns.answers(table.columns)
        for row in table.rows if roles else ():
            question, answer = _cell(row, roles["question"]), _answer(row, roles)
            if answer:
                name = content_id(question or answer)
                seen[name] += 1
                source = f"{file.name}#row-{name}" + (f"-{seen[name]}" if seen[name] > 1 else "")
                yield _document(source, question, answer, row, roles)


def _document(source, question, answer, row, roles):
    time = next(iter(dates.times([_cell(row, roles["time"])])))
    return Document.of_turns(
        source,
        [Turn(question, answer, time)],
        title=" ".join(question.split()),
        date=time[:10] or None,
        author=_cell(row, roles["author"]),
        kind="answers",
        fallback_title=title_of(source.partition("#")[0]),
        skip_reason=_exercise(row, roles),
    )


def _answer(row, roles):
    """Steps, then the answer, once where one says both; without GSM8K's calculator notes and '####'."""
    steps, answer = (_clean(_cell(row, roles[role])) for role in ("steps", "answer"))
    return answer if not steps or steps in answer else f"{steps}\n{answer}" if answer else steps


def _exercise(row, roles):
    last = _cell(row, roles["answer"]).rpartition("####")[2].strip()
    return "exercise" if re.fullmatch(r"[$¥￥]?-?\d[\d,./]*\s?[%％]?", last) else ""


def _clean(text):
    return re.sub(r"(?m)^[ \t]*####[ \t]*(?=\S)", "", re.sub(r"<<[^<>\n]*>>", "", text)).strip()


def _cell(row, name):
    return row[name].strip() if name else ""
