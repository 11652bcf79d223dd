"""How a twin's memory answers questions that were written by hand and that no fit has seen.

    python benchmarks/memory_questions.py TWIN benchmarks/memory_questions/sample_blog.jsonl

TWIN has run `twinlib memory`. A line of the file is {question, written}: a text in the title or the
passage that answers it, or null where the author never wrote about it. Printed are, with and
without vectors: questions answered of what was written, refused of what was not (Wilson's 95 %
intervals), right passage among the first five, and the median seconds of a search and decision.
"""

import statistics
import sys
import time
from pathlib import Path

from twinlib.files import read_records
from twinlib.memory import abstain, index
from twinlib.text.statistics import wilson
from twinlib.twin import Twin


def main(name: str, file: str) -> None:
    """Print a line for each arm, and the questions that it got wrong."""
    twin = Twin.open(name, create=False)
    made, calibrations, asked = index.Index.open(twin), abstain.load(twin), read_records(Path(file))
    arms = {"vectors": made} if made.vectors is not None else {}
    arms["words"] = index.Index(made.passages, made.lexical, None)
    for arm, searched in arms.items():
        right, found, seconds = {True: [], False: []}, [], []
        for each in asked:
            began = time.perf_counter()
            search = searched.search(each["question"])
            decision = abstain.decide(searched, calibrations, each["question"], search)
            seconds.append(time.perf_counter() - began)
            written = each["written"] is not None
            right[written].append(decision.answer == written)
            if written:
                passages = [searched.passages[position] for position in search.found]
                found.append(any(each["written"] in p.searched for p in passages))
            if decision.answer != written:
                said = "answered" if decision.answer else f"refused {decision.veto}"
                print(f"  {arm}: {said}: {each['question']}")
        parts = [_share(right[True]), _share(right[False]), _share(found)]
        labels = ("answered of what was written", "refused of what was not", "found in five")
        shown = " · ".join(f"{label} {part}" for label, part in zip(labels, parts))
        print(f"{arm}: {shown} · {1000 * statistics.median(seconds):.0f} ms")


def _share(hits):
    low, high = wilson(sum(hits), len(hits))
    return f"{sum(hits)}/{len(hits)} ({low:.0%} to {high:.0%})"


if __name__ == "__main__":
    main(*sys.argv[1:])
