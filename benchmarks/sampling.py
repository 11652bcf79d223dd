"""How much nonsense a twin writes by way of sampling, through its GGUF file in llama.cpp.

    python benchmarks/sampling.py TWIN … [--questions N] [--tokens N]

Half of the questions are those that the score card asked, where it has run, half are everyday ones
of the twin's languages. Prints for every way of sampling how many answers are nonsense (as the
score card counts it), repeat themselves, or are in another script than the question.
"""

import argparse
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))
LLAMA = {
    "samplers": ["penalties", "top_k", "top_p", "min_p", "temperature"],
    "temperature": 0.7,
    "top_p": 0.9,
}
WAYS = {
    "temperature and top p": {
        "samplers": ["temperature", "top_p"],
        "temperature": 0.7,
        "top_p": 0.9,
    },
    "+ penalty 1.1": {**LLAMA, "top_k": 0, "min_p": 0.0, "repeat_penalty": 1.1},
    "+ top k 40": {**LLAMA, "top_k": 40, "min_p": 0.0, "repeat_penalty": 1.0},
    "+ penalty, top k": {**LLAMA, "top_k": 40, "min_p": 0.0, "repeat_penalty": 1.1},
    "+ penalty, top k, min p 0.05": {**LLAMA, "top_k": 40, "min_p": 0.05, "repeat_penalty": 1.1},
    "+ penalty, top k, min p 0.1": {**LLAMA, "top_k": 40, "min_p": 0.1, "repeat_penalty": 1.1},
}


def is_chinese(text):
    return any("\u4e00" <= character <= "\u9fff" for character in text)


def questions(twin, count):
    """The questions of the score card, then everyday ones, evenly from all."""
    from twinlib.i18n import data

    answers = twin.records("answers") if twin.file("answers").exists() else []
    asked = list(dict.fromkeys(answer["question"] for answer in answers))[: count // 2]
    languages = twin.facts.get("languages") or ("zh", "en")
    everyday = [
        text for code, texts in data("everyday").items() if code in languages for text in texts
    ]
    left = count - len(asked)
    return asked + [everyday[len(everyday) * i // left] for i in range(left)]


def flaws(llama, asked, way, tokens):
    """The set of flaws of each answer."""
    from twinlib.text import style

    def one(item):
        seed, question = item
        prompt = llama.prompt([{"role": "user", "content": question}])
        text = llama.request(
            "/completion", {"prompt": prompt, "n_predict": tokens, "seed": seed, **way}
        )["content"]
        return set(style.flaws(text, "zh" if is_chinese(question) else "en"))

    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(one, enumerate(asked, 1)))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("twins", nargs="+", metavar="TWIN")
    parser.add_argument("--questions", type=int, default=32)
    parser.add_argument("--tokens", type=int, default=120)
    asked = parser.parse_args()
    from twinlib import Twin
    from twinlib.models.llama_cpp import Llama
    from twinlib.talk.chat import gguf_file

    totals = {name: [0, 0] for name in WAYS}
    for twin in map(Twin.open, asked.twins):
        chosen = questions(twin, asked.questions)
        with Llama(gguf_file(twin)) as llama:
            for name, way in WAYS.items():
                found = flaws(llama, chosen, way, asked.tokens)
                hits = [
                    sum(map(bool, found)),
                    *(sum(kind in one for one in found) for kind in ("loop", "script")),
                ]
                totals[name] = [totals[name][0] + hits[0], totals[name][1] + len(found)]
                print(
                    f"{twin.name:12} {name:30} nonsense {hits[0]:3} of {len(found)}: "
                    f"circles {hits[1]}, other script {hits[2]}",
                    flush=True,
                )
    for name, (hits, n) in totals.items():
        print(f"{'all':12} {name:30} nonsense {hits:3} of {n}")


if __name__ == "__main__":
    main()
