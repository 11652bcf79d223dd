"""Text files that are tables without a header: told by their cells, never learnt as prose."""

import pytest

from twinlib.corpus import pipeline, readers
from twinlib.text.inputs import bare_tables

TURNS = [
    ("is the boat afloat, do you think?", "it is, and so am I"),
    ("then come down", "on my way with the rope, slowly"),
    ("is the lamp lit", "it is, since noon"),
]
SAID = [
    (f"2024-05-0{day} 10:0{minute}", who, words)
    for day, turn in enumerate(TURNS, 1)
    for minute, (who, words) in enumerate(zip(("Ole", "Nele"), turn))
]
ZH = [
    (f"2024年5月1日 10:0{n}", ("老周", "Nele")[n % 2], words)
    for n, words in enumerate(
        ("船还浮着吗，你看呢", "浮着呢，我也浮着", "那下来吧", "带着绳子在路上了")
    )
]


def table(rows, mark=",", quoted=True):
    def cell(text):
        return f'"{text}"' if quoted and mark in text else text

    return "".join(mark.join(map(cell, row)) + "\n" for row in rows)


def learnt(folder, text, name="notes.txt"):
    """([the turns or the text of each document], [reasons]) of a file."""
    (folder / name).write_text(text, encoding="utf-8")
    log, totals = readers.ReadLog(), pipeline.Totals()
    rules = pipeline.Rules("Nele", stated_author="Nele", me=("Nele",), short=0, mask=False)
    raws = readers.read(folder, readers.Options(me=("Nele",)), log)
    documents = list(pipeline.documents(raws, rules, log, totals))
    texts = [
        [(turn.question, turn.answer) for turn in d.turns] if d.turns is not None else d.text
        for d in documents
    ]
    return texts, [part.reason for part in log.removed]


CHATS = {
    "comma": table(SAID),
    "comma without quotes": table(SAID, quoted=False),
    "semicolon": table(SAID, ";"),
    "tab": table(SAID, "\t"),
    "pipe": table(SAID, "|"),
    "sender first": table([(who, when, words) for when, who, words in SAID], ";"),
    "time last": table([(who, words, when) for when, who, words in SAID], "\t"),
    "time last, pipe": table([(who, words, when) for when, who, words in SAID], "|"),
    "no time": table([row[1:] for row in SAID], ";"),
    "whose as 0 and 1": table([(t, str(int(who == "Nele")), w) for t, who, w in SAID]),
    "numbered": table([(str(n), *row) for n, row in enumerate(SAID)], "\t"),
    "seconds": table([(str(1714557600 + 60 * n), *row[1:]) for n, row in enumerate(SAID)]),
    "a type": table([(t, "text", who, w) for t, who, w in SAID]),
    "German header": "Datum;Absender;Nachricht\n" + table(SAID, ";"),
    "a title above": "My chat with Ole\n\n" + table(SAID),
    "Windows": "\ufeff" + table(SAID).replace("\n", "\r\n"),
}


def test_a_chat_in_columns_without_names_is_read_by_sender(tmp_path):
    for name, text in CHATS.items():
        texts, reasons = learnt(tmp_path, text)
        assert ([turn for text in texts for turn in text], reasons) == (TURNS, []), name
    texts, _ = learnt(tmp_path, table(ZH, "，", quoted=False))
    assert texts == [[(ZH[0][2], ZH[1][2]), (ZH[2][2], ZH[3][2])]]
    texts, _ = learnt(tmp_path, "".join(f"{t},{who},{w}\nand more\n" for t, who, w in SAID[:4]))
    assert texts[0][0][1] == "it is, and so am I\nand more"


def test_questions_and_posts_in_columns_are_read(tmp_path):
    asked = [(question.rstrip("?") + "?", answer) for question, answer in TURNS] * 2
    for mark, quoted in (("\t", False), (";", False), (",", True), (",", False)):
        texts, reasons = learnt(tmp_path, table(asked[:4], mark, quoted))
        assert texts[:2] == [[asked[0]], [asked[1]]] and reasons == []
    posts = [(f"2024-05-0{n + 1}", f"{TURNS[n % 3][1]}, as on day {n}") for n in range(6)]
    texts, _ = learnt(tmp_path, table(posts, "\t"))
    assert texts == [[("", answer) for _, answer in posts]]


def test_a_table_that_cannot_be_told_is_left_out_with_the_reason(tmp_path):
    pairs = [(answer, "le bateau est à flot, et moi aussi") for _, answer in TURNS * 2]
    assert learnt(tmp_path, table(pairs, "\t")) == ([], ["columns"])
    words = table([("苹果", "apple"), ("码头", "pier"), ("船", "boat"), ("绳子", "rope")])
    assert learnt(tmp_path, words) == ([], ["records"])
    spent = table([(f"2024-05-0{n}", "tea" if n % 2 else "bread", f"{n}.50") for n in range(1, 7)])
    assert learnt(tmp_path, spent) == ([], ["records"])


@pytest.mark.parametrize(
    "prose",
    [
        "I went down, slowly, and sat.\nThe boat, old, lay.\nNobody, it seems, came.\nNo.",
        "The boat lay still; nobody came.\nIt was wet; so was I.\nYes; no.\nWe sat; we left.",
        "床前明月光,疑是地上霜\n举头望明月,低头思故乡\n春眠不觉晓,处处闻啼鸟\n夜来风雨声,花落知多少",
        "床前明月光，疑是地上霜\n举头望明月，低头思故乡\n春眠不觉晓，处处闻啼鸟\n夜来风雨声，花落知多少",
        "1.\tThe boat lay still.\n2.\tThe rope was wet.\n3.\tWe waited.\n4.\tWe went home.",
        "\tThe boat lay still.\n\tThe rope was wet.\n\tWe waited for long.\n\tWe went home.",
        "2024-05-01, the boat came, at last\n2024-05-02, rain\n2024-05-03, quiet\n2024-05-04, on",
        "bread, butter, milk\neggs, tea, salt\nrope, lamp, oil\nflour, yeast, jam",
    ],
)
def test_prose_that_has_the_same_sign_in_every_line_is_no_table(prose):
    assert bare_tables.layout(prose) is None
