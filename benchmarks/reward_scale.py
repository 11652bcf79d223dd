"""Does it matter by what GRPO divides a group's rewards?

    python benchmarks/reward_scale.py OUT [--task decimals] [--steps 100] [--scale group none]

Practises the same problems from the base once for each way of scaling ('group': by the standard
deviation of a problem's answers, 'batch': by that of all answers, 'none'), and prints how many
held-out problems are right before and after. OUT gets a twin for each. For a GPU.
"""

import argparse
import time
from pathlib import Path

from twinlib import Twin, settings
from twinlib.progress import Progress

HELD_OUT = 96


def main():
    """Practise with each scale, and print the exams."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--base", default="qwen2.5-coder-0.5b-instruct")
    parser.add_argument("--task", default="decimals")
    parser.add_argument("--problems", default="", help="a file, or a folder with train and test")
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--scale", nargs="+", default=["group", "none"])
    options = parser.parse_args()

    from twinlib.train import grpo, reasoning

    for scale in options.scale:
        grpo.SCALE_REWARDS = scale
        twin = Twin.open(str(options.out.resolve() / f"{options.task}-{scale}-{options.seed}"))
        twin.remember(base={"name": options.base})
        chosen = settings.make(
            "reasoning",
            effort="standard",
            engine="transformers",
            task=options.task,
            problems=options.problems,
            steps=options.steps,
            held_out=HELD_OUT,
            probe=0,
            seed=options.seed,
        )
        began = time.perf_counter()
        outcome = reasoning.run(twin, chosen, Progress(twin.history("reasoning"), "reasoning"))
        print(f"\n{options.task}, scaled by {scale}, {time.perf_counter() - began:.0f} s")
        for name in ("accuracy_before", "accuracy_after", "accuracy_gain", "no_signal"):
            figure = outcome.figures[name]
            print(f"  {name:16} {figure['value']:.3f}  {figure.get('note') or ''}")


if __name__ == "__main__":
    main()
