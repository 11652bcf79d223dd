"""Models with random weights in a real model's shape: they take its memory and its time."""

import random
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))
LENGTH = 1024  # tokens of a row at most
WARM = 4  # steps before times count


def rows(count=3000, seed=1):
    """[(ids, learnt)]: chats of lognormal length, mean about 230 tokens, three fifths of each
    learnt."""
    rng = random.Random(seed)
    lengths = [max(24, min(LENGTH, int(rng.lognormvariate(5.22, 0.7)))) for _ in range(count)]
    return [
        ([rng.randrange(10, 49_000) for _ in range(n)], [int(k >= n * 2 // 5) for k in range(n)])
        for n in lengths
    ]


def facts():
    """What the plan is told of these rows."""
    some = rows()
    return {"rows": len(some), "tokens": sum(len(ids) for ids, _ in some)}


def build(base, bits=16, device="cuda"):
    """A Qwen2 model in the shape of a catalogue base, its linear layers in NF4 when `bits` is 4."""
    import torch
    from transformers import AutoModelForCausalLM, Qwen2Config

    from twinlib.models import estimate

    shape, width = estimate.shape(base), 64 if base.endswith("0.5b") else 128
    config = Qwen2Config(
        hidden_size=shape.hidden,
        intermediate_size=shape.inner,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.query // width,
        num_key_value_heads=shape.keys // width,
        vocab_size=shape.vocabulary,
        tie_word_embeddings=shape.tied,
        max_position_embeddings=32768,
        eos_token_id=2,
        pad_token_id=0,
        bos_token_id=None,
    )
    usual, torch.nn.init.kaiming_uniform_ = (
        torch.nn.init.kaiming_uniform_,
        lambda *_, **__: None,
    )  # drawn below
    with torch.device(device):
        model = AutoModelForCausalLM.from_config(
            config, dtype=torch.bfloat16, attn_implementation="sdpa"
        )
    torch.nn.init.kaiming_uniform_ = usual
    torch.manual_seed(0)
    for weight in model.parameters():
        weight.data.normal_(0, 0.02) if weight.dim() > 1 else weight.data.fill_(1.0)
    if bits == 4:
        _quantize(model)
    return model


def _quantize(model):
    """What loading with a BitsAndBytesConfig (NF4, double quantization) does, without the detour
    over a disk."""
    import torch
    from bitsandbytes.nn import Linear4bit, Params4bit

    for parent in list(model.model.layers.modules()):
        for name, layer in list(parent.named_children()):
            if isinstance(layer, torch.nn.Linear) and not isinstance(layer, Linear4bit):
                new = Linear4bit(
                    layer.in_features,
                    layer.out_features,
                    layer.bias is not None,
                    torch.bfloat16,
                    compress_statistics=True,
                    quant_type="nf4",
                    device="meta",
                )
                new.weight = Params4bit(
                    layer.weight.data,
                    requires_grad=False,
                    compress_statistics=True,
                    quant_type="nf4",
                    module=new,
                ).cuda()
                new.bias = layer.bias
                setattr(parent, name, new)
    model.is_loaded_in_4bit = True
    torch.cuda.empty_cache()


def tokenizer():
    """A tokenizer that only knows how to pad and to end."""
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast

    some = Tokenizer(
        models.WordLevel({"<pad>": 0, "<start>": 1, "<end>": 2, "<unk>": 3}, unk_token="<unk>")
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=some, pad_token="<pad>", eos_token="<end>", unk_token="<unk>"
    )


def save(base, root):
    """A folder with such a model and its tokenizer, for trainers that load."""
    folder = Path(root) / base
    if not (folder / "done").exists():
        build(base).save_pretrained(folder)
        tokenizer().save_pretrained(folder)
        (folder / "done").touch()
    return folder


def planned(base, precision, machine, **typed):
    """(settings, Plan) of the persona step for these rows on this machine."""
    from twinlib import settings
    from twinlib.models.plan import derive

    wanted = settings.make(
        "persona",
        base=base,
        precision=precision,
        engine="transformers",
        effort="standard",
        rank=16,
        **typed,
    )
    plan = derive("persona", wanted, machine, facts())
    return settings.resolve(wanted, plan.values), plan


def trainer(base, settings, folder):
    """Our trainer on a random model, as the persona step makes it."""
    from twinlib.models import load
    from twinlib.train.callbacks import silence_logging
    from twinlib.train.trainer import packed_trainer

    silence_logging()
    model = load.with_adapter(
        build(base, 4 if settings.precision == "4-bit" else 16),
        None,
        load.Lora(settings.rank, checkpointing=settings.checkpointing == "full"),
    )
    model.config.use_cache = False
    return packed_trainer(model, tokenizer(), {"train": rows(), "val": []}, settings, folder, 10**6)


def step_times(trainer):
    """Train, and return when it began and when each step had ended, in seconds; the GPU's work has
    ended only for the first `WARM` and the last: in between it isn't waited for."""
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


def side_by_side(commands, gpus, limit):
    """Run (name, command line) each in a process of its own, as many at once as there are `gpus`;
    yields (name, the text after 'RESULT ' in its output or None, its last words)."""
    import os
    import queue
    import subprocess
    from concurrent.futures import ThreadPoolExecutor

    free, here = queue.Queue(), os.environ.get("CUDA_VISIBLE_DEVICES")
    for gpu in here.split(",")[:gpus] if here else map(str, range(gpus)):
        free.put(gpu)

    def run(name, command):
        gpu = free.get()
        alone = {"HF_HUB_OFFLINE": "1", **({"CUDA_VISIBLE_DEVICES": gpu} if gpus > 1 else {})}
        try:
            done = subprocess.run(
                [sys.executable, *command],
                capture_output=True,
                text=True,
                timeout=limit,
                env={**os.environ, **alone},
            )
            found = next(
                (line[7:] for line in done.stdout.splitlines() if line.startswith("RESULT ")), None
            )
            return name, found, (done.stderr.strip().splitlines() or ["no output"])[-1]
        except subprocess.TimeoutExpired:
            return name, None, f"over {limit:.0f} s"
        finally:
            free.put(gpu)

    with ThreadPoolExecutor(gpus) as pool:
        waiting = [pool.submit(run, *each) for each in commands]
        for each in waiting:
            yield each.result()
