"""Linux, macOS and Windows: what only one of them has is not used, or only where it is there."""

import ast
import asyncio
import ntpath
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from twinlib import Twin, commands, files, i18n
from twinlib.files import write_atomic
from twinlib.ui import children, notebook_client

ROOT = Path(__file__).parent.parent
SOURCES = sorted([*(ROOT / "twinlib").rglob("*.py"), *(ROOT / "tools").glob("*.py")])
# Missing on Windows, or with another meaning there.
ELSEWHERE = {
    "os": "fork killpg getpgid getuid geteuid getgid sched_getaffinity mkfifo uname".split(),
    "signal": "SIGKILL SIGHUP SIGALRM SIGUSR1 SIGUSR2 alarm setitimer pause".split(),
    "time": ["tzset"],
}
MODULES = {"fcntl", "resource", "pwd", "grp", "termios", "tty", "pty", "crypt", "readline"}
each_source = pytest.mark.parametrize(
    "path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix()
)


def calls(path):
    """(name of the function, its call) of each call in a file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            yield getattr(node.func, "id", getattr(node.func, "attr", "")), node


def text_mode(call):
    """Whether a call opens a file as text."""
    modes = [k.value for k in call.keywords if k.arg == "mode"] + call.args[1:2]
    return not any("b" in ast.unparse(mode) for mode in modes)


@each_source
def test_every_text_is_read_and_written_as_utf8(path):
    """Elsewhere the default is the language of the system: GBK on a Chinese Windows."""
    wrong = []
    for name, call in calls(path):
        given = {keyword.arg for keyword in call.keywords}
        of_path = isinstance(call.func, ast.Attribute)
        if name == "read_text" and not call.args and "encoding" not in given:
            wrong.append(call.lineno)
        if name == "write_text" and len(call.args) < 2 and "encoding" not in given:
            wrong.append(call.lineno)
        if name == "open" and not of_path and text_mode(call) and "encoding" not in given:
            wrong.append(call.lineno)
        if name in ("run", "Popen", "check_output") and "encoding" not in given:
            texts = [k for k in call.keywords if k.arg in ("text", "universal_newlines")]
            wrong += [call.lineno] * bool(texts)
    assert wrong == [], f"{path.name}: no encoding in these lines"


@each_source
def test_nothing_is_used_that_windows_lacks(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            assert node.attr not in ELSEWHERE.get(node.value.id, ()), f"line {node.lineno}"
    for node in tree.body:  # inside a function an import may be tried
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        assert not {name.split(".")[0] for name in names} & MODULES, f"line {node.lineno}"


@each_source
def test_no_path_or_date_is_written_in_one_systems_way(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            assert not re.search(r"%[-#][dmHIMSjy]|^/tmp\b|^/dev/(?!null)", node.value), node.lineno


# Names of twins, as Windows sees them

NAMES = ["con", "NUL", "com1.twin", "prn", "me.", "a:b", "a<b>", 'a"b', "a|b", "what?", "a*", "宁"]


def is_reserved(name):
    """Whether a name stands for a device on Windows, whatever follows its first dot."""
    devices = {"con", "prn", "aux", "nul", *(f"{d}{n}" for d in ("com", "lpt") for n in range(10))}
    return name.split(".")[0].rstrip(" ").lower() in devices


@pytest.mark.parametrize("name", NAMES)
def test_a_twins_folder_can_be_made_on_windows_or_its_name_is_refused(tmp_path, monkeypatch, name):
    monkeypatch.setenv("TWINLIB_TWINS", str(tmp_path))
    try:
        folder = Twin.locate(name).name
    except files.TwinError:
        return
    assert not is_reserved(folder) and not folder.endswith((".", " "))
    assert not set(folder) & set('<>:"/\\|?*') and ntpath.basename(folder) == folder


@pytest.mark.parametrize("path", ["C:\\Users\\me\\blog", "/content/blog", "\\\\server\\blog"])
def test_a_folder_of_another_system_that_was_read_once_counts_as_unchanged(twin, path):
    assert twin._hash_now(path) is None
    assert twin._hash_now("corpus/train.jsonl") == ""


# Files and processes


def test_a_file_that_another_program_holds_open_is_replaced_a_moment_later(tmp_path, monkeypatch):
    """Windows refuses to replace an open file."""
    replace, refusals = os.replace, [PermissionError(13, "in use")] * 3

    def refuse(source, target):
        if refusals:
            raise refusals.pop()
        replace(source, target)

    monkeypatch.setattr(files.os, "replace", refuse)
    monkeypatch.setattr(files, "_WINDOWS", True)
    write_atomic(tmp_path / "a.json", "{}")
    assert (tmp_path / "a.json").read_text(encoding="utf-8") == "{}"
    assert os.listdir(tmp_path) == ["a.json"]


def test_a_child_is_stopped_on_windows_by_ctrl_break_which_reaches_its_group(monkeypatch):
    started, sent = {}, []

    class Child:
        def __init__(self, arguments, **options):
            started.update(options)

        def poll(self):
            return None

        send_signal = sent.append

    monkeypatch.setattr(children, "WINDOWS", True)
    monkeypatch.setattr(subprocess, "Popen", Child)
    monkeypatch.setattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0x200, raising=False)
    monkeypatch.setattr(signal, "CTRL_BREAK_EVENT", 1, raising=False)
    children.interrupt(children.start(["-m", "twinlib"]))
    assert started["creationflags"] == 0x200 and "start_new_session" not in started
    assert started["encoding"] == "utf-8" and started["env"]["PYTHONUTF8"] == "1" and sent == [1]


def test_a_loop_without_signal_handlers_is_interrupted_all_the_same(monkeypatch):
    """Windows' loops have none: the signal's own handler hands the interrupt to the loop."""

    async def interrupted():
        loop = asyncio.get_running_loop()

        def refuse(*_):
            raise NotImplementedError

        monkeypatch.setattr(loop, "add_signal_handler", refuse)
        came = asyncio.Event()
        client = notebook_client._Client(nbformat.v4.new_notebook())
        client._caught = []
        client._catch(signal.SIGINT, loop, came.set)
        signal.raise_signal(signal.SIGINT)
        await asyncio.wait_for(came.wait(), 10)
        client.release()

    before = signal.getsignal(signal.SIGINT)
    asyncio.run(interrupted())
    assert signal.getsignal(signal.SIGINT) == before


def on_windows(monkeypatch, folder, python):
    """Paths as Windows has them: the working folder `folder`, this Python at `python`."""
    monkeypatch.setattr(commands.os, "path", ntpath)
    monkeypatch.setattr(ntpath, "abspath", lambda path: ntpath.normpath(ntpath.join(folder, path)))
    monkeypatch.setattr(commands.sys, "platform", "win32")
    monkeypatch.setattr(commands.sys, "executable", python)
    monkeypatch.setattr(commands.sys, "argv", ["-m"])
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)


@pytest.mark.parametrize(
    "folder, python, said",
    [
        ("D:\\me", "C:\\Python 3\\python.exe", '"C:\\Python 3\\python.exe" -m twinlib'),
        ("C:\\me", "C:\\me\\env\\python.exe", "env\\python.exe -m twinlib"),
        ("C:\\me", "C:\\me\\my env\\python.exe", '"my env\\python.exe" -m twinlib'),
    ],
)
def test_the_command_to_type_is_right_on_another_drive_and_with_blanks(
    monkeypatch, folder, python, said
):
    with monkeypatch.context() as patched:
        on_windows(patched, folder, python)
        found = commands.program()
    assert found == said


def test_a_words_quotation_marks_are_those_of_the_systems_terminal(monkeypatch):
    assert commands.quoted("a b") == "'a b'" and commands.quoted("ab") == "ab"
    monkeypatch.setattr(commands.sys, "platform", "win32")
    assert commands.quoted("a b") == '"a b"' and commands.quoted("C:\\ab") == "C:\\ab"


@pytest.mark.parametrize(
    "name, code",
    [
        ("Chinese (Simplified)_China", "zh"),
        ("Chinese_Taiwan", "zh"),
        ("zh_CN", "zh"),
        ("English_United Kingdom", "en"),
        ("German_Germany", "en"),
        (None, "en"),
    ],
)
def test_without_variables_the_language_is_the_systems(monkeypatch, tmp_path, name, code):
    for variable in ("TWINLIB_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("TWINLIB_TWINS", str(tmp_path / "none"))
    monkeypatch.setattr(i18n.locale, "getlocale", lambda: (name, "cp936"))
    assert i18n.language() == code
    monkeypatch.setenv("LANG", "en_GB.UTF-8")
    assert i18n.language() == "en", "what is set goes first"


@pytest.mark.slow
def test_a_narrow_output_encoding_ends_no_command(tmp_path):
    """A Windows console may know neither Chinese nor the ellipsis."""
    Twin.open(tmp_path / "one").remember(author="宁半圈 …")
    environment = {
        **os.environ,
        "TWINLIB_TWINS": str(tmp_path),
        "PYTHONIOENCODING": "ascii",
        "TWINLIB_LANG": "zh",
        "PYTHONPATH": str(ROOT),
    }
    command = [sys.executable, "-m", "twinlib", "status"]
    done = subprocess.run(command, capture_output=True, env=environment, cwd=ROOT)
    assert done.returncode == 0 and b"one" in done.stdout
