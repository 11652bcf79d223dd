"""Web pages, WordPress, Word, EPUB, PDF: every sentence of the author's comes out once, and nothing of the page's."""

import io
import re
import struct
import zipfile
from pathlib import Path

import pytest
from document_makers import docx, epub, lines, paragraph, pdf, zipped
from hypothesis import example, given, settings
from hypothesis import strategies as st

from twinlib.corpus import clean, reasons
from twinlib.corpus.readers import docx as word
from twinlib.corpus.readers import epub as book
from twinlib.corpus.readers import html, html_to_markdown, wordpress
from twinlib.corpus.readers import pdf as pages
from twinlib.corpus.readers.encoding import Unreadable
from twinlib.corpus.readers.input_file import File

FOLDER = Path(__file__).parent / "exports" / "documents"
READERS = {"html": html, "wxr": wordpress, "docx": word, "epub": book, "pdf": pages}


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


# Web pages


def test_a_medium_post_keeps_the_body_and_its_facts():
    document = only(html, on_disk("medium/posts/2019-03-14_Rain-on-the-bench-1a2b3c4d5e6f.html"))
    assert (document.title, document.date, document.author, document.draft, document.kind) == (
        "Rain on the bench",
        "2019-03-14",
        "Aren Mott",
        False,
        "post",
    )
    assert document.fallback_title == "Rain on the bench"
    assert prose(document) == (
        "What a wet week taught me about tools.\n\n"
        "It rained for nine days and the wrench_set_2 rusted. Nobody came, except Mei with her kettle.\n\n"
        "雨下了九天，他说：“别修了。”我没听。\n\n## 1. What oil is for\n\n"
        "- Oil the chain before the rain.\n- Wipe it after.\n\nDry hands, dry bread, and a quiet street."
    )
    assert parts(document) == [
        ("navigation", "navigation", "EMBED-OUT another page example.org"),
        ("caption", "caption", "CAPTION-OUT photo by a stranger"),
    ]


def test_quotations_and_code_of_a_page_are_there_for_the_cleaner_to_take_out():
    document = only(html, on_disk("medium/posts/2019-03-14_Rain-on-the-bench-1a2b3c4d5e6f.html"))
    assert "> QUOTED words of a philosopher." in document.text
    assert '```\ntorque = {"M5": 6}\nprint(torque)\n```' in document.text


def test_a_medium_draft_is_a_draft():
    document = only(html, on_disk("medium/posts/draft_What-the-ledger-forgot-99aa88bb77cc.html"))
    assert document.draft and document.fallback_title == "What the ledger forgot"


def test_a_reply_on_medium_is_not_titled_with_its_own_first_words():
    document = only(
        html,
        on_disk("medium/posts/2020-05-02_I-had-the-same-trouble-with-a-tandem-5f5f5f5f5f5f.html"),
    )
    assert (document.title, document.fallback_title) == ("", "")
    assert (
        prose(document)
        == "I had the same trouble with a tandem once, and the cure was a longer chain.\n\n"
        "Try two links more."
    )


def test_sentences_that_somebody_else_wrote_and_the_owner_marked_on_medium_are_not_read():
    assert refused(html, on_disk("medium/highlights/highlights-0001.html")) == "index"


LIST = "<section><ul><li>A story by somebody else that I liked: one more line of words.</li></ul></section>"


@pytest.mark.parametrize(
    "name",
    [
        "claps/claps-0001.html",
        "export/highlights/highlights-0002.html",
        "ips-0001.html",
        "bookmarks/bookmarks-0001.html",
        "profile/profile.html",
        "sessions/sessions-0001.html",
    ],
)
def test_the_lists_beside_the_posts_of_medium_are_not_read(name):
    assert refused(html, page(LIST, name)) == "index"


def test_any_page_of_a_folder_of_lists_is_known_by_the_readme_of_mediums_export():
    data = page(LIST).data
    assert (
        refused(
            html,
            File("lists/Tea.html", data, {"../README.html": b"<h1>Your Medium archive</h1>"}.get),
        )
        == "index"
    )
    assert only(html, File("lists/Tea.html", data)).text


