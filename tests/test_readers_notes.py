"""Exports of note and blog programs, pages saved whole: each gives its words or a reason."""

import io
import json
import plistlib
import tarfile

import pytest
from document_makers import odt, zipped

from twinlib.corpus import pipeline, readers
from twinlib.text.inputs.input_file import File

EN = "The boat came in at dawn, and nobody was on the pier to take the rope from us."
ZH = "船在天亮的时候靠了岸，码头上没有一个人来接我们的缆绳。"


def learnt(folder, name, data):
    """([(title, date, text)] learnt, [reasons], {format}) of a file in a folder."""
    (folder / name).write_bytes(data if isinstance(data, bytes) else data.encode())
    log, totals = readers.ReadLog(), pipeline.Totals()
    rules = pipeline.Rules("", short=0, mask=False)
    documents = list(pipeline.documents(readers.read(folder, log=log), rules, log, totals))
    texts = [(document.title, document.date, document.text) for document in documents]
    return texts, sorted(part.reason for part in log.removed), set(log.formats)


ODT = odt(
    "<text:tracked-changes><text:p>Deleted.</text:p></text:tracked-changes>"
    '<text:p text:style-name="Title">The pier</text:p>'
    f"<text:p>The boat<text:s/>came in<text:note><text:note-citation>1</text:note-citation>"
    "<text:note-body><text:p>A note.</text:p></text:note-body></text:note> at dawn, and nobody was "
    "on the <text:span>pier</text:span> to take the rope from us.</text:p>"
    "<text:h text:outline-level='2'>Later</text:h>"
    f'<text:p text:style-name="P1">Others said so.</text:p><text:p>{ZH}</text:p>'
    "<office:annotation><dc:creator>Ole</dc:creator><text:p>Nice.</text:p></office:annotation>"
    "<text:list><text:list-item><text:p>one rope</text:p></text:list-item></text:list>",
    '<style:style style:name="P1" style:parent-style-name="Quotations"/>',
    "<meta:creation-date>2021-05-03T10:02:00</meta:creation-date>",
)
NOTE = (
    '<note><title>{title}</title><content><![CDATA[<?xml version="1.0"?><!DOCTYPE en-note SYSTEM '
    '"http://xml.evernote.com/pub/enml2.dtd"><en-note><div>{text}</div><div><br/></div><div>'
    '<en-todo checked="true"/>rope</div><en-crypt>A3F=</en-crypt><en-media type="image/png"/>'
    "</en-note>]]></content><created>20210503T100200Z</created>{more}</note>"
)
ENEX = (
    '<?xml version="1.0"?><!DOCTYPE en-export SYSTEM "http://xml.evernote.com/pub/evernote-export4.'
    'dtd"><en-export>'
    + NOTE.format(title="The pier", text=EN, more="<resource><data>iVBORw0KGgo=</data></resource>")
    + NOTE.format(
        title="Saved",
        text="Others.",
        more="<note-attributes><source>web.clip7</source></note-attributes>",
    )
    + "</en-export>"
)
DAY_ONE = json.dumps(
    {
        "metadata": {"version": "1.0"},
        "entries": [
            {
                "uuid": "A1",
                "creationDate": "2021-05-03T08:02:00Z",
                "text": f"# The pier\n\n{EN}\\.",
            },
            {
                "uuid": "A2",
                "creationDate": "2021-05-04T08:02:00Z",
                "text": "![](dayone-moment://1)",
            },
        ],
    }
)
LEXICAL = json.dumps({"root": {"children": [{"type": "paragraph", "children": [{"text": ZH}]}]}})
GHOST = json.dumps(
    {
        "db": [
            {
                "meta": {"version": "5.0"},
                "data": {
                    "posts": [
                        {
                            "id": "1",
                            "slug": "the-pier",
                            "title": "The pier",
                            "html": f"<p>{EN}</p><blockquote>Others.</blockquote>",
                            "status": "published",
                            "published_at": "2021-05-03T08:02:00.000Z",
                        },
                        {
                            "id": "2",
                            "slug": "later",
                            "title": "Later",
                            "html": None,
                            "lexical": LEXICAL,
                            "status": "published",
                            "published_at": "2021-05-04T08:02:00.000Z",
                        },
                        {
                            "id": "3",
                            "slug": "d",
                            "title": "D",
                            "html": "<p>No.</p>",
                            "status": "draft",
                        },
                    ],
                    "users": [],
                },
            }
        ]
    }
)
MHT = (
    "From: <Saved by Blink>\r\nSnapshot-Content-Location: https://e.org/pier\r\nSubject: pier\r\n"
    "Date: Mon, 3 May 2021 08:02:00 -0000\r\nMIME-Version: 1.0\r\nContent-Type: multipart/related;"
    '\r\n\ttype="text/html";\r\n\tboundary="xx"\r\n\r\n--xx\r\nContent-Type: text/html\r\n'
    "Content-Transfer-Encoding: quoted-printable\r\n\r\n<html><head><title>The pier</title></head>"
    f"<body><article><h1>The pier</h1><p>{EN}</p></article></body></html>\r\n--xx\r\n"
    "Content-Type: text/css\r\n\r\np {{ color: red }}\r\n--xx--\r\n"
)
SAFARI = plistlib.dumps(
    {
        "WebMainResource": {
            "WebResourceData": f"<h1>码头</h1><article><p>{ZH}</p></article>".encode("gbk"),
            "WebResourceTextEncodingName": "gbk",
        }
    },
    fmt=plistlib.FMT_BINARY,
)


