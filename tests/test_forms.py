"""Forms: what people see and what comes out. Runs on ipywidgets 7 and 8: no heavy imports here."""

import os
import re
import zipfile
from dataclasses import asdict, fields

import ipywidgets as widgets
import pytest
from machines import MACHINES
from widget_tree import inside, text_of

from twinlib import Twin, sample, settings
from twinlib.catalogue import CATALOGUE
from twinlib.files import write_records
from twinlib.i18n import both
from twinlib.settings import SETTINGS
from twinlib.ui import base_models, forms

STEPS = ("corpus", "persona", "reasoning", "quantize", "evaluate", "publish")


@pytest.fixture
def twin(tmp_path):
    return Twin.open(tmp_path / "me")


@pytest.mark.parametrize("step", STEPS)
def test_an_untouched_form_gives_the_defaults(step, twin):
    assert forms.form(step, twin).settings == SETTINGS[step]()


@pytest.mark.parametrize("step", STEPS)
def test_every_field_shows_its_label_and_help_in_both_languages(step, twin, monkeypatch):
    for language in ("en", "zh"):
        monkeypatch.setenv("TWINLIB_LANG", language)
        form = forms.form(step, twin)
        seen = text_of(form) + "".join(getattr(part, "description", "") for part in inside(form))
        for field in fields(SETTINGS[step]):
            texts = settings.texts(step, field.name)
            assert forms.esc(texts["help"][language]) in seen
            label = texts["label"][language]
            assert label in seen or forms.esc(label) in seen


def test_advanced_fields_are_in_a_closed_accordion(twin):
    form = forms.form("persona", twin)
    [accordion] = [part for part in inside(form) if isinstance(part, widgets.Accordion)]
    assert accordion.selected_index is None
    folded = set(inside(accordion))
    for field in fields(SETTINGS["persona"]):
        assert (form.inputs[field.name] in folded) == field.metadata["advanced"]


def test_a_form_of_some_fields_keeps_the_others(twin):
    twin.start("corpus", {"source": "my_posts", "short": 30})
    form = forms.form("corpus", twin, only=("author", "consent"))
    form.inputs["author"].value = "宁半圈"
    assert list(form.inputs) == ["author", "consent"]
    assert (form.settings.source, form.settings.short, form.settings.author) == (
        "my_posts",
        30,
        "宁半圈",
    )


def test_what_was_last_wanted_fills_the_form_and_a_keyword_wins(twin):
    twin.start(
        "persona",
        {**asdict(SETTINGS["persona"]()), "rank": 8, "effort": "standard", "base": "qwen3-4b"},
    )
    assert forms.form("persona", twin).settings.rank == 8
    form = forms.form("persona", twin, effort="smoke", base=None)
    assert (form.settings.effort, form.settings.base) == ("smoke", "qwen3-4b")


def test_uploading_publicly_or_with_texts_is_never_ticked_from_last_time(twin):
    twin.start("publish", {"user": "me", "upload": True, "private": False, "corpus": True})
    form = forms.form("publish", twin)
    assert form.settings == SETTINGS["publish"](user="me")
    assert [form.inputs[name].value for name in ("upload", "private", "corpus")] == [
        False,
        True,
        False,
    ]


def test_the_rows_are_read_once_in_a_form_however_much_is_typed(twin):
    write_records(
        twin.file("train"), [{"id": "1", "messages": [{"role": "user", "content": "one two"}]}] * 30
    )
    form = forms.form("persona", twin)
    assert form.planned.reasons["steps"].startswith("30 rows")
    twin.file("train").unlink()
    form.inputs["rank"].value = "12"
    assert form.planned.reasons["steps"].startswith("30 rows")


def test_in_both_languages_each_says_its_sentence_once(twin, monkeypatch):
    monkeypatch.setenv("TWINLIB_LANG", "both")
    form = forms.form("persona", twin)
    form.inputs["packing"].value = True
    assert "yours; auto would be · 您填的；自动会用 no · 否" in form.hints["packing"].value
    said = base_models.overview().text
    assert said.count("needs no hub") == 1 and said.count("no NVIDIA GPU") <= 1
    assert "(no commercial use · 禁止商用)" in said


def test_on_a_narrow_page_every_column_of_the_bases_is_there_below_the_others():
    shown = base_models.overview().html
    assert "<table" not in shown and "overflow-x" not in shown, "none is pushed out of sight"
    assert shown.count('role="columnheader"') == 7
    assert shown.count('role="row"') == 1 + len(CATALOGUE) and "flex-wrap:wrap" in shown


