"""The command line around the steps: which twin, what to type, and Ollama."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from twinlib import Twin, __main__
from twinlib.command_line import main
from twinlib.files import make_folder, write_json
from twinlib.models import plan
from twinlib.progress import width
from twinlib.settings import SETTINGS, make, remembered, step_module
from twinlib.twin import Stopped
from twinlib.ui import runtime, terminal, tour
from twinlib.ui.command_parser import wrapped

ROOT = Path(__file__).parent.parent
COMMANDS = [step.replace("_", "-") for step in SETTINGS]
COMMANDS += ["status", "ollama", "export", "import", "interview", "tour"]
# Takes what Ollama takes: a running server, a name, a Modelfile whose FROM lies beside it.
OLLAMA = """#!{python}
import json, re, sys
from pathlib import Path
log = Path(__file__).with_name("log.json")
if sys.argv[1:] == ["list"]:
    if Path(__file__).with_name("asleep").exists():
        sys.exit("Error: could not connect to ollama server, run 'ollama serve' to start it")
    sys.exit(0)
create, name, flag, modelfile = sys.argv[1:]
assert (create, flag) == ("create", "-f") and re.fullmatch("[a-z0-9][a-z0-9._-]*", name)
text = Path(modelfile).read_text(encoding="utf-8")
source = Path(modelfile).parent / re.match("FROM (.*)", text)[1]
if source.read_bytes()[:4] != b"GGUF":
    sys.exit("Error: no such model")
