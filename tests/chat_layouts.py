"""Small exports of chats of programs that no reader knows, in six languages.

Each has the messages of three people, of whom one is the owner, a reply that quotes, a message that
was forwarded, a poll, and sentences of the program, under the owner's name or under none. Six sets,
'a' to 'f', share no layout and no sentence of a program; each was written before the code was
changed for the set before it. The later sets, each in a file of its own, have other people too:
messages of several lines, of which some are lists or speak of somebody else in the chat, quotations
that are cut, and a message whose sender is missing. From set 'i' on the layouts are those of
programs that people use, and what a program says of somebody stands under nobody's name or under
theirs. All of it is invented.
"""

import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import yaml

SETS = "abcdefghijklmnopqrstuvwxyz12"

_DATA = yaml.safe_load((Path(__file__).parent / "chat_layouts.yaml").read_text(encoding="utf-8"))
_MONTHS = {
    "en": "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec",
    "zh": "1月 2月 3月 4月 5月 6月 7月 8月 9月 10月 11月 12月",
    "de": "Jan. Feb. März Apr. Mai Juni Juli Aug. Sep. Okt. Nov. Dez.",
    "es": "ene feb mar abr may jun jul ago sept oct nov dic",
    "pt": "jan fev mar abr mai jun jul ago set out nov dez",
    "fr": "janv. févr. mars avr. mai juin juil. août sept. oct. nov. déc.",
}
_DAYS = {
    "en": "Mon Tue Wed Thu Fri Sat Sun",
    "zh": "周一 周二 周三 周四 周五 周六 周日",
    "de": "Mo Di Mi Do Fr Sa So",
    "es": "lun mar mié jue vie sáb dom",
    "pt": "seg ter qua qui sex sáb dom",
    "fr": "lun. mar. mer. jeu. ven. sam. dim.",
}


class Export(NamedTuple):
    """A chat as `text`; the owner `me` wrote the `own` lines, and nothing else in it.

    `newest_first` is the same with its messages in the other order; '' where they have no times.
    """

    name: str
    text: str
    me: str
    own: list[str]
    others: dict[str, list[str]]
    newest_first: str = ""


def _turned(layout, lines):
    if "again" in layout:
        return ""
    timed = "{H" in layout["message"] or "{h12" in layout["message"]
    return layout.get("head", "") + "".join(reversed(lines)) if timed else ""


def _export(group, layout, language, rng):
    message, alone = layout["message"], layout["alone"]
    people = _DATA["people"][language]
    me, (first, second) = people["me"], people["others"]
    said = _DATA["programs"][language][group]
    programs = rng.sample(said, min(5, len(said)))
    turns = []
    for number, (own, other) in enumerate(zip(people["own"], people["oth"])):
        turns.append((rng.choice([first, second]), other))
        if number == 1:
            own = _DATA["replies"][group][language].format(q=other, w=first, o=own)
        turns.append((me, own))
        if number < len(programs):
            turns.append(("", programs[number]))
        if number == 2:
            turns.append((me, _DATA["forwarded"][group][language].format(people["fwd"])))
        if number == 3:
            turns.append((me, _DATA["polls"][group][language]))
    minute, day, month = 540 + rng.randrange(60), rng.randrange(13, 28), rng.randrange(1, 12)
    lines = []
    for who, text in turns:
        minute += rng.randrange(1, 6)
        hour = minute // 60
        form = alone if not who and alone and rng.random() < 0.6 else message
        lines.append(
            form.format(
                who=who or me,
                WHO=(who or me).upper(),
                oth=first if (who or me) == me else me,
                text=text,
                n=len(lines) + 1,
                d=day,
                m=month,
                y=2024,
                H=hour,
                M=minute % 60,
                S=rng.randrange(60),
                h12=(hour - 1) % 12 + 1,
                ap="AM" if hour < 12 else "PM",
            )
        )
    others = {
        "other people": people["oth"],
        "forwarded": [people["fwd"]],
        "programs": programs,
        "polls": _DATA["polls"][group][language].split("\n")[1:],
    }
    return "".join(lines), me, people["own"], others, _turned(layout, lines)


