"""The memory on other people's questions: RGB in both languages, and 2WikiMultihopQA.

    git clone https://github.com/chen700564/RGB
    git clone https://github.com/OSU-NLP-Group/HippoRAG
    git clone https://github.com/mojixu/TrustMargin
    python benchmarks/memory_public.py RGB HippoRAG TrustMargin [--questions N] [--folder FOLDER]

RGB (CC BY-NC-SA 4.0, not kept here): a twin is made of the texts that belong to half of the
questions, by `twinlib corpus` and `twinlib memory` as for any writing. *found*: a right answer is
in the first five passages; *both*: of questions with two answers, both are; *refused*: of the other
half, whose texts are not there, those that are refused; *refused wrongly*: of the first half.
2WikiMultihopQA: of the questions whose two passages are in HippoRAG's corpus (one has its title in
the question, the other has the answer and its title in the first), *both* are among the first five,
with as many other passages as make 600 (`--passages`).

Arms: bm25s alone on rjieba's words, our search (L0), the graph alone (L1), and both.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from twinlib.files import write_records
from twinlib.memory import abstain, graph, lexical
from twinlib.memory.index import Index
from twinlib.text.statistics import mcnemar, wilson
from twinlib.text.style import tidy
from twinlib.twin import Twin

FIRST = 5
_POSITIVE, _NEGATIVE = 2, 2  # texts of a question that are put into the corpus


def rgb(file: Path, most: int) -> tuple[list, list, list]:
    """(texts, known questions, unknown questions); a question is (text, [answers of each part])."""
    entries = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines() if line]
    texts, known, unknown = [], [], []
    several = isinstance(entries[0]["positive"][0], list)
    for number, entry in enumerate(entries[: most // 2 if several else most]):
        parts = entry["answer"] if isinstance(entry["answer"], list) else [entry["answer"]]
        parts = [part if isinstance(part, list) else [part] for part in parts]
        parts = parts if several else [[answer for part in parts for answer in part]]
        if number % 2 and not several:
            unknown.append((entry["query"], parts))
            continue
        groups = entry["positive"] if several else [entry["positive"]]
        found = [text for group in groups for text in _with(group, parts)[: 1 if several else 2]]
        texts += found + entry["negative"][:_NEGATIVE]
        known.append((entry["query"], parts))
    return list(dict.fromkeys(texts)), known, unknown


def _with(texts, parts):
    """Texts, those with an answer first."""
    return sorted(texts, key=lambda text: not any(_has(text, part) for part in parts))


def _has(text, answers):
    text = tidy(text)
    return any(tidy(answer) in text for answer in answers)


def made(folder: Path, name: str, texts: list[str]) -> tuple[Twin, float]:
    """A twin of texts with its memory, and the seconds that the memory took."""
    source, path = folder / f"{name}-texts", folder / name
    source.mkdir(parents=True, exist_ok=True)
    for number, text in enumerate(texts):
        (source / f"{number:04}.txt").write_text(text, encoding="utf-8")
    run = [sys.executable, "-m", "twinlib"]
    options = ["--author", "RGB", "--consent", "yes", "--source", str(source)]
    quiet = {"stdout": subprocess.DEVNULL}
    subprocess.run([*run, "corpus", "--twin", str(path), *options], check=True, **quiet)
    began = time.perf_counter()
    subprocess.run([*run, "memory", "--twin", str(path)], check=True, **quiet)
    return Twin.open(path, create=False), time.perf_counter() - began


def bm25s_alone(index: Index):
    """A search by bm25s as it comes, on the words that rjieba cuts: question -> positions."""
    import bm25s

    retriever = bm25s.BM25()
    retriever.index(
        [lexical.words(p.searched) or [""] for p in index.passages], show_progress=False
    )

    def search(question):
        known = [word for word in lexical.words(question) if word in retriever.vocab_dict]
        scores = retriever.get_scores(known) if known else []
        return sorted(range(len(scores)), key=lambda place: -scores[place])[:FIRST]

    return search


def arms(index: Index, linked, question: str):
    """{arm: positions of the first passages}."""
    search = index.search(question, FIRST)
    ranked = linked.elsewhere(index, question, search)
    return search, {
        "L0": search.found,
        "L1": index.chosen([ranked], FIRST) or search.found,
        "L0+L1": index.chosen([*search.rankings, ranked], FIRST),
    }


def report(name, label, hits):
    """Print the share of each arm, with McNemar's test against the search alone."""
    for arm, right in hits.items():
        low, high = wilson(sum(right), len(right))
        _, _, _, p = mcnemar(hits["L0"], right)
        shown = f"{sum(right)}/{len(right)} ({low:.0%} to {high:.0%}), p {p:.3f}"
        print(f"{name} · {label} · {arm}: {shown}", flush=True)


