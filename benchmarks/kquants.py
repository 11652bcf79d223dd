"""Our K-quants against llama.cpp's: error and speed of encoding, and the types of tensors.

    python benchmarks/kquants.py [--threads N] [--peer-python PATH] [--record]

Error and speed: llama.cpp's encoder is the one inside xllamacpp, called without importance matrix,
over the same tensors: random ones with and without outliers, and the weights of Qwen2.5-Coder
0.5B as rows of 256. Both use N threads (2).

Types: small random models of each architecture go through llama.cpp's own quantizer, and so does
Qwen2.5-Coder 0.5B. It is the one inside cyllama; `--peer-python` is the Python of an environment
that has it: `python -m venv peers && peers/bin/pip install cyllama`. `--record` writes
llama.cpp's errors and types into tests/kquants_reference.json.
"""

import argparse
import ctypes
import json
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
BASE = "qwen2.5-coder-0.5b-instruct"
RECORD = ROOT / "tests" / "kquants_reference.json"
ENCODED = ("Q3_K", "Q4_K", "Q5_K", "Q6_K")
MIXTURES = ("Q3_K_M", "Q4_K_M", "Q5_K_M", "Q6_K", "Q8_0", "F16")
LAYERS = (2, 3, 8, 28, 36, 80)
SHAPES = ((256, 512), (640, 2048), (64, 96), (512, 320))  # columns of most tensors, and of ffn_down
PROGRAM = """
import json, sys
from cyllama.llama import llama_cpp
for source, target, file_type in json.load(open(sys.argv[1])):
    asked = llama_cpp.LlamaModelQuantizeParams()
    asked.ftype, asked.nthread = file_type, 2
    llama_cpp.model_quantize(source, target, asked)
"""


# Error and speed


