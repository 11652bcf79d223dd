"""Models with random weights in a real model's shape, which take its memory and time to train.

Also what the benchmarks share that run each measurement in a process of its own.
"""

import json
import random
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))
LENGTH = 1024  # tokens of a row at most
WARM = 4  # warm-up steps, which are not timed


def rows(count=3000, seed=1, length=LENGTH):
    """[(token ids, mask of learnt tokens)]: chats of lognormal length, about 230 tokens on average.

    The last three fifths of each are learnt. Above LENGTH every tenth row has all of `length`.
    """
    rng = random.Random(seed)
    lengths = [max(24, min(length, int(rng.lognormvariate(5.22, 0.7)))) for _ in range(count)]
    if length > LENGTH:
        lengths[::10] = [length] * len(lengths[::10])
    return [
        ([rng.randrange(10, 49_000) for _ in range(n)], [int(k >= n * 2 // 5) for k in range(n)])
        for n in lengths
    ]


def facts():
    """{rows, tokens} of these rows, as the plan takes them."""
    chats = rows()
    return {"rows": len(chats), "tokens": sum(len(ids) for ids, _ in chats)}


def build(base, bits=16, device="cuda", dtype=None, kept_on=None):
    """A model in the shape and architecture of a catalogue base, its layers in NF4 for 4 `bits`.

    Each layer is made on the device and, in 4 bits, quantized before the next, so that no more
    memory is taken than loading takes. `dtype` is bfloat16 unless given. With `kept_on` "cpu" each
    part is moved there once it is drawn, so that the weights are those of a model on the device.
    """
    import torch
    from transformers import AutoModelForCausalLM

    dtype = dtype or torch.bfloat16
    torch.manual_seed(0)
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(
            _config(base), dtype=dtype, attn_implementation="sdpa"
        )
    inner = model.model
    with torch.device(device):  # its frequencies are computed, not drawn
        inner.rotary_emb = type(inner.rotary_emb)(model.config)
    kept_on = kept_on or device
    inner.rotary_emb.to(kept_on)
    _draw(inner.embed_tokens, device).to(kept_on)
    _draw(inner.norm, device).to(kept_on)
    for layer in inner.layers:
        _draw(layer, device).to(kept_on)
        if bits == 4:
            _quantize(layer, device, dtype)
    if model.config.tie_word_embeddings:
        model.lm_head.weight = inner.embed_tokens.weight
    else:
        _draw(model.lm_head, device).to(kept_on)
    if bits == 4:
        model.is_loaded_in_4bit = True
    return model


def _config(base):
    """A Qwen config in the shape of a base: Qwen3's for those, Qwen2's for all others."""
    from transformers import Qwen2Config, Qwen3Config

    from twinlib.models import estimate

    shape, width = estimate.shape(base), 64 if base.endswith(("0.5b", "135m-instruct")) else 128
    return (Qwen3Config if base.startswith("qwen3") else Qwen2Config)(
        hidden_size=shape.hidden,
        intermediate_size=shape.inner,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.query // width,
        num_key_value_heads=shape.keys // width,
        head_dim=width,
        vocab_size=shape.vocabulary,
        tie_word_embeddings=shape.tied,
        max_position_embeddings=32768,
        eos_token_id=2,
        pad_token_id=0,
        bos_token_id=None,
    )


def _draw(module, device):
    """Move a module from the meta device, its weights drawn as a fresh model's are."""
    module.to_empty(device=device)
    for weight in module.parameters():
        weight.data.normal_(0, 0.02) if weight.dim() > 1 else weight.data.fill_(1.0)
    return module


def _quantize(module, device, dtype):
    """Quantize as loading with a BitsAndBytesConfig (NF4, double quantization) does, in place."""
    import torch
    from bitsandbytes.nn import Linear4bit, Params4bit

    nf4 = {"compress_statistics": True, "quant_type": "nf4"}
    for parent in list(module.modules()):
        for name, layer in list(parent.named_children()):
            if isinstance(layer, torch.nn.Linear) and not isinstance(layer, Linear4bit):
                shape = layer.in_features, layer.out_features, layer.bias is not None
                new = Linear4bit(*shape, dtype, device="meta", **nf4)
                weight = Params4bit(layer.weight.data, requires_grad=False, module=new, **nf4)
                new.weight = weight.to(device)
                new.bias = layer.bias
                setattr(parent, name, new)


def tokenizer():
    """A tokenizer that has special tokens only."""
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast

    vocabulary = {"<pad>": 0, "<start>": 1, "<end>": 2, "<unk>": 3}
    return PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>")),
        pad_token="<pad>",
        eos_token="<end>",
        unk_token="<unk>",
    )


def save(base, root):
    """The folder of such a model and its tokenizer, for trainers that load from disk."""
    folder = Path(root) / base
    if not (folder / "done").exists():
        build(base, kept_on="cpu").save_pretrained(folder)
        tokenizer().save_pretrained(folder)
        (folder / "done").touch()
    return folder


def write(base, folder, tokenizer):
    """Write such a model layer by layer, with the tokenizer of another folder, where it isn't yet.

    No more than a layer, or the embedding, is in memory at a time. It repeats the last token: its
    embedding outweighs what the layers add. A model that is random throughout has no likeliest
    token that stays the same when numbers are rounded. After a line break, with which a prompt
    ends, it says a word.
    """
    import shutil

    import torch
    from safetensors.torch import save_file
    from transformers import AutoModelForCausalLM, AutoTokenizer

    if (folder / "done").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(_config(base), dtype=torch.bfloat16)
    known, files = AutoTokenizer.from_pretrained(tokenizer), {}
    line_break, word = (known(text)["input_ids"][0] for text in ("\n", "hello"))
    for name, weight in model.state_dict().items():
        if name != "lm_head.weight" or not model.config.tie_word_embeddings:
            part = name.split(".")[2] if ".layers." in name else name.split(".")[-2]
            files.setdefault(f"model-{part}.safetensors", {})[name] = weight.shape
    for file, shapes in files.items():
        drawn = {name: _drawn(name, shape, model.config) for name, shape in shapes.items()}
        for name in drawn.keys() & {"model.embed_tokens.weight", "lm_head.weight"}:
            drawn[name][line_break] = 0.7 * drawn[name][word]
        save_file(drawn, folder / file, metadata={"format": "pt"})
    where = {name: file for file, shapes in files.items() for name in shapes}
    index = {"metadata": {}, "weight_map": where}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    model.config.save_pretrained(folder)
    for path in Path(tokenizer).iterdir():
        if path.name.startswith(("tokenizer", "chat_template")):
            shutil.copy(path, folder)
    (folder / "done").touch()


def _drawn(name, shape, config):
    import torch

    if len(shape) == 1:
        value = 0.0 if name.endswith("bias") else 0.03 if name == "model.norm.weight" else 1.0
        return torch.full(shape, value, dtype=torch.bfloat16)
    size, values = 0.02, torch.empty(shape, dtype=torch.bfloat16)
    if name.endswith(("embed_tokens.weight", "lm_head.weight")):
        torch.manual_seed(1)  # the same for both
        size = 0.3
    elif name.endswith(("o_proj.weight", "down_proj.weight")):
        size = 0.002 / (2 * config.num_hidden_layers) ** 0.5
    return values.normal_(0, size)


def planned(base, precision, machine, **typed):
    """(settings, Plan) of the persona step for these rows on this machine."""
    from twinlib import settings
    from twinlib.models.plan import derive

    typed = {"base": base, "precision": precision, "rank": 16, "engine": "transformers", **typed}
    chosen = settings.make("persona", effort="standard", **typed)
    plan = derive("persona", chosen, machine, facts())
    return settings.resolve(chosen, plan.values), plan


def trainer(base, settings, folder):
    """Our trainer on a random model, as the persona step makes it."""
    from twinlib.models import estimate, load
    from twinlib.train.callbacks import silence_logging
    from twinlib.train.trainer import packed_trainer

    silence_logging()
    lora = load.Lora(settings.rank, checkpointing=settings.checkpointing == "full")
    kept_on = "cpu" if estimate.shards() > 1 else None  # until the trainer spreads it
    model = build(base, 4 if settings.precision == "4-bit" else 16, kept_on=kept_on)
    model = load.with_adapter(model, None, lora)
    model.config.use_cache = False
    return packed_trainer(model, tokenizer(), {"train": rows(), "val": []}, settings, folder, 10**6)


def step_times(trainer):
    """Train, and return the times of the start and of the end of each step, in seconds.

    Only after the first WARM steps and the last is the GPU's work waited for.
    """
    import time

    import torch
    from transformers import TrainerCallback

    times = [time.perf_counter()]

    class Clock(TrainerCallback):
        def on_step_end(self, args, state, control, **_):
            if state.global_step <= WARM or state.global_step == state.max_steps:
                torch.cuda.synchronize()
            times.append(time.perf_counter())

    trainer.add_callback(Clock())
    trainer.train()
    return times


def send(result):
    """Print a result for the process that started this one, as `result_in` reads it."""
    print("RESULT " + json.dumps(result), flush=True)


def result_in(output):
    """The result that a child process has sent in its output; None without one."""
    lines = (line for line in output.splitlines() if line.startswith("RESULT "))
    line = next(lines, None)
    return line and json.loads(line.removeprefix("RESULT "))


def side_by_side(commands, gpus, limit):
    """Run (name, command line) each in a process of its own, `gpus` at the same time.

    Yields (name, what it has sent or None, the last line of its errors), `limit` in seconds.
    """
    import os
    import queue
    import subprocess
    from concurrent.futures import ThreadPoolExecutor

    free, visible = queue.Queue(), os.environ.get("CUDA_VISIBLE_DEVICES")
    for gpu in visible.split(",")[:gpus] if visible else map(str, range(gpus)):
        free.put(gpu)

    def run(name, command):
        gpu = free.get()
        environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
        if gpus > 1:
            environment["CUDA_VISIBLE_DEVICES"] = gpu
        try:
            done = subprocess.run(
                [sys.executable, *command],
                capture_output=True,
                text=True,
                timeout=limit,
                env=environment,
            )
            errors = done.stderr.strip().splitlines() or ["no output"]
            return name, result_in(done.stdout), errors[-1]
        except subprocess.TimeoutExpired:
            return name, None, f"over {limit:.0f} s"
        finally:
            free.put(gpu)

    with ThreadPoolExecutor(gpus) as pool:
        yield from pool.map(run, *zip(*commands))
