"""RSS and Atom feeds: every entry is a post, and copies of posts that are there go."""

from pathlib import Path

import pytest

from twinlib.corpus import dedupe, gather
from twinlib.corpus.readers import ReadLog, format_of, read
from twinlib.corpus.readers.feed import read as read_feed
from twinlib.corpus.records import Document
from twinlib.settings import Corpus
from twinlib.text.inputs.encoding import Unreadable
from twinlib.text.inputs.input_file import File
from twinlib.twin import Twin

SAMPLE = Path(__file__).parent.parent / "data_samples"

BODY = "We walked along the pier &amp; said nothing."
RSS = f"""<?xml version="1.0"?>
<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"
     xmlns:dc="http://purl.org/dc/elements/1.1/">
<channel><title>Notes</title><managingEditor>ning@example.org (Ning)</managingEditor>
<item><title>The pier</title><pubDate>Mon, 03 May 2021 10:02:00 GMT</pubDate>
<description>We walked […]</description>
<content:encoded><![CDATA[<h1>The pier</h1><p>{BODY}</p><blockquote>Not mine.</blockquote>]]>
</content:encoded></item>
<item><title>灯塔</title><dc:creator>阿秋</dc:creator><dc:date>2021-05-04T10:00:00Z</dc:date>
<description>灯塔的光扫过码头。&lt;br/&gt;我数到七。 […]</description></item>
<item><title>Only a link</title><link>https://example.org</link></item>
</channel></rss>"""
ATOM = """<feed xmlns="http://www.w3.org/2005/Atom"><author><name>Ning</name></author>
<entry><title type="html">Rain &amp;amp; wind</title><published>2021-05-03T10:02:00Z</published>
<summary>Rain.</summary>
<content type="html">&lt;p&gt;Rain all day, and wind.&lt;/p&gt;</content></entry>
<entry><title>Snow</title><content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml">
<p>Snow all <em>night</em>.</p></div></content></entry>
<entry><title>Plain</title><content type="text">a &lt; b</content></entry></feed>"""
RDF = """<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/">
<channel><title>Old</title></channel><item><title>One</title>
<description>Words of an old feed.</description></item></rdf:RDF>"""


def entries(text):
    found = read_feed(File("feed.xml", text.encode()))
    return [(d.source, d.title, d.text, d.date, d.author) for d in found]


def test_every_entry_of_a_feed_is_a_post():
    assert entries(RSS) == [
        (
            "feed.xml#1",
            "The pier",
            "We walked along the pier \\& said nothing.\n\n> Not mine.",
            "2021-05-03",
            "Ning",
        ),
        ("feed.xml#2", "灯塔", "灯塔的光扫过码头。\\\n我数到七。", "2021-05-04", "阿秋"),
    ]
    assert entries(ATOM) == [
        ("feed.xml#1", "Rain & wind", "Rain all day, and wind.", "2021-05-03", "Ning"),
        ("feed.xml#2", "Snow", "Snow all night.", None, "Ning"),
        ("feed.xml#3", "Plain", "a &lt; b", None, "Ning"),
    ]
    assert entries(RDF) == [("feed.xml#1", "One", "Words of an old feed.", None, "")]


@pytest.mark.parametrize("name", ["feed.xml", "index.rss", "blog.atom", "rss"])
@pytest.mark.parametrize("text", [RSS, ATOM, RDF, "\ufeff<!-- made by a program -->\n" + ATOM])
def test_a_feed_is_recognised_by_its_beginning(name, text):
    assert format_of(File(name, text.encode())) == "feed"


def test_other_xml_is_left_out_with_a_reason(tmp_path):
    (tmp_path / "sitemap.xml").write_text("<urlset><url><loc>https://a.org</loc></url></urlset>")
    (tmp_path / "blogs.opml").write_text("<opml><body><outline text='Ann'/></body></opml>")
    log = ReadLog()
    assert list(read(tmp_path, log=log)) == []
    assert [part.reason for part in log.removed] == ["unknown", "unknown"]


def test_a_damaged_feed_gives_what_stands_before_the_damage():
    cut = RSS[: RSS.index("灯塔的光") + 2]
    [document] = read_feed(File("feed.xml", cut.encode()))
    assert document.title == "The pier"
    assert [(p.reason, "灯塔" in p.text) for p in document.removed] == [("damaged", True)]
    with pytest.raises(Unreadable, match="entities"):
        list(read_feed(File("a.xml", b'<!DOCTYPE rss [<!ENTITY a "b">]><rss><item/></rss>')))
    with pytest.raises(Unreadable, match="index"):
        list(read_feed(File("a.xml", b"<rss><channel/></rss>")))


def test_of_a_post_and_its_copy_in_a_feed_the_post_stays():
    text = "The lamp on the pier burns all night, and nobody knows who pays for the oil. " * 3
    documents = [
        Document("feed.xml#1", text=text, date="2020-01-01"),
        Document("pier.md", text=text, date="2021-01-01"),
    ]
    pairs = dedupe.similar([document.text for document in documents])
    assert dedupe.duplicates(pairs, lambda number: gather._age(documents[number])) == {0}


def test_teasers_of_a_feed_are_no_texts_of_their_own_where_the_posts_are_there(tmp_path):
    texts = {
        path: path.read_text(encoding="utf-8") for path in sorted((SAMPLE / "posts").iterdir())
    }
    posts = [path for path in texts if texts[path].startswith("---\n")][:6]
    bodies = [texts[path].split("---\n", 2)[2].strip() for path in posts]
    source = tmp_path / "blog"
    source.mkdir()
    for path, body in zip(posts, bodies):
        (source / path.name).write_text(body, encoding="utf-8")
    items = "".join(
        f"<item><title>{n}</title><description><![CDATA[<p>{body[:300]} […]</p>]]></description>"
        "</item>"
        for n, body in enumerate(bodies)
    )
    feed = f'<?xml version="1.0"?><rss version="2.0"><channel>{items}</channel></rss>'
    (source / "feed.xml").write_text(feed, encoding="utf-8")
    twin, settings = Twin.open(str(tmp_path / "twin")), Corpus(source=str(source))
    gathered = gather.gather(twin, settings, {}, lambda *_: None)
    sources = {record["source"] for record in twin.records("documents")}
    assert sources == {path.name for path in posts}
    assert gathered.removed["document", "duplicate"] == len(posts)
