"""Documents to passages: cut at headings, then paragraphs, then sentences; whole documents to train, val or test."""

import hashlib
import re

from ..twin import content_id

CJK = "\u3400-\u9fff\uf900-\ufaff"
CJK_ALL = CJK + "\u3000-\u303f\u3040-\u30ff\uac00-\ud7a3\uff00-\uffef“”‘’…—"
HELD_OUT = {"val": 0.1, "test": 0.1}  # shares of the documents
SHORT_SECTION = 8  # a section under this part of the limit joins its neighbour
# "Mr. Creed" and "W. Batten" are no ends of sentences.
ABBREVIATIONS = r"(?<!Mr\.)(?<!Mrs\.)(?<!Dr\.)(?<!St\.)(?<!Ms\.)(?<!vs\.)(?<!No\.)(?<![A-Z]\.)"
SENTENCE = re.compile(
    r"(?<=[。！？!?…])(?![”’」』）)!?。！？…\s])|(?<=[。！？!?…][”’」』）)])(?!\s)|(?<=[.!?][\"')”’])\s+|"
    rf"{ABBREVIATIONS}(?<=[.!?])\s+")
CLAUSE = re.compile(r"(?<=[；;，,：:])\s*")


def tokens_estimate(text):
    """About how many tokens a text has: 0.7 a Chinese character, 1.3 an English word. For planning, not exact."""
    return round(_tokens(text))


def _tokens(text):
    chinese = len(re.findall(f"[{CJK_ALL}]", text))
    words = len(re.findall(r"[A-Za-z0-9'’\-]+|[^\sA-Za-z0-9]", re.sub(f"[{CJK_ALL}]", " ", text)))
    return 0.7 * chinese + 1.3 * words


def language_of(text):
    """'zh' when there are at least as many Chinese characters as half the Latin words, else 'en'."""
    return "zh" if len(re.findall(f"[{CJK}]", text)) * 2 > len(re.findall(r"[A-Za-z]+", text)) else "en"


def passages(document, limit):
    """A document record's passages: dicts {id, document, text, tokens_estimate, title, heading, language, place}.

    No passage is longer than `limit` tokens (by estimate), unless a single clause is; `place` counts from 0.
    """
    # What goes on under a heading is not asked for by it a second time.
    pieces = [("" if number else heading, piece) for heading, text in _sections(document["text"], limit)
              for number, piece in enumerate(_fill(text, limit))]
    found = {}
    for heading, text in pieces:  # the same words twice in a document are one passage
        name = content_id(f"{document['id']} {text}")
        found.setdefault(name, {
            "id": name, "document": document["id"], "text": text, "tokens_estimate": tokens_estimate(text),
            "title": document["title"], "heading": heading, "language": language_of(text), "place": len(found)})
    return list(found.values())


def _sections(text, limit):
    """(heading, text) in order; a short section joins the one before it, or the first the one after."""
    found = []
    heading, first = "", True
    for block in re.split(r"^## (.*)$", "\n" + text, flags=re.MULTILINE):
        if first and block.strip():
            short = found and min(tokens_estimate(block), tokens_estimate(found[-1][1])) < limit / SHORT_SECTION
            if short:
                # Where two sections meet, the heading of the longer one says what they are about.
                longer = heading if tokens_estimate(block) > tokens_estimate(found[-1][1]) else found[-1][0]
                found[-1] = (longer, f"{found[-1][1]}\n\n{block.strip()}")
            else:
                found.append((heading, block.strip()))
        elif not first:
            heading = block.strip()
        first = not first
    return found


def _fill(text, limit):
    """As few pieces of at most `limit` tokens as there can be, of even length, cut between the largest units."""
    units = [(unit, _tokens(unit)) for unit in _units(text, limit)]
    fewest = len(_greedy(units, limit))
    low, high = 1, limit
    while low < high:  # the smallest cap that needs no more pieces makes them even: no one-line tails
        middle = (low + high) // 2
        low, high = (low, middle) if len(_greedy(units, middle)) <= fewest else (middle + 1, high)
    return [piece.strip() for piece in _greedy(units, high)]


def _greedy(units, cap):
    pieces, size = [], cap
    for unit, tokens in units:
        if not pieces or size + tokens > cap:
            pieces.append("")
            size = 0
        pieces[-1] += unit
        size += tokens
    return pieces


def _units(text, limit):
    """What may be put together again by mere addition: paragraphs, the long ones in lines, sentences, clauses."""
    for separator in ("\n\n", "\n", SENTENCE, CLAUSE, None):
        if tokens_estimate(text) <= limit or separator is None:
            return [text]
        cuts = [m.end() for m in re.finditer(separator, text) if 0 < m.end() < len(text)]
        if cuts:
            edges = [0, *cuts, len(text)]
            return [unit for a, b in zip(edges, edges[1:]) for unit in _units(text[a:b], limit)]
    return [text]


def split_of(groups):
    """{document id: train|val|test} for {document id: group id}, by the hash of the group.

    A new document moves no other one, except where fewer than one document would be held out: then the train
    document of the smallest hash is. Under 3 groups everything is train.
    """
    place = {group: int(hashlib.sha256(group.encode()).hexdigest()[:8], 16) / 2**32 for group in set(groups.values())}
    ordered = sorted(place, key=place.get)
    found = {group: "val" if place[group] < HELD_OUT["val"] else
             "test" if place[group] < sum(HELD_OUT.values()) else "train" for group in ordered}
    if len(ordered) < 3:
        found = dict.fromkeys(ordered, "train")
    else:
        _top_up(found, ordered)
    return {document: found[group] for document, group in groups.items()}


def _top_up(found, ordered):
    for name, reverse in (("test", False), ("val", False), ("train", True)):
        if name not in found.values():
            counts = {split: sum(s == split for s in found.values()) for split in found.values()}
            free = [g for g in (ordered[::-1] if reverse else ordered) if counts[found[g]] > 1]
            found[next((g for g in free if found[g] == "train"), free[0])] = name
