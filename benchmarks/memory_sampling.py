"""How an answer with passages before it should be drawn: questions with a known answer.

    python benchmarks/memory_sampling.py TWIN FILE

FILE is one of memory_questions/*_kept.jsonl. The best GGUF file of the finished twin answers each
of its questions that the memory finds passages for, at several temperatures, with and without a
penalty for repeated words. Printed are the answers that have the right word, and those that are
supported by a passage.
"""

import argparse
from pathlib import Path

from twinlib import Twin
from twinlib.evaluate import facts
from twinlib.files import read_records
from twinlib.memory.recall import Memory, with_passages
from twinlib.talk.voices import Voices, system_prompt

WAYS = ((0.7, 1.1), (0.7, 1.0), (0.2, 1.1), (0.2, 1.0), (0.0, 1.0))
TOKENS = 100


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("twin", type=Path)
    parser.add_argument("file", type=Path)
    arguments = parser.parse_args()
    twin = Twin(arguments.twin)
    memory, asked = Memory(twin), []
    for record in read_records(arguments.file, ""):
        turn = {"role": "user", "content": record["question"]}
        recall = memory.recall([turn])
        if record.get("answer") and recall.passages and not (recall.refusal or recall.told):
            system = system_prompt(twin, "file", record["question"])
            turns = [{"role": "system", "content": system}] if system else []
            asked.append((record, recall, turns + with_passages(recall.passages, [turn])))
    with Voices(twin) as voices:
        llama = voices.llama()
        print("| temperature | repeat penalty | right | supported | of |\n|---|---|---|---|---|")
        for temperature, penalty in WAYS:
            right = supported = 0
            for record, recall, turns in asked:
                how = {"seed": 1, "recommended": True, "repeat_penalty": penalty}
                text = llama.chat(turns, TOKENS, temperature, **how).text
                right += any(facts.is_right({"answer": a}, text) for a in record["answer"])
                supported += not memory.cited(recall, text).instead
            print(
                f"| {temperature} | {penalty} | {right} | {supported} | {len(asked)} |", flush=True
            )


if __name__ == "__main__":
    main()
