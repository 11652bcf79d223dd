"""An HTML page with all variants' answers to the same questions next to the author's own text.

The texts of a question are shuffled and cut to about the same length; the page shows who wrote
which after the owner has picked one. Like the blind test's page it loads and sends nothing. The
texts come from models, so they are embedded as base64 and shown as text nodes, never as HTML.
"""

import re

from ..files import content_id
from ..i18n import choose, language, t
from ..progress import width
from ..text import labels
from ..text.templates import without_thinking
from .blind_test.page import MAX_BYTES, filled
from .blind_test.pairs import same_length, whole_sentences

PAGE = 12  # questions on a page
_MAX_TEXT = 3000  # UTF-8 bytes of a text: 1000 Chinese characters, 500 English words
_ENDED = re.compile(r"[.!?。！？…~～”’\"'」』）)]$")


def page(pages: list[dict], author: str, visitors: bool = False) -> str:
    """The HTML of at most 12 of the pages [{question, real, VARIANT: text…}], evenly spaced.

    Fewer if the file would be larger than MAX_BYTES; '' without pages. With `visitors` it speaks to
    people who look for the author's text instead of their own.
    """
    words = _page_texts() | (_visitors_texts(author) if visitors else {})
    for count in range(min(PAGE, len(pages)), 0, -1):
        selected = [pages[i * len(pages) // count] for i in range(count)]
        cards = [card(each, author) for each in selected]
        content = {"language": language(), "words": words, "cards": cards}
        html = filled("side_by_side.html", content)
        if len(html.encode()) <= MAX_BYTES:
            return html
    return ""


def real_name(author: str) -> str:
    """The label of the author's own text."""
    return t("evaluate.real_text", author=author)


def card(page: dict, author: str, seed: str = "") -> dict:
    """{question, real, voices} of one page; `real` says whether it has the author's own text.

    A voice is {text, rest, kind, position, names}: `rest` is what was cut off the text, `kind` is
    real, twin or other, `position` its rank once names are shown, and `names` are all authors of
    the same text. Voices are sorted by a hash of their text and `seed`, so their order gives no
    hint and is the same in every run.
    """
    texts = {
        name: _clipped(text if name == "real" else without_thinking(text))
        for name, text in page.items()
        if name != "question"
    }
    if not texts.get("real"):
        texts.pop("real", None)
    model, names_by_text = _model_of_length(texts), {}
    for name in sorted(texts, key=_position):
        names_by_text.setdefault(texts[name], []).append(name)
    voices = {
        text: {
            **_parts(text, model),
            "kind": _kind(names),
            "position": position,
            "names": [_name(name, author) for name in names],
        }
        for position, (text, names) in enumerate(names_by_text.items())
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
    """Sort key of names: the author, the twin, its files, the other variants."""
    order = ("real", "twin", "twin-", "prompt", "base")
    group = "twin-" if name.startswith("twin-") else name
    return order.index(group) if group in order else len(order)


def _kind(names):
    if "real" in names:
        return "real"
    return "twin" if all(name.startswith("twin") for name in names) else "other"


def _whole(text):
    """A text without an unfinished sentence at its end, unless that is more than half of it."""
    whole = text if _ENDED.search(text) else whole_sentences(text)
    return whole if 2 * width(whole) >= width(text) else text


def _model_of_length(texts):
    """The text to whose length all are cut: the twin's longest, or the author's if shorter."""
    of_twin = [text for name, text in texts.items() if name.startswith("twin")]
    of_models = [text for name, text in texts.items() if name != "real"]
    longest = max(map(_whole, of_twin or of_models or [""]), key=width)
    return min(filter(None, (longest, texts.get("real", ""))), key=width, default="")


def _parts(text, model):
    """{text: the part as long as `model`, rest}: neither length nor a broken end gives a hint."""
    shown = same_length(_whole(text), model)[0] if model else _whole(text)
    return {"text": shown, "rest": text[len(shown) :].strip()}


def _page_texts():
    """The page's own texts in the reader's language; its script fills in the {values}."""
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


def _visitors_texts(author):
    """The texts of the page that are others where its reader is not the author."""
    asked = {"author": author, "right": "{right}", "of": "{of}", "twin": "{twin}"}
    return {
        "title": t("evaluate.visitors_title", author=author),
        "about": t("evaluate.visitors_about", author=author),
        "count": t("evaluate.visitors_picks_counted", **asked),
        "open": t("evaluate.visitors_picks_without_real", **asked),
        "mine": t("evaluate.pick_as_the_authors", author=author),
        "like": t("evaluate.pick_as_most_like_the_author", author=author),
        "unwritten": t("evaluate.no_text_of_the_author", author=author),
        "right": t("evaluate.visitors_pick_right", author=author),
        "wrong": t("evaluate.visitors_pick_wrong", author=author),
    }
