"""Detection of personal data: ours against presidio-analyzer on the same cases and prose.

    python benchmarks/privacy.py [--peer-python PYTHON] [--prose FOLDER]

PYTHON is the interpreter of an environment in which presidio-analyzer is installed; without it only
ours runs. FOLDER holds text to time on; without it the invented sample blog is read again and
again. The peer gets the pattern recognizers that it loads for English by default, with its default
regions and thresholds, on a blank spaCy pipeline: its named entities (people, places) need a
language model from a hub and are left out, and so is what its context words would add through
lemmas. It has nothing by default for most of our kinds, so both are also compared on the kinds that
both look for, and there on the cases without Chinese. A match of the peer is right under the same
rule as ours: same kind, whole value covered, at most three characters more; of its overlapping
matches the best scored stays.
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
SIZE = 2_000_000  # bytes of prose of each language, more or less
SHARED = ("card", "email", "ip", "phone")
KINDS = {
    "EMAIL_ADDRESS": "email",
    "PHONE_NUMBER": "phone",
    "CREDIT_CARD": "card",
    "IP_ADDRESS": "ip",
    "US_PASSPORT": "passport",
    "US_SSN": "identity",
}


def samples(folder):
    """{language: texts, about SIZE bytes together} of a folder's files; mostly ASCII is English."""
    texts = {"en": [], "zh": []}
    for path in sorted(p for p in Path(folder).rglob("*") if p.suffix in (".md", ".txt")):
        text = path.read_text(encoding="utf-8", errors="replace")
        texts["en" if sum(map(str.isascii, text)) > len(text) / 2 else "zh"].append(text)
    repeated = {}
    for language, some in texts.items():
        size = sum(len(text.encode()) for text in some)
        if some:
            repeated[language] = some * max(1, round(SIZE / max(1, size)))
    return repeated


def rate(find, texts):
    """Megabytes of UTF-8 a second of CPU time."""
    started = time.process_time()
    for text in texts:
        find(text)
    return sum(len(text.encode()) for text in texts) / 1e6 / (time.process_time() - started)


def peer():
    """Run in the peer's environment: JSON with texts on stdin, with matches and rates on stdout."""
    import logging
    from importlib.metadata import version

    import spacy
    from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
    from presidio_analyzer.nlp_engine import SpacyNlpEngine

    logging.disable(logging.CRITICAL)
    task = json.load(sys.stdin)
    engine = SpacyNlpEngine(models=[{"lang_code": "en", "model_name": "blank"}])
    engine.nlp = {"en": spacy.blank("en")}
    engine.nlp["en"].max_length = 10**8
    registry = RecognizerRegistry(supported_languages=["en"])
    registry.load_predefined_recognizers(languages=["en"], nlp_engine=engine)
    registry.recognizers = [r for r in registry.recognizers if "Spacy" not in type(r).__name__]
    analyzer = AnalyzerEngine(registry=registry, nlp_engine=engine, supported_languages=["en"])

    def find(text):
        return analyzer.analyze(text, language="en")

    answer = {
        "finds": [
            [(r.entity_type, r.start, r.end, r.score) for r in find(text)] for text in task["cases"]
        ],
        "rates": {language: rate(find, texts) for language, texts in task["prose"].items()},
        "version": version("presidio-analyzer"),
        "recognizers": sorted(type(r).__name__ for r in registry.recognizers),
    }
    json.dump(answer, sys.stdout)


