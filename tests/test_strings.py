"""Sentences in data/strings/: in all languages, all of them used, and with the values they need."""

import ast
import re
import string
from pathlib import Path

import pytest
import yaml

from twinlib import commands, i18n

PACKAGE = Path(__file__).parent.parent / "twinlib"
FUNCTIONS = ("t", "both", "stop", "warning", "label")
ROOMS = sorted((PACKAGE / "data" / "strings").glob("*.yaml"))
DATA = sorted((PACKAGE / "data").rglob("*.yaml"))


FORMS = re.compile(r"{(\w+(?::[^{}|]*)?)\|([^{}|]*)\|([^{}|]*)}")  # {n|answer|answers}


def placeholders(text):
    forms = {field.partition(":")[0] for field, _, _ in FORMS.findall(text)}
    parsed = string.Formatter().parse(FORMS.sub("", text))
    return forms | {name for _, name, _, _ in parsed if name}


def entries():
    """{room.name: {language: text}} of all files."""
    return {
        f"{room.stem}.{name}": entry
        for room in ROOMS
        for name, entry in yaml.safe_load(room.read_text(encoding="utf-8")).items()
    }


def calls():
    """(file, line, key, names of the values or None with **) of each call that names an entry."""
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            first = node.args[0]
            if name in FUNCTIONS and len(node.args) == 1 and isinstance(first, ast.Constant):
                values = {keyword.arg for keyword in node.keywords}
                yield path.name, node.lineno, first.value, None if None in values else values


ENTRIES = entries()
CALLS = list(calls())


def texts_in(value, path):
    """(path, {language: text}) of each text in the content of a data file."""
    if isinstance(value, dict) and set(value) & set(i18n.LANGUAGES):
        # A figure of figures.yaml has its meaning beside its name.
        yield path, {code: text for code, text in value.items() if code != "meaning"}
    parts = value if isinstance(value, dict) else {}
    if isinstance(value, list):
        parts = dict(enumerate(value))
    for name, part in parts.items():
        yield from texts_in(part, (*path, name))


@pytest.mark.parametrize("path", DATA, ids=lambda path: path.name)
def test_a_text_stands_in_every_language(path):
    for key, texts in texts_in(yaml.safe_load(path.read_text(encoding="utf-8")), ()):
        assert set(texts) == set(i18n.LANGUAGES), key
        if key != ("sentence_separator",):  # nothing, in Chinese
            assert all(text and str(text).strip() for text in texts.values()), key


def test_every_call_names_an_entry_and_gives_what_it_needs():
    for file, line, key, values in CALLS:
        assert key in ENTRIES, f"{file}:{line}: there is no entry {key}"
        needed = set().union(*(placeholders(text) for text in ENTRIES[key].values() if values))
        assert values is None or needed == values, f"{file}:{line}: {key} needs {needed}"


def test_a_value_in_several_languages_is_filled_in_with_that_of_the_sentence(monkeypatch):
    label, help = {"en": "Seed", "zh": "随机种子"}, {"en": "Same again.", "zh": "结果相同。"}
    assert i18n.both("core.label_and_help", label=label, help=help) == {
        "en": "Seed: Same again.",
        "zh": "随机种子：结果相同。",
    }
    assert i18n.listed([label, "GGUF"]) == {"en": "Seed, GGUF", "zh": "随机种子、GGUF"}
    monkeypatch.setenv("TWINLIB_LANG", "both")
    assert i18n.choose(label) == "Seed · 随机种子"


def test_no_entry_is_left_over():
    used = {key for _, _, key, _ in CALLS}
    files = [*PACKAGE.rglob("*.py"), PACKAGE.parent / "tools" / "notebooks.py"]
    named = "".join(path.read_text(encoding="utf-8") for path in files)
    assert [key for key in ENTRIES if key not in used and f'"{key}"' not in named] == []


def test_what_notebooks_show_names_no_flag_of_a_command():
    """A notebook's reader knows a setting by its label; a whole command may be given to copy."""
    of_commands = ("core.status_help", "core.twin_help", "ui.which_twin")
    for key, entry in ENTRIES.items():
        for text in entry.values():
            if key not in of_commands and "[[" not in text and "twinlib " not in text:
                assert not re.search(r"(?<![\w-])--[a-z]", text), f"{key}: {text}"


@pytest.mark.parametrize("path", DATA, ids=lambda path: path.name)
def test_no_key_is_given_twice(path):
    """YAML would take the last of them."""
    keys = [
        [key.value for key, _ in node.value]
        for node in _nodes(yaml.compose(path.read_text(encoding="utf-8")))
        if isinstance(node, yaml.MappingNode)
    ]
    assert all(len(names) == len(set(names)) for names in keys)