@pytest.mark.parametrize(
    "name",
    [
        "highlights.html",
        "highlights/index.html",
        "posts/claps-and-thunder.html",
        "claps.html",
        "profile/2020.html",
    ],
)
def test_pages_of_ones_own_that_are_named_like_mediums_lists_are_read(name):
    assert "somebody else" in only(html, page(LIST, name)).text


def test_a_substack_post_takes_its_facts_from_the_table_beside_the_folder():
    document = only(html, on_disk("substack/posts/140001.first-letter.html"))
    assert (document.title, document.date, document.draft) == (
        "First letter, from the shed",
        "2024-03-10",
        False,
    )
    assert prose(document) == (
        "On beginnings, mostly\n\nThe shed smells of tea and rubber, and I mean to keep it so.\n\n## 棚子里的规矩\n\n"
        "工具用完要归位，话说完要喝茶。\n\nThe chain goes round\nthe kettle sings\nand neither asks for wings\n\n"
        "Next week, the question of bells."
    )
    assert [part.what for part in document.removed] == [
        "footer",
        "footer",
        "navigation",
        "caption",
        "footnote",
    ]


def test_what_substack_never_sent_is_a_draft_and_a_page_is_a_page():
    assert only(html, on_disk("substack/posts/140002.rough-idea.html")).draft is True
    assert only(html, on_disk("substack/posts/140003.about.html")).kind == "page"


def test_an_article_of_a_wechat_account():
    document = only(html, on_disk("pages/wechat.html"))
    assert (document.title, document.author, document.date) == (
        "茶要烫，话要慢",
        "老茂",
        "2020-05-02",
    )
    assert (
        prose(document) == "茶要烫着喝，凉了就不是那个意思。\n\n客人问我，“多少钱？”我说先坐。\n\n"
        "坐下来，价钱自己就降了。\n\n收摊以后，街上只剩下雨。"
    )


def test_a_saved_blog_post_without_menus_comments_and_widgets():
    document = only(html, on_disk("pages/blog.html"))
    assert (document.title, document.date, document.author) == (
        "Why bells matter",
        "2021-09-12",
        "Aren Mott",
    )
    assert prose(document) == (
        "A bell is a small apology made in advance. It costs 3 * 4 = 12, says the_ledger, and <b> is not a bell.\n\n"
        "铃铛响一下，人就让一让。\n不响，也得让。\n\n## How to ring one\n\n1. Ring early.\n2. Ring once.\n\n"
        "That is all I know about bells."
    )
    assert "| TABLE-CELL brass | 12 |" in document.text
    assert "-OUT" not in document.text and "SCRIPT" not in str(document.removed)
    assert ("footnote", "footnote", "NOTE-OUT and about doors.") in parts(document)


def test_an_old_chinese_page_in_gb2312_laid_out_with_tables():
    document = only(html, on_disk("pages/gb2312.html"))
    assert (document.title, document.date) == ("码头边的旧书摊", "2008-06-21")
    assert (
        prose(document)
        == "旧书摊在码头边，下雨天不出。\n\n我在那里买过一本菜谱，照着做，没有一样好吃。\n\n"
        "后来老板走了，书也不知去向。"
    )


@pytest.mark.parametrize(
    "said, encoding",
    [
        ("gb2312", "gb18030"),
        ("GBK", "gb18030"),
        ("big5", "big5"),
        ("gb2312", "utf-8"),
        ("utf-8", "gb18030"),
        ("iso-8859-1", "cp1252"),
        ("rot13", "utf-8"),
        ("utf-8", "utf-16"),
    ],
)
def test_a_page_is_decoded_by_what_it_is_and_not_only_by_what_it_says(said, encoding):
    text = "Le café était fermé." if encoding == "cp1252" else "電車的聲音，已經聽得很慣了。" * 3
    data = f'<html><head><meta charset="{said}"></head><body><p>{text}</p></body></html>'.encode(
        encoding
    )
    assert only(html, File("a.html", data)).text == text


