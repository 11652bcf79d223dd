"""Mails as files and mailboxes: whose words are whose, in all encodings of mail programs."""

import base64
import quopri

import pytest

from twinlib.corpus import pipeline, readers
from twinlib.corpus.readers import mail
from twinlib.text.inputs.input_file import File

OWN = "The boat came in at dawn, and nobody was on the pier to take the rope from us."
ZH = "船在天亮的时候靠了岸，码头上没有一个人来接我们的缆绳。"
ASKED = "Did the boat come in last night?"


def eml(body, *fields, kind="text/plain; charset=utf-8", sender="Nele Brand <nele@e.org>"):
    """The bytes of a mail; `body` is text or bytes as they stand in it."""
    head = [f"From: {sender}", "Date: Mon, 3 May 2021 10:02:00 +0200", "Subject: Re: the boat"]
    head += ["Message-ID: <1@e.org>", "MIME-Version: 1.0", *fields]
    if not any(field.lower().startswith("content-type") for field in fields):
        head.append(f"Content-Type: {kind}")
    data = body if isinstance(body, bytes) else body.encode()
    return "\r\n".join(head).encode() + b"\r\n\r\n" + data


def learnt(folder, files, me=("Nele Brand",), author=""):
    """([(question, answer)], {(reason, text)}) of what the owner's mails in a folder teach."""
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    log, totals = readers.ReadLog(), pipeline.Totals()
    rules = pipeline.Rules(author, me=me, short=0, mask=False)
    raws = readers.read(folder, readers.Options(me, author=author), log)
    documents = list(pipeline.documents(raws, rules, log, totals))
    turns = [(turn.question, turn.answer) for d in documents for turn in d.turns]
    return turns, {(part.reason, part.text) for part in log.removed}


def parts(*inside, kind="mixed"):
    body = "".join(f"--xx\r\n{head}\r\n\r\n{text}\r\n" for head, text in inside) + "--xx--\r\n"
    return f'multipart/{kind}; boundary="xx"', body


