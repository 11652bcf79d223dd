"""WordPress, Word and EPUB; and what all readers of documents have in common."""

import io
import re
import struct
import zipfile

import pytest
from document_makers import (
    CHINESE,
    ENGLISH,
    W,
    docx,
    epub,
    lines,
    on_disk,
    only,
    page,
    paragraph,
    parts,
    pdf,
    prose,
    refused,
    zipped,
)
from hypothesis import example, given, settings
from hypothesis import strategies as st

from twinlib.corpus import reasons
from twinlib.corpus.readers import docx as word
from twinlib.corpus.readers import epub as book
from twinlib.corpus.readers import html, html_to_markdown, wordpress
from twinlib.corpus.readers import pdf as pages
from twinlib.text.inputs.encoding import Unreadable
from twinlib.text.inputs.input_file import File

READERS = {"html": html, "wxr": wordpress, "docx": word, "epub": book, "pdf": pages}


# WordPress


def test_a_wordpress_export_post_by_post():
    first, second, about = wordpress.read(on_disk("wordpress.xml"))
    assert prose(first) == (
        "The first line of a classic post.\nIts second line, with [sic] and 1 < 2.\n\n"
        "A second paragraph, with stress and a link.\n\n第三段：油要勤上，雨要少淋。"
    )
    assert (first.title, first.date, first.author, first.source, first.kind, first.draft) == (
        "What oil & rain do",
        "2019-03-14",
        "老茂",
        "wordpress.xml#11",
        "post",
        False,
    )
    assert parts(first) == [("caption", "caption", "CAPTION-OUT The old bench")]
    assert prose(second) == "积木的第一段，“加粗。”还在。\n\n]]> 积木的第二段，箭头在前。"
    assert (second.author, second.draft) == ("Mei", True)
    assert (about.kind, about.date, about.text) == ("page", None, "I mend bicycles by pier three.")


def test_a_post_behind_a_password_is_put_aside():
    item = (
        "<item><title>A</title><content:encoded>&lt;p&gt;Rain.&lt;/p&gt;</content:encoded>{}</item>"
    )
    data = (
        '<rss xmlns:content="http://purl.org/rss/1.0/modules/content/" '
        'xmlns:wp="http://wordpress.org/export/1.2/">'
        "<channel>"
        + item.format("<wp:post_password>abc</wp:post_password>")
        + item.format("<wp:post_password></wp:post_password>")
        + "</channel></rss>"
    )
    assert [post.skip_reason for post in wordpress.read(File("a.xml", data.encode()))] == [
        "protected",
        "",
    ]
    assert "protected" in reasons.REASONS


def test_an_export_that_breaks_off_gives_what_stands_before_the_break():
    data = on_disk("wordpress.xml").data
    cut = data[: data.index(b"I mend bicycles")]
    first, second = wordpress.read(File("w.xml", cut))
    assert first.source == "w.xml#11" and second.source == "w.xml#12"
    assert [(part.what, part.reason) for part in second.removed] == [
        ("caption", "caption"),
        ("document", "damaged"),
    ]
    assert second.removed[-1].text.startswith("About")
    assert refused(wordpress, File("w.xml", data[: data.index(b"<item>") + 40])) == "damaged"


def test_control_characters_that_xml_forbids_cost_themselves_alone():
    data = b"\n" + on_disk("wordpress.xml").data.replace(
        b"The first line", b"The \x0b\x08first line"
    )
    assert next(wordpress.read(File("w.xml", data))).text.startswith("The first line of")


def test_items_are_freed_on_the_way():
    import tracemalloc

    start, item, end = re.split(
        r"(<item>.*?</item>)", on_disk("wordpress.xml").data.decode(), maxsplit=1, flags=re.S
    )
    item = item.replace("The first line", "The first line. " * 5000)
    file = File("w.xml", (start + item * 100 + "</channel></rss>").encode())
    tracemalloc.start()
    count = sum(1 for _ in wordpress.items(file))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 100 and peak < len(file.data) / 4


# Word

