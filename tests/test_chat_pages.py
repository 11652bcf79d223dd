"""Chats as web pages in the layouts of QQ's exporter and of Instagram, and Instagram's JSON."""

import json

import pytest

from twinlib.corpus import readers
from twinlib.corpus.readers.chats import chat_page, message_json
from twinlib.text.inputs.input_file import File, Options

ME = Options(("Ning",))
NEW = (
    '<div class="message-block" data-date="2025-05-01"><div class="message {side}" '
    'data-sender-uid="u_{who}" id="msg-1"><div class="avatar"><img src="a.png" alt="{who}"/>'
    '<span style="display:none">{who[0]}</span></div><div class="message-wrapper">'
    '<div class="message-header"><span class="sender">{who}</span><span class="time">{time}</span>'
    '</div><div class="message-bubble"><div class="content">{text}</div></div></div></div></div>'
)
OLD = (
    '<div class="message {side}"><div class="avatar"><span style="display:none">{who[0]}</span>'
    '</div><div class="message-bubble"><div class="message-header">'
    '<span class="sender">{who}</span><span class="time">{time}</span></div>'
    '<div class="content">{text}</div></div></div>'
)
SYSTEM = (
    '<div class="system-message-container"><div class="system-message">老周 撤回了一条消息</div>'
    "<div>2025/05/01 08:03:30</div></div>"
)
OLD_REPLY = '<div class="reply-content"><strong>老周:</strong> 明天几点开船</div>'
NEW_REPLY = (
    '<div class="reply-content"><div class="reply-content-header"><strong>老周</strong>'
    '<span class="reply-content-time">05/01 08:01</span></div>'
    '<div class="reply-content-text">明天几点开船</div></div>'
)
CARD = (
    '<div class="json-card"><div class="json-title">港口消息</div>'
    '<div class="json-description">周一免费送鱼</div></div>'
)
FORWARD = (
    '<div class="forward-card"><div class="forward-card-header"><span>聊天记录</span></div>'
    '<div class="forward-card-content">林晚: 我牙疼</div></div>'
)


@pytest.mark.parametrize("message, reply", [(NEW, NEW_REPLY), (OLD, OLD_REPLY)])
def test_a_page_of_qqs_exporter_is_read_by_its_classes(message, reply):
    def said(who, text, minute, side="other"):
        time = f"2025/05/01 08:{minute:02}:00"
        return message.format(who=who, text=text, time=time, side=side)

    spans = "<span class='text-content'>{}</span>".format
    rows = [
        said("老周", spans("明天几点开船"), 1),
        said("阿柚", reply + spans("七点，别迟到"), 2, "self"),
        SYSTEM,
        said("老周", spans("好"), 3),
        said("阿柚", CARD, 4, "self"),
        said("阿柚", FORWARD, 5, "self"),
        said("阿柚", spans("我带了面包"), 6, "self"),
    ]
    page = f"<html><head><title>老周</title></head><body>{''.join(rows)}</body></html>"
    file = File("老周.html", page.encode())
    assert readers.format_of(file) == "chatpage"
    (chat,) = chat_page.conversations(file, Options())
    kept = [(m.sender, m.text, m.mine, m.reply_to) for m in chat.messages if not m.skip_reason]
    assert kept == [
        ("老周", "明天几点开船", False, None),
        ("阿柚", "七点，别迟到", True, "明天几点开船"),
        ("老周", "好", False, None),
        ("阿柚", "我带了面包", True, None),
    ]
    assert [m.skip_reason for m in chat.messages if m.skip_reason] == ["repost", "repost"]
    assert chat.messages[0].time == "2025-05-01T08:01:00"


def instagram(sender, text, time, tag="h2", reaction=""):
    if reaction:
        reaction = f'<div><ul class="_a6-q"><li><span>{reaction}</span></li></ul></div>'
    return (
        f'<div class="pam _3-95 _2ph- _a6-g uiBoxWhite noborder"><{tag} class="_3-95 _2pim _a6-h '
        f'_a6-i">{sender}</{tag}><div class="_3-95 _a6-p"><div><div></div><div>{text}</div>'
        f'<div></div>{reaction}</div></div><div class="_3-94 _a6-o">{time}</div></div>'
    )


@pytest.mark.parametrize("tag", ["h2", "div"])
def test_a_page_of_instagram_is_read_by_its_classes_the_oldest_first(tag):
    misread = "très bien, à dix heures".encode().decode("latin-1")
    rows = [
        instagram("Ning", "the ferry is late again", "Jan 09, 2026 5:12 pm", tag, "❤Lin"),
        instagram("Ning", "Reacted ❤️ to your message ", "Jan 09, 2026 5:09 pm", tag),
        instagram("Lin", "Lin sent an attachment.", "Jan 09, 2026 5:08 pm", tag),
        instagram("Ning", misread, "Jan 09, 2026 5:01 pm", tag),
        instagram("Lin", "when?", "Jan 09, 2026 5:00 pm", tag),
    ]
    people = (
        '<div class="pam _3-95 _2ph- _a6-g uiBoxWhite noborder">'
        f'<{tag} class="_3-95 _2pim _a6-h _a6-i">Participants: Lin and Ning</{tag}></div>'
    )
    page = f"<html><head><title>Lin</title></head><body>{people}{''.join(rows)}</body></html>"
    file = File("inbox/lin_1/message_1.html", page.encode())
    assert readers.format_of(file) == "chatpage"
    (chat,) = chat_page.conversations(file, ME)
    assert [(m.sender, m.text) for m in chat.messages if not m.skip_reason] == [
        ("Lin", "when?"),
        ("Ning", "très bien, à dix heures"),
        ("Ning", "the ferry is late again"),
    ]
    assert [m.skip_reason for m in chat.messages if m.skip_reason] == ["platform", "platform"]
    assert (chat.title, chat.messages[0].time) == ("Lin", "2026-01-09T17:00:00")


def test_what_instagram_says_in_another_language_is_known_by_what_comes_with_it():
    def misread(text):
        return text.encode().decode("latin-1")

    said = [
        {"content": "die Fähre ist wieder spät"},
        {"content": "Hat mit ❤️ auf deine Nachricht reagiert"},
        {"content": "Hat mit 😂 auf deine Nachricht reagiert"},
        {"content": "Ning hat einen Anhang gesendet.", "share": {"link": "https://x.org"}},
        {"content": "Videochat beendet", "call_duration": 12},
        {"content": "schau mal ❤️", "share": {"link": "https://x.org"}},
    ]
    messages = [
        {
            "sender_name": "Ning",
            "timestamp_ms": 1767978720000 + n * 60_000,
            "is_geoblocked_for_viewer": False,
        }
        | {key: misread(value) if key == "content" else value for key, value in message.items()}
        for n, message in enumerate(said)
    ]
    export = {
        "participants": [{"name": misread("Zoë")}, {"name": "Ning"}],
        "messages": messages[::-1],
        "title": misread("Zoë"),
    }
    file = File("inbox/zoe_1/message_1.json", json.dumps(export).encode())
    (chat,) = message_json.conversations(file, ME)
    kept = [m.text for m in chat.messages if not m.skip_reason]
    assert (chat.title, kept) == ("Zoë", ["die Fähre ist wieder spät", "schau mal ❤️"])