def test_what_a_page_says_about_its_encoding_decides_where_bytes_alone_do_not():
    rare = "<meta charset=gb2312><p>{}</p>"
    assert only(html, File("a.html", rare.format("链锈").encode("gbk"))).text == "链锈"
    english = "Bells ring early, and once — " + "nobody rings them twice in this street. " * 6
    assert only(html, File("a.html", rare.format(english).encode())).text == english.strip()


def test_teasers_of_other_posts_are_no_documents():
    teaser = "<article><h2>Doors</h2><p>Read on.</p></article>"
    document = only(
        html,
        page(
            f"<article><h1>Bells</h1><p>{'Ring early, and ring once. ' * 9}</p></article>{teaser * 3}"
        ),
    )
    assert document.title == "Bells" and "Doors" not in document.text


def test_posts_one_after_the_other_on_a_page_are_documents_of_their_own():
    first, second = html.read(on_disk("pages/home.html"))
    assert (first.title, first.date, first.source) == ("Bells", "2021-09-12", "pages/home.html#1")
    assert (second.title, second.date, second.source) == (
        "Doors",
        "2021-10-03",
        "pages/home.html#2",
    )
    assert (
        second.text
        == "The second whole post is about doors, which are bells that you knock on yourself."
    )


@pytest.mark.parametrize("name, reason", [("archive", "index"), ("telegram", "chatpage")])
def test_a_page_of_links_and_a_page_of_chat_are_no_posts(name, reason):
    assert refused(html, on_disk(f"pages/{name}.html")) == reason


@pytest.mark.parametrize(
    "title, head, body, why",
    [
        (
            "Bells",
            "<title>Bells – A Blog</title>",
            "<h1>Bells</h1>",
            "the heading that the page's title repeats",
        ),
        ("Bells", "<title>Bells - A Blog</title>", "", "the page's title without the site's name"),
        ("码头", "<title>码头_老茂_博客</title>", "", "as Chinese portals part it"),
        ("Bells", "", "<h1>Bells</h1>", "the one large heading"),
        (
            "On bells",
            '<meta property="og:title" content="On bells"><title>x</title>',
            "<h1>A Blog</h1>",
            "what it shares",
        ),
        ("", "", "", "none"),
    ],
)
def test_the_title_of_a_page(title, head, body, why):
    document = only(html, page(f"{body}<p>Ring early, and ring once.</p>", head=head))
    assert document.title == title, why
    assert prose(document).endswith("Ring early, and ring once.")
    assert body != f"<h1>{title}</h1>" or prose(document) == "Ring early, and ring once."


