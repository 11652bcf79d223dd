"""Questions by a small model: usable replies, and replies a minute, with a JSON schema and without.

    python benchmarks/question_replies.py [FOLDER ...] [--replies 2000] [--without 200] [--show 20]

SmolLM2 135M Instruct reads the English posts of data_samples (or of the folders) repeatedly with
different seeds; a passage gets at most three tries, as in the corpus step, and every try is a
reply. Then the same model gets the same prompts without the schema, only told to answer in JSON.
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
from functools import partial
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
    english = []
    for raw in (raw for folder in folders for raw in readers.read(Path(folder))):
        text = clean.clean(raw.text, raw.markdown, frozenset(), raw.author).text
        if language_of(text) == "en":
            english += passages(replace(raw, text=text, turns=None), 500)
    return english


class Counted:
    """Counts a model's replies: all, invalid JSON, and by reason of refusal or 'accepted'."""

    def __init__(self, ask):
        self.ask, self.lock = ask, threading.Lock()
        self.replies, self.invalid, self.reasons = 0, 0, Counter()

    def reply(self, passage, attempt, seed):
        text = self.ask(passage, attempt, seed)
        reply = validate.read_reply(text, passage)
        with self.lock:
            self.replies += 1
            self.invalid += not valid(text)
            self.reasons[reply.reason or "accepted"] += 1
        return reply


def valid(text):
    """Whether a text is JSON as the schema demands: 1 or 2 questions of 4 to 80 characters."""
    try:
        lengths = [len(question) for question in json.loads(text)["questions"]]
    except (ValueError, KeyError, TypeError):
        return False
    fits = all(validate.SHORTEST <= length <= validate.LONGEST for length in lengths)
    return fits and 1 <= len(lengths) <= validate.MOST


def measure(ask, chosen, replies, show):
    """Ask about one passage after another until there are `replies`; print figures."""
    counted, outcomes, started = Counted(ask), Counter(), time.monotonic()
    rounds = ((p, number) for number in itertools.count() for p in chosen)
    lock, shown = threading.Lock(), []

    def worker():
        while counted.replies < replies:
            with lock:
                passage, number = next(rounds)
            for attempt in range(TRIES):
                reply = counted.reply(passage, attempt, 1 + attempt + TRIES * number)
                if reply.questions:
                    break
            with lock:
                outcomes[reply.reason or "accepted"] += 1
                shown.append(reply.questions)
                if len(shown) % 50 == 0:
                    text = f"  {counted.replies} replies, {counted.invalid} invalid …"
                    print(text, file=sys.stderr, flush=True)

    with ThreadPoolExecutor(SLOTS) as pool:
        for done in [pool.submit(worker) for _ in range(SLOTS)]:
            done.result()
    report(counted, outcomes, time.monotonic() - started)
    for questions in shown[:show]:
        print("     ", " / ".join(questions) or "-")


def report(counted, outcomes, seconds):
    """Print the counts of replies and of passages by outcome."""

    def refused(counts):
        names = (f"{name} {n}" for name, n in counts.most_common() if name != "accepted")
        return f"{counts.total() - counts['accepted']} of {counts.total()} ({', '.join(names)})"

    n, invalid = counted.replies, counted.invalid
    print(f"  {n} replies in {seconds:.0f} s: {n / seconds * 60:.0f} a minute")
    print(f"  not the JSON asked for: {invalid} of {n} ({invalid / n:.2%})")
    print(f"  refused by the check: {refused(counted.reasons)}")
    print(f"  passages without a question after {TRIES} tries: {refused(outcomes)}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folders", nargs="*", default=[SAMPLES])
    parser.add_argument("--replies", type=int, default=2000)
    parser.add_argument("--without", type=int, default=200)
    parser.add_argument("--show", type=int, default=0)
    options = parser.parse_args()
    chosen, asker = read(options.folders), MODELS["smollm2-135m-instruct"]
    print(f"{asker.name}, {len(chosen)} English passages", flush=True)
    with LocalModel(fetch(asker), asker) as local:
        print("with the schema", flush=True)
        measure(local.reply, chosen, options.replies, options.show)
        print("without", flush=True)
        unconstrained = partial(local.reply, constrained=False)
        measure(unconstrained, chosen, options.without, options.show)


if __name__ == "__main__":
    main()
