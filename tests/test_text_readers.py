"""Reading folders and zips: encodings, formats by content, and reasons for what is left out."""

import io
import os
import re
import tarfile
import zipfile
from difflib import SequenceMatcher
from pathlib import Path

import pytest

from twinlib import TwinError
from twinlib.corpus import readers
from twinlib.corpus.readers import archive as sources
from twinlib.corpus.readers import markdown, plain
from twinlib.corpus.reasons import REASONS
from twinlib.i18n import data
from twinlib.text.inputs import encoding, filename
from twinlib.text.inputs.input_file import File

CHINESE = "台上：一把扳手，一缸茶，一本空账本。开张第一篇，街坊，先交代清楚。"


class Reading:
    """Everything that one walk gives: `documents`, and the log of the rest."""

    def __init__(self, source, **options):
        self.log = readers.ReadLog()
        self.documents = list(readers.read(source, readers.Options(**options), self.log))
        self.sources = [d.source for d in self.documents]


def reasons(reading):
    return {d.document: d.reason for d in reading.log.removed}


def zipped(members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "name", ["utf-8", "utf-8-sig", "gbk", "gb18030", "utf-16", "utf-16-le", "utf-16-be", "utf-32"]
)
def test_simplified_chinese_is_read_in_any_encoding(name):
    assert encoding.decode(CHINESE.encode(name)) == CHINESE


@pytest.mark.parametrize("text", ["今天没活。", "下雨，不出摊。", "我不知道他是谁"])
def test_a_very_short_gbk_text_is_not_taken_for_another_script(text):
    assert encoding.decode(text.encode("gbk")) == text


def test_big5_is_told_from_gbk():
    text = "這個時候，我們對於電車的聲音，已經聽得很慣了。"
    assert encoding.decode(text.encode("big5")) == text


@pytest.mark.parametrize("name", ["shift_jis", "euc_jp"])
def test_japanese_is_not_taken_for_korean_or_chinese(name):
    text = "船は夜明けに着いたが、桟橋には誰もいなかったので、わたしたちは岸壁に沿って流された。"
    assert encoding.decode(text.encode(name)) == text


def test_western_european_text_without_utf8_is_read():
    text = (
        "Le café est fermé à présent, et la fenêtre reste ouverte même l'été, où il a plu très "
        "fort. " * 5
    )
    assert encoding.decode(text.encode("latin-1")) == text


def test_one_broken_byte_costs_one_character_and_not_the_text():
    data = (CHINESE * 3).encode() + b"\xe4\xbd"
    assert encoding.decode(data) == CHINESE * 3


