"""Exports in the layouts that programs write today, also short ones, are read by sender."""

import json

import pytest

from twinlib.corpus import readers
from twinlib.corpus.readers.dates import times

OWN = ("the ladder is back in the shed", "bring the long rope on Friday")
ASKED = ("did the plumber ring you", "the market closes early")
TALK = [("Ole", ASKED[0]), ("Karl", OWN[0]), ("Ole", ASKED[1]), ("Karl", OWN[1])]


def said(form, talk=TALK):
    """A chat in a form with {who}, {n} (of two digits) and {words}."""
    return "".join(form.format(who=w, n=f"{n:02}", words=x) for n, (w, x) in enumerate(talk, 10))


def learnt(folder, name, text, me="Karl"):
    """The lines that are learnt as the owner's; None for a file that is left out."""
    file = folder / name
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    log = readers.ReadLog()
    documents = list(readers.read(file, readers.Options((me,) if me else ()), log))
    if not documents and not any(chat["senders"] for chat in log.chats.values()):
        return None
    texts = [t.answer for d in documents for t in d.turns or []]
    texts += [d.text for d in documents if not d.turns]
    return [line for text in texts for line in text.split("\n") if line]


def senders(folder, name, text):
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return set(readers.survey(file).senders)


FOUR = [("Ole", ASKED[0]), ("Karl", OWN[0]), ("Ann", ASKED[1]), ("Ida", "so it does")]
SHORT = {  # nobody, or hardly anybody, writes twice
    "android.txt": "".join(
        f"{day}, 10:{n} - {who}: {words}\n"
        for day, n, (who, words) in zip(
            ("1/3/24", "7/3/24", "9/4/24", "2/5/24"), range(10, 14), FOUR
        )
    ),
    "iphone.txt": said("[{n}.03.24 10:{n}:05] {who}: {words}\n", FOUR),
    "signal.md": said("[2024-03-{n}, 10:{n}] {who}: {words}\n", FOUR[:3]),
    "zoom.txt": said("10:{n}:05\t From  {who} : {words}\n", FOUR),
    "zoom german.txt": said("10:{n}:05 Von {who} an Alle: {words}\n", FOUR),
    "qq.txt": said("2024-03-{n} 10:{n}:05 {who}(12345{n})\n{words}\n\n", FOUR),
    "qq mail.txt": said("2024-03-{n} 10:{n}:05 {who}<{who}@a.example>\n{words}\n\n", FOUR),
    "line.txt": "2024/03/05(火)\n" + said("10:{n}\t{who}\t{words}\n", FOUR[:2]),
    "kakao.txt": "Boats with KakaoTalk Chats\nDate Saved : March 9, 2024, 1:08 PM\n\n"
    + said("March 5, 2024, 10:{n} AM, {who} : {words}\n", FOUR[:2]),
    "kakao phone.txt": "Talk_2024.3.9 13:08-1.txt\nDate Saved : Mar 9, 2024 at 13:08\n\n"
    "Tuesday, March 5, 2024\n" + said("Mar 5, 2024 at 10:{n}, {who} : {words}\n", FOUR[:2]),
    "kakao older.txt": "KakaoTalk Chats with Ole\nDate Saved : 1:08PM, March 9, 2024\n\n\n"
    + said("10:{n}AM, March 5, 2024, {who} : {words}\n", FOUR[:2]),
    "kakao korean.txt": "올레 님과 카카오톡 대화\n저장한 날짜 : 2024년 3월 9일 오후 1:08\n\n\n"
    + said("2024년 3월 5일 오전 10:{n}, {who} : {words}\n", FOUR[:2]),
}


@pytest.mark.parametrize("name", SHORT)
def test_a_short_chat_of_a_known_program_is_read_by_sender(name, tmp_path):
    assert learnt(tmp_path, name, SHORT[name]) == [OWN[0]]


def test_two_forms_of_whatsapp_in_one_file_are_both_read(tmp_path):
    text = "3/14/24, 10:10 AM - Ole: did the plumber ring\n"
    text += "3/14/24, 10:11 AM - Karl: the ladder is back in the shed\nand the rope\n"
    text += "[14/03/2024, 10:12:03 AM] Ann: the market closes early\n"
    text += "[14/03/2024, 10:13:03 AM] Karl: bring the long rope on Friday\n"
    assert learnt(tmp_path, "a.txt", text) == [OWN[0], "and the rope", OWN[1]]


