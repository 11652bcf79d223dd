"""Likeness, nonsense and copies, on tables of strings and on this project's invented writers."""

import math
import re
from pathlib import Path

import pytest

from twinlib.evaluate.held_out import voices
from twinlib.text import style

POSTS = Path(__file__).parent.parent / "data_samples" / "posts"
ZH = (
    "台上：一把扳手，一缸茶，一本空账本。电车没了，人还得上班。"
    "那年城里一下子多出许多自行车，链条响得像搓麻将。"
)
EN = (
    "On the bench: a new bicycle, eleven days old, already dying. "
    "A student bought it and asked me what it is worth."
)


def posts(language):
    texts = [
        re.sub(r"\A(---|\+\+\+)\n.*?\n\1\n", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        for path in sorted(POSTS.iterdir())
    ]
    return [text for text in texts if (style.script_share(text, "zh") > 0.5) == (language == "zh")]


# Sounds like the author


@pytest.mark.parametrize("language, length", [("zh", 120), ("en", 500)])
def test_held_out_posts_are_told_from_impostors_that_the_fit_never_saw(language, length):
    from sklearn.metrics import roc_auc_score

    written = posts(language)
    train, held_out = written[4:], written[:4]
    others = voices(language)
    unseen = {name: others.pop(name) for name in ("professor", "reporter")}
    voice = style.fit_voice(train, others, language)
    mine = style.margins(
        voice, [p for text in held_out for p in style.pieces(text, length) if len(p) == length]
    )
    theirs = style.margins(
        voice,
        [p for text in unseen.values() for p in style.pieces(text, length) if len(p) == length],
    )
    assert len(mine) >= 4 and len(theirs) >= 10
    assert roc_auc_score([1] * len(mine) + [0] * len(theirs), mine + theirs) >= 0.97


def test_an_impostor_is_nearer_to_the_impostors_and_the_author_to_the_author():
    others = voices("en")
    author = others.pop("nurse")
    voice = style.fit_voice([author], others, "en")
    own, other = style.margins(voice, [author[:500], others["founder"][:500]])
    assert own > style.NEAR and other < 0


def test_too_little_writing_has_no_voice():
    assert style.fit_voice([EN], voices("en"), "en") is None


def test_nothing_written_has_no_margins():
    assert style.margins(style.fit_voice([voices("en")["nurse"]], {"x": EN}, "en"), []) == []


@pytest.mark.parametrize(
    "one, other, why",
    [
        ("他说，“好”！", '他说,"好"!', "full and half width"),
        ("「好」", "“好”", "kinds of quotation marks"),
        ("It’s  late\n\nHere", "it's late here", "apostrophes, line breaks, capitals"),
    ],
)
def test_typing_habits_are_no_style(one, other, why):
    assert style.tidy(one) == style.tidy(other), why


def test_pieces_are_equally_long_and_a_short_rest_is_left_out():
    assert style.pieces("ab" * 5, 4) == ["abab", "abab", "ab"]
    assert style.pieces("abcdefghi", 4) == ["abcd", "efgh"]
    assert style.pieces("ab", 4) == ["ab"]


def test_texts_are_compared_at_the_length_of_the_shortest():
    assert style.cut_to_same_length("abcdef", "ABC", "x y  z w") == ["abc", "abc", "x y"]


@pytest.mark.parametrize(
    "triples, value, why",
    [
        ([(0.1, 0.1, 0.2)], 0.0, "like the base"),
        ([(0.2, 0.1, 0.2)], 1.0, "like the author"),
        ([(0.1, 0.1, 0.2), (0.2, 0.1, 0.2)], 0.5, "half the way"),
        ([(0.0, 0.1, 0.2)], -1.0, "farther off than the base"),
        ([(0.3, 0.1, 0.11)], math.nan, "a base that needs no training can't be improved on"),
    ],
)
def test_likeness_goes_from_the_base_to_the_author(triples, value, why):
    assert style.likeness(triples) == pytest.approx(value, nan_ok=True), why


@pytest.mark.parametrize(
    "text, sample, typed, why",
    [
        ("好,走吧?Yes, sir.", "他说，好。", "好，走吧？Yes, sir.", "beside Chinese only"),
        ("好，走吧？", "他说,好.", "好,走吧?", "half width"),
        ("Yes, sir.", "他说，好。", "Yes, sir.", "English stays"),
    ],
)
def test_others_are_typed_like_the_author(text, sample, typed, why):
    assert style.punctuated_like(text, sample) == typed, why


# Nonsense


@pytest.mark.parametrize(
    "text, language, found, why",
    [
        (ZH, "zh", [], "good Chinese"),
        (EN, "en", [], "good English"),
        (
            "用 Colab 跑 Stable Diffusion 很方便，我试了一个下午，没花钱。",
            "zh",
            [],
            "Latin words in Chinese",
        ),
        (
            "I call it 半圈, half a turn, and that is all there is to say about it.",
            "en",
            [],
            "a Chinese word in English",
        ),
        ("不知道。", "zh", [], "short is no flaw"),
        ("1998", "en", [], "a number has no script"),
        ("", "zh", ["empty"], ""),
        (" …… \n", "zh", ["empty"], "nothing but dots"),
        ("今天天气\ufffd不错，我们走吧。", "zh", ["replacement"], "a broken character"),
        (EN, "zh", ["script"], "English to a Chinese question"),
        (ZH, "en", ["script"], "Chinese to an English question"),
        ("Завтра будет дождь", "en", ["script"], "neither"),
        ("水底，没有鱼。" * 12, "zh", ["loop"], "one sentence again and again"),
        (ZH + "他听不懂，" * 20, "zh", ["loop"], "goes round in circles after a good start"),
        (EN + " I measured it and it is." * 12, "en", ["loop"], "the same in English"),
        (
            2 * ZH + "我以为长城是国门，国门的人是无能的，因为" * 3,
            "zh",
            ["loop"],
            "a phrase three times",
        ),
        (
            "".join(map(chr, range(0x4E00, 0x4EA0)))
            + "我以为长城是国门，而国门里的人看不见墙，只看见自己。" * 2,
            "zh",
            ["loop"],
            "only its last third",
        ),
        ("<b><i>" + "<b>" * 60, "en", ["loop"], "markup in circles"),
    ],
)
def test_nonsense_has_a_name(text, language, found, why):
    assert style.flaws(text, language) == found, why


def test_a_model_that_recites_its_prompt_says_nothing():
    prompt = f"You are Ning. For example:\n{ZH}\nHow are you?"
    assert style.flaws(ZH, "zh", prompt) == ["echo"]
    assert style.flaws(ZH, "zh", "You are Ning.") == []


def test_words_after_the_prompt_are_taken_out_and_the_rest_stays():
    assert style.without_echo(f"好的。{ZH}就这样，半圈。", ZH, "zh") == "好的。就这样,半圈。"
    assert style.without_echo("一把扳手，一缸茶", ZH, "zh") == "一把扳手,一缸茶"


@pytest.mark.parametrize("language, length", [("zh", 100), ("en", 300)])
def test_people_do_not_write_nonsense(language, length):
    texts = [
        piece
        for text in [*posts(language), *voices(language).values()]
        for piece in style.pieces(text, length)
    ]
    assert len(texts) > 100 and [text for text in texts if style.flaws(text, language)] == []


# Copies


@pytest.mark.parametrize(
    "text, source, run",
    [("abcxyz", "..xyz..abc", 3), ("abc", "abc", 3), ("abc", "", 0), ("", "abc", 0)],
)
def test_the_longest_run_is_found(text, source, run):
    assert style.longest_run(text, source) == run


@pytest.mark.parametrize(
    "text, near, why",
    [
        ("0123456789", True, "word for word"),
        ("xx234567yy", True, "six of ten in one run"),
        ("01234xx789", False, "five in a row, and three"),
        ("", False, "nothing said"),
    ],
)
def test_a_near_copy_has_most_of_its_characters_in_one_run(text, near, why):
    assert style.is_near_copy(text, "...0123456789...") == near, why


@pytest.mark.parametrize(
    "text, exact",
    [
        ("0123456789", True),
        ("012345678", True),
        ("01234", False),
        ("0123x56789", False),
        ("", False),
        ("0123456789abc", True),
    ],
)
def test_an_exact_copy_is_the_true_continuation(text, exact):
    assert style.is_exact_copy(text, "0123456789") == exact


def test_windows_are_whole():
    assert style.windows("abcdefg", 3) == ["abc", "def"]
