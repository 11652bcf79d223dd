"""Senders of chats and columns of tables: what people see, and the settings that come out."""

from collections import Counter

import ipywidgets as widgets
import pytest
from widget_tree import inside, text_of

from twinlib import Twin, TwinError
from twinlib.corpus.records import Document
from twinlib.files import write_records
from twinlib.settings import Corpus
from twinlib.ui import forms, senders

EVIL = "<img src=x onerror=alert(1)>"
CHATS = {
    "wang.csv": {"format": "table", "senders": {"宁半圈": 12, "老王": 9}},
    "family.txt": {"format": "whatsapp", "senders": {"Ning": 3, "Smith, John": 5, EVIL: 1}},
    "work.json": {"format": "telegram", "senders": {"Boss": 7}},
}
TABLE = {
    "dump.csv": {
        "format": "table",
        "senders": {},
        "columns": ["a1", "谁", EVIL, "flag"],
        "rows": [
            ["1680000000", "老王", EVIL, "0"],
            ["1680000060", "宁半圈", "好", "1"],
            ["1680000120", "老王", "走", "0"],
            ["1680000180", "宁半圈", "等等", "1"],
        ],
    }
}


def survey(files=(), formats=(("markdown", 3),), passed=(), refused=()):
    """A survey as readers.survey gives it."""
    wrote = Counter()
    for file in dict(files).values():
        wrote.update(file["senders"])
    return senders.readers.Survey(
        Counter(dict(formats)), wrote, dict(files), Counter(dict(passed)), dict(refused)
    )


@pytest.fixture
def twin(tmp_path):
    return Twin.open(tmp_path / "demo")


@pytest.fixture
def look(twin, monkeypatch):
    """A function that shows the form over these files; `.asked` lists the surveys' options."""

    def show(files, settings=None, **found):
        def surveyed(source, options, progress):
            show.asked.append(options)
            progress(50, 100)
            return survey(files, **found)

        monkeypatch.setattr(senders.readers, "survey", surveyed)
        monkeypatch.setattr(senders.readers, "read", lambda *source: iter(()))
        return senders.form(twin, settings or Corpus(source="files"))

    show.asked = []
    return show


def test_where_nothing_is_to_choose_nothing_is_said_and_the_settings_stay_as_they_are(look):
    form = look({})
    assert not form.status.value
    assert not form.ticks and not form.columns and form.settings == Corpus(source="files")


def test_a_real_folder_without_chats_has_nothing_to_choose(twin, tmp_path):
    (tmp_path / "posts").mkdir()
    (tmp_path / "posts" / "tea.md").write_text(
        "# Tea\n\nTea is best drunk hot, by the window.", encoding="utf-8"
    )
    form = senders.form(twin, Corpus(source=str(tmp_path / "posts")))
    assert not form.status.value and "Markdown" in form.summary.value


def test_a_source_that_is_not_there_is_a_sentence_and_the_form_still_gives_its_settings(
    twin, tmp_path
):
    settings = Corpus(source=str(tmp_path / "none"), me="Ning")
    form = senders.form(twin, settings)
    assert "There is no folder" in form.status.value
    assert form.settings == settings


def test_senders_stand_with_their_messages_the_most_first(look):
    labels = [tick.description for tick in look(CHATS).ticks.values()]
    assert labels[:3] == ["宁半圈 · 12", "老王 · 9", "Boss · 7"] and len(labels) == 6


def test_who_is_ticked_becomes_the_setting_and_the_rest_is_put_aside(look):
    form = look(CHATS)
    assert "0 of 3 chats hold 0 messages of yours. The other 3 are put aside" in form.status.value
    form.ticks["宁半圈"].value = form.ticks["Ning"].value = True
    assert form.settings.me == "宁半圈, Ning"
    assert "2 of 3 chats hold 15 messages of yours. The other 1 is put aside" in form.status.value
    form.ticks["宁半圈"].value = False
    assert form.settings.me == "Ning"