def test_the_days_of_a_diary_and_a_table_with_tabs_are_no_chats(tmp_path):
    diary = "".join(f"{n}/5/2023, 21:03 - Tea: hot\n\n" for n in range(1, 6))
    table = "10:10\tboat\tblue\n10:11\toar\tred\n10:12\tsail\twhite\n"
    assert not senders(tmp_path, "diary.txt", diary)
    assert not senders(tmp_path, "table.txt", table)


JAPANESE = [
    ("森 健", "雨は止みましたか"),
    ("林 薫", "傘を持って行きます"),
    ("森 健", "駅で待ちます"),
]


def test_zooms_words_around_names_are_no_part_of_them(tmp_path):
    form = "10:{n}:05 開始 {who} に 全員 : {words}\n"
    text = (
        said(form, JAPANESE)
        + "10:20:05 開始 林 薫 に 森 健（ダイレクトメッセージ） : 三番の出口です\n"
    )
    assert senders(tmp_path, "a.txt", text) == {"森 健", "林 薫"}
    assert learnt(tmp_path, "a.txt", text, "林 薫") == ["傘を持って行きます", "三番の出口です"]
    spanish = said("10:{n}:05 De {who} a Todos: {words}\n")
    spanish += "10:20:05 De Karl a Ole (mensaje directo): and the short one\n"
    assert senders(tmp_path, "b.txt", spanish) == {"Ole", "Karl"}
    assert learnt(tmp_path, "b.txt", spanish) == [*OWN, "and the short one"]


def test_time_before_day_is_read(tmp_path):
    assert times(["10:46PM, November 22, 2013"]) == ["2013-11-22T22:46:00"]
    text = SHORT["kakao older.txt"]
    assert senders(tmp_path, "a.txt", text) == {"Ole", "Karl"}


ADDRESSED = [
    ("ole", "karl: did the plumber ring you"),
    ("karl", "ole: not before noon, he said"),
    ("ole", "ann: and the roof"),
    ("ann", "karl: ask him about the roof"),
    ("karl", "ann: the roof is dry"),
    ("ole", "karl: good"),
]


def test_whom_a_line_of_irc_addresses_is_not_its_sender(tmp_path):
    asked = ["did the plumber ring", "and the roof", "is it the old one", "that is all then"]
    answers = [
        "not before noon, he said",
        "the roof is dry",
        "it is the new one",
        "I will be there at eight",
    ]
    own = [f"ole: {answer}" for answer in answers]
    talk = [turn for a, b in zip(asked, own) for turn in (("ole", f"karl: {a}"), ("karl", b))]
    text = said("[10:{n}] <{who}> {words}\n", [*talk, ("ann", "good morning")])
    assert senders(tmp_path, "a.txt", text) == {"ole", "karl", "ann"}
    assert learnt(tmp_path, "a.txt", text, "karl") == own
    more = [("ann", "good morning"), ("karl", "<ole> karl: and the roof")]  # which is copied
    text = said("[00:{n}:05] <{who}> {words}\n", [*talk, *more])
    text = (
        "[00:00:01] *** Joins: ida (~ida@host.example)\n" + text + "=== ida is now known as ido\n"
    )
    assert senders(tmp_path, "b.txt", text) == {"ole", "karl", "ann"}
    assert learnt(tmp_path, "b.txt", text, "karl") == own


def test_joins_and_whole_addresses_of_irc_are_no_names(tmp_path):
    text = said("[10:{n}:05] <{who}> {words}\n", ADDRESSED)
    text += "[10:40:05] ida (~ida@host.example) left irc: Quit: so long\n"
    assert senders(tmp_path, "a.txt", text) == {"ole", "karl", "ann"}
    form = "[2024-03-14 10:{n}] <{who}!n={who}@1.2.3.example> +{words}\n"
    assert senders(tmp_path, "b.log", said(form, ADDRESSED)) == {"ole", "karl", "ann"}
    own = ["ole: not before noon, he said", "ann: the roof is dry"]
    assert learnt(tmp_path, "b.log", said(form, ADDRESSED), "karl") == own


def test_a_log_of_weechat_is_read_whatever_it_is_called(tmp_path):
    text = said("2024-03-14 10:{n}:05\t{who}\t{words}\n", ADDRESSED)
    text += "2024-03-14 10:40:05\t-->\tida (~ida@host.example) has joined #boats\n"
    assert senders(tmp_path, "irc.a.weechatlog", text) == {"ole", "karl", "ann"}


