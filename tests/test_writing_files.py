"""Getting writing in: uploads of both widget generations, places found, what would be read."""

import os
import shutil
import zipfile
from collections import namedtuple
from io import BytesIO
from pathlib import Path

import pytest
from widget_tree import inside, text_of

from twinlib import Twin, TwinError
from twinlib.ui import source_picker, writing_files, writing_form, writing_places

POST = "# Tea\n\n" + "Tea is best drunk hot, by the window, before the street wakes up. " * 12


def zipped(**files):
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in files.items():
            archive.writestr(f"{name}.md", text)
    return buffer.getvalue()


def upload(picker, *files):
    """What the browser sends when someone chooses files, to either generation of ipywidgets."""
    about = [{"name": name, "type": "", "size": len(data)} for name, data in files]
    if hasattr(picker.upload, "_counter"):  # 7
        data = [memoryview(data) for _, data in files]
        about = [{**one, "lastModified": 0} for one in about]
        picker.upload.set_state({"metadata": about, "data": data, "_counter": len(files)})
        return
    sent = [
        {**one, "last_modified": 0, "content": memoryview(data)}
        for one, (_, data) in zip(about, files)
    ]
    picker.upload.set_state({"value": sent})


@pytest.fixture
def twin(tmp_path):
    return Twin.open(tmp_path / "twins" / "me")


@pytest.fixture(autouse=True)
def at_home(tmp_path, monkeypatch):
    """A home with nothing in it, and a working folder beside it."""
    (tmp_path / "work").mkdir()
    (tmp_path / "home" / "Downloads").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "home")
    monkeypatch.setattr(writing_places, "ROOT", tmp_path / "work")
    return tmp_path


def test_the_value_of_both_widget_generations_is_read():
    seven = {"a.md": {"metadata": {"name": "a.md", "size": 1}, "content": b"x"}}
    eight = ({"name": "a.md", "content": memoryview(b"x"), "size": 1},)
    assert writing_files.received(seven) == writing_files.received(eight) == [("a.md", b"x")]


@pytest.mark.parametrize(
    "name, kept",
    [
        ("../../etc/passwd.md", "passwd.md"),
        ("C:\\Users\\me\\diary.txt", "diary.txt"),
        ("我的 博客.zip", "我的 博客.zip"),
        ('a:b"c?.md', "a-b-c-.md"),
        ("..", "file"),
        (".hidden", "hidden"),
        ("x" * 300 + ".md", "x" * 197 + ".md"),
        ("我" * 100 + ".md", "我" * 65 + ".md"),
        ("a." + "b" * 300, "a." + "b" * 99),
    ],
)
def test_an_upload_lands_in_the_twins_folder_whatever_its_name(twin, name, kept):
    path = writing_files.save(twin, name, b"text")
    assert path == twin.path / "writing" / kept and path.read_bytes() == b"text"


def test_a_second_upload_of_a_name_gets_a_number_unless_it_is_the_same(twin):
    for content in (b"Anna", b"Bert", b"Anna", b"Bert", b"Cleo"):
        writing_files.save(twin, "result.json", content)
    kept = {path.name: path.read_bytes() for path in writing_files.uploaded(twin)}
    assert kept == {"result.json": b"Anna", "result-2.json": b"Bert", "result-3.json": b"Cleo"}


def test_the_number_is_said(twin):
    picker = writing_form.form(twin).picker
    upload(picker, ("result.json", b"Anna"), ("a.md", POST.encode()))
    assert not picker.message.value
    upload(picker, ("result.json", b"Bert"))
    assert "kept as result-2.json" in picker.message.value
    assert len(writing_files.uploaded(twin)) == 3


def test_what_is_too_large_or_does_not_fit_is_not_kept(twin, monkeypatch):
    monkeypatch.setattr(writing_files.archive, "FILE_LIMIT", 10)
    with pytest.raises(TwinError, match="larger than 10 B"):
        writing_files.save(twin, "a.txt", b"x" * 11)
    writing_files.save(twin, "a.zip", zipped(a=POST))
    usage = namedtuple("usage", "total used free")(1, 1, 5)
    monkeypatch.setattr(writing_files.shutil, "disk_usage", lambda path: usage)
    with pytest.raises(TwinError, match="does not fit on the disk, where 5 B are free"):
        writing_files.save(twin, "b.txt", b"x")
    assert [path.name for path in writing_files.uploaded(twin)] == ["a.zip"]


