"""Mails as files (.eml, .emlx) and mailboxes of many (.mbox) by any mail program.

A mail is a message of its sender. What it quotes is what it answers, and so is the mail that its
In-Reply-To names in the same mailbox. The owner's mails are those of the names or addresses that
they chose, and those in a folder or with a label for what is sent. Attachments are Removed parts.
Sources: RFC 5322 and 2045 to 2047, RFC 3676 (format=flowed), RFC 4155 (mbox).
"""

import email
import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC
from email.header import decode_header
from email.message import Message as Part
from email.utils import getaddresses, parsedate_to_datetime
from typing import NamedTuple

from ...text.inputs.encoding import Unreadable, decode
from ...text.inputs.filename import title_of
from ...text.inputs.input_file import File, Options
from ..authorship_mail import HEADER, RULE, without_mails_of_others
from ..clean.paragraphs import GAP
from ..clean.wrapping import unwrap_text
from ..records import RemovedParts
from .chats.messages import Conversation, Message
from .html_to_markdown import tags, tree

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_SUFFIXES = (".eml", ".emlx", ".mbox", ".mbx")
_FIELDS = re.compile(rb"(?:[!-9;-~]{1,76}:[^\n]*\n(?:[ \t]+\S[^\n]*\n)*)+")
_FIELD = re.compile(rb"^([!-9;-~]{1,76}):", re.MULTILINE)
# Headers that only a mail which was sent has, unlike a letter in a text file.
_SENT_BY_PROGRAM = {b"message-id", b"mime-version", b"received", b"return-path", b"x-mailer"}
_MBOX = re.compile(rb"^From [^\n]*\d[^\n]*\r?\n(?=[!-9;-~]{1,76}:)", re.MULTILINE)
_EMLX = re.compile(rb"\d{1,9} *\n(?=[!-9;-~]{1,76}:)")
# Folders, files and Gmail's labels of what was sent.
_SENT = (
    r"sent(?: items| mail| messages)?|gesendet(?:e (?:objekte|elemente|nachrichten))?|"
    r"enviad[oa]s|(?:elementos|itens|mensajes|correo) enviados|(?:éléments |messages )?envoyés|"
    r"已发送(?:邮件)?|已發送|寄件備份|已傳送(?:郵件)?|发件箱|已发邮件"
)
_IN_SENT = re.compile(rf"(?:^|/)(?:{_SENT})(?:\.mbox|\.mbx|\.eml)?(?:/|$)", re.IGNORECASE)
_LABELLED_SENT = re.compile(rf"(?:^|,)\s*\"?(?:{_SENT})\"?\s*(?:,|$)", re.IGNORECASE)
_ANSWER = re.compile(
    r"^(?:(?:re|aw|fw|fwd|wg|sv|tr|rv|回复|答复|转发|回覆|轉寄)(?:\[\d+\])?[:：]\s*)+", re.I
)
_QUOTES = (
    "blockquote, .gmail_quote, .yahoo_quoted, .protonmail_quote, .moz-cite-prefix, "
    ".gmail_attr, #divRplyFwdMsg, #divRplyFwdMsg ~ *, #appendonsend ~ *, .zmail_extra"
)
_SIGNED = ".gmail_signature, .moz-signature, #Signature, .protonmail_signature_block"
_PARAGRAPHS = set("p ul ol table h1 h2 h3 h4 h5 h6 pre blockquote hr".split())
_LINES = set("div li tr section article header footer address dd dt center".split())
_LINE, _PARAGRAPH, _BREAK = "\x1e", "\x1d", "\u2028"  # in a text made of a page
_PGP = "-----BEGIN PGP MESSAGE-----"
# Lines above a quotation: who wrote when, a rule, nothing.
_ABOUT = re.compile(rf"\s*|.{{0,200}}[:：]\s*|\s*{RULE.pattern}\s*", re.IGNORECASE)
_DEEPEST = 30  # parts within parts


class _Mail(NamedTuple):
    """A mail: `own` is its sender's text, `quoted` what it answers, `others` all that it quotes."""

    id: str
    answers_id: str
    name: str
    address: str
    time: str  # on its sender's clock
    seconds: float  # since 1970, to compare mails from several time zones
    subject: str
    own: str
    quoted: str
    others: list[str]
    attached: list[str]
    is_sent: bool


def looks_like(file: File) -> bool:
    """Whether it is a mail or a mailbox; Outlook's own .msg too, which is refused."""
    if file.data.startswith(_OLE):
        return file.suffix == ".msg"
    head = file.head.lstrip(b"\xef\xbb\xbf\r\n").replace(b"\r\n", b"\n")
    start = _MBOX.match(head) or _EMLX.match(head)
    head = head[start.end() :] if start else head
    fields = _FIELDS.match(head)
    names = set(map(bytes.lower, _FIELD.findall(fields.group()))) if fields else set()
    named = b"from" in names and names & {b"date", b"subject", b"to"}
    return bool(named) and (
        bool(start) or file.suffix in _SUFFIXES or bool(names & _SENT_BY_PROGRAM)
    )


