"""Notices and headings: lines that a program, or who passes something on, writes into a chat.

No list of them is complete. One linear model has learnt from 11,369 sentences of programs and
10,890 messages of people how they differ, a second from 1,342 headings above text that was passed
on and 13,684 first lines and messages, a third from 1,275 lines with which people introduce it and
12,549 others, all in six languages: by words, their beginnings and ends, and words in a row, the
first also by pieces of 3 and 5 characters. The lines and what fits the weights in data/ to them are
in tools/notices; benchmarks/program_sentences.py tries the first on programs and people that it
hasn't seen.
"""

import re
from pathlib import Path

from .line_model import LineModel

NAME = "\x00"  # stands for a display name
_DATA = Path(__file__).parents[3] / "data"
_TOKEN = re.compile(
    r"\d+|[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]"
    r"|[^\W\d_\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]+|[?!…:@\[\]<>【】（）()❤👍\x00]"
)
_MANY_WORDS = 9
_PIECES = (3, 5)  # characters


def features(sentence: str) -> set[str]:
    """The words of a sentence, how the longer ones begin and end, and what stands in a row."""
    return _features(_tokens(sentence))


def _tokens(sentence):
    return ["0" if x.isdigit() else x for x in _TOKEN.findall(sentence.casefold())]


def _features(tokens):
    found = set(tokens)
    for token in found.copy():
        if len(token) > 4:
            found.update((token[:4] + "-", "-" + token[-3:]))
            if len(token) > 6:
                found.add(token[:6] + "-")
    row = ["^", *[token[:5] for token in tokens], "$"]
    found.update(map(" ".join, zip(row, row[1:])))
    found.update(map(" ".join, zip(row, row[1:], row[2:])))
    return found


def features_of_notice(line: str) -> set[str]:
    """The features of a sentence, and its pieces: what languages build their words from."""
    tokens = _tokens(line.replace("…", ""))  # which people and programs write alike
    found, text = _features(tokens), " ".join(tokens)
    for length in _PIECES:
        found.update([text[at : at + length] for at in range(len(text) - length + 1)])
    return found


def features_of_heading(line: str) -> set[str]:
    """The features of a line, and its shape: its signs, its length, how many words are capital."""
    words = re.findall(r"[^\W\d_\u3400-\u9fff]+|[\u3400-\u9fff]{1,2}", line)
    large = sum(word[0].isupper() for word in words)
    found = features(line)
    found.update(f"sign {sign}" for sign in set(re.findall(r"[^\w\s\x00]", line)))
    found.add(f"begins {_kind(line[:1])}")
    found.add(f"ends {_kind(line[-1:])}")
    found.add(f"words {min(len(words), _MANY_WORDS)}")
    found.add(f"large {round(3 * large / len(words)) if words else ''}")
    return found


def _kind(sign):
    if sign.isdigit():
        return "0"
    if sign.isalpha():
        return "A" if sign.isupper() else "a"
    return sign


# How likely a program wrote a sentence
NOTICES = LineModel(_DATA / "notices.tsv", features_of_notice)
# How likely the first line of a message stands above text that was passed on
HEADINGS = LineModel(_DATA / "headings.tsv", features_of_heading)
# How likely somebody introduces, in their own words, a text by others that is pasted below
INTROS = LineModel(_DATA / "intros.tsv", features_of_heading)
