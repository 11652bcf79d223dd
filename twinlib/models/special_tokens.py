"""Escaping of special tokens that an author writes about, such as <|im_end|>: they become letters.

A tokenizer finds its special and added tokens anywhere in a text, so that a post about chat
templates would end its own turn. Here the contents of messages get a mark inside such tokens before
the chat template writes its own, and a marked stretch is encoded by a copy of the tokenizer that
has no added tokens. A text without such tokens is encoded as ever.
"""

import json
import re
from collections.abc import Callable
from functools import lru_cache, partial
from typing import TYPE_CHECKING

from . import load
from .encode import Encoded, encode_row

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_MARK = "\U000ffffd"  # private: no text has it
_OPEN, _CLOSE = "\U000ffffb", "\U000ffffc"  # around what a message says, for llama.cpp
_HTML = re.compile(
    "</?(?:a|b|blockquote|br|caption|code|div|em|h[1-6]|hr|i|img|li|ol|p|pre|span|strong|sub|sup"
    "|table|tbody|td|tfoot|th|thead|tr|u|ul)>"
)
# Whatever may be a control token, where a vocabulary is not at hand: <|im_end|>, [INST],
# [|endofturn|], |||PHONE_NUMBER|||, >>TITLE<<
_MAY_BE_CONTROL = re.compile(
    r"<[^\s<>]{1,60}>|\[[^\s\[\]]{1,60}\]|\|\|\|\w{1,40}\|\|\||>>\w{1,40}<<"
)


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
    before, after = _strippers(tokenizer)
    for control in _controls(tokenizer).finditer(text):
        spelt, run = control.group(), text[end : control.start()]
        ids += _run(tokenizer, run.rstrip() if spelt in before else run)
        ids.append(tokenizer.convert_tokens_to_ids(spelt))
        end = control.end()
        if spelt in after:  # such as Phi-3's <|end|>, to which the blanks behind it belong
            end += len(text[end:]) - len(text[end:].lstrip())
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
def _strippers(tokenizer):
    """(tokens that take the blanks before them, tokens that take the blanks after them)."""
    added = tokenizer.added_tokens_decoder.values()
    return {str(a) for a in added if a.lstrip}, {str(a) for a in added if a.rstrip}


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


class PlainLetters:
    """The same for a tokenizer that is only a function: `tokenize(text, special, add)`.

    `special` parses the control tokens in a text, but for those that llama.cpp calls user-defined,
    which are parsed always; `add` puts the beginning-of-text token first.
    """

    def __init__(self, tokenize: Callable[[str, bool, bool], list[int]]):
        self._tokenize, self._ids = tokenize, {}

    def shielded(self, messages: list[dict]) -> list[dict]:
        """Messages with marks inside the control tokens of their contents; see `encode`."""
        return [{**m, "content": self._shielded(m["content"])} for m in messages]

    def _shielded(self, text):
        text = text.replace(_OPEN, "").replace(_CLOSE, "")
        marked = _MAY_BE_CONTROL.sub(self._marked, text.replace(_MARK, ""))
        if _MARK not in marked:
            return marked
        said = marked.strip()  # which templates do, too
        start = marked.index(said)
        return marked[:start] + _OPEN + said + _CLOSE + marked[start + len(said) :]

    def _marked(self, match):
        spelt = match.group()
        if self._is_control(spelt):  # byte-pair merging rarely joins signs with letters
            name = re.search(r"[^\W_]|$", spelt).start() % len(spelt) or 1
            return spelt[:name] + _MARK + spelt[name:]
        return spelt[0] + _MAY_BE_CONTROL.sub(self._marked, spelt[1:])  # [<|im_end|>]

    def _is_control(self, spelt):
        """Whether a text is one token of the vocabulary that the model may obey."""
        if spelt not in self._ids:
            ids = self._tokenize(spelt, True, False)
            self._ids[spelt] = ids[0] if len(ids) == 1 and not _HTML.fullmatch(spelt) else None
        return self._ids[spelt] is not None

    def encode(self, text: str) -> list[int]:
        """Token ids of a prompt that a template made of `shielded` messages."""
        ids = []
        for part in re.split(rf"( ?{_OPEN}.*?{_CLOSE}\s*)", text, flags=re.DOTALL):
            if _OPEN in part:
                ids += self._letters(part.replace(_OPEN, "").replace(_CLOSE, ""))
            elif part:
                ids += self._tokenize(part, True, not ids)
        return ids

    def _letters(self, text):
        ids = self._tokenize(text.replace(_MARK, ""), False, False)
        if set(self._ids.values()).isdisjoint(ids):
            return ids
        return [i for half in text.split(_MARK) for i in self._tokenize(half, False, False)]
