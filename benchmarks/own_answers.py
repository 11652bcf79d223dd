"""Does practice on a creator's own answers bring the model's answers nearer to theirs?

    python benchmarks/own_answers.py OUT [--base NAME] [--steps 100] [--minutes M] [--table FILE]

The creator is made up: Marn, who keeps a boatyard, with 300 answered questions (question, answer,
steps), two thirds in prose and one third numbers, made by this program and always the same. Step 03
practises on a table of them, from the base, and is examined on questions that it never saw. Prints,
before and after: nearness to Marn's own answers (train/nearness.py) with a paired test, how long
the answers are beside his, and how many numbers are right. `--table` only writes the table. OUT
gets a twin with all answers.
"""

import argparse
import csv
import json
import random
import time
from pathlib import Path
from typing import NamedTuple

from twinlib import Twin, settings
from twinlib.progress import Progress

HELD_OUT = 90
MOST_LONGER = 1.2  # times as long as Marn's
COLUMNS = ("question", "answer", "steps")


class Thing(NamedTuple):
    """What Marn is asked about: what it wears out by, how often it is looked at, what it costs."""

    name: str
    enemy: str
    every: str
    look_for: str
    years: int
    price: int
    mend: bool


THINGS = (
    Thing(
        "mooring line", "chafe", "every second Friday", "a furry inch near the cleat", 5, 40, False
    ),
    Thing(
        "bilge pump", "hair and wood shavings", "every Sunday", "a hum without water", 6, 85, True
    ),
    Thing("teak deck", "scrubbing", "twice a year", "black seams", 30, 3200, True),
    Thing(
        "anchor chain",
        "rust at one link",
        "each spring",
        "a link thinner than its neighbour",
        12,
        260,
        False,
    ),
    Thing(
        "outboard engine",
        "old fuel",
        "every ten hours",
        "a plug black as liquorice",
        15,
        1900,
        True,
    ),
    Thing("fender", "sun", "each autumn", "a skin that sticks to the hand", 7, 30, False),
    Thing("rudder bearing", "sand", "each winter", "play of a matchstick", 10, 140, True),
    Thing("genoa sheet", "the winch", "every month", "a flat spot", 4, 60, False),
    Thing(
        "hull paint",
        "growth",
        "every second spring",
        "a green beard at the waterline",
        2,
        220,
        True,
    ),
    Thing("shore cable", "salt in the plug", "every week", "a brown pin", 8, 110, False),
    Thing("life jacket", "damp", "each May", "a cartridge with a spot on it", 10, 130, False),
    Thing("seacock", "being left alone", "every month", "a lever that argues", 15, 75, True),
    Thing(
        "battery",
        "being emptied",
        "every fortnight",
        "less than twelve and a half volts",
        5,
        180,
        False,
    ),
    Thing(
        "mainsail",
        "flogging",
        "each autumn",
        "stitches that come out with a fingernail",
        9,
        1400,
        True,
    ),
    Thing("winch", "old grease", "each winter", "a pawl that doesn't click", 25, 620, True),
    Thing("hatch seal", "sun", "each September", "a shine where it should be dull", 6, 35, False),
    Thing("propeller", "stray current", "at every haul-out", "pink metal", 14, 310, True),
    Thing("compass", "a speaker beside it", "each spring", "a bubble", 40, 190, True),
    Thing("rope ladder", "damp storage", "each May", "a rung that turns", 8, 55, False),
    Thing("stove hose", "its date", "each April", "a crack when you bend it", 5, 25, False),
)

CLOSINGS = {
    True: "Mend it while it is small.",
    False: "Buy it once, and write the date on it.",
}
SALT = "Salt never sleeps."

