"""RWKV's tokenizer and chat format: the World vocabulary, matched greedily, and blank lines.

The vocabulary is the file rwkv_vocab_v20230424.txt of a checkpoint's folder (Apache-2.0, from
github.com/BlinkDL/RWKV-LM), one token a line: number, Python literal, length in bytes. A text is
cut from left to right into the longest tokens, as llama.cpp does with such a file. Token 0 ends a
document and is in no text.

In a conversation a blank line ends a turn, so that the template leaves none inside of one. The
vocabulary also has tokens such as '。\\n', so that the blank line after a Chinese sentence is
seldom a token of its own. So that a model learns to end by one token, a text that ends with a blank
line gets it as a token of its own; and since the base learnt otherwise, the text ends an answer,
too (load.stop_text).
"""

import ast
import functools
import shutil
from pathlib import Path

from transformers.tokenization_python import PreTrainedTokenizer

from ..files import TwinError
from ..i18n import t
from .load import RWKV_TEMPLATE

STOP = "\n\n"
FILES = "rwkv_vocab*.txt"
END_OF_DOCUMENT = "<s>"  # llama.cpp's name of token 0
PADDING = "\0"  # a token that is in no text


def vocabulary_file(folder: Path) -> Path | None:
    """The World vocabulary in a checkpoint's folder, or None."""
    return next(iter(sorted(Path(folder).glob(FILES))), None)


@functools.lru_cache(maxsize=4)
def tokens(path: Path, changed: int) -> dict[int, bytes]:
    """{id: bytes} of a vocabulary file, `changed` its time; TwinError for another file."""
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
        found = dict(map(_entry, filter(None, lines)))
    except (OSError, ValueError, SyntaxError):
        found = {}
    single = {bytes([byte]) for byte in range(256)}
    if 0 in found or not {*single, STOP.encode()} <= set(found.values()):
        raise TwinError(t("models.no_world_vocabulary", path=path))
    return found


def _entry(line):
    number, rest = line.split(" ", 1)
    literal, length = rest.rsplit(" ", 1)
    token = ast.literal_eval(literal)
    token = token.encode("utf-8") if isinstance(token, str) else token
    if len(token) != int(length):
        raise ValueError(line)
    return int(number), token


class WorldTokenizer(PreTrainedTokenizer):
    """The tokenizer of a vocabulary file.

    Tokens are named by their bytes as Latin-1 characters. `turn_ends` are the ids that end a turn.
    """

    vocab_files_names = {"vocab_file": "rwkv_vocab_v20230424.txt"}
    model_input_names = ["input_ids", "attention_mask"]

    def __init__(self, vocab_file: str, **kwargs):
        path = Path(vocab_file)
        changed = path.stat().st_mtime_ns if path.exists() else 0
        self.vocab_file, self.by_id = str(path), tokens(path, changed)
        self._names = {0: END_OF_DOCUMENT}
        self._names |= {i: token.decode("latin-1") for i, token in self.by_id.items()}
        self._ids = {name: i for i, name in self._names.items()}
        self._ids[END_OF_DOCUMENT] = 0
        self._lengths = _lengths(self.by_id.values())
        self.turn_ends = [self._ids[STOP]]
        special = dict.fromkeys(("bos_token", "eos_token", "unk_token"), END_OF_DOCUMENT)
        given = {**special, "pad_token": PADDING, "special_tokens_pattern": "none", **kwargs}
        super().__init__(vocab_file=str(path), clean_up_tokenization_spaces=False, **given)

    @property
    def vocab_size(self) -> int:
        return max(self._names) + 1

    def get_vocab(self) -> dict[str, int]:
        return dict(self._ids)

    def _tokenize(self, text, **kwargs):
        if text.endswith(STOP):
            return [*self._longest(text[: -len(STOP)]), STOP]
        return self._longest(text)

    def _longest(self, text):
        data, start, found = text.encode("utf-8", errors="replace"), 0, []
        while start < len(data):
            for length in self._lengths.get(data[start : start + 2], ()):
                token = data[start : start + length].decode("latin-1")
                if len(token) == length and token in self._ids:
                    break
            else:
                token = chr(data[start])
            found.append(token)
            start += len(token)
        return found

    def _convert_token_to_id(self, token):
        return self._ids[token]

    def _convert_id_to_token(self, index):
        return self._names.get(index, f"[PAD{index}]")

    def convert_tokens_to_string(self, tokens):
        return b"".join(token.encode("latin-1") for token in tokens).decode("utf-8", "replace")

    def save_vocabulary(self, save_directory, filename_prefix=None):
        target = Path(save_directory) / self.vocab_files_names["vocab_file"]
        if target.resolve() != Path(self.vocab_file).resolve():
            shutil.copyfile(self.vocab_file, target)
        return (str(target),)


def _lengths(known):
    """{first two bytes: the lengths of tokens that begin so, longest first}."""
    lengths = {}
    for token in known:
        if len(token) > 1:
            lengths.setdefault(token[:2], set()).add(len(token))
    return {start: sorted(found, reverse=True) for start, found in lengths.items()}


def load(folder: Path) -> WorldTokenizer:
    """The tokenizer of a checkpoint's folder, with the chat template; TwinError without a file."""
    path = vocabulary_file(folder)
    if path is None:
        raise TwinError(t("models.no_world_vocabulary", path=Path(folder) / FILES))
    tokenizer = WorldTokenizer(str(path))
    tokenizer.chat_template = RWKV_TEMPLATE
    return tokenizer
