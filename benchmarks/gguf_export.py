"""From adapter to Q4_K_M, Q5_K_M and Q8_0: our one pass beside the usual way over llama.cpp's
tools.

python benchmarks/gguf_export.py --converter PATH/convert_hf_to_gguf.py --peer-python PATH [--base
B] [--cores N …]

The usual way: peft merges the adapter and saves a 16-bit checkpoint (on the GPU if there is one),
llama.cpp's converter makes a 16-bit GGUF file of it, llama.cpp's quantizer makes each of the three.
It runs once for each number of `--cores` (all of the machine's, and 2 as on Colab), and so does
ours. The converter is part of llama.cpp's sources; `--peer-python` is the Python of an environment
that has cyllama, whose quantizer is llama.cpp's; `--converter-python` that of one with torch,
transformers, gguf, sentencepiece and, for Gemma, protobuf: this one unless said otherwise.

Gemma 270M is real; other bases have random weights in the catalogue's shape. The adapter is random,
rank 16 on every linear layer. Prints seconds by stage, disk taken beside the three files, the peak
of a process's memory, the ratios, and whether both ways made files with the same types of tensors.
"""

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import random_models

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tests"))
KINDS = {"Q4_K_M": 15, "Q5_K_M": 17, "Q8_0": 7}  # llama.cpp's numbers of these file types
RANK = 16
QUANTIZE = """
import json, sys
from cyllama.llama import llama_cpp
source, target, kind, threads = json.loads(sys.argv[1])
asked = llama_cpp.LlamaModelQuantizeParams()
asked.ftype, asked.nthread = kind, threads
llama_cpp.model_quantize(source, target, asked)
"""


def prepare(base, root):
    """(folder of the base, folder of a random adapter), made once."""
    from twinlib.models import load

    adapter = root / f"{base}-adapter"
    folder = load.prepare(base).path if base == "gemma-3-270m" else _random_base(base, root)
    if not adapter.exists():
        _random_adapter(folder, adapter)
    return folder, adapter


def _random_base(base, root):
    """A base with random weights, and a small vocabulary that llama.cpp knows the kind of."""
    import gguf_samples
    import torch

    folder = root / base
    if not (folder / "done").exists():
        random_models.build(
            base, device="cuda" if torch.cuda.is_available() else "cpu"
        ).save_pretrained(folder)
        gguf_samples.save_tokenizer("qwen", folder, gguf_samples.vocabulary("qwen"))
        (folder / "done").touch()
    return folder


def _random_adapter(folder, adapter):
    import torch
    from safetensors import safe_open
    from safetensors.torch import save_file

    torch.manual_seed(1)
    pair, names = {}, ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
    for path in sorted(Path(folder).glob("model*.safetensors")):
        with safe_open(path, framework="pt") as file:
            for name in file.keys():
                if name.split(".")[-2] in names and name.endswith("weight"):
                    rows, columns = file.get_slice(name).get_shape()
                    start = "base_model.model." + name.removesuffix(".weight")
                    pair[f"{start}.lora_A.weight"] = torch.randn(RANK, columns) * 0.02
                    pair[f"{start}.lora_B.weight"] = torch.randn(rows, RANK) * 0.02
    adapter.mkdir(parents=True)
    save_file(pair, adapter / "adapter_model.safetensors")
    (adapter / "adapter_config.json").write_text(
        json.dumps(
            {
                "peft_type": "LORA",
                "task_type": "CAUSAL_LM",
                "r": RANK,
                "lora_alpha": 32,
                "lora_dropout": 0.0,
                "bias": "none",
                "target_modules": list(names),
                "base_model_name_or_path": str(folder),
            }
        )
    )


# The two ways; each runs in a process of its own


def ours(folder, adapter, out, asked):
    from transformers import AutoTokenizer

    from twinlib.gguf import tokenizer, writer
    from twinlib.gguf.tensors import read_config
    from twinlib.models import load, pip_base

    words = AutoTokenizer.from_pretrained(folder)
    vocabulary = tokenizer.read(
        words,
        read_config(folder).vocab_size,
        load.end_tokens(words),
        pip_base.vocabulary(folder) if asked.base == "gemma-3-270m" else None,
    )
    card = {"name": "benchmark", "template": words.chat_template or ""}
    clock = Stages()
    writer.write(folder, {kind: out / f"{kind}.gguf" for kind in KINDS}, vocabulary, card, adapter)
    clock("one pass")
    return clock.stages, 0