def test_a_remark_on_a_base_is_a_sentence_of_its_own(monkeypatch):
    for language, marks in (("en", ". "), ("zh", "。")):
        monkeypatch.setenv("TWINLIB_LANG", language)
        for name, base in CATALOGUE.items():
            if base.parameters and base.note:
                facts, _, note = base_models.terms(name).rpartition(both(base.note)[language])
                assert facts.endswith(marks) and not note and ".." not in facts


def test_what_was_typed_is_there_when_the_cell_runs_again(twin):
    """As after Run all, a restart of the kernel, or in another notebook."""
    form = forms.form("corpus", twin)
    form.inputs["source"].value = "/drive/博客.zip"
    form.inputs["author"].value = "于老师"
    form.inputs["consent"].value = True
    form.inputs["script"].value = "simplified"
    form.inputs["raw_share"].value = "0.9"
    assert "Kept as you type" in form.kept.value
    for again in (forms.form("corpus", twin), forms.form("corpus", Twin(twin.path))):
        shown = {name: control.value for name, control in again.inputs.items()}
        assert shown == {name: control.value for name, control in form.inputs.items()}
        assert "outside 0.0 to 0.5" in again.hints["raw_share"].value
    again.inputs["raw_share"].value = ""
    again.inputs["raw_share"].value = "0.2"
    assert again.settings.author == "于老师" and again.settings.consent is True
    assert forms.form("corpus", twin).settings == again.settings
    assert twin.state("corpus").name == "missing" and "corpus" not in twin.facts["settings"]


@pytest.mark.parametrize("step", STEPS)
def test_every_field_of_every_form_is_kept(step, twin):
    """As after Run all: the form is made again, and the step gets what was typed."""
    form = forms.form(step, twin)
    typed = {field.name: another_value(field) for field in form.fields}
    for name, value in typed.items():
        form.inputs[name].value = value
    again = forms.form(step, Twin(twin.path))
    assert {name: control.value for name, control in again.inputs.items()} == typed
    assert again.settings == form.settings == settings.make(step, **typed)


def another_value(field):
    """A valid value that is not the default, as it is typed."""
    if field.name == "base":
        return "qwen3-4b"
    if choices := field.metadata["choices"]:
        return choices[-1]
    if field.type is bool:
        return not field.default
    return str(field.metadata["limits"][0]) if field.metadata["limits"] else "some text"


def test_a_box_that_was_emptied_stays_empty(twin):
    twin.start("corpus", {"author": "Wei"})
    form = forms.form("corpus", twin)
    form.inputs["author"].value = ""
    assert forms.form("corpus", twin).settings.author == ""


def test_what_a_command_ran_with_fills_the_form_after_that(twin):
    forms.form("persona", twin).inputs["rank"].value = "12"
    command = Twin(twin.path)  # in a terminal
    assert settings.remembered("persona", command) == {"rank": 12}
    command.start("persona", {"rank": 8})
    assert forms.form("persona", twin).settings.rank == 8


def test_a_keyword_wins_over_what_was_typed_and_the_form_says_so(twin):
    form = forms.form("persona", twin, rank="8")
    assert "A cell above" not in form.hints["rank"].value
    form.inputs["rank"].value = "12"
    assert "A cell above says 8" in form.hints["rank"].value
    assert forms.form("persona", twin, rank=8).settings.rank == 8
    assert forms.form("persona", twin).settings.rank == 12


def test_what_reveals_more_is_kept_for_this_session_until_the_step_ran(twin, monkeypatch):
    form = forms.form("publish", twin)
    form.inputs["upload"].value = True
    assert forms.form("publish", twin).settings.upload is True
    assert twin.drafts("publish") == {}, "a new session starts with it off"
    twin.folder("publish")
    report = twin.report_path("publish")
    report.write_text("{}", encoding="utf-8")
    os.utime(report, (4e9, 4e9))
    assert forms.form("publish", twin).settings.upload is False


def test_what_can_not_be_kept_is_said(twin):
    form = forms.form("persona", twin)
    twin.file("drafts").mkdir()
    form.inputs["rank"].value = "12"
    assert "What you typed is not kept (" in form.kept.value


