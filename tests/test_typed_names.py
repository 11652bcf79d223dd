"""A twin's name typed without quotation marks, into a cell or a command: what is said then."""

import pytest

from twinlib import Twin, TwinError
from twinlib.command_line import main
from twinlib.ui import cell_errors, runtime


def error_of(cell):
    """(error, traceback) of a cell that Python refuses, read as a notebook's are."""
    import linecache

    lines = cell.splitlines(keepends=True)
    linecache.cache["<a cell>"] = len(cell), None, lines, "<a cell>"
    try:
        exec(compile(cell, "<a cell>", "exec"), {})
    except (NameError, SyntaxError) as error:
        return error, error.__traceback__
    raise AssertionError(f"{cell} is right")


@pytest.mark.parametrize(
    "typed, name",
    [
        ("me", '"me"'),
        ('me  # @param {type: "string"}', '"me"'),
        ("my twin", '"my twin"'),
        ("阿宁", '"阿宁"'),
        ("阿宁 的分身", '"阿宁 的分身"'),
        ("“阿宁”", '"阿宁"'),
        ("’me’", '"me"'),
        ("'me", '"me"'),
        ("me-too", '"me-too"'),
        ("", '""'),
    ],
)
def test_a_name_without_quotation_marks_is_shown_as_it_is_to_be_typed(typed, name):
    said = cell_errors.sentence_for(*error_of(f"TWIN = {typed}\nUSE_DRIVE = True\n"))
    assert said.startswith("The name of a twin stands between quotation marks")
    assert f"TWIN = {name} and run" in said


@pytest.mark.parametrize("typed", ["true", "yes", "“True”"])
def test_a_switch_is_true_or_false(typed):
    said = cell_errors.sentence_for(*error_of(f'TWIN = ""\nUSE_DRIVE = {typed}\n'))
    assert said.startswith("USE_DRIVE is True or False, with a capital letter")


@pytest.mark.parametrize(
    "cell", ["x = me", "print(TWINS)", "def f():\n    return me\nTWIN = f()", "form = TWIN ="]
)
def test_other_errors_are_pythons(cell):
    assert cell_errors.sentence_for(*error_of(cell + "\n")) == ""


def test_a_name_of_pythons_is_no_twins_and_an_opened_twin_is_itself(tmp_path, monkeypatch):
    monkeypatch.setenv("TWINLIB_TWINS", str(tmp_path / "twins"))
    for value in (max, int, runtime, ["me"]):
        with pytest.raises(TwinError, match="stands between quotation marks"):
            runtime.open_twin(value)
    assert not (tmp_path / "twins").exists()
    twin = Twin.open(tmp_path / "twins" / "me")
    assert runtime.open_twin(twin).path == twin.path and runtime.open_twin(2024).name == "2024"


@pytest.mark.slow
def test_in_a_kernel_the_sentence_is_all_that_is_shown():
    from jupyter_client.manager import start_new_kernel

    manager, client = start_new_kernel(cwd=str(runtime.ROOT))

    def shown(cell):
        """The traceback of a cell, None where it runs."""
        found = []
        client.execute_interactive(
            cell,
            timeout=60,
            output_hook=lambda m: found.append(m) if m["msg_type"] == "error" else None,
        )
        return found[0]["content"]["traceback"] if found else None

    try:
        assert "NameError" in "".join(shown("TWIN = me")), "before the set-up cell"
        assert shown("from twinlib.ui import runtime; runtime.install('zh')") is None
        for typed in ("me", "my twin", "“阿宁”"):
            [said] = shown(f"TWIN = {typed}\nUSE_DRIVE = True")
            name = typed.strip("“”")
            assert said.startswith("分身的名字要放在英文引号里") and f'TWIN = "{name}"' in said
        assert shown('TWIN = "me"\nUSE_DRIVE = True') is None
        assert "NameError" in "".join(shown("1 + nothing")), "any other error is Python's"
        assert "SyntaxError" in "".join(shown("1 +"))
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


@pytest.mark.parametrize(
    "typed, said",
    [
        ("status --twin my twin", '--twin "my twin"'),
        ("corpus --source=/my writing --twin me", '--source "/my writing"'),
        ("corpus --twin me --source /my own writing", '--source "/my own writing"'),
        ("status --twin 阿宁 的分身", '--twin "阿宁 的分身"'),
    ],
)
def test_a_command_says_where_quotation_marks_are_missing(typed, said, capsys):
    with pytest.raises(SystemExit) as ended:
        main(typed.split(" "))
    assert ended.value.code == 2
    assert (
        capsys.readouterr().err == f"What has blanks in it stands between quotation marks: {said}\n"
    )


@pytest.mark.parametrize("typed", ["corpus --sorce x", "status x"])
def test_what_no_command_knows_is_said_with_where_to_look(typed, capsys):
    with pytest.raises(SystemExit) as ended:
        main(typed.split())
    said = capsys.readouterr().err
    assert ended.value.code == 2 and said.startswith(f"There is no {typed.split(' ', 1)[1]}: ")
    assert "--help lists the commands" in said and "usage" not in said
