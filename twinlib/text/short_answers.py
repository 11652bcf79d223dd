"""Answers of a few words, such as a name, a day, or yes and no: whether a text gives just that one.

The answer must be the words, not only hold them: a text that names every candidate, or denies the
right one, is wrong. What may stand around the words is what a sentence needs: 'The capital is
Paris.', 'Paris, because it is', 'Paris is the capital of France'. Sentences are read in English,
Chinese, German, French, Spanish, Italian, Portuguese, Russian and Japanese.
"""

import re
import unicodedata

from . import comparisons
from .script import HAN

_ARTICLES = set(
    "a an the der die das den dem ein eine einen le la les l un une el los las il lo gli i o os as "
    "um uma".split()
)
_IS = re.compile(
    r"(?<![^\W\d_])(?:is|are|was|were|be|it's|that's|ist|sind|war|est|sont|était|c'est|es|son|era|"
    r"è|sono|é|são|это|gets?|becomes?|called|named|means|heißt|wird|s'appelle|devient|"
    r"se llama|si chiama)(?![^\W\d_])|['’]s\s|[:：=]|—|(?<![不非没未還还])[是为為叫](?:做|作)?"
    r"|变成|變成|は",
    re.IGNORECASE,
)
_OPENING = re.compile(  # before the answer proper
    r"(?:so|thus|therefore|hence|then|well|i think|i believe|also|donc|alors|entonces|quindi|"
    r"所以|因此|那么|于是|我想|我觉得|我认为|应该|大概)(?![A-Za-z])[,，]?\s*",
    re.IGNORECASE,
)
_CLOSING = re.compile(r"\s*(?:です|である|だ|[的了呢啊呀])$")
_REMARK = re.compile(
    r"[,，;；]?\s*(?:(?<![^\W\d_])(?:because|since|which|who|as|weil|denn|car|parce|porque|perché|"
    r"потому)(?![^\W\d_])|因为|因為|由于|由於).*$",
    re.IGNORECASE | re.DOTALL,
)
_OR = re.compile(r"(?<![^\W\d_])(?:or|oder|ou|o|или)(?![^\W\d_])|或|还是|還是", re.IGNORECASE)
_PARENTHESIS = re.compile(r"\s*[(（][^()（）]*[)）]\s*$")
_FEWEST = 3  # words or Chinese characters of a sentence whose subject is the answer


def is_said(candidates: list[str], answer: str, question: str = "") -> bool:
    """Whether one of the `candidates`, lines or sentences, gives the answer and nothing else.

    The `question` tells whether 'Ben is older than Anna' answers it with Ben or with Anna.
    """
    words = _words(answer)
    if not words:
        return False
    return any(_gives(unicodedata.normalize("NFKC", said), words, question) for said in candidates)


def _words(text):
    """The words of a text in small letters, without articles before them and marks between them."""
    found = re.findall(rf"[{HAN}]|(?:(?![{HAN}])[^\W_])+", text.lower())
    while len(found) > 1 and found[0] in _ARTICLES:
        found = found[1:]
    return found


def _gives(said, words, question):
    said = _OPENING.sub("", said.strip(" *_`\"“”'「」.。!！"), count=1) if said.strip() else ""
    if _PARENTHESIS.search(said) and not _OR.search(said):
        said = _PARENTHESIS.sub("", said)
    said = _REMARK.sub("", said).strip(" *_`\"“”'「」.。!！,，")
    if _is(said, words):
        return True
    # Yes, it is
    clause, comma, rest = said.partition("，" if "，" in said else ",")
    if comma and _is(clause, words) and len(_words(rest)) >= 2 and _IS.search(rest):
        return True
    if re.match(r"[^\W_]+\s*[,，]", said):
        return False
    if comparisons.compared(said) and comparisons.asks_for_more(question) is not None:
        return _compares(said, words, question)
    if comparisons.comparative(said) is not None:  # of what, isn't known
        return False
    # The capital is Paris
    ends = list(_IS.finditer(said))
    if ends and not comparisons.is_denied(said[: ends[-1].start()]):
        if _is(said[ends[-1].end() :], words):
            return True
    # Paris is the capital of France
    if len(ends) == 1 and not comparisons.is_denied(said):
        about = _words(said[ends[0].end() :])
        return _is(said[: ends[0].start()], words) and len(about) >= _FEWEST
    return False


def _is(said, words):
    return _words(said) == words or _words(_CLOSING.sub("", said)) == words


def _compares(said, words, question):
    """Whether a comparison gives the words, as the one that the question asks for."""
    subject, other, says_more = comparisons.compared(said)
    is_subject = says_more == comparisons.asks_for_more(question)
    return _is(subject if is_subject else other, words)
