"""Step 01: writing becomes documents, passages and rows; decisions stand; nothing leaks."""

import csv
import errno
import json
import os
import random
import shutil
import socket
import subprocess
import sys
import zipfile
from collections import Counter
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from twinlib import Twin, TwinError, files, settings
from twinlib.corpus import rows
from twinlib.corpus import step as corpus
from twinlib.corpus.questions import model
from twinlib.files import write_json
from twinlib.progress import Progress
from twinlib.running import SERIES
from twinlib.twin import Report

SAMPLES = Path(__file__).parent.parent / "data_samples"
TEXT = (
    "这是第{0}篇，台上放着第{0}把扳手，墙上挂着{1}毫米的垫圈。\n\n"
    "街坊第{0}次问我：修一辆第{1}号的车要多久？我量过，{1}分钟，不多不少。"
)


@pytest.fixture
def blog(tmp_path):
    """Twelve short posts, all different."""
    folder = tmp_path / "blog"
    folder.mkdir()
    for n in range(12):
        post = f"---\ntitle: 论扳手{n}\n---\n{TEXT.format(n, n * 37 + 11)}\n\n{chr(0x4E10 + n) * 9}"
        (folder / f"20{10 + n}-01-02-post.md").write_text(post)
    return folder


def run(twin, source, **values):
    wanted = settings.make(
        "corpus",
        source=str(source),
        **{"author": "宁半圈", "short": 20, "questions": "titles", **values},
    )
    return corpus.run(Twin(twin.path), wanted, Progress(twin.history("corpus"), "corpus"))


def value(outcome, name):
    return outcome.figures[name]["value"]


