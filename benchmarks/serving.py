"""How `twinlib serve` bears load and nonsense, and how soon an answer with memory begins.

    python benchmarks/serving.py TWIN [REQUESTS]

TWIN has a GGUF file and a memory. A server is started for it, and asked: questions by eight clients
at once, each of whose answers must be the one that it gets alone; 100 clients that hang up in the
middle, after which one more must be answered; a megabyte of prompt; malformed requests; and
REQUESTS one after the other (10,000 unless said), before and after which the server's memory is
read. Then, in this process, the time to the first token with two passages before the question, as
in a chat, and with three: the first time, and again with other questions, when the fixed part of
the prompt is in the cache; and the time in which the passages are found.
CPU seconds are those of all cores; on an idle machine with 2 cores the wall time is half of them.
"""

import argparse
import secrets
import socket
import statistics
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import psutil

from twinlib.memory.recall import SHOWN, Memory, with_passages
from twinlib.models.llama_cpp import Llama
from twinlib.talk import voices
from twinlib.twin import Twin

BAD = [b"", b"{", b"[]", b"\xff", b'{"messages": 7}', b'{"messages": [{"role": 1}]}']
BAD += [
    b'{"messages": [{"role": "user", "content": "a"}], %s}' % values
    for values in (
        b'"temperature": "x"',
        b'"max_tokens": 1.5',
        b'"model": "gpt"',
        b'"n": 3',
        b'"stop": [7]',
    )
]


def main(name: str, requests: int) -> None:
    """Print a line for each figure."""
    twin = Twin.open(name, create=False)
    key = secrets.token_urlsafe(12)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "twinlib", "serve", "--twin", str(twin.path), "--key", key]
    child = subprocess.Popen([*command, "--port", str(port)], stdout=subprocess.PIPE, text=True)
    try:
        while key not in child.stdout.readline():
            pass
        address = f"http://127.0.0.1:{port}/v1"
        with httpx.Client(
            base_url=address, headers={"Authorization": f"Bearer {key}"}, timeout=600
        ) as client:
            print(_together(client, twin))
            print(_hang_ups(client))
            print(_long(client))
            print(_malformed(client))
            print(_memory(client, psutil.Process(child.pid), requests))
    finally:
        child.terminate()
        child.wait()
    print(_first_token(twin))


def _ask(client, text, **values):
    body = {"messages": [{"role": "user", "content": text}], "max_tokens": 24, **values}
    return client.post("/chat/completions", json={"temperature": 0, **body})


def _together(client, twin):
    plain = f"{twin.name}-plain"

    def answer(n):
        given = _ask(client, f"Count to {n}, please.", model=plain).json()
        return given["choices"][0]["message"]["content"]

    alone = [answer(n) for n in range(1, 9)]
    started = time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        rounds = [list(pool.map(answer, range(1, 9))) for _ in range(5)]
    seconds = time.monotonic() - started
    same = sum(a == b for each in rounds for a, b in zip(alone, each))
    strange = sum(
        b != a and b in alone for each in rounds for a, b in zip(alone, each) if alone.count(b) == 1
    )
    return f"8 clients at once: {same} of 40 as alone, {strange} another's, {seconds:.1f} s"


def _hang_ups(client):
    body = {"messages": [{"role": "user", "content": "Tell me."}], "max_tokens": 2000}
    started = time.monotonic()
    for _ in range(100):
        with client.stream("POST", "/chat/completions", json={**body, "stream": True}) as answer:
            next(answer.iter_lines())
    left = time.monotonic()
    status = _ask(client, "Count!", max_tokens=1).status_code
    now = time.monotonic()
    return f"100 hang-ups in {left - started:.1f} s, then {status} after {now - left:.2f} s"


def _long(client):
    started = time.monotonic()
    answer = _ask(client, "word " * 210_000)
    code = answer.json()["error"]["code"]
    return f"1 MB of prompt: {answer.status_code} {code} after {time.monotonic() - started:.1f} s"


def _malformed(client):
    statuses = [client.post("/chat/completions", content=body).status_code for body in BAD]
    return f"malformed: {statuses}, then {_ask(client, 'Count!', max_tokens=1).status_code}"


def _memory(client, process, requests):
    def resident():
        return process.memory_info().rss / 1e6

    for n in range(200):  # until what is made once is made
        _ask(client, f"Count to {n}!", max_tokens=1)
    before, started, failed = resident(), time.monotonic(), 0
    for n in range(requests):
        failed += _ask(client, f"Count to {n}!", max_tokens=1).status_code != 200
    seconds = time.monotonic() - started
    return (
        f"{requests:,} requests in {seconds:.0f} s, {failed} failed: resident memory "
        f"{before:.1f} → {resident():.1f} MB, {process.num_threads()} threads, "
        f"{process.num_fds()} open files"
    )


def _first_token(twin):
    memory = Memory(twin)
    asked = list(dict.fromkeys(each.title for each in memory.index.passages if each.title))[:12]
    search, said = [], []
    with Llama(voices.gguf_file(twin), voices.context_length(twin)) as llama:
        for most in (SHOWN, 3):
            lines = []
            for title in asked:
                started = time.monotonic()
                messages = [{"role": "user", "content": title}]
                recall = memory.recall(messages)
                search.append(time.monotonic() - started)
                system = {"role": "system", "content": voices.system_prompt(twin, "file", title)}
                turns = [system, *with_passages(recall.passages, messages, most)]
                lines.append(_heard(llama, turns))
            wall, cpu, tokens = (statistics.median(column) for column in zip(*lines[1:]))
            said.append(
                f"first token with {most} passages: {lines[0][0]:.2f} s at first, then "
                f"{wall:.2f} s ({cpu:.2f} CPU seconds) for {tokens:.0f} tokens, "
                f"median of {len(lines) - 1}"
            )
    median = 1000 * statistics.median(search[1 : len(asked)])  # later ones are remembered
    return "\n".join([*said, f"search: {median:.0f} ms"])


def _heard(llama, turns):
    """(seconds, CPU seconds) to the first token of an answer, and the tokens of its prompt."""
    busy, started, first = time.process_time(), time.monotonic(), []

    def hear(piece):
        first.append((time.monotonic() - started, time.process_time() - busy))

    llama.chat(turns, 4, 0.7, on_text=hear)
    return *first[0], voices.prompt_length(llama, turns)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("twin")
    parser.add_argument("requests", type=int, nargs="?", default=10_000)
    given = parser.parse_args()
    main(given.twin, given.requests)