DELETED = (
    '<w:p><w:r><w:t xml:space="preserve">Kept </w:t></w:r><w:del '
    'w:id="5"><w:r><w:delText>DELETED-OUT'
    '</w:delText></w:r></w:del><w:ins w:id="6"><w:r><w:t>and added.</w:t></w:r></w:ins></w:p>'
)
NOTED = '<w:r><w:footnoteReference w:id="1"/></w:r>'
STYLES = {
    "T": "Title",
    "1": "标题 1",
    "h2": "heading 2",
    "Q": "Quote",
    "TOC1": "toc 1",
    "C": "caption",
}
CORE = (
    "<dc:title>Word Document</dc:title><dc:creator>老茂</dc:creator>"
    "<dcterms:created>2021-02-03T04:05:06Z</dcterms:created>"
)


def letter():
    return docx(
        paragraph("三号码头", "T")
        + paragraph("TOC-OUT 第一章 3", "TOC1")
        + paragraph("下雨", "1")
        + paragraph("他说：重点_不要丢，3*4。", more=NOTED)
        + paragraph("Tools", "h2")
        + DELETED
        + paragraph("QUOTED by a customer.", "Q")
        + paragraph("one line\nand the next")
        + paragraph("CAPTION-OUT 旧凳子", "C"),
        STYLES,
        CORE,
        ["NOTE-OUT 注。"],
    )


def test_a_word_file_keeps_headings_in_chinese_styles_and_leaves_notes_out():
    document = only(word, File("letter.docx", letter()))
    assert (document.title, document.author, document.date) == ("三号码头", "老茂", "2021-02-03")
    assert (
        prose(document) == "## 下雨\n\n他说：重点_不要丢，3*4。\n\n## Tools\n\nKept and added.\n\n"
        "one line\nand the next"
    )
    assert parts(document) == [
        ("list", "contents", "TOC-OUT 第一章 3"),
        ("caption", "caption", "CAPTION-OUT 旧凳子"),
        ("footnote", "footnote", "NOTE-OUT 注。"),
    ]
    assert "> QUOTED" in document.text and "-OUT" not in document.text


RUN = "<w:r><w:t>{}</w:t></w:r>"
BOX = "<w:txbxContent><w:p>" + RUN + "</w:p></w:txbxContent>"
MC = 'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'
WPS = (
    'xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing" '
    'xmlns:wps="http://schemas.microsoft.com/office/word/2010/wordprocessingShape"'
)
WRAPPERS = {  # {what Word writes around words: the XML with {} for the words}
    "phonetic guide": "<w:r><w:ruby><w:rt><w:r><w:t>dēng</w:t></w:r></w:rt><w:rubyBase>"
    + RUN
    + "</w:rubyBase></w:ruby></w:r>",
    "content control": "<w:sdt><w:sdtPr/><w:sdtContent>" + RUN + "</w:sdtContent></w:sdt>",
    "smart tag": '<w:smartTag w:element="place">' + RUN + "</w:smartTag>",
    "insertion": '<w:ins w:id="3">' + RUN + "</w:ins>",
    "moved here": '<w:moveTo w:id="4">' + RUN + "</w:moveTo>",
    "link": '<w:hyperlink w:anchor="a">' + RUN + "</w:hyperlink>",
    "field": '<w:fldSimple w:instr="DATE">' + RUN + "</w:fldSimple>",
    "direction": '<w:bdo w:val="ltr">' + RUN + "</w:bdo>",
    "embedding": '<w:dir w:val="rtl">' + RUN + "</w:dir>",
    "custom XML": '<w:customXml w:element="a">' + RUN + "</w:customXml>",
    "alternative": f"<mc:AlternateContent {MC}><mc:Choice Requires='wps'>"
    + RUN
    + "</mc:Choice></mc:AlternateContent>",
    "two alternatives": f"<mc:AlternateContent {MC}><mc:Choice Requires='wps'>"
    + RUN
    + "</mc:Choice><mc:Fallback>"
    + RUN
    + "</mc:Fallback></mc:AlternateContent>",
    "text box": f"<w:r><w:drawing><wp:anchor {WPS}><wps:txbx>"
    + BOX
    + "</wps:txbx></wp:anchor></w:drawing></w:r>",
    "old text box": '<w:r><w:pict><v:shape xmlns:v="urn:schemas-microsoft-com:vml"><v:textbox>'
    + BOX
    + "</v:textbox></v:shape></w:pict></w:r>",
    "unknown": '<x:wrap xmlns:x="urn:x">' + RUN + "</x:wrap>",
}


