"""The code that a friend sends back from the blind test: short, checked, and readable whatever a chat app did to it.

A code is AMU1 and then base-32 characters of 5 bits each (0-9 A-Z without I, L, O and U), grouped by hyphens:

    test (4) · trials and bytes of the name (2) · friend (6) · minutes since 2025 (5) · choices (3 for every 4 trials) ·
    name (8 bits a byte) · checksum (5: the lowest 25 bits of the CRC-32 of all before it)

A choice is 0 for none, else 1 + 6·pick + 2·(sure − 1) + read; four of them are one number in base 13. `pick` is 0 or 1:
the pair's first or second text as the owner's key has them, wherever the page showed it. U stands only in AMU1, so a
code is found in any text. Capitals, O for 0, I and L for 1, full width, blanks, line breaks and punctuation don't
matter. The checksum finds accidents, not forgers. The page's script writes codes by the same rules (pages/).
"""

import re
import unicodedata
import zlib
from typing import NamedTuple

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
PREFIX = "AMU1"
START = 1735689600  # seconds: 2025-01-01, UTC
SIZES = {"test": 4, "counts": 2, "friend": 6, "when": 5, "check": 5}
HEAD = SIZES["test"] + SIZES["counts"]
MOST_TRIALS, MOST_NAME = 63, 15  # trials, bytes: what fits
GROUP = 5
_BEGIN = re.compile(r"(?<![A-Z0-9])A[\W_]{0,3}M[\W_]{0,3}U[\W_]{0,3}[1IL]")
_PIECE = re.compile(rf"(?<!\w)(?:[{ALPHABET}]{{{GROUP}}}-){{2,}}[{ALPHABET}]{{1,{GROUP}}}(?!\w)")
_MEANT = {**{letter: value for value, letter in enumerate(ALPHABET)}, "O": 0, "I": 1, "L": 1}
_MULTIPLIER, _PRIME = (
    48271,
    2**31 - 1,
)  # Park and Miller's generator, which a browser can do in whole numbers


class Choice(NamedTuple):
    """What a friend said of one pair: the text picked (0 or 1), how sure (1 to 3), and whether one was known before."""

    pick: int
    sure: int
    read: bool


class Reply(NamedTuple):
    """What a code says; `choices` has a Choice or None for each trial, `when` is seconds since 1970."""

    test: str
    friend: int
    when: int
    choices: tuple
    name: str


class Damaged(NamedTuple):
    """A code that didn't arrive whole: its beginning, how many characters came and should have (None: unknown)."""

    begins: str
    came: int
    wanted: int | None


