"""Conversations on saved web pages, of any chat or forum: read by sender, never as prose."""

import pytest

from twinlib.corpus import conversations
from twinlib.corpus.readers import Options, ReadLog, format_of, html, read
from twinlib.corpus.readers.chats import chat_page
from twinlib.text.inputs.input_file import File

SAID = (
    ("Ole", "10:02", "Is the boat still afloat after the storm of last night?"),
    ("Nele", "10:03", "It is, and so am I, though the rope on the left side is gone."),
    ("Ole", "10:05", "Good, then come down to the pier and bring your own."),
    ("Nele", "10:09", "码头上见，我带一根新的绳子，你带伞。"),
    ("Ole", "10:11", "The umbrella is in the boat, or what is left of it."),
)
MENU = "<nav><a href=/>Home</a><a href=/b>All chats</a></nav><footer>Exported by a program</footer>"


def page(row, before="", after="", rows=SAID):
    body = "".join(row.format(who=who, when=when, words=words) for who, when, words in rows)
    head = "<!DOCTYPE html><html><head><title>Ole</title></head>"
    return f"{head}<body>{before}{body}{after}</body></html>"


LAYOUTS = {
    "bubbles": page(
        "<div class='msg'><div class='msg-author'>{who}</div><div class='bubble'>{words}</div>"
        "<span class='msg-time'>{when}</span></div>"
    ),
    "hashed classes": page(
        "<div class='x1a'><div class='q9'><span class='k2'>{who}</span><time class='t'>{when}"
        "</time></div><div class='z3'><p>{words}</p></div></div>",
        MENU,
    ),
    "table": page("<tr><td>{when}</td><td>{who}</td><td>{words}</td></tr>", "<table>", "</table>"),
    "list": page("<li><b>{who}</b> <i>{when}</i> {words}</li>", "<ul>", "</ul>"),
    "forum": page(
        "<div class='post'><div class='postprofile'><a class='username'>{who}</a><dl><dd>Posts: 12"
        "</dd></dl></div><div class='postbody'><p class='author'>» Mon May 03, 2021 {when}</p>"
        "<div class='content'>{words}</div><a>Quote</a><a>Report</a></div></div>",
        MENU,
    ),
    "chinese forum": page(
        "<div class='floor'><span class='nick'>{who}</span><em>发表于 2021-5-3 {when}</em>"
        "<div class='t_f'>{words}</div><a>回复</a><a>举报</a></div>"
    ),
    "flat": page("<p>{who} {when}</p><p>{words}</p>"),
    "flat in one line": page("<p>[2021-05-03 {when}] {who}: {words}</p>"),
    "line breaks": page("{when} - {who}: {words}<br>"),
    "time at the end": page(
        "<div class=row><strong>{who}</strong><span>{words}</span><small>{when} AM</small></div>"
    ),
    "days ago": page(
        "<section class=c><a class=user>{who}</a><span>3 days ago</span><p>{words}</p></section>"
    ),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_page_of_messages_is_read_by_sender(name):
    file = File("saved.html", LAYOUTS[name].encode())
    assert format_of(file) == "chatpage"
    options, turns = Options(("Nele",)), []
    for conversation in chat_page.conversations(file, options):
        for document in conversations.documents(conversation, "saved.html", options):
            turns += [(turn.question, turn.answer) for turn in document.turns]
    assert turns == [(SAID[0][2], SAID[1][2]), (SAID[2][2], SAID[3][2])]


@pytest.mark.parametrize("name", LAYOUTS)
def test_without_a_chosen_sender_a_page_of_messages_is_left_out_with_a_reason(name, tmp_path):
    (tmp_path / "saved.html").write_text(LAYOUTS[name], encoding="utf-8")
    log = ReadLog()
    assert list(read(tmp_path, log=log)) == []
    assert [part.reason for part in log.removed] == ["whose"]
    assert log.senders() == {"Ole": 3, "Nele": 2}


@pytest.mark.parametrize("quotation", ["div class='quoted'", "blockquote"])
def test_messages_without_a_name_are_of_the_sender_above_and_quotations_are_apart(quotation):
    rows = (
        "<div class='m'><b class='name'>Ole</b><i class='date'>10:02</i><p>Is it afloat?</p></div>"
        "<div class='m'><i class='date'>10:02</i><p>And dry?</p></div>"
        f"<div class='m own'><b class='name'>Nele</b><i class='date'>10:03</i><{quotation}>"
        f"Is it afloat?</{quotation.split()[0]}><p>It is, and the rope<br>is gone.</p></div>"
        "<div class='m'><b class='name'>Ole</b><i class='date'>10:04</i><p>Then come.</p></div>"
    )
    file = File("a.html", page("", rows).encode())
    [chat] = chat_page.conversations(file, Options())
    assert [(m.sender, m.text, m.mine, m.reply_to) for m in chat.messages] == [
        ("Ole", "Is it afloat?", False, None),
        ("Ole", "And dry?", False, None),
        ("Nele", "It is, and the rope\nis gone.", True, "Is it afloat?"),
        ("Ole", "Then come.", False, None),
    ]


POST = (
    "I came down to the pier at 10:02, and the boat was gone. Nobody could tell me who had taken "
    "it, and nobody seemed to mind, so I sat down on the stones and wrote this instead. By 11:15 "
    "the wind had turned, and at 12:30 the first of the gulls came back to look at me."
)


def test_comments_under_a_post_go_and_the_post_stays():
    rows = LAYOUTS["hashed classes"].partition("<body>")[2].partition("</body>")[0]
    file = File(
        "a.html", page("", f"<h1>The pier</h1><article><p>{POST}</p></article>{rows}").encode()
    )
    assert format_of(file) == "html"
    [document] = html.read(file)
    assert document.text == POST.replace("-", "\\-")
    assert "umbrella" in "".join(part.text for part in document.removed)


@pytest.mark.parametrize(
    "body",
    [
        f"<article><p>{POST}</p><p>{POST}</p></article>",
        "<table><tr><th>Time</th><th>Who</th></tr>"
        + "".join(
            f"<tr><td>1{n}:00</td><td>Ann</td><td>The boat, part {n}</td></tr>" for n in range(5)
        )
        + f"</table><p>{POST}</p>",
        "".join(
            f"<div class='post'><h2>Post {n}</h2><span class='author'>Nele</span><time>2021-05-"
            f"0{n + 1}</time><p>{POST}</p></div>"
            for n in range(4)
        ),
        "<ul>"
        + "".join(f"<li>1{n}:00 we walked on, and nothing happened.</li>" for n in range(5))
        + "</ul>",
    ],
)
def test_a_post_a_timetable_a_blog_and_a_diary_are_no_conversations(body):
    assert format_of(File("a.html", page("", body).encode())) == "html"