def _nodes(node):
    yield node
    for part in node.value if isinstance(node, yaml.CollectionNode) else ():
        for child in part if isinstance(part, tuple) else (part,):
            yield from _nodes(child)


@pytest.mark.parametrize(
    "key, counted, of_one, of_two",
    [
        ("evaluate.verdict_too_few", "n", "1 question is too few", "2 questions are too few"),
        ("evaluate.friends", "n", "1 friend", "2 friends"),
        ("evaluate.page_made", "pairs", ": 1 pair, ", ": 2 pairs, "),
        ("corpus.corpus_size", "passages", "1 passage to learn", "2 passages to learn"),
        ("corpus.corpus_size", "words", "about 1 word:", "about 2 words:"),
        ("corpus.more_passages_needed", "missing", "1 more passage is", "2 more passages are"),
        ("train.hours_without_gpu", "hours", "about 1 hour without", "about 2 hours without"),
        ("train.rows_cut", "cut", "1 ends after its last", "2 end after their last"),
        ("ui.rows_to_learn_from", "count", "1 training row:", "2 training rows:"),
        ("verdict.would_go_online", "repositories", "in 1 repository", "in 2 repositories"),
        ("verdict.remembers", "documents", "of 1 text.", "of 2 texts."),
    ],
)
def test_a_number_takes_the_form_of_the_word_that_fits_it(key, counted, of_one, of_two):
    for number, said in ((1, of_one), (2, of_two)):
        needed = set().union(*map(placeholders, ENTRIES[key].values()))
        texts = i18n.both(key, **dict.fromkeys(needed, 2) | {counted: number})
        assert said in texts["en"] and "|" not in texts["zh"]


def test_what_is_shown_of_a_number_decides_its_form():
    hours = {number: i18n.both("train.hours_without_gpu", hours=number) for number in (1.2, 21)}
    assert "1 hour without" in hours[1.2]["en"] and "21 hours without" in hours[21]["en"]
    epochs = i18n.both("models.steps_of_rows", rows=1, epochs=1.0, at_once=4)["en"]
    assert epochs.startswith("1 row, 1 time, ")


# Their counts are never 1: constants, or what is only said of several.
NEVER_ONE = """
corpus.about_to_send corpus.little_of_a_language corpus.passages_needed corpus.more_passages_needed
evaluate.few_long_answers evaluate.twin_quotes_at_length evaluate.membership
gguf.fewer_answers_end gguf.twin_never_ends gguf.twin_seldom_ends gguf.file_ended_few_answers
gguf.too_few_problems gguf.quantization_changed_nothing memory.theme memory.theme_in_years
practice.probe_title practice.not_practised talk.key_too_short talk.too_many_texts
train.no_finite_gradients train.mostly_truncated train.rewards_all_equal train.reward_hacking
train.probing train.probe_worth train.probe_nothing_to_gain train.probe_too_hard
train.probe_cut_off ui.found_several_times ui.problems_shown ui.texts_inside_so_far
verdict.solves_more verdict.solves_as_many verdict.seldom_ends
""".split()


def test_a_word_that_has_two_forms_somewhere_has_them_after_every_count():
    """Else somewhere a page says “1 questions”."""
    found = [form for entry in ENTRIES.values() for form in FORMS.findall(entry["en"])]
    plurals = {many.split()[0] for _, one, many in found if not one.startswith(many)}
    plurals = {word for word in plurals if word.endswith("s")} - {"is", "was"}
    assert {"questions", "answers", "passages", "texts", "rows", "files"} <= plurals
    plain = re.compile(rf"{{(\w+)(?::,)?}} (?:[a-z-]+ )?({'|'.join(sorted(plurals))})\b")
    wrong = [
        f"{key}: {match[0]}"
        for key, entry in ENTRIES.items()
        for match in plain.finditer(entry["en"])
        if key not in NEVER_ONE
    ]
    assert wrong == []
    assert set(NEVER_ONE) <= set(ENTRIES)


def test_a_latin_name_stands_apart_in_a_chinese_sentence_and_a_chinese_one_does_not():
    said = {name: i18n.both("talk.not_a_person", author=name)["zh"] for name in ("Ning", "鲁迅")}
    assert said["Ning"].startswith("这是 Ning 的分身，") and said["鲁迅"].startswith(
        "这是鲁迅的分身，"
    )
    assert "分身“Ning”，" in i18n.both("ui.new_twin", name="Ning", path="/x")["zh"]
    assert i18n.both("corpus.system_prompt", author="Ning")["zh"].startswith("你是Ning的分身"), (
        "as twins learnt it"
    )