def test_only_the_twin_demo_starts_with_the_sample_blog(twin, tmp_path):
    demo = Twin.open(tmp_path / "demo")
    shown = forms.form("corpus", demo).settings
    assert shown == SETTINGS["corpus"](source=str(sample.FOLDER / "posts"))
    assert settings.step_module("corpus").problems(shown, demo)[0].level == "warning"
    forms.form("corpus", demo).inputs["author"].value = "于老师"
    assert forms.form("corpus", demo).settings.source == "", "somebody else's twin"
    empty = forms.form("corpus", twin)
    assert empty.settings.source == "" and "nothing chosen" in empty.inputs["source"].placeholder
    [problem] = settings.stops(settings.step_module("corpus").problems(empty.settings, twin))
    assert problem.text.startswith("No writing chosen yet: ")


def test_the_sample_blog_in_the_twin_of_another_author_is_a_stop(twin):
    problems = settings.step_module("corpus").problems
    for source in (sample.FOLDER, sample.FOLDER / "posts"):
        chosen = SETTINGS["corpus"](source=str(source), author="于老师")
        [problem] = settings.stops(problems(chosen, twin))
        assert "the sample blog, by the invented Ning: a twin of 于老师 must not" in problem.text
        assert not settings.stops(problems(SETTINGS["corpus"](source=str(source)), twin))


def test_own_writing_in_the_samples_twin_is_told_to_take_a_name_of_its_own(twin, tmp_path):
    demo, problems = Twin.open(tmp_path / "demo"), settings.step_module("corpus").problems
    (tmp_path / "mine.txt").write_text("我的文字。", encoding="utf-8")
    mine = SETTINGS["corpus"](source=str(tmp_path / "mine.txt"), author="于老师", consent=True)
    [problem] = problems(mine, demo)
    assert problem.level == "warning" and "Make a new twin for your writing" in problem.text
    assert not problems(mine, twin)


@pytest.mark.parametrize("path", [r"C:\Users\me\博客", "/Users/me/blog", r"\\server\blog"])
def test_a_path_of_another_computer_is_told_from_a_slip(path, twin):
    [problem] = settings.stops(
        settings.step_module("corpus").problems(SETTINGS["corpus"](source=path), twin)
    )
    assert f"'{path}' is a path on another computer" in problem.text


PASTED = ['"{}"', "'{}'", "“{}”", "  {} ", "{}\n", "file://{}", '" file://localhost{}"']


@pytest.mark.parametrize("pasted", PASTED)
def test_what_is_pasted_with_a_path_is_taken_off(pasted, twin, tmp_path):
    path = tmp_path / "我的 博客"
    path.mkdir()
    (path / "a.md").write_text("我的文字。", encoding="utf-8")
    address = path.as_uri().removeprefix("file://") if "file:" in pasted else path
    form = forms.form("corpus", twin)
    form.inputs["source"].value = pasted.format(address)
    assert form.settings.source == str(path)
    assert not settings.stops(
        settings.step_module("corpus").problems(
            settings.make("corpus", source=pasted.format(address), author="Ning"), twin
        )
    )


@pytest.mark.parametrize(
    "pasted, read",
    [
        (r'"C:\Users\me\博客"', r"C:\Users\me\博客"),
        ("file:///C:/Users/me/blog", "C:/Users/me/blog"),
        ("don't 'quote'", "don't 'quote'"),
        ("   ", ""),
        ('"', '"'),
    ],
)
def test_a_path_is_read_as_it_was_meant(pasted, read):
    assert settings.make("corpus", source=pasted).source == read


def test_a_folder_whose_name_has_quotation_marks_keeps_them(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "'90s ").mkdir()
    assert settings.make("corpus", source="'90s ").source == "'90s "


def stop_of(source, twin):
    given = settings.make("corpus", source=str(source), author="Ning")
    [problem] = settings.stops(settings.step_module("corpus").problems(given, twin))
    return problem.text


@pytest.mark.parametrize(
    "address",
    ["https://drive.google.com/drive/folders/1A?usp=sharing", "git@github.com:me/blog.git"],
)
def test_a_web_address_is_told_from_a_folder_and_what_to_do_with_it(address, twin):
    said = stop_of(address, twin)
    assert f"'{address}' is a web address" in said and "Download ZIP" in said


