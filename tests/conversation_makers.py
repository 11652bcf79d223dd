"""Files of tests/exports/conversations, and helpers to read them in tests."""

import io
from pathlib import Path

from twinlib.corpus import conversations
from twinlib.corpus.readers import chatgpt, qa_tables, subtitles
from twinlib.corpus.readers.chats import chat_table, chat_text, telegram, twitter, whatsapp
from twinlib.text.inputs.input_file import File, Options

FOLDER = Path(__file__).parent / "exports" / "conversations"
POSTS = Path(__file__).parent.parent / "data_samples"
READERS = {
    "subtitles": subtitles,
    "twitter": twitter,
    "telegram": telegram,
    "chatgpt": chatgpt,
    "whatsapp": whatsapp,
    "chat": chat_text,
    "answers": qa_tables,
    "table": chat_table,
}
FORMATS = {
    "talk.srt": "subtitles",
    "rolling.en.vtt": "subtitles",
    "谈茶.zh-Hans.vtt": "chat",
    "tweets.js": "twitter",
    "note-tweet.js": None,
    "result.json": "telegram",
    "channel.json": "telegram",
    "WhatsApp Chat with Lee.txt": "whatsapp",
    "_chat.txt": "whatsapp",
    "与阿蘅的 WhatsApp 聊天.txt": "whatsapp",
    "conversations.json": "chatgpt",
    "claude.json": "chatgpt",
    "training.jsonl": None,
    "answers.csv": "answers",
    "gsm.jsonl": "answers",
    "gbk.csv": "table",
    "wechat.csv": "table",
    "weibo.csv": "table",
    "chat.jsonl": "table",
    "unknown.csv": "table",
    "diary.txt": None,
    "numbers.csv": None,
    "server.txt": None,
}
ME = Options(me=("Ning", "Half-Turn", "海平", "半圈"))


def of(name, data=None, near=None):
    near = near or (
        lambda path: (FOLDER / path).read_bytes() if (FOLDER / path).is_file() else None
    )
    data = data.encode() if isinstance(data, str) else data
    return File(name, (FOLDER / name).read_bytes() if data is None else data, near)


def knowing(file):
    return [name for name, reader in READERS.items() if reader.looks_like(file)]


def documents(file, options=ME):
    """The documents of a file, as readers.read makes them."""
    found = []
    for kind in knowing(file)[:1]:
        reader = READERS[kind]
        if hasattr(reader, "read"):
            found += reader.read(file)
        else:
            for name, conversation in conversations.named(
                reader.conversations(file, options), file.name
            ):
                found += conversations.documents(conversation, name, options)
    return found


def turns(file, options=ME):
    return [
        (turn.question, turn.answer)
        for document in documents(file, options)
        for turn in document.turns
    ]


def parts(file, options=ME):
    return [
        (removed.reason, removed.text)
        for document in documents(file, options)
        for removed in document.removed
    ]


def workbook(sheets):
    from openpyxl import Workbook

    book, content = Workbook(), io.BytesIO()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(content)
    return content.getvalue()
