"""Cache: looked up by key, whole after a kill, and only what is missing is computed."""

import errno
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from twinlib import files
from twinlib.files import Cache, TwinError, parsed_lines, read_records, write_records

RECORDS = [
    {"id": "a", "model_sha": "1", "text": "水壶在唱"},
    {"id": "a", "model_sha": "2", "text": "The kettle sings."},
]


def test_a_record_is_found_by_all_its_keys_and_after_reopening(tmp_path):
    cache = Cache(tmp_path / "answers.jsonl", ("id", "model_sha"))
    cache.add(RECORDS)
    again = Cache(tmp_path / "answers.jsonl", ("id", "model_sha"))
    assert again.get("a", "2") == RECORDS[1]
    assert again.get("a", "3") is None
    assert "水壶" in (tmp_path / "answers.jsonl").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "torn",
    ['{"id": "b", "te', "[1]", '"b"', '{"text": "no id"}', '{"id": ["b"]}', '{"id": {}}', "\ufffd"],
)
def test_a_damaged_line_is_missing_and_the_next_one_is_not_glued_to_it(tmp_path, torn):
    path = tmp_path / "log.jsonl"
    path.write_text(json.dumps({"id": "a"}) + "\n" + torn, encoding="utf-8")
    cache = Cache(path)
    cache.append({"id": "c"})
    assert list(Cache(path).records) == [("a",), ("c",)]


def test_a_line_that_a_full_disk_tears_costs_no_later_one(tmp_path, monkeypatch):
    cache = Cache(tmp_path / "log.jsonl")
    cache.append({"id": "a"})

    class Torn:
        """A file of which the first writing ends half way."""

        def __init__(self, *arguments, **options):
            self.file = open(*arguments, **options)

        def __enter__(self):
            return self

        def __exit__(self, *error):
            self.file.close()

        def write(self, text):
            self.file.write(text[: len(text) // 2])
            self.file.flush()
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files, "open", Torn, raising=False)
    with pytest.raises(OSError, match="No space"):
        cache.append({"id": "b"})
    monkeypatch.undo()
    cache.append({"id": "c"})
    assert list(Cache(cache.path).records) == [("a",), ("c",)]


def test_only_what_is_missing_is_made_in_portions_each_written_at_once(tmp_path):
    path, made, told = tmp_path / "scores.jsonl", [], []
    cache = Cache(path, ("id", "model_sha"))
    cache.add([{"id": "b", "score": 0, "model_sha": "1"}])

    def make(items):
        made.append(items)
        assert len(read_records(path)) == len(cache.records)
        return [{"score": item} for item in items]

    wanted = {"a": 1, "b": 2, "c": 3, "d": 4}
    found = cache.fill(wanted, make, 2, told.append, model_sha="1")
    assert [record["score"] for record in found] == [1, 0, 3, 4]
    assert made == [[1, 3], [4]] and told == [1, 2, 1]
    assert cache.fill(wanted, make, 2, model_sha="1") == found and len(made) == 2


def test_a_stop_between_portions_loses_none_of_them(tmp_path):
    cache = Cache(tmp_path / "scores.jsonl")

    def make(items):
        if items == [3]:
            raise KeyboardInterrupt
        return [{"score": item} for item in items]

    with pytest.raises(KeyboardInterrupt):
        cache.fill({"a": 1, "b": 2, "c": 3}, make)
    assert list(Cache(tmp_path / "scores.jsonl").records) == [("a",), ("b",)]


def test_threads_append_whole_lines(tmp_path):
    cache = Cache(tmp_path / "log.jsonl")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: cache.append({"id": n, "text": "水" * n}), range(200)))
    assert len(read_records(tmp_path / "log.jsonl")) == 200


