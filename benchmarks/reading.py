"""Does training cost a small twin its reading, and what should it be shown to read?

    python benchmarks/reading.py TWIN BASE.gguf FILE … [--each 12] [--seed 1]

TWIN has run `twinlib memory`, has a base under a billion parameters, and a GGUF file; BASE.gguf is
its base. Of the questions of all FILEs (memory_questions/) that the memory answers, `--each` are
drawn in each language. Base and twin are asked the same, greedily: with the passages found before
the question, and with only the author's sentences in them that are nearest to it. Printed are the
answers, how many of them have the fact, and how many reach the reader as a sentence of the twin's
own (memory/rephrased.py), and the fact in these; then the facts in the sentences themselves.
"""

import argparse
import random
from pathlib import Path

from twinlib.files import read_records
from twinlib.memory import lexical, rephrased
from twinlib.memory.recall import Memory, with_passages
from twinlib.models.llama_cpp import Llama
from twinlib.talk import voices
from twinlib.text.script import language_of
from twinlib.twin import Twin

TOKENS = 50  # of an answer
CONTEXT = 2048


def drawn(memory: Memory, files: list[Path], each: int, seed: int) -> list[tuple]:
    """(record, conversation, recall) of so many questions in each language."""
    records = [record for file in files for record in read_records(file) if record.get("answer")]
    random.Random(seed).shuffle(records)
    found = {"en": [], "zh": []}
    for record in records:
        chosen = found[language_of(record["question"])]
        if len(chosen) < each:
            turns = [{"role": "user", "content": record["question"]}]
            recall = memory.recall(turns)
            if recall.passages and not (recall.refusal or recall.told):
                chosen.append((record, turns, recall))
    return found["en"] + found["zh"]


def has_fact(record: dict, text: str) -> bool:
    """Whether a text has one of the right answers."""
    return any(answer.lower() in text.lower() for answer in record["answer"])


def own_sentence(memory: Memory, recall, text: str) -> str:
    """The first sentence of an answer, as it reaches the reader; '' where it doesn't."""
    first = next(iter(lexical.sentences(text)), "")
    best = memory.own_places(recall)[:1]
    if not first or not best:
        return ""
    passage = recall.searched[best[0].passage]
    return rephrased.said_of(first, recall.question, best[0].text, passage)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("twin", type=Path)
    parser.add_argument("base", type=Path)
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--each", type=int, default=12)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    twin = Twin.open(given.twin, create=False)
    memory = Memory(twin)
    asked = drawn(memory, given.files, given.each, given.seed)
    shown = {
        "passages": lambda recall, turns: with_passages(recall.passages, turns),
        "sentences": memory.given,
    }
    for who, path in (("base", given.base), ("twin", voices.gguf_file(twin))):
        with Llama(path, CONTEXT) as llama:
            for name, before in shown.items():
                said = right = passed = passed_right = 0
                for record, turns, recall in asked:
                    system = voices.system_prompt(twin, "file", record["question"])
                    turns = [{"role": "system", "content": system}, *before(recall, turns)]
                    text = llama.chat(turns, TOKENS, 0).text
                    own = own_sentence(memory, recall, text)
                    said, right = said + 1, right + has_fact(record, text)
                    passed, passed_right = passed + bool(own), passed_right + has_fact(record, own)
                    print(f"{who}, {name}: {record['question']}\n   {text}\n   [{own}]", flush=True)
                print(f"{who}, {name}: fact in {right} of {said} answers; own sentences {passed}, ")
                print(f"   of these {passed_right} with the fact", flush=True)
    places = [(record, memory.own_places(recall)) for record, _, recall in asked]
    every = sum(has_fact(record, "\n".join(p.text for p in found)) for record, found in places)
    best = sum(has_fact(record, found[0].text) for record, found in places if found)
    print(f"the sentences themselves: fact in {every} of {len(asked)}, in the likeliest {best}")


if __name__ == "__main__":
    main()
