"""Whether answers that compare two numbers are marked by what they say.

    python benchmarks/marking.py [--base B] [--problems 16] [--copies 3] [--tokens 96]
    python benchmarks/marking.py --kept FILE [--show]

The base answers “Which is larger?” at the temperature of practice, in both languages. Of the
answers whose last comparison of the two numbers is written in one of six plain ways, and that have
no number after an answer marker, the command prints how many are marked as that comparison says,
beside marking by the last number. `--keep FILE` writes the answers, as JSON lines {question,
answer, text}, and `--kept FILE` reads them instead of asking.
"""

import argparse
import json
import re
import sys
from decimal import Decimal
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from twinlib.text import exercises, numerals, tasks
from twinlib.text.tasks import task_decimals

_NUMBER = r"(\d+\.\d+)"
_MORE = (
    r"\s*(?:is|are)?\s*(?:\w+ )?(?:larger|bigger|greater)\s*than\s*",
    r"\s*>\s*",
    r"\s*大于\s*",
)
_LESS = (r"\s*(?:is|are)?\s*(?:\w+ )?(?:less|smaller)\s*than\s*", r"\s*<\s*", r"\s*小于\s*")


def said(question: str, text: str) -> Decimal | None:
    """The number that the last plain comparison of a question's two numbers says to be larger."""
    pair, found = set(re.findall(_NUMBER, question)), []
    for patterns, larger in ((_MORE, 1), (_LESS, 2)):
        for pattern in patterns:
            for match in re.finditer(_NUMBER + pattern + _NUMBER, text):
                if set(match.groups()) == pair:
                    found.append((match.start(), Decimal(match[larger])))
    return max(found)[1] if found else None


def answered(base_name: str, count: int, copies: int, tokens: int, seed: int) -> list[dict]:
    """Answers [{question, answer, text}] of a base to problems of practice."""
    from twinlib.models import load, rollouts

    problems = [p for p in task_decimals.generate(12 * count, seed) if p["about"] == "number"]
    problems = problems[:: len(problems) // count][:count]
    model, tokenizer = load.load(load.prepare(base_name), None, "16-bit")
    asked = [[{"role": "user", "content": tasks.ask(problem)}] for problem in problems]
    answers = rollouts.answers(model, tokenizer, asked, tokens, 1.0, copies=copies)
    return [
        {"question": p["question"], "answer": p["answer"], "text": answer.text}
        for i, p in enumerate(problems)
        for answer in answers[i * copies : (i + 1) * copies]
    ]


def main() -> None:
    """Print the counts."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--base", default="qwen2.5-coder-0.5b-instruct")
    parser.add_argument("--problems", type=int, default=16)
    parser.add_argument("--copies", type=int, default=3)
    parser.add_argument("--tokens", type=int, default=96)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--kept", type=Path)
    parser.add_argument("--show", action="store_true", help="those that are marked otherwise")
    given = parser.parse_args()
    if given.kept:
        lines = given.kept.read_text(encoding="utf-8").splitlines()
        answers = [json.loads(line) for line in lines]
    else:
        answers = answered(given.base, given.problems, given.copies, given.tokens, given.seed)
    if given.keep:
        lines = [json.dumps(answer, ensure_ascii=False) + "\n" for answer in answers]
        given.keep.write_text("".join(lines), encoding="utf-8")
    unmarked, stating, as_said, by_last = 0, 0, 0, 0
    for each in answers:
        marked = exercises.marked_answers(each["text"])
        if marked and re.search(r"\d", marked[-1]):
            continue
        unmarked += 1
        larger = said(each["question"], each["text"])
        if larger is None:
            continue
        right = larger == Decimal(each["answer"])
        agrees = right == exercises.is_correct(each["text"], each["answer"], each["question"])
        last = numerals.last(numerals.plainly(each["text"]))
        stating, as_said = stating + 1, as_said + agrees
        by_last += right == (last == Decimal(each["answer"]))
        if given.show and not agrees:
            print(f"says {larger}, right is {each['answer']}: {each['text']!r}")
    print(f"{len(answers)} answers, {unmarked} without a number after an answer marker")
    print(f"of these {stating} compare the two numbers; marked as they say:")
    print(f"  by the comparison {as_said}, by the last number {by_last}")


if __name__ == "__main__":
    main()