def test_what_one_thread_appends_while_another_rewrites_the_file_is_kept(tmp_path, monkeypatch):
    cache = Cache(tmp_path / "log.jsonl")
    other = threading.Thread(target=cache.append, args=({"id": "b"},))

    def slowly(path, records):
        records = list(records)
        other.start()
        other.join(0.3)
        return write_records(path, records)

    monkeypatch.setattr(files, "write_records", slowly)
    cache.add([{"id": "a"}])
    other.join()
    assert set(Cache(tmp_path / "log.jsonl").records) == {("a",), ("b",)}


def test_a_temporary_file_that_another_process_takes_away_does_no_harm(tmp_path):
    (tmp_path / ".log.jsonl.x1").symlink_to(tmp_path / "gone")  # listed, but not there
    files.write_atomic(tmp_path / "log.jsonl", "水壶")
    assert (tmp_path / "log.jsonl").read_text(encoding="utf-8") == "水壶"


def test_only_leaves_nothing_else(tmp_path):
    cache = Cache(tmp_path / "answers.jsonl")
    cache.add([{"id": "a"}, {"id": "b"}])
    cache.replace([{"id": "c"}])
    assert read_records(tmp_path / "answers.jsonl") == [{"id": "c"}]


def test_line_separators_inside_a_record_do_not_cut_it(tmp_path):
    write_records(tmp_path / "a.jsonl", [{"id": "a\u2028b\x85c"}])
    assert read_records(tmp_path / "a.jsonl") == [{"id": "a\u2028b\x85c"}]


def test_half_a_character_is_no_record_since_it_could_never_be_saved():
    assert list(parsed_lines('{"id": "\\ud83d"}')) == [(1, None)]


def test_a_file_that_steps_rely_on_says_which_line_is_damaged(tmp_path):
    (tmp_path / "train.jsonl").write_text('{"id": 1}\n\nnot json\n', encoding="utf-8")
    with pytest.raises(TwinError, match="line 3.*corpus"):
        read_records(tmp_path / "train.jsonl", "corpus")


def test_a_torn_line_is_gone_once_the_file_was_replaced(tmp_path):
    path = tmp_path / "log.jsonl"
    path.write_text('{"id": "a"}\n{"id": "b", "te', encoding="utf-8")
    cache = Cache(path)
    cache.replace(list(cache.records.values()))
    cache.append({"id": "c"})
    assert path.read_text(encoding="utf-8") == '{"id": "a"}\n{"id": "c"}\n'


def test_a_folder_is_replaced_or_stays_as_it_was(tmp_path, monkeypatch):
    new, folder = tmp_path / "words.part", tmp_path / "words"
    for path, text in ((new, "new"), (folder, "old")):
        path.mkdir()
        (path / "index").write_text(text, encoding="utf-8")
    rename = Path.rename

    def failing(path, target):
        if path == new:
            raise OSError(errno.EIO, "Input/output error")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", failing)
    with pytest.raises(OSError, match="Input/output"):
        files.put_folder_in_place(new, folder)
    assert (folder / "index").read_text(encoding="utf-8") == "old" and new.exists()
    monkeypatch.undo()
    files.put_folder_in_place(new, folder)
    assert (folder / "index").read_text(encoding="utf-8") == "new"
    assert list(tmp_path.iterdir()) == [folder]


def test_a_lock_that_is_held_on_is_waited_for_once_and_said(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(files, "_LOCK_WAIT", 0.5)
    lock, entered, leave = tmp_path / ".lock", threading.Event(), threading.Event()

    def hold():
        with files.locked(lock):
            entered.set()
            leave.wait(20)

    holder = threading.Thread(target=hold)
    holder.start()
    entered.wait(20)
    with files.locked(lock):
        assert "may be lost" in capsys.readouterr().err
    began = time.monotonic()
    with files.locked(lock):
        assert time.monotonic() - began < 0.4 and not capsys.readouterr().err
    leave.set()
    holder.join()
    for _ in range(2):
        with files.locked(lock):
            assert not capsys.readouterr().err
