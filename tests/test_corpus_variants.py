"""Inputs of every kind that exports and people's files show, each with what is learnt of it."""

import json

import pytest

from twinlib.corpus import pipeline, readers

EN = "The boat came in at dawn, and nobody was on the pier to take the rope from us."
ZH = "船在天亮的时候靠了岸，码头上没有一个人来接我们的缆绳。"
SAID = ("is the boat afloat?", "it is, and so am I", "then come", "on my way with the rope")
TURNS = [(SAID[0], SAID[1]), (SAID[2], SAID[3])]


def learnt(folder, name, content):
    """(the turns or texts of a file's documents, the reasons for what is left out)."""
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    log, totals = readers.ReadLog(), pipeline.Totals()
    rules = pipeline.Rules("Nele", stated_author="Nele", me=("Nele",), short=0, mask=False)
    raws = readers.read(folder, readers.Options(me=("Nele",)), log)
    documents = list(pipeline.documents(raws, rules, log, totals))
    texts = [
        [(turn.question, turn.answer) for turn in document.turns]
        if document.turns is not None
        else document.text
        for document in documents
    ]
    return texts[0] if len(texts) == 1 else texts, [part.reason for part in log.removed]


def chat(form):
    senders = ("Ole", "Nele", "Ole", "Nele")
    return "\n".join(
        form.format(who=who, when=f"10:0{n + 2}", words=words)
        for n, (who, words) in enumerate(zip(senders, SAID))
    )