def test_a_disk_that_is_full_after_all_is_a_sentence_and_the_old_file_stays(twin, monkeypatch):
    writing_files.save(twin, "a.md", b"old")

    def full(path, data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(writing_files, "write_atomic", full)
    with pytest.raises(TwinError, match=r"could not be saved \(No space left"):
        writing_files.save(twin, "a.md", b"new")
    assert (twin.path / "writing" / "a.md").read_bytes() == b"old"


def test_zips_documents_and_folders_of_writing_are_found_the_newest_first(at_home):
    work, downloads = at_home / "work", at_home / "home" / "Downloads"
    (downloads / "blog.zip").write_bytes(zipped(a=POST))
    (work / "博客" / "2020").mkdir(parents=True)
    (work / "博客" / "2020" / "a.md").write_text(POST)
    (work / "photos").mkdir()
    (work / "photos" / "a.jpg").write_bytes(b"x")
    (work / "code").mkdir()
    (work / "code" / "pyproject.toml").write_text("")
    (work / "code" / "notes.md").write_text(POST)
    (work / "twinlib").mkdir()
    (work / "twinlib" / "a.md").write_text(POST)
    (work / "README.md").write_text(POST)
    (downloads / "setup.exe").write_bytes(b"x")
    (downloads / "server log.txt").write_text(
        "2026-11-28 10:00:01 INFO [42] GET /a.html 200\n" * 40
    )
    (downloads / "numbers.csv").write_text("day,sum\n2026-01-01,12\n")
    with zipfile.ZipFile(downloads / "me-twin.zip", "w") as export:
        export.writestr("twin-export.json", "{}")
        export.writestr("corpus/a.md", POST)
    with zipfile.ZipFile(downloads / "another-me-main.zip", "w") as project:
        project.writestr("another-me-main/pyproject.toml", "")
        project.writestr("another-me-main/docs/index.md", POST)
    os.utime(downloads / "blog.zip", (1e9, 1e9))
    found = [place.path.name for place in writing_places.found()]
    assert [name for name in found if name not in ("home", "twins")] == ["博客", "blog.zip"]
    label = next(p.label for p in writing_places.found() if p.path.name == "blog.zip")
    assert (
        label.startswith("blog.zip · texts: 1, the first “Tea” · ")
        and "2001-09-09" in label
        and str(downloads) in label
    )


def test_of_a_folder_the_files_are_counted_and_not_the_texts_in_them(at_home):
    blog = at_home / "work" / "blog"
    blog.mkdir()
    (blog / "a.md").write_text(POST)
    (blog / "b.zip").write_bytes(zipped(a=POST, b=POST + "More tea.", c=POST + "And more."))
    [place] = [place for place in writing_places.found() if place.path == blog]
    assert place.label.startswith("blog/ · files: 2, the first “Tea” · ")


def test_what_was_not_looked_into_in_time_is_offered_the_next_time(at_home, monkeypatch):
    (at_home / "work" / "blog.zip").write_bytes(zipped(a=POST))
    monkeypatch.setattr(writing_places, "_SECONDS", 0.0)
    assert writing_places.found() == []
    monkeypatch.setattr(writing_places, "_SECONDS", 60.0)
    assert [place.path.name for place in writing_places.found()] == ["blog.zip"]
    monkeypatch.setattr(writing_places, "_SECONDS", 0.0)
    assert len(writing_places.found()) == 1, "it is known"


def test_a_chat_is_offered_by_who_speaks_in_it(at_home):
    chat = Path(__file__).parent / "exports" / "conversations" / "_chat.txt"
    shutil.copy(chat, at_home / "home" / "Downloads" / "chat.txt")
    label = next(p.label for p in writing_places.found() if p.path.name == "chat.txt")
    assert label.startswith("chat.txt · texts: 1, the first “Heng, Ning”")


def test_on_colab_and_kaggle_their_own_folders_are_looked_into(monkeypatch):
    monkeypatch.setenv("KAGGLE_KERNEL_RUN_TYPE", "Interactive")
    assert Path("/kaggle/input") in writing_places._folders()
    monkeypatch.setenv("COLAB_GPU", "1")
    assert writing_places._folders() == [Path("/content"), Path("/content/drive/MyDrive")]


def test_an_upload_is_kept_chosen_and_shown_before_anything_runs(twin):
    form = writing_form.form(twin)
    assert "No writing chosen yet" in text_of(form)
    upload(form.picker, ("blog.zip", zipped(tea=POST, rain=POST.replace("Tea", "Rain"))))
    assert form.settings.source == str(twin.path / "writing")
    assert (twin.path / "writing" / "blog.zip").exists() and not (twin.path / "corpus").exists()
    shown = text_of(form)
    assert "2 texts" in shown and "Tea, Rain" in shown and "Markdown" in shown
    assert "That is little to learn from" in shown
    assert not form.picker.upload.value, "the widget holds no copy"


def test_what_was_uploaded_is_chosen_again_in_a_form_made_anew_and_can_be_removed(twin):
    upload(writing_form.form(twin).picker, ("a.md", POST.encode()), ("b.md", POST.encode()))
    form = writing_form.form(Twin.open(twin.path))
    assert form.picker.list.value == form.settings.source == str(twin.path / "writing")
    for name in ("a.md", "b.md"):
        [row] = [row for row in form.picker.uploads.children if name in text_of(row)]
        next(part for part in inside(row) if hasattr(part, "click")).click()
        assert (twin.writing() / name).exists(), "it is asked first"
        click(form.picker, name, "Keep it")
        click(form.picker, name, "Remove")
        click(form.picker, name, "Delete it for good")
        assert not (twin.writing() / name).exists()
    assert form.settings.source == "" and writing_files.uploaded(twin) == []


def click(picker, name, label):
    """Click a button in the row of an uploaded file."""
    [row] = [row for row in picker.uploads.children if name in text_of(row)]
    [one] = [part for part in inside(row) if getattr(part, "description", "") == label]
    one.click()


def test_another_chosen_source_stays_when_the_last_upload_is_removed(twin, at_home):
    (at_home / "posts").mkdir()
    (at_home / "posts" / "tea.md").write_text(POST)
    form = writing_form.form(twin)
    upload(form.picker, ("a.md", POST.encode()))
    form.picker._set(str(at_home / "posts"))
    click(form.picker, "a.md", "Remove")
    click(form.picker, "a.md", "Delete it for good")
    assert form.settings.source == str(at_home / "posts") and not writing_files.uploaded(twin)


def test_one_bad_file_does_not_keep_the_others_out(twin, monkeypatch):
    monkeypatch.setattr(writing_files.archive, "FILE_LIMIT", 2000)
    form = writing_form.form(twin)
    upload(form.picker, ("huge.txt", b"x" * 2001), ("a.md", POST.encode()))
    assert "huge.txt is larger than 2 kB" in form.picker.message.value
    assert [path.name for path in writing_files.uploaded(twin)] == ["a.md"]
    upload(form.picker, ("half.zip", b"PK\3\4" + b"x" * 200), ("song.mp3", b"ID3"))
    upload(form.picker, ("void.md", b""))
    rows = [text_of(row) for row in form.picker.uploads.children]
    assert rows[3].startswith("✗ void.md") and "empty" in rows[3]
    assert ["✓ a.md" in rows[0], "damaged" in rows[1], "pictures and sound" in rows[2]] == [
        True
    ] * 3


def test_a_place_in_the_list_is_chosen_and_looked_into(twin, at_home):
    (at_home / "work" / "posts").mkdir()
    (at_home / "work" / "posts" / "tea.md").write_text(POST)
    form = writing_form.form(twin)
    form.picker.refresh()
    form.picker.list.value = str((at_home / "work" / "posts").resolve())
    assert form.settings.source.endswith("posts") and "1 text, " in text_of(form)


@pytest.mark.parametrize("path", ["C:\\Users\\me\\博客", "/Users/me/blog", "\\\\server\\share"])
def test_a_path_of_another_computer_is_told_at_once(twin, path):
    form = writing_form.form(twin)
    form.source.value = path
    assert "another computer" in form.hint.value or "this machine" in form.hint.value
    assert form.look.layout.display == "none" and not form.found.children


def test_the_limit_said_is_the_limit_of_the_connection(twin):
    assert f"up to {source_picker._MEGABYTES} MB" in text_of(writing_form.form(twin))