def test_the_authors_own_name_can_be_unticked_and_then_nobody_is_learnt(look, tmp_path):
    from twinlib.corpus import readers
    from twinlib.text.privacy import private_names

    form = look(CHATS, Corpus(source="files", author="宁半圈"))
    assert form.ticks["宁半圈"].value and form.settings.me == "宁半圈"
    form.ticks["宁半圈"].value = False
    assert "0 of 3 chats hold 0 messages of yours" in form.status.value
    lines = [
        ("宁半圈", "茶要烫，水要开。"),
        ("老王", "知道了知道了。"),
        ("宁半圈", "那就好，明天见。"),
    ]
    (tmp_path / "chat.txt").write_text(
        "".join(
            f"[12/3/2024, 21:0{n}:05] {name}: {text}\n" for n, (name, text) in enumerate(lines)
        ),
        encoding="utf-8",
    )
    me = tuple(private_names(form.settings.me))
    assert not list(
        readers.read(tmp_path / "chat.txt", readers.Options(me, {}, "" if me else "宁半圈"))
    )


def test_names_chosen_before_are_ticked_and_unknown_ones_are_kept(look):
    form = look(CHATS, Corpus(source="files", me="Ning，Old Account"))
    assert [name for name, tick in form.ticks.items() if tick.value] == ["Ning"]
    assert form.settings.me == "Ning, Old Account"


def test_the_author_is_ticked_until_somebody_is_chosen(look):
    assert look(CHATS, Corpus(source="files", author="宁半圈")).settings.me == "宁半圈"
    assert look(CHATS, Corpus(source="files", author="宁半圈", me="Ning")).settings.me == "Ning"
    assert look(CHATS, Corpus(source="files", author="Nobody")).settings.me == ""


def test_a_name_with_a_comma_stays_one_name(look):
    form = look(CHATS)
    form.ticks["Smith, John"].value = True
    assert form.settings.me == '"Smith, John"'
    assert look(CHATS, form.settings).ticks["Smith, John"].value


def test_exports_that_know_their_owner_ask_nothing(look):
    form = look(
        {
            "tweets.js": {"format": "twitter", "senders": {"ning": 900}},
            "wx.csv": {"format": "table", "senders": {"a": 1, "b": 2}, "mine": True},
            "weibo.csv": {"format": "table", "senders": {"": 3}},
        }
    )
    assert not form.ticks and not form.status.value


def test_of_very_many_senders_the_chosen_one_is_on_the_list(look):
    crowd = {
        "group.txt": {"format": "whatsapp", "senders": {f"member {n}": 500 - n for n in range(300)}}
    }
    form = look(crowd, Corpus(source="files", me="member 299"))
    assert len(form.ticks) == senders.LISTED and form.ticks["member 299"].value


def test_columns_are_asked_for_with_three_rows_and_become_the_setting(look):
    form = look(CHATS | TABLE)
    [table] = form.columns
    shown = [time for time in ("000", "060", "120", "180") if f"1680000{time}" in text_of(table)]
    assert shown == ["000", "060", "120"]
    for role, name in (("time", "a1"), ("sender", "谁"), ("text", EVIL), ("mine", "flag")):
        table.inputs[role].value = name
    assert form.settings.columns == f"time=a1, sender=谁, text={EVIL}, mine=flag"


def test_the_source_is_looked_at_again_with_the_columns(look):
    form = look(TABLE)
    form.columns[0].inputs["sender"].value = "谁"
    form.columns[0].inputs["text"].value = "flag"
    [again] = [part for part in inside(form.tables) if isinstance(part, widgets.Button)]
    again.click()
    assert look.asked[-1].columns == {"sender": "谁", "text": "flag"}


def test_columns_stay_chosen_when_the_second_look_knows_the_table(look, monkeypatch):
    form = look(TABLE)
    form.columns[0].inputs["sender"].value = "谁"
    monkeypatch.setattr(senders.readers, "survey", lambda *_: survey(CHATS))
    form.look()
    form.ticks["宁半圈"].value = True
    assert not form.columns and (form.settings.columns, form.settings.me) == ("sender=谁", "宁半圈")


