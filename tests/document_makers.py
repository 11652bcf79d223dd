"""Small Word, EPUB and PDF files after their specifications, and helpers to read them in tests."""

import io
import zipfile
from pathlib import Path
from xml.sax.saxutils import escape

import pytest

from twinlib.corpus import clean, reasons
from twinlib.text.inputs.encoding import Unreadable
from twinlib.text.inputs.input_file import File

FOLDER = Path(__file__).parent / "exports" / "documents"
CHINESE = [
    (80, 700, 10, "那天下了一整天的雨，电车在街角停了"),
    (60, 686, 10, "一会儿，没有人下车，司机觉得这是冲着他"),
    (60, 672, 10, "来的。"),
    (80, 658, 10, "第二段也缩进两格，一直写到了行末。"),
    (80, 644, 10, "第三段说：“不修了。”说完就走，走到"),
    (60, 630, 10, "码头才停。"),
]
ENGLISH = [
    "The tram stopped at the corner and nobody got",
    "off, which the driver took personally, as he",
    "took most things in that wet and well-",
    "meaning spring, when even bells were dis-",
    "believed and well-meaning men stayed home.",
]

W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
CORE = (
    "<cp:coreProperties "
    'xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties" '
    'xmlns:dc="http://purl.org/dc/elements/1.1/" '
    'xmlns:dcterms="http://purl.org/dc/terms/">{}</cp:coreProperties>'
)


