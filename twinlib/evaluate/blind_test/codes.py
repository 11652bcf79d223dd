"""Writes and reads the result code that a friend sends back from the blind test.

A code is AMU2, the test's four letters, and in groups of five the base32 (RFC 4648, no padding) of

    trials (1 byte) · length of the name (1) · friend (4) · minutes since 2025 (4) ·
    choices (half a byte each) · name in UTF-8 · CRC-32 of the test and all before (4)

A choice is 0 for none, else pick << 3 | sure << 1 | read, where `pick` is 0 or 1: the pair's first
or second text in the order of the owner's key, not of the page. What chat apps change is ignored
when a code is read: lower case, full width, blanks, line breaks, punctuation. The checksum detects
accidents, not forgeries. The page's script writes codes by the same rules
(data/pages/blind_test.html). Codes of the older format AMU1 are still read.
"""

import base64
import re
import string
import struct
import unicodedata
import zlib
from collections.abc import Callable
from typing import NamedTuple

from ...text.script import HAN

PREFIX = "AMU2"
START = 1735689600  # seconds: 2025-01-01, UTC
MAX_TRIALS, MAX_NAME = 63, 15  # trials, bytes
ID_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # of a test's id, and of AMU1
_HEAD = struct.Struct(">BBII")  # trials, bytes of the name, friend, minutes
_GROUP = 5  # letters
_BEGIN = re.compile(r"(?<![A-Z0-9])A[\W_]{0,3}M[\W_]{0,3}U[\W_]{0,3}([12IL])")
_PIECE = re.compile(
    rf"(?<![^\W{HAN}])(?:[0-9A-Z]{{{_GROUP}}}-){{2,}}[0-9A-Z]{{1,{_GROUP}}}(?![^\W{HAN}])"
)


class Choice(NamedTuple):
    """A friend's answer to one pair: text picked (0 or 1), how sure (1 to 3), if read before."""

    pick: int
    sure: int
    read: bool


class Reply(NamedTuple):
    """The content of a code: a Choice, or None, for each trial; `when` is seconds since 1970.

    `test` is the test's id, `friend` a random number that identifies the friend's page.
    """

    test: str
    friend: int
    when: int
    choices: tuple[Choice | None, ...]
    name: str


class Damaged(NamedTuple):
    """A code that can't be read: its beginning and how many letters it has.

    `expected` is how many it should have; None if its beginning is missing or too short to tell.
    """

    begins: str
    letters: int
    expected: int | None


def write(reply: Reply) -> str:
    """The code of a Reply with a name of at most MAX_NAME bytes and at most MAX_TRIALS choices."""
    name, minutes = reply.name.encode(), (reply.when - START) // 60
    assert len(name) <= MAX_NAME and len(reply.choices) <= MAX_TRIALS and 0 < reply.friend < 2**30
    head = _HEAD.pack(len(reply.choices), len(name), reply.friend, minutes)
    states = [c.pick << 3 | c.sure << 1 | c.read if c else 0 for c in reply.choices]
    digits = "".join(f"{state:x}" for state in states) + "0" * (len(states) % 2)
    body = head + bytes.fromhex(digits) + name
    letters = _base32(body + _checksum(reply.test, body))
    groups = (letters[i : i + _GROUP] for i in range(0, len(letters), _GROUP))
    return "-".join([PREFIX, reply.test, *groups])


def read(text: str) -> tuple[list[Reply], list[Damaged]]:
    """(codes that can be read, damaged codes), each in the order of the text."""
    text = unicodedata.normalize("NFKC", text).upper()
    begins = list(_BEGIN.finditer(text))
    ends = [begin.start() for begin in begins[1:]] + [len(text)]
    replies, damaged, stop = [], [], 0
    outside = text[: begins[0].start()] if begins else text
    for begin, end in zip(begins, ends):
        if begin.start() < stop:  # inside the previous code
            continue
        version = _NEW if begin[1] == "2" else _OLD
        letters, stop = _letters(text[begin.end() :], version)
        reply = version.decode(letters)
        if reply:
            stop += begin.end()
            replies.append(reply)
            outside += " " + text[stop : max(stop, end)]
        else:
            stop, (letters, _) = 0, _letters(text[begin.end() : end], version)
            damaged.append(_damaged(letters, version))
    # Parts of codes whose beginning is missing.
    for piece in _PIECE.finditer(outside):
        damaged.append(Damaged(piece[0][: 2 * _GROUP + 1], len(piece[0].replace("-", "")), None))
    return replies, damaged