def reference():
    """llama.cpp's own encoder: a function of (float32 rows, type, threads) to blocks."""
    import gguf
    import numpy as np
    import xllamacpp

    library = ctypes.CDLL(str(next(Path(xllamacpp.__file__).parent.glob("xllamacpp*.so"))))
    pointer, count = ctypes.c_void_p, ctypes.c_int64
    types = [ctypes.c_int, pointer, pointer, count, count, count, pointer]
    library.ggml_quantize_chunk.argtypes = types

    def encode(rows, kind, threads):
        block, size = gguf.GGML_QUANT_SIZES[kind]
        blocks = np.empty((len(rows), rows.shape[1] // block * size), np.uint8)
        step = -(-len(rows) // threads)

        def part(start):
            source, target = rows[start : start + step], blocks[start:]
            addresses = source.ctypes.data, target.ctypes.data
            library.ggml_quantize_chunk(kind.value, *addresses, 0, *source.shape, None)

        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(part, range(0, len(rows), step)))
        return blocks

    return encode


def tensors():
    """{name: float32 tensor} to encode."""
    import torch
    from test_kquants import samples

    weights = [values.reshape(-1) for values in real_weights().values() if values.ndim == 2]
    rows = torch.cat(weights)[: 100_000_000 // 256 * 256].view(-1, 256)
    return samples(2048) | {"Qwen2.5-Coder 0.5B": rows}


def real_weights():
    """The weights of Qwen2.5-Coder 0.5B by name, in float32."""
    from safetensors.torch import load_file

    from twinlib.models import load as models

    files = sorted(models.prepare(BASE).path.glob("model*.safetensors"))
    return {name: values.float() for file in files for name, values in load_file(file).items()}


def error(values, blocks, kind):
    """The root of the summed squared difference, added up in float64."""
    import gguf
    import numpy as np

    total = 0.0
    for i in range(0, len(values), 4096):
        decoded = gguf.quants.dequantize(blocks[i : i + 4096], kind)
        difference = decoded - values[i : i + 4096]
        total += float(np.square(difference, dtype=np.float64).sum())
    return total**0.5


def compare(threads):
    """Print errors and speeds of both encoders, by tensor and type."""
    import gguf
    import torch

    from twinlib.gguf import types

    torch.set_num_threads(threads)
    theirs = reference()
    print(f"{'':24} type   error: ours / llama.cpp's    MB/s: ours  llama.cpp's   ratio")
    for name, values in tensors().items():
        for kind in map(gguf.GGMLQuantizationType.__getitem__, ENCODED):
            ours, seconds = timed(lambda: types.encode(values, kind))
            blocks, other_seconds = timed(lambda: theirs(values.numpy(), kind, threads))
            a, b = error(values.numpy(), ours, kind), error(values.numpy(), blocks, kind)
            size = values.numel() * 4 / 1e6
            print(
                f"{name:24} {kind.name} {a:14.6g} {a / b if b else 1:10.4f} {size / seconds:17.0f} "
                f"{size / other_seconds:12.0f} {other_seconds / seconds:7.2f}",
                flush=True,
            )


def recorded_errors():
    """{tensor: {type: llama.cpp's error}} of the small tensors that the tests encode."""
    import gguf
    from test_kquants import samples

    theirs, kinds = reference(), [gguf.GGMLQuantizationType[name] for name in ENCODED]
    return {
        name: {
            kind.name: float(f"{error(values.numpy(), theirs(values.numpy(), kind, 1), kind):.6g}")
            for kind in kinds
        }
        for name, values in samples().items()
    }


def timed(function):
    """(result, seconds) of the faster of two runs."""
    seconds = []
    for _ in range(2):
        started = time.perf_counter()
        result = function()
        seconds.append(time.perf_counter() - started)
    return result, min(seconds)


# Types


def cases():
    """Yield (architecture, layers, tied, columns, columns of ffn_down)."""
    for architecture in ("qwen2", "qwen3", "llama", "gemma3"):
        for tied in (True, False):
            for layers in LAYERS:
                yield architecture, layers, tied, *SHAPES[0]
            for shape in SHAPES[1:]:
                yield architecture, 3, tied, *shape
    yield "gemma3", 18, True, 640, 2048  # Gemma 3 270M, with few rows


def write_model(path, architecture, layers, tied, columns, down):
    """A random model with two rows in each matrix, in 16 bits."""
    import gguf
    import numpy as np
    from test_kquants import model_tensors

    writer, rng = gguf.GGUFWriter(path, architecture), np.random.default_rng(0)
    for add, value in (
        (writer.add_block_count, layers),
        (writer.add_context_length, 512),
        (writer.add_vocab_size, 2),
        (writer.add_embedding_length, columns),
        (writer.add_feed_forward_length, down),
        (writer.add_head_count, 4),
        (writer.add_head_count_kv, 2),
        (writer.add_layer_norm_rms_eps, 1e-6),
    ):
        add(value)
    for name, shape in model_tensors(architecture, layers, tied, columns, down).items():
        writer.add_tensor(
            name, rng.normal(size=shape).astype(np.float32 if len(shape) == 1 else np.float16)
        )
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def chosen_types(python, folder):
    """[case with {mixture: {name: type}}], as llama.cpp's quantizer chooses, of all cases."""
    import gguf

    file_types = {name: gguf.LlamaFileType[f"MOSTLY_{name}"].value for name in MIXTURES}
    jobs, files = [], []
    for number, case in enumerate(cases()):
        source = folder / f"{number}.gguf"
        write_model(source, *case)
        targets = {mixture: folder / f"{number}-{mixture}.gguf" for mixture in MIXTURES}
        jobs += [(str(source), str(path), file_types[name]) for name, path in targets.items()]
        files.append((case, targets))
    quantize(python, folder, jobs)
    return [
        (case, {mixture: stored(path) for mixture, path in targets.items()})
        for case, targets in files
    ]


def quantize(python, folder, jobs):
    """Run llama.cpp's quantizer over [(source, target, file type)] in the other environment."""
    (folder / "jobs.json").write_text(json.dumps(jobs), encoding="utf-8")
    done = subprocess.run(
        [python, "-c", PROGRAM, str(folder / "jobs.json")],
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"llama.cpp's quantizer does not run there: {done.stderr.strip()[-500:]}")


def stored(path):
    """{name: type} of the tensors of a file."""
    from gguf import GGUFReader

    return {tensor.name: tensor.tensor_type.name for tensor in GGUFReader(path).tensors}


def agreement(all_types):
    """Print by mixture how many tensors get the same type from us, and the first that differ."""
    from test_kquants import ours

    for mixture in MIXTURES:
        same, others = 0, []
        for case, chosen in all_types:
            mine = ours(mixture, *case)
            differ = [name for name, kind in chosen[mixture].items() if mine[name] != kind]
            same += len(mine) - len(differ)
            others += [
                f"{case} {name}: {mine[name]}, llama.cpp {chosen[mixture][name]}" for name in differ
            ]
        print(
            f"{mixture:7} {same} of {same + len(others)} tensors get llama.cpp's type",
            *others[:5],
            sep="\n  ",
        )


def real_file(python, folder):
    """Print how the tensors of Qwen2.5-Coder 0.5B agree in type and error."""
    import gguf

    from twinlib.gguf import types, writer
    from twinlib.models import gguf_vocabulary as gguf_tokenizer
    from twinlib.models import load as models
    from twinlib.models.exportable import read_config
    from twinlib.models.families import FAMILIES

    base = models.prepare(BASE)
    tokenizer = models.tokenizer(base)
    vocabulary = gguf_tokenizer.read(
        tokenizer, read_config(base.path).vocab_size, models.end_tokens(tokenizer)
    )
    source = folder / "real.gguf"
    writer.write(base.path, {"F32": source}, vocabulary, {"name": "x", "template": models.CHATML})
    plain = {tensor.name: tensor.data for tensor in gguf.GGUFReader(source).tensors}
    for mixture in ("Q4_K_M", "Q5_K_M"):
        target = folder / f"real-{mixture}.gguf"
        file_type = gguf.LlamaFileType[f"MOSTLY_{mixture}"].value
        quantize(python, folder, [(str(source), str(target), file_type)])
        same, errors = 0, [0.0, 0.0]
        their_tensors = gguf.GGUFReader(target).tensors
        for tensor in their_tensors:
            values, family = plain[tensor.name], FAMILIES["qwen2"]
            kind = types.tensor_type(mixture, tensor.name, values.shape, 24, True, family)
            same += kind == tensor.tensor_type
            if kind.name in ENCODED:
                import torch

                blocks = types.encode(torch.from_numpy(values.copy()), kind)
                errors[0] += error(values, blocks, kind) ** 2
                errors[1] += error(values, tensor.data, kind) ** 2
        print(
            f"Qwen2.5-Coder 0.5B as {mixture}: {same} of {len(their_tensors)} tensors get "
            f"llama.cpp's type, error of the K-quants {(errors[0] / errors[1]) ** 0.5:.4f} of "
            "llama.cpp's",
            flush=True,
        )


def main():
    """Read the command line and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--peer-python", default="")
    parser.add_argument("--record", action="store_true")
    options = parser.parse_args()
    if options.record and not options.peer_python:
        parser.error("--record needs --peer-python")
    if not options.record:
        compare(options.threads)
    if not options.peer_python:
        return
    with tempfile.TemporaryDirectory() as folder:
        all_types = chosen_types(options.peer_python, Path(folder))
        agreement(all_types)
        if not options.record:
            real_file(options.peer_python, Path(folder))
    if options.record:
        record(recorded_errors(), all_types)


def record(errors, all_types):
    """Write llama.cpp's errors and types, one line for each tensor and each model."""
    from test_kquants import runs

    lines = [f"{json.dumps(name)}: {json.dumps(by_type)}" for name, by_type in errors.items()]
    models = []
    for case, chosen in all_types:
        mixtures = [name for name in chosen if name.endswith("_M") or case[1] == 3]
        models.append(json.dumps([case, {name: runs(chosen[name]) for name in mixtures}]))
    errors, types = ",\n".join(lines), ",\n".join(models)
    text = f'{{"errors": {{\n{errors}\n}}, "types": [\n{types}\n]}}\n'
    RECORD.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