@pytest.mark.parametrize(
    "written, read",
    [
        ("<p>snake_case, 3*4, [1] and 1. no list</p>", "snake_case, 3*4, [1] and 1. no list"),
        ("<p>1. is a number</p>", "1. is a number"),
        ("<p># is a hash</p>", "# is a hash"),
        ("<p>- is a dash</p>", "- is a dash"),
        ("<p>+ plus &gt; &amp;lt; `tick`</p>", "+ plus > &lt; `tick`"),
        (
            "<p>&lt;!-- shown and &lt;script&gt; too</p><p>after</p>",
            "<!-- shown and <script> too\n\nafter",
        ),
        ("<p>use <code>&lt;pre&gt;</code> here</p><p>after</p>", "use <pre> here\n\nafter"),
        ("<p>{{ braces }} and {% tags %}</p>", "{{ braces }} and {% tags %}"),
        ("<p>back\\slash</p>", "back\\slash"),
        ("<p>他说：<b>“重点。”</b>后面，<i>斜</i>体</p>", "他说：“重点。”后面，斜体"),
        ("<p>one<br>two<br><br>three<br></p>", "one\ntwo\n\nthree"),
        (
            "<p>a source line\n   goes on</p><p>源码换行\n不算空格</p>",
            "a source line goes on\n\n源码换行不算空格",
        ),
        ("<p>&nbsp;&nbsp;&nbsp;&nbsp;indented by hand</p>", "indented by hand"),
        ("<ul><li>one<ul><li>under</li></ul></li><li>two</li></ul>", "- one\n  - under\n- two"),
        ("<center>middle</center>bare<div>boxed</div>", "middle\n\nbare\n\nboxed"),
        ("<p>漢<ruby>字<rp>(</rp><rt>じ</rt><rp>)</rp></ruby></p>", "漢字"),
        (
            "<pre>The chain goes round,\nthe kettle sings.</pre>",
            "The chain goes round,\nthe kettle sings.",
        ),
        ("<pre><code>x = 1</code></pre><p>after</p>", "after"),
        (
            "<table><tr><td>menu</td><td><p>A cell that lays out.</p><p>Its second.</p></td></tr></table>",
            "menu\n\nA cell that lays out.\n\nIts second.",
        ),
        ("<blockquote><p>q1<br><br>q2</p></blockquote><p>mine</p>", "mine"),
        (
            "<p>Word<a href='#_ftn1' name='_ftnref1'>[1]</a>.</p><div id=ftn1><p><a href='#_ftnref1'>[1]</a> Note.</p></div>",
            "Word.",
        ),
        ("<p>Word<a href='#fn1'><span><a href='#fn2'>2</a></span></a>.</p>", "Word."),
    ],
)
def test_what_the_author_wrote_survives_markdown_and_the_cleaner(written, read):
    assert prose(only(html, page(written))) == read


def test_a_body_class_that_sounds_like_a_menu_does_not_empty_the_page():
    document = only(
        html,
        page('<div class="sidebar"><p>The whole text stands in a box with a bad name.</p></div>'),
    )
    assert prose(document) == "The whole text stands in a box with a bad name."


def test_unclosed_tags_by_the_thousand_do_not_nest():
    body = "".join(f"<p><font size=2><b>Line {n}." for n in range(1000))
    assert prose(only(html, page(body))).count("Line") == 1000


def test_pages_are_known_by_content_and_fragments_by_name():
    assert html.looks_like(File("saved", b"\xef\xbb\xbf<!-- saved -->\n<!DOCTYPE html><p>x"))
    assert html.looks_like(File("a.html", b"<p>x</p>")) and html.looks_like(page("x"))
    assert html.looks_like(File("b", "<html><p>x".encode("utf-16")))
    assert not html.looks_like(File("a.md", b"<p align=center>x</p>"))
    assert not html.looks_like(File("a.html", b"# Markdown, really"))


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
        '<rss xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:wp="http://wordpress.org/export/1.2/">'
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
    count = sum(1 for _ in wordpress._items(file))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 100 and peak < len(file.data) / 4


# Word

DELETED = (
    '<w:p><w:r><w:t xml:space="preserve">Kept </w:t></w:r><w:del w:id="5"><w:r><w:delText>DELETED-OUT'
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
        ("caption", "caption", "CAPTION-OUT 旧凳子"),
        ("footnote", "footnote", "NOTE-OUT 注。"),
    ]
    assert "> QUOTED" in document.text and "-OUT" not in document.text


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
        (b"{\\rtf1\\ansi hello}", "olddoc"),
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
            "<a epub:type='noteref' href='#n1'>1</a></p><aside epub:type='footnote' id='n1'>NOTE-OUT</aside>",
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
    nav = "<html xmlns:epub='e'><body><nav epub:type='toc'><ol><li><a href='a.xhtml'>The start</a></li></ol></nav>"
    data = epub(
        {"a.xhtml": "<p>Once.</p>"},
        extra={"OEBPS/n.xhtml": nav},
        manifest='<item id="n" href="n.xhtml" properties="nav" media-type="application/xhtml+xml"/>',
    )
    assert only(book, File("b.epub", data)).title == "The start"


LOCK = (
    '<encryption xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><e:EncryptedData '
    'xmlns:e="http://www.w3.org/2001/04/xmlenc#"><e:EncryptionMethod Algorithm="{}"/></e:EncryptedData></encryption>'
)


