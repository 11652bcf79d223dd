"""What the probe of step 03 says of several bases and tasks, and how long it takes.

    python benchmarks/probes.py OUT [--bases NAME …] [--tasks NAME[=FILE] …] [--tokens 320]

Prints for each base and task pass@1 and pass@8 with the interval, the share of problems that are
right sometimes, the length that answers would get, the sentence, and the share by level. OUT gets a
twin for each base. A task's problems come from FILE, or as in step 03.
"""

import argparse
import json
import time
from collections import defaultdict
from pathlib import Path

from twinlib import Twin, settings
from twinlib.i18n import choose
from twinlib.progress import Progress

BASES = ("qwen2.5-coder-0.5b-instruct", "qwen2.5-coder-1.5b-instruct")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--bases", nargs="+", default=BASES)
    parser.add_argument("--tasks", nargs="+", default=["decimals"])
    parser.add_argument("--tokens", type=int, default=320)
    parser.add_argument("--probe", type=int, default=64)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)

    from twinlib.train import probe, probe_command

    for base in options.bases:
        for task in options.tasks:
            name, _, file = task.partition("=")
            twin = Twin.open(str(options.out.resolve() / f"{base}-{name}"))
            twin.remember(base={"name": base})
            chosen = settings.make(
                "probe",
                effort="standard",
                task=name,
                problems=file,
                probe=options.probe,
                completion_tokens=options.tokens,
            )
            began = time.perf_counter()
            probe_command.run(twin, chosen, Progress(None, "probe"))
            found = probe.kept(twin)
            print(f"\n{base}, {name}: {time.perf_counter() - began:.0f} s with loading")
            _print(found, choose(probe.said(found)))


def _print(found, sentence):
    low, high = found["pass_at_8_low"], found["pass_at_8_high"]
    n, levels = len(found["problems"]), defaultdict(list)
    for each in found["problems"]:
        levels[each["level"]].append(each["right"] / each["tries"])
    first, best = found["pass_at_1"], found["pass_at_8"]
    print(f"  pass@1 {first:.3f}, pass@8 {best:.3f} ({low:.3f} to {high:.3f})")
    print(f"  sometimes right: {found['inside']} of {n}; cut off {found['clipped']:.1%}")
    print(f"  tokens for answers: {found['completion_tokens']}; verdict: {found['verdict']}")
    print(f"  {sentence}")
    for level, shares in sorted(levels.items()):
        print(f"    {level or '-':20} {sum(shares) / len(shares):.2f} of {len(shares)}")
    print(json.dumps({k: v for k, v in found.items() if k != "problems"}), flush=True)


if __name__ == "__main__":
    main()