def test_tables_with_different_columns_are_asked_for_one_by_one(look):
    other = {"qq.xlsx": {"format": "table", "senders": {}, "columns": ["日期", "谁"], "rows": []}}
    form = look(TABLE | other | {"again.csv": TABLE["dump.csv"]})
    assert len(form.columns) == 2
    form.columns[0].inputs["time"].value, form.columns[1].inputs["time"].value = "a1", "日期"
    form.columns[0].inputs["sender"].value = form.columns[1].inputs["sender"].value = "谁"
    assert form.settings.columns == "time=a1|日期, sender=谁"


def test_columns_typed_in_the_form_stay_when_nothing_is_asked(look):
    assert (
        look(CHATS, Corpus(source="files", columns="text=Content, steps=How")).settings.columns
        == "text=Content, steps=How"
    )


def test_a_form_above_is_read_when_the_settings_are_wanted(twin, look):
    writing = forms.form("corpus", twin)
    form = look(CHATS, writing)
    form.ticks["Ning"].value = True
    writing.inputs["consent"].value = True
    assert form.settings.consent is True and form.settings.me == "Ning"


def test_what_was_passed_over_or_cannot_be_read_is_said(look):
    form = look(
        {},
        formats=(("pdf", 2), ("html", 1)),
        passed=(("image", 30), ("data", 0)),
        refused=(("old.zip", "damaged"),),
    )
    assert "Passed over: pictures and sound 30<" in form.summary.value
    assert "nothing in there is learnt (1): old.zip (damaged). Save or zip" in form.summary.value
    assert "web pages" in form.summary.value


def test_on_a_narrow_page_who_wrote_how_much_stands_below_the_chat(look):
    shown = look(CHATS).summary.value
    assert "<table" not in shown.partition("Who wrote")[2], "it is not pushed out of sight"
    assert 'role="columnheader"' in shown and "Ning" in shown


def test_a_file_in_an_archive_that_cannot_be_read_is_named_and_not_the_archive(look, monkeypatch):
    refused = (
        ("old stuff (1).zip/stuff/broken.docx", "damaged"),
        ("old stuff (1).zip/../evil.txt", "unsafe"),
        (f"backup.tar.gz/{'long folder/' * 9}letter.pages", "damaged"),
        *((f"torn.zip/{n}.txt", "damaged") for n in range(40)),
    )
    said = look({}, refused=refused).summary.value
    assert "is learnt (43): stuff/broken.docx in old stuff (1).zip (damaged)" in said
    assert "../evil.txt in old stuff (1).zip (" in said
    assert "long folder/letter.pages in backup.tar.gz (damaged)" in said
    assert "40 files in torn.zip (" in said
    monkeypatch.setenv("TWINLIB_LANG", "zh")
    said = look({}, refused=refused).summary.value
    assert "old stuff (1).zip 里的 stuff/broken.docx" in said and "torn.zip 里的 40 个文件" in said


def test_answers_of_the_interview_are_counted_and_no_source_is_needed(twin):
    write_records(
        twin.file("interview"),
        [
            {
                "id": "life-01",
                "question": "?",
                "answer": "茶要烫。",
                "language": "zh",
                "when": "",
                "skipped": False,
            },
            {
                "id": "life-02",
                "question": "?",
                "answer": "",
                "language": "zh",
                "when": "",
                "skipped": True,
            },
        ],
    )
    form = senders.form(twin, Corpus(source=""))
    assert "answers of the interview" in form.summary.value and form.settings.source == ""


def test_the_number_of_texts_says_what_of_a_chat_it_counts(twin, tmp_path):
    (tmp_path / "posts").mkdir()
    (tmp_path / "posts" / "tea.md").write_text("# Tea\n\nTea is best drunk hot, by the window.")
    lines = [
        f"2024-0{month}-0{day} 10:00:00 {name}: Tea by the window again, {day} cups of it."
        for month in (3, 4)
        for day in range(1, 7)
        for name in ("Ning", "Lee")
    ]
    (tmp_path / "posts" / "chat.txt").write_text("\n".join(lines))
    seen = senders.form(twin, Corpus(source=str(tmp_path / "posts"))).summary.value
    assert "1 text," in seen and "1 chat isn't counted yet" in seen.replace("&#x27;", "'")
    seen = senders.form(twin, Corpus(source=str(tmp_path / "posts"), me="Ning")).summary.value
    assert "3 texts," in seen and "Of these, 2 are months of chats" in seen
    assert "counted yet" not in seen


