"""Tables of questions and answers: a paid community's answers, a problem set, GSM8K's form.

Each row becomes one document, so that rows are held out, dropped and edited one by one. A row
whose answer is only a number is a practice problem for step 03: it gets a `skip_reason`.
"""

import re
from collections import Counter
from collections.abc import Iterator

from ...files import content_id
from ...text.inputs import columns, spreadsheets
from ...text.inputs.filename import title_of
from ...text.inputs.input_file import File
from ..records import Document, Turn
from . import dates


def looks_like(file: File) -> bool:
    """Whether the file has a table with a column of questions and one of answers or steps."""
    return any(columns.answers(names) for _, names, _ in spreadsheets.peek(file))


def read(file: File) -> Iterator[Document]:
    """Yield a document for each row that has an answer. Raises Unreadable."""
    seen = Counter()
    for table in spreadsheets.read(file):
        roles = columns.answers(table.columns)
        rows = list(table.rows) if roles else []
        times = dates.times([_cell(row, roles["time"]) for row in rows])
        for row, time in zip(rows, times):
            question, answer = _cell(row, roles["question"]), _answer(row, roles)
            if answer:
                name = content_id(question or answer)
                seen[name] += 1
                source = f"{file.name}#row-{name}" + (f"-{seen[name]}" if seen[name] > 1 else "")
                yield _document(source, question, answer, time, row, roles)


def _document(source, question, answer, time, row, roles):
    return Document.of_turns(
        source,
        [Turn(question, answer, time)],
        title=" ".join(question.split()),
        date=time[:10] or None,
        author=_cell(row, roles["author"]),
        kind="answers",
        fallback_title=title_of(source.partition("#")[0]),
        skip_reason="exercise" if _is_exercise(row, roles) else "",
    )


def _answer(row, roles):
    """The steps, then the answer, or the answer alone where the steps are part of it.

    GSM8K's calculations and '####' are taken out.
    """
    steps, answer = (_clean(_cell(row, roles[role])) for role in ("steps", "answer"))
    return answer if steps in answer else f"{steps}\n{answer}".strip()


def _is_exercise(row, roles):
    last = _cell(row, roles["answer"]).rpartition("####")[2].strip()
    return bool(re.fullmatch(r"[$¥￥]?-?\d[\d,./]*\s?[%％]?", last))


def _clean(text):
    return re.sub(r"(?m)^[ \t]*####[ \t]*(?=\S)", "", re.sub(r"<<[^<>\n]*>>", "", text)).strip()


def _cell(row, name):
    return row[name].strip() if name else ""