def conversations(file: File, options: Options) -> Iterator[Conversation]:
    """Yield the one Conversation of a mail or a mailbox, in the order of the mails' times.

    Raises Unreadable('outlook', 'locked' or 'index').
    """
    if file.data.startswith(_OLE):
        raise Unreadable("outlook")
    in_sent = bool(_IN_SENT.search(file.name))
    mails, locked = [], False
    for data in _mails(file.data):
        try:
            mails.append(_mail(data, in_sent))
        except Unreadable as error:
            locked = locked or str(error) == "locked"
    if not any(mail.own or mail.others for mail in mails):
        raise Unreadable("locked" if locked else "index")
    if all(mail.time for mail in mails):
        mails.sort(key=lambda mail: mail.seconds)
    title = mails[0].subject if len(mails) == 1 else title_of(file.name)
    yield Conversation(title, list(_messages(mails, options)))


def _messages(mails, options):
    """The Messages of mails, each sender under one name; the owner under the chosen one."""
    chosen = {_plain(name): name for name in (*options.me, options.author) if name}
    names = {}
    for mail in mails:
        names.setdefault(mail.address, Counter())[mail.name] += 1
    texts = {mail.id: mail.own for mail in mails if mail.id}  # of all: clocks may be wrong
    for mail in mails:
        spelling = names[mail.address].most_common(1)[0][0]
        own = next((_plain(n) for n in (mail.address, mail.name) if _plain(n) in chosen), None)
        sender = chosen[own] if own else spelling or mail.address
        mine = True if mail.is_sent else None
        answers = mail.quoted or texts.get(mail.answers_id, "")
        for words in mail.others:
            yield Message(sender, words, mail.time, mine, "quote", "")
        if mail.attached:
            yield Message(sender, ", ".join(mail.attached), mail.time, mine, "attachment", "")
        if mail.own:
            yield Message(sender, mail.own, mail.time, mine, "", answers)


def _plain(name):
    return " ".join(name.casefold().split())


def _mails(data):
    """Yield the bytes of each mail of a file."""
    data = data.lstrip(b"\xef\xbb\xbf\r\n")
    counted = _EMLX.match(data)
    if counted:
        size = int(counted.group())
        yield data[counted.end() : counted.end() + size]
        return
    starts = list(_MBOX.finditer(data)) if data.startswith(b"From ") else []
    starts = [
        m
        for m in starts
        if m.start() == 0 or data[max(0, m.start() - 3) : m.start()].endswith((b"\n\n", b"\n\r\n"))
    ]
    for match, end in zip(starts, [m.start() for m in starts[1:]] + [len(data)]):
        yield re.sub(rb"(?m)^>(>*From )", rb"\1", data[match.end() : end])
    if not starts:
        yield data


def _mail(data, in_sent):
    """The _Mail of its bytes. Raises Unreadable('locked') for an encrypted one."""
    part = email.message_from_bytes(data)
    fields = {}
    for name, value in part.raw_items():
        fields.setdefault(name.lower(), _header(value))
    text, attached = _content(part, _DEEPEST)
    if (
        _PGP in text
        or not text.strip()
        and part.get_content_type()
        in (
            "multipart/encrypted",
            "application/pkcs7-mime",
        )
    ):
        raise Unreadable("locked")
    removed = RemovedParts()
    own = without_mails_of_others(text, removed, markup=False, is_body=True)
    others = [part.text for part in removed.parts if part.reason == "quote"]
    name, address = next(iter(getaddresses([fields.get("from", "")])), ("", ""))
    last, comma, first = name.strip("\"' ").partition(", ")
    sent = in_sent or bool(_LABELLED_SENT.search(fields.get("x-gmail-labels", "")))
    return _Mail(
        fields.get("message-id", ""),
        fields.get("in-reply-to", "").split(" ")[0],
        f"{first} {last}" if comma else last or address,
        address.lower(),
        *_time(fields.get("date", "")),
        _ANSWER.sub("", fields.get("subject", "")).strip(),
        unwrap_text(own.strip("\n")).strip(),
        _asked(text, others),
        others,
        attached,
        sent,
    )


def _asked(text, others):
    """What a mail answers, of what it quotes: without marks, headers and quotations in it."""
    marked = [m[1] for m in re.finditer(r"(?m)^ {0,2}[>＞] ?((?![>＞ ]*[>＞]).*)$", text)]
    quoted = "\n".join(marked) if any(map(str.strip, marked)) else "\n".join(others)
    lines = quoted.strip().split("\n")
    while lines and (_ABOUT.fullmatch(lines[0]) or HEADER.match(lines[0].strip())):
        del lines[0]
    removed = RemovedParts()
    asked = without_mails_of_others("\n".join(lines), removed, markup=False, is_body=True)
    return unwrap_text(asked.strip(f"{GAP}\n ")).strip()


