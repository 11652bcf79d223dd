"""What the memory of a blog takes: seconds, megabytes, and milliseconds of a search.

    python benchmarks/memory_speed.py FOLDER [--posts 200] [--of 2000] [--questions FILE …]

A twin is made of so many files of FOLDER, and `twinlib memory` runs in a process of its own: its
seconds on this machine and of its processors, peak memory and size on disk, and by these what --of
posts would take. Then its index is repeated until it holds --of posts, and questions are searched
in it and decided on: the median of 40 with the part of it that is embedding the question, what the
graph takes more for the kinds of question that it answers, and this process's peak memory. The
questions are those of the files, such as memory_questions/lu_xun.jsonl, else beginnings of passages
of 40 characters, which in Chinese are three times as long as what readers ask.
"""

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from twinlib.files import read_records
from twinlib.memory import abstain, entities, graph, index
from twinlib.memory.lexical import Lexical
from twinlib.text.spacing import evenly
from twinlib.twin import Twin

_QUESTIONS = 40


def made(twin: Path, source: Path, posts: int) -> int:
    """Make a twin's corpus of `posts` files, evenly taken; returns their number."""
    files = sorted(path for path in source.rglob("*") if path.suffix in (".md", ".txt"))
    chosen = [files[number * len(files) // posts] for number in range(min(posts, len(files)))]
    folder = twin.parent / "texts"
    folder.mkdir()
    for number, file in enumerate(chosen):
        (folder / f"{number:05}{file.suffix}").write_bytes(file.read_bytes())
    given = ["--source", str(folder), "--author", "A", "--consent", "yes"]
    run = [sys.executable, "-m", "twinlib", "corpus", "--twin", str(twin), *given]
    subprocess.run(run, check=True, stdout=subprocess.DEVNULL)
    return len(chosen)


def repeated(twin: Twin, times: int) -> tuple[index.Index, graph.Graph]:
    """The index and graph of a twin with its passages so many times over."""
    import numpy
    from scipy import sparse

    one = index.Index.open(twin)
    linked = graph.load(twin, one.passages)
    passages = [
        replace(passage, id=f"{passage.id}{copy}", document=f"{passage.document}{copy}")
        for copy in range(times)
        for passage in one.passages
    ]
    vectors = None if one.vectors is None else numpy.tile(one.vectors, (times, 1))
    lexical = Lexical.of([passage.searched for passage in passages])
    places = [linked.passage_of + copy * len(one.passages) for copy in range(times)]
    found = [replace(e, documents=e.documents * times) for e in linked.entities]
    whole = graph.Graph(
        found,
        sparse.vstack([linked.mentions] * times).tocsr(),
        numpy.concatenate(places),
        numpy.tile(linked.sentence_of, times),
        [passage.document for passage in passages],
    )
    return index.Index(passages, lexical, vectors), whole


def searched(made_index, linked, calibrations, asked) -> dict[str, dict[str, list[float]]]:
    """{clock: {part: seconds of each question}} of _QUESTIONS questions, evenly taken."""
    clocks = {"by the clock": time.perf_counter, "of a processor": time.process_time}
    spent = {clock: {} for clock in clocks}

    def timed(part, compute):
        began = {clock: read() for clock, read in clocks.items()}
        result = compute()
        for clock, read in clocks.items():
            spent[clock].setdefault(part, []).append(read() - began[clock])
        return result

    for question in evenly(asked, _QUESTIONS):
        timed("embedding", lambda: made_index.embedder.compute([question], True))
        search = timed("search", lambda: made_index.search(question))  # the vector is kept
        timed("decision", lambda: abstain.decide(made_index, calibrations, question, search))
        timed("graph, where it is asked", lambda: linked.elsewhere(made_index, question, search))
    for seconds in spent.values():
        parts = list(zip(*(seconds[part] for part in ("embedding", "search", "decision"))))
        seconds["all but the graph"] = [sum(each) for each in parts]
    return spent


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", type=Path)
    parser.add_argument("--posts", type=int, default=200)
    parser.add_argument("--of", type=int, default=2000)
    parser.add_argument("--questions", type=Path, nargs="*", default=[])
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        path = Path(temporary) / "twin"
        posts = made(path, given.source, given.posts)
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        began = time.perf_counter()
        run = [sys.executable, "-m", "twinlib", "memory", "--twin", str(path)]
        subprocess.run(run, check=True, stdout=subprocess.DEVNULL)
        seconds = time.perf_counter() - began
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        busy = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        twin = Twin.open(path, create=False)
        size = sum(file.stat().st_size for file in (path / "memory").rglob("*") if file.is_file())
        passages = index.gather(twin)
        words = sum(len(passage.text) for passage in passages)
        began = time.process_time()
        for passage in passages:
            entities.mentions(passage.searched)
        names = time.process_time() - began
        print(f"{posts} posts, {words:,} characters, {len(passages)} passages")
        print(
            f"memory: {seconds:.0f} s, {busy:.0f} s of processors ({names:.0f} for names), "
            f"{size / 1e6:.1f} MB, peak {after.ru_maxrss / 1024:.0f} MB"
        )
        share = given.of / posts
        print(
            f"estimate for {given.of} posts: {busy * share / 60:.0f} min of processors, "
            f"{seconds * share / 60:.0f} min as here, {size * share / 1e6:.0f} MB"
        )
        made_index, linked = repeated(twin, max(1, round(share)))
        asked = [each["question"] for file in given.questions for each in read_records(file)]
        asked = asked or [passage.text[:40] for passage in passages]
        spent = searched(made_index, linked, abstain.load(twin), asked)
        for clock, seconds in spent.items():
            shown = ", ".join(
                f"{part} {1000 * statistics.median(v):.0f} ms" for part, v in seconds.items()
            )
            print(f"{len(made_index.passages):,} passages, {clock}: {shown}")
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"peak {peak:.0f} MB")


if __name__ == "__main__":
    main()