@pytest.mark.parametrize("name", ["gb18030", "big5", "utf-8"])
@pytest.mark.parametrize("size", [1, 10, 70])
def test_a_wrong_byte_and_a_lost_one_cost_their_neighbours_at_most(name, size):
    text = "這個時候，我們對於電車的聲音，已經聽得很慣了。" if name == "big5" else CHINESE
    text = (text + "\n") * size
    data = text.encode(name)
    for place in (6, len(data) // 2, len(data) - 9):
        for damaged in (
            data[:place] + b"\xff" + data[place:],
            data[:place] + data[place + 1 :],
            data[:place] + b"\xff" + data[place + 1 :],
        ):
            read = encoding.decode(damaged)
            same = SequenceMatcher(None, text, read, autojunk=False).get_matching_blocks()
            assert len(text) - sum(block.size for block in same) <= 4


@pytest.mark.parametrize(
    "text, name",
    [
        ("I walked from the gate of 程晓芸 to the house of 阮栩 and 邬珺 in the rain.", "gb18030"),
        ("A letter from 王偉 came to the tea house of 李靜 in the rain.", "big5"),
        ("He wrote “é” and left — the café was closed, naïve as we were.", "cp1252"),
        ("She said nothing in the café, and the rain went on and on outside.", "latin-1"),
        ("Die Straße nach Köln ist für Fußgänger schön, sagte Frau Müller.", "latin-1"),
    ],
)
def test_a_few_chinese_names_in_english_are_told_from_accents(text, name):
    assert encoding.decode(text.encode(name)) == text


@pytest.mark.parametrize(
    "data, reason",
    [
        (b"", "empty"),
        (b" \n\0\n", "empty"),
        (b"\xef\xbb\xbf  \n", "empty"),
        (bytes(range(256)) * 40, "binary"),
        (b"\x89PNG\r\n\x1a\n" + os.urandom(3000), "binary"),
    ],
)
def test_nothing_and_junk_are_refused_with_a_reason(data, reason):
    with pytest.raises(encoding.Unreadable, match=reason):
        encoding.decode(data)


@pytest.mark.parametrize(
    "front, title, date",
    [
        ('---\ntitle: "Rain: a diary"\ndate: 2019-03-14\n---\n', "Rain: a diary", "2019-03-14"),
        (
            "---\ntitle: Rain: a diary\ndate: 2019/3/14 08:00:00 +0800\n---\n",
            "Rain: a diary",
            "2019-03-14",
        ),
        ('+++\ntitle = "Rain"\ndate = 2019-03-14T08:00:00Z\n+++\n', "Rain", "2019-03-14"),
        ('{"title": "Rain", "date": "2019-03-14"}\n', "Rain", "2019-03-14"),
        ("---\nTitle: 雨\nDate: 2019年3月14日\n---\n", "雨", "2019-03-14"),
        ("---\ntitle： 全角冒号\ndate： 2024-12-03\n---\n", "全角冒号", "2024-12-03"),
        ("title： 全角冒号\ndate： 2024-12-03\n---\n", "全角冒号", "2024-12-03"),
        ("---\ntitle: 2019\ndate: 2019-02-30\n---\n", "2019", "2019"),
        ("---\n---\n", "", None),
        ("", "", None),
    ],
)
def test_front_matter_of_every_kind(front, title, date):
    (document,) = markdown.read(File("rain.md", (front + "It rains.\n").encode()))
    assert (document.title, document.date, document.text.strip()) == (title, date, "It rains.")


def test_a_rule_at_the_top_is_not_front_matter():
    text = "---\nIt rains, and then\n---\nit stops.\n"
    assert markdown.split(text) == ({}, text)


@pytest.mark.parametrize("front", ["draft: true", "draft: yes", "published: false", "Draft: True"])
def test_drafts_are_marked(front):
    assert next(markdown.read(File("a.md", f"---\n{front}\n---\nText.".encode()))).draft


@pytest.mark.parametrize(
    "name, date, title",
    [
        ("2019-03-14-rain-on-the-bench.md", "2019-03-14", "rain on the bench"),
        ("20190314 雨天.txt", "2019-03-14", "雨天"),
        ("posts/茶要烫.md", None, "茶要烫"),
        ("001_45e3f1652920acc1.txt", None, ""),
        ("2019-13-45-x.md", None, "x"),
        ("2019-03-14.md", "2019-03-14", ""),
        ("index.md", None, ""),
    ],
)
def test_what_a_file_name_says(name, date, title):
    assert (filename.date_of(None, name), filename.title_of(name)) == (date, title)


@pytest.mark.parametrize(
    "value, date",
    [
        ("2021-03-03T10:02:00Z", "2021-03-03"),
        ("2021年3月3日", "2021-03-03"),
        ("20210303", "2021-03-03"),
        ("March 3, 2021", "2021-03-03"),
        ("March 3, 2021 10:00 AM", "2021-03-03"),
        ("3 Mar 2021", "2021-03-03"),
        ("Published on 3 March 2021 by Nele", "2021-03-03"),
        ("Wed, 03 Mar 2021 23:30:00 -0800", "2021-03-03"),
        ("Wed, 03 Mar 99 23:30:00 GMT", "1999-03-03"),
        ("03-Mar-21", "2021-03-03"),
        ("2021", "2021"),
        ("February 30, 2021", None),
        ("Summary 3, 2021", None),
        ("3/4/2021", None),
        ("昨天", None),
    ],
)
def test_a_day_is_read_alike_wherever_it_stands(value, date):
    assert filename.date_of(value, "") == date
    front = f"---\ndate: '{value}'\n---\nText.".encode()
    assert next(markdown.read(File("a.md", front))).date == date


@pytest.mark.parametrize(
    "text, title",
    [
        ("Is coffee better than tea?\n\nNorth wind.", "Is coffee better than tea?"),
        ("为什么不用手机下单\n\n多云，没风。", "为什么不用手机下单"),
        ("It rained all day, and then it stopped.\nSo we went.", ""),
        ("只有一行", ""),
        ("之前在玩 Colab 和 Stable Diffusion,所以自然而然,也会进一步拓展到 LLM 领域\n说到底", ""),
    ],
)
def test_the_first_line_is_the_title_when_it_can_be_one(text, title):
    assert plain.split(text)[0] == title


def test_a_folder_gives_its_writing_and_counts_the_rest(tmp_path):
    source, outside = tmp_path / "blog", tmp_path / "outside"
    for folder in (source / "posts", source / ".obsidian", source / "node_modules/x", outside):
        folder.mkdir(parents=True)
    (source / "posts/b.md").write_text("# Tea\n\nTea must be hot.")
    (source / "posts/a.txt").write_bytes(CHINESE.encode("gbk"))
    (source / "junk.md").write_bytes(os.urandom(4000))
    (source / "empty.md").touch()
    (source / "README.md").write_text("How this blog is built.")
    for name in (
        "photo.jpg",
        "site.js",
        "package-lock.json",
        "yarn.lock",
        ".hidden.md",
        ".obsidian/note.md",
        "node_modules/x/readme.md",
    ):
        (source / name).write_text("x")
    (outside / "secret.md").write_text("Not the author's.")
    (source / "link").symlink_to(outside)
    (source / "link.md").symlink_to(outside / "secret.md")
    reading = Reading(source)
    assert [d.source for d in reading.documents] == ["posts/a.txt", "posts/b.md"]
    assert reasons(reading) == {
        "junk.md": "binary",
        "empty.md": "empty",
        "package-lock.json": "unknown",
    }
    assert reading.log.skipped == {
        "image": 1,
        "script": 2,
        "hidden": 2,
        "cache": 1,
        "about": 1,
        "link": 2,
    }


def test_a_zip_reads_like_the_folder_that_it_holds(tmp_path):
    (tmp_path / "folder/posts").mkdir(parents=True)
    (tmp_path / "folder/posts/茶.md").write_text("---\ntitle: 茶\n---\n" + CHINESE)
    with zipfile.ZipFile(tmp_path / "blog.zip", "w") as archive:
        archive.write(tmp_path / "folder/posts/茶.md", "posts/茶.md")
        archive.writestr("photo.png", b"x")
    unpacked, packed = Reading(tmp_path / "folder"), Reading(tmp_path / "blog.zip")
    assert packed.documents == unpacked.documents and packed.log.skipped == {"image": 1}
    (tmp_path / "folder/posts/茶.md").unlink()
    (tmp_path / "blog.zip").rename(tmp_path / "folder/blog.zip")
    assert Reading(tmp_path / "folder").sources == ["blog.zip/posts/茶.md"]


def test_hostile_archives_are_refused_member_by_member(tmp_path):
    with zipfile.ZipFile(tmp_path / "bad.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../../escape.md", "out")
        archive.writestr("/absolute.md", "out")
        archive.writestr("bomb.md", b"a" * 5_000_000)
        archive.writestr("good.md", CHINESE)
    reading = Reading(tmp_path / "bad.zip")
    assert reasons(reading) == {
        "../../escape.md": "unsafe",
        "/absolute.md": "unsafe",
        "bomb.md": "bomb",
    }
    assert [d.source for d in reading.documents] == ["good.md"]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["bad.zip"]


def test_an_archive_that_unpacks_to_too_much_is_refused_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "ARCHIVE_LIMIT", 1000)
    with zipfile.ZipFile(tmp_path / "big.zip", "w") as archive:
        archive.writestr("a.md", "a" * 600)
        archive.writestr("b.md", "b" * 600)
    assert reasons(Reading(tmp_path)) == {"big.zip": "bomb"}