@pytest.mark.parametrize(
    "extra, reason",
    [
        (
            {"META-INF/encryption.xml": LOCK.format("http://www.w3.org/2001/04/xmlenc#aes128-cbc")},
            "locked",
        ),
        ({"META-INF/container.xml": "<a/>"}, "damaged"),
        ({"OEBPS/a.xhtml": "<div>" * 100_000}, "deep"),
        ({"OEBPS/book.opf": '<!DOCTYPE a [<!ENTITY b "b">]><a>&b;</a>'}, "entities"),
        ({"OEBPS/a.xhtml": '<!DOCTYPE a [<!ENTITY b "b">]><a>&b;</a>'}, "entities"),
        ({"OEBPS/a.xhtml": "x" * 2**23}, "bomb"),
        ({"OEBPS/a.xhtml": "<p> </p>"}, "index"),
    ],
)
def test_books_that_are_refused(extra, reason):
    assert refused(book, File("b.epub", epub({"a.xhtml": "<p>Once.</p>"}, extra=extra))) == reason


def test_a_book_of_one_chapter_has_the_title_of_the_book():
    assert only(book, File("b.epub", epub({"a.xhtml": "<p>Once.</p>"}))).title == "码头边"


def test_hidden_fonts_do_not_lock_a_book():
    lock = {"META-INF/encryption.xml": LOCK.format("http://www.idpf.org/2008/embedding")}
    assert only(book, File("b.epub", epub({"a.xhtml": "<p>Once.</p>"}, extra=lock))).text == "Once."


# PDF

ENGLISH = [
    "The tram stopped at the corner and nobody got",
    "off, which the driver took personally, as he",
    "took most things in that wet and well-",
    "meaning spring, when even bells were dis-",
    "believed and well-meaning men stayed home.",
]
CHINESE = [
    (80, 700, 10, "那天下了一整天的雨，电车在街角停了"),
    (60, 686, 10, "一会儿，没有人下车，司机觉得这是冲着他"),
    (60, 672, 10, "来的。"),
    (80, 658, 10, "第二段也缩进两格，一直写到了行末。"),
    (80, 644, 10, "第三段说：“不修了。”说完就走，走到"),
    (60, 630, 10, "码头才停。"),
]


def test_lines_of_a_pdf_become_paragraphs():
    document = only(
        pages,
        File(
            "a.pdf",
            pdf(
                [
                    lines(ENGLISH)
                    + lines(["Another paragraph begins after a gap, and", "it ends."], y=610)
                ]
            ),
        ),
    )
    assert prose(document).split("\n\n") == [
        "The tram stopped at the corner and nobody got off, which the driver took personally, as he took most things "
        "in that wet and well-meaning spring, when even bells were disbelieved and well-meaning men stayed home.",
        "Another paragraph begins after a gap, and it ends.",
    ]


def test_chinese_lines_of_a_pdf_are_joined_without_spaces_and_indented_ones_begin_paragraphs():
    assert prose(only(pages, File("a.pdf", pdf([CHINESE])))).split("\n\n") == [
        "那天下了一整天的雨，电车在街角停了一会儿，没有人下车，司机觉得这是冲着他来的。",
        "第二段也缩进两格，一直写到了行末。",
        "第三段说：“不修了。”说完就走，走到码头才停。",
    ]


def test_running_heads_and_page_numbers_go_and_a_sentence_crosses_the_page():
    texts = [
        "rain fell on the first of the roofs and then it",
        "bread rose on the second of the roofs and then",
        "tea stood on the third of the roofs and then it",
    ]
    document = only(
        pages,
        File(
            "a.pdf",
            pdf(
                [
                    [
                        (60, 770, 9, "Aren Mott"),
                        (400, 770, 9, f"Pier three, {n + 12}"),
                        (300, 30, 9, f"- {n + 1} -"),
                        *lines([text, "stopped, or so"], y=700),
                    ]
                    for n, text in enumerate(texts)
                ]
            ),
        ),
    )
    assert (
        prose(document)
        == "rain fell on the first of the roofs and then it stopped, or so bread rose on the "
        "second of the roofs and then stopped, or so tea stood on the third of the roofs and then it stopped, or so"
    )
    heads = ["Aren Mott", "Pier three, 12", "Pier three, 13", "Pier three, 14"]
    assert [part.text for part in document.removed] == heads


