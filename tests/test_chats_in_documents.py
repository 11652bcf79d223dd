"""Chats that were pasted into Word, OpenDocument, RTF, PDF or a page: by sender, or left out."""

import chat_layouts
import pytest
from document_makers import OF_TEXT

from twinlib.corpus import conversations, readers
from twinlib.corpus.readers.chats import chat_text, text_shape
from twinlib.text.inputs.input_file import File

SAID = [
    "is the ladder still in the shed?",
    "it was there on Monday, behind the boat",
    "then somebody has borrowed it",
    "ask Karl, he has the key 🔑",
    "he says he gave it back",
    "to whom, though?",
    "he does not remember any more",
    "that sounds like Karl, every word of it",
]
CHAT = "".join(
    f"[2024-05-01 10:{n:02}] {('Ole', 'Nele')[n % 2]}: {text}\n" for n, text in enumerate(SAID)
)
# Names below, which no rule of this kind reads; relative times
UNREAD = "".join(
    f"№{n} ☆☆☆ {text}\n{n} days ago by {('Ole', 'Nele', 'Jo')[n % 3]} ☆ reply ☆ share\n\n"
    for n, text in enumerate(SAID * 2)
)
ESSAY = (
    "The ladder\n\nFor years the ladder hung behind the boat, and nobody asked whose it was.\n\n"
    "On Monday it was gone. I asked Karl, who has the key, and Karl said what he always says.\n\n"
    "It came back by itself, in May, a little shorter. We don't talk about it.\n"
)


def read(folder, name, text):
    """(the Documents, the reasons for what is left out) of a text in the format of its name."""
    file = folder / name
    file.write_bytes(OF_TEXT[file.suffix](text))
    log = readers.ReadLog()
    documents = list(readers.read(file, readers.Options(("Nele",)), log))
    return documents, [part.reason for part in log.removed if part.what == "document"]


@pytest.mark.parametrize("suffix", OF_TEXT)
def test_a_chat_is_read_by_sender_whatever_it_was_pasted_into(suffix, tmp_path):
    text = CHAT if suffix != ".pdf" else CHAT.replace(" 🔑", "")
    documents, _ = read(tmp_path, f"talk{suffix}", text)
    said = [line.partition(": ")[2] for line in text.splitlines()]
    turns = [turn for document in documents for turn in document.turns]
    assert [(turn.question, turn.answer) for turn in turns] == list(zip(said[::2], said[1::2]))


@pytest.mark.parametrize("suffix", OF_TEXT)
def test_a_chat_whose_speakers_cannot_be_told_is_no_prose(suffix, tmp_path):
    documents, reasons = read(tmp_path, f"talk{suffix}", UNREAD)
    assert (documents, reasons) == ([], ["speakers"])


@pytest.mark.parametrize("suffix", OF_TEXT)
def test_an_essay_in_a_document_stays_one(suffix, tmp_path):
    documents, reasons = read(tmp_path, f"ladder{suffix}", ESSAY)
    assert [d.turns for d in documents] == [None] or [d.turns for d in documents] == [[]]
    assert "a little shorter" in documents[0].text
    assert reasons == []


@pytest.mark.parametrize("group", "sv")
def test_of_chats_in_word_files_hardly_a_line_of_others_is_learnt(group, tmp_path):
    count = chat_layouts.counted(group, tmp_path, ".docx")
    assert count["exports"] > 90 and count["read"] * 2 > count["exports"]
    assert count["as prose"] == 0
    assert count["other people"] * 100 < count["all other people"]


def test_a_chat_pasted_into_a_note_is_left_out(tmp_path):
    note = (
        "<note><title>{}</title><content><![CDATA[<en-note>{}</en-note>]]></content>"
        "<created>20240501T100000Z</created></note>"
    )
    lines = "".join(f"<div>{line}</div>" for line in CHAT.splitlines())
    prose = "".join(f"<div>{line}</div>" for line in ESSAY.splitlines())
    notes = note.format("Talk", lines) + note.format("The ladder", prose)
    file = tmp_path / "notes.enex"
    file.write_text(f'<?xml version="1.0"?><en-export>{notes}</en-export>')
    log = readers.ReadLog()
    assert [document.title for document in readers.read(file, log=log)] == ["The ladder"]
    assert [part.reason for part in log.removed if part.what == "document"] == ["speakers"]


