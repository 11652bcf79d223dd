"""A random RWKV-7 of two layers, laid out as real checkpoints, with a small World vocabulary."""

import json
from collections import Counter

VOCABULARY = "rwkv_vocab_v20230424.txt"


def build(folder, voices, rows=768):
    """Save a model with `rows` embeddings whose vocabulary has the commonest words of `voices`."""
    import torch

    from twinlib.models import rwkv7

    folder.mkdir(parents=True, exist_ok=True)
    save_vocabulary(folder, voices)
    torch.manual_seed(0)
    config = rwkv7.Rwkv7Config(
        vocab_size=rows,
        hidden_size=128,
        num_hidden_layers=2,
        intermediate_size=256,
        decay_low_rank_dim=32,
        gate_low_rank_dim=32,
        a_low_rank_dim=32,
        v_low_rank_dim=32,
        bos_token_id=0,
        eos_token_id=0,
        pad_token_id=0,
    )
    model = rwkv7.Rwkv7ForCausalLM(config)
    with torch.no_grad():
        for name, weights in model.named_parameters():
            if ".x_" in name or name.endswith(("k_k", "k_a")):
                weights.uniform_(0, 1)
            elif "norm" not in name:
                weights.normal_(std=0.7 / weights.shape[-1] ** 0.5 if weights.dim() > 1 else 0.5)
    model.to(torch.bfloat16).save_pretrained(folder)
    # As real checkpoints do, the configuration names code of its own, which is not to be run.
    path = folder / "config.json"
    fields = json.loads(path.read_text(encoding="utf-8"))
    names = {"AutoConfig": "RWKV7Config", "AutoModelForCausalLM": "RWKV7ForCausalLM"}
    fields["auto_map"] = {kind: f"modeling_rwkv7.{name}" for kind, name in names.items()}
    fields["architectures"] = ["RWKV7ForCausalLM"]
    path.write_text(json.dumps(fields), encoding="utf-8")
    (folder / "modeling_rwkv7.py").write_text("raise RuntimeError('remote code ran')\n")
    return folder


def save_vocabulary(folder, voices):
    """256 bytes, the tokens of the real vocabulary that matter here, and common words."""
    texts = [path.read_text(encoding="utf-8") for path in sorted(voices.glob("*.txt"))]
    words = Counter(" " + word for text in texts for word in text.split() if word.isascii())
    pairs = Counter(text[i : i + 2] for text in texts for i in range(len(text) - 1))
    pairs = [pair for pair, _ in pairs.most_common(400) if "\n" not in pair]
    known = ["\n\n", "\n\n\n", "。\n", "User", "System", " Assistant", "一", "的", "。", "，"]
    known += [word for word, _ in words.most_common(60)] + pairs
    tokens = [bytes([byte]) for byte in range(256)]
    tokens += [token.encode() for token in dict.fromkeys(known) if len(token.encode()) > 1]
    lines = []
    for number, token in enumerate(tokens, 1):
        try:
            literal = repr(token.decode("utf-8"))
        except UnicodeDecodeError:
            literal = repr(token)
        lines.append(f"{number} {literal} {len(token)}\n")
    (folder / VOCABULARY).write_text("".join(lines), encoding="utf-8")
