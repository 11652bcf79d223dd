"""Paragraphs that cleaning puts aside as quotations in folders of essays, posts and diaries.

    python benchmarks/quotations.py FOLDER … [--author NAME] [--against CHECKOUT] [--show]

Reads the texts as step 01 does. Prints how many paragraphs of others were put aside and for which
reason, and how many letters of prose were kept. With `--against`, the folder of another version,
also which of them that version kept and the other way round; with `--show` each of these with the
end of the text above it, to be judged by a reader.
"""

import argparse
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

from twinlib.corpus import pipeline, readers
from twinlib.corpus.readers import ReadLog

REASONS = ("quote", "announced")


def measure(folder, author):
    """({reason: [(source, the text above, paragraph)]}, letters kept) of a folder."""
    log, totals = ReadLog(), pipeline.Totals()
    rules = pipeline.Rules(author or "the author", stated_author=author, mask=False)
    options = readers.Options(author=author)
    raws = {raw.source: raw for raw in readers.read(folder, options, log)}
    kept = sum(len(doc.text) for doc in pipeline.documents(raws.values(), rules, log, totals))
    found = {reason: [] for reason in REASONS}
    for part in log.removed:
        if part.what == "quote" and part.reason in REASONS and part.document in raws:
            for paragraph in part.text.split("\n\n"):
                above = _above(raws[part.document].text, paragraph)
                found[part.reason].append((part.document, above, paragraph))
    return found, kept


def _above(text, paragraph):
    """The end of what stands before a paragraph."""
    place = text.find(paragraph.split("\n")[0][:30])
    return " ".join(text[max(0, place - 120) : max(0, place)].split())


def other_version(checkout, folder, author):
    """What `measure` finds with the code of another checkout."""
    command = [sys.executable, str(Path(__file__).resolve()), folder, "--json", "--author", author]
    environment = {**os.environ, "PYTHONPATH": str(Path(checkout).resolve())}
    run = subprocess.run(command, env=environment, cwd=checkout, capture_output=True, check=True)
    return json.loads(run.stdout)


def main():
    """Read the command line and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="+", metavar="FOLDER")
    parser.add_argument("--author", default="")
    parser.add_argument("--against", metavar="CHECKOUT")
    parser.add_argument("--show", action="store_true")
    parser.add_argument("--json", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    for folder in options.folders:
        found, kept = measure(folder, options.author)
        if options.json:
            print(json.dumps([found, kept], ensure_ascii=False))
            continue
        counts = ", ".join(f"{reason} {len(parts)}" for reason, parts in found.items())
        print(f"{folder}: {counts} paragraphs put aside; {kept:,} characters kept")
        if options.against:
            before, kept = other_version(options.against, folder, options.author)
            counts = ", ".join(f"{reason} {len(parts)}" for reason, parts in before.items())
            print(f"  the other version: {counts}; {kept:,} characters kept")
            _differences("put aside now", found, before, options.show)
            _differences("kept now", before, found, options.show)


def _differences(label, found, other, show):
    """Print how many paragraphs are in `found` alone."""
    known = Counter(tuple(part[::2]) for parts in other.values() for part in parts)
    new = [part for parts in found.values() for part in parts if not known[tuple(part[::2])]]
    print(f"  {label}: {len(new)}")
    for source, above, paragraph in new if show else ():
        print(f"    {source}\n      … {above}\n      → {' '.join(paragraph.split())}")


if __name__ == "__main__":
    main()
