"""What a conversation of 1,000, 8,000 and 32,000 tokens takes: RWKV-7 beside a transformer.

    python benchmarks/recurrent_memory.py [--lengths 1024 …] [--repeats N]

Both have the shape of RWKV7-G1 0.1B (12 layers of 768) and as many parameters; the transformer is
of Qwen2's kind, whose 12 heads share two heads of keys and values. Weights and what is remembered
are random, since neither time nor memory depends on them. Printed are the memory that the
conversation takes (keys and values in 16 bits, the state in 32, as llama.cpp keeps them), and CPU
seconds on one core to read 256 more tokens and to write one, by plain torch in float32.
"""

import argparse
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))
LAYERS, WIDTH, HEADS, SHARED, VOCABULARY = 12, 768, 12, 2, 65536
READ = 256


def transformer():
    """A Qwen2 with 7.5 million parameters a layer, as RWKV-7 has."""
    from transformers import AutoModelForCausalLM, Qwen2Config

    config = Qwen2Config(
        vocab_size=VOCABULARY,
        hidden_size=WIDTH,
        intermediate_size=2664,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        num_key_value_heads=SHARED,
        max_position_embeddings=65536,
        tie_word_embeddings=False,
    )
    return AutoModelForCausalLM.from_config(config, attn_implementation="sdpa")


def recurrent():
    from twinlib.models.rwkv7 import Rwkv7Config, Rwkv7ForCausalLM

    config = Rwkv7Config(
        vocab_size=VOCABULARY, hidden_size=WIDTH, num_hidden_layers=LAYERS, intermediate_size=3072
    )
    return Rwkv7ForCausalLM(config)


def remembered(model, length):
    """(a cache that holds `length` random tokens, its bytes)."""
    import torch
    from transformers import DynamicCache

    if model.config.model_type != "rwkv7":
        cache, width = DynamicCache(config=model.config), WIDTH // HEADS
        for layer in range(LAYERS):
            cache.update(*(torch.randn(1, SHARED, length, width) for _ in range(2)), layer)
        return cache, 2 * 2 * LAYERS * SHARED * width * length
    # The state after a few tokens is as large as after many.
    cache = model(torch.randint(10, 1000, (1, 8)), use_cache=True).past_key_values
    cache.seen = length
    return cache, 4 * cache.numbers


def seconds(model, length, tokens, repeats):
    """Median CPU seconds to compute `tokens` more after `length`."""
    import torch

    found = []
    for _ in range(repeats):
        cache, _ = remembered(model, length)
        ids = torch.randint(10, 1000, (1, tokens))
        started = time.process_time()
        model(ids, past_key_values=cache, use_cache=True, logits_to_keep=1)
        found.append(time.process_time() - started)
    return statistics.median(found)


def main():
    import torch

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lengths", type=int, nargs="+", default=[1024, 8192, 32768])
    parser.add_argument("--repeats", type=int, default=5)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    rows = {}
    for name, make in (("transformer", transformer), ("RWKV-7", recurrent)):
        model = make().eval()
        size = sum(weights.numel() for weights in model.parameters()) / 1e6
        print(f"{name}: {size:.0f} million parameters", flush=True)
        with torch.inference_mode():
            for length in asked.lengths:
                _, held = remembered(model, length)
                read = seconds(model, length, READ, asked.repeats)
                write = seconds(model, length, 1, 4 * asked.repeats)
                rows[name, length] = held, read, write
    print("\n| after tokens | remembered, MB | | reading 256 more, s | | writing one, ms | |")
    print("|---|---|---|---|---|---|---|")
    for length in asked.lengths:
        cells = []
        for one, other, scale in zip(rows["transformer", length], rows["RWKV-7", length], SCALES):
            cells += [f"{one * scale:.3g} → {other * scale:.3g}", f"{one / other:.2g} ×"]
        print(f"| {length:,} | " + " | ".join(cells) + " |")


SCALES = (1e-6, 1, 1e3)  # bytes to MB, seconds, seconds to milliseconds

if __name__ == "__main__":
    main()