def _time(value):
    """(the ISO time of a Date on the sender's clock, seconds since 1970); ('', 0) without one."""
    try:
        time = parsedate_to_datetime(value)
        seconds = (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()
        return time.replace(tzinfo=None).isoformat(), seconds
    except (ValueError, TypeError, IndexError, OverflowError):
        return "", 0


def _header(value):
    """A header on one line: encoded words, also without their charset's right name, or bytes."""
    raw = str(value).encode("utf-8", "surrogateescape")
    value = _decoded(raw, "") if not raw.isascii() else str(value)
    try:
        pieces = decode_header(re.sub(r"\r?\n\s*", " ", value))
    except ValueError:
        pieces = [(value, None)]
    text = "".join(p if isinstance(p, str) else _decoded(p, c or "") for p, c in pieces)
    return " ".join(text.split())


def _decoded(data, charset):
    """Bytes as text, in a charset that may be wrong, or unknown, or cut off."""
    charset = {"gb2312": "gb18030", "gbk": "gb18030"}.get(charset.lower(), charset.lower())
    if charset and charset not in ("us-ascii", "ascii", "unknown-8bit", "default"):
        try:
            return data.decode(charset)
        except (LookupError, ValueError):
            pass
    try:
        return decode(data)
    except Unreadable:
        return data.decode("utf-8", "ignore")


def _content(part, depth):
    """(the text of a part of a mail, the names of what is attached)."""
    kind, name = part.get_content_type(), _header(part.get_filename() or "")
    if part.get_content_maintype() == "multipart" and part.is_multipart() and depth:
        inside = [_content(child, depth - 1) for child in part.get_payload()]
        texts = [text for text, _ in inside if text.strip()]
        if kind == "multipart/alternative" and texts:
            # The plain one, unless it only says that there is another.
            most = max(map(_letters, texts))
            texts = [next(text for text in texts if _letters(text) * 3 >= most)]
        return "\n\n".join(texts), [name for _, names in inside for name in names]
    broken = part.get_content_maintype() == "multipart" and not part.is_multipart()  # no boundary
    is_text = kind in ("text/plain", "text/html") and part.get_content_disposition() != "attachment"
    if not (is_text or broken) or part.is_multipart():
        return "", [name or kind] if kind != "application/pgp-signature" else []
    text = _decoded(part.get_payload(decode=True) or b"", part.get_content_charset() or "")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if kind == "text/html":
        return _of_page(text), []
    return _flowed(text, part) if _parameter(part, "format") == "flowed" else text, []


def _letters(text):
    return sum(map(str.isalnum, text))


def _parameter(part: Part, name):
    value = part.get_param(name)
    return value.lower() if isinstance(value, str) else ""


def _flowed(text, part):
    """A text of format=flowed with the lines joined that end in a space."""
    gone = 1 if _parameter(part, "delsp") == "yes" else 0
    lines = []
    for line in text.split("\n"):
        depth = len(line) - len(line.lstrip(">"))
        goes_on = bool(lines) and lines[-1][0] == depth and lines[-1][1].endswith(" ")
        words = line[depth:].removeprefix(" ")
        if goes_on and lines[-1][1] != "-- " and words.strip():
            above = lines[-1][1]
            lines[-1] = depth, above[: len(above) - gone] + words
        else:
            lines.append((depth, words))
    return "\n".join(">" * depth + " " * bool(depth) + words.rstrip() for depth, words in lines)


def _of_page(text):
    """The text of a mail that is a web page, with '> ' before the lines of quotations."""
    try:
        soup = tree(text)
    except Unreadable:
        return ""
    for tag in soup.select(_QUOTES):
        if not tag.decomposed and tag.parent and not tag.find_parent(["blockquote"]):
            lines = "".join(f"> {line}{_LINE}" for line in _lines(tag).split("\n") if line)
            tag.replace_with(f"{_PARAGRAPH}{lines}{_PARAGRAPH}")
    for tag in soup.select(_SIGNED):
        tag.insert_before(f"{_LINE}-- {_LINE}")
    return _lines(soup.body or soup)


def _lines(node):
    """The text of a tree: a line for each block, a blank one between paragraphs."""
    for tag in tags(node):
        mark = _PARAGRAPH if tag.name in _PARAGRAPHS else _LINE if tag.name in _LINES else ""
        if mark and tag is not node:
            tag.insert_before(mark)
            tag.insert_after(mark)
    text = node.get_text().replace("\xa0", " ")
    text = re.sub(rf"[ {_LINE}]*{_PARAGRAPH}[ {_LINE}{_PARAGRAPH}]*", "\n\n", text)
    text = re.sub(rf" *{_LINE}[ {_LINE}]*", "\n", text).replace(_BREAK, "\n")
    text = "\n".join(" ".join(line.split()) if line != "-- " else line for line in text.split("\n"))
    return re.sub(r"\n{3,}", "\n\n", text).strip("\n")
