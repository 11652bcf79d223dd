"""Web pages: exports of Medium and Substack, WeChat articles, saved pages."""

import pytest
from document_makers import on_disk, only, page, parts, prose, refused

from twinlib.corpus.readers import html
from twinlib.text.inputs.input_file import File

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
        "It rained for nine days and the wrench_set_2 rusted. Nobody came, except Mei with her "
        "kettle.\n\n"
        "雨下了九天，他说：“别修了。”我没听。\n\n## 1. What oil is for\n\n"
        "- Oil the chain before the rain.\n- Wipe it after.\n\nDry hands, dry bread, and a quiet "
        "street."
    )
    assert parts(document) == [
        ("navigation", "navigation", "EMBED-OUT another page example.org"),
        ("caption", "caption", "CAPTION-OUT photo by a stranger"),
    ]


@pytest.mark.parametrize("shown", ["March 3, 2021", "3 Mar 2021", "2021年3月3日"])
def test_a_page_has_the_day_that_it_shows_in_words_or_numbers(shown):
    post = f"<article><h1>Rain</h1><time>{shown}</time>{'<p>It rained on the bench.</p>' * 9}"
    document = only(html, page(f"<html><body>{post}</article></body></html>"))
    assert document.date == "2021-03-03"


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


LIST = (
    "<section><ul><li>A story by somebody else that I liked: one more line of words.</li></ul>"
    "</section>"
)


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
        "On beginnings, mostly\n\nThe shed smells of tea and rubber, and I mean to keep it "
        "so.\n\n## 棚子里的规矩\n\n"
        "工具用完要归位，话说完要喝茶。\n\nThe chain goes round\nthe kettle sings\nand neither "
        "asks for wings\n\n"
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
        "A bell is a small apology made in advance. It costs 3 * 4 = 12, says the_ledger, and "
        "<b> is not a bell.\n\n"
        "铃铛响一下，人就让一让。\n不响，也得让。\n\n## How to ring one\n\n1. Ring early.\n2. "
        "Ring once.\n\n"
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
    article = f"<article><h1>Bells</h1><p>{'Ring early, and ring once. ' * 9}</p></article>"
    document = only(html, page(article + teaser * 3))
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
            "<table><tr><td>menu</td><td><p>A cell that lays out.</p><p>Its "
            "second.</p></td></tr></table>",
            "menu\n\nA cell that lays out.\n\nIts second.",
        ),
        ("<blockquote><p>q1<br><br>q2</p></blockquote><p>mine</p>", "mine"),
        (
            "<p>Word<a href='#_ftn1' name='_ftnref1'>[1]</a>.</p><div id=ftn1><p><a "
            "href='#_ftnref1'>[1]</a> Note.</p></div>",
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
