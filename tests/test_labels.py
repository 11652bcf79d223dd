"""Nobody reads a program's name: every figure that a step writes, and every step, has a label in
both languages.
"""

import ast
import json
import re
from pathlib import Path

import pytest

from twinlib import i18n
from twinlib.evaluate.figures import FIGURES, MODELS
from twinlib.text import labels
from twinlib.twin import STEPS, Report, figure
from twinlib.ui import tables, tour

ROOT = Path(__file__).parent.parent
# What may stand in the braces of a figure's name, such as f"kl_divergence_{kind}".
PARTS = {
    "kind": "Q4_K_M",
    "script": "latin",
    "split": "val",
    "when": "after",
    "name": "twin",
    "row": "persona",
}


def names(path):
    """Names of figures that a module writes: keys of a dict, of a comprehension or in an
    assignment, whose value is figure(...).
    """
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        pairs = list(zip(node.keys, node.values)) if isinstance(node, ast.Dict) else []
        pairs += [(node.key, node.value)] if isinstance(node, ast.DictComp) else []
        pairs += [
            (target.slice, node.value)
            for target in (node.targets if isinstance(node, ast.Assign) else ())
            if isinstance(target, ast.Subscript)
        ]
        for key, value in pairs:
            function = getattr(getattr(value, "func", None), "id", "")
            if function.endswith("figure") or function == "too_few":
                yield from filter(None, [spelt(key)])


def spelt(key):
    """The text of a constant or an f-string, with PARTS in its braces; None for anything else."""
    if isinstance(key, ast.Constant):
        return key.value
    if isinstance(key, ast.JoinedStr):
        text = "".join(
            part.value
            if isinstance(part, ast.Constant)
            else PARTS[getattr(part.value, "attr", getattr(part.value, "id", ""))]
            for part in key.values
        )
        # `name` is one of base, persona and reasoning there.
        return text.replace("decimals_twin", "decimals_persona")


FOUND = sorted(
    {
        (path.stem, name)
        for folder in ("corpus", "train", "gguf", "evaluate", "publish")
        for path in (ROOT / "twinlib" / folder).rglob("*.py")
        if path.stem != "instructions"
        for name in names(path)
    }
    | {
        ("evaluate", name)
        for name in (
            *(entry.name for entry in FIGURES),
            "forgetting.base",
            "forgetting.problems.twin",
            "quantization_loss.Q5_K_M",
        )
    }
    | {("quantize", f"{name}_Q8_0") for name in ("kl_divergence", "top1", "llama_top1", "ended")}
    | {
        ("evaluate", f"{entry.name}.{variant}")
        for entry in FIGURES
        if "base" in entry.variants
        for variant in (*MODELS, "twin-Q8_0")
    }
)


def test_the_scan_sees_figures_of_every_step():
    seen = {name for _, name in FOUND}
    assert {
        "rows",
        "characters_latin",
        "val_documents",
        "val_loss",
        "gpu_memory_gb",
        "accuracy_after",
        "accuracy_gain",
        "size_mb_Q4_K_M",
        "tokens_equal_Q4_K_M",
        "decimals",
        "megabytes",
        "sounds_like_me",
    } <= seen


@pytest.mark.parametrize("step, name", FOUND)
def test_every_figure_has_a_label_in_both_languages(step, name):
    en, zh = labels.figure(name, step).values()
    assert "_" not in re.sub("Q[0-9]_K_M|Q8_0", "", en + zh) and en != name
    assert re.search("[一-鿿]", zh) and not re.search("[一-鿿]", en)


def test_no_two_figures_of_a_table_are_called_the_same():
    for code in i18n.LANGUAGES:
        steps = i18n.data("figures")["figures"].values()
        said = [entry[code] for figures in steps for entry in figures.values()]
        assert sorted(said) == sorted(set(said))


def test_a_file_and_a_row_stand_behind_the_label():
    assert labels.figure("top1_Q5_K_M", "quantize") == {
        "en": "Same likeliest token as before quantization: Q5_K_M",
        "zh": "最可能的 token 与量化前相同：Q5_K_M",
    }
    assert labels.figure("nonsense.twin-Q8_0") == {
        "en": "Broken or looping answers: twin as Q8_0",
        "zh": "坏掉或原地打转的回答：分身（Q8_0）",
    }
    assert labels.figure("personal_data", "corpus") != labels.figure("personal_data", "evaluate")
    assert set(labels.figure("of_an_older_version").values()) == {"of an older version"}


def test_the_tables_say_the_labels(twin, monkeypatch):
    monkeypatch.setenv("TWINLIB_LANG", "zh")
    report = Report(
        "evaluate",
        {},
        0,
        0,
        {},
        {},
        {},
        {"nonsense.base": figure(0.5), "fool_rate": figure(None)},
        [],
    )
    twin.finish(report)
    for text in (tables.figures(report).text, tour.scores(twin)):
        assert [line.split()[0] for line in text.splitlines()[-2:]] == [
            "坏掉或原地打转的回答：基础模型",
            "骗过率",
        ]
    assert [line.split()[:2] for line in tables.steps(twin).text.splitlines()[1:3]] == [
        ["01", "整理您的文字"],
        ["02", "学会您的口吻"],
    ]


@pytest.mark.parametrize("place, step", list(enumerate(STEPS, 1)))
def test_a_step_is_called_what_its_notebook_is_called(place, step):
    for language, called in labels.step(step).items():
        [path] = (ROOT / "notebooks" / language).glob(f"{place:02}_*.ipynb")
        first = "".join(json.loads(path.read_text(encoding="utf-8"))["cells"][0]["source"])
        assert first.splitlines()[0] == f"# {place:02} · {called}"


def test_both_languages_stand_side_by_side_equal_ones_once_and_empty_ones_not_at_all(monkeypatch):
    monkeypatch.setenv("TWINLIB_LANG", "both")
    assert i18n.choose({"en": "yes", "zh": "是"}) == "yes · 是"
    assert i18n.choose({"en": "GGUF", "zh": "GGUF"}) == "GGUF"
    assert i18n.choose({"en": "", "zh": ""}) == ""
