"""Bad input gets a sentence with the next action, and nothing is lost: in child processes."""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from conftest import ROOT

from twinlib import Twin

pytestmark = pytest.mark.slow

ZH = "台上：一缸茶，别的没有。街坊路过都要说一句，这天气喝这么烫。我说茶要烫。" * 8
SMALL = {
    "persona": (
        "--effort smoke --steps 4 --batch 2 --accumulation 1 --length 256 --replay-share 0"
    ).split(),
    "reasoning": (
        "--effort smoke --steps 2 --generations 2 --batch 2 --completion-tokens 8 --held-out 8"
    ).split(),
    "quantize": ["--types", "Q8_0"],
    "evaluate": ["--effort", "smoke", "--questions", "2", "--answer-tokens", "16"],
    "corpus": ["--author", "Ning", "--consent", "yes"],
    "publish": ["--user", "somebody"],
}


def command(step, twin, *flags):
    asked = ("--questions", "titles", "--author", "Ning")
    flags = (*asked, *flags) if step == "corpus" else flags
    return [sys.executable, "-m", "twinlib", step, "--twin", str(twin), *map(str, flags)]


def run(step, twin, *flags, **more):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **more.pop("env", {})}
    return subprocess.run(
        command(step, twin, *flags),
        capture_output=True,
        text=True,
        env=environment,
        timeout=300,
        **more,
    )


def refused(result, *words):
    """The command failed with one readable message, no traceback, that holds the words."""
    assert result.returncode == 1, result.stdout + result.stderr
    assert "Traceback" not in result.stderr
    for word in words:
        assert word in result.stderr
    return True


def folder(tmp_path, **files):
    path = tmp_path / "source"
    path.mkdir()
    for name, content in files.items():
        (path / name.replace("_", ".")).write_bytes(content)
    return path


def test_a_missing_folder(tmp_path):
    assert refused(run("corpus", tmp_path / "twin", "--source", tmp_path / "nowhere"), "nowhere")


def test_an_empty_folder(tmp_path):
    assert refused(run("corpus", tmp_path / "twin", "--source", folder(tmp_path)), "Not started")


def test_three_lines_are_too_little_and_said_so(tmp_path):
    result = run(
        "corpus", tmp_path / "twin", "--source", folder(tmp_path, note_txt=b"one\ntwo\nthree\n")
    )
    assert "Traceback" not in result.stderr
    assert result.returncode == 1 or "training will not help" in result.stdout


def test_binary_junk_is_dropped_with_a_reason_and_the_rest_is_kept(tmp_path):
    junk = bytes(range(256)) * 40
    source = folder(
        tmp_path, junk_md=junk, tea_md=ZH.encode(), rain_md=(ZH + "雨").replace("茶", "雨").encode()
    )
    result = run("corpus", tmp_path / "twin", "--source", source)
    assert result.returncode == 0, result.stderr
    twin = Twin(tmp_path / "twin")
    assert "junk.md" in twin.file("dropped").read_text(encoding="utf-8-sig")
    assert len(twin.records("documents")) == 2


@pytest.mark.parametrize("encoding", ["gbk", "gb18030", "utf-16", "utf-8-sig", "big5"])
def test_any_encoding_is_read(tmp_path, encoding):
    text = (
        ZH
        if encoding != "big5"
        else "臺上一缸茶，別的沒有。街坊路過都要說一句，這天氣喝這麼燙。我說茶要燙。" * 8
    )
    result = run(
        "corpus", tmp_path / "twin", "--source", folder(tmp_path, tea_txt=text.encode(encoding))
    )
    assert result.returncode == 0, result.stderr
    [document] = Twin(tmp_path / "twin").records("documents")
    assert text[40:60] in document["text"].replace("\n", "")


@pytest.mark.parametrize(
    "step, word",
    [
        ("persona", "corpus"),
        ("quantize", "persona"),
        ("evaluate", "corpus"),
        ("publish", "quantize"),
    ],
)
def test_a_missing_earlier_step_is_named(tmp_path, step, word):
    Twin.open(tmp_path / "twin")
    assert refused(run(step, tmp_path / "twin"), "Not started", word)


def test_a_missing_twin_is_named(tmp_path):
    assert refused(run("persona", tmp_path / "twin"), "no twin at")


def test_a_corrupt_report_stops_the_next_step_and_running_again_mends_it(tmp_path, posts):
    twin = tmp_path / "twin"
    assert run("corpus", twin, "--source", posts).returncode == 0
    Twin(twin).report_path("corpus").write_text("{half a rep")
    assert refused(run("persona", twin), "-m twinlib corpus")
    assert "broken" in run("status", twin).stdout
    assert run("corpus", twin, "--source", posts).returncode == 0
    assert Twin(twin).state("corpus").name == "done"


def test_a_wrong_setting_is_a_sentence(tmp_path):
    result = run("persona", tmp_path, "--rank", "many")
    assert (
        result.returncode == 2
        and "whole number" in result.stderr
        and "Traceback" not in result.stderr
    )


def test_a_wrong_base_name_lists_the_right_ones(tmp_path, posts):
    assert run("corpus", tmp_path / "twin", "--source", posts).returncode == 0
    assert refused(run("persona", tmp_path / "twin", "--base", "qwen-0.5"), "qwen2.5-0.5b")