log.write_text(json.dumps([name, source.name, text.split(chr(10), 1)[1]]), encoding="utf-8")
"""


@pytest.fixture
def twins(tmp_path, monkeypatch):
    """An empty folder of twins."""
    monkeypatch.setenv("TWINLIB_TWINS", str(tmp_path / "twins"))
    return tmp_path / "twins"


def test_without_a_twin_the_sentence_says_how_to_make_one(twins, capsys):
    assert main(["status"]) == 1
    assert "corpus --twin me --source FOLDER" in capsys.readouterr().err


def test_a_slip_in_a_name_is_told_with_the_twin_that_was_meant(twins, capsys, tmp_path):
    Twin.open(twins / "鲁迅")
    assert main(["talk", "--twin", "鲁讯", "--question", "Hi?"]) == 1
    assert "no twin called '鲁讯', but one called '鲁迅'" in capsys.readouterr().err
    assert [path.name for path in twins.iterdir()] == ["LuXun"]
    assert main(["corpus", "--twin", "鲁讯", "--source", str(tmp_path / "none")]) == 1
    assert "There is one called '鲁迅' already" in capsys.readouterr().err
    assert main(["status", "--twin", "somebody"]) == 1
    assert "There is no twin at" in capsys.readouterr().err


def test_the_last_twin_is_opened_and_several_are_listed(twins, capsys):
    Twin.open(twins / "one").remember(author="阿宁")
    assert main(["status"]) == 0 and capsys.readouterr().out.startswith("one (")
    Twin.open(twins / "two")
    assert main(["status"]) == 0
    said = capsys.readouterr().out
    assert "one   阿宁    " in said and "\none (" in said, "opened last"
    assert main(["status", "--twin", "two"]) == 0
    capsys.readouterr()
    assert main(["talk", "--question", "Hi?"]) == 1
    assert "There is no GGUF file to talk to" in capsys.readouterr().err
    assert terminal.last() == twins / "two"


def test_with_several_twins_and_none_opened_the_names_are_said(twins, capsys):
    Twin.open(twins / "one"), Twin.open(twins / "two")
    assert main(["talk"]) == 1
    assert "say which one with --twin (one, two)" in capsys.readouterr().err


def _fill(folder):
    """A folder with a text."""
    folder.mkdir()
    (folder / "tea.md").write_text("# Tea\n\n" + "Tea is best drunk hot. " * 30, encoding="utf-8")
    return str(folder)


def test_a_refused_command_leaves_no_twin_behind(twins, tmp_path, monkeypatch, capsys):
    (tmp_path / "empty").mkdir()
    Twin.open(twins / "mine")
    assert main(["status", "--twin", "mine"]) == 0
    before = sorted(tmp_path.rglob("*"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("builtins.input", lambda _: (_ for _ in ()).throw(EOFError))
    for name in ("new", "a/b c", "../x", "小明"):
        assert main(["corpus", "--twin", name, "--source", str(tmp_path / "empty")]) == 1
        assert main(["corpus", "--twin", name, "--source", str(tmp_path / "none")]) == 1
        assert main(["tour", "--twin", name]) == 1
        assert main(["interview", "--twin", name]) == 0
    assert sorted(tmp_path.rglob("*")) == before and not (tmp_path.parent / "x").exists()
    assert terminal.last() == twins / "mine", "the twin opened last is as it was"
    assert "A new twin" not in capsys.readouterr().out


def test_a_tour_that_is_refused_leaves_no_twin_and_keeps_nothing(twins, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    mine = Twin.open(twins / "mine")
    assert main(["status", "--twin", "mine"]) == 0
    texts = ["--source", _fill(tmp_path / "texts")]
    refused = [
        (["--source", str(tmp_path / "none"), "--author", "Ning"], "no folder"),
        (["--source", str(tmp_path / "empty"), "--author", "Ning"], "empty"),
        (texts, "Whose words"),
        ([*texts, "--author", "Ning", "--base", str(tmp_path / "no" / "base")], "base"),
        ([*texts, "--author", "Ning", "--base", "nosuchmodel", "--effort", "quick"], "base"),
    ]
    before = sorted(tmp_path.rglob("*"))
    facts = mine.file("facts").read_bytes()
    for arguments, said in refused:
        for name in ("new", "mine"):
            capsys.readouterr()
            assert main(["tour", "--twin", name, *arguments]) == 1
            printed = capsys.readouterr()
            assert said.lower() in printed.err.lower() and "== 1/7" not in printed.out
        assert sorted(tmp_path.rglob("*")) == before
        assert mine.file("facts").read_bytes() == facts


@pytest.mark.parametrize("command", ["corpus", pytest.param("tour", marks=pytest.mark.slow)])
def test_a_new_twin_for_which_there_was_nothing_to_learn_is_not_kept(
    twins, tmp_path, monkeypatch, capfd, command
):
    monkeypatch.setattr(tour, "prepare", lambda base: 0.0)
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "a.txt").write_text("Hello.", encoding="utf-8")
    Twin.open(twins / "mine")
    assert main(["status", "--twin", "mine"]) == 0
    given = ["--twin", "new", "--source", str(tmp_path / "texts"), "--author", "Ning"]
    assert main([command, *given]) == 1
    said = capfd.readouterr().err
    assert "The new twin, 'new', is not kept" in said and "can be learnt from" in said
    assert not (twins / "new").exists() and terminal.last() == twins / "mine"


def test_a_twin_that_learnt_nothing_is_kept_where_something_else_is_in_it(twins):
    twin = Twin.open(twins / "new")
    twin.start("corpus", {"source": "posts"})
    twin.draft("corpus", author="Ning")
    make_folder(twin.tour())
    write_json(twin.file("decisions"), {})
    (twin.tour() / "01_prepare_corpus.ipynb").write_text("{}")
    assert twin.came_to_nothing() and not twin.is_unused()
    twin.decide("a text", action="drop")
    assert not twin.came_to_nothing()
    twin.undecide("a text")
    assert twin.came_to_nothing()
    write_json(twin.file("interview"), {})
    assert not twin.came_to_nothing()


def test_a_tour_that_is_interrupted_before_its_first_notebook_keeps_what_was_typed(
    twins, tmp_path, monkeypatch
):
    def stopped(base):
        raise Stopped

    monkeypatch.setattr(tour, "prepare", stopped)
    source = _fill(tmp_path / "texts")
    given = ["--source", source, "--author", "Ning", "--effort", "quick", "--base", "qwen3-4b"]
    assert main(["tour", "--twin", "new", *given]) == 130
    twin = Twin(twins / "new")
    assert remembered("corpus", twin) == {"source": source, "author": "Ning"}
    assert remembered("persona", twin) == {"effort": "quick", "base": "qwen3-4b"}


def test_of_a_step_that_can_not_start_no_time_is_said(twins, capsys, monkeypatch):
    host = {**plan.machine(), "gpu": "", "gpus": 0, "gpu_gb": 0.0}
    monkeypatch.setattr("twinlib.models.plan.machine", lambda: host)
    monkeypatch.setattr("twinlib.train.persona.machine", lambda: host)
    twin = Twin.open(twins / "new")
    assert main(["persona", "--twin", "new", "--base", "nosuch/model"]) == 1
    said = capsys.readouterr().err.splitlines()
    assert said[-1].startswith("Not started") and all(line[0] == "✗" for line in said[:-1])
    warned = step_module("persona").problems(make("persona", base="nosuch/model"), twin)
    assert [problem for problem in warned if problem.level == "warning"]


def test_a_wrong_value_is_answered_by_its_sentence_and_not_by_all_usage(twins, capsys):
    for arguments in (["corpus", "--short", "-5"], ["nosuch"], ["import"], ["persona", "--seed"]):
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        said = capsys.readouterr().err.splitlines()
        assert ended.value.code == 2 and len(said) == 2
        assert said[1].startswith("What there is to choose: ") and said[1].endswith("--help")
        if "-5" in arguments:
            assert "-5 is outside 0 to 5000" in said[0] and "corpus --help" in said[1]


@pytest.mark.parametrize(
    "language, begins, example, options",
    [
        ("en", "usage: ", "corpus --twin me --source FOLDER --author NAME", "\noptions:\n"),
        ("zh", "用法：", "corpus --twin me --source 文件夹 --author 名字", "\n选项:\n"),
    ],
)
def test_without_a_step_the_steps_are_listed_with_an_example(
    language, begins, example, options, monkeypatch, capsys
):
    monkeypatch.setenv("TWINLIB_LANG", language)
    assert main([]) == 0
    said = capsys.readouterr()
    assert said.err == "" and said.out.startswith(begins) and options in said.out
    assert all(f"\n    {step} " in said.out for step in ("corpus", "talk", "blind-test", "tour"))
    assert f" {example}  # " in said.out
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0 and capsys.readouterr().out == said.out


@pytest.mark.parametrize("step", ["", *COMMANDS])
def test_chinese_help_is_chinese_throughout_and_breaks_no_word(step, monkeypatch, capsys):
    def shown(language, columns):
        monkeypatch.setenv("TWINLIB_LANG", language)
        monkeypatch.setenv("COLUMNS", str(columns))
        with pytest.raises(SystemExit):
            main([*step.split(), "--help"])
        return capsys.readouterr().out

    def words(text):
        return set(re.findall(r"[\w-]+", re.sub("[^ -~]", " ", text)))

    said = shown("zh", 80)
    argparses = {"usage", "options", "positional", "arguments", "show", "help", "exit"}
    assert not words(said) & (argparses - {"help"} | {"STEP", "FILE", "TWIN"})
    assert words(said) == words(shown("zh", 1000)), "no Latin word is broken"
    assert "FOLDER" not in said and "NAME" not in words(said)
    lines = [line for line in said.splitlines() if "-m twinlib" not in line]
    assert all(width(line) <= 80 and not re.match(" *[，。；：、）”]", line) for line in lines)
    named = [re.match(r" {2,4}(-|\S+ {2}).*? {2,}(?=\S)|  \S+ {2,}(?=\S)", line) for line in lines]
    assert len({width(found[0]) for found in named if found}) <= 1, "texts begin in one column"


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["nosuch"], "没有 nosuch，有的是：corpus、persona、"),
        (["import"], "还缺：文件。"),
        (["corpus", "--source"], "--source 后面要写一个值。"),
        (["status", "--follow=3"], "--follow 后面不写值，这里写了 '3'。"),
        (["corpus", "--question", "3"], "--question 可能是 --questions, --question-model"),
        (["corpus", "--short", "-5"], "--short：最短保留字数：-5 超出范围 0 到 5000。"),
    ],
)
def test_a_wrong_argument_is_answered_in_chinese(arguments, said, monkeypatch, capsys):
    monkeypatch.setenv("TWINLIB_LANG", "zh")
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2 and capsys.readouterr().err.startswith(said)


@pytest.mark.parametrize(
    "text, columns, lines",
    [
        ("一二三四五", 6, ["一二三", "四五"]),
        ("一二三，四五", 6, ["一二", "三，四", "五"]),
        ("一二（三四）", 6, ["一二", "（三", "四）"]),
        ("问句（titles）：套用", 10, ["问句", "（titles）", "：套用"]),
        ("one two three", 7, ["one two", "three"]),
        ("abcdefgh 一", 4, ["abcd", "efgh", "一"]),
    ],
)
def test_a_text_is_put_into_lines_by_words_and_chinese_characters(text, columns, lines):
    assert wrapped(text, columns) == lines


def test_the_help_of_the_tour_names_the_notebooks_that_it_runs(capsys):
    with pytest.raises(SystemExit):
        main(["tour", "--help"])
    assert f"{tour.NAMES[0][:2]} to {tour.NAMES[-1][:2]} " in capsys.readouterr().out


def test_a_step_that_is_done_of_a_stale_one_is_said_to_be(tmp_path, capsys):
    twin = Twin(shutil.copytree(ROOT / "tests" / "old_twin" / "old", tmp_path / "old"))
    status = ["status", "--twin", str(twin.path)]
    assert main(status) == 0 and "of a stale" not in capsys.readouterr().out
    with open(twin.file("train"), "a", encoding="utf-8") as rows:
        rows.write("\n")
    assert main(status) == 0
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()[1:] if line}
    assert " stale " in lines["persona"] and "done, of a stale persona" in lines["quantize"]


def test_a_twin_of_an_answered_question_stays(twins, monkeypatch, capsys):
    lines = iter(["I walk by the river.", "", "", "", "", ""])

    def typed(_):
        if (line := next(lines, None)) is None:
            raise EOFError
        return line

    monkeypatch.setattr("builtins.input", typed)
    assert main(["interview", "--twin", "new"]) == 0
    assert f"A new twin, 'new'. It lives in {twins / 'new'}." in capsys.readouterr().out
    assert Twin(twins / "new").file("interview").exists() and terminal.last() == twins / "new"


def test_a_twin_that_was_there_stays_when_a_command_is_refused(twins, tmp_path):
    Twin.open(twins / "mine")
    assert main(["corpus", "--twin", "mine", "--source", str(tmp_path / "none")]) == 1
    assert main(["interview", "--twin", "mine", "--blind-test"]) in (0, 1)
    assert terminal.last() == twins / "mine"


def test_a_twin_that_is_made_is_named_with_its_folder(twins, tmp_path, capsys):
    learn = ["corpus", "--source", _fill(tmp_path / "own"), "--author", "N", "--questions"]
    assert main([*learn, "titles", "--twin", "小明"]) == 0
    said = f"A new twin, '小明'. It lives in {twins / 'XiaoMing'}."
    assert said in capsys.readouterr().out
    assert main([*learn, "titles", "--twin", "小明"]) == 0 and said not in capsys.readouterr().out


@pytest.mark.parametrize("name", ["", "  "])
def test_an_empty_name_is_refused_and_not_taken_for_the_last_twin(twins, tmp_path, name, capsys):
    Twin.open(twins / "one")
    (tmp_path / "x.zip").write_bytes(b"")
    for command in ("corpus", "status", "interview", "tour", "export", "memory"):
        assert main([command, "--twin", name]) == 1
        assert "can't name a twin" in capsys.readouterr().err
    assert main(["export", "--twin", "one", "--to", str(tmp_path / "one.zip")]) == 0
    assert main(["import", str(tmp_path / "one.zip"), "--twin", name]) == 1


def test_where_twins_lie_does_not_depend_on_an_empty_folder_of_the_notebooks(tmp_path, monkeypatch):
    monkeypatch.delenv("TWINLIB_TWINS", raising=False)
    monkeypatch.setattr(runtime, "ROOT", tmp_path / "clone")
    (tmp_path / "own").mkdir()
    monkeypatch.chdir(tmp_path / "own")
    assert terminal.twins_folder() == Path("twins")
    monkeypatch.setenv("TWINLIB_LANG", "en")
    runtime._speak("en")  # a notebook notes its language
    assert (tmp_path / "clone" / "twins" / ".language").exists()
    assert terminal.twins_folder() == Path("twins")
    Twin.open(tmp_path / "clone" / "twins" / "me")
    assert terminal.twins_folder() == tmp_path / "clone" / "twins"
    (tmp_path / "own" / "twins").mkdir()
    assert terminal.twins_folder() == Path("twins")


def test_the_notebooks_of_a_tour_use_the_twins_folder_of_the_command(tmp_path, monkeypatch):
    monkeypatch.setenv("TWINLIB_TWINS", "twins")
    monkeypatch.chdir(tmp_path)
    used = []
    keep = lambda *_, **__: used.append(os.environ["TWINLIB_TWINS"])  # noqa: E731
    monkeypatch.setattr("twinlib.ui.tour.tour", keep)
    assert main(["tour", "--twin", "me"]) == 0
    assert used == [str(tmp_path / "twins")], "a kernel has another working folder"


@pytest.mark.slow
def test_a_reader_that_has_seen_enough_is_no_error(twins):
    Twin.open(twins / "one")
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "twinlib", "status"]
    child = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, cwd=ROOT)
    os.close(writer)
    assert (child.returncode, child.stderr) == (0, "")


def test_the_texts_of_the_commands_begin_in_one_column(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    with pytest.raises(SystemExit):
        main(["--help"])
    lines = capsys.readouterr().out.splitlines()
    listed = [line for line in lines if line.startswith("    ") and line.strip() != "STEP"]
    assert len({len(line) - len(line[4:].split(maxsplit=1)[1]) for line in listed}) == 1
    assert len(listed) == 17


def test_the_program_is_called_as_it_was_started(monkeypatch, tmp_path):
    (tmp_path / "twinlib").touch(0o755)
    monkeypatch.setattr(sys, "argv", [str(tmp_path / "twinlib"), "status"])
    monkeypatch.setenv("PATH", "")
    assert terminal.program() == str(tmp_path / "twinlib")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert terminal.program() == "twinlib"
    monkeypatch.setattr(sys, "argv", [str(ROOT / "twinlib" / "__main__.py"), "status"])
    monkeypatch.setenv("VIRTUAL_ENV", sys.prefix)
    assert terminal.program() == "python -m twinlib"


@pytest.fixture
def ollama(tmp_path, monkeypatch):
    """The folder of a stand-in for Ollama's program, which is on the path."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "ollama").write_text(OLLAMA.format(python=sys.executable), encoding="utf-8")
    (folder / "ollama").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return folder


