"""Copies that a blog's own files make: compilations of 600 posts, planted and looked for.

    python benchmarks/compilations.py [--posts N]

Writes N generated posts, in English and Chinese, and files that repeat them: records of passages
with labels, a search index, feeds (a page, RSS and Atom), a page of all posts, the posts of one
year, ten passages with labels. Prints for each how many of its passages were learnt, then how many
labels were learnt and how many of the posts' own passages were lost.
"""

import argparse
import random
import re
import tempfile
from html import escape
from pathlib import Path

import corpus_scale
from markdown_it import MarkdownIt

from twinlib.corpus import gather, step
from twinlib.corpus.records import Document
from twinlib.settings import Corpus
from twinlib.twin import Twin

LABELS = (
    "【类别】",
    "【来源】",
    "【正文】",
    "Category:",
    "Source:",
    "Passage:",
    "<item>",
    "Permalink",
)


def write_posts(folder, count):
    """Write posts without near-copies; returns [(name, title, text)]."""
    posts = []
    for text, origin in corpus_scale.documents(5):
        if origin is None:
            name, body = f"{len(posts):04}.md", text.split("---\n", 2)[2]
            title = re.search(r'title: "(.*)"', text)[1]
            (folder / name).write_text(text, encoding="utf-8")
            posts.append((name, title, body))
        if len(posts) == count:
            return posts


def sentences(text, rng):
    """Two to four sentences in a row, or a whole paragraph, of a post."""
    parts = [p for p in text.split("\n\n") if len(p) > 80 and p[0] not in "#>`-["]
    part = rng.choice(parts)
    pieces = re.split(r"(?<=[。！？.!?]) *", part)
    start = rng.randrange(max(1, len(pieces) - 3))
    return " ".join(pieces[start : start + rng.randrange(2, 5)]).strip() or part


def compile_posts(folder, posts, seed=1):
    """Write the compilations."""
    rng, files = random.Random(seed), {}

    def record(post):
        name, title, text = post
        if rng.random() < 0.5:
            return f"【类别】生活【来源】{title}\n【正文】{sentences(text, rng)}"
        return f"Category: life\nSource: {title}, {name}\nPassage: {sentences(text, rng)}"

    files["records.txt"] = "\n\n".join(record(rng.choice(posts)) for _ in range(len(posts)))
    files["ten passages.md"] = "\n\n".join(record(rng.choice(posts)) for _ in range(10))
    files["search.md"] = "\n".join(f"{t} | {' '.join(x.split())[:300]}" for _, t, x in posts)
    files["feed.html"] = "<html><body>" + "".join(
        f"<div><h2>{t}</h2><p>Permalink {n}</p><p>{x}</p></div>" for n, t, x in posts[-20:]
    )
    items = "".join(
        f"<item><title>{t}</title><link>https://example.org/{n}</link>"
        f"<description>{escape(' '.join(x.split())[:300])} […]</description>"
        f"<content:encoded><![CDATA[{MarkdownIt().render(x)}]]></content:encoded></item>"
        for n, t, x in posts[-40:]
    )
    files["rss.xml"] = (
        '<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel>'
        f"<title>All my posts</title>{items}</channel></rss>"
    )
    entries = "".join(
        f"<entry><title>{t}</title><summary>{escape(' '.join(x.split())[:300])}</summary></entry>"
        for _, t, x in posts[100:150]
    )
    files["atom.xml"] = f'<feed xmlns="http://www.w3.org/2005/Atom">{entries}</feed>'
    files["all posts.md"] = "\n\n".join(f"# {t}\n\n{x}" for _, t, x in posts)
    files["one year.txt"] = "\n\n".join(f"{t}\n\n{x}" for _, t, x in posts[:50])
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return list(files)


def learnt(folder, twin_folder):
    """(passages that are kept, their documents' sources) of a folder."""
    twin, settings = Twin.open(str(twin_folder)), Corpus(source=str(folder), author="Ning")
    gathered = gather.gather(twin, settings, {}, lambda *args: None)
    documents = [Document.from_json(record) for record in twin.records("documents")]
    pieces = step._passages(documents, gathered.groups, {}, settings.passage_tokens, "Ning")
    rules = gather.rules_of(twin, settings, {})
    pieces = gather.without_repeated(pieces, documents, gathered, rules)
    sources = {document.id: document.source for document in documents}
    return [(sources[piece.document], piece.text) for piece in pieces], gathered


def measure(count):
    """Print the table; returns (compilations' passages, labels, lost passages)."""
    with tempfile.TemporaryDirectory() as folder:
        blog = Path(folder) / "blog"
        blog.mkdir()
        posts = write_posts(blog, count)
        before, _ = learnt(blog, Path(folder) / "before")
        names = compile_posts(blog, posts)
        after, gathered = learnt(blog, Path(folder) / "after")
        copies = {n: sum(s == n or s.startswith(f"{n}#") for s, _ in after) for n in names}
        labels = sum(any(label in text for label in LABELS) for _, text in after)
        lost = len(set(before) - set(after))
        for name, number in copies.items():
            print(f"{name:16} passages learnt twice: {number}")
        groups = len(set(gathered.groups.values()))
        print(f"passages with labels: {labels}")
        print(f"own passages lost: {lost} of {len(before)}")
        print(f"groups of posts that share text: {groups}")
        return sum(copies.values()), labels, lost


def main():
    """Read the command line and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--posts", type=int, default=600)
    measure(parser.parse_args().posts)


if __name__ == "__main__":
    main()
