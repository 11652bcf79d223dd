"""How fast a file answers the problems of '9.9 or 9.11', and whether batching changes its answers.

    python benchmarks/decimals_speed.py FILE.gguf … [--problems 20] [--twin TWIN] [--threads N]

Each file answers the same problems one by one, four at a time to the end of each answer of up to
128 tokens (as it was before), and as gguf/decimals.py asks now. Printed are seconds, CPU seconds of
all cores, tokens, right answers, answers that name one of the two numbers, and how many are marked
as one by one. With --twin they are asked with its system prompt. Where other programs run, CPU
seconds of one thread (--threads 1) tell most: several wait for each other, and a wait counts.
"""

import argparse
import time
from pathlib import Path

from twinlib.gguf import decimals
from twinlib.models.llama_cpp import SLOTS, Llama
from twinlib.text import exercises
from twinlib.twin import Twin

_BEFORE = 128  # tokens of an answer


def asked(path: Path, messages: list, threads: int | None, slots: int, max_tokens: int, **options):
    """(answers, seconds, CPU seconds) of a file, with its loading."""
    started, busy = time.perf_counter(), time.process_time()
    with Llama(path, decimals.CONTEXT, threads=threads, slots=slots) as llama:
        answers = llama.chat_many(messages, max_tokens, temperature=0, **options)
    return answers, time.perf_counter() - started, time.process_time() - busy


def main() -> None:
    """Print a table for each file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--problems", type=int, default=20)
    parser.add_argument("--twin")
    parser.add_argument("--threads", type=int)
    given = parser.parse_args()
    facts = Twin.open(given.twin, create=False).facts if given.twin else {}
    system = facts.get("system_prompt", "")
    opening = [{"role": "system", "content": system}] if system else []
    problems = exercises.unpractised(given.problems, [])
    messages = [[*opening, {"role": "user", "content": exercises.ask(p)}] for p in problems]
    sorting = {"top_k": 0, "samplers": ["penalties", "top_k", "temperature", "top_p", "min_p"]}
    now = decimals.how(problems)
    ways = {
        "one by one": {**now, "slots": 1},
        f"{SLOTS} at a time, as before": {"slots": SLOTS, "max_tokens": _BEFORE, **sorting},
        f"{decimals.SLOTS} at a time, to the number": {**now, "slots": decimals.SLOTS},
    }
    for path in given.files:
        print(f"{path.name}, {len(problems)} problems")
        found = {name: asked(path, messages, given.threads, **way) for name, way in ways.items()}
        [alone, *_], [_, _, before], _ = found.values()
        marks = _marks(problems, alone)
        for name, (answers, seconds, busy) in found.items():
            marked = _marks(problems, answers)
            print(
                f"  {name}: {seconds:.1f} s, {busy:.1f} CPU s ({busy / len(problems):.2f} each, "
                f"{before / busy:.1f} times as fast as before), "
                f"{sum(each.tokens for each in answers)} tokens, "
                f"{sum(right for right, _ in marked)} right, "
                f"{sum(named for _, named in marked)} named one, "
                f"{sum(one == many for one, many in zip(marks, marked))} marked as one by one",
                flush=True,
            )


def _marks(problems, answers):
    """[(whether right, whether it names one of the two numbers)]."""
    return [
        (exercises.is_correct(a.text, p["answer"]), exercises.names_one(a.text, p))
        for p, a in zip(problems, answers)
    ]


if __name__ == "__main__":
    main()
