"""An English base that reads Chinese before it becomes a twin: what it gains and what it costs.

    python benchmarks/text_stage.py BASE TEXTS ENGLISH [--tokens 60000] [--persona-tokens 20000]
                                    [--folder FOLDER]

BASE is a catalogue name or a folder, such as SmolLM2 135M; TEXTS a folder of Chinese essays (.md or
.txt), of which every tenth is held out; ENGLISH a folder of English ones. Printed: bits a character
of the held-out Chinese and of the English for the base, after a text-only stage on the essays
(train/text_stage.py), and after step 02's kind of rows (an instruction and a passage as its answer)
on top of each; and the seconds of each. With a GPU give it all tokens: `--tokens 2000000`.
"""

import argparse
import math
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import random_models  # noqa: F401 (it finds twinlib)

LENGTH = 512
INSTRUCTION = "用你自己的口吻写一段话。"


def texts_of(folder):
    files = sorted(p for p in Path(folder).rglob("*") if p.suffix in (".md", ".txt"))
    return [path.read_text(encoding="utf-8", errors="replace") for path in files]


def parts(texts, size):
    """Pieces of some `size` characters."""
    return [text[i : i + size] for text in texts for i in range(0, len(text) - size // 2, size)]


def bits(model, tokenizer, texts):
    """Bits a character of texts, each by itself."""
    from twinlib.models import generate

    nats = sum(value for value, _ in generate.nll(model.eval(), tokenizer, texts, length=2048))
    return nats / math.log(2) / sum(map(len, texts))


def settings_for(tokens, base, rate):
    from twinlib import settings
    from twinlib.models.plan import derive, machine

    chosen = settings.make(
        "persona",
        base=str(base),
        length=LENGTH,
        packing=True,
        batch=4 if machine()["gpu"] else 2,
        accumulation=2,
        rank=32,
        learning_rate=rate,
        checkpointing="none",
        compile=False,
        engine="transformers",
    )
    found = settings.resolve(chosen, derive("persona", chosen, machine(), {}).values)
    return replace(found, steps=max(2, round(tokens / (LENGTH * found.batch * 2))))


def persona(base, essays, tokens, folder):
    """A model after step 02's kind of rows, and its tokenizer."""
    from twinlib.models import load, special_tokens
    from twinlib.train.trainer import packed_trainer

    settings = settings_for(tokens, base, 4e-4)
    model, tokenizer = load.load(
        load.prepare(str(base)), None, settings.precision, load.Lora(settings.rank)
    )
    _, end = load.turn_end(tokenizer)
    asked = {"role": "user", "content": INSTRUCTION}
    rows = [
        {"messages": [asked, {"role": "assistant", "content": text}]} for text in parts(essays, 250)
    ]
    encoded = [special_tokens.row(tokenizer, {"kind": "qa", **row}, end, LENGTH) for row in rows]
    data = {"train": [row for row in encoded if row], "val": []}
    trainer = packed_trainer(model, tokenizer, data, settings, Path(folder), 10**6)
    trainer.args.save_strategy = "no"
    trainer.train()
    return model, tokenizer


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("base")
    parser.add_argument("texts")
    parser.add_argument("english")
    parser.add_argument("--tokens", type=int, default=60_000)
    parser.add_argument("--persona-tokens", type=int, default=20_000)
    parser.add_argument("--held-out", type=int, default=12, help="passages of each language")
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    from twinlib.models import load
    from twinlib.progress import Progress
    from twinlib.text.spacing import evenly
    from twinlib.train import text_stage
    from twinlib.train.callbacks import silence_logging

    silence_logging()
    folder = options.folder or Path(tempfile.mkdtemp())
    folder.mkdir(parents=True, exist_ok=True)
    essays = texts_of(options.texts)
    held_out = evenly(parts(essays[::10], 300), options.held_out)
    learnt = [text for i, text in enumerate(essays) if i % 10]
    english = evenly(parts(texts_of(options.english), 600), options.held_out)

    def say(name, model, tokenizer, began):
        found = [bits(model, tokenizer, texts) for texts in (held_out, english)]
        seconds = time.monotonic() - began
        print(f"{name:34} {found[0]:6.3f} {found[1]:6.3f}   {seconds:5.0f} s", flush=True)

    print(f"{'bits a character':34} {'zh':>6} {'en':>6}", flush=True)
    began = time.monotonic()
    base = load.prepare(options.base)
    say("base", *load.load(base), began)
    began = time.monotonic()
    stage = settings_for(options.tokens, options.base, 4e-4)
    read = folder / "read"
    if not read.exists():
        text_stage.run(options.base, learnt, read, stage, Progress(folder / "history.jsonl"))
    say(f"after {options.tokens} tokens of text", *load.load(load.prepare(str(read))), began)
    for name, start in (("persona alone", options.base), ("text, then persona", read)):
        began = time.monotonic()
        model = persona(start, learnt, options.persona_tokens, folder / "out")
        say(f"{name} ({options.persona_tokens})", *model, began)


if __name__ == "__main__":
    main()
