"""Step 01 on large corpora: generated Markdown through the real pipeline, and peers on the same.

    python benchmarks/corpus_scale.py [MB …] [--documents N] [--peer-python PATH]
    python benchmarks/corpus_scale.py [MB …] --against FOLDER [--chats]

Writes corpora of 10, 50 and 200 MB into a temporary folder (front matter, headings, lists,
quotations, code, links, personal data; English and Chinese; one document in 20 is a near-copy of an
earlier one), runs `corpus.gather` on each in a process of its own and prints seconds by phase,
MB/s, the peak memory, and how time and memory grow. Then near-duplicates alone over N (50,000)
documents. With the Python of an environment that has markitdown, datatrove, datasketch and rensa,
the same files also go through these, each in a process of its own, one thread.

With --against, the checkout of another version (`git worktree add FOLDER COMMIT`), only the two
versions are compared, in turns on the same files: CPU seconds, which other programs disturb little,
and peak memory. With --chats the files are exports of chats instead: WhatsApp, Telegram, Discord,
and a layout that no reader knows.

The texts are Markov chains over this project's invented writing, mixed with invented words, so that
the same 12 letters recur in 50,000 documents about as often as in a diary.
"""

import argparse
import json
import multiprocessing
import os
import random
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parent.parent
SIZES = (10, 50, 200)  # MB
NEAR_COPIES = 0.05  # share of the documents
READ_BY_PEER = 300  # files


# Generating text


class Chain:
    """A Markov chain of words (or Chinese characters), with jumps to any word or invented ones."""

    def __init__(self, units, invented, seed, jump=0.35):
        import numpy as np

        self.rng = np.random.default_rng(seed)
        self.words = list(dict.fromkeys(units + invented))
        id_of = {word: n for n, word in enumerate(self.words)}
        ids = np.array([id_of[unit] for unit in units])
        order = np.argsort(ids[:-1], kind="stable")
        self.next = ids[1:][order]
        self.starts = np.searchsorted(ids[:-1][order], np.arange(len(self.words) + 1))
        rare = np.array([id_of[word] for word in invented], int)
        # Half of the jumps lead to words of the writing, half to invented ones, a few frequent.
        weights = 1 / np.arange(1, len(rare) + 1)
        self.any = np.concatenate((ids, self.rng.choice(rare, len(ids), p=weights / weights.sum())))
        self.jump, self.stock = jump, []

    def take(self, count):
        """The next `count` units, as a list."""
        while len(self.stock) < count:
            self.stock += self._more()
        taken = self.stock[-count:]
        del self.stock[-count:]
        return taken

    def _more(self, width=1024, steps=400):
        import numpy as np

        chains = np.empty((steps, width), int)
        now = self.rng.choice(self.any, width)
        for step in range(steps):
            counts = self.starts[now + 1] - self.starts[now]
            chosen = self.starts[now] + (self.rng.random(width) * counts).astype(int)
            after = self.next[np.minimum(chosen, len(self.next) - 1)]
            jumps = (self.rng.random(width) < self.jump) | (counts == 0)
            now = chains[step] = np.where(jumps, self.rng.choice(self.any, width), after)
        return [self.words[n] for n in chains.T.ravel()]


def writing():
    """(English words, Chinese characters) of the invented blog and voices, in order."""
    posts = (ROOT / "data_samples" / "posts").iterdir()
    voices = (ROOT / "twinlib" / "data" / "voices").glob("*.txt")
    texts = [path.read_text(encoding="utf-8") for path in sorted([*posts, *voices])]
    front_matter = re.compile(r"\A(---|\+\+\+)\n.*?\n\1\n", re.DOTALL)
    text = "\n".join(front_matter.sub("", text) for text in texts)
    english = re.findall(r"[A-Za-z][A-Za-z'’]*[,.;:?!]?", text)
    return english, re.findall(r"[\u4e00-\u9fff，。；？！]", text)


def invented(words, count, rng):
    """`count` words that don't exist, each from the beginning and the end of two words."""
    plain = sorted({word.lower() for word in words if word.isalpha() and len(word) > 3})
    return [
        rng.choice(plain)[: rng.randrange(2, 5)] + rng.choice(plain)[-rng.randrange(3, 6) :]
        for _ in range(count)
    ]