def _later_export(data, layout, language, rng):
    """An export of a set that has a file of its own."""
    message, alone = layout["message"], layout["alone"]
    all_people = _of(data["people_of"]) if "people_of" in data else data
    people = all_people["people"][language]
    me, (first, second) = people["me"], people["others"]
    programs = rng.sample([said.format(me=me, w=first) for said in data["programs"][language]], 6)
    forwarded = rng.choice(data["forwarded"][language]).format(people["fwd"])
    poll = rng.choice(data["polls"][language])
    turns, nobody = [], rng.randrange(3, 7)
    for number, (own, other) in enumerate(zip(people["own"], people["oth"])):
        turns.append(("?" if number == nobody else rng.choice([first, second]), other))
        if number in (1, 5):
            line = other.split("\n")[0]
            short = line[: len(line) * 2 // 3] + "…"
            reply = data["replies"][language][number == 5]
            own = reply.format(q=line, s=short, w=turns[-1][0], o=own)
        turns.append((me, own))
        if number < len(programs):
            about = next((name for name in (me, first) if name in programs[number]), "")
            turns.append((about if data.get("about") and not alone else "", programs[number]))
        if number == 2:
            turns.append((me, forwarded))
        if number == 4:
            turns.append((me, poll))
    day, month = rng.randrange(13, 28), rng.randrange(1, 12)
    minute, lines, last = 540 + rng.randrange(60), [], None
    for who, text in turns:
        minute += rng.randrange(1, 9)
        form = alone if not who and alone and rng.random() < 0.8 else message
        if data.get("about"):  # as in real exports
            form = alone if not who and alone and (me in text or first in text) else message
        sender = "" if who == "?" else who or me
        if form == message and sender == last:  # under one name with the message above
            form = layout.get("again", message)
        last = sender if form != alone else None
        values = {
            "who": sender,
            "WHO": sender.upper(),
            "initial": sender[:1],
            "oth": first if sender == me else me,
            "text": text,
            "n": len(lines) + 1,
            "d": day,
            "m": month,
            "y": 2024,
            "yy": 24,
            "nick": sender.casefold().replace(" ", "_"),
            "mon": _MONTHS[language].split()[month - 1],
            "wd": _DAYS[language].split()[day % 7],
            "H": minute // 60,
            "M": minute % 60,
            "S": rng.randrange(60),
            "h12": (minute // 60 - 1) % 12 + 1,
            "ap": "AM" if minute < 720 else "PM",
        }
        lines.append(form.format(**values))
    others = {
        "other people": [line for said in people["oth"] for line in said.split("\n")],
        "forwarded": [people["fwd"]],
        "programs": programs,
        "polls": poll.split("\n")[1:],
    }
    own = [line for said in people["own"] for line in said.split("\n")]
    turned = _turned(layout, lines)
    return layout.get("head", "") + "".join(lines), me, own, others, turned


def _of(group):
    file = Path(__file__).parent / f"chat_layouts_{group}.yaml"
    return yaml.safe_load(file.read_text(encoding="utf-8")) if file.exists() else None


def every(group: str, seed: int = 5) -> Iterator[Export]:
    """The exports of a set: each of its layouts in three languages, those of Chinese in it."""
    rng, languages = random.Random(seed), list(_DATA["people"])
    data = _of(group)
    for number, layout in enumerate(data["layouts"] if data else _DATA["layouts"][group]):
        chinese = any("\u4e00" <= sign <= "\u9fff" for sign in layout["message"])
        for turn in range(1 if chinese else 3):
            language = languages[(number * 2 + turn * 2 + (turn == 1) + number // 3) % 6]
            language = "zh" if chinese else language
            suffix = ".md" if layout["message"].startswith("#") else ".txt"
            name = f"{group}-{layout['name']}-{language}{suffix}"
            if data:
                yield Export(name, *_later_export(data, layout, language, rng))
            else:
                yield Export(name, *_export(group, layout, language, rng))


def in_format(export: Export, suffix: str) -> Export:
    """An export as somebody has it who pasted it into a document: '.docx', '.odt', '.rtf' …"""
    return export._replace(name=export.name.rpartition(".")[0] + suffix)


def documents(export: Export, folder) -> list:
    """The documents that are read from an export, whose owner picks the senders with their name."""
    from document_makers import OF_TEXT

    from twinlib.corpus import readers

    folder.mkdir(exist_ok=True)
    file = folder / export.name
    make = OF_TEXT.get(file.suffix)
    file.write_bytes(make(export.text) if make else export.text.encode())
    shown, longest = readers.survey(file).senders, len(export.me) + 12
    mine = [n for n in shown if export.me.casefold() in n.casefold() and len(n) <= longest]
    return list(readers.read(file, readers.Options(tuple(mine) or (export.me,))))


def turns(export: Export, folder) -> list[tuple[str, str]]:
    """[(what was asked, the owner's answer)] of an export; [] where none is read."""
    found = [turn for document in documents(export, folder) for turn in document.turns or []]
    return [(turn.question, turn.answer) for turn in found]


def learnt(export: Export, folder) -> list[str]:
    """The lines of an export that are learnt as its owner's."""
    read = documents(export, folder)
    texts = [t.answer for d in read for t in d.turns or []]
    texts += [d.text for d in read if not d.turns]
    return [line.strip() for text in texts for line in text.split("\n") if line.strip()]


def is_short(line: str) -> bool:
    """Whether a line of the owner's is a message that is too short to learn from."""
    from twinlib.corpus.readers.chats import messages

    return messages.is_short(line)


def labels(export: Export, lines: list[str]) -> list[str]:
    """The learnt lines that nobody wrote: labels, times and names of the program's page."""
    said = [line for lines in export.others.values() for line in lines] + export.own
    known = [x.strip() for line in said for x in line.split("\n")]
    return [line for line in lines if not any(line in x or x in line for x in known)]


def leaks(export: Export, lines: list[str]) -> dict[str, tuple[int, int]]:
    """{kind: (how many of the others' lines are among the learnt ones, how many there are)}."""
    text = "\n".join(lines)
    return {
        kind: (sum(line.strip() in text for line in said), len(said))
        for kind, said in export.others.items()
    }


def counted(group: str, folder, suffix: str = "") -> Counter:
    """How the exports of a set are read, and how many lines of each kind are learnt.

    'left out' are the owner's lines, of those long enough to learn from, in exports that are read.
    With a `suffix` they are pasted into documents of that format.
    """
    count = Counter()
    for export in every(group):
        export = in_format(export, suffix) if suffix else export
        lines = learnt(export, folder)
        found, whole = leaks(export, lines), _letters("".join(lines))
        some, total = found["other people"]
        count["exports"] += 1
        count["read"] += bool(lines) and some * 2 < total
        count["as prose"] += some * 2 >= total
        for line in export.own if lines else ():
            short = is_short(line)
            count["too short"] += short
            count["own"] += not short
            count["left out"] += not short and _letters(line) not in whole
        for kind, (some, total) in found.items():
            count[kind] += some
            count[f"all {kind}"] += total
        count["labels"] += len(labels(export, lines))
    return count


def _letters(text):
    """The letters and digits of a text; the lines of a transcript are joined."""
    return "".join(filter(str.isalnum, text))