def test_a_damaged_archive_and_a_chinese_windows_one(tmp_path):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("xxxx.md", CHINESE)
    data = buffer.getvalue()
    (tmp_path / "damaged.zip").write_bytes(data[:-30])
    (tmp_path / "windows.zip").write_bytes(data.replace(b"xxxx.md", "我的".encode("gbk") + b".md"))
    reading = Reading(tmp_path)
    assert reasons(reading) == {"damaged.zip": "damaged"}
    assert [d.source for d in reading.documents] == ["windows.zip/我的.md"]


def test_a_locked_member_and_a_broken_one_do_not_spoil_the_rest(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("good.md", "broken.md", "locked.md"):
            archive.writestr(name, CHINESE + name)
    data = bytearray((tmp_path / "a.zip").read_bytes())
    broken, locked = data.index(b"broken.md") + 9, data.rindex(b"locked.md") - 46
    data[broken : broken + 8] = b"\xff" * 8
    data[locked + 8] |= 1
    (tmp_path / "a.zip").write_bytes(bytes(data))
    reading = Reading(tmp_path / "a.zip")
    assert [d.source for d in reading.documents] == ["good.md"]
    assert reasons(reading) == {"broken.md": "damaged", "locked.md": "locked"}


def test_archives_inside_archives_are_opened_two_levels_down(tmp_path):
    inner = zipped({"c.md": "# Tea\n\nDeepest. " + "Tea must be hot. " * 5})
    notion = zipped(
        {
            "Export-Part-1.zip": zipped({"b.md": "Second level. " * 5, "deeper.zip": inner}),
            "a.md": "Top. " * 9,
        }
    )
    (tmp_path / "export.zip").write_bytes(zipped({"outer.zip": notion}))
    reading = Reading(tmp_path)
    assert [name.rpartition("/")[2] for name in reading.sources] == ["b.md", "a.md"]
    assert [d.reason for d in reading.log.removed] == ["deep"]


def tarred(members, mode="w"):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:
        for name, data in members.items():
            data = data if isinstance(data, bytes) else data.encode()
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


SUBSTACK = "<h3>茶</h3>" + "<p>Tea must be hot, and so must the bread be, he said.</p>" * 4
MHTML = (
    "From: <Saved by Blink>\nSnapshot-Content-Location: https://e.org/a\nMIME-Version: 1.0\n"
    'Content-Type: multipart/related; boundary="--b"\n\n----b\nContent-Type: text/html\n\n'
    f"<html><body><article><h1>Pier</h1>{'<p>The pier was cold.</p>' * 9}</article></body></html>"
    "\n\n----b--\n"
)
OF_ALL_KINDS = {
    "posts/1.tea.html": SUBSTACK,
    "posts.csv": "post_id,title,post_date,is_published\n1.tea,Hot tea,2021-05-03,true\n",
    "saved.mht": MHTML,
    "notion/part.zip": zipped({"b.md": "Second level. " * 5, "deep.zip": zipped({"c.md": "c"})}),
    "old/notes.tar": tarred({"旧/d.md": CHINESE, "photo.png": b"x"}),
    "old/notes.tgz": tarred({"e.md": "Squeezed. " * 9}, "w:gz"),
    "old/more.rar": b"Rar!",
    "old/empty.zip": b"PK\5\6" + bytes(18),
    ".git/config.md": "x",
    "../../escape.md": "out",
    "/absolute.md": "out",
}


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:xz"])
def test_a_tar_reads_like_a_zip(tmp_path, mode):
    (tmp_path / "a.zip").write_bytes(zipped(OF_ALL_KINDS))
    (tmp_path / "a.tar").write_bytes(tarred(OF_ALL_KINDS, mode))
    in_zip, in_tar = Reading(tmp_path / "a.zip"), Reading(tmp_path / "a.tar")
    assert in_tar.documents == in_zip.documents
    assert {d.source: (d.title, d.date) for d in in_tar.documents} == {
        "posts/1.tea.html": ("Hot tea", "2021-05-03"),
        "saved.mht": ("Pier", None),
        "notion/part.zip/b.md": ("", None),
        "notion/part.zip/deep.zip/c.md": ("", None),
        "old/notes.tar/旧/d.md": ("", None),
        "old/notes.tgz/e.md": ("", None),
    }
    assert (in_tar.log.skipped, reasons(in_tar)) == (in_zip.log.skipped, reasons(in_zip))
    assert in_tar.log.skipped == {"hidden": 1, "image": 1}
    refused = {"old/more.rar": "packed", "old/empty.zip": "empty"}
    refused |= dict.fromkeys(("../../escape.md", "/absolute.md"), "unsafe")
    assert refused.items() <= reasons(in_tar).items()


def test_archives_in_a_tar_are_opened_two_levels_down(tmp_path):
    deepest = zipped({"c.md": "Deepest. " * 9})
    outer = tarred({"b.md": "Second level. " * 5, "deeper.tar": tarred({"deepest.zip": deepest})})
    (tmp_path / "export.tar").write_bytes(tarred({"outer.tar": outer, "a.md": CHINESE}))
    reading = Reading(tmp_path / "export.tar")
    assert reading.sources == ["outer.tar/b.md", "a.md"]
    assert reasons(reading) == {"outer.tar/deeper.tar/deepest.zip": "deep"}


def test_a_tar_that_breaks_off_gives_what_stands_before(tmp_path):
    whole = tarred({"茶.md": CHINESE, "b.md": "Bread. " * 2000})
    (tmp_path / "cut.tar").write_bytes(whole[:6000])
    reading = Reading(tmp_path / "cut.tar")
    assert (reading.sources, reasons(reading)["cut.tar"]) == (["茶.md"], "damaged")


def test_a_tar_that_unpacks_to_far_more_than_it_is_is_refused_whole(tmp_path):
    (tmp_path / "bomb.tgz").write_bytes(tarred({"a.jpg": bytes(50_000_000), "b.md": "b"}, "w:gz"))
    assert reasons(Reading(tmp_path)) == {"bomb.tgz": "bomb"}


def test_names_of_a_chinese_windows_in_a_tar_are_read(tmp_path):
    data = tarred({"xxxx.md": CHINESE}).replace(b"xxxx.md", "我的".encode("gbk") + b".md")
    header = bytearray(data[:512])
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    (tmp_path / "windows.tar").write_bytes(bytes(header) + data[512:])
    assert Reading(tmp_path / "windows.tar").sources == ["我的.md"]


def test_a_file_over_the_limit_is_refused_in_and_out_of_archives(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "FILE_LIMIT", 1000)
    (tmp_path / "big.md").write_text("word " * 300)
    (tmp_path / "more.zip").write_bytes(zipped({"big.md": os.urandom(2000), "small.md": CHINESE}))
    reading = Reading(tmp_path)
    assert (reading.sources, reasons(reading)) == (
        ["more.zip/small.md"],
        {"big.md": "large", "more.zip/big.md": "large"},
    )


def test_what_a_file_is_shows_in_its_content_not_in_its_name(tmp_path):
    page = (
        "<!doctype html><html><head><title>Tea</title></head><body><article><h1>Tea</h1>"
        "<p>Tea must be hot.</p></article>"
    )
    (tmp_path / "page.txt").write_text(page + "</body></html>")
    (tmp_path / "talk.md").write_text(
        "1\n00:00:01,000 --> 00:00:04,000\nTea must be hot, he said.\n"
    )
    (tmp_path / "notes.wiki").write_text(
        "Tea must be hot. It was cold. So we went home, and nobody said a word about it."
    )
    (tmp_path / "table.wiki").write_text("a;b;c\n1;2;3\n{x};{y};{z}\n")
    reading = Reading(tmp_path)
    assert {d.source: d.format for d in reading.documents} == {
        "notes.wiki": "text",
        "page.txt": "html",
        "talk.md": "subtitles",
    }
    assert "unknown" in reasons(reading).values()


def test_a_survey_counts_formats_and_senders_without_making_documents(tmp_path):
    (tmp_path / "chat.txt").write_text(
        "".join(
            f"[12/3/2024, 21:0{n}:05] {name}: {text}\n"
            for n, (name, text) in enumerate(
                [
                    ("老宁", "茶要烫，水要开。"),
                    ("Mei", "知道了知道了。"),
                    ("老宁", "那就好，明天见。"),
                ]
            )
        )
    )
    (tmp_path / "post.md").write_text("# 茶\n\n" + CHINESE)
    survey = readers.survey(tmp_path)
    assert survey.formats == {"whatsapp": 1, "markdown": 1} and survey.senders == {
        "老宁": 2,
        "Mei": 1,
    }
    assert [d.reason for d in Reading(tmp_path).log.removed] == ["whose"]
    mine = Reading(tmp_path, me=("老宁",))
    assert mine.sources == ["chat.txt#2024-03", "post.md"]
    assert [turn.answer for turn in mine.documents[0].turns] == [
        "茶要烫，水要开。",
        "那就好，明天见。",
    ]


def test_another_twin_inside_the_source_is_left_alone(tmp_path):
    (tmp_path / "twins/demo/publish").mkdir(parents=True)
    (tmp_path / "twins/demo/twin.json").write_text("{}")
    (tmp_path / "twins/demo/publish/card.md").write_text("A model card.")
    (tmp_path / "a.md").write_text("Tea.")
    assert [d.source for d in Reading(tmp_path).documents] == ["a.md"]


def test_the_id_survives_an_edit_of_text_and_title(tmp_path):
    (tmp_path / "a.md").write_text("# One\n\nFirst.")
    before = Reading(tmp_path).documents[0].id
    (tmp_path / "a.md").write_text("# Two\n\nSecond.")
    assert Reading(tmp_path).documents[0].id == before


def test_a_missing_folder_is_a_sentence(tmp_path):
    with pytest.raises(TwinError, match="check the path"):
        Reading(tmp_path / "nowhere")


def test_every_format_and_every_refusal_has_a_label():
    assert set(readers.FORMATS) == set(data("formats"))
    sources = Path(readers.__file__).parent.rglob("*.py")
    refusals = set(re.findall(r'Unreadable\("(\w+)"\)', "".join(map(Path.read_text, sources))))
    assert len(refusals) > 10 and refusals <= set(REASONS)