@pytest.fixture
def finished(twins):
    """A twin with two files and a Modelfile."""
    twin = Twin.open(twins / "Me")
    twin.folder("quantize")
    for kind in ("Q4_K_M", "Q8_0"):
        twin.gguf(kind).write_bytes(b"GGUF" + kind.encode())
    twin.file("modelfile").write_text(
        'FROM ./Me-Q8_0.gguf\nSYSTEM """你是阿宁的分身。"""\n', encoding="utf-8"
    )
    write_json(twin.file("params"), {})
    return twin


@pytest.mark.slow
def test_the_twin_is_made_in_ollama_from_the_file_that_is_asked_for(finished, ollama, capsys):
    import json

    assert main(["ollama"]) == 0
    assert "ollama run me" in capsys.readouterr().out
    rest = 'SYSTEM """你是阿宁的分身。"""\n'
    log = ollama / "log.json"
    assert json.loads(log.read_text(encoding="utf-8")) == ["me", "Me-Q8_0.gguf", rest]
    assert main(["ollama", "--type", "q4_k_m", "--name", "Ning"]) == 0
    assert json.loads(log.read_text(encoding="utf-8")) == ["ning", "Me-Q4_K_M.gguf", rest]
    assert sorted(p.name for p in finished.folder("quantize").iterdir()) == [
        "Me-Q4_K_M.gguf",
        "Me-Q8_0.gguf",
        "Modelfile",
        "params",
    ], "nothing is left over"


