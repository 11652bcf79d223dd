"""What a twin learnt and how it answers at several scales of its adapter.

    python benchmarks/lora_scale.py TWIN [SCALE …] [--tokens 90] [--seed 1]

A scale is a share of the adapter as it was trained: 0 is the base. For each scale: the mean loss on
the answers of the held-out rows, in nats a token, and the answers to the first held-out questions
and to QUESTIONS, for people to read.
"""

import argparse

from twinlib import Twin
from twinlib.models import generate, load, special_tokens
from twinlib.text import templates
from twinlib.text.samples import in_turn
from twinlib.train.persona import scale_adapter

QUESTIONS = (
    "Who are you?",
    "你是谁？",
    "What makes a good day?",
    "钱重要吗？",
    "What did you learn from your teacher?",
    "怎样交朋友？",
    "Are you happy?",
    "给年轻人一句忠告。",
)
HELD_OUT = 8


def held_out_loss(model, tokenizer, rows) -> float:
    """Mean loss over the answers of `rows`, in nats a token."""
    import torch

    _, end = load.turn_end(tokenizer)
    nats, tokens = 0.0, 0
    for row in rows:
        encoded = special_tokens.row(tokenizer, row, end)
        ids = torch.tensor([encoded.input_ids], device=model.device)
        learnt = torch.tensor(encoded.completion_mask[1:], device=model.device, dtype=torch.bool)
        with torch.inference_mode():
            logits = model(input_ids=ids).logits[0, :-1][learnt].float()
        loss = torch.nn.functional.cross_entropy(logits, ids[0, 1:][learnt], reduction="sum")
        nats, tokens = nats + loss.item(), tokens + int(learnt.sum())
    return nats / tokens


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("twin")
    parser.add_argument("scales", nargs="*", type=float, default=[0, 0.3, 0.5, 0.7, 1])
    parser.add_argument("--tokens", type=int, default=90)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    twin = Twin(options.twin)
    trained = twin.report("persona").settings.get("lora_scale", 1.0)
    base = load.prepare(twin.facts["base"]["name"])
    model, tokenizer = load.load(base, twin.adapter("persona"))
    model.eval()
    rows = [r for split in ("val", "test") for r in twin.records(split) if r["kind"] == "qa"]
    system = {"role": "system", "content": twin.facts["system_prompt"]}
    asked = [row["messages"][:-1] for row in in_turn(twin.records("test"))[:HELD_OUT]]
    asked += [[system, {"role": "user", "content": question}] for question in QUESTIONS]
    now = trained
    for scale in options.scales:
        scale_adapter(model, max(scale, 1e-6) / now)
        now = max(scale, 1e-6)
        loss = held_out_loss(model, tokenizer, rows)
        print(f"\nscale {scale:g}: {loss:.3f} nats a token on {len(rows)} held-out answers")
        answers = generate.answers(
            model, tokenizer, asked, options.tokens, seed=options.seed, **templates.sampling()
        )
        for messages, answer in zip(asked, answers):
            print(f"  {messages[-1]['content']}\n    → {answer.text.strip()}")


if __name__ == "__main__":
    main()
