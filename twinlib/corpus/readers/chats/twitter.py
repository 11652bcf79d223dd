"""The archive of X (Twitter): data/tweets.js and its parts, `window.YTD.tweets.part0 = [{"tweet": {…}}, …]`.

Retweets are left out, threads joined; the archive's other .js files are data (note-tweet.js is read beside the tweets:
it has the whole text of long ones). Format: the README.txt in every archive.
"""

import html
import re

from .. import dates, json_values
from ..encoding import Unreadable
from ..input_file import Conversation
from .messages import Said

START = re.compile(r"\s*window\.YTD\.(?:tweets?|community_tweets?)\.part\d+\s*=\s*\[")
NOTES = re.compile(r"\s*window\.YTD\.note_tweets?\.part\d+\s*=\s*")
SHORT_LINK = re.compile(r"(?<!\s)\s*https?://t\.co/\w+")
MENTIONS = re.compile(r"(?:\s*@\w{1,20})+\s+")


def looks_like(file):
    """Does the file start as the archive's tweets do?"""
    return START.match(file.head[:200].decode("utf-8", "replace").lstrip("\ufeff")) is not None


def conversations(file, options):
    """Yield one Conversation of posts, the owner's utterances in time; raises Unreadable."""
    items = json_values.records(json_values.load(file.text.partition("=")[2].strip().rstrip(";")))
    tweets = [json_values.inside(item.get("tweet", item)) for item in items]
    notes = _notes(file)
    own = {_id(tweet): tweet for tweet in tweets if not _repost(tweet)}
    threads = {}
    for name, tweet in sorted(own.items(), key=lambda item: _order(item[0])):
        threads.setdefault(_root(name, own), []).append((tweet, _text(tweet, notes)))
    said = [_said(thread) for thread in threads.values()]
    said += [
        Said("", _text(tweet, {}), _time(tweet), True, "repost")
        for tweet in tweets
        if _repost(tweet)
    ]
    said = [one for one in said if one.text]
    if not said:
        raise Unreadable("empty")
    yield Conversation("", sorted(said, key=lambda one: one.time), "post")


def _said(thread):
    return Said("", "\n\n".join(text for _, text in thread if text), _time(thread[0][0]), True)


def _repost(tweet):
    return _raw(tweet).startswith("RT @") or "retweeted_status" in tweet


def _raw(tweet):
    return json_values.string(tweet.get("full_text")) or json_values.string(tweet.get("text"))


def _text(tweet, notes):
    text = html.unescape(_raw(tweet))
    long = SHORT_LINK.sub("", text).rstrip()
    if long.endswith("…"):
        text = next((note for note in notes if note.startswith(long[:-1].rstrip()[:150])), text)
    if json_values.string(tweet.get("in_reply_to_status_id_str")) or json_values.string(
        tweet.get("in_reply_to_user_id_str")
    ):
        text = MENTIONS.sub("", text, count=1) if MENTIONS.match(text) else text
    return SHORT_LINK.sub("", text).strip()


def _id(tweet):
    return json_values.string(tweet.get("id_str")) or json_values.string(tweet.get("id"))


def _order(name):
    return int(name) if name.isascii() and name.isdecimal() and len(name) < 30 else 0


def _root(name, own):
    """The id that a thread of the owner's begins with."""
    seen = set()
    while name not in seen:
        seen.add(name)
        above = json_values.string(
            own[name].get("in_reply_to_status_id_str")
        ) or json_values.string(own[name].get("in_reply_to_status_id"))
        name = above if above in own else name
    return name


def _time(tweet):
    return next(iter(dates.times([json_values.string(tweet.get("created_at"))])))


def _notes(file):
    """The whole texts of long tweets, of which tweets.js has only the start."""
    try:
        content = (file.near("note-tweet.js") or b"").decode("utf-8", "replace")
        items = (
            json_values.load(content[NOTES.match(content).end() :].strip().rstrip(";"))
            if NOTES.match(content)
            else []
        )
    except Unreadable:
        return []
    found = (
        json_values.inside(json_values.inside(item.get("noteTweet")).get("core")).get("text")
        for item in json_values.records(items)
    )
    return [html.unescape(text) for text in found if isinstance(text, str)]