def test_names_and_cells_of_a_chat_are_shown_and_never_run(look):
    form = look(CHATS | TABLE | {f"{EVIL}.txt": {"format": "telegram", "senders": {"$x$ & co": 1}}})
    assert "<img" not in text_of(form) and "&lt;img" in text_of(form)
    # Older widgets set a description as HTML, and look for formulas in it.
    assert not [
        tick.description for tick in form.ticks.values() if set(tick.description) & set("<>&$")
    ]


@pytest.mark.parametrize("language", ["en", "zh", "both"])
def test_every_line_is_there_in_every_language(look, language, monkeypatch):
    monkeypatch.setenv("TWINLIB_LANG", language)
    seen = text_of(look(CHATS | TABLE))
    assert ("Which of these are you?" in seen) == (language != "zh")
    assert ("哪些是您？" in seen) == (language != "en")


def test_a_source_that_fails_on_the_way_is_a_sentence(twin, monkeypatch):
    def fail(*_):
        raise TwinError("The disk is gone.")

    monkeypatch.setattr(senders.readers, "survey", fail)
    assert "The disk is gone." in senders.form(twin, Corpus(source="files")).status.value


def test_what_is_chosen_here_is_kept_by_the_form_above(twin, tmp_path):
    lines = [("宁半圈", "茶要烫。"), ("老王", "知道了。"), ("宁半圈", "明天见。")]
    (tmp_path / "chat.txt").write_text(
        "".join(
            f"[12/3/2024, 21:0{n}:05] {name}: {text}\n" for n, (name, text) in enumerate(lines)
        ),
        encoding="utf-8",
    )
    form = senders.form(twin, forms.form("corpus", twin, source=str(tmp_path)))
    form.ticks["宁半圈"].value = True
    form.ticks["老王"].value = True
    form.ticks["老王"].value = False
    assert form.settings.me == forms.form("corpus", twin).settings.me == "宁半圈"
    again = senders.form(twin, forms.form("corpus", twin, source=str(tmp_path)))
    assert [name for name, tick in again.ticks.items() if tick.value] == ["宁半圈"]


def test_without_writing_there_is_nothing_to_look_through(twin):
    assert "No writing chosen yet" in senders.form(twin, Corpus()).status.value


def test_an_archive_that_cannot_be_read_is_named_once_with_its_members_counted(twin, tmp_path):
    from twinlib.corpus import readers

    refused = {f"old.zip/posts/{number}.md": "locked" for number in range(30)}
    survey = readers.Survey(Counter(), Counter(), {}, Counter(), {**refused, "b.doc": "foreign"})
    said = senders._formats(survey, twin).text
    assert "(31): old.zip (needs a password), b.doc (" in said and "posts" not in said


def test_a_language_with_too_little_is_said_before_it_is_read(twin, look, monkeypatch):
    def texts(chinese, english):
        zh = ["台上放着一把扳手，墙上挂着垫圈。" * 40] * chinese
        return [*zh, *["Tea is best drunk hot, by the window. " * 3] * english]

    for count, few in ((2, True), (5, False)):
        form = look({})
        documents = [Document(f"{n}.md", text=text) for n, text in enumerate(texts(40, count))]
        monkeypatch.setattr(senders.readers, "read", lambda *source: iter(documents))
        form.look()
        said = "Less than 5% of the writing is English (2 texts)." in form.summary.value
        assert said == few


def test_chats_that_are_all_learnt_are_not_said_to_be_put_aside(look):
    form = look(CHATS, Corpus(source="files", me="宁半圈, Ning, Boss"))
    assert "3 of 3 chats hold 22 messages of yours." in form.status.value
    assert "put aside" not in form.status.value