def test_what_others_wrote_among_saved_messages_of_telegram_is_not_the_owners(tmp_path):
    rows = [
        {"id": n, "type": "message", "date": f"2024-03-14T10:{n}:00", "from": who, "text": words}
        | {"from_id": f"user{len(who)}"}
        for n, (who, words) in enumerate(TALK, 10)
    ]
    export = {"name": None, "type": "saved_messages", "id": 4, "messages": rows}
    assert learnt(tmp_path, "result.json", json.dumps(export), "") == list(OWN)


def test_colours_in_a_log_are_left_out(tmp_path):
    text = said("\x0301[10:{n}] <{who}> \x02{words}\x0f\n", ADDRESSED)
    assert senders(tmp_path, "a.txt", text) == {"ole", "karl", "ann"}
    assert learnt(tmp_path, "b.txt", b"\x00\x01\x02\x03 not a text \x07" * 40) is None


def test_a_short_log_with_the_times_of_machines_is_no_prose(tmp_path):
    text = "[2024-03-14T10:10:50+0100] ole (a@b.example) joined the channel\n"
    text += "[2024-03-14T10:11:50+0100] <ole> any news of the boat?\n"
    text += "[2024-03-14T10:12:50+0100] karl is now known as karl_\n"
    assert learnt(tmp_path, "a.txt", text, "karl") is None


def test_a_message_below_an_exact_time_is_a_message_hours_later_too(tmp_path):
    hours = ((3, "Ole", ASKED[0]), (9, "Karl", OWN[0]), (20, "Ole", ASKED[1]))
    text = "".join(f"2024-03-05 {h:02}:10:05 {who}\n{words}\n\n" for h, who, words in hours)
    assert learnt(tmp_path, "a.txt", "=====\nsaved\n=====\n\n" + text) == [OWN[0]]


CUES = [("Ann Lund (HOST)", "let us begin"), ("Karl Berg", OWN[0]), ("Karl Berg", OWN[1])]


def test_speakers_of_subtitles_may_have_a_remark_or_speak_once(tmp_path):
    text = "WEBVTT\n\n" + said("00:00:{n}.000 --> 00:00:{n}.900\n{who}: {words}\n\n", CUES)
    assert senders(tmp_path, "a.vtt", text) == {"Ann Lund", "Karl Berg"}
    assert " ".join(learnt(tmp_path, "a.vtt", text, "Karl Berg")) == " ".join(OWN)
    once = [("Host", "let us begin"), ("P7", "yes please"), ("Host", "good"), ("P3", "me too")]
    text = said("{n}\n00:{n}:00,000 --> 00:{n}:00,200\n<b>{who}</b>: {words}\n\n", once)
    assert senders(tmp_path, "b.srt", text) == {"Host", "P7", "P3"}


def test_a_transcript_in_markdown_is_read_by_speaker(tmp_path):
    form = "**{who}** (00:00:{n})  \n{words}\n\n"
    text = "# Harbour meeting\n\n## Transcript\n\n" + said(form, TALK * 2).replace(
        ":10)", ":00)", 1
    )
    assert senders(tmp_path, "a.md", text) == {"Ole", "Karl"}


VOICE = (
    '<div class="message"><abbr class="dt" title="2024-03-14T10:{n}:00.000-05:00">Mar 14, 2024, '
    '10:{n}:00 AM Eastern Time</abbr>:\n<cite class="sender vcard"><a class="tel" '
    'href="tel:+1555010{n}">{who}</a></cite>:\n<q>{words}</q></div>'
)
PAGE = '<html><body><div class="hChatLog hfeed">{}</div><div class="tags">Labels: <a>Text</a></div>\
<div class="deletedStatusContainer">User Deleted: False</div></body></html>'
ME, OTHER = '<abbr class="fn" title="">Me</abbr>', '<span class="fn">Ole Dahl</span>'


def test_pages_of_google_voice_are_read_by_sender(tmp_path):
    talk = [(OTHER, ASKED[0]), (ME, "the ladder is back<br>in the shed"), (ME, "MMS Sent")]
    assert learnt(tmp_path, "a.html", PAGE.format(said(VOICE, talk)), "") == [
        "the ladder is back",
        "in the shed",
    ]


def test_a_page_of_google_voice_with_others_messages_alone_is_not_learnt(tmp_path):
    page = PAGE.format(said(VOICE, [(OTHER, ASKED[0])]))
    assert learnt(tmp_path, "a.html", page, "") == []
    nameless = PAGE.format(said(VOICE, [('<span class="fn"></span>', ASKED[0])]))
    assert senders(tmp_path, "b.html", nameless) == {"+155501010"}
    call = '<html><body><div class="haudio"><span class="fn">Voicemail from Ole</span><span '
    call += 'class="full-text">Please ring me back about the boat.</span></div></body></html>'
    assert learnt(tmp_path, "c.html", call, "") is None


