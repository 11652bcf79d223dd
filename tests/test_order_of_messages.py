"""Which message comes before which: the newest first, threads, and posts without an id."""

import json

import pytest
from conversation_makers import knowing, of, turns

from twinlib.corpus import conversations
from twinlib.corpus.readers.chats import chat_text, message_json, whatsapp
from twinlib.text.inputs.input_file import Options

LAYOUTS = {
    "android": "{d}/{m}/23, {H:02}:{M:02} - {who}: {text}\n",
    "iphone": "[{d}.{m}.23, {H:02}:{M:02}:{S:02}] {who}: {text}\n",
    "dated": "2023-{m:02}-{d:02} {H:02}:{M:02}:{S:02} {who}\n{text}\n\n",
    "signed": "{who} 2023/{m}/{d} {H:02}:{M:02}\n{text}\n\n",
    "bracketed": "[{d:02}/{m:02}/2023 {H:02}:{M:02}] {who}\n{text}\n\n",
    "spoken": "2023-{m:02}-{d:02} {H:02}:{M:02}, {who} : {text}\n",
    "clock alone": "{H:02}:{M:02} {who}: {text}\n",
    "clock behind": "{who} {H:02}:{M:02}\n{text}\n\n",
    "half days": "{who} {h12}:{M:02} {ap}\n{text}\n\n",
    "stacked": "2023-{m:02}-{d:02} {H:02}:{M:02}\n{who}\n{text}\n\n",
    "under": "{who}\n2023-{m:02}-{d:02} {H:02}:{M:02}\n{text}\n\n",
    "signs": "({H:02}.{M:02}) <{who}> {text}\n",
    "letters": "{who} @ {H}h{M:02}: {text}\n",
    "fields": "From: {who}\nDate: 2023-{m:02}-{d:02} {H:02}:{M:02}\nMessage: {text}\n\n",
    "below": "{text}\n— {who}, 2023-{m:02}-{d:02} {H:02}:{M:02}\n\n",
}
TALK = (
    ("Anna", "are you at the stall on sunday?"),
    ("Ning", "only when it does not rain."),
    ("Anna", "what if it does rain?"),
    ("Ning", "then I mend the yellow bicycle at home."),
    ("Ben", "whose bicycle is it?"),
    ("Ning", "it was my father's, and then mine."),
    ("Anna", "does the bell still ring?"),
    ("Ning", "it rings when nobody touches it."),
    ("Ben", "that is a ghost"),
    ("Ning", "that is a loose screw, which I like."),
    ("Anna", "bring it along next week"),
    ("Ning", "if you bring the cake with the plums."),
)


def written_in(layout, began):
    """[the lines of each message of TALK], an answer in the minute of its question."""
    parts = []
    for number, (who, text) in enumerate(TALK):
        hour, minute = divmod(began + number // 2 * 7, 60)
        day, hour = 17 + hour // 24, hour % 24
        half = {"h12": (hour - 1) % 12 + 1, "ap": "AM" if hour < 12 else "PM"}
        values = {"d": day, "m": 5, "H": hour, "M": minute, "S": number, **half}
        parts.append(LAYOUTS[layout].format(who=who, text=text, **values))
    return parts


def messages_of(text):
    file = of("a.txt", text)
    (reader,) = knowing(file)
    (chat,) = {"chat": chat_text, "whatsapp": whatsapp}[reader].conversations(file, Options())
    return chat.messages


@pytest.mark.parametrize("began", ["noon", "midnight"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_chat_in_text_is_the_same_with_its_newest_message_first(layout, began):
    parts = written_in(layout, {"noon": 11 * 60 + 40, "midnight": 23 * 60 + 50}[began])
    oldest_first = messages_of("".join(parts))
    assert tuple((message.sender, message.text) for message in oldest_first) == TALK
    assert messages_of("".join(reversed(parts))) == oldest_first


def test_a_message_without_a_time_keeps_its_place_when_a_chat_is_turned():
    parts = written_in("signed", 600)
    parts[4] = "Ben:\nwhose bicycle is it?\n\n"
    assert messages_of("".join(reversed(parts))) == messages_of("".join(parts))
    assert [message.time for message in messages_of("".join(reversed(parts)))][4] == ""


def test_what_stands_below_a_message_stays_below_it_when_a_chat_is_turned():
    parts = written_in("bracketed", 600)
    parts[3] += "{Embed}\nA page of others\n\n"
    turned = messages_of("".join(reversed(parts)))
    assert turned == messages_of("".join(parts))
    below = [(message.text, message.skip_reason) for message in turned[3:5]]
    assert below == [(TALK[3][1], ""), ("A page of others", "quote")]


def turns_of_slack(*said):
    """The turns of Ning in a channel: [(minute, minute that the thread began with or '', …)]."""
    listed = [
        {"type": "message", "ts": f"17000000{minute:02}.000100", "user": who, "text": text}
        | ({"thread_ts": f"17000000{thread:02}.000100"} if thread != "" else {})
        for minute, thread, who, text in said
    ]
    file = of("general/2023-11-14.json", json.dumps(listed), near=lambda path: None)
    (chat,) = message_json.conversations(file, Options())
    documents = conversations.documents(chat, "a", Options(me=("Ning",)))
    return [(turn.question, turn.answer) for month in documents for turn in month.turns]


def test_a_reply_in_a_thread_of_slacks_answers_what_was_asked_there():
    asked, other = "Who has the key to the boat house?", "The market closes early today."
    mine, more = "It hangs behind the blue door.", "Under the second hook, to be exact."
    later, last = "And the key to the pump?", "That one I gave to Ben on Monday."
    assert turns_of_slack(
        (1, 1, "Anna", asked),
        (2, "", "Ben", other),
        (3, 1, "Ning", mine),
        (4, 1, "Ning", more),
        (5, "", "Ben", "Is there any bread left?"),
        (6, 1, "Anna", later),
        (7, "", "Ben", "never mind, I found some"),
        (8, 1, "Ning", last),
        (9, "", "Ning", "Bread is in the tin, as always."),
    ) == [
        (asked, f"{mine}\n{more}"),
        (later, last),
        ("", "Bread is in the tin, as always."),
    ]


def test_a_reply_in_a_thread_of_another_file_or_of_ones_own_answers_nobody_in_the_channel():
    said = (2, "", "Ben", "The market closes early today.")
    for thread, began in ((0, ()), (1, ((1, 1, "Ning", "I lost my hat on the ferry."),))):
        reply = (3, thread, "Ning", "It was a grey one, and old.")
        assert turns_of_slack(*began, said, reply)[-1] == ("", "It was a grey one, and old.")


def test_tweets_without_an_id_are_posts_of_their_own():
    times = ("Wed Oct 10 20:19:24 +0000 2018", "Fri Oct 12 20:19:24 +0000 2018")
    said = ("The first tightened bolt of the year.", "A second one, two days later.")
    plain = [{"created_at": time, "full_text": text} for time, text in zip(times, said)]
    for extra in ({}, {"id_str": ""}, {"in_reply_to_status_id_str": ""}):
        text = json.dumps([{"tweet": {**tweet, **extra}} for tweet in plain])
        file = of("tweets.js", f"window.YTD.tweets.part0 = {text}", near=lambda path: None)
        assert turns(file) == [("", text) for text in said]
