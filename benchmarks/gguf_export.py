"""From adapter to Q4_K_M, Q5_K_M and Q8_0: our one pass against the usual llama.cpp tools.

    python benchmarks/gguf_export.py --converter PATH/convert_hf_to_gguf.py --peer-python PATH
                                     [--base B] [--cores N …]

The usual way: peft merges the adapter and saves a 16-bit checkpoint (on the GPU if there is one),
llama.cpp's converter makes a 16-bit GGUF file of it, llama.cpp's quantizer makes each of the three.
Both ways run once for each number of `--cores` (all of the machine's, and 2 as on Colab). The
converter is part of llama.cpp's sources; `--peer-python` is the Python of an environment that has
cyllama, whose quantizer is llama.cpp's; `--converter-python`, by default this one, that of an
environment with torch, transformers, gguf, sentencepiece and, for Gemma, protobuf.

Bases that need no hub, and Gemma 270M, are real; others have random weights in the catalogue's
shape. The adapter is random, rank 16 on every linear layer. Prints seconds by stage, disk space
besides the three files, peak memory of a process, the ratios, and whether both ways made files
with the same types of tensors.
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
    from twinlib.models import load, pip_base

    adapter = root / f"{base}-adapter"
    real = base in (*pip_base.SOURCES, "gemma-3-270m")
    folder = load.prepare(base).path if real else _random_base(base, root)
    if not adapter.exists():
        random_adapter(folder, adapter)
    return folder, adapter


def _random_base(base, root):
    """A base with random weights and a small vocabulary of a kind that llama.cpp knows."""
    import gguf_samples
    import torch

    folder = root / base
    if not (folder / "done").exists():
        device = "cuda" if torch.cuda.is_available() else "cpu"
        random_models.build(base, device=device).save_pretrained(folder)
        gguf_samples.save_tokenizer("qwen", folder, gguf_samples.vocabulary("qwen"))
        (folder / "done").touch()
    return folder


def random_adapter(folder, adapter, size=0.02):
    """Write an adapter of random numbers, `size` the deviation of what starts as zeros."""
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
                    pair[f"{start}.lora_B.weight"] = torch.randn(rows, RANK) * size
    adapter.mkdir(parents=True)
    save_file(pair, adapter / "adapter_model.safetensors")
    config = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "r": RANK,
        "lora_alpha": 32,
        "lora_dropout": 0.0,
        "bias": "none",
        "target_modules": list(names),
        "base_model_name_or_path": str(folder),
    }
    (adapter / "adapter_config.json").write_text(json.dumps(config))


# The two ways; each runs in a process of its own


def ours(folder, adapter, out, options):
    from transformers import AutoTokenizer

    from twinlib.gguf import writer
    from twinlib.models import gguf_vocabulary as tokenizer
    from twinlib.models import load
    from twinlib.models.exportable import read_config

    loaded = AutoTokenizer.from_pretrained(folder)
    size = read_config(folder).vocab_size
    vocabulary = tokenizer.read(loaded, size, load.end_tokens(loaded))
    card = {"name": "benchmark", "template": loaded.chat_template or ""}
    clock = Stages()
    writer.write(folder, {kind: out / f"{kind}.gguf" for kind in KINDS}, vocabulary, card, adapter)
    clock("one pass")
    return clock.stages, 0


def usual(folder, adapter, out, options):
    import gguf_reference
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    clock, merged = Stages(), out / "merged"
    placement = {"device_map": {"": 0}} if torch.cuda.is_available() else {}
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16, **placement)
    PeftModel.from_pretrained(model, adapter).merge_and_unload().save_pretrained(merged)
    AutoTokenizer.from_pretrained(folder).save_pretrained(merged)
    clock("merge")
    options.peer_python, quantizer = options.converter_python, options.peer_python
    pre = "" if options.base == "gemma-3-270m" else "qwen2"
    gguf_reference.convert(options, [(merged, "BF16", pre)])
    clock("convert")
    source, threads = str(merged / "BF16.gguf"), len(os.sched_getaffinity(0))
    for kind, number in KINDS.items():
        job = json.dumps([source, str(out / f"{kind}.gguf"), number, threads])
        subprocess.run([quantizer, "-c", QUANTIZE, job], check=True, capture_output=True)
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


def measure(options, root):
    """Run one way in this process and send what it took."""
    folder, adapter = prepare(options.base, root)
    if options.one == "prepare":
        return
    if options.cores[0]:
        os.sched_setaffinity(0, set(sorted(os.sched_getaffinity(0))[: options.cores[0]]))
    out = root / options.one
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    stages, extra = WAYS[options.one](folder, adapter, out, options)
    began = time.perf_counter()
    os.sync()
    stages["until it is on the disk"] = time.perf_counter() - began
    processes = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    peak = max(resource.getrusage(process).ru_maxrss for process in processes) / 2**20
    size = sum((out / f"{kind}.gguf").stat().st_size for kind in KINDS)
    random_models.send({"stages": stages, "extra": extra, "peak": peak, "size": size})


def differing_types(root):
    """{file: names of tensors whose type differs between the two ways or that only one has}."""
    from gguf import GGUFReader

    def types(way, kind):
        tensors = GGUFReader(root / way / f"{kind}.gguf").tensors
        return {(tensor.name, tensor.tensor_type.name) for tensor in tensors}

    differences = {kind: types("ours", kind) ^ types("usual", kind) for kind in KINDS}
    return {kind: sorted({name for name, _ in pairs}) for kind, pairs in differences.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--base", default="qwen2.5-coder-0.5b-instruct")
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
    options = parser.parse_args()
    if options.one:
        measure(options, options.root)
        return
    # In a process of its own: a child's peak of memory begins at its parent's.
    subprocess.run([sys.executable, __file__, *sys.argv[1:], "--one", "prepare"], check=True)
    totals, all_cores = {}, len(os.sched_getaffinity(0))
    for cores in dict.fromkeys(n or all_cores for n in options.cores):
        command = [__file__, *sys.argv[1:], "--cores", str(cores), "--one"]
        commands = [(way, [*command, way]) for way in options.ways]
        for way, result, error in random_models.side_by_side(commands, 1, options.limit):
            if result is None:
                print(f"{way}, {cores} cores: failed: {error}", flush=True)
                continue
            seconds = result["stages"]
            totals[way, cores] = total = sum(seconds.values())
            stages = ", ".join(f"{name} {value:.1f}" for name, value in seconds.items())
            print(
                f"{way:6} {cores:3} cores {total:7.1f} s ({stages}); "
                f"{result['extra'] / 1e9:.1f} GB of disk beside the "
                f"{result['size'] / 1e9:.2f} GB of the files; peak {result['peak']:.1f} GiB",
                flush=True,
            )
        if ("ours", cores) in totals and ("usual", cores) in totals:
            ratio = totals["usual", cores] / totals["ours", cores]
            print(f"usual / ours, {cores} cores: {ratio:.2f}", flush=True)
    if {way for way, _ in totals} == set(WAYS):
        print(f"tensors of another type: {differing_types(options.root)}")


if __name__ == "__main__":
    main()