BUBBLE = (
    '<div class="message"><div class="{side}"><p><span class="timestamp">Mar 14, 2024 10:{n}:05 AM '
    '(Read by you after 5 seconds)</span> <span class="sender">{who}</span></p><hr>{parts}</div>'
    "</div>"
)
PART = '<div class="message_part"><span class="bubble">{}</span></div>'


def bubble(n, who, parts):
    side = "sent iMessage" if who == "Me" else "received"
    return BUBBLE.format(n=n, who=who, side=side, parts=parts)


def test_pages_of_imessages_exporter_are_read_with_their_threads(tmp_path):
    edited = (
        '<div class="message_part"><div class="edited"><table><tbody><tr><td></td><td>bring the \
rop</td></tr></tbody><tfoot><tr><td><span class="timestamp">Edited 9 seconds later</span></td><td>\
bring the long rope on Friday</td></tr></tfoot></table></div></div>'
    )
    card = '<div class="message_part"><div class="app"><b>A shop for ropes</b></div></div>'
    reaction = '<div class="reactions"><p>Reactions:</p><b>Loved</b> by Me</div>'
    reply = f'<div class="replies"><div class="reply">{bubble(12, "Me", edited)}</div></div>'
    page = bubble(10, "+15550123", PART.format(ASKED[0]) + reaction + reply)
    page += bubble(13, "Me", card) + bubble(14, "Me", PART.format(OWN[0]))
    page += '<div class="announcement"><p>You renamed the conversation</p></div>'
    page = f"<html><body>{page}</body></html>"
    assert learnt(tmp_path, "a.html", page, "") == [OWN[1], OWN[0]]


def test_the_text_below_a_head_of_facebooks_page_belongs_to_it(tmp_path):
    form = '<div class="message"><div class="message_header"><span class="user">{who}</span><span \
class="meta">Friday, March 15, 2024 at 10:{n}pm PDT</span></div></div><p>{words}</p>'
    page = f'<html><body><div class="thread">Ole 一, Karl 二{said(form)}</div></body></html>'
    page = page.replace(">Ole<", ">Ole 一<").replace(">Karl<", ">Karl 二<")
    assert senders(tmp_path, "a.htm", page) == {"Ole 一", "Karl 二"}
    assert learnt(tmp_path, "a.htm", page, "Karl 二") == list(OWN)


def test_a_page_whose_owners_messages_are_marked_within_is_read(tmp_path):
    form = '<li class="entry"><div class="{side}"><b class="who">{who}</b><i class="at">10:{n}</i>\
<span class="words">{words}</span></div></li>'
    talk = [("outgoing" if who == "Karl" else "incoming", who, x) for who, x in TALK]
    rows = [form.format(side=s, who=w, n=n, words=x) for n, (s, w, x) in enumerate(talk, 10)]
    page = f"<html><body><ul>{''.join(rows)}</ul></body></html>".replace("Ole", "+1 555 0123")
    assert learnt(tmp_path, "a.html", page, "") == list(OWN)


def hangouts(n, who, words):
    message = {"message_content": {"segment": [{"type": "TEXT", "text": words}]}} if words else {}
    sender = {"gaia_id": f"1{len(who)}", "chat_id": f"1{len(who)}"}
    return {"sender_id": sender, "timestamp": f"17104{n}00000000", "chat_message": message}


def listed(make):
    return [make(n, who, words) for n, (who, words) in enumerate(TALK, 10)]