@pytest.mark.parametrize(
    "written, within",
    [
        ("“皇汉医学”", "‘皇汉医学’"),
        ("“好”，他说：“走罢。”", "‘好’，他说：‘走罢。’"),
        ("他说“我听‘道士’说”。", "他说‘我听“道士”说’。"),
        ("不是，它是我的母板。”", "不是，它是我的母板。"),
        ("“去哪？", "去哪？"),
        ("走罢。”他说：“去", "走罢。’他说：‘去"),
        ('say "yes" to a 5" pipe', 'say ‘yes’ to a 5" pipe'),
        ("I don’t “go”", "I don’t ‘go’"),
        ("", ""),
    ],
)
def test_within_quotation_marks_a_text_has_the_other_kind(written, within):
    assert i18n.nested(written) == within
    texts = i18n.both("talk.cited_untitled", date="1929", quote=written)
    assert texts == dict.fromkeys(i18n.LANGUAGES, f"1929：“{within}”") | {"en": f"1929: “{within}”"}


def test_a_title_within_title_marks_has_the_small_ones_and_a_path_stays_as_it_is():
    cited = i18n.both("talk.cited", title="《小彼得》译本序", date="1929", quote="a")
    assert cited["zh"] == "出自《〈小彼得〉译本序》，1929：“a”"
    path = "/drive/三闲集-“皇汉医学”.md"
    assert path in i18n.both("corpus.source_missing", source=path)["zh"]


def _flags_in(text):
    return sorted(set(re.findall(r"[(（](--[\w-]+)[)）]", text)))


def test_a_setting_has_its_flag_beside_its_label_in_a_terminal_and_not_in_a_notebook(monkeypatch):
    named = {"en": "'What readers call you'", "zh": "“读者怎么称呼您”"}
    flag = {"en": " (--author)", "zh": "（--author）"}
    for code, text in i18n.both("corpus.no_author").items():
        assert named[code] + flag[code] in text
    monkeypatch.setattr(commands, "in_notebook", lambda: True)
    for code, text in i18n.both("corpus.no_author").items():
        assert named[code] in text and "--" not in text


def test_words_between_bars_are_read_in_a_notebook_or_in_a_terminal(monkeypatch):
    assert i18n.both("verdict.talk")["en"] == f"talk to it ({commands.program()} talk)."
    private = i18n.both("models.repository_is_private", id="a/b")["zh"]
    assert private.endswith("，或打开“设为私有”（--private）。没有上传任何内容。")
    assert i18n.step_title("quantize")["en"] == "quantize (Make it run anywhere)"
    monkeypatch.setattr(commands, "in_notebook", lambda: True)
    assert i18n.both("verdict.talk")["en"] == "talk to it below, or in a terminal."
    assert "或勾选“设为私有”。" in i18n.both("models.repository_is_private", id="a/b")["zh"]
    assert i18n.step_title("quantize")["en"] == "notebook 04 (Make it run anywhere)"


# Modules of ui/ whose sentences are read in a terminal, too.
IN_TERMINALS = "summary terminal portable interview_terminal blind_test_results".split()
OF_A_NOTEBOOK = {
    "en": re.compile(
        r"notebook \d|\b(un)?tick(ed)?\b|\b(the|a) form\b|\bcells?\b|\bpress\b|"
        r"\b(look|read|test|answers?|card|it|something|see) below\b|\babove\b"
    ),
    "zh": re.compile(r"笔记本 ?\d|号笔记本|勾|单元格|按钮|表单|[在看]下面|下面的|(?<!它)上面"),
}
# What is read on a web page, of numbers, or of a page that is open in a browser.
OF_PAGES = "evaluate.code_damaged gguf.better_than_coin".split()
OF_PAGES += "evaluate.what_is_ahead evaluate.reading_about evaluate.visitors_about".split()


def test_what_a_terminal_says_has_no_word_of_a_notebook():
    """It has no form, no cell and no tick box, and nothing stands below what it says."""
    modules = [p for p in PACKAGE.rglob("*.py") if p.parent.name != "ui" or p.stem in IN_TERMINALS]
    read = "".join(path.read_text(encoding="utf-8") for path in modules)
    said = {key for key in ENTRIES if f'"{key}"' in read} - {*OF_PAGES, "core.notebook"}
    assert len(said) > 500
    wrong = []
    for key in said:
        needed = set().union(*map(placeholders, ENTRIES[key].values()))
        for code, text in i18n.both(key, **dict.fromkeys(needed, 2)).items():
            wrong += [f"{key}: {text}"] if OF_A_NOTEBOOK[code].search(text) else []
    assert wrong == []


def test_both_languages_name_the_same_settings_by_their_labels():
    for key, entry in ENTRIES.items():
        flags = {code: _flags_in(i18n._with_flags(text, code)) for code, text in entry.items()}
        assert flags["en"] == flags["zh"], key
    assert "(--tokens)" not in i18n._with_flags("'Longest answer, in tokens'", "en"), "of two steps"
