"""Control tokens that an author writes about, such as <|im_end|>, as letters.

A tokenizer finds its special and added tokens anywhere in a text, so that a post about chat
templates would end its own turn. Here the contents of messages get a mark inside such tokens before
the chat template writes its own, and a marked stretch is encoded by a copy of the tokenizer that
has no added tokens. A text without such tokens is encoded as ever.
"""

import json
import re
from functools import lru_cache, partial
from typing import TYPE_CHECKING

from . import load
from .encode import Encoded, encode_row

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_MARK = "\U000ffffd"  # private: no text has it
_HTML = re.compile(
    "</?(?:a|b|blockquote|br|caption|code|div|em|h[1-6]|hr|i|img|li|ol|p|pre|span|strong|sub|sup"
    "|table|tbody|td|tfoot|th|thead|tr|u|ul)>"
)
# Whatever looks like a control token, where a vocabulary is not at hand.
_LOOKS_LIKE_CONTROL = re.compile(r"<[|｜]?[^\s<>]{1,40}[|｜]?>|\[/?[A-Z_]{2,20}\]")


def prompt(
    tokenizer: "PreTrainedTokenizerBase", messages: list[dict], start: str = ""
) -> list[int]:
    """Token ids of a conversation up to where its answer begins, and of the answer's first words.

    Control tokens in the messages are letters.
    """
    text = load.render(tokenizer, shielded(tokenizer, messages), generate=True)
    return encode(tokenizer, text + shield(tokenizer, start))


def row(
    tokenizer: "PreTrainedTokenizerBase", row: dict, end: int, length: int = 1024
) -> Encoded | None:
    """A training row, in which control tokens are letters, as `encode_row` encodes it."""
    return encode_row(
        {**row, "messages": shielded(tokenizer, row["messages"])},
        partial(load.render, tokenizer),
        partial(encode, tokenizer),
        end,
        tokenizer.bos_token_id,
        length,
    )


def plain(tokenizer: "PreTrainedTokenizerBase", text: str) -> list[int]:
    """Token ids of a text in which control tokens are letters, without special tokens."""
    return encode(tokenizer, shield(tokenizer, text))


def shielded(tokenizer: "PreTrainedTokenizerBase", messages: list[dict]) -> list[dict]:
    """Messages with marks inside the control tokens of their contents; see `encode`."""
    return [{**m, "content": shield(tokenizer, m["content"])} for m in messages]


def shield(tokenizer: "PreTrainedTokenizerBase", text: str) -> str:
    """A text with a mark inside each control token of the vocabulary."""
    return _with_marks(_controls(tokenizer), text)


def has_controls(tokenizer: "PreTrainedTokenizerBase", text: str) -> bool:
    """Whether a control token of the vocabulary is spelt in a text."""
    return bool(_controls(tokenizer).search(text))


def _with_marks(controls, text):
    def marked(match):
        return match.group()[0] + _MARK + match.group()[1:]

    return controls.sub(marked, text.replace(_MARK, ""))


def encode(tokenizer: "PreTrainedTokenizerBase", text: str) -> list[int]:
    """Token ids of a text with control tokens, of which the marked ones are letters."""
    if _MARK not in text:
        return tokenizer(text, add_special_tokens=False)["input_ids"]
    ids, end = [], 0
    for control in _controls(tokenizer).finditer(text):
        ids += _run(tokenizer, text[end : control.start()])
        ids.append(tokenizer.convert_tokens_to_ids(control.group()))
        end = control.end()
    return ids + _run(tokenizer, text[end:])


def _run(tokenizer, text):
    """Token ids of a text without unmarked control tokens."""
    if _MARK not in text:
        return tokenizer(text, add_special_tokens=False)["input_ids"] if text else []
    text, controls = text.replace(_MARK, ""), _control_ids(tokenizer)
    ids = _letters(tokenizer)(text)
    if controls.isdisjoint(ids):
        return ids
    # The vocabulary has the token as an ordinary piece, too: no piece may reach across its start.
    cut = _controls(tokenizer).search(text).start() + 1
    return _letters(tokenizer)(text[:cut]) + _run(tokenizer, shield(tokenizer, text[cut:]))


@lru_cache(maxsize=4)
def _controls(tokenizer):
    """The pattern of the special and the other named tokens that were added, the longest first.

    Blanks, line breaks and elements of HTML that a vocabulary has as tokens control nothing.
    """
    added = {str(token) for token in tokenizer.added_tokens_decoder.values()}
    named = {token for token in added if any(map(str.isalnum, token)) and len(token) > 1}
    named = {token for token in named if not _HTML.fullmatch(token)}
    longest_first = sorted(named | set(tokenizer.all_special_tokens), key=lambda token: -len(token))
    return re.compile("|".join(map(re.escape, longest_first)) or "(?!)")


@lru_cache(maxsize=4)
def _control_ids(tokenizer):
    named = _controls(tokenizer)
    added = {i: str(token) for i, token in tokenizer.added_tokens_decoder.items()}
    return {i for i, token in added.items() if named.fullmatch(token)}


@lru_cache(maxsize=4)
def _letters(tokenizer):
    """A function from a text to token ids that knows no control tokens."""
    from tokenizers import Tokenizer

    if not hasattr(tokenizer, "backend_tokenizer"):
        return lambda text: tokenizer(text, add_special_tokens=False, split_special_tokens=True)[
            "input_ids"
        ]
    fields = json.loads(tokenizer.backend_tokenizer.to_str())
    named = _controls(tokenizer)
    fields["added_tokens"] = [
        token for token in fields["added_tokens"] if not named.fullmatch(token["content"])
    ]
    copy = Tokenizer.from_str(json.dumps(fields))
    return lambda text: copy.encode(text, add_special_tokens=False).ids


# llama.cpp, which tokenizes by itself


def pieces(text: str) -> list[tuple[str, bool]]:
    """[(text, parse)] of a text from `shielded_plainly`: where control tokens are to be parsed.

    A piece that is not to be parsed is a control token that was written about, in two halves: one
    that a vocabulary has as an ordinary token is none then either.
    """
    parts, end = [], 0
    for match in re.finditer(rf"(.){_MARK}(\S{{1,41}}?[>\]])", text):
        parts += [(text[end : match.start()], True), (match[1], False), (match[2], False)]
        end = match.end()
    return [(part, parse) for part, parse in (*parts, (text[end:], True)) if part]


def shielded_plainly(messages: list[dict]) -> list[dict]:
    """Messages with marks inside all that looks like a control token; see `pieces`."""
    return [{**m, "content": _with_marks(_LOOKS_LIKE_CONTROL, m["content"])} for m in messages]