PAGE = (
    "<html><body><div>The boat came in at dawn, and nobody was on the pier to take the rope from "
    "us.</div><div><br></div><div class='gmail_quote'><div class='gmail_attr'>On Mon, 3 May 2021 at"
    " 09:00, Ole &lt;ole@e.org&gt; wrote:<br></div><blockquote><div>Did the boat come in last "
    "night?</div></blockquote></div></body></html>"
)
OUTLOOK = (
    "<html><body><p class=MsoNormal>The boat came in at dawn, and nobody was on the pier to take "
    "the rope from us.</p><div><div style='border-top:solid #E1E1E1 1.0pt'><p><b>From:</b> Ole "
    "&lt;ole@e.org&gt;<br><b>Sent:</b> Monday, May 3, 2021 9:00<br><b>To:</b> Nele<br><b>Subject:"
    "</b> the boat</p></div></div><p>Did the boat come in last night?</p></body></html>"
)
ALTERNATIVE = parts(
    ("Content-Type: text/plain; charset=utf-8", OWN),
    ("Content-Type: text/html; charset=utf-8", f"<p>{OWN}</p>"),
    kind="alternative",
)
STUB = parts(
    ("Content-Type: text/plain", "Your program shows no HTML."),
    ("Content-Type: text/html; charset=utf-8", f"<p>{OWN}</p><p>{OWN}</p>"),
    kind="alternative",
)
QUOTED = f"{OWN}\n\nOn Mon, 3 May 2021 at 09:00, Ole <ole@e.org> wrote:\n> {ASKED}\n>> Older.\n"
WRAPPED = (
    "The boat came in at dawn, and nobody was on the pier to take the rope\n"
    "from us, so that we drifted along the wall until a boy with a broom, who\n"
    "had been told to sweep the steps, dropped it and caught the line; he was\n"
    "not thanked."
)
MAILS = {
    "plain": (eml(QUOTED), [(ASKED, OWN)]),
    "qp": (
        eml(quopri.encodestring(ZH.encode()), "Content-Transfer-Encoding: quoted-printable"),
        [("", ZH)],
    ),
    "gbk": (
        eml(
            base64.encodebytes(ZH.encode("gbk")),
            "Content-Type: text/plain; charset=gb2312",
            "Content-Transfer-Encoding: base64",
        ),
        [("", ZH)],
    ),
    "no charset": (eml(ZH.encode("gbk"), kind="text/plain"), [("", ZH)]),
    "wrong charset": (eml(ZH.encode("gbk"), kind="text/plain; charset=utf-8"), [("", ZH)]),
    "unknown charset": (eml(ZH, kind="text/plain; charset=x-unknown"), [("", ZH)]),
    "html": (eml(PAGE, kind="text/html; charset=utf-8"), [(ASKED, OWN)]),
    "outlook": (eml(OUTLOOK, kind="text/html; charset=utf-8"), [(ASKED, OWN)]),
    "alternative": (eml(ALTERNATIVE[1], kind=ALTERNATIVE[0]), [("", OWN)]),
    "stub": (eml(STUB[1], kind=STUB[0]), [("", f"{OWN}\n\n{OWN}")]),
    "flowed": (
        eml("The boat came in at dawn, \nand nobody was there.", kind="text/plain; format=flowed"),
        [("", "The boat came in at dawn, and nobody was there.")],
    ),
    "wrapped": (eml(WRAPPED), [("", " ".join(WRAPPED.split("\n")))]),
    "chinese": (
        eml(
            f'{ZH}\n\n------------------ 原始邮件 ------------------\n发件人: "老周" <z@e.org>;\n'
            f'发送时间: 2021年5月3日(星期一) 上午9:00\n收件人: "阿柚"\n主题: 船\n\n船到了吗？\n'
        ),
        [("船到了吗？", ZH)],
    ),
    "forward": (
        eml(
            "---------- Forwarded message ---------\nFrom: Ole <ole@e.org>\nDate: Mon, 3 May 2021\n"
            f"Subject: x\nTo: Nele <nele@e.org>\n\n{ASKED}\n"
        ),
        [],
    ),
    "forward without a rule": (
        eml(f"From: Ole <ole@e.org>\nDate: Mon, 3 May 2021\nSubject: x\nTo: Nele\n\n{ASKED}\n"),
        [],
    ),
    "signed": (eml(f"{OWN}\n\n-- \nNele Brand\nnele@e.org\nHarbour 3\n"), [("", OWN)]),
    "phone": (eml(f"{OWN}\n\nSent from my iPhone"), [("", OWN)]),
    "bottom": (
        eml(f"Ole <ole@e.org> wrote on 3 May 2021 at 9:00:\n> {ASKED}\n\n{OWN}"),
        [(ASKED, OWN)],
    ),
    "somebody": (eml(OWN, sender="Ole <ole@e.org>"), []),
    "no boundary": (eml(OWN, kind="multipart/mixed"), [("", OWN)]),
    "last name first": (eml(OWN, sender='"Brand, Nele" <nele@e.org>'), [("", OWN)]),
}


@pytest.mark.parametrize("name", MAILS)
def test_of_a_mail_its_senders_own_words_are_learnt(name, tmp_path):
    data, turns = MAILS[name]
    assert learnt(tmp_path, {"a.eml": data})[0] == turns


@pytest.mark.parametrize(
    "sender, name",
    [
        (
            "=?gb2312?B?" + base64.b64encode("林小满".encode("gbk")).decode() + "?= <l@e.org>",
            "林小满",
        ),
        ("=?UTF-8?Q?=E6=9E=97=E5=B0=8F?= =?UTF-8?Q?=E6=BB=A1?= <l@e.org>", "林小满"),
        ("=?utf-8?B?5p6X5bA=?=\r\n =?utf-8?B?j+a7oQ==?= <l@e.org>", "林小满"),
        ("Jos\u00e9 Luis <j@e.org>", "José Luis"),
        ("nele@e.org", "nele@e.org"),
        ('"Brand, Nele" <nele@e.org>', "Nele Brand"),
    ],
)
def test_the_senders_name_is_read_in_any_encoding(sender, name):
    options = readers.Options()
    (conversation,) = mail.conversations(File("a.eml", eml(OWN, sender=sender)), options)
    assert [message.sender for message in conversation.messages] == [name]


def test_attachments_are_named_as_left_out_and_their_content_is_not_learnt(tmp_path):
    kind, body = parts(
        ("Content-Type: text/plain; charset=utf-8", OWN),
        (
            "Content-Type: application/pdf; name=plan.pdf\r\nContent-Transfer-Encoding: base64\r\n"
            "Content-Disposition: attachment; filename=plan.pdf",
            base64.b64encode(b"%PDF-1.4").decode(),
        ),
        ("Content-Type: text/plain\r\nContent-Disposition: attachment; filename=notes.txt", "No."),
    )
    turns, left_out = learnt(tmp_path, {"a.eml": eml(body, kind=kind)})
    assert turns == [("", OWN)]
    assert left_out == {("attachment", "plan.pdf, notes.txt")}