def main(options):
    import privacy_cases

    from twinlib.text.privacy import find

    cases, held = privacy_cases.every(), privacy_cases.held_out()
    prose = samples(options.prose)
    names = privacy_cases.OWNERS_NAMES
    ours = {
        language: rate(lambda text: find(text, names), texts) for language, texts in prose.items()
    }
    table = privacy_cases.score(find, cases)[0]
    print(f"ours, {len(cases)} cases")
    show(table, privacy_cases)
    print(f"ours, {len(held)} held-out cases, on which nothing was tuned")
    show(privacy_cases.score(find, held)[0], privacy_cases)
    spelt, held = privacy_cases.spellings(), privacy_cases.held_out_spellings()
    print(f"ours, {len(spelt)} cases in other spellings")
    show(privacy_cases.score(find, spelt, privacy_cases.SPELT_NAMES)[0], privacy_cases)
    print(f"ours, {len(held)} held-out cases in other spellings")
    show(privacy_cases.score(find, held, privacy_cases.HELD_OUT_NAMES)[0], privacy_cases)
    cases = privacy_cases.abroad() + privacy_cases.near_abroad()
    held = privacy_cases.held_out_abroad()
    print(f"ours, {len(cases)} cases of twenty countries, {len(privacy_cases.near_abroad())} alike")
    show(privacy_cases.score(find, cases, privacy_cases.ABROAD_NAMES)[0], privacy_cases)
    print(f"ours, {len(held)} held-out cases of twenty countries")
    show(privacy_cases.score(find, held, privacy_cases.HELD_OUT_ABROAD_NAMES)[0], privacy_cases)
    for language, speed in ours.items():
        print(f"ours, {language} prose: {speed:.1f} MB/s")
    if not options.peer_python:
        print(
            "presidio-analyzer was not run: name the Python it is installed in with --peer-python."
        )
        return
    compare(options.peer_python, cases, prose, table, ours, privacy_cases)


def compare(python, cases, prose, table, ours, privacy_cases):
    """Run the peer in its own environment and print it beside ours."""
    from twinlib.text.privacy import find

    # A tenth of the prose, as the peer is slow.
    few = {language: texts[: max(1, len(texts) // 10)] for language, texts in prose.items()}
    task = json.dumps({"cases": [case.text for case in cases], "prose": few})
    command = [python, __file__, "--as-peer"]
    done = subprocess.run(command, input=task, capture_output=True, text=True)
    if done.returncode:
        print(f"presidio-analyzer could not be run there: {done.stderr.strip().splitlines()[-1:]}")
        return
    answer = json.loads(done.stdout)
    best_matches = {case.text: best(found) for case, found in zip(cases, answer["finds"])}

    def peer_find(text, names):
        return best_matches[text]

    theirs = privacy_cases.score(peer_find, cases)[0]
    print(
        f"presidio-analyzer {answer['version']}, blank English pipeline, no named entities; "
        "its recognizers: " + ", ".join(answer["recognizers"])
    )
    show(theirs, privacy_cases)
    plain = [case for case in cases if case.text.isascii()]
    latin = [privacy_cases.score(finder, plain)[0] for finder in (find, peer_find)]
    for scope, pair in (("", (table, theirs)), (", cases without Chinese", latin)):
        for name, rows in zip(("ours", "presidio"), pair):
            recall, precision = privacy_cases.rates({kind: rows[kind] for kind in SHARED})
            shares = f"recall {recall:.1%}, precision {precision:.1%}"
            print(f"{', '.join(SHARED)}{scope}, {name}: {shares}")
    for language, speed in answer["rates"].items():
        ratio = ours[language] / speed
        print(f"{language} prose: presidio {speed:.2f} MB/s; ours / presidio {ratio:.0f}")


def best(matches):
    """The peer's best scored matches of our kinds that don't overlap."""
    chosen = []
    for name, start, end, _ in sorted(matches, key=lambda match: (-match[3], match[1] - match[2])):
        kind = KINDS.get(name)
        if kind and all(end <= other.start or other.end <= start for other in chosen):
            chosen.append(SimpleNamespace(kind=kind, start=start, end=end))
    return chosen


def show(table, privacy_cases):
    for kind, (planted, found, wrong) in sorted(table.items()):
        print(f"  {kind:12} recall {found:3} of {planted:3}   wrong {wrong}")
    recall, precision = privacy_cases.rates(table)
    print(f"  all kinds    recall {recall:.1%}  precision {precision:.1%}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--peer-python", default="", help="the Python of an environment with presidio-analyzer"
    )
    parser.add_argument(
        "--prose", default=ROOT / "data_samples" / "posts", help="a folder of .md or .txt files"
    )
    parser.add_argument("--as-peer", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    peer() if chosen.as_peer else main(chosen)