@pytest.mark.parametrize("name", WRAPPERS)
def test_what_word_puts_around_words_leaves_them_once(name):
    body = f"<w:p>{RUN.format('Before.')}{WRAPPERS[name].replace('{}', '灯塔')}"
    document = only(word, File("a.docx", docx(body + RUN.format("After.") + "</w:p>")))
    said = prose(document)
    assert [said.count(words) for words in ("Before.", "灯塔", "After.", "dēng")] == [1, 1, 1, 0]
    assert not document.removed


def test_a_formula_of_a_word_file_is_named_as_left_out():
    space = "http://schemas.openxmlformats.org/officeDocument/2006/math"
    formula = f'<m:oMath xmlns:m="{space}"><m:r><m:t>x=7</m:t></m:r></m:oMath>'
    data = docx(f"<w:p>{RUN.format('Before.')}{formula}{RUN.format('After.')}</w:p>")
    document = only(word, File("a.docx", data))
    assert parts(document) == [("passage", "layout", "x=7")]


def test_headers_and_comments_of_a_word_file_are_named_as_left_out():
    part = f"<w:hdr {W}>{paragraph('HEADER of the house')}</w:hdr>"
    data = docx(paragraph("A letter about rain."), extra={"word/header1.xml": part})
    document = only(word, File("a.docx", data))
    assert parts(document) == [("navigation", "navigation", "HEADER of the house")]


def test_the_title_of_a_word_file_is_not_said_twice():
    core = "<dc:title>Bells</dc:title><dc:creator>Administrator</dc:creator>"
    document = only(
        word,
        File("2020-01-02 x.docx", docx(paragraph("Bells") + paragraph("They ring."), core=core)),
    )
    assert (document.title, document.text, document.author, document.date) == (
        "Bells",
        "They ring.",
        "",
        "2020-01-02",
    )


@pytest.mark.parametrize(
    "data, reason",
    [
        (word.OLE + "EncryptedPackage".encode("utf-16-le"), "locked"),
        (word.OLE + "WordDocument".encode("utf-16-le"), "olddoc"),
        (zipped({"word/document.xml": b"<a>" * 9}), "damaged"),
        (zipped({"word/document.xml": b" " * 5 * 2**20}), "bomb"),
        (zipped({"word/document.xml": b"<a>" * 999 + b"</a>" * 999}), "deep"),
        (letter()[:-200], "damaged"),
        (zipped({"word/document.xml": '<!DOCTYPE a [<!ENTITY b "b">]><a>&b;</a>'}), "entities"),
        (
            zipped(
                {"word/document.xml": '<!DOCTYPE a [<!ENTITY b "b">]><a>&b;</a>'.encode("utf-16")}
            ),
            "entities",
        ),
    ],
)
def test_word_files_that_are_refused(data, reason):
    assert refused(word, File("a.docx", data)) == reason


# EPUB


def test_a_book_gives_its_chapters_in_order_without_cover_and_contents():
    data = epub(
        {
            "cover.xhtml": "<p>COVER-OUT</p>",
            "in%20hand.xhtml": "<h1>第一章</h1><p>　　第一章正文。"
            "<a epub:type='noteref' href='#n1'>1</a></p><aside epub:type='footnote' "
            "id='n1'>NOTE-OUT</aside>",
            "more.xhtml": "<p>The rest of chapter one.</p>",
            "two.xhtml": "<h2>Two</h2><p>Second chapter.</p>",
            "x.xhtml": "<h1>版权信息</h1><p>RIGHTS-OUT</p>",
            "y.xhtml": " epub:type='toc'><p>TOC-OUT</p>",
        },
        {"in%20hand.xhtml": "第一章", "two.xhtml": "Two"},
    )
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        data = zipped({name.replace("%20", " "): archive.read(name) for name in archive.namelist()})
    first, second = book.read(File("b.epub", data))
    assert (
        first.title,
        first.source,
        first.author,
        first.kind,
        first.date,
        first.fallback_title,
    ) == ("第一章", "b.epub#OEBPS/in hand.xhtml", "老茂", "book", "2021-06-01", "码头边")
    assert prose(first) == "第一章正文。\n\nThe rest of chapter one."
    assert (second.title, prose(second)) == ("Two", "Second chapter.")
    assert [part.text for part in first.removed + second.removed] == [
        "COVER-OUT",
        "NOTE-OUT",
        "版权信息 RIGHTS-OUT",
        "TOC-OUT",
    ]


