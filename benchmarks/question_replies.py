"""Questions by a small model: usable replies, and replies a minute, with a JSON schema and without.

    python benchmarks/question_replies.py [FOLDER ...] [--replies 2000] [--without 300] [--show 20]

SmolLM2 135M Instruct reads the English posts of data_samples (or of the folders) again and again
with other seeds; a passage gets at most three tries, as in the corpus step, and every try is a
reply. Then the same prompts go to the same model without the schema, asked in words for JSON, as
the extraction that this replaces did.
"""

import argparse
import itertools
import json
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from twinlib.corpus import clean, readers
from twinlib.corpus.passages import passages
from twinlib.corpus.questions import validate
from twinlib.corpus.questions.model import MODELS, TRIES, LocalModel, fetch
from twinlib.models.llama_cpp import SLOTS
from twinlib.text.script import language_of

SAMPLES = Path(__file__).parent.parent / "data_samples" / "posts"


def read(folders):
    """The English passages of folders."""
    found = []
    for raw in (raw for folder in folders for raw in readers.read(Path(folder))):
        text = clean.clean(raw.text, raw.markdown, frozenset(), raw.author).text
        if language_of(text) == "en":
            found += passages(replace(raw, text=text, turns=None), 500)
    return found


class Counted:
    """Asks with other seeds each round; counts replies: valid JSON, accepted, or why not."""

    def __init__(self, ask):
        self.ask, self.lock = ask, threading.Lock()
        self.replies, self.invalid, self.reasons = 0, 0, Counter()

    def reply(self, passage, attempt, seed):
        text = self.ask(passage, attempt, seed)
        found = validate.read_reply(text, passage)
        with self.lock:
            self.replies += 1
            self.invalid += not valid(text)
            self.reasons[found.reason or "accepted"] += 1
        return found


def valid(text):
    """Whether it is the JSON that was asked for: 1 or 2 questions of 4 to 80 characters."""
    try:
        questions = json.loads(text)["questions"]
        return 1 <= len(questions) <= validate.MOST and all(
            validate.SHORTEST <= len(one) <= validate.LONGEST for one in questions
        )
    except (ValueError, KeyError, TypeError):
        return False


def measure(ask, chosen, replies, show):
    """Ask about one passage after another until there are so many replies; print figures."""
    counted, left, started = Counted(ask), Counter(), time.monotonic()
    rounds = ((p, number) for number in itertools.count() for p in chosen)
    lock, shown = threading.Lock(), []

    def worker():
        while counted.replies < replies:
            with lock:
                passage, number = next(rounds)
            for attempt in range(TRIES):
                found = counted.reply(passage, attempt, 1 + attempt + TRIES * number)
                if found.questions:
                    break
            with lock:
                left[found.reason or "accepted"] += 1
                shown.append(found.questions)
                if len(shown) % 50 == 0:
                    print(
                        f"  {counted.replies} replies, {counted.invalid} invalid …",
                        file=sys.stderr,
                        flush=True,
                    )

    with ThreadPoolExecutor(SLOTS) as pool:
        for done in [pool.submit(worker) for _ in range(SLOTS)]:
            done.result()
    report(counted, left, time.monotonic() - started)
    for questions in shown[:show]:
        print("     ", " / ".join(questions) or "-")


def report(counted, left, seconds):
    done = sum(left.values())
    reasons = ", ".join(
        f"{name} {n}" for name, n in counted.reasons.most_common() if name != "accepted"
    )
    lost = ", ".join(f"{name} {n}" for name, n in left.most_common() if name != "accepted")
    print(
        f"  {counted.replies} replies in {seconds:.0f} s: "
        f"{counted.replies / seconds * 60:.0f} a minute"
    )
    print(
        f"  not the JSON asked for: {counted.invalid} of {counted.replies} "
        f"({counted.invalid / counted.replies:.2%})"
    )
    print(f"  refused by the check: {counted.replies - counted.reasons['accepted']} ({reasons})")
    print(
        f"  passages without a question after {TRIES} tries: {done - left['accepted']} of {done} "
        f"({lost or 'none'})"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folders", nargs="*", default=[SAMPLES])
    parser.add_argument("--replies", type=int, default=2000)
    parser.add_argument("--without", type=int, default=200)
    parser.add_argument("--show", type=int, default=0)
    wanted = parser.parse_args()
    chosen, asker = read(wanted.folders), MODELS["smollm2-135m-instruct"]
    print(f"{asker.name}, {len(chosen)} English passages", flush=True)
    with LocalModel(fetch(asker), asker) as local:
        print("with the schema", flush=True)
        measure(local.reply, chosen, wanted.replies, wanted.show)
        print("without", flush=True)
        measure(
            lambda *place: local.reply(*place, constrained=False),
            chosen,
            wanted.without,
            wanted.show,
        )


if __name__ == "__main__":
    main()