# (question, answer, steps) in prose; the answers begin with the verdict.
PROSE = (
    (
        "How often should I check my {name}?",
        "{Every}. Look for {look_for}; that is {enemy} saying good morning. It takes two minutes "
        "with a cup of tea in the other hand. " + SALT,
        "First the enemy: {enemy}. Then the sign: {look_for}. Then the day: {every}.",
    ),
    (
        "How do I know that my {name} is finished?",
        "By {look_for}. When you see that, {enemy} has won, and you stop arguing. At my yard a "
        "{name} lasts {years} years. {closing}",
        "First the sign: {look_for}. Then the age: {years} years. Then the decision: {verb}.",
    ),
    (
        "Is it worth repairing an old {name}?",
        "{Yes_no}. A new one is {price} and lasts {years} years; do the sum on the back of an "
        "envelope. What kills it is {enemy}, and that you can keep away. {closing}",
        "First the price: {price}. Then the years: {years}. Then the decision: {verb}.",
    ),
    (
        "What makes a {name} last longer?",
        "Keep {enemy} away from it, that is all. I look {every} for {look_for}, and mine are "
        "{years} years old. " + SALT,
        "First the enemy: {enemy}. Then the sign: {look_for}. Then the habit: {every}.",
    ),
    (
        "What do beginners get wrong with a {name}?",
        "They look at it once, in the shop. It is {enemy} that ends it, and {enemy} comes slowly. "
        "Look {every}. {closing}",
        "First the fault: looking once. Then the enemy: {enemy}. Then the habit: {every}.",
    ),
    (
        "Would you buy a used {name}?",
        "No. You don't know who kept it, and {enemy} doesn't tell. If you must, take it into the "
        "light and look for {look_for}. {closing}",
        "First who kept it. Then the sign: {look_for}. Then the price of a new one: {price}.",
    ),
    (
        "What do I do with my {name} in winter?",
        "Take it home, rinse it, and hang it where air goes around it. Write on a label what you "
        "saw: {look_for}, or nothing. In spring you will have forgotten. " + SALT,
        "First fresh water. Then air. Then the label: {look_for}, or nothing.",
    ),
    (
        "My neighbour says that a {name} needs no care. Is he right?",
        "No. Ask him again in {years} years. I have buried more than one of them, and each time it "
        "was {enemy}. {Every} you look, and that is the care.",
        "First his claim. Then the enemy: {enemy}. Then the years: {years}.",
    ),
    (
        "A new {name} is so expensive. Can I save on it?",
        "On the name, yes, on the thing, no. {price} over {years} years is less than your coffee. "
        "Save on {enemy}: keep it away, and the next one waits. {closing}",
        "First the price: {price}. Then the years: {years}. Then the enemy: {enemy}.",
    ),
    (
        "What is the first thing that you look at on a {name}?",
        "Whether there is {look_for}. It tells me who owns the boat, and whether {enemy} does. The "
        "rest I look at afterwards, {every}. " + SALT,
        "First the sign: {look_for}. Then the enemy: {enemy}. Then the rest.",
    ),
)
# The same with one number as the answer, and the steps that lead to it.
NUMBERS = (
    (
        "A new {name} costs {price} and lasts {years} years with me. What do {count} boats pay in "
        "{span} years, if each buys one whenever the old one is done?",
        lambda thing, count, span: thing.price * count * -(-span // thing.years),
        "New ones a boat: {span} / {years}, rounded up, is {each}. All boats: {each} * {count} = "
        "{all}. Money: {all} * {price} = {answer}.",
    ),
    (
        "I check {count} boats, and a {name} takes me 2 minutes on each. How many minutes is that "
        "in {span} rounds?",
        lambda thing, count, span: 2 * count * span,
        "One round: 2 * {count} = {round}. All rounds: {round} * {span} = {answer}.",
    ),
    (
        "Of {count} boats each needs {span} metres for a {name}, and I have 7 metres left over. "
        "How many metres did I buy?",
        lambda thing, count, span: count * span + 7,
        "Used: {count} * {span} = {used}. Bought: {used} + 7 = {answer}.",
    ),
)


def rows() -> list[dict]:
    """Marn's 300 rows {question, answer, steps}, the same at every call."""
    made, rng = [], random.Random(20)
    for thing in THINGS:
        words = thing._asdict() | {
            "Every": thing.every[0].upper() + thing.every[1:],
            "Yes_no": "Yes" if thing.mend else "No",
            "verb": "mend" if thing.mend else "buy",
            "closing": CLOSINGS[thing.mend],
        }
        made += [(*texts, words) for texts in PROSE]
        for number in range(5):
            question, compute, steps = NUMBERS[number % len(NUMBERS)]
            count, span = rng.randint(3, 14), rng.randint(6, 40)
            answer = compute(thing, count, span)
            each = -(-span // thing.years)
            values = {"each": each, "all": each * count, "round": 2 * count, "used": count * span}
            values |= {"count": count, "span": span, "answer": answer}
            made.append((question, "{answer}", steps, words | values))
    return [
        {name: text.format(**words) for name, text in zip(COLUMNS, texts)} for *texts, words in made
    ]


def write_table(path: Path) -> None:
    """The rows as the CSV table that a creator would have."""
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--base", default="qwen2.5-coder-0.5b-instruct")
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--rate", type=float, default=2e-5)
    parser.add_argument("--tokens", type=int, default=160)
    parser.add_argument("--batch", type=int, default=32, help="answers a step")
    parser.add_argument("--minutes", type=float, default=0, help="of training at most; 0: no limit")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--scale-rewards", choices=("group", "batch", "none"), default="group")
    parser.add_argument("--table", type=Path)
    options = parser.parse_args()
    if options.table:
        write_table(options.table)
        return
    options.out.mkdir(parents=True, exist_ok=True)
    table = options.out / "marn.csv"
    write_table(table)

    from twinlib.models import embed
    from twinlib.train import grpo, reasoning

    grpo.SCALE_REWARDS = options.scale_rewards
    twin = Twin.open(str(options.out.resolve() / "twin"))
    twin.remember(base={"name": options.base})
    chosen = settings.make(
        "reasoning",
        effort="standard",
        task="file",
        problems=str(table),
        steps=options.steps,
        learning_rate=options.rate,
        completion_tokens=options.tokens,
        batch=options.batch,
        held_out=HELD_OUT,
        probe=0,
        seed=options.seed,
    )
    if options.minutes:
        _limit(options.minutes)
    began = time.perf_counter()
    progress = Progress(twin.history("reasoning"), "reasoning")
    outcome = reasoning.run(twin, chosen, progress)
    seconds = time.perf_counter() - began
    found = {name: figure["value"] for name, figure in outcome.figures.items()}
    print(f"\n{options.base}, {options.steps} steps, {seconds:.0f} s")
    print(f"  meaning compared by {embed.embedder().name}")
    for name, figure in outcome.figures.items():
        low, high = figure.get("low"), figure.get("high")
        bounds = "" if low is None else f" ({low:.3f} to {high:.3f})"
        note = figure.get("note") or ""
        print(f"  {name:18} {figure['value']:.3f}{bounds}  n={figure.get('n')}  {note}")
    nearer = outcome.figures["nearness_gain"]["low"] > 0
    short = found["length_ratio"] <= MOST_LONGER
    print(f"  nearer than before: {nearer}; at most 20 % longer than Marn's: {short}")
    print("  warnings:", *outcome.warnings)
    for record in _some(twin, 4):
        print(f"\n  {record['when']}: {record['question']}\n    marn: {record['answer']}")
        print(f"    said ({record.get('near')}): {record['text'][:400]}")
    (options.out / "own_answers.json").write_text(json.dumps(outcome.figures, indent=1))


def _limit(minutes):
    """Let training end after some minutes, however many steps that are."""
    from transformers import TrainerCallback

    from twinlib.train import grpo

    class Limit(TrainerCallback):
        def on_train_begin(self, *_, **__):
            self.end = time.monotonic() + 60 * minutes

        def on_step_end(self, args, state, control, **_):
            control.should_training_stop = time.monotonic() > self.end

    make = grpo.make_trainer

    def limited(*arguments):
        trainer, callback = make(*arguments)
        trainer.add_callback(Limit())
        return trainer, callback

    grpo.make_trainer = limited


def _some(twin, count):
    records = [record for record in twin.records("solutions") if "near" in record]
    shown = [record["id"] for record in records if record["when"] == "after"][:count]
    return [record for name in shown for record in records if record["id"] == name]


if __name__ == "__main__":
    main()