def test_chapter_titles_of_epub_3_come_from_its_navigation():
    nav = (
        "<html xmlns:epub='e'><body><nav epub:type='toc'><ol><li><a href='a.xhtml'>The start</a>"
        "</li></ol></nav>"
    )
    data = epub(
        {"a.xhtml": "<p>Once.</p>"},
        extra={"OEBPS/n.xhtml": nav},
        manifest='<item id="n" href="n.xhtml" properties="nav" '
        'media-type="application/xhtml+xml"/>',
    )
    assert only(book, File("b.epub", data)).title == "The start"


LOCK = (
    '<encryption xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><e:EncryptedData '
    'xmlns:e="http://www.w3.org/2001/04/xmlenc#"><e:EncryptionMethod '
    'Algorithm="{}"/></e:EncryptedData></encryption>'
)


@pytest.mark.parametrize(
    "extra, reason",
    [
        (
            {"META-INF/encryption.xml": LOCK.format("http://www.w3.org/2001/04/xmlenc#aes128-cbc")},
            "locked",
        ),
        ({"OEBPS/a.xhtml": "<div>" * 100_000}, "deep"),
        ({"OEBPS/book.opf": '<!DOCTYPE a [<!ENTITY b "b">]><a>&b;</a>'}, "entities"),
        ({"OEBPS/a.xhtml": '<!DOCTYPE a [<!ENTITY b "b">]><a>&b;</a>'}, "entities"),
        ({"OEBPS/a.xhtml": "x" * 2**23}, "bomb"),
        ({"OEBPS/a.xhtml": "<p> </p>"}, "index"),
    ],
)
def test_books_that_are_refused(extra, reason):
    assert refused(book, File("b.epub", epub({"a.xhtml": "<p>Once.</p>"}, extra=extra))) == reason


def test_a_damaged_part_of_a_book_leaves_the_rest_and_is_named():
    chapters = {f"{name}.xhtml": f"<p>Chapter {name} of rain.</p>" for name in "abc"}
    data = bytearray(epub(chapters))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        data[archive.getinfo("OEBPS/b.xhtml").header_offset + 60] ^= 0xFF
    documents = list(book.read(File("b.epub", bytes(data))))
    assert [document.text for document in documents] == [
        "Chapter a of rain.",
        "Chapter c of rain.",
        "",
    ]
    assert (documents[2].source, documents[2].skip_reason) == ("b.epub#OEBPS/b.xhtml", "damaged")
    for lost in ("META-INF/container.xml", "OEBPS/book.opf"):
        data = epub(chapters, extra={lost: "<a"})
        documents = list(book.read(File("b.epub", data)))
        assert sorted(document.text for document in documents if not document.skip_reason) == [
            f"Chapter {name} of rain." for name in "abc"
        ]


def test_a_book_of_one_chapter_has_the_title_of_the_book():
    assert only(book, File("b.epub", epub({"a.xhtml": "<p>Once.</p>"}))).title == "码头边"


def test_hidden_fonts_do_not_lock_a_book():
    lock = {"META-INF/encryption.xml": LOCK.format("http://www.idpf.org/2008/embedding")}
    assert only(book, File("b.epub", epub({"a.xhtml": "<p>Once.</p>"}, extra=lock))).text == "Once."


# All of them