def zipped(members, first=None):
    """A zip of {name: text or bytes}; `first` is stored before them, as EPUB's mimetype must be."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        if first:
            archive.writestr(*first, compress_type=zipfile.ZIP_STORED)
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


# Word


def paragraph(text, style="", more=""):
    """<w:p> with one run for each line of `text`; `more` is raw XML at its end."""
    look = f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>' if style else ""
    runs = "<w:r><w:br/></w:r>".join(
        f'<w:r><w:t xml:space="preserve">{escape(line)}</w:t></w:r>' for line in text.split("\n")
    )
    return f"<w:p>{look}{runs}{more}</w:p>"


def docx(body, styles=None, core="", footnotes=(), extra=None):
    """A .docx of body XML, styles {id: name}, the XML of docProps/core.xml, texts of footnotes."""
    named = "".join(
        f'<w:style w:type="paragraph" w:styleId="{key}"><w:name w:val="{name}"/></w:style>'
        for key, name in (styles or {}).items()
    )
    notes = "".join(
        f'<w:footnote w:id="{n}">{paragraph(text)}</w:footnote>'
        for n, text in enumerate(footnotes, 1)
    )
    types = "http://schemas.openxmlformats.org/package/2006/content-types"
    relations = "http://schemas.openxmlformats.org/package/2006/relationships"
    main = "application/vnd.openxmlformats-officedocument.wordprocessingml"
    return zipped(
        {
            "[Content_Types].xml": f'<Types xmlns="{types}"><Default Extension="xml" '
            f'ContentType="application/xml"/>'
            f'<Default Extension="rels" '
            f'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            f'<Override PartName="/word/document.xml" '
            f'ContentType="{main}.document.main+xml"/></Types>',
            "_rels/.rels": f'<Relationships xmlns="{relations}"><Relationship Id="r1" '
            f'Type="{OFFICE}/officeDocument" '
            f'Target="word/document.xml"/></Relationships>',
            "word/_rels/document.xml.rels": f'<Relationships xmlns="{relations}">'
            f'<Relationship Id="r1" Type="{OFFICE}/styles" Target="styles.xml"/>'
            f'<Relationship Id="r2" Type="{OFFICE}/footnotes" '
            f'Target="footnotes.xml"/></Relationships>',
            "word/styles.xml": f"<w:styles {W}>{named}</w:styles>",
            "word/footnotes.xml": f"<w:footnotes {W}>{notes}</w:footnotes>",
            "word/document.xml": f"<w:document {W}><w:body>{body}</w:body></w:document>",
            "docProps/core.xml": CORE.format(core),
        }
        | (extra or {})
    )


# OpenDocument, RTF


def odt(content, styles="", meta=""):
    """An .odt of the XML of its body, of its styles and of its facts."""
    spaces = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
        for name in ("office", "text", "table", "style", "meta")
    )
    head = f'<office:document-content {spaces} xmlns:dc="http://purl.org/dc/elements/1.1/">'
    return zipped(
        {
            "content.xml": f"{head}<office:automatic-styles>{styles}</office:automatic-styles>"
            f"<office:body><office:text>{content}</office:text></office:body>"
            "</office:document-content>",
            "meta.xml": f"{head}{meta}</office:document-content>",
        },
        first=("mimetype", "application/vnd.oasis.opendocument.text"),
    )


def rtf(text):
    """An .rtf with a paragraph for each line of a text."""
    escaped = text.replace("\\", "\\\\").replace("{", "\\{").replace("}", "\\}")
    units = "".join(sign if sign.isascii() else _in_rtf(sign) for sign in escaped)
    return b"{\\rtf1\\ansi " + units.replace("\n", "\\par\n").encode() + b"}"


def _in_rtf(sign):
    data = sign.encode("utf-16-le")
    pairs = [data[n : n + 2] for n in range(0, len(data), 2)]
    return "".join(f"\\u{int.from_bytes(pair, 'little', signed=True)}?" for pair in pairs)


# EPUB


def epub(chapters, titles=None, extra=None, manifest="", guide="", nav=""):
    """An EPUB of {file name: body XHTML} in spine order; `titles` {file name: title} of toc.ncx."""
    items = "".join(
        f'<item id="c{n}" href="{name}" media-type="application/xhtml+xml"/>'
        for n, name in enumerate(chapters)
    )
    spine = "".join(f'<itemref idref="c{n}"/>' for n in range(len(chapters)))
    points = "".join(
        f'<navPoint id="n{n}"><navLabel><text>{title}</text></navLabel><content '
        f'src="{name}"/></navPoint>'
        for n, (name, title) in enumerate((titles or {}).items())
    )
    page = (
        '<?xml version="1.0" encoding="utf-8"?><!DOCTYPE html><html '
        'xmlns="http://www.w3.org/1999/xhtml" '
        'xmlns:epub="http://www.idpf.org/2007/ops"><head><title/></head><body{}</body></html>'
    )
    return zipped(
        {
            "META-INF/container.xml": "<container "
            'xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
            '<rootfile full-path="OEBPS/book.opf"/></rootfiles></container>',
            "OEBPS/book.opf": '<package xmlns="http://www.idpf.org/2007/opf"><metadata '
            'xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>码头边</dc:title><dc:creator>老茂</dc:creator>'
            f'<dc:date>2021-06-01</dc:date></metadata><manifest>{items}{manifest}<item id="ncx" '
            f'href="toc.ncx" '
            f'media-type="application/x-dtbncx+xml"/></manifest><spine '
            f'toc="ncx">{spine}</spine>{guide}</package>',
            "OEBPS/toc.ncx": '<!DOCTYPE ncx PUBLIC "-//NISO//DTD ncx 2005-1//EN" '
            '"http://www.daisy.org/z3986/2005/ncx-2005-1.dtd">'
            f'<ncx xmlns="http://www.daisy.org/z3986/2005/ncx/"><navMap>{points}</navMap></ncx>',
        }
        | {
            f"OEBPS/{name}": page.format(body if body.startswith((" ", ">")) else ">" + body)
            for name, body in chapters.items()
        }
        | (extra or {}),
        first=("mimetype", "application/epub+zip"),
    )


# PDF

WIDTHS = 500  # of a Latin letter, in thousandths of its size: easy to count with


def pdf(pages, info="", trailer=""):
    """A PDF of pages, each a list of (x, y, size, text) on 600 by 800 points, without its fonts."""
    widths = " ".join([str(WIDTHS)] * 95)
    objects = [
        "<</Type/Catalog/Pages 2 0 R>>",
        "",
        f"<</Type/Font/Subtype/Type1/BaseFont/Courier/FirstChar 32/LastChar 126/Widths[{widths}]>>",
        "<</Type/Font/Subtype/Type0/BaseFont/STSong-Light/Encoding/UniGB-UCS2-H"
        "/DescendantFonts[5 0 R]>>",
        "<</Type/Font/Subtype/CIDFontType0/BaseFont/STSong-Light/DW "
        "1000/CIDSystemInfo<</Registry(Adobe)"
        "/Ordering(GB1)/Supplement 2>>/FontDescriptor 6 0 R>>",
        "<</Type/FontDescriptor/FontName/STSong-Light/Flags 4/Ascent 880/Descent -120/CapHeight 700"
        "/ItalicAngle 0/StemV 80/FontBBox[0 -200 1000 900]>>",
        f"<<{info}>>",
    ]
    kids = []
    for page in pages:
        stream = "\n".join(_shown(*piece) for piece in page)
        kids.append(f"{len(objects) + 1} 0 R")
        objects.append(
            f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents {len(objects) + 2} 0 R"
            "/Resources<</Font<</F1 3 0 R/F2 4 0 R>>>>>>"
        )
        objects.append(f"<</Length {len(stream)}>>\nstream\n{stream}\nendstream")
    objects[1] = f"<</Type/Pages/Kids[{' '.join(kids)}]/Count {len(kids)}>>"
    text, places = "%PDF-1.4\n", []
    for number, content in enumerate(objects, 1):
        places.append(len(text))
        text += f"{number} 0 obj\n{content}\nendobj\n"
    table = "".join(f"{place:010d} 00000 n \n" for place in places)
    return (
        f"{text}xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}trailer\n<</Size "
        f"{len(objects) + 1}"
        f"/Root 1 0 R/Info 7 0 R{trailer}>>\nstartxref\n{len(text)}\n%%EOF"
    ).encode("latin-1")


def _shown(x, y, size, text):
    if text.isascii():
        font, shown = (
            "F1",
            "(" + text.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)") + ")",
        )
    else:
        font, shown = "F2", f"<{text.encode('utf-16-be').hex()}>"
    return f"BT /{font} {size} Tf 1 0 0 1 {x} {y} Tm {shown} Tj ET"


def lines(texts, x=60, y=700, size=10, step=14):
    """(x, y, size, text) of lines one below the other."""
    return [(x, y - step * n, size, text) for n, text in enumerate(texts)]


# A text in any of these formats, as somebody who pastes it there makes it


_PAGE = 45  # lines


def _pdf_of(text):
    rows = text.split("\n")
    pages = [rows[n : n + _PAGE] for n in range(0, len(rows), _PAGE)]
    return pdf([[x for x in lines(page, y=750) if x[3]] for page in pages])


def _paragraphs_of(text, form):
    return "".join(form.format(escape(line)) for line in text.split("\n"))


OF_TEXT = {
    ".docx": lambda text: docx("".join(map(paragraph, text.split("\n")))),
    ".odt": lambda text: odt(_paragraphs_of(text, "<text:p>{}</text:p>")),
    ".rtf": rtf,
    ".pdf": _pdf_of,
    ".html": lambda text: page(_paragraphs_of(text, "<p>{}</p>")).data,
}


# Reading


def on_disk(name):
    path = FOLDER / name
    return File(
        name,
        path.read_bytes(),
        lambda near: (path.parent / near).read_bytes() if (path.parent / near).exists() else None,
    )


def page(body, name="page.html", head=""):
    return File(
        name,
        f"<!DOCTYPE html><html><head><meta charset=utf-8>{head}</head><body>{body}</body>".encode(),
    )


def only(reader, file):
    documents = list(reader.read(file))
    assert len(documents) == 1
    return documents[0]


def prose(document):
    return clean.clean(document.text, document.markdown).text


def parts(document):
    return [(part.what, part.reason, part.text) for part in document.removed]


def refused(reader, file):
    with pytest.raises(Unreadable) as caught:
        list(reader.read(file))
    assert str(caught.value) in reasons.REASONS
    return str(caught.value)
