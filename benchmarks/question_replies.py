"""Questions by a model: how many replies pass the check, and how many are the JSON asked for.

    python benchmarks/question_replies.py [FOLDER …] [--model MODEL] [--replies 2000] [--json 2000]
        [--skip 0] [--threads N] [--language zh] [--torch] [--show 20]

The model (the base recommended here, another base's name, or a GGUF file) reads the passages of the
folders, by default the posts of data_samples, as in the corpus step: in llama.cpp, or with --torch
loaded in transformers, on the GPU if there is one. First come plain questions: what each try gives,
by reason, and the passages that have a question in the end. Then, with --json, as many replies with
the JSON schema that an API is asked for, in llama.cpp: how many are not the JSON asked for, and how
many pass the check. `--skip` passes over so many of these, and over the plain ones, to share them
among processes.
"""

import argparse
import itertools
import json
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from twinlib.corpus import clean, readers
from twinlib.corpus.passages import passages
from twinlib.corpus.questions import prompts, validate, writers
from twinlib.corpus.questions.found import Finder
from twinlib.models import load, plan
from twinlib.models.llama_cpp import SLOTS, Llama
from twinlib.settings import Corpus
from twinlib.text.script import language_of

SAMPLES = Path(__file__).parent.parent / "data_samples" / "posts"
LENGTH = Corpus().passage_tokens
HEATS = (0.4, 0.6, 0.8)  # temperatures of further replies about the same passage


def read(folders, language):
    """The passages of folders, in one language or in both."""
    found = []
    for raw in (raw for folder in folders for raw in readers.read(Path(folder))):
        text = clean.clean(raw.text, raw.markdown, frozenset(), raw.author).text
        title = raw.title or raw.fallback_title
        document = replace(raw, text=text, turns=None, title=title)
        found += [p for p in passages(document, LENGTH) if language in ("", p.language)]
    return [replace(p, language=language_of(p.text)) for p in found]


def plain(writer, asked, finder, show):
    """Ask about each passage until a question passes, at most TRIES times; print figures."""
    reasons, passed = [Counter() for _ in range(prompts.TRIES)], []
    list(writer.replies([(asked[0], 0)]))  # loads the model
    began, waiting, tries = time.monotonic(), asked, Counter()
    while waiting:
        batch, waiting = waiting[: writer.at_once], waiting[writer.at_once :]
        again = []
        for passage, text in writer.replies([(p, tries[p.id]) for p in batch]):
            reply = validate.read_plain(text, passage, finder.found)
            reasons[tries[passage.id]][reply.reason or "passed"] += 1
            tries[passage.id] += 1
            if reply.questions:
                passed.append((passage, reply.questions[0]))
            elif tries[passage.id] < prompts.TRIES:
                again.append(passage)
        waiting = again + waiting
    seconds = time.monotonic() - began
    for attempt, counts in enumerate(reasons, 1):
        if counts:
            print(f"  try {attempt}, {counts.total()} replies: {shares(counts)}")
    share, pace = len(passed) / len(asked), len(asked) / seconds
    print(f"  passed: {len(passed)} of {len(asked)} ({share:.1%}), {pace:.2f} passages a second")
    for passage, question in passed[:show]:
        print(f"      {question}  [{passage.title}]", flush=True)


def shares(reasons):
    """'passed 80 %, copied 20 %'."""
    total = reasons.total()
    return ", ".join(f"{name} {n / total:.1%}" for name, n in reasons.most_common())


def constrained(llama, asked, finder, skip, replies):
    """Ask for `replies` with the schema of an API, in one seed after the other; print figures."""
    reasons, invalid, began = Counter(), 0, time.monotonic()
    turns = ((n, p) for n in itertools.count() for p in asked)
    turns = itertools.islice(turns, skip, skip + replies)

    def reply(turn):
        number, passage = turn
        chat, schema = validate.messages(passage, LENGTH), validate.schema(passage.language)
        options = {"seed": 1 + number, "schema": schema}
        heat = HEATS[number % len(HEATS)]
        return passage, llama.chat(chat, validate.REPLY_TOKENS, heat, **options).text

    with ThreadPoolExecutor(SLOTS) as pool:
        for done, (passage, text) in enumerate(pool.map(reply, turns), 1):
            invalid += not valid(text)
            reasons[validate.read_reply(text, passage, finder.found).reason or "passed"] += 1
            if done % 100 == 0:
                print(f"  {done}: {invalid} not the JSON asked for; {shares(reasons)}", flush=True)
    seconds = time.monotonic() - began
    print(f"  not the JSON asked for: {invalid} of {replies}; {shares(reasons)}; {seconds:.0f} s")


def valid(text):
    """Whether a text is JSON as the schema demands: 1 or 2 questions of 4 to 80 characters."""
    try:
        lengths = [len(question) for question in json.loads(text)["questions"]]
    except (ValueError, KeyError, TypeError):
        return False
    fits = all(validate.SHORTEST <= length <= validate.LONGEST for length in lengths)
    return fits and 1 <= len(lengths) <= validate.MOST


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folders", nargs="*", default=[SAMPLES])
    parser.add_argument("--model", default=plan.recommended_base(plan.machine())[0])
    parser.add_argument("--replies", type=int, default=2000)
    parser.add_argument("--json", type=int, default=0)
    parser.add_argument("--skip", type=int, default=0)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--language", default="", choices=("", "en", "zh"))
    parser.add_argument("--torch", action="store_true")
    parser.add_argument("--show", type=int, default=0)
    options = parser.parse_args()
    every = read(options.folders, options.language)
    finder = Finder(every)
    asked = sorted(every, key=lambda p: p.id)[: options.replies]
    print(f"{options.model}: {len(asked)} of {len(every)} passages, plain questions", flush=True)
    if options.torch:
        writer = writers.BaseWriter(load.prepare(options.model))
    else:
        writer = writers.open_writer(options.model, lambda *_, **__: None)
    if not options.skip:
        with writer:
            plain(writer, asked, finder, options.show)
    if options.json:
        path = Path(options.model)
        path = path if path.is_file() else writers.gguf_of(options.model, lambda *_, **__: None)
        print(f"{path.name}: {options.json} replies in JSON", flush=True)
        with Llama(path, context=SLOTS * 1536, threads=options.threads) as llama:
            constrained(llama, asked, finder, options.skip, options.json)


if __name__ == "__main__":
    main()