def test_of_a_slip_the_nearest_name_is_proposed(twin, tmp_path):
    (tmp_path / "Posts").mkdir()
    for slip in ("posts", "Postz"):
        assert f"but there is '{tmp_path / 'Posts'}'" in stop_of(tmp_path / slip, twin)
    assert "There is no folder" in stop_of(tmp_path / "letters", twin)


def test_a_zip_of_nothing_is_empty_and_one_with_a_password_asks_for_one_without(twin, tmp_path):
    (tmp_path / "nothing.zip").write_bytes(b"")
    with zipfile.ZipFile(tmp_path / "empty.zip", "w"):
        pass
    for name in ("nothing.zip", "empty.zip"):
        assert "can be read (empty 1)" in stop_of(tmp_path / name, twin)
    locked = tmp_path / "locked.zip"
    with zipfile.ZipFile(locked, "w") as archive:
        archive.writestr("a.md", "我的文字。")
    data = bytearray(locked.read_bytes())
    data[6] |= 1  # the member's flag of encryption, there and in the directory
    data[data.index(b"PK\1\2") + 8] |= 1
    locked.write_bytes(data)
    assert "needs a password" in stop_of(locked, twin) and "without one" in stop_of(locked, twin)


def test_step_01_says_what_auto_gives(twin, monkeypatch):
    twin.start("persona", {"base": "qwen3-4b"})
    form = forms.form("corpus", twin)
    assert "auto → qwen3-4b (the twin&#x27;s own base model)" in form.hints["question_model"].value
    assert "auto → 1.2" in form.hints["question_minutes"].value


def test_choices_and_errors_speak_the_forms_language(twin, monkeypatch):
    monkeypatch.setenv("TWINLIB_LANG", "zh")
    form = forms.form("persona", twin)
    assert [text for text, _ in form.inputs["effort"].options][0] == "试跑（smoke）"
    assert dict(form.inputs["checkpointing"].options)["部分（selective）"] == "selective"
    form.inputs["rank"].value = "900"
    assert "LoRA 秩：900 超出范围 1 到 256。" in form.hints["rank"].value
    for step in STEPS:
        for field, control in forms.form(step, twin).inputs.items():
            for text, _ in getattr(control, "options", ()):
                chinese = re.search("[一-鿿]", text)
                assert chinese or field in ("engine", "base"), f"{step}.{field}: {text}"


def test_memory_time_and_download_stand_beside_the_choice(twin):
    form = forms.form("persona", twin, base="qwen2.5-coder-0.5b-instruct", effort="quick")
    assert " GB of memory and " in form.notes.value
    for effort in settings.EFFORTS[:-1]:
        assert re.search(rf"{effort} \d+ (s|min|h)", form.hints["effort"].value)
    assert "thorough: the same training, but longer" in form.hints["effort"].value
    assert "apache-2.0" in form.hints["base"].value
    listed = {name: text for text, name in form.inputs["base"].names.options}
    assert re.search(
        r"smollm2-135m-instruct · fits \(\d+-bit\) · \d+ (s|min)", listed["smollm2-135m-instruct"]
    )
    before = form.inputs["base"].names.options
    form.inputs["effort"].value = "thorough"
    assert form.inputs["base"].names.options != before, "times follow the effort"
    assert form.settings.base == "qwen2.5-coder-0.5b-instruct"


@pytest.mark.parametrize("name", MACHINES)
def test_list_check_and_form_agree_on_what_fits(name, twin, monkeypatch):
    machine = MACHINES[name]
    persona = settings.step_module("persona")
    for module in (forms.plan, persona):
        monkeypatch.setattr(module, "machine", lambda: machine)
    monkeypatch.setattr(persona, "free_disk", lambda path: 1e12)
    form = forms.form("persona", twin)
    offers = {name: text for text, name in form.inputs["base"].names.options}
    checked = 0
    for base in CATALOGUE:
        form.inputs["base"].value = base
        fits = "fits" in offers[base]
        assert fits == ("too large" not in offers[base])
        assert fits == ("more memory than this machine" not in form.notes.value)
        _, *stops = settings.stops(persona.problems(form.settings, twin))  # the first: no rows
        unreachable = [stop for stop in stops if "could not be downloaded" in stop.text]
        too_large = [stop for stop in stops if "can be used. Choose a smaller" in stop.text]
        assert len(stops) == len(unreachable) + len(too_large)
        assert fits == (not too_large), f"{base}: {offers[base]}"
        checked += fits
    assert 0 < checked <= len(CATALOGUE)