def test_shape_tells_exports_of_a_set_from_what_one_author_wrote():
    exports = [export.text.split("\n") for export in chat_layouts.every("v")]
    assert sum(map(text_shape.is_conversation, exports)) * 2 > len(exports)
    diary = "\n".join(f"2024-07-{n + 10} 21:{n:02}\n{text}." for n, text in enumerate(SAID))
    hours = "\n".join(f"{2 * n + 8}:00 {text}." for n, text in enumerate(SAID))
    verse = "\n".join(f"I remember {text}." for text in SAID * 2)
    for text in (diary, hours, verse, ESSAY):
        assert not text_shape.is_conversation(text.split("\n"))


def told(text, name="talk.log"):
    """[(question, answer)] of Nele in a chat of no known program."""
    file = File(name, text.encode())
    assert readers.format_of(file) == "chat"
    options = readers.Options(("Nele",))
    return [
        (turn.question, turn.answer)
        for conversation in chat_text.conversations(file, options)
        for document in conversations.documents(conversation, name, options)
        for turn in document.turns
    ]


@pytest.mark.parametrize(
    "line",
    [
        '2024-05-01 10:{n:02}:00 INFO relay id={n} from="{who}" text="{text}"\n',
        "[10:{n:02}] <{who}> {text}, {n} of 312, list item\n",
        '2024-05-01 10:{n:02} | {who} | {text}",""\n',
    ],
)
def test_what_a_program_writes_around_every_text_is_taken_off(line):
    said = [text.removesuffix(" 🔑") for text in SAID]
    chat = "".join(
        line.format(n=n, who=("Ole", "Nele")[n % 2], text=text) for n, text in enumerate(said)
    )
    assert told(chat) == list(zip(said[::2], said[1::2]))


def test_how_everybody_ends_their_sentences_is_no_frame():
    said = [f"{text}, part {n} of it!" for n, text in enumerate(SAID)]
    chat = "".join(
        f"[10:{n:02}] <{('Ole', 'Nele')[n % 2]}> {text}\n" for n, text in enumerate(said)
    )
    assert told(chat) == list(zip(said[::2], said[1::2]))


def test_nothing_that_looks_like_a_key_is_cut_out_of_a_text():
    said = list(SAID)
    said[1] = "https://example.org/tide?month=5 there, second tab"
    said[3] = "it came with a note, from: Karl, text: sorry"
    line = "Mai 4, 2024, 10:{n:02}:09 AM Eastern Time: {who}: {text}\n"
    chat = "".join(
        line.format(n=n, who=("Ole", "Nele")[n % 2], text=text) for n, text in enumerate(said)
    )
    assert told(chat, "talk.txt") == list(zip(said[::2], said[1::2]))


def test_a_page_of_names_and_words_without_times_is_a_chat(tmp_path):
    text = "".join(f"{('Ole', 'Nele')[n % 2]}: {said}\n" for n, said in enumerate(SAID * 2))
    documents, reasons = read(tmp_path, "talk.html", text)
    assert reasons == [] and len(documents[0].turns) == len(SAID)
    assert not any("Ole" in turn.answer for turn in documents[0].turns)


def test_long_paragraphs_without_clocks_are_surely_prose_and_no_export_is():
    paragraph = "The ladder hung behind the boat for years, and nobody asked whose it was. " * 4
    essay = "The ladder\n\n" + f"{paragraph}\n\n" * 6
    assert text_shape.is_surely_prose(essay)
    assert not text_shape.is_surely_prose(essay + "9:15 Ole\n9:20 Nele\n9:40 Ole\n")
    assert not text_shape.is_surely_prose(essay + "- a rung\n" * 60)
    for group in "lrx":
        for export in chat_layouts.every(group):
            assert not text_shape.is_surely_prose(export.text), export.name
