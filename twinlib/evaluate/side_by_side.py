"""The page to read: the same questions, every voice's answer and the author's real passage, in one HTML file. Pure.

It opens blind: the texts of a question stand in an order of their own, A, B, C, all cut to about the same length, and
whose they are appears once the owner has picked one. Like the blind test's page it needs no network and may use none.
Its texts come from models, so they travel packed and only ever become text nodes.
"""

import re

from ..files import content_id
from ..i18n import choose, language, t
from ..progress import width
from ..text import labels
from ..text.templates import spoken
from .blind_test.analysis import same_length, whole_sentences
from .blind_test.page import LARGEST, filled

QUESTIONS = 12
LONGEST = (
    3000  # UTF-8 bytes of a text that can be unfolded: 1000 Chinese characters, 500 English words
)
ENDED = re.compile(r"[.!?。！？…~～”’\"'」』）)]$")


def page(pages, author):
    """The HTML of up to QUESTIONS of the pages [{question, real, ROW: text…}], from all along the list; '' of none.

    There are fewer questions where so many would be larger than blind_page.LARGEST.
    """
    most = min(QUESTIONS, len(pages))
    chosen = (
        [pages[i * len(pages) // several] for i in range(several)] for several in range(most, 0, -1)
    )
    made = (
        filled(
            "side_by_side.html",
            {
                "language": language(),
                "words": words(),
                "cards": [card(one, author) for one in some],
            },
        )
        for some in chosen
    )
    return next((html for html in made if len(html.encode()) <= LARGEST), "")


def row_name(row):
    """What people call a row: 'twin-Q8_0' is 'twin as Q8_0'."""
    return choose(labels.variant(row))


def real_name(author):
    """What people call the author's own passage."""
    return t("evaluate.really", author=author)


def card(page, author, seed=""):
    """{question, real, voices} of one page: whether the author's passage is among them, and who says what.

    A voice is {text, rest, names, kind, place}: `rest` is what was cut off; those who say the same are one voice;
    `kind` is real, twin or other; `place` its place where names are shown. They stand in the order of the hashes of
    what they say (and `seed`), which tells nothing and is the same every time.
    """
    said = {
        row: _clipped(text if row == "real" else spoken(text))
        for row, text in page.items()
        if row != "question"
    }
    said = {row: said[row] for row in sorted(said, key=_place) if row != "real" or said[row]}
    texts, measure = {}, _measure(said)
    for row, text in said.items():
        texts.setdefault(text, []).append(row)
    voices = {
        text: {
            **_parts(text, measure),
            "kind": _kind(rows),
            "place": place,
            "names": [real_name(author) if row == "real" else row_name(row) for row in rows],
        }
        for place, (text, rows) in enumerate(texts.items())
    }
    shuffled = sorted(voices, key=lambda text: content_id(f"{seed} {page['question']} {text}"))
    return {
        "question": _clipped(page["question"]),
        "real": "real" in said,
        "voices": [voices[text] for text in shuffled],
    }


def _clipped(text):
    return text.strip().encode("utf-8", "replace")[:LONGEST].decode("utf-8", "ignore")


def _place(row):
    """Where a row stands when names are shown: the author, the twin, its files, what they are compared with."""
    order, name = (
        ("real", "twin", "twin-", "prompt", "base"),
        "twin-" if row.startswith("twin-") else row,
    )
    return order.index(name) if name in order else len(order)


def _kind(rows):
    return (
        "real"
        if "real" in rows
        else "twin"
        if all(row.startswith("twin") for row in rows)
        else "other"
    )


def _whole(text):
    """A text without the piece of a sentence at its end, where it broke off; as it is where little would be left."""
    kept = text if ENDED.search(text) else whole_sentences(text)
    return kept if 2 * width(kept) >= width(text) else text


def _measure(said):
    """The text that all are cut to the length of: the twin's longest, or the author's where that is shorter."""
    own = (
        [text for row, text in said.items() if row.startswith("twin")]
        or [text for row, text in said.items() if row != "real"]
        or [""]
    )
    twin = max(map(_whole, own), key=width)
    return min(filter(None, (twin, said.get("real", ""))), key=width, default="")


def _parts(text, measure):
    """What is shown of a text at first, and what was cut off: so that neither length nor a broken end tells."""
    shown = same_length(_whole(text), measure)[0] if measure else _whole(text)
    return {"text": shown, "rest": text[len(shown) :].strip()}


def words():
    """What the page says, in the reader's language; the page fills in what stands in braces."""
    return {
        "title": t("evaluate.which_one"),
        "about": t("evaluate.under_each_question_stand_texts"),
        "cut": t("evaluate.longer_texts_cut_end_sentence"),
        "privacy": t("evaluate.nothing_leaves_page_forgets_picks"),
        "names": t("evaluate.show_all_names"),
        "begin": t("evaluate.nothing_picked_yet"),
        "count": t("evaluate.knew_yourself_took_twin_yourself"),
        "open": t("evaluate.without_text_yours_twin_sounded"),
        "mine": t("evaluate.i_wrote"),
        "like": t("evaluate.sounds_most_like_me"),
        "unwritten": t("evaluate.no_text_yours_question_which"),
        "right": t("evaluate.pick"),
        "wrong": t("evaluate.pick_but"),
        "picked": t("evaluate.pick_2"),
        "rest": t("evaluate.read"),
        "nothing": t("evaluate.said_nothing"),
    }