def dropped(twin):
    with open(twin.file("dropped"), encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def all_rows(twin):
    return [row for split in ("train", "val", "test") for row in twin.records(split)]


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    """(twin, outcome) of the step on the sample blog; for tests that only read."""
    twin = Twin.open(tmp_path_factory.mktemp("samples") / "demo")
    return twin, run(twin, SAMPLES, short=80)


def test_the_sample_blog_becomes_rows(samples):
    twin, outcome = samples
    reasons = {
        line["document"]: line["reason"] for line in dropped(twin) if line["what"] == "document"
    }
    exercises = [
        name for name, why in reasons.items() if why == "a problem to practise on, for step 03"
    ]
    assert len(exercises) == 24 and all(
        name.startswith("problems.jsonl#row-") for name in exercises
    )
    assert {name: why for name, why in reasons.items() if name not in exercises} == {
        "posts/2025-01-12-which-pump-should-you-buy.md": "draft",
        "posts/2024-12-08-茶要烫-旧文重发.md": "duplicate of another text",
    }
    assert value(outcome, "documents") == 39 and value(outcome, "passages") > 39
    assert value(outcome, "personal_data") == 2
    assert value(outcome, "characters_kept") > 0.93 * value(outcome, "characters_in")
    assert {line["what"] for line in dropped(twin)} == {
        "document",
        "quotation",
        "code",
        "footnote",
        "footer",
        "caption",
    }
    assert "13800000000" not in twin.file("train").read_text() + twin.file("documents").read_text()
    facts = Twin(twin.path).facts
    assert sorted(facts["languages"]) == ["en", "zh"] and "宁半圈" in facts["system_prompt"]


def test_records_have_the_fields_that_other_steps_read(twin, blog):
    run(twin, blog)
    assert list(twin.records("documents")[0]) == [
        "id",
        "title",
        "text",
        "date",
        "source",
        "author",
        "language",
        "kind",
    ]
    assert list(twin.records("passages")[0]) == [
        "id",
        "document",
        "text",
        "tokens_estimate",
        "split",
        "section",
    ]
    assert twin.records("documents")[0]["date"] == "2010-01-02"


def test_every_answer_is_the_authors_own_text(samples):
    twin, _ = samples
    passages = {p["id"]: p["text"] for p in twin.records("passages")}
    own = [row for row in all_rows(twin) if row["kind"] in ("qa", "raw")]
    assert own and all(row["messages"][-1]["content"] == passages[row["passage"]] for row in own)


def test_held_out_documents_never_meet_training(samples):
    twin, _ = samples
    split = {p["id"]: p["split"] for p in twin.records("passages")}
    document = {p["document"]: p["split"] for p in twin.records("passages")}
    assert all(p["split"] == document[p["document"]] for p in twin.records("passages"))
    assert all(split[row["passage"]] == row["split"] for row in all_rows(twin) if row["passage"])
    held = [p["text"] for p in twin.records("passages") if p["split"] != "train"]
    train = twin.file("train").read_text(encoding="utf-8")
    assert held and not any(json.dumps(text, ensure_ascii=False)[1:-1] in train for text in held)
    assert not any(text[:40] in Twin(twin.path).facts["persona_prompt"] for text in held)


def test_the_same_folder_gives_the_same_files(twin, blog):
    def files():
        names = ("documents", "passages", "train", "val", "test", "dropped")
        return {name: twin.file(name).read_bytes() for name in names}

    run(twin, blog)
    first = files()
    run(twin, blog)
    assert files() == first


def test_an_edit_and_a_new_post_move_no_other_document(twin, blog):
    run(twin, blog)
    before = {p["document"]: p["split"] for p in twin.records("passages")}
    post = next(blog.iterdir())
    post.write_text(post.read_text() + "\n\n又补一句，拧紧了再走，别忘了。")
    (blog / "new.md").write_text(
        "# 新的一篇\n\n" + "从来没有写过的新话题，说的是码头上的海鸥和它们偷走的螺母。" * 2
    )
    run(twin, blog)
    after = {p["document"]: p["split"] for p in twin.records("passages")}
    assert len(after) == 13 and all(after[name] == split for name, split in before.items())


def test_the_sample_blog_is_its_own_authors_where_nobody_else_is_named(twin):
    outcome = run(twin, SAMPLES / "posts", author="")
    assert outcome.settings.author == "", "as chosen, so that the step is not out of date"
    facts = Twin(twin.path).facts
    assert facts["author"] == "Ning" and facts["introduction"].startswith("I'm Ning")


def test_decisions_of_the_owner_survive_a_new_run(twin, blog):
    (blog / "quote.md").write_text(
        "# 来信\n\n" + TEXT.format(77, 770) + "\n\n> 许会计说，鱼丸涨价了，补胎也要跟着涨才公平。"
    )
    (blog / "draft.md").write_text(
        "---\ndraft: true\n---\n还没写完的一篇，讲台风天收摊的规矩，写到一半。"
    )
    run(twin, blog)
    documents = {d["source"]: d["id"] for d in twin.records("documents")}
    (quote,) = [line["id"] for line in dropped(twin) if line["what"] == "quotation"]
    (draft,) = [line["id"] for line in dropped(twin) if line["reason"] == "draft"]
    (passage,) = [
        p["id"]
        for p in twin.records("passages")
        if p["document"] == documents["2012-01-02-post.md"]
    ]
    row = next(row for row in all_rows(twin) if row["kind"] == "qa" and row["passage"] == passage)
    twin.decide(documents["2010-01-02-post.md"], action="drop")
    twin.decide(
        documents["2011-01-02-post.md"],
        action="edit",
        text="我自己改过的一段话，比原来的好得多，也长得多。",
    )
    twin.decide(quote, action="restore")
    twin.decide(draft, action="restore")
    twin.decide(row["id"], action="edit", question="改过的问题？")
    for _ in range(2):
        run(twin, blog)
        texts = {d["source"]: d["text"] for d in twin.records("documents")}
        assert "2010-01-02-post.md" not in texts and texts["2011-01-02-post.md"].startswith(
            "我自己改过"
        )
        assert "补胎也要跟着涨" in texts["quote.md"] and "draft.md" in texts
        assert [line["reason"] for line in dropped(twin)] == ["you dropped it"]
    (changed,) = [r for r in all_rows(twin) if r["id"] == row["id"]]
    assert (changed["messages"][1]["content"], changed["source"]) == ("改过的问题？", "owner")
    twin.decide(row["id"], action="drop")
    run(twin, blog)
    assert row["id"] not in {r["id"] for r in all_rows(twin)}


def test_a_decision_makes_the_step_stale(twin, blog):
    outcome = run(twin, blog)
    twin.decide("anything", action="drop")
    now = twin.inputs(blog, twin.file("decisions"), twin.file("interview"))
    assert outcome.inputs.keys() == now.keys() and outcome.inputs != now


def test_of_duplicates_the_earliest_stays_unless_the_owner_wants_both(twin, blog):
    shutil.copy(blog / "2015-01-02-post.md", blog / "2020-05-05-again.md")
    run(twin, blog)
    (again,) = dropped(twin)
    assert (again["document"], again["reason"]) == (
        "2020-05-05-again.md",
        "duplicate of another text",
    )
    twin.decide(again["id"], action="restore")
    run(twin, blog)
    names = {d["id"]: d["source"] for d in twin.records("documents")}
    splits = {names[p["document"]]: p["split"] for p in twin.records("passages")}
    assert splits["2015-01-02-post.md"] == splits["2020-05-05-again.md"]


def test_of_many_copies_one_is_left(twin, blog):
    for day in (5, 3, 9, 7):
        text = (blog / "2015-01-02-post.md").read_text()
        (blog / f"2009-01-0{day}-copy.md").write_text(text + f"\n\n第 {day} 次重发。")
    run(twin, blog)
    sources = {d["source"] for d in twin.records("documents")}
    assert (
        len(sources) == 12
        and "2009-01-03-copy.md" in sources
        and "2015-01-02-post.md" not in sources
    )


def test_what_stands_under_another_name_is_put_aside_once_the_owner_said_who_they_are(twin, blog):
    guest = "---\nauthor: {}\n---\n" + TEXT.format(88, 880)
    (blog / "guest.md").write_text(guest.format("教练老周"))
    (blog / "login.md").write_text(
        "---\nauthor: Ning Haiping\n---\n" + "海鸥偷走螺母，落在栈桥上，潮水来了又去。" * 3
    )
    outcome = run(twin, blog, author="")
    assert "several authors" in " ".join(outcome.warnings) and not dropped(twin)
    run(twin, blog)
    assert [(line["document"], line["reason"]) for line in dropped(twin)] == [
        ("guest.md", "under another person's name")
    ]
    outcome = run(twin, blog)
    assert "If that name is yours too, add it" in " ".join(outcome.warnings)
    run(twin, blog, me="教练老周")
    assert not dropped(twin)


def test_the_name_that_most_texts_carry_is_the_owners_login(twin, blog):
    for post in sorted(blog.iterdir())[:8]:
        post.write_text(post.read_text().replace("---\ntitle", "---\nauthor: 站长\ntitle", 1))
    run(twin, blog)
    assert not dropped(twin) and len(twin.records("documents")) == 12


def test_an_edited_answer_replaces_the_old_one_in_every_row(twin, blog):
    run(twin, blog, raw_share=0.5)
    rows = all_rows(twin)
    raw = {row["passage"] for row in rows if row["kind"] == "raw"}
    row = next(row for row in rows if row["kind"] == "qa" and row["passage"] in raw)
    old = row["messages"][-1]["content"]
    twin.decide(row["id"], action="edit", question="", text="改过的回答，旧的一句也不留。")
    run(twin, blog, raw_share=0.5)
    assert all(old != r["messages"][-1]["content"] for r in all_rows(twin))


def test_a_typing_mistake_in_a_decision_is_named(twin, blog):
    write_json(twin.file("decisions"), {"privacy email": {"action": "keeep"}})
    assert "ignored: privacy email." in " ".join(run(twin, blog).warnings)


def test_file_names_that_are_no_utf8_and_pipes_stop_nothing(twin, blog):
    os.mkfifo(blog / "pipe.md")
    with open(os.fsencode(str(blog)) + b"/" + "码头".encode("gbk") + b".md", "w") as file:
        file.write("海鸥偷走螺母，落在栈桥上，潮水来了又去。" * 3)
    outcome = run(twin, blog)
    assert "码头.md" in {d["source"] for d in twin.records("documents")}
    assert value(outcome, "documents") == 13 and value(outcome, "passed_over") == 1


def test_consent_can_be_taken_back(twin, blog):
    run(twin, blog, consent=True)
    given = Twin(twin.path).facts["consent"]
    run(twin, blog, consent=True)
    assert (
        Twin(twin.path).facts["consent"] == given and given["given"] is True and given["when"] > 0
    )
    run(twin, blog, consent=False)
    assert Twin(twin.path).facts["consent"] == {"given": False, "when": None}


def test_the_introduction_follows_the_settings_when_emptied_and_the_author_stays(twin, blog):
    run(twin, blog, introduction="我姓宁。")
    assert "我姓宁。" in Twin(twin.path).facts["persona_prompt"]
    run(twin, blog, author="", introduction="")
    facts = Twin(twin.path).facts
    assert (facts["author"], facts["introduction"]) == ("宁半圈", "")
    assert "我姓宁。" not in facts["persona_prompt"]


def test_decisions_of_the_wrong_shape_are_passed_over_and_named(twin, blog):
    run(twin, blog)
    first, second, *_ = (d["id"] for d in twin.records("documents"))
    wrong = {second: "drop", "edited": {"action": "edit", "text": 5}}
    write_json(twin.file("decisions"), {first: {"action": "drop"}, **wrong})
    outcome = run(twin, blog)
    assert value(outcome, "documents") == 11 and second in {
        d["id"] for d in twin.records("documents")
    }
    assert f"ignored: {second}, edited." in " ".join(outcome.warnings)


def test_private_names_are_masked_everywhere_and_masking_can_be_turned_off(twin, blog):
    run(twin, blog, names="街坊")
    assert (
        "街坊" not in twin.file("documents").read_text()
        and "[人名-1]" in twin.file("train").read_text()
    )
    run(twin, blog, names="街坊", mask=False)
    assert "街坊" in twin.file("documents").read_text()


def test_gbk_utf16_and_binary_junk_in_one_folder(twin, blog):
    (blog / "gbk.txt").write_bytes(
        ("海鸥\n\n" + "海鸥偷走螺母，落在栈桥上，潮水来了又去。" * 3).encode("gbk")
    )
    gulls = "Gulls stole a nut and dropped it on the jetty, and the tide came. "
    (blog / "utf16.md").write_text("# Gulls\n\n" + gulls * 3, "utf-16")
    (blog / "junk.md").write_bytes(os.urandom(5000))
    run(twin, blog)
    titles = {d["source"]: d["title"] for d in twin.records("documents")}
    assert (titles["gbk.txt"], titles["utf16.md"]) == ("海鸥", "Gulls")
    assert [(line["document"], line["reason"]) for line in dropped(twin)] == [
        ("junk.md", "not text")
    ]


def test_three_lines_are_too_little_and_that_is_a_sentence(twin, tmp_path):
    (tmp_path / "tiny").mkdir()
    (tmp_path / "tiny/a.txt").write_text("One.\nTwo.\nThree.")
    with pytest.raises(TwinError, match="too short 1.*add longer texts"):
        run(twin, tmp_path / "tiny", short=80)
    assert not twin.file("documents").exists()


def test_few_passages_and_a_small_exam_are_said(twin, blog):
    warnings = " ".join(run(twin, blog).warnings)
    assert "training will not help" in warnings and "too few to tell" in warnings
    assert "publishing will not" not in warnings  # said once, before the step


def levels(twin, source, **values):
    wanted = settings.Corpus(**{"source": str(source), "author": "宁半圈", **values})
    found = corpus.problems(wanted, twin)
    return [(p.level, p.text) for p in found]


def test_a_language_with_too_little_for_rows_of_its_own_is_said(twin, blog):
    for n in range(6):  # enough Chinese that one English text is less than a twentieth
        (blog / f"more{n}.md").write_text(f"# 再论{n}\n\n" + TEXT.format(n + 50, n * 41 + 7) * 4)
    (blog / "tea.md").write_text("# Tea\n\nTea is best drunk hot, by the window, alone.")
    said = [w for w in run(twin, blog).warnings if "English" in w]
    assert Twin(twin.path).facts["languages"] == ["zh"]
    assert len(said) == 1 and said[0].startswith("Less than 5% of the writing is English (1 text).")
    assert "it learns in Chinese only" in said[0]
    for n in range(12):
        text = f"# Bolts {n}\n\nThe {n}th bolt needs {n * 37 + 11} turns, and I counted each. " * 3
        (blog / f"bolt{n}.md").write_text(text)
    assert not [w for w in run(twin, blog).warnings if "English" in w]


def test_a_language_with_five_texts_counts_however_much_there_is_in_another():
    def share(texts):
        written = [(f"zh{n}", "zh", 900) for n in range(30)] + texts
        return list(rows.language_shares([_passage(*each) for each in written]))

    assert share([(f"en{n}", "en", 40) for n in range(5)]) == ["zh", "en"]
    assert share([(f"en{n}", "en", 40) for n in range(4)]) == ["zh"]
    assert share([("one", "en", 40)] * 5) == ["zh"], "five passages of one text"
    assert share([("en", "en", 2000)]) == ["zh", "en"]


def _passage(document, language, tokens):
    return SimpleNamespace(document=document, language=language, tokens_estimate=tokens)


def test_what_keeps_the_step_from_starting(twin, blog, tmp_path):
    (tmp_path / "empty").mkdir()
    assert not [text for level, text in levels(twin, blog) if level == "stop"]
    [says] = [text for level, text in levels(twin, blog, author="") if level == "stop"]
    assert says.startswith("Whose words are these?"), "a twin's name is no person's"
    twin.remember(author=twin.title)  # as older versions did
    assert levels(twin, blog, author="")[0][0] == "stop"
    twin.remember(author="宁半圈")
    assert not [text for level, text in levels(twin, blog, author="") if level == "stop"]
    for source, says in (
        (tmp_path / "nowhere", "no folder"),
        (tmp_path / "empty", "nothing to read"),
        ("", "No writing chosen yet"),
    ):
        (level, text), *_ = levels(twin, source)
        assert level == "stop" and says in text
    (level, text), *_ = levels(twin, blog, raw_share=2.0)
    assert level == "stop" and "Share of raw-text rows: 2.0" in text


def test_the_check_says_what_of_the_writing_cannot_be_read(blog, tmp_path):
    """Damaged, locked and other files are stops alone, and archives are warned of among others."""
    twin = Twin.open(tmp_path / "mine")
    (tmp_path / "half.zip").write_bytes(b"PK\3\4" + bytes(range(256)) * 20)
    with zipfile.ZipFile(tmp_path / "locked.zip", "w") as archive:
        archive.writestr("a.md", "茶要烫，水要开。" * 20)
    data = bytearray((tmp_path / "locked.zip").read_bytes())
    for mark, flags in ((b"PK\3\4", 6), (b"PK\1\2", 8)):  # as zip -P sets it
        data[data.index(mark) + flags] |= 1
    (tmp_path / "locked.zip").write_bytes(data)
    (tmp_path / "new.docx").write_bytes(random.Random(1).randbytes(30_000))
    said = "[12/3/2024, 21:0{}:05] {}: 知道了，明天见。\n"
    chat = "".join(said.format(n, ("Mei", "老宁")[n % 2]) for n in range(6))
    (tmp_path / "chat.txt").write_text(chat)
    for name, why in (
        ("half.zip", "can be read (damaged 1): save or zip"),
        (
            "locked.zip",
            "needs a password, so nothing in it can be read: save or zip your writing again",
        ),
        ("new.docx", "can be read (not text 1): save or zip"),
        ("chat.txt", "nobody knows which sender you are: 1."),
    ):
        said = levels(twin, tmp_path / name, consent=True)
        assert [level for level, _ in said] == ["stop"] and why in said[0][1], (name, said)
    for name in ("half.zip", "locked.zip"):
        (tmp_path / name).rename(blog / name)
    [(level, text)] = levels(twin, blog, consent=True)
    assert level == "warning" and "half.zip (damaged), locked.zip (needs a password)." in text


def test_missing_consent_is_a_warning_only(tmp_path, blog):
    twin = Twin.open(tmp_path / "mine")
    run(twin, blog, consent=True)
    assert [level for level, _ in levels(Twin(twin.path), blog)] == ["warning"]
    assert not levels(twin, blog, consent=True)


def test_a_stop_leaves_the_files_of_the_run_before(twin, blog):
    from twinlib import Stopped

    run(twin, blog)
    before = twin.file("train").read_bytes()
    (blog / "new.md").write_text("从来没有写过的新话题，说的是码头上的海鸥和它们偷走的螺母。")
    progress = Progress(twin.history("corpus"), "corpus")
    progress.stopping = True
    with pytest.raises(Stopped):
        corpus.run(twin, settings.make("corpus", source=str(blog), questions="titles"), progress)
    assert twin.file("train").read_bytes() == before


def corpus_files(twin):
    names = ("documents", "dropped", "passages", "train", "val", "test", "personal", "senders")
    return {name: twin.file(name).read_bytes() for name in names}


@pytest.mark.slow
def test_a_run_killed_while_questions_are_asked_leaves_everything_as_it_was(twin, blog):
    """The service takes the first question and never answers; the documents are all read then."""
    found = run(twin, blog)
    twin.finish(Report("corpus", {}, 0, 0, {}, {}, found.inputs, found.figures, []))
    before, facts = corpus_files(twin), Twin(twin.path).facts
    (blog / "new.md").write_text("从来没有写过的新话题，说的是码头上的海鸥和它们偷走的螺母。" * 3)
    (blog / "2010-01-02-post.md").unlink()
    code = """
import sys
from twinlib import Twin, settings
from twinlib.corpus import step
from twinlib.progress import Progress
twin, (source, port) = Twin(sys.argv[1]), sys.argv[2:]
asked = {"questions": "endpoint", "endpoint": f"http://127.0.0.1:{port}/v1", "consent": True}
named = {"author": "Somebody Else", "question_model": "m"}
chosen = settings.make("corpus", source=source, short=20, **asked, **named)
step.run(twin, chosen, Progress(twin.history("corpus"), "corpus"))
"""
    with socket.create_server(("127.0.0.1", 0)) as service:
        service.settimeout(60)
        arguments = [str(twin.path), str(blog), str(service.getsockname()[1])]
        environment = {**os.environ, "OPENAI_API_KEY": "x"}
        child = subprocess.Popen([sys.executable, "-c", code, *arguments], env=environment)
        service.accept()
        child.kill()
        child.wait()
    assert corpus_files(twin) == before and Twin(twin.path).facts == facts
    assert twin.report("corpus") and (twin.folder("corpus") / "unfinished").exists()
    run(twin, blog)
    documents = [json.loads(line)["source"] for line in twin.file("documents").open()]
    assert "new.md" in documents and "2010-01-02-post.md" not in documents
    assert not (twin.folder("corpus") / "unfinished").exists()


@pytest.mark.parametrize("name", ["passages", "train", "test", "senders"])
def test_where_a_file_cannot_be_written_all_stay_as_they_were(twin, blog, monkeypatch, name):
    found = run(twin, blog)
    twin.finish(Report("corpus", {}, 0, 0, {}, {}, found.inputs, found.figures, []))
    before, report = corpus_files(twin), twin.report_path("corpus").read_bytes()
    (blog / "new.md").write_text("从来没有写过的新话题，说的是码头上的海鸥和它们偷走的螺母。" * 3)
    write = files.write_atomic

    def full(path, *content):
        if path.name == twin.file(name).name:
            raise OSError(errno.ENOSPC, "No space left on device")
        write(path, *content)

    monkeypatch.setattr(files, "write_atomic", full)
    with pytest.raises(OSError, match="No space"):
        run(twin, blog)
    monkeypatch.undo()
    assert corpus_files(twin) == before
    assert twin.report_path("corpus").read_bytes() == report
    run(twin, blog)
    assert corpus_files(twin) != before and not (twin.folder("corpus") / "unfinished").exists()


def test_a_repost_of_a_held_out_text_leaves_it_held_out(twin, blog):
    run(twin, blog)
    documents = {d["id"]: d for d in twin.records("documents")}
    before = {p["document"]: p["split"] for p in twin.records("passages")}
    held = [name for name, split in before.items() if split == "test"]
    for number in range(12):  # the smallest id names the group
        for name in held:
            (blog / f"again-{number}.md").write_text(documents[name]["text"], encoding="utf-8")
            run(twin, blog)
            after = {p["document"]: p["split"] for p in twin.records("passages")}
            assert all(after.get(other, split) == split for other, split in before.items())
            (blog / f"again-{number}.md").unlink()


def test_a_step_that_had_no_time_to_ask_about_all_goes_on_when_run_again(twin, blog, monkeypatch):
    asked = model.WrittenQuestions({}, Counter(), ["So far 3 of 12."], waiting=9)
    monkeypatch.setattr(model, "ask_locally", lambda *values: asked)
    outcome = run(twin, blog, questions="local")
    wanted = settings.make("corpus", source=str(blog), questions="local")
    assert not corpus.unfinished(wanted, twin), "it never ran"
    twin.finish(Report("corpus", {}, 0, 0, {}, {}, outcome.inputs, outcome.figures, []))
    assert corpus.unfinished(wanted, twin)
    ready_made = settings.make("corpus", source=str(blog), questions="titles")
    assert not corpus.unfinished(ready_made, twin)
    monkeypatch.setenv(SERIES, "1")
    assert corpus.unfinished(wanted, twin), "a tour before training"
    twin.checkpoints("persona").mkdir(parents=True)
    assert not corpus.unfinished(wanted, twin), "a tour goes on to the next step"
    monkeypatch.delenv(SERIES)
    assert corpus.unfinished(wanted, twin)
    monkeypatch.setattr(model, "ask_locally", lambda *values: asked._replace(waiting=0))
    outcome = run(twin, blog, questions="local")
    twin.finish(Report("corpus", {}, 0, 0, {}, {}, outcome.inputs, outcome.figures, []))
    assert not corpus.unfinished(wanted, twin)


def test_before_it_runs_again_it_says_what_has_to_be_made_again(sample_twin):
    asked = sample_twin.report("corpus").settings
    sample_twin.finish(sample_twin.report("corpus"), asked)
    wanted, twin = settings.make("corpus", **asked), sample_twin

    def said(wanted):
        texts = [problem.text for problem in corpus.problems(wanted, twin)]
        return next((text for text in texts if text.startswith("This runs again.")), "")

    other = replace(wanted, passage_tokens=200)
    assert not said(other), "nothing was made of it"
    write_json(twin.file("answers"), {})
    for step in ("quantize", "evaluate"):
        inputs = twin.inputs(twin.file("train"))
        twin.finish(Report(step, {}, 0, 0, {}, {}, inputs, {}, []))
    assert not said(wanted), "it is done already"
    assert "quantize" in said(other) and "evaluate" in said(other) and "persona" not in said(other)
    with open(twin.file("train"), "a", encoding="utf-8") as rows:
        rows.write("\n")
    assert not said(other), "all are stale anyway"


def test_passages_of_a_compilation_make_no_rows_unless_the_owner_wants_them(twin, blog):
    posts = sorted(blog.iterdir())
    words = "修车补胎上油校圈打气换链调闸擦灯听响看雨等人喝茶收摊回家"
    for n, post in enumerate(posts):
        text = "".join(random.Random(n).choices(words, k=400))
        post.write_text(f"---\ntitle: 论扳手{n}\n---\n{text}\n")
    parts = [post.read_text().split("---\n")[2] for post in posts[:4]]
    # Half of it is new, or the file would be left out as a whole.
    parts += ["".join(random.Random(n).choices(words, k=400)) for n in range(90, 94)]
    (blog / "selected.md").write_text("---\ntitle: 自选集\n---\n" + "\n\n".join(parts))
    outcome = run(twin, blog)
    lines = [
        line for line in dropped(twin) if line["reason"] == "a passage that stands elsewhere, too"
    ]
    assert lines and {line["document"] for line in lines} == {"selected.md"}
    assert not {line["id"] for line in lines} & {row["passage"] for row in all_rows(twin)}
    before = value(outcome, "passages")
    write_json(twin.file("decisions"), {line["id"]: {"action": "restore"} for line in lines})
    assert value(run(twin, blog), "passages") == before + len(lines)