def test_verse_lists_and_contents_of_a_pdf():
    document = only(
        pages,
        File(
            "a.pdf",
            pdf(
                [
                    lines(["Bells ........ 3", "Doors ........ 9"])
                    + lines(
                        [
                            "A line that is as wide as the page gets, and says so",
                            "to the end.",
                            "- one thing",
                            "- another",
                        ],
                        y=600,
                    )
                    + lines(
                        ["The chain goes round", "the kettle sings", "and neither asks for wings"],
                        y=500,
                    )
                ]
            ),
        ),
    )
    assert document.text.split("\n\n") == [
        "A line that is as wide as the page gets, and says so to the end.",
        "- one thing",
        "- another",
        "The chain goes round\nthe kettle sings\nand neither asks for wings",
    ]
    assert parts(document) == [("navigation", "navigation", "Bells ........ 3\nDoors ........ 9")]


def test_ligatures_and_radicals_become_letters():
    run = [(letter, (10 * n, 0, 10 * n + 10, 10), 10, False) for n, letter in enumerate("ﬁn⾬")]
    assert pages._piece(run, 0).text == "fin雨"


def test_a_page_number_goes_from_a_single_page_too():
    document = only(
        pages, File("a.pdf", pdf([[*lines(["The bell rang once."]), (300, 30, 10, "- 12 -")]]))
    )
    assert (document.text, document.removed) == ("The bell rang once.", [])


def test_two_columns_are_read_one_after_the_other_however_the_file_orders_them():
    left = [f"left line {n} is as long as the" for n in "abcdefgh"]
    right = [f"right line {n} is as long as it" for n in "abcdefgh"]
    rows = [piece for pair in zip(lines(left, x=60), lines(right, x=320)) for piece in pair]
    document = only(pages, File("a.pdf", pdf([[(60, 740, 20, "Both Sides")] + rows])))
    assert document.title == "Both Sides"
    assert document.text == " ".join(left + right)


def test_notes_at_the_foot_of_a_pdf_page_and_their_marks_are_taken_out():
    first, second = lines(
        ["A bell is an apology", "made in advance of it all, as I have said before now."]
    )
    note = (60, 120, 7, "1 NOTE-OUT of brass.")
    document = only(pages, File("a.pdf", pdf([[first, (161, 704, 6, "1"), second, note]])))
    assert (
        document.text
        == "A bell is an apology made in advance of it all, as I have said before now."
    )
    assert parts(document) == [("footnote", "footnote", "1 NOTE-OUT of brass.")]


PRINT = "/Title(Bells)/CreationDate(D:20261122112156)"


@pytest.mark.parametrize(
    "head, foot",
    [
        (
            [(24, 770, 8, "11/22/26, 11:21 AM"), (340, 770, 8, "Bells")],
            [(24, 16, 8, "file:///tmp/p.html"), (575, 16, 8, "1/1")],
        ),
        ([(24, 770, 8, "11/22/26, 11:21 AM Bells")], [(24, 16, 8, "https://a.example/bells 1/3")]),
        (
            [(24, 770, 8, "2026/11/22 上午11:21"), (340, 770, 8, "敲钟")],
            [(24, 16, 8, "https://a.example/bells"), (575, 16, 8, "1/3")],
        ),
        ([(24, 770, 8, "2026年11月22日 11:21")], [(24, 16, 8, "about:blank")]),
        (
            [(24, 770, 8, "Bells"), (340, 770, 8, "https://a.example/bells")],
            [(24, 16, 8, "1 of 1"), (450, 16, 8, "22.11.26, 11:21")],
        ),
    ],
)
def test_what_a_browser_prints_around_a_page_goes_and_its_date_is_not_the_texts(head, foot):
    document = only(
        pages, File("a.pdf", pdf([[(60, 740, 20, "Bells"), *lines(ENGLISH), *head, *foot]], PRINT))
    )
    assert document.title == "Bells" and document.text.startswith("The tram")
    assert document.text.endswith("stayed home.") and document.date is None
    rows = [" ".join(piece[3] for piece in row) for row in (head, foot)]
    assert [part.text for part in document.removed] == rows