def write(reply):
    """The code of a Reply."""
    name = reply.name.encode()
    assert len(name) <= MOST_NAME and len(reply.choices) <= MOST_TRIALS and 0 < reply.friend < 2**30
    values = [_MEANT[letter] for letter in reply.test] + _digits(
        len(reply.choices) << 4 | len(name), SIZES["counts"]
    )
    values += _digits(reply.friend, SIZES["friend"]) + _digits(
        (reply.when - START) // 60, SIZES["when"]
    )
    states = [_state(choice) for choice in reply.choices] + [0] * (-len(reply.choices) % 4)
    for place in range(0, len(states), 4):
        a, b, c, d = states[place : place + 4]
        values += _digits(((a * 13 + b) * 13 + c) * 13 + d, 3)
    size = -(-8 * len(name) // 5)
    values += _digits(int.from_bytes(name) << (5 * size - 8 * len(name)), size)
    body = "".join(ALPHABET[value] for value in values + _digits(_check(values), SIZES["check"]))
    return "-".join([PREFIX, *(body[i : i + GROUP] for i in range(0, len(body), GROUP))])


def read(text):
    """(replies, damaged) of all codes in a text, in its order; what stands around and between them doesn't matter."""
    text = unicodedata.normalize("NFKC", text).upper()
    begins = list(_BEGIN.finditer(text))
    ends = [begin.start() for begin in begins[1:]] + [len(text)]
    replies, damaged, rest = [], [], text[: begins[0].start()] if begins else text
    for begin, end in zip(begins, ends):
        values, stop = _values(text, begin.end(), end)
        found = _reply(values)
        (damaged if isinstance(found, Damaged) else replies).append(found)
        rest += " " + (text[stop:end] if isinstance(found, Reply) else "")
    # A part of a code without its beginning.
    damaged += [
        Damaged(piece[0][: 2 * GROUP + 1], len(piece[0].replace("-", "")), None)
        for piece in _PIECE.finditer(rest)
    ]
    return replies, damaged


def shown(friend, trials):
    """(order, swapped): in which order a friend's page shows the trials, and in which of them (by trial) the pair's
    second text stands first. The page's script computes the same."""
    state = friend

    def draw(most):
        nonlocal state
        state = state * _MULTIPLIER % _PRIME
        return state % most

    for _ in range(8):  # friends with near numbers start alike
        draw(2)
    order = list(range(trials))
    for last in range(trials - 1, 0, -1):
        other = draw(last + 1)
        order[last], order[other] = order[other], order[last]
    return order, [draw(2) == 1 for _ in range(trials)]


def _values(text, start, end):
    """(5-bit values, where they stop) of a code from text[start] on: as many as its head asks for, or as there are."""
    values, wanted, place = [], None, start
    while place < end and (wanted is None or len(values) < wanted):
        letter = text[place]
        if letter in _MEANT:
            values.append(_MEANT[letter])
        elif letter.isalnum():  # U, or a word of another script: what follows is no code
            break
        place += 1
        if len(values) == HEAD:
            wanted = _size(values)
    return values, place


def _size(values):
    """How many values a code has whose head is given."""
    trials, name = divmod(_number(values[SIZES["test"] : HEAD]), 16)
    return (
        HEAD
        + SIZES["friend"]
        + SIZES["when"]
        + 3 * -(-trials // 4)
        + -(-8 * name // 5)
        + SIZES["check"]
    )


def _reply(values):
    """The Reply that the values are, or Damaged."""
    wanted = _size(values) if len(values) >= HEAD else None
    whole, check = values[: -SIZES["check"]], values[-SIZES["check"] :]
    if len(values) != wanted or _number(check) != _check(whole):
        letters = "".join(ALPHABET[value] for value in values)
        return Damaged(
            f"{PREFIX}-{letters[:GROUP]}-{letters[GROUP : 2 * GROUP]}".rstrip("-"),
            len(values),
            wanted,
        )
    trials, name = divmod(_number(values[SIZES["test"] : HEAD]), 16)
    place = HEAD + SIZES["friend"]
    friend, when = _number(values[HEAD:place]), _number(values[place : place + SIZES["when"]])
    place, size = place + SIZES["when"], 3 * -(-trials // 4)
    states = [
        state
        for i in range(place, place + size, 3)
        for state in _base13(_number(values[i : i + 3]))
    ]
    letters = values[place + size : -SIZES["check"]]
    typed = (
        (_number(letters) >> (5 * len(letters) - 8 * name))
        .to_bytes(name)
        .decode("utf-8", "replace")
    )
    return Reply(
        "".join(ALPHABET[value] for value in values[: SIZES["test"]]),
        friend,
        START + 60 * when,
        tuple(_choice(state) for state in states[:trials]),
        typed,
    )


def _state(choice):
    return 0 if choice is None else 1 + 6 * choice.pick + 2 * (choice.sure - 1) + choice.read


def _choice(state):
    return (
        None
        if not 0 < state < 13
        else Choice((state - 1) // 6, (state - 1) % 6 // 2 + 1, (state - 1) % 2 == 1)
    )


def _base13(number):
    return [number // 13**power % 13 for power in (3, 2, 1, 0)]


def _digits(number, size):
    """A number as `size` values of 5 bits, the highest first."""
    return [number >> 5 * place & 31 for place in range(size - 1, -1, -1)]


def _number(values):
    number = 0
    for value in values:
        number = number << 5 | value
    return number


def _check(values):
    return zlib.crc32("".join(ALPHABET[value] for value in values).encode()) & 2**25 - 1