def made():
    return {
        "html": on_disk("pages/blog.html").data,
        "wxr": on_disk("wordpress.xml").data,
        "docx": letter(),
        "epub": epub(
            {"a.xhtml": "<h1>One</h1><p>Once.</p>", "b.xhtml": "<p>Twice.</p>"}, {"a.xhtml": "One"}
        ),
        "pdf": pdf([lines(ENGLISH), CHINESE]),
    }


def test_each_format_is_known_by_its_own_reader_and_by_no_other():
    for name, data in made().items():
        assert [
            other for other, reader in READERS.items() if reader.looks_like(File("file", data))
        ] == [name]


@pytest.mark.parametrize(
    "nest", ["<div>" * 100_000, "<blockquote>" * 500, "<ul><li>" * 400, "<span>" * 3000]
)
def test_deep_nesting_is_refused_in_a_sentence(nest):
    assert refused(html, page(nest + "x")) == "deep"


def test_the_deepest_page_that_is_read_is_converted():
    text = "<blockquote><div>" * ((html_to_markdown.DEPTH_LIMIT - 6) // 2) + "<p>deep down"
    assert "deep down" in only(html, page(text)).text


def test_billion_laughs_are_refused():
    laughs = '<!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>'
    data = on_disk("wordpress.xml").data.replace(b"<rss", laughs.encode() + b"<rss", 1)
    assert refused(wordpress, File("w.xml", data)) == "entities"


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(sorted(READERS)), st.data())
def test_a_damaged_file_gives_documents_or_a_reason(name, data):
    content = bytearray(MADE[name])
    for _ in range(data.draw(st.integers(1, 8))):
        place = data.draw(st.integers(0, len(content) - 1))
        content[place : place + data.draw(st.integers(0, 40))] = data.draw(st.binary(max_size=40))
    reader, file = READERS[name], File(f"file.{name}", bytes(content))
    assert reader.looks_like(file) in (True, False)
    try:
        documents = list(reader.read(file))
    except Unreadable as error:
        assert str(error) in reasons.REASONS
        return
    assert len({document.source for document in documents}) == len(documents) > 0
    for document in documents:
        assert document.text or document.skip_reason
        assert all(
            what in reasons.KINDS and why in reasons.REASONS and text
            for what, why, text in parts(document)
        )


MADE = made()


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(sorted(READERS)), st.binary(max_size=300))
def test_garbage_is_refused_by_every_reader(name, data):
    start = {
        "html": b"<html>",
        "docx": b"PK\3\4",
        "epub": b"PK\3\4",
        "pdf": b"%PDF-1.4\n",
        "wxr": b"<rss>",
    }[name]
    for content in (data, start + data):
        try:
            assert all(document.text for document in READERS[name].read(File("x", content)))
        except Unreadable as error:
            assert str(error) in reasons.REASONS


SENTENCE = st.text(
    st.characters(categories=["L", "N", "P", "Zs", "Sm"], max_codepoint=0x9FFF),
    min_size=1,
    max_size=60,
)


@settings(deadline=None, max_examples=100)
@given(st.lists(SENTENCE, min_size=1, max_size=4))
@example(["&#123;"])
@example(["{{ 1 }} &lt; <b>2"])
@example(["0\\<"])
def test_no_letter_of_a_page_is_lost_or_said_twice(sentences):
    from html import escape

    body = "".join(f"<p>{escape(sentence)}</p>" for sentence in sentences)
    letters = re.sub(r"[\W_]", "", "".join(sentences))
    if letters:
        document = only(html, page(body))
        # Entities are the reader's own, unless a backslash says that the author typed them; of two
        # backslashes the first says so of the second.
        typed = re.sub(r"(?<!\\)((?:\\\\)*)&(?:lt|amp|#123);", r"\1", document.text)
        assert re.sub(r"[\W_]", "", typed) == letters


def test_a_member_that_lies_about_its_size_is_damaged():
    data = bytearray(letter())
    directory = data.index(b"PK\1\2")
    while b"word/document.xml" not in data[directory : directory + 80]:
        directory = data.index(b"PK\1\2", directory + 4)
    data[directory + 24 : directory + 28] = struct.pack("<I", 40)
    assert refused(word, File("a.docx", bytes(data))) == "damaged"
