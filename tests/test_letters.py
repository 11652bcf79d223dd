"""Letters in are letters out or stand in dropped.csv, in every format, encoding and wrapper."""

import io
import json
import re
import tempfile
import zipfile
from pathlib import Path

import pytest
from document_makers import docx, epub
from hypothesis import given, settings
from hypothesis import strategies as st
from test_readers_documents import RUN, WRAPPERS

from twinlib.corpus import pipeline, readers

# Sentences with what trips readers up: markup, emoji of several signs, names, quotes, rare letters.
PIECES = st.sampled_from(
    "雨一直下到码头 灯塔在对岸亮着 the heron stood still 他问<think>是什么 see a<b here 邬珺没有来 "
    "👩‍🔬也来了 price 3*4=12 「好的」他说 José's café l'été ﬁve_words_here "
    "一二三 #标签 那天，没有风".split(" ")
)
SENTENCES = st.lists(st.lists(PIECES, min_size=3, max_size=6), min_size=2, max_size=5).map(
    lambda rows: [f"第{n}句 {' '.join(row)}。" for n, row in enumerate(rows)]
)


def _escaped(text):
    return text.replace("&", "&amp;").replace("<", "&lt;")


def _word(sentences, wrapper="insertion"):
    wrapped = WRAPPERS[wrapper].replace("{}", "灯")
    return docx("".join(f"<w:p>{RUN.format(_escaped(s))}{wrapped}</w:p>" for s in sentences))


def _html(sentences):
    body = "".join(f"<p>{_escaped(sentence)}</p>" for sentence in sentences)
    return f"<html><body><article>{body}</article></body></html>"


def _table(sentences):
    rows = "".join(f'2024-05-0{n + 1} 10:00,Ning,"{s}"\n' for n, s in enumerate(sentences))
    return f"time,sender,text\n{rows}"


def _messages(sentences):
    messages = [
        {"sender_name": "Ning", "timestamp_ms": 1746087000000 + n, "content": sentence}
        for n, sentence in enumerate(sentences)
    ]
    return json.dumps({"participants": [{"name": "Ning"}], "messages": messages})


def _chat(sentences):
    both = [(name, s) for s in sentences for name in ("Ning", "Lee")]
    return "".join(f"2024-05-01 10:{n:02}:00 {who}\n{s}\n\n" for n, (who, s) in enumerate(both))


def _zip(sentences):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for n, sentence in enumerate(sentences):
            archive.writestr(f"{n}.txt", sentence)
    return buffer.getvalue()


FORMATS = {  # {file's name: its content, made of sentences}
    "post.md": "\n\n".join,
    "front.md": lambda sentences: "---\ntitle: 题\n---\n\n" + "\n\n".join(sentences),
    "post.txt": "\n\n".join,
    "gb.txt": lambda sentences: "\n\n".join(sentences).encode("gb18030"),
    "utf16.txt": lambda sentences: "\n\n".join(sentences).encode("utf-16"),
    "page.html": _html,
    "letter.docx": _word,
    "book.epub": lambda sentences: epub(
        {f"c{n}.xhtml": f"<p>{_escaped(s)}</p>" for n, s in enumerate(sentences)}
    ),
    "chat.csv": _table,
    "chat.json": _messages,
    "chat.txt": _chat,
    "posts.zip": _zip,
    "unknown.json": lambda sentences: json.dumps({"a": {"b": sentences}}, ensure_ascii=False),
}


def _letters(text):
    return re.sub(r"[\W_]", "", text)


def _kept_and_dropped(name, content):
    """All letters of the documents of a file and of what is recorded as left out."""
    rules = pipeline.Rules(author="Ning", me=("Ning",), short=0, mask=False)
    log, totals = readers.ReadLog(), pipeline.Totals()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        raws = readers.read(Path(folder), readers.Options(me=("Ning",)), log)
        texts = [f"{d.title}\n{d.text}" for d in pipeline.documents(raws, rules, log, totals)]
    return "\n".join(_letters(text) for text in [*texts, *(part.text for part in log.removed)])


@pytest.mark.parametrize("name", FORMATS)
@settings(max_examples=15, deadline=None)
@given(sentences=SENTENCES)
def test_every_letter_of_a_sentence_is_kept_or_named(name, sentences):
    found = _kept_and_dropped(name, FORMATS[name](sentences))
    for sentence in sentences:
        assert _letters(sentence) in found
