"""Exports that break off in the middle: what stands before is read, and said to be."""

import json

from twinlib.corpus import pipeline, readers
from twinlib.corpus.readers import archive, mailbox_parts

SAID = [(("Ole", "Nele")[n % 2], f"the boat of day {n} is afloat, so far") for n in range(20)]
STAMPED = [(f"2024-05-01T10:{n:02}:00", who, words) for n, (who, words) in enumerate(SAID)]


def learnt(folder, name, content):
    """(number of the owner's turns or texts, {file: messages before it breaks off}, [removed])."""
    (folder / name).write_text(content, encoding="utf-8")
    log, totals = readers.ReadLog(), pipeline.Totals()
    rules = pipeline.Rules("Nele", stated_author="Nele", me=("Nele",), short=0, mask=False)
    raws = readers.read(folder, readers.Options(me=("Nele",)), log)
    documents = list(pipeline.documents(raws, rules, log, totals))
    (folder / name).unlink()
    count = sum(1 if d.turns is None else len(d.turns) for d in documents)
    return count, log.broken, [part for part in log.removed if part.reason == "broken"]


def telegram():
    messages = [
        {
            "id": n,
            "type": "message",
            "date": time,
            "from": who,
            "from_id": f"user{who}",
            "text": [words, {"type": "bold", "text": "!"}],
        }
        for n, (time, who, words) in enumerate(STAMPED)
    ]
    return json.dumps({"name": "Ole", "type": "private_group", "id": 1, "messages": messages})


def messenger():
    messages = [
        {"sender_name": who, "timestamp_ms": 1714557600000 + 60000 * n, "content": words}
        for n, (who, words) in enumerate(SAID)
    ]
    people = [{"name": "Ole"}, {"name": "Nele"}]
    return json.dumps({"participants": people, "messages": messages, "title": "Ole"})


def rows():
    return [{"time": t, "sender": who, "content": words} for t, who, words in STAMPED]


def page():
    return "<html><body>" + "".join(
        f'<div class="message"><span class="message-sender">{who}</span><span class="message-time">'
        f'{time.replace("T", " ")}</span><div class="message-content">{words}</div></div>'
        for time, who, words in STAMPED
    )


QUOTED = "".join(f'"{time}","{who}","{words}"\n' for time, who, words in STAMPED)
EXPORTS = {
    "result.json": telegram(),
    "message_1.json": messenger(),
    "list.json": json.dumps(rows()),
    "lines.jsonl": "\n".join(map(json.dumps, rows())),
    "table.csv": "time,sender,content\n" + QUOTED,
    "table.txt": QUOTED,
}


def test_the_messages_before_the_end_of_a_broken_export_are_read_and_counted(tmp_path):
    for name, export in EXPORTS.items():
        whole = learnt(tmp_path, name, export)
        assert whole == (10, {}, []), name
        # In the middle of the words of day 13.
        end = export.index("day 13")
        count, broken, removed = learnt(tmp_path, name, export[:end])
        assert (count, broken) == (6, {name: 13}), name
        assert "13 messages or texts are read" in removed[0].text
        assert "then it breaks off: " in removed[0].text
    whole = page() + "</body></html>"
    assert learnt(tmp_path, "page.html", whole)[:2] == (10, {})
    assert learnt(tmp_path, "page.html", whole[: whole.index("day 13")])[:2] == (
        6,
        {"page.html": 13},
    )


def test_a_quotation_mark_that_never_closes_costs_nothing(tmp_path):
    lines = [f"{time},{who},{words}" for time, who, words in STAMPED]
    lines[3] = lines[3].replace("the boat", '"the boat')
    table = "time,sender,content\n" + "\n".join(lines)
    assert learnt(tmp_path, "table.csv", table)[:2] == (10, {})


def test_a_mailbox_of_any_size_is_read_in_parts(tmp_path, monkeypatch):
    mails = [
        f"From n@e.org Wed May  1 10:{n:02}:00 2024\nFrom: {who} <{who}@e.org>\nTo: x@e.org\n"
        f"Subject: day {n}\nDate: Wed, 1 May 2024 10:{n:02}:00 +0000\n\n{words}\n\n"
        for n, (who, words) in enumerate(SAID)
    ]
    monkeypatch.setattr(archive, "FILE_LIMIT", 1000)
    monkeypatch.setattr(mailbox_parts, "_BLOCK", 300)
    monkeypatch.setattr(mailbox_parts.parts, "__defaults__", (700,))
    assert learnt(tmp_path, "All mail.mbox", "".join(mails))[0] == 10
    log = readers.ReadLog()
    (tmp_path / "notes.txt").write_text("the boat is afloat. " * 100)
    assert list(readers.read(tmp_path, readers.Options(), log)) == []
    assert [part.reason for part in log.removed] == ["large"]
