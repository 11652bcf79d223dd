"""How a twin's memory answers questions that were written by hand and that no fit has seen.

    python benchmarks/memory_questions.py TWIN FILE …

TWIN has run `twinlib memory`; the files are those of memory_questions/ for its corpus. Each has two
halves: NAME.jsonl, which was looked at while the memory was made, and NAME_kept.jsonl, which was
written before and is only counted: its questions are not shown.

The last 32 of each half were written later, in pairs of the same kind of which the second one was
kept, before any was asked: 4 false premises on what was written of, 6 neighbouring topics, 4 other
people's names, 3 years, 5 things never written of, and 10 that are written.

sample_blog_readers.jsonl has 88 questions as a reader asks them, many casual, all of them written,
sample_blog_readers_kept.jsonl 40 more; they were made before any was asked, and are for reading
what a twin says to them (reader_questions.py). So are those of sample_blog_more.jsonl (44, kept
24), pepys_readers.jsonl and lu_xun_readers.jsonl (16 each, kept 8), written later, and of
sample_blog_later.jsonl (62, kept 12), lu_xun_later.jsonl (57) and pepys_later.jsonl (53), which are
further from the words of the texts. Nothing was fitted on the newest: sample_blog_fresh.jsonl (12),
and sample_blog_reworded.jsonl (48, in other words than the posts') and sample_blog_last.jsonl (24,
of posts drawn by lot), written by a reader who had seen nothing but the posts.

A line is {question, written, answer, kind}: a text in the title or the passage that answers it, or
null where the author never wrote about it; where one fact is asked for, the answers that are right.
Questions whose passage this memory doesn't hold (another selection of the texts) are left out.
Printed are, with and without vectors: questions answered of what was written, refused of what was
not (Wilson's 95 % intervals), right passage among the first five, facts that stand in the author's
sentences shown (memory/own_words.py), without a model, and the median milliseconds of a search and
decision; then, of the questions for a price, an age or another number with a unit, how many are
answered without “I am not sure”.
"""

import argparse
import statistics
import time
from pathlib import Path

from twinlib.files import read_records
from twinlib.memory import abstain, agree, cite, index
from twinlib.memory.own_words import own_words
from twinlib.memory.recall import Memory, Recall
from twinlib.text.statistics import wilson
from twinlib.twin import Twin


def main(name: str, *files: str) -> None:
    """Print for each file a line for each arm, and which questions it got wrong."""
    twin = Twin.open(name, create=False)
    made, calibrations = index.Index.open(twin), abstain.load(twin)
    arms = {"vectors": made} if made.vectors is not None else {}
    arms["words"] = index.Index(made.passages, made.lexical, None)
    for file in map(Path, files):
        asked = [each for each in read_records(file) if _is_here(made, each)]
        for arm, searched in arms.items():
            print(f"{file.stem}, {arm}: {_line(searched, calibrations, asked, file)}")
        print(f"{file.stem}, numbers with a unit, told as sure: {_sure(Memory(twin), asked)}")


def _is_here(made, each):
    written = each["written"]
    return written is None or any(written in passage.searched for passage in made.passages)


def _line(searched, calibrations, asked, file):
    right, found, facts, seconds = {True: [], False: []}, [], [], []
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
            if each.get("answer"):
                further = tuple(searched.further(search))
                facts.append(decision.answer and _is_shown(searched, each, passages, further))
        if decision.answer != written and not file.stem.endswith("_kept"):
            said = "answered" if decision.answer else f"refused {decision.veto}"
            print(f"  {said} {decision.chance:.2f}: {each['question']}")
    parts = [_share(right[True]), _share(right[False]), _share(found), _share(facts)]
    labels = ("answered of what was written", "refused of what was not", "found in five", "facts")
    shown = " · ".join(f"{label} {part}" for label, part in zip(labels, parts))
    return f"{shown} · {1000 * statistics.median(seconds):.0f} ms"


def _sure(memory, asked):
    """How many questions for an amount are answered without a hedge, written ones and others."""
    sure = {True: [], False: []}
    for each in filter(lambda each: agree.asks_unit(each["question"]), asked):
        recall = memory.recall([{"role": "user", "content": each["question"]}])
        sure[each["written"] is not None].append(not recall.refusal)
    return f"written {_share(sure[True])}, never written {_share(sure[False])}"


def _is_shown(searched, each, passages, further):
    """Whether the author's sentences under an answer, or their title, have a right answer."""
    beside = tuple(searched.beside(passages[0])) if passages else ()
    recall = Recall(each["question"], passages, beside=beside, further=further)
    looked_through = recall.searched
    places = own_words(each["question"], looked_through, searched)
    shown = []
    for place in places:
        passage = looked_through[place.passage]
        alone = cite.excerpt(place.text, passage)
        shown.append(f"{passage.title}\n{place.text if len(places) > 1 else alone}")
    shown = "\n".join(shown)
    return any(answer.lower() in shown.lower() for answer in each["answer"])


def _share(hits):
    if not hits:
        return "–"
    low, high = wilson(sum(hits), len(hits))
    return f"{sum(hits)}/{len(hits)} ({low:.0%} to {high:.0%})"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("twin")
    parser.add_argument("files", metavar="FILE", nargs="+")
    given = parser.parse_args()
    main(given.twin, *given.files)