def shown(friend: int, trials: int) -> tuple[list[int], list[bool]]:
    """(order of the trials on a friend's page, whether each trial's texts are swapped there).

    The second list is by trial. The page's script computes the same from the friend's number.
    """
    state = friend

    def draw(below):
        nonlocal state
        state = next_random(state)
        return state % below

    for _ in range(8):  # the first numbers of close seeds are close, too
        draw(2)
    order = list(range(trials))
    for last in range(trials - 1, 0, -1):
        drawn = draw(last + 1)
        order[last], order[drawn] = order[drawn], order[last]
    return order, [draw(2) == 1 for _ in range(trials)]


def next_random(state: int) -> int:
    """The next state of Park and Miller's generator; its products are exact in JavaScript."""
    return state * 48271 % (2**31 - 1)


class _Version(NamedTuple):
    """A format of codes. From the first `head` letters, `size` computes how many the code has."""

    prefix: str
    alphabet: str
    head: int
    size: Callable
    decode: Callable


def _letters(text, version):
    """(letters of a code, position after them): as many as its head says, or fewer if it is cut."""
    letters = ""
    for position, character in enumerate(text):
        if len(letters) >= version.head and len(letters) >= version.size(letters):
            return letters, position
        if character in version.alphabet:
            letters += character
        elif character.isalnum():  # a letter of another script ends the code
            return letters, position
    return letters, len(text)


def _damaged(letters, version):
    groups = (version.prefix, letters[:4], letters[4 : 4 + _GROUP])
    expected = version.size(letters) if len(letters) >= version.head else None
    return Damaged("-".join(filter(None, groups)), len(letters), expected)


_LIKE_DIGITS = str.maketrans("OIL", "011")
_LIKE_LETTERS = str.maketrans("018", "OIB")


def _checksum(test, body):
    return struct.pack(">I", zlib.crc32(test.encode() + body))


def _base32(data):
    return base64.b32encode(data).decode().rstrip("=")


def _bytes(letters):
    """The bytes of base32; b'' if a letter is invalid."""
    try:
        return base64.b32decode(letters + "=" * (-len(letters) % 8))
    except ValueError:
        return b""


def _size(letters):
    trials, name = _bytes(letters[4:8].translate(_LIKE_LETTERS)) or (0, 0)
    size = _HEAD.size + (trials + 1) // 2 + name + 4
    return 4 + -(-8 * size // 5)


def _decode(letters):
    """The Reply of a code's letters, or None if it is damaged."""
    if len(letters) < 8 or len(letters) != _size(letters):
        return None
    test = letters[:4].translate(_LIKE_DIGITS)
    code = letters[4:].translate(_LIKE_LETTERS)
    data = _bytes(code)
    body = data[:-4]
    if not data or data[-4:] != _checksum(test, body) or _base32(data) != code:
        return None
    trials, name, friend, minutes = _HEAD.unpack_from(body)
    states = [int(digit, 16) for digit in body[_HEAD.size :].hex()[:trials]]
    choices = [Choice(s >> 3, s >> 1 & 3, bool(s & 1)) if s else None for s in states]
    typed = body[len(body) - name :].decode("utf-8", "replace")
    return Reply(test, friend, START + 60 * minutes, tuple(choices), typed)


# AMU1: 5 bits a letter of ID_ALPHABET. Letters: test 4, trials and bytes of the name 2, friend 6,
# minutes 5, each four choices 3 (a number in base 13), name, the lowest 25 bits of a CRC-32 5.


def _number(letters):
    digits = str.maketrans(ID_ALPHABET, "0123456789ABCDEFGHIJKLMNOPQRSTUV")
    return int(letters.translate(digits) or "0", 32)


def _old_size(letters):
    trials, name = divmod(_number(letters[4:6].translate(_LIKE_DIGITS)), 16)
    return 22 + 3 * -(-trials // 4) + -(-8 * name // 5)


def _old_decode(letters):
    letters = letters.translate(_LIKE_DIGITS)
    if len(letters) < 6 or len(letters) != _old_size(letters):
        return None
    body, trials, name = letters[:-5], *divmod(_number(letters[4:6]), 16)
    if _number(letters[-5:]) != zlib.crc32(body.encode()) & 2**25 - 1:
        return None
    end = 17 + 3 * -(-trials // 4)
    fours = [_number(body[i : i + 3]) for i in range(17, end, 3)]
    states = [four // 13**power % 13 - 1 for four in fours for power in (3, 2, 1, 0)][:trials]
    choices = [Choice(s // 6, s % 6 // 2 + 1, s % 2 == 1) if s >= 0 else None for s in states]
    typed = (_number(body[end:]) >> 5 * len(body[end:]) - 8 * name).to_bytes(name)
    when = START + 60 * _number(body[12:17])
    text = typed.decode("utf-8", "replace")
    return Reply(letters[:4], _number(body[6:12]), when, tuple(choices), text)


_NEW = _Version(PREFIX, string.ascii_uppercase + string.digits, 8, _size, _decode)
_OLD = _Version("AMU1", ID_ALPHABET + "OIL", 6, _old_size, _old_decode)
