"""What a client wants of an answer at most, kept where the memory answers instead of the model."""

import pytest

from twinlib.talk.limits import Limits, longest


def words(text):
    """Tokens of a tokenizer whose tokens are words: a part of "board" is two of them."""
    return sum(2 if "board".startswith(word) and word != "board" else 1 for word in text.split())


def passed(pieces, most=99, stop=()):
    """(pieces passed on, whether there were more than `most` tokens)."""
    said = []
    limits = Limits(words, most, stop, said.append)
    for piece in pieces:
        limits(piece)
    assert limits.end() == "".join(said)
    return said, limits.too_long


@pytest.mark.parametrize(
    "pieces, most, said, too_long",
    [
        (["One two. ", "Three."], 9, ["One two. ", "Three."], False),
        (["One two. ", "Three."], 3, ["One two. ", "Three."], False),
        (["One two. ", "Three."], 2, ["One two. "], True),
        (["One two three.", " Four."], 2, ["One two "], True),
        (["One two. ", "Three. ", "Four."], 1, ["One "], True),
        (["I have a board with hooks."], 4, ["I have a board "], True),
    ],
)
def test_as_much_is_passed_on_as_the_tokens_hold(pieces, most, said, too_long):
    assert passed(pieces, most) == (said, too_long)


@pytest.mark.parametrize(
    "pieces, stop, said",
    [
        (["One two. ", "Three."], ["two"], ["One "]),
        (["One tw", "o three."], ["two"], ["One "]),
        (["One tw", "enty."], ["two"], ["One ", "twenty."]),
        (["One tw"], ["two"], ["One ", "tw"]),
        (["One two."], ["two", "One"], []),
        (["茶要", "烫。水要开。"], ["烫。水"], ["茶要"]),
        (["a\n", "\nb"], ["\n\n"], ["a"]),
    ],
)
def test_nothing_is_passed_on_from_a_stop_text_on_wherever_it_is_cut(pieces, stop, said):
    assert passed(pieces, stop=stop) == (said, False)


def test_a_character_of_several_tokens_is_not_cut():
    def three_each(text):
        return 3 * len(text)

    assert [longest("茶水茶", three_each, most) for most in (1, 3, 8, 9)] == [0, 1, 2, 3]
    assert longest("茶水茶", three_each, 3, least=2) == 2
