"""The archive of X (Twitter): data/tweets.js and its parts, `window.YTD.tweets.part0 = [{…}, …]`.

Retweets are left out and threads joined. The full text of long tweets is in note-tweet.js; the
archive's other .js files are data. Format: the README.txt of every archive.
"""

import html
import re
from collections.abc import Iterator

from ....text.inputs.encoding import Unreadable
from ....text.inputs.input_file import File, Options
from ....text.inputs.json_values import as_dict, as_dicts, as_str, load, load_file
from .. import dates
from .messages import Conversation, Message

_START = re.compile(r"\s*window\.YTD\.(?:tweets?|community_tweets?)\.part\d+\s*=\s*\[")
_NOTES = re.compile(r"\s*window\.YTD\.note_tweets?\.part\d+\s*=\s*")
_SHORT_LINK = re.compile(r"(?<!\s)\s*https?://t\.co/\w+")
_MENTIONS = re.compile(r"(?:\s*@\w{1,20})+\s+")


def looks_like(file: File) -> bool:
    """Whether the file starts like tweets.js of the archive."""
    return bool(_START.match(file.head[:200].decode("utf-8", "replace").lstrip("\ufeff")))


def conversations(file: File, options: Options) -> Iterator[Conversation]:
    """Yield one Conversation of posts in order of time. Raises Unreadable."""
    items = as_dicts(load_file(file, file.text.partition("=")[2].strip().rstrip(";")))
    tweets = [as_dict(item.get("tweet", item)) for item in items]
    notes = _notes(file)
    own = {
        _id(tweet) or f"without an id, {number}": tweet
        for number, tweet in enumerate(tweets)
        if not _is_repost(tweet)
    }
    threads = {}
    for name, tweet in sorted(own.items(), key=lambda item: _number(item[0])):
        threads.setdefault(_thread_of(name, own), []).append((tweet, _text(tweet, notes)))
    messages = [_message(thread) for thread in threads.values()]
    reposts = filter(_is_repost, tweets)
    messages += [Message("", _text(t, []), _time(t), True, "repost") for t in reposts]
    messages = [message for message in messages if message.text]
    if not messages:
        raise Unreadable("empty")
    yield Conversation("", sorted(messages, key=lambda message: message.time), "post")


def _message(thread):
    """The Message of a thread: [(tweet, text)] of the owner, in order."""
    text = "\n\n".join(text for _, text in thread if text)
    return Message("", text, _time(thread[0][0]), True)


def _is_repost(tweet):
    return _raw(tweet).startswith("RT @") or "retweeted_status" in tweet


def _raw(tweet):
    return as_str(tweet.get("full_text")) or as_str(tweet.get("text"))


def _text(tweet, notes):
    text = html.unescape(_raw(tweet))
    long = _SHORT_LINK.sub("", text).rstrip()
    if long.endswith("…"):
        text = next((note for note in notes if note.startswith(long[:-1].rstrip()[:150])), text)
    keys = ("in_reply_to_status_id_str", "in_reply_to_user_id_str")
    if any(as_str(tweet.get(key)) for key in keys) and _MENTIONS.match(text):
        text = _MENTIONS.sub("", text, count=1)
    return _SHORT_LINK.sub("", text).strip()


def _id(tweet):
    return as_str(tweet.get("id_str")) or as_str(tweet.get("id"))


def _number(name):
    return int(name) if name.isascii() and name.isdecimal() and len(name) < 30 else 0


def _thread_of(name, own):
    """The id of the owner's tweet that a thread begins with."""
    seen = set()
    while name not in seen:
        seen.add(name)
        tweet = own[name]
        above = as_str(tweet.get("in_reply_to_status_id_str")) or as_str(
            tweet.get("in_reply_to_status_id")
        )
        name = above if above in own else name
    return name


def _time(tweet):
    (time,) = dates.times([as_str(tweet.get("created_at"))])
    return time


def _notes(file):
    """The full texts of long tweets, of which tweets.js has only the start."""
    content = (file.near("note-tweet.js") or b"").decode("utf-8", "replace")
    head = _NOTES.match(content)
    if not head:
        return []
    try:
        items = as_dicts(load(content[head.end() :].strip().rstrip(";")))
    except Unreadable:
        return []
    texts = [as_dict(as_dict(item.get("noteTweet")).get("core")).get("text") for item in items]
    return [html.unescape(text) for text in texts if isinstance(text, str)]