def test_a_base_that_can_not_be_reached_is_a_stop(twin):
    problems = settings.step_module("persona").problems
    said = problems(SETTINGS["persona"](base="somebody/no-such-model"), twin)
    assert any("could not be downloaded" in stop.text for stop in settings.stops(said))
    said = problems(SETTINGS["persona"](base="qwen2.5-coder-0.5b-instruct"), twin)
    assert "could not be downloaded" not in str(said), "it can come from the package registry"


def test_what_another_version_remembered_does_no_harm(twin):
    twin.remember(settings={"persona": {"rank": "huge", "colour": "green", "patience": 3}})
    assert forms.form("persona", twin).settings == SETTINGS["persona"](patience=3)


def test_auto_shows_the_planned_value_and_why(twin):
    form = forms.form("persona", twin, base="qwen2.5-7b")
    assert form.settings.rank == "auto"
    assert "auto → 16 (the usual for 7.6 billion parameters)" in form.hints["rank"].value


def test_a_typed_value_survives_a_new_plan(twin):
    form = forms.form("persona", twin, base="qwen2.5-7b")
    form.inputs["rank"].value = "12"
    form.inputs["base"].value = "qwen2.5-0.5b"
    assert form.settings.rank == 12 and form.settings.base == "qwen2.5-0.5b"
    assert form.planned.values["rank"] == 32
    assert "yours; auto would be 32" in form.hints["rank"].value
    assert "auto would be" not in form.hints["base"].value, (
        "the plan follows the base that was chosen"
    )


def test_an_emptied_box_is_auto_again(twin):
    form = forms.form("persona", twin)
    form.inputs["rank"].value = "12"
    form.inputs["rank"].value = " "
    assert form.settings.rank == "auto"


@pytest.mark.parametrize(
    "step, name, typed, sentence",
    [
        ("persona", "rank", "lots", "LoRA rank: 'lots' is not a whole number."),
        ("persona", "rank", "999", "LoRA rank: 999 is outside 1 to 256."),
        ("persona", "learning_rate", "nan", "Learning rate: nan is outside 1e-06 to 0.01."),
        ("corpus", "raw_share", "0.9", "Share of raw-text rows: 0.9 is outside 0.0 to 0.5."),
    ],
)
def test_a_wrong_value_is_a_sentence_at_once_and_in_the_error(step, name, typed, sentence, twin):
    form = forms.form(step, twin)
    form.inputs[name].value = typed
    assert forms.esc(sentence) in form.hints[name].value
    with pytest.raises(ValueError) as error:
        form.settings
    assert str(error.value) == sentence
    assert error.value._render_traceback_() == [sentence]
    form.inputs[name].value = str(form.fields[[f.name for f in form.fields].index(name)].default)
    assert form.settings and forms.esc(sentence) not in form.hints[name].value


def test_a_wrong_keyword_is_a_sentence(twin):
    with pytest.raises(
        ValueError, match="Effort: 'huge' is none of: smoke, quick, standard, thorough."
    ):
        forms.form("persona", twin, effort="huge")
    with pytest.raises(ValueError, match="There is no setting 'colour' in persona."):
        forms.form("persona", twin, colour="green")


def test_yes_no_and_auto_are_choices(twin):
    form = forms.form("persona", twin)
    assert [label for label, _ in form.inputs["packing"].options] == ["auto", "yes", "no"]
    form.inputs["packing"].value = False
    assert form.settings.packing is False
    form = forms.form("corpus", twin)
    form.inputs["consent"].value = True
    assert form.settings.consent is True


def test_any_other_base_can_be_typed(twin):
    form = forms.form("persona", twin)
    base = form.inputs["base"]
    assert base.other.layout.display == "none"
    assert [name for name, control in form.inputs.items() if control.layout.display == "none"] == []
    assert base.names.layout.display != "none"
    base.names.value = forms.OTHER
    assert base.other.layout.display == ""
    base.other.value = " someone/their-model "
    assert form.settings.base == "someone/their-model"
    assert (
        forms.form("persona", twin, base="/models/mine").inputs["base"].other.value
        == "/models/mine"
    )


def test_what_people_typed_is_never_markup(twin):
    evil = "<img src=x onerror=alert(1)>"
    twin.start("persona", {"base": evil})
    form = forms.form("persona", twin)
    form.inputs["rank"].value = evil
    assert "<img" not in text_of(form) and "&lt;img" in text_of(form)
