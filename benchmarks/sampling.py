"""How often a twin writes nonsense with various sampling settings, by its GGUF file in llama.cpp.

    python benchmarks/sampling.py TWIN … [--questions N] [--tokens N]

Half of the questions are those of the score card, if it has run, the others everyday ones in the
twin's languages. Prints for each sampling how many answers are nonsense (as the score card counts
it), repeat themselves, or are in another script than the question.
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
SAMPLINGS = {
    "temperature and top p": {**LLAMA, "samplers": ["temperature", "top_p"]},
    "+ penalty 1.1": {**LLAMA, "top_k": 0, "min_p": 0.0, "repeat_penalty": 1.1},
    "+ top k 40": {**LLAMA, "top_k": 40, "min_p": 0.0, "repeat_penalty": 1.0},
    "+ penalty, top k": {**LLAMA, "top_k": 40, "min_p": 0.0, "repeat_penalty": 1.1},
    "+ penalty, top k, min p 0.05": {**LLAMA, "top_k": 40, "min_p": 0.05, "repeat_penalty": 1.1},
    "+ penalty, top k, min p 0.1": {**LLAMA, "top_k": 40, "min_p": 0.1, "repeat_penalty": 1.1},
}


def is_chinese(text):
    return any("\u4e00" <= character <= "\u9fff" for character in text)


def questions(twin, count):
    """The questions of the score card, then everyday ones at even distances from all."""
    from twinlib.i18n import data

    answers = twin.records("answers") if twin.file("answers").exists() else []
    asked = list(dict.fromkeys(answer["question"] for answer in answers))[: count // 2]
    languages = twin.facts.get("languages") or ("zh", "en")
    everyday = [
        text for code, texts in data("everyday").items() if code in languages for text in texts
    ]
    missing = count - len(asked)
    return asked + [everyday[len(everyday) * i // missing] for i in range(missing)]


def flaws(llama, questions, sampling, tokens):
    """The set of flaws of each answer."""
    from twinlib.text import style

    def flaws_of(question, seed):
        prompt = llama.prompt([{"role": "user", "content": question}])
        body = {"prompt": prompt, "n_predict": tokens, "seed": seed, **sampling}
        text = llama.request("/completion", body)["content"]
        return set(style.flaws(text, "zh" if is_chinese(question) else "en"))

    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(flaws_of, questions, range(1, len(questions) + 1)))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("twins", nargs="+", metavar="TWIN")
    parser.add_argument("--questions", type=int, default=32)
    parser.add_argument("--tokens", type=int, default=120)
    options = parser.parse_args()
    from twinlib import Twin
    from twinlib.models.llama_cpp import Llama
    from twinlib.talk.voices import gguf_file

    flaws_by_name = {name: [] for name in SAMPLINGS}
    for twin in map(Twin.open, options.twins):
        chosen = questions(twin, options.questions)
        with Llama(gguf_file(twin)) as llama:
            for name, sampling in SAMPLINGS.items():
                answers = flaws(llama, chosen, sampling, options.tokens)
                flaws_by_name[name] += answers
                loops, scripts = (sum(k in a for a in answers) for k in ("loop", "script"))
                print(
                    f"{twin.name:12} {name:30} nonsense {sum(map(bool, answers)):3} of "
                    f"{len(answers)}: circles {loops}, other script {scripts}",
                    flush=True,
                )
    for name, answers in flaws_by_name.items():
        print(f"{'all':12} {name:30} nonsense {sum(map(bool, answers)):3} of {len(answers)}")


if __name__ == "__main__":
    main()