def jex():
    meta = "parent_id: {0}\ncreated_time: 2021-05-03T08:02:00.000Z\nsource_url: \ntype_: {1}"
    notes = {
        "a": f"The pier\n\n{EN}\n\nid: {'a' * 32}\n" + meta.format("b" * 32, 1),
        "b": f"Diary\n\nid: {'b' * 32}\n" + meta.format("", 2),
    }
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, text in notes.items():
            member = tarfile.TarInfo(f"{name * 32}.md")
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
    return buffer.getvalue()


RTF = (
    r"{\rtf1\ansi\ansicpg936\deff0{\fonttbl{\f0\fnil\fcharset134 \'cb;}}"
    r"{\info{\author Nele}}"
    r"{\header Head of a page}\pard\f0 The pier\par "
    + f"{EN}\\par "
    + "".join(f"\\'{byte:02x}" for byte in ZH.encode("gbk"))
    + r"\par \u-28447? and on.\par}"
)
ORG = (
    "#+TITLE: The pier\n#+DATE: <2021-05-03 Mon>\n#+OPTIONS: toc:nil\n* Later :tag:\n"
    f":PROPERTIES:\n:ID: 12\n:END:\n{EN} See [[https://e.org][the /pier/]].\n"
    f"#+BEGIN_SRC python\nprint(1)\n#+END_SRC\n#+begin_quote\nOthers said.\n"
    f"#+end_quote\n# hidden\n{ZH}\n"
)
RST = (
    f"====\nThe pier\n====\n\n:date: 2021-05-03\n\n{EN} See `the pier <https://e.org>`_.\n\n"
    f".. image:: a\n   :alt: x\n\nLater\n-----\n\n.. code-block:: python\n\n   print(1)\n\n{ZH}\n"
)
TEX = (
    "\\documentclass[12pt]{article}\n\\usepackage{ctex}\n\\title{The \\emph{pier}}\n"
    "\\begin{document}\n"
    f"\\maketitle\n\\section{{Later}}\\label{{a}}\n{{\\it {EN}}}~\\cite{{x}}\\footnote{{No.}}"
    " % comment\n\n"
    f"\\emph{{{ZH}}}\n\\begin{{quote}}\nOthers said.\n\\end{{quote}}\n"
    "\\begin{equation}\nx^2 = 4\n\\end{equation}\n"
    "\\begin{itemize}\n\\item one \\textbf{rope}\n\\end{itemize}\n"
    "\\end{document}\n"
)
EXPORTS = {
    "pier.odt": (
        ODT,
        [("The pier", "2021-05-03", f"{EN}\n\n## Later\n\n{ZH}\n\n- one rope")],
        ["comment", "footnote", "quote"],
        "odt",
    ),
    "pier.rtf": (RTF, [("The pier", None, f"{EN}\n\n{ZH}\n\n郡 and on.")], [], "rtf"),
    "pier.org": (
        ORG,
        [("The pier", "2021-05-03", f"## Later\n\n{EN} See the pier.\n\n{ZH}")],
        ["code", "quote"],
        "markdown",
    ),
    "pier.rst": (
        RST,
        [("The pier", "2021-05-03", f"{EN} See the pier.\n\n## Later\n\n{ZH}")],
        ["code"],
        "markdown",
    ),
    "pier.tex": (
        TEX,
        [("The pier", None, f"## Later\n\n{EN}\n\n{ZH}\n\n- one rope")],
        ["code", "quote"],
        "markdown",
    ),
    "draw.excalidraw.md": (f"---\nexcalidraw-plugin: parsed\n---\n{EN}", [], ["template"], None),
    "book.mobi": (bytes(60) + b"BOOKMOBI" + bytes(600), [], ["foreign"], None),
    "notes.enex": (
        ENEX,
        [("The pier", "2021-05-03", f"{EN}\n\nrope")],
        ["clipped", "code"],
        "evernote",
    ),
    "Journal.json": (DAY_ONE, [("The pier", "2021-05-03", f"{EN}.")], [], "dayone"),
    "blog.ghost.json": (
        GHOST,
        [("The pier", "2021-05-03", EN), ("Later", "2021-05-04", ZH)],
        ["draft", "quote"],
        "ghost",
    ),
    "pier.mht": (MHT, [("The pier", None, EN)], [], "html"),
    "pier.webarchive": (SAFARI, [("码头", None, ZH)], [], "html"),
    "notes.jex": (jex(), [("The pier", "2021-05-03", EN)], ["index"], "markdown"),
    "pier.pages": (
        zipped({"Index/Document.iwa": b"\0\1", "preview.jpg": b"x"}),
        [],
        ["foreign"],
        None,
    ),
    "broken.tar.gz": (b"\x1f\x8b\x08nothing", [], ["damaged"], None),
}


@pytest.mark.parametrize("name", EXPORTS)
def test_an_export_gives_its_own_words_or_a_reason(name, tmp_path):
    data, wanted, reasons, form = EXPORTS[name]
    texts, left_out, formats = learnt(tmp_path, name, data)
    assert texts == wanted
    assert left_out == reasons
    assert form is None or form in formats


def test_a_cut_export_of_evernote_gives_the_notes_before_the_cut():
    cut = File("notes.enex", ENEX.encode()[:-80])
    (document,) = readers.FORMATS["evernote"].read(cut)
    assert EN in document.text and document.removed[-1].reason == "damaged"


def test_each_new_format_is_known_by_its_own_reader_and_by_no_other():
    for name, (data, *_, form) in EXPORTS.items():
        file = File(name, data if isinstance(data, bytes) else data.encode())
        if form not in (None, "html", "markdown"):
            known = [n for n, reader in readers.FORMATS.items() if reader.looks_like(file)]
            assert [n for n in known if n not in ("markdown", "text", "messages")] == [form], known