def documents(seed=1):
    """Yield (text, number of the document that it is a near-copy of, or None), without end."""
    rng = random.Random(seed)
    english, chinese = writing()
    everyday = [
        bytes((row, cell)).decode("gb2312", "ignore")
        for row in range(0xB0, 0xD8)
        for cell in range(0xA1, 0xFF)
    ]
    chains = {
        "en": (Chain(english, invented(english, 20_000, rng), seed), " "),
        "zh": (Chain(chinese, rng.sample(everyday, 3500), seed + 1, jump=0.2), ""),
    }
    recent = []
    for number in range(10**9):
        if recent and rng.random() < NEAR_COPIES:
            origin, language, paragraphs = rng.choice(recent)
            paragraphs = _changed(paragraphs, chains[language], rng)
        else:
            origin, language = None, rng.choice(("en", "zh"))
            paragraphs = _paragraphs(*chains[language], language, rng)
            recent = [*recent[-200:], (number, language, paragraphs)]
        yield _page(number, language, paragraphs, rng), origin


def _paragraphs(chain, space, language, rng):
    long = 75 if language == "en" else 140
    count = max(2, round(rng.lognormvariate(2.1, 0.5)))
    return [space.join(chain.take(rng.randrange(long // 2, long * 3 // 2))) for _ in range(count)]


def _changed(paragraphs, chain_and_space, rng):
    chain, space = chain_and_space
    change = rng.choice(("copy", "edit", "append", "cut"))
    if change == "edit":
        units = [p.split(space) if space else list(p) for p in paragraphs]
        return [
            space.join(chain.take(1)[0] if rng.random() < 0.02 else unit for unit in p)
            for p in units
        ]
    if change == "append":
        return [*paragraphs, space.join(chain.take(40))]
    return paragraphs[: max(2, len(paragraphs) * 3 // 4)] if change == "cut" else paragraphs


def _page(number, language, paragraphs, rng):
    zh = language == "zh"
    title = paragraphs[0][:12] if zh else " ".join(paragraphs[0].split()[:6])
    lines = [
        "---",
        f'title: "{title}"',
        f"date: 20{rng.randrange(10, 25)}-0{rng.randrange(1, 10)}-1{number % 10}",
        f"tags: [{'生活' if zh else 'life'}]",
        "---",
        "",
    ]
    for position, paragraph in enumerate(paragraphs):
        if position % 3 == 2:
            lines += [f"## {paragraph[:8] if zh else ' '.join(paragraph.split()[:4])}", ""]
        lines += [_with_link(paragraph, zh, rng), ""]
    extras = (
        ["> " + paragraphs[0][:80], ""],
        ["```python", f"for n in range({number}):", "    print(n)", "```", ""],
        ["- " + paragraphs[-1][:30], "- " + paragraphs[0][-30:], ""],
        [_personal(zh, rng), ""],
    )
    return "\n".join(lines + rng.choice(extras))


def _with_link(paragraph, zh, rng):
    at = rng.randrange(len(paragraph))
    link = "[这里](https://example.com/page)" if zh else " [this page](https://example.com/page) "
    return paragraph[:at] + link + paragraph[at:] if rng.random() < 0.3 else paragraph


def _personal(zh, rng):
    phone = f"1{rng.randrange(30, 99)}{rng.randrange(10**8):08}"
    mail = f"me{rng.randrange(9999)}@example.org"
    if zh:
        return f"有事打{phone}，或者写信到{mail}，周末不在。"
    return f"Call me on +44 20 7946 0{rng.randrange(999):03} or write to {mail}."


def write(folder, megabytes, seed=1):
    """Fill a folder with posts of `megabytes` in all; returns the number of files."""
    folder.mkdir()
    size = 0
    for number, (text, _) in enumerate(documents(seed)):
        data = text.encode()
        size += len(data)
        (folder / f"{number:06}.md").write_bytes(data)
        if size >= megabytes * 10**6:
            return number + 1


CHATS = {
    "whatsapp": "[{d:02}/{m:02}/2024, {H:02}:{M:02}:{S:02}] {who}: {text}\n",
    "telegram": "{who}, [{d:02}.{m:02}.2024 {H:02}:{M:02}]\n{text}\n\n",
    "discord": "[{m:02}/{d:02}/2024 {H:02}:{M:02}] {who}\n{text}\n\n",
    "unknown": "({d:02}.{m:02}.2024 {H:02}.{M:02}) <{who}> {text}\n",
}


def write_chats(folder, megabytes, seed=1):
    """Fill a folder with chats of 3,000 messages of three people, `megabytes` in all."""
    folder.mkdir()
    rng, size = random.Random(seed), 0
    lines = (
        line[: rng.randrange(12, 160)]
        for text, _ in documents(seed)
        for line in text.split("---\n", 2)[2].split("\n")
        if line.strip() and line[0].isalnum()
    )
    for number in range(10**6):
        name, layout = list(CHATS.items())[number % len(CHATS)]
        minute, messages = 0, []
        for _ in range(3000):
            minute += rng.choice((0, 0, 1, 3, 60))
            day, clock = divmod(minute, 1440)
            text = "\n".join(next(lines) for _ in range(rng.choice((1, 1, 1, 1, 2))))
            time = {"d": day % 28 + 1, "m": day // 28 % 12 + 1, "H": clock // 60, "M": clock % 60}
            who = rng.choice(("Ning", "Ning", "Old Zhou", "Lin"))
            messages.append(layout.format(who=who, text=text, S=rng.randrange(60), **time))
        data = "".join(messages).encode()
        (folder / f"{name}-{number}.txt").write_bytes(data)
        size += len(data)
        if size >= megabytes * 10**6:
            return number + 1


# Ours


def gather(folder, twin_folder):
    """(seconds by phase, peak MB before, peak MB overall) of gather.gather on a folder."""
    from twinlib.corpus import clean, dedupe, gather
    from twinlib.corpus.clean import scripts
    from twinlib.settings import Corpus
    from twinlib.text import privacy
    from twinlib.twin import Twin

    seconds = Counter()
    for name, module, function in (
        ("clean", clean, "clean"),
        ("mask", privacy, "mask"),
        ("count", scripts, "by_script"),
        ("mend", scripts, "repair_encoding"),
        ("sketch", dedupe.Sketches, "add"),
    ):
        setattr(module, function, _timed(getattr(module, function), name, seconds))
    comparing = []

    def progress(done, total, note=""):
        if note in ("comparing", "查重"):
            comparing.append(time.perf_counter())

    before, started = _peak(), time.perf_counter()
    gather.gather(Twin.open(str(twin_folder)), Corpus(source=str(folder)), {}, progress)
    ended = time.perf_counter()
    seconds["compare"] = ended - comparing[0] if comparing else 0.0
    seconds["read and rest"] = ended - started - sum(seconds.values())
    return dict(seconds), before, _peak()


def _timed(function, name, seconds):
    def timed(*args, **options):
        started = time.perf_counter()
        try:
            return function(*args, **options)
        finally:
            seconds[name] += time.perf_counter() - started

    return timed


def gather_only(folder, twin_folder):
    """(CPU seconds, peak MB) of gather.gather on a folder, whatever the version."""
    from twinlib.corpus import gather
    from twinlib.settings import Corpus
    from twinlib.twin import Twin

    started = time.process_time()
    settings = Corpus(source=str(folder), me="Ning")
    gather.gather(Twin.open(str(twin_folder)), settings, {}, lambda *_, **__: None)
    return time.process_time() - started, _peak()


def compare(path):
    """(seconds, peak MB, pairs) of our near-duplicates among the texts of a file."""
    from twinlib.corpus.dedupe import Sketches

    started, sketches, offsets = time.perf_counter(), Sketches(), [0]
    with path.open("rb") as file:
        for line in file:
            sketches.add(json.loads(line)["text"])
            offsets.append(offsets[-1] + len(line))

        def text_of(number):
            file.seek(offsets[number])
            return json.loads(file.readline())["text"]

        pairs = [(i, j) for i, j, *_ in sketches.pairs(text_of)]
    return time.perf_counter() - started, _peak(), pairs


def read(folder):
    """(seconds, peak MB, []) of reading a folder as Markdown."""
    from twinlib.corpus import readers

    started = time.perf_counter()
    for _ in readers.read(folder):
        pass
    return time.perf_counter() - started, _peak(), []


# Peers: these run in the other environment


def markitdown(folder):
    from markitdown import MarkItDown

    started, reader = time.perf_counter(), MarkItDown()
    for path in sorted(folder.iterdir()):
        reader.convert(str(path))
    return time.perf_counter() - started, _peak(), []


def rensa(path):
    from rensa import RMinHash, RMinHashLSH

    started, pairs = time.perf_counter(), []
    index = RMinHashLSH(threshold=0.5, num_perm=128, num_bands=32)
    for number, text in enumerate(_texts(path)):
        sketch = RMinHash(num_perm=128, seed=1)
        sketch.update(_shingles(text))
        pairs += [(other, number) for other in index.query(sketch)]
        index.insert(number, sketch)
    return time.perf_counter() - started, _peak(), pairs


def datasketch(path):
    from datasketch import MinHash, MinHashLSH

    started, index, pairs = time.perf_counter(), MinHashLSH(threshold=0.5, num_perm=128), []
    for number, text in enumerate(_texts(path)):
        sketch = MinHash(num_perm=128)
        sketch.update_batch([shingle.encode() for shingle in _shingles(text)])
        pairs += [(other, number) for other in index.query(sketch)]
        index.insert(number, sketch)
    return time.perf_counter() - started, _peak(), pairs


def datatrove(path):
    """Its own recipe: 14 buckets of 8 hashes over 5 words, as its English tokenizer finds them."""
    import struct

    from datatrove.executor import LocalPipelineExecutor
    from datatrove.pipeline.dedup import MinhashConfig, MinhashDedupBuckets, MinhashDedupSignature
    from datatrove.pipeline.readers import JsonlReader
    from datatrove.utils.hashing import HashConfig

    started, config = time.perf_counter(), MinhashConfig(hash_config=HashConfig(hash_fc="sha1"))
    with tempfile.TemporaryDirectory() as folder:
        signatures, buckets = f"{folder}/signatures", f"{folder}/buckets"
        reader = JsonlReader(str(path.parent), glob_pattern=path.name)
        steps = (
            [reader, MinhashDedupSignature(signatures, config)],
            [MinhashDedupBuckets(signatures, buckets, config=config)],
        )
        for step, tasks in zip(steps, (1, 14)):
            options = {"tasks": tasks, "workers": 1, "logging_dir": f"{folder}/logs/{tasks}"}
            LocalPipelineExecutor(step, **options).run()
        pairs = {
            (i, j)
            for file in Path(buckets).glob("*.dups")
            for _, i, _, j in struct.iter_unpack("<4I", file.read_bytes())
        }
    return time.perf_counter() - started, _peak(), sorted(pairs)


def _texts(path):
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)["text"]


def _shingles(text):
    """The same shingles as ours, as strings: 5 letters of a Chinese text, 12 of another."""
    letters = "".join(re.findall(r"\w+", text.lower()))
    size = 5 if sum(letter >= "\u2e80" for letter in letters[:200]) > 60 else 12
    return {letters[n : n + size] for n in range(max(1, len(letters) - size + 1))}


def _peak():
    unit = 10**6 if sys.platform == "darwin" else 1000
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


# The table


def alone(function, *args):
    """A function's result, computed in a process of its own to measure its peak memory."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(function, args)


def peer(python, name, path):
    """A peer's result, computed by another Python; None when it does not run there."""
    command = [python, __file__, "--as-peer", name, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        return json.loads(done.stdout.splitlines()[-1])
    except (IndexError, ValueError):
        lines = done.stderr.strip().splitlines() or ["no output"]
        print(f"  {name}: does not run there: {lines[-1][:150]}")
        return None


def scale(folder, sizes):
    """Print how the pipeline's time and memory grow."""
    results = {}
    print("MB       files  seconds   MB/s  peak MB  of it before  seconds by phase")
    for size in sizes:
        files = write(folder / str(size), size)
        seconds, before, peak = alone(gather, folder / str(size), folder / f"twin-{size}")
        total = sum(seconds.values())
        results[size] = total, peak
        longest_first = sorted(seconds.items(), key=lambda item: -item[1])
        phases = "  ".join(f"{name} {value:.1f}" for name, value in longest_first)
        figures = f"{total:8.1f} {size / total:6.2f} {peak:8.0f} {before:13.0f}"
        print(f"{size:<6} {files:7} {figures}  {phases}", flush=True)
    small, large = min(results), max(results)
    if small != large:
        time_ratio, memory_ratio = (b / a for a, b in zip(results[small], results[large]))
        print(
            f"{large / small:.0f} times the text: {time_ratio:.1f} times the time, "
            f"{memory_ratio:.2f} times the memory"
        )


def versions(folder, sizes, older, fill, rounds=3):
    """Print CPU seconds and memory of this version beside an older one's, the best of `rounds`."""
    print("MB       old s    new s  ratio   old MB   new MB  ratio")
    for size in sizes:
        fill(folder / str(size), size)
        best = {}
        for number in range(rounds):
            for name, root in (("old", older), ("new", ROOT)):
                twin = folder / f"{name}-{size}-{number}"
                command = [
                    sys.executable,
                    __file__,
                    "--as-gather",
                    str(folder / str(size)),
                    str(twin),
                ]
                environment = {**os.environ, "PYTHONPATH": str(root)}
                done = subprocess.run(command, capture_output=True, text=True, env=environment)
                if done.returncode:
                    sys.exit(f"{root} does not run: {done.stderr.strip().splitlines()[-1:]}")
                result = json.loads(done.stdout.splitlines()[-1])
                best[name] = list(map(min, zip(result, best.get(name, result))))
        (old_s, old_mb), (new_s, new_mb) = best["old"], best["new"]
        print(
            f"{size:<6} {old_s:7.1f} {new_s:8.1f} {new_s / old_s:6.2f} "
            f"{old_mb:8.0f} {new_mb:8.0f} {new_mb / old_mb:6.2f}",
            flush=True,
        )


def duplicates(folder, count, python):
    """Print how many of the planted near-copies ours and the peers find, and how fast."""
    path, planted = folder / "texts.jsonl", []
    with path.open("w", encoding="utf-8") as file:
        for number, (text, origin) in zip(range(count), documents(2)):
            record = {"text": text.split("---\n", 2)[2], "id": str(number)}
            file.write(json.dumps(record, ensure_ascii=False) + "\n")
            planted += [] if origin is None else [(origin, number)]
    size = path.stat().st_size / 10**6
    print(
        f"\nNear-duplicates of {count} documents, {size:.0f} MB, {len(planted)} planted\n"
        "            seconds   MB/s  peak MB  planted found  others"
    )
    _judged("ours", alone(compare, path), planted, size)
    for name in ("rensa", "datasketch", "datatrove") if python else ():
        _judged(name, peer(python, name, path), planted, size)


def _judged(name, result, planted, size):
    if result is None:
        return
    from twinlib.corpus.dedupe import groups

    seconds, peak, pairs = result
    true_groups, detected = groups(planted), groups(pairs)
    hits = sum(i in detected and detected[i] == detected.get(j) for i, j in planted)
    wrong = sum(i not in true_groups or true_groups[i] != true_groups.get(j) for i, j in pairs)
    share = hits / max(1, len(planted))
    print(
        f"{name:10} {seconds:8.1f} {size / seconds:6.2f} {peak:8.0f} {share:14.1%} {wrong:7}",
        flush=True,
    )


def reading(folder, python):
    """Print how fast the same files are read, as Markdown and as web pages."""
    from markdown_it import MarkdownIt

    for kind in ("md", "html"):
        (folder / kind).mkdir()
        for number, (text, _) in zip(range(READ_BY_PEER), documents(3)):
            if kind == "html":
                text = MarkdownIt().render(text.split("---", 2)[2])
                text = f"<html><body>{text}</body></html>"
            (folder / kind / f"{number}.{kind}").write_text(text, encoding="utf-8")
        size = sum(path.stat().st_size for path in (folder / kind).iterdir()) / 10**6
        seconds, peak, _ = alone(read, folder / kind)
        speed = f"ours {size / seconds:.2f} MB/s, peak {peak:.0f} MB"
        print(f"\nReading {READ_BY_PEER} .{kind} files: {speed}", flush=True)
        if python and (theirs := peer(python, "markitdown", folder / kind)):
            print(f"  markitdown {size / theirs[0]:.2f} MB/s, peak {theirs[1]:.0f} MB", flush=True)


def main():
    """Read the command line and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sizes", nargs="*", type=int, default=SIZES)
    parser.add_argument("--documents", type=int, default=50_000)
    parser.add_argument("--peer-python", default="")
    parser.add_argument("--against", type=Path, help="the folder of another version")
    parser.add_argument("--chats", action="store_true", help="with --against: exports of chats")
    parser.add_argument("--as-peer", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--as-gather", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.as_gather:
        print("\n" + json.dumps(gather_only(*map(Path, options.as_gather))))
        return
    if options.as_peer:
        name, path = options.as_peer
        peers = {peer.__name__: peer for peer in (markitdown, rensa, datasketch, datatrove)}
        print("\n" + json.dumps(peers[name](Path(path))))
        return
    with tempfile.TemporaryDirectory() as folder:
        if options.against:
            fill = write_chats if options.chats else write
            versions(Path(folder), options.sizes, options.against.resolve(), fill)
            return
        scale(Path(folder), options.sizes)
        duplicates(Path(folder), options.documents, options.peer_python)
        reading(Path(folder), options.peer_python)


if __name__ == "__main__":
    main()
