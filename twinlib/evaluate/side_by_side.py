"""The page to read: the same questions, every voice's answer and the author's real passage, as HTML.

It opens blind: the texts of a question are in an order of their own, A, B, C, all cut to about the
same length, and whose they are appears once the owner has picked one. Like the blind test's page it
needs no network and may use none. Its texts come from models, so they travel packed and only ever
become text nodes.
"""

import re

from ..files import content_id
from ..i18n import choose, language, t
from ..progress import width
from ..text import labels
from ..text.templates import without_thinking
from .blind_test.page import MAX_BYTES, filled
from .blind_test.pairs import same_length, whole_sentences

_MAX_QUESTIONS = 12
_MAX_TEXT = 3000  # UTF-8 bytes of a text: 1000 Chinese characters, 500 English words
_ENDED = re.compile(r"[.!?。！？…~～”’\"'」』）)]$")


def page(pages: list[dict], author: str) -> str:
    """The HTML of up to 12 of the pages [{question, real, VARIANT: text…}], from all along the list.

    There are fewer where so many would be larger than page.MAX_BYTES; '' of no pages.
    """
    for count in range(min(_MAX_QUESTIONS, len(pages)), 0, -1):
        some = [pages[i * len(pages) // count] for i in range(count)]
        cards = [card(one, author) for one in some]
        content = {"language": language(), "words": _words(), "cards": cards}
        html = filled("side_by_side.html", content)
        if len(html.encode()) <= MAX_BYTES:
            return html
    return ""


def real_name(author: str) -> str:
    """What people call the author's own passage."""
    return t("evaluate.real_text", author=author)


def card(page: dict, author: str, seed: str = "") -> dict:
    """{question, real, voices} of one page: whether it has the author's passage, and who says what.

    A voice is {text, rest, names, kind, place}: `rest` is what was cut off; those who say the same
    are one voice; `kind` is real, twin or other; `place` its position where names are shown. They
    are in the order of the hashes of what they say (and `seed`), which tells nothing and is the same
    every time.
    """
    texts = {
        name: _clipped(text if name == "real" else without_thinking(text))
        for name, text in page.items()
        if name != "question"
    }
    if not texts.get("real"):
        texts.pop("real", None)
    length, speakers = _length(texts), {}
    for name in sorted(texts, key=_position):
        speakers.setdefault(texts[name], []).append(name)
    voices = {
        text: {
            **_parts(text, length),
            "kind": _kind(names),
            "place": position,
            "names": [_name(one, author) for one in names],
        }
        for position, (text, names) in enumerate(speakers.items())
    }
    shuffled = sorted(voices, key=lambda text: content_id(f"{seed} {page['question']} {text}"))
    return {
        "question": _clipped(page["question"]),
        "real": "real" in texts,
        "voices": [voices[text] for text in shuffled],
    }


def _name(name, author):
    return real_name(author) if name == "real" else choose(labels.variant(name))


def _clipped(text):
    return text.strip().encode("utf-8", "replace")[:_MAX_TEXT].decode("utf-8", "ignore")


def _position(name):
    """Where a voice is when names are shown: the author, the twin, its files, the others."""
    order = ("real", "twin", "twin-", "prompt", "base")
    first = "twin-" if name.startswith("twin-") else name
    return order.index(first) if first in order else len(order)


def _kind(names):
    if "real" in names:
        return "real"
    return "twin" if all(name.startswith("twin") for name in names) else "other"


def _whole(text):
    """A text without the broken sentence at its end; as it is where little would be left."""
    whole = text if _ENDED.search(text) else whole_sentences(text)
    return whole if 2 * width(whole) >= width(text) else text


def _length(texts):
    """The text whose length all are cut to: the twin's longest, or the author's where shorter."""
    of_twin = [text for name, text in texts.items() if name.startswith("twin")]
    others = [text for name, text in texts.items() if name != "real"]
    longest = max(map(_whole, of_twin or others or [""]), key=width)
    return min(filter(None, (longest, texts.get("real", ""))), key=width, default="")


def _parts(text, length):
    """What is shown at first, and what was cut off: so that neither length nor a broken end tells."""
    shown = same_length(_whole(text), length)[0] if length else _whole(text)
    return {"text": shown, "rest": text[len(shown) :].strip()}


def _words():
    """What the page says, in the reader's language; its script fills in what is in braces."""
    return {
        "title": t("evaluate.reading_title"),
        "about": t("evaluate.reading_about"),
        "cut": t("evaluate.reading_texts_are_cut"),
        "privacy": t("evaluate.reading_privacy"),
        "names": t("evaluate.show_names"),
        "begin": t("evaluate.no_pick_yet"),
        "count": t("evaluate.picks_counted"),
        "open": t("evaluate.picks_without_real"),
        "mine": t("evaluate.pick_as_mine"),
        "like": t("evaluate.pick_as_most_like_me"),
        "unwritten": t("evaluate.no_real_text"),
        "right": t("evaluate.pick_right"),
        "wrong": t("evaluate.pick_wrong"),
        "picked": t("evaluate.your_pick"),
        "rest": t("evaluate.read_on"),
        "nothing": t("evaluate.said_nothing"),
    }