PEOPLE = [{"id": {"gaia_id": f"1{len(who)}"}, "fallback_name": who} for who in ("Ole", "Karl")]
LISTS = {
    "skype": {
        "userId": "8:me",
        "conversations": [
            {
                "id": "8:ole",
                "displayName": "Ole",
                "MessageList": listed(
                    lambda n, who, words: {
                        "displayName": who,
                        "originalarrivaltime": f"2024-03-14T10:{n}:00.000Z",
                        "messagetype": "RichText",
                        "content": words,
                        "from": "8:me" if who == "Karl" else "8:ole",
                    }
                ),
            }
        ],
    },
    "hangouts": {
        "conversations": [
            {
                "conversation": {"conversation": {"participant_data": PEOPLE}},
                "events": [hangouts(19, "Ole", ""), *listed(hangouts)],
            }
        ]
    },
    "snapchat": {
        "Chat History": listed(
            lambda n, who, words: {
                "From": who,
                "Media Type": "TEXT",
                "Created": f"2024-03-14 10:{n}:00 UTC",
                "Text": words,
            }
        )
    },
    "teams": {
        "messages": listed(
            lambda n, who, words: {
                "from": {"user": {"displayName": who, "id": who}},
                "createdDateTime": f"2024-03-14T10:{n}:00Z",
                "body": {"contentType": "text", "content": words},
                "messageType": "message",
            }
        )
    },
    "rocketchat": {
        "messages": listed(
            lambda n, who, words: {
                "u": {"_id": who, "username": who.lower(), "name": who},
                "msg": words,
                "ts": f"2024-03-14T10:{n}:00.000Z",
            }
        )
    },
    "hipchat": {
        "items": listed(
            lambda n, who, words: {
                "from": {"id": len(who), "name": who},
                "message": words,
                "date": f"2024-03-14T10:{n}:00.000+00:00",
                "type": "message",
            }
        )
    },
    "telegram": {
        "chats": {
            "list": [
                {
                    "name": "Boats",
                    "messages": listed(
                        lambda n, who, words: {
                            "type": "message",
                            "date_unixtime": f"17104{n}000",
                            "from": who,
                            "text": [{"type": "bold", "text": words[:5]}, words[5:]],
                        }
                    ),
                }
            ]
        }
    },
}


@pytest.mark.parametrize("name", LISTS)
def test_lists_of_messages_are_found_under_any_key(name, tmp_path):
    text = json.dumps(LISTS[name])
    assert senders(tmp_path, "a.json", text) == {"Ole", "Karl"}
    assert learnt(tmp_path, "a.json", text) == list(OWN)


def test_hangouts_says_who_the_owner_is(tmp_path):
    export = json.loads(json.dumps(LISTS["hangouts"]))
    state = {"self_read_state": {"participant_id": {"gaia_id": "14"}}}
    conversation = export["conversations"][0]["conversation"]["conversation"]
    conversation["self_conversation_state"] = state
    assert learnt(tmp_path, "a.json", json.dumps(export), "") == list(OWN)


def test_what_no_sender_and_time_belong_to_is_no_list_of_messages(tmp_path):
    export = {"recipes": [{"name": "Soup", "text": "Boil the peas for an hour."}] * 3}
    assert learnt(tmp_path, "a.json", json.dumps(export)) is None


def test_slacks_sentences_about_their_sender_are_not_the_senders(tmp_path):
    texts = ["<@U1|karl> uploaded a file: <https://a.example/f|plan>", f"<@U2> {OWN[0]}"]
    rows = [
        {"type": "message", "user": "U1", "username": "karl", "ts": f"17104{n}000.1", "text": text}
        for n, text in enumerate(texts, 10)
    ]
    rows[1]["slackdump_thread_replies"] = [{**rows[1], "ts": "1710413000.1", "text": OWN[1]}]
    rows[1] = {**rows[1], "user": "U1"}
    lines = learnt(tmp_path, "a.json", json.dumps({"messages": rows}), "karl")
    assert [line.removeprefix("@U2 ") for line in lines] == list(OWN)


def sms(kind, words, number="+15550123", name="Ole Dahl"):
    return (
        f'<sms address="{number}" date="17104{10 + len(words):02}000000" type="{kind}" '
        f'body="{words}" read="1" contact_name="{name}" />\n'
    )


def test_a_backup_of_text_messages_says_what_the_owner_sent(tmp_path):
    text = '<?xml version="1.0" encoding="UTF-8"?>\n<smses count="5">\n'
    text += sms(1, ASKED[0]) + sms(2, "the ladder &#55357;&#56832; is &quot;back&quot; &gt; here")
    text += sms(3, "a draft that was never sent") + sms(1, "your code is 1234", "77", "(Unknown)")
    text += '<mms date="1710499000000" msg_box="2" address="+15550123" contact_name="Ole Dahl">'
    text += '<parts><part seq="0" ct="application/smil" text="&lt;smil/>" /><part seq="1" '
    text += (
        f'ct="text/plain" text="{OWN[1]}" /></parts><addrs><addr address="+15550123" type="151" />'
    )
    text += "</addrs></mms>\n</smses>\n"
    assert learnt(tmp_path, "a.xml", text, "") == ['the ladder 😀 is "back" > here', OWN[1]]
    assert senders(tmp_path, "a.xml", text) == {"me", "Ole Dahl", "77"}
