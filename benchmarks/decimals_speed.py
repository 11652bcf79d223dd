"""CPU seconds of a file for a problem of '9.9 or 9.11', by stage, as before and as now.

    python benchmarks/decimals_speed.py FILE.gguf … [--problems 48] [--twin TWIN] [--ways NAME …]
                                        [--threads N] [--base BASE]

Each file answers the same problems in these ways: `alone`, one by one; `before`, sixteen at a time
in their own order with 64 tokens to think, each slot computing all of its first prompt; `now`, as
gguf/decimals.py asks llama.cpp: what prompts begin with computed once, neighbours that begin alike,
and its own number of tokens to think; `pytorch`, the file's weights in PyTorch (gguf/as_model.py)
on this machine's GPU or processor, for which --base names the base. Stages are loading, prompts (a
run in which every answer has one token) and the rest of the answers. Printed are CPU seconds of a
problem, tokens computed, right answers, answers that name one of the two numbers, and marks that
are as the first way's. The first prompts of `before` weigh more the fewer problems there are: a
whole comparison has 200. With --twin they are asked with its system prompt. Where other programs
run, CPU seconds of one thread (--threads 1) tell most: several wait for each other, and a wait
counts. Seconds on the clock stand behind them, which alone count on a GPU.
"""

import argparse
import time
from pathlib import Path

from twinlib.gguf import as_model, decimals
from twinlib.gguf.tensors import Source
from twinlib.models import load, rollouts
from twinlib.models.llama_cpp import Llama
from twinlib.text import exercises
from twinlib.twin import Twin

_BEFORE = 64  # tokens to think


class Counting(Llama):
    """Counts the tokens of prompts that llama.cpp computes; `shares`: what they begin with, once.

    Those of `chat_many`'s own sharing count, too.
    """

    def __init__(self, *options, shares=True, **named):
        self.computed, self.shares = 0, shares
        super().__init__(*options, **named)

    def _share(self, prompts, count):
        if self.shares:
            super()._share(prompts, count)

    def request(self, path, body=None, halt=None):
        return self._counted(super().request(path, body, halt))

    def _streamed(self, body, *rest):
        event = super()._streamed(body, *rest)
        return self._counted(event)

    def _counted(self, answer):
        if isinstance(answer, dict):
            self.computed += answer.get("timings", {}).get("prompt_n", 0)
        return answer


def seconds():
    """(CPU seconds of this process, seconds on the clock)."""
    return time.process_time(), time.monotonic()


def passed(since):
    """What has passed since `seconds()`."""
    return [now - then for now, then in zip(seconds(), since)]


def asked(path: Path, messages: list, threads: int | None, slots: int, shares: bool, options: dict):
    """(answers, tokens of prompts computed, [seconds of loading, asking]) of a file.

    Seconds are those of the CPU and on the clock.
    """
    started = seconds()
    with Counting(path, decimals.CONTEXT, threads=threads, slots=slots, shares=shares) as llama:
        loading, started = passed(started), seconds()
        answers = llama.chat_many(messages, temperature=0, **options)
    return answers, llama.computed, [loading, passed(started)]


def asked_in_pytorch(path: Path, messages: list, base: str, options: dict):
    """As `asked`, of the file's weights in PyTorch."""
    started, computed = seconds(), []
    prepared = load.prepare(base)
    source, tokenizer = Source(prepared.path), load.tokenizer(prepared)
    where = as_model.device(prepared, source)
    if where is None:
        raise SystemExit("PyTorch is no faster on this machine, or its memory is too small.")

    def count(module, positional, named):
        if named["input_ids"].shape[1] > 1:
            computed.append(named["input_ids"].numel())

    with as_model.opened(source, path, where) as model:
        loading, started = passed(started), seconds()
        model.register_forward_pre_hook(count, with_kwargs=True)
        tokens = options.pop("max_tokens")
        sampler = rollouts.Sampler(model, tokenizer, tokens, decimals._ROWS[where.name])
        answers = sampler.answers(messages, **options)
    return answers, sum(computed), [loading, passed(started)]


def main() -> None:
    """Print a table for each file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--problems", type=int, default=48)
    parser.add_argument("--twin")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--base", default="qwen2.5-coder-0.5b-instruct")
    names = ("alone", "before", "now", "pytorch")
    parser.add_argument("--ways", nargs="+", choices=names, default=["before", "now"])
    given = parser.parse_args()
    facts = Twin.open(given.twin, create=False).facts if given.twin else {}
    system = facts.get("system_prompt", "")
    opening = [{"role": "system", "content": system}] if system else []
    problems = exercises.unpractised(given.problems, [])
    ordered = decimals.in_order(problems)
    ways = {
        "alone": (problems, 1, True, decimals.how(problems)),
        "before": (problems, 16, False, decimals.how(problems, _BEFORE)),
        "now": (ordered, decimals.SLOTS, True, decimals.how(ordered)),
        "pytorch": (ordered, decimals.how(ordered)),
    }
    for path in given.files:
        print(f"{path.name}, {len(problems)} problems", flush=True)
        marks = None
        for name in given.ways:
            order, *how = ways[name]
            messages = [[*opening, {"role": "user", "content": exercises.ask(p)}] for p in order]
            short = {"max_tokens": 1}
            if name == "pytorch":
                _, prompts, (_, first) = asked_in_pytorch(path, messages, given.base, short)
                answers, _, spent = asked_in_pytorch(path, messages, given.base, *how)
            else:
                _, prompts, (_, first) = asked(path, messages, given.threads, *how[:2], short)
                answers, _, spent = asked(path, messages, given.threads, *how)
            (loading, _), (all_of_it, on_the_clock) = spent
            marked = _marks(order, answers)
            marks = marks or marked
            each, first = all_of_it / len(problems), first[0] / len(problems)
            print(
                f"  {name}: {each:.2f} CPU s a problem (prompts {first:.2f}, "
                f"answers {each - first:.2f}), all {on_the_clock:.1f} s on the clock, "
                f"loading {loading:.1f}; tokens a "
                f"problem {prompts / len(problems):.0f} of the prompt, "
                f"{sum(each.tokens for each in answers) / len(problems):.0f} of the answer; "
                f"{sum(right for right, _ in marked.values())} right, "
                f"{sum(named for _, named in marked.values())} named one, "
                f"{sum(marks[id] == mark for id, mark in marked.items())} marked as "
                f"{given.ways[0]}",
                flush=True,
            )


def _marks(problems, answers):
    """{problem's id: (whether right, whether it names one of the two numbers)}."""
    return {
        p["id"]: (
            exercises.is_correct(a.text, p["answer"], p["question"]),
            exercises.names_one(a.text, p),
        )
        for p, a in zip(problems, answers)
    }


if __name__ == "__main__":
    main()