def usual(folder, adapter, out, asked):
    import gguf_reference
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    clock, merged = Stages(), out / "merged"
    where = {"device_map": {"": 0}} if torch.cuda.is_available() else {}
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16, **where)
    PeftModel.from_pretrained(model, adapter).merge_and_unload().save_pretrained(merged)
    AutoTokenizer.from_pretrained(folder).save_pretrained(merged)
    clock("merge")
    asked.peer_python, quantizer = asked.converter_python, asked.peer_python
    gguf_reference.convert(
        asked, [(merged, "BF16", "" if asked.base == "gemma-3-270m" else "qwen2")]
    )
    clock("convert")
    for kind, number in KINDS.items():
        order = json.dumps(
            [
                str(merged / "BF16.gguf"),
                str(out / f"{kind}.gguf"),
                number,
                len(os.sched_getaffinity(0)),
            ]
        )
        subprocess.run([quantizer, "-c", QUANTIZE, order], check=True, capture_output=True)
        clock(kind)
    extra = sum(file.stat().st_size for file in merged.iterdir())
    shutil.rmtree(merged)
    return clock.stages, extra


class Stages:
    """Call it with a name at the end of each stage; `stages` holds the seconds."""

    def __init__(self):
        self.stages, self.last = {}, time.perf_counter()

    def __call__(self, name):
        now = time.perf_counter()
        self.stages[name], self.last = now - self.last, now


WAYS = {"ours": ours, "usual": usual}


def one(asked, root):
    """Run one way in this process and print what it took."""
    folder, adapter = prepare(asked.base, root)
    if asked.one == "prepare":
        return
    if asked.cores[0]:
        os.sched_setaffinity(0, set(sorted(os.sched_getaffinity(0))[: asked.cores[0]]))
    out = root / asked.one
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    stages, extra = WAYS[asked.one](folder, adapter, out, asked)
    began = time.perf_counter()
    os.sync()
    stages["until it is on the disk"] = time.perf_counter() - began
    peak = (
        max(
            resource.getrusage(who).ru_maxrss
            for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
        )
        / 2**20
    )
    sizes = {kind: (out / f"{kind}.gguf").stat().st_size for kind in KINDS}
    print(
        "RESULT " + json.dumps({"stages": stages, "extra": extra, "peak": peak, "sizes": sizes}),
        flush=True,
    )


def same_types(root):
    """Names of tensors whose type differs between the two ways, or are in one only, by file."""
    from gguf import GGUFReader

    found = {}
    for kind in KINDS:
        both = [
            {
                each.name: each.tensor_type.name
                for each in GGUFReader(root / way / f"{kind}.gguf").tensors
            }
            for way in WAYS
        ]
        found[kind] = sorted(
            name
            for name in both[0].keys() | both[1].keys()
            if both[0].get(name) != both[1].get(name)
        )
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--base", default="gemma-3-270m")
    parser.add_argument("--converter", type=Path, required=True)
    parser.add_argument("--peer-python", required=True)
    parser.add_argument("--converter-python", default=sys.executable)
    parser.add_argument(
        "--cores", type=int, nargs="*", default=[0, 2], help="0: all of the machine's"
    )
    parser.add_argument("--ways", nargs="*", default=list(WAYS), choices=WAYS)
    parser.add_argument("--limit", type=float, default=1800, help="seconds that one way may take")
    parser.add_argument("--root", type=Path, default=Path(tempfile.gettempdir()) / "gguf_export")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one:
        one(asked, asked.root)
        return
    # In a process of its own: a child's peak of memory begins at its parent's.
    subprocess.run([sys.executable, __file__, *sys.argv[1:], "--one", "prepare"], check=True)
    totals, all_cores = {}, len(os.sched_getaffinity(0))
    for cores in dict.fromkeys(n or all_cores for n in asked.cores):
        commands = [
            (way, [__file__, *sys.argv[1:], "--cores", str(cores), "--one", way])
            for way in asked.ways
        ]
        for way, result, why in random_models.side_by_side(commands, 1, asked.limit):
            if result is None:
                print(f"{way}, {cores} cores: failed: {why}", flush=True)
                continue
            found = json.loads(result)
            totals[way, cores] = total = sum(found["stages"].values())
            stages = ", ".join(f"{name} {seconds:.1f}" for name, seconds in found["stages"].items())
            print(
                f"{way:6} {cores:3} cores {total:7.1f} s ({stages}); "
                f"{found['extra'] / 1e9:.1f} GB of disk beside the "
                f"{sum(found['sizes'].values()) / 1e9:.2f} GB of the files; "
                f"peak {found['peak']:.1f} GiB",
                flush=True,
            )
        if ("ours", cores) in totals and ("usual", cores) in totals:
            print(
                f"usual / ours, {cores} cores: "
                f"{totals['usual', cores] / totals['ours', cores]:.2f}",
                flush=True,
            )
    if {way for way, _ in totals} == set(WAYS):
        print(f"tensors of another type: {same_types(asked.root)}")


if __name__ == "__main__":
    main()