def run_rgb(file, folder, most):
    """Make a twin of the texts and print the shares of the questions."""
    texts, known, unknown = rgb(file, most)
    twin, seconds = made(folder, file.stem, texts)
    index = Index.open(twin)
    linked, calibrations = graph.load(twin, index.passages), abstain.load(twin)
    size = f"{len(texts)} texts, {len(index.passages)} passages"
    print(f"{file.stem}: {size}, {seconds:.0f} s, 0 tokens", flush=True)
    plain, hits, wrong = bm25s_alone(index), {}, []
    for question, parts in known:
        search, found = arms(index, linked, question)
        for arm, places in {"bm25s": plain(question), **found}.items():
            shown = "\n".join(index.passages[place].searched for place in places)
            hits.setdefault(arm, []).append(all(_has(shown, part) for part in parts))
        wrong.append(not abstain.decide(index, calibrations, question, search).answer)
    report(file.stem, "both" if len(known[0][1]) > 1 else "found", hits)
    refused = []
    for question, _ in unknown:
        search = index.search(question)
        refused.append(not abstain.decide(index, calibrations, question, search).answer)
    for label, values in (("refused", refused), ("refused wrongly", wrong)):
        if values:
            low, high = wilson(sum(values), len(values))
            print(f"{file.stem} · {label}: {sum(values)}/{len(values)} ({low:.0%} to {high:.0%})")


def two_hops(corpus: Path, questions: Path) -> tuple[list[dict], list]:
    """(passages, [(question, position of the first, positions of the second)])."""
    entries = json.loads(corpus.read_text(encoding="utf-8"))
    by_title = {}
    for place, entry in enumerate(entries):
        if len(entry["title"]) > 5:
            by_title.setdefault(tidy(entry["title"]), place)
    found = []
    for each in json.loads(questions.read_text(encoding="utf-8")):
        asked = tidy(each["question"])
        answers = each["answer"] if isinstance(each["answer"], list) else [each["answer"]]
        answers = [answer for answer in answers if len(answer) > 3 and tidy(answer) not in asked]
        firsts = [place for title, place in by_title.items() if title in asked]
        for first in firsts[:1]:
            text = tidy(entries[first]["text"])
            seconds = {
                place
                for title, place in by_title.items()
                if title in text and place != first and _has(entries[place]["text"], answers)
            }
            if seconds and not _has(text, answers):
                found.append((each["question"], first, seconds))
    return entries, found


def run_two_hops(corpus, questions, folder, most):
    """Make a twin of the passages and print the shares of the questions."""
    entries, found = two_hops(corpus, questions)
    needed = {place for _, first, seconds in found for place in (first, *seconds)}
    others = [place for place in range(len(entries)) if place not in needed]
    kept = sorted(needed) + others[: max(0, most - len(needed))]
    number = {place: new for new, place in enumerate(kept)}
    path = folder / "2wiki"
    twin = Twin.open(path)
    ids = [f"d{place:04}" for place in range(len(kept))]
    write_records(
        twin.file("documents"),
        [{"id": i, "title": entries[p]["title"], "text": ""} for i, p in zip(ids, kept)],
    )
    write_records(
        twin.file("passages"),
        [
            {"id": i, "document": i, "text": entries[p]["text"], "split": "train"}
            for i, p in zip(ids, kept)
        ],
    )
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "twinlib", "memory", "--twin", str(path)],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    print(f"2wiki: {len(kept)} passages, {time.perf_counter() - began:.0f} s, 0 tokens")
    index = Index.open(twin)
    linked = graph.load(twin, index.passages)
    place_of = {passage.id: place for place, passage in enumerate(index.passages)}
    plain, hits = bm25s_alone(index), {}
    for question, first, seconds in found:
        gold = place_of[ids[number[first]]]
        also = {place_of[ids[number[place]]] for place in seconds}
        for arm, places in {"bm25s": plain(question), **arms(index, linked, question)[1]}.items():
            hits.setdefault(arm, []).append(gold in places and bool(also & set(places)))
    report("2wiki", "both", hits)


def main() -> None:
    """Run what the folders hold."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs=3, type=Path)
    parser.add_argument("--questions", type=int, default=100)
    parser.add_argument("--passages", type=int, default=600)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--only", nargs="*", default=["zh_refine", "zh_int", "en_fact", "2wiki"])
    given = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.folder or Path(temporary)
        for name in given.only:
            if name == "2wiki":
                corpus = given.folders[1] / "reproduce/dataset/2wikimultihopqa_corpus.json"
                questions = given.folders[2] / "data/2wikimultihopqa/dev.json"
                run_two_hops(corpus, questions, folder, given.passages)
            else:
                run_rgb(given.folders[0] / "data" / f"{name}.json", folder, given.questions)


if __name__ == "__main__":
    main()