def namespace():
    """The words that run a command where a small disk may be mounted, or None where nobody may."""
    for words in (["unshare", "-m"], ["unshare", "-rm"]):
        try:
            if (
                subprocess.run(
                    [*words, "sh", "-c", "mount -t tmpfs -o size=64k none /mnt"],
                    capture_output=True,
                ).returncode
                == 0
            ):
                return words
        except OSError:
            return None
    return None


def test_a_full_disk_is_a_sentence_and_the_old_files_stand(tmp_path, posts):
    """A real tmpfs that fits the twin's facts and not its rows."""
    words = namespace()
    if words is None:
        pytest.skip("this machine lets nobody mount a small disk")
    twin = tmp_path / "disk"
    twin.mkdir()
    script = (
        f"mount -t tmpfs -o size=96k none {twin} && exec {sys.executable} -m twinlib corpus "
        f"--author Ning --twin {twin}/demo "
        f"--source {posts} --questions titles; "
    )
    result = subprocess.run(
        [*words, "sh", "-c", script],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert refused(result, "disk is full")


def test_a_twin_on_a_read_only_disk_can_be_read_and_a_step_says_why_it_cannot_run(tmp_path):
    words = namespace()
    if words is None:
        pytest.skip("this machine lets nobody mount a small disk")
    old, disk = ROOT / "tests" / "old_twin" / "old", tmp_path / "disk"
    disk.mkdir()
    twinlib, twin = f"{sys.executable} -m twinlib", f"--twin {disk}/old"
    script = (
        f"mount -t tmpfs none {disk} && cp -r {old} {disk} && mount -o remount,ro {disk} && "
        f"{twinlib} status {twin} && exec {twinlib} quantize {twin}"
    )
    result = subprocess.run(
        [*words, "sh", "-c", script],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TWINLIB_TWINS": str(tmp_path)},
    )
    assert "publish" in result.stdout
    assert refused(result, "may not read or write there")


CLOSED = """
import os, sys
from pathlib import Path
from types import SimpleNamespace
from twinlib.corpus import readers, step
from twinlib.settings import Corpus
def problem(path):
    return step.source_problem(Corpus(source=str(path), author="Ning"), SimpleNamespace())
problem("/nowhere")  # reads the sentences
if os.getuid() == 0:  # who may open any folder
    os.setuid(65534)
closed, log = Path(sys.argv[1]) / "closed", readers.ReadLog()
print(problem(closed).text, problem(closed / "within").text, sep="\\n")
print(len(list(readers.walk(closed.parent, log))), log.skipped["closed"])
"""


@pytest.mark.skipif(sys.platform == "win32", reason="permissions are others there")
def test_a_folder_that_may_not_be_opened_is_a_sentence():
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        closed = Path(folder) / "closed"
        closed.mkdir(mode=0o000)
        result = subprocess.run(
            [sys.executable, "-c", CLOSED, folder],
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        closed.chmod(0o755)
    first, second, counts = result.stdout.splitlines()
    assert "may not be opened by this account" in first and "There is no folder" in second
    assert counts == "0 1", "no file, one closed folder"


# Killed in the middle of any step


def killed_then_run_again(step, twin, *flags):
    """Kill a step once it reports progress, run it again. Returns whether it was cut off."""
    process = subprocess.Popen(
        command(step, twin, *flags),
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    history, deadline = (
        Twin(twin).history(step) if (twin / "twin.json").exists() else None,
        time.time() + 120,
    )
    while process.poll() is None and time.time() < deadline:
        if history is None and (twin / "twin.json").exists():
            history = Twin(twin).history(step)
        if history is not None and history.exists() and history.stat().st_size:
            break
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    cut_off = not Twin(twin).report_path(step).exists()
    result = run(step, twin, *flags)
    assert result.returncode == 0, result.stdout + result.stderr
    assert Twin(twin).state(step).name == "done"
    return cut_off


@pytest.mark.slow(seconds=75)
def test_a_kill_in_the_middle_of_any_step_loses_nothing(tmp_path, tiny_base):
    twin = tmp_path / "twin"
    flags = {
        **SMALL,
        "corpus": [*SMALL["corpus"], "--source", ROOT / "data_samples" / "posts"],
        "persona": [*SMALL["persona"], "--base", tiny_base],
    }
    cut_off = [
        killed_then_run_again(step, twin, *flags[step])
        for step in ("corpus", "persona", "reasoning", "quantize", "evaluate", "publish")
    ]
    assert sum(cut_off) >= 4  # the quickest steps may end before the kill
    assert not list(twin.rglob("*.part")) and not list(twin.rglob("adapter.new"))
    again = run("persona", twin, *flags["persona"])
    assert "done already" in again.stdout
    table = run("status", twin).stdout
    assert table.count("done") == 6, table
    for step in ("corpus", "persona", "reasoning", "quantize", "evaluate", "publish"):
        assert re.search(rf"^{step} +done +[-0-9]+ [:0-9]+  \S \S", table, re.MULTILINE), table
    interrupted = [
        json.loads(line) for line in Twin(twin).history("persona").read_text().splitlines()
    ]
    assert interrupted[-1]["done"] == interrupted[-1]["total"]