def test_a_mailbox_is_read_by_sender_and_a_mail_answers_the_one_that_it_names(tmp_path):
    asked = eml(ASKED, sender="Ole <ole@e.org>").replace(b"<1@e.org>", b"<0@e.org>")
    answer = eml(f">From the pier: {OWN}", "In-Reply-To: <0@e.org>")
    box = b"\n\n".join(b"From x@e.org Mon May  3 10:02:00 2021\n" + m for m in (asked, answer))
    turns, _ = learnt(tmp_path, {"all.mbox": box})
    assert turns == [(ASKED, f"From the pier: {OWN}")]


def test_mails_are_ordered_by_the_moment_they_were_sent_in_any_time_zone(tmp_path):
    date = b"Mon, 3 May 2021 10:02:00 +0200"
    dates = (b"Mon, 3 May 2021 10:00:00 +0800", b"Mon, 3 May 2021 03:00:00 +0000", b"")
    asked, answer, undated = (
        eml(text, f"In-Reply-To: <{number - 1}@e.org>", sender=sender)
        .replace(b"<1@e.org>", b"<%d@e.org>" % number)
        .replace(b"Date: " + date, b"Date: " + date_of if date_of else b"X-Date: none")
        for number, (text, sender, date_of) in enumerate(
            zip((ASKED, OWN, ZH), ("Ole <ole@e.org>", "Nele Brand <nele@e.org>") * 2, dates)
        )
    )
    file = b"\n\n".join(b"From x@e.org Mon May  3 10:02:00 2021\n" + m for m in (answer, asked))
    (read,) = mail.conversations(File("all.mbox", file), readers.Options())
    assert [(message.text, message.time) for message in read.messages] == [
        (ASKED, "2021-05-03T10:00:00"),
        (OWN, "2021-05-03T03:00:00"),
    ]
    # Without a date of each the file's order stays, and a mail still answers the one that it names.
    parts = (undated, answer, asked)
    file = b"\n\n".join(b"From x@e.org Mon May  3 10:02:00 2021\n" + m for m in parts)
    turns, _ = learnt(tmp_path, {"all.mbox": file})
    assert turns == [(ASKED, OWN)]


def test_mails_without_an_id_answer_none(tmp_path):
    first, second = (eml(text).replace(b"Message-ID: <1@e.org>\r\n", b"") for text in (OWN, ZH))
    box = b"\n\n".join(b"From x@e.org Mon May  3 10:02:00 2021\n" + m for m in (first, second))
    assert learnt(tmp_path, {"all.mbox": box})[0] == [("", OWN), ("", ZH)]


def test_the_owner_of_mails_is_known_by_an_address_or_a_folder_of_sent_mails(tmp_path):
    by_address, _ = learnt(tmp_path / "a", {"a.eml": eml(OWN)}, me=("NELE@e.org",))
    by_folder, _ = learnt(tmp_path / "b", {"Sent/a.eml": eml(OWN)}, me=())
    by_label = eml(OWN, "X-Gmail-Labels: =?UTF-8?Q?Ge=C3=B6ffnet,Gesendet?=")
    by_label, _ = learnt(tmp_path / "c", {"a.eml": by_label}, me=())
    unknown, left_out = learnt(tmp_path / "d", {"a.eml": eml(OWN)}, me=())
    assert by_address == by_folder == by_label == [("", OWN)]
    assert unknown == [] and left_out == {("whose", OWN)}


@pytest.mark.parametrize(
    "name, data, reason",
    [
        ("a.msg", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500), "outlook"),
        ("a.eml", eml("-----BEGIN PGP MESSAGE-----\n\nhQEMA\n-----END PGP MESSAGE-----"), "locked"),
        ("a.eml", eml(" "), "index"),
        ("a.rar", b"Rar!\x1a\x07\x01\x00" + bytes(50), "packed"),
    ],
)
def test_what_is_no_readable_mail_has_a_reason(name, data, reason, tmp_path):
    turns, left_out = learnt(tmp_path, {name: data})
    assert turns == [] and [why for why, _ in left_out] == [reason]


def test_a_letter_that_only_has_a_head_is_no_mail():
    for text in (f"From: Nele\nSubject: boat\n\n{OWN}", "From the pier: nothing.\nTo: none", OWN):
        assert not mail.looks_like(File("letter.txt", text.encode()))