@pytest.mark.parametrize(
    "head, foot",
    [
        ("11/22/26, 11:21 AM it rained again", "and so to bed."),
        ("Bells", "https://a.example/bells"),
        ("3/4 is less than 1", "see https://a.example"),
    ],
)
def test_a_time_at_the_top_or_an_address_at_the_foot_alone_is_the_authors(head, foot):
    document = only(
        pages,
        File(
            "a.pdf",
            pdf(
                [[(60, 770, 10, head), *lines(ENGLISH), (60, 30, 10, foot)]],
                "/CreationDate(D:20261122112156)",
            ),
        ),
    )
    assert head in document.text and foot in document.text and document.date == "2026-11-22"


def test_a_heading_in_small_print_that_is_the_title_is_not_said_twice():
    document = only(
        pages, File("a.pdf", pdf([lines(["Bells"], y=740) + lines(ENGLISH)], "/Title(Bells)"))
    )
    assert document.title == "Bells" and document.text.startswith("The tram")
    other = only(
        pages, File("a.pdf", pdf([lines(["Bells ring."], y=740) + lines(ENGLISH)], "/Title(Bells)"))
    )
    assert other.text.startswith("Bells ring.")


def test_a_heading_beside_which_the_title_names_the_site_is_the_title():
    document = only(
        pages,
        File("a.pdf", pdf([[(60, 740, 20, "Bells"), *lines(ENGLISH)]], "/Title(Bells | Slow Man)")),
    )
    assert document.title == "Bells" and "Bells" not in document.text


@pytest.mark.parametrize(
    "info, title",
    [
        ("/Title(Bells)", "Bells"),
        ("/Title(Microsoft Word - bells.doc)", ""),
        ("/Title(bells.docx)", "bells"),
        ("", ""),
    ],
)
def test_the_title_of_a_pdf_is_not_what_a_program_wrote(info, title):
    assert only(pages, File("a.pdf", pdf([lines(ENGLISH)], info))).title == title


@pytest.mark.parametrize(
    "data, reason",
    [
        (pdf([[]]), "scanned"),
        (pdf([lines(ENGLISH)])[:60], "damaged"),
        (
            pdf(
                [lines(ENGLISH)],
                trailer="/Encrypt<</Filter/Standard/V 1/R 2/P -4/O("
                + "o" * 32
                + ")/U("
                + "u" * 32
                + ")>>/ID[(a)(b)]",
            ),
            "locked",
        ),
    ],
)
def test_pdfs_that_are_refused(data, reason):
    assert refused(pages, File("a.pdf", data)) == reason


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
        assert document.text
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
def test_no_letter_of_a_page_is_lost_or_said_twice(sentences):
    from html import escape

    body = "".join(f"<p>{escape(sentence)}</p>" for sentence in sentences)
    letters = re.sub(r"[\W_]", "", "".join(sentences))
    if letters:
        document = only(html, page(body))
        # Entities are the reader's own, unless a backslash says that the author typed them.
        assert re.sub(r"[\W_]", "", re.sub(r"(?<!\\)&(lt|amp|#123);", "", document.text)) == letters


def test_a_member_that_lies_about_its_size_is_damaged():
    data = bytearray(letter())
    directory = data.index(b"PK\1\2")
    while b"word/document.xml" not in data[directory : directory + 80]:
        directory = data.index(b"PK\1\2", directory + 4)
    data[directory + 24 : directory + 28] = struct.pack("<I", 40)
    assert refused(word, File("a.docx", bytes(data))) == "damaged"