@pytest.mark.slow
def test_what_is_wrong_with_ollama_is_said_with_the_next_action(
    finished, ollama, capsys, monkeypatch
):
    (ollama / "asleep").touch()
    assert main(["ollama"]) == 1
    assert "type 'ollama serve' in another terminal" in capsys.readouterr().err
    (ollama / "asleep").unlink()
    finished.gguf("Q8_0").write_bytes(b"none")
    assert main(["ollama"]) == 1
    assert "Ollama could not make the model: Error: no such model" in capsys.readouterr().err
    finished.file("modelfile").unlink()
    assert main(["ollama"]) == 1
    assert "twinlib quantize again" in capsys.readouterr().err
    monkeypatch.setenv("PATH", "")
    assert main(["ollama"]) == 1
    said = capsys.readouterr().err
    assert "https://ollama.com/download" in said and "ollama create me -f Modelfile" in said


def test_an_interrupt_while_the_command_starts_is_no_traceback(monkeypatch):
    def interrupted(arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("twinlib.command_line.main", interrupted)
    assert __main__.main(["status"]) == 130


def test_the_judgement_of_little_writing_is_printed_once(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("TWINLIB_TWINS", str(tmp_path / "twins"))
    (tmp_path / "tea.md").write_text(
        "# Tea\n\n" + "Tea is best drunk hot, by the window. " * 9, encoding="utf-8"
    )
    corpus = ["corpus", "--twin", "me", "--source", str(tmp_path / "tea.md"), "--author", "Ning"]
    assert main([*corpus, "--questions", "titles"]) == 0
    printed = capsys.readouterr().out
    assert printed.count("nothing to hold on to") == printed.count("Answer the interview") == 1