FRENCH = """\
Je suis descendu au port ce matin, et le bateau était parti sans que
personne puisse me dire qui l'avait pris, ni pourquoi, ni pour combien
de temps il serait absent ; alors je me suis assis sur les pierres et
j'ai attendu que le vent tourne.

Il n'a pas tourné avant la nuit, et quand il a tourné il était déjà trop
tard pour sortir, de sorte que nous sommes rentrés à pied par la digue
en parlant d'autre chose."""
MAIL_PAGE = (
    f"<html><body><p>{EN}</p><div class='gmail_quote'><div>On Mon, May 3, 2021 at 10:02 AM Ann "
    "&lt;ann@e.org&gt; wrote:<br></div><blockquote><p>No boat today.</p></blockquote></div></body>"
)
OUTLOOK = (
    f"<html><body><p>{EN}</p><div><b>From:</b> Ann Lee &lt;ann@e.org&gt;<br><b>Sent:</b> Monday, "
    "May 3, 2021 10:02<br><b>To:</b> Nele<br><b>Subject:</b> boat</div><p>No boat today.</p></body>"
)
COMMENTS = "".join(
    f"<article class=comment><header><a>{who}</a> <time datetime=2021-05-03T10:0{n}>May 3</time>"
    f"</header><div><p>{words}</p></div></article>"
    for n, (who, words) in enumerate(zip(("Ole", "Nele", "Ole", "Nele"), SAID))
)
INSTAGRAM = json.dumps(
    {
        "participants": [{"name": "Nele"}, {"name": "Ole"}],
        "messages": [
            {"sender_name": who, "timestamp_ms": 1620036131000 + n, "content": words}
            for n, (who, words) in enumerate(
                [
                    ("Ole", "schwimmt es?"),
                    ("Nele", "natürlich schwimmt es".encode().decode("latin1")),
                ]
            )
        ],
    }
)
VARIANTS = {
    "burst.txt": (
        "01.05.24, 10:00 - Ole: wo bist du\n01.05.24, 10:01 - Nele: auf dem weg zum hafen\n"
        "01.05.24, 10:02 - Nele: und die lampe\n01.05.24, 10:03 - Ole: mach ich\n",
        [("wo bist du", "auf dem weg zum hafen\nund die lampe")],
        [],
    ),
    "dialogue.txt": ("“你来了。”\n“来了。”\n他坐下，看着窗外的雨。\n“走吧。”", None, []),
    "wrapped.txt": (
        FRENCH,
        "\n\n".join(" ".join(part.split("\n")) for part in FRENCH.split("\n\n")),
        [],
    ),
    "matrix.txt": (chat("2021-05-03T{when}:11+0200 <{who}> {words}"), TURNS, []),
    "spanish.txt": (chat("lunes, 3 de mayo de 2021, {when} - {who}: {words}"), TURNS, []),
    "german.txt": (chat("{who} ({when} Uhr): {words}"), TURNS, []),
    "copied.txt": (chat("{who}\n{words}\n{when}"), TURNS, []),
    "teams.txt": (chat("[5/3/2021 {when} AM] {who}\n{words}\n"), TURNS, []),
    "wechat.txt": (chat("{who}:\n{words}\n"), TURNS, []),
    "messenger.txt": (chat("{who}\n{words}\n{when} AM\n"), TURNS, []),
    "irc.log": (chat("[{when}:05] <{who}> {words}"), TURNS, []),
    "google.json": (
        json.dumps(
            {
                "messages": [
                    {
                        "creator": {"name": who, "email": f"{who}@e.org"},
                        "created_date": f"Monday, May 3, 2021 at 10:0{n}:00 AM UTC",
                        "text": words,
                    }
                    for n, (who, words) in enumerate(zip(("Ole", "Nele") * 2, SAID))
                ]
            }
        ),
        TURNS,
        [],
    ),
    "diary.txt": (
        f"1/5/2021, 21:03 - Bench: {EN}\n\n2/5/2021, 21:03 - Tea: {EN}\n\n"
        f"3/5/2021, 21:03 - Tea: {EN}\n\n4/5/2021, 21:03 - Bench: {EN}",
        None,
        [],
    ),
    "comments.html": (f"<html><body>{COMMENTS}</body></html>", TURNS, []),
    "gmail.html": (MAIL_PAGE, EN, ["quote"]),
    "outlook.html": (OUTLOOK, EN, ["quote"]),
    "board.txt": (f"[quote=Ann]No boat [quote]today[/quote].[/quote]\n{EN}", EN, ["quote"] * 2),
    "bottom.txt": (f"> No boat today.\n\n{EN}", EN, ["quote"]),
    "mail.txt": (
        f"From: Nele <n@e.org>\nDate: Mon, 3 May 2021\nTo: Ann\nSubject: boat\n\n{EN}\n",
        EN,
        ["mail"],
    ),
    "theirs.txt": (
        f"From: Ann Lee <a@e.org>\nDate: Mon, 3 May 2021\nTo: Nele\nSubject: boat\n\n{EN}\n",
        [],
        ["quote", "short"],
    ),
    "picture.md": (
        f"{EN}\n\nThe sign reads:\n\n![](a.jpg)\n\n{EN}",
        f"{EN}\n\nThe sign reads:\n\n{EN}",
        [],
    ),
    "quoted.md": (f"She writes:\n\n> No boat.\n\n{EN}", f"She writes:\n\n{EN}", ["quote"]),
    "rules.md": ("The letter reads:\n\n1. Sell the boat.\n2. Buy no other.\n\nI did.", None, []),
    "song.txt": (
        f"{EN}\n\nThe song goes:\n\nRow the boat\nDown the stream\n\n{EN}",
        f"{EN}\n\nThe song goes:\n\n{EN}",
        ["quote"],
    ),
    "lettre.txt": (
        "J'ai relu sa lettre :\n\n      Mon ami, le bateau est vendu.\n\nJe n'ai pas répondu.",
        "J'ai relu sa lettre :\n\nJe n'ai pas répondu.",
        ["quote"],
    ),
    "self.md": (f"Dear Nele,\n\n{EN}\n\nYours,\n\nNele", None, []),
    "story.md": (
        "“你看。”他说。\n\n“什么？”\n\n“信。”\n\n“谁的？”\n\n信上写道：\n\n"
        "“我走了，不要找我，船票在抽屉里，钥匙在门垫下面，猫在楼下。”\n\n他看了很久。",
        None,
        [],
    ),
    "when.md": (
        f"{EN}\n\nAt 10:02 on 3 May 2021 my sister wrote:\n\nNobody has seen the boat since the "
        f"storm, and nobody has looked for it.\n\n{EN}\n\n{EN}",
        f"{EN}\n\nAt 10:02 on 3 May 2021 my sister wrote:\n\n{EN}\n\n{EN}",
        ["announced"],
    ),
    "scan.txt": (
        f"{ZH}\n\n他桌上有一个扫码牌。\n\n{ZH}\n\n扫码关注我的公众号",
        f"{ZH}\n\n他桌上有一个扫码牌。\n\n{ZH}",
        ["footer"],
    ),
    "title.md": (f"---\ntitle： 全角冒号\ndate： 2024-12-03\n---\n\n{ZH}", ZH, []),
    "message_1.json": (INSTAGRAM, [("schwimmt es?", "natürlich schwimmt es")], []),
    "notes.json": (json.dumps([{"body": EN}, {"body": ZH}]), [], ["unknown"]),
    "cp1252.txt": (
        "L'été, où l'eau était à la hauteur du quai, j'ai dormi là.".encode("cp1252"),
        "L'été, où l'eau était à la hauteur du quai, j'ai dormi là.",
        [],
    ),
    "tags.md": ("He wrote <think> and then </s> and x<y>z & 3<4.", None, []),
    "pairs.md": (
        "It wrote <think>no</think> between <s> and </s>, then <s>.\n\n<think>\nwell\n</think>\n\n"
        ">>Titel<< stood above.",
        None,
        [],
    ),
    "struck.md": (
        "I struck <s>the old words</s> <Note>out</Note>.",
        "I struck the old words out.",
        [],
    ),
    "token.txt": (
        chat("01.05.24, {when} - {who}: {words}").replace(SAID[1], "<|start_of_turn|>"),
        [(SAID[0], "<|start_of_turn|>"), TURNS[1]],
        [],
    ),
    "video.txt": (
        chat("01.05.24, {when} - {who}: {words}").replace(SAID[1], "<メディアは含まれていません>"),
        [(" ".join(SAID[::2]), SAID[3])],
        [],
    ),
}


@pytest.mark.parametrize("name", VARIANTS)
def test_of_every_kind_of_input_the_owners_words_are_learnt(name, tmp_path):
    content, wanted, reasons = VARIANTS[name]
    assert learnt(tmp_path, name, content) == (content if wanted is None else wanted, reasons)
