"""Copies, near-copies and excerpts: found by sketches, counted exactly, in both languages."""

import pickle
import random
from pathlib import Path

import pytest
from growth import grows_in_proportion
from hypothesis import given, settings
from hypothesis import strategies as st

from twinlib.corpus.dedupe import Sketches, duplicates, groups, repeated, shingles, similar

POSTS = [
    path.read_text(encoding="utf-8")
    for path in sorted((Path(__file__).parent.parent / "data_samples" / "posts").iterdir())
]
POST = (
    "小雨。台上一缸茶，别的没有。今天只讲茶。街坊路过都要说一句，老宁，这天气喝这么烫。我说茶要烫。"
)


def slowly(texts, alike=0.5):
    """All pairs, by comparing every text with every other one, on Python's own sets of strings."""
    sets = [spelled(text) for text in texts]
    for i, one in enumerate(sets):
        for j, other in enumerate(sets[:i]):
            both = len(one & other)
            if one and other and both >= alike * min(len(one), len(other)):
                yield j, i, both / len(one | other), both / min(len(one), len(other))


def spelled(text):
    letters = "".join(character for character in text.casefold() if character.isalnum())
    sizes = [5 if letter >= "\u2e80" else 12 for letter in letters]
    found = {letters[n : n + size] for n, size in enumerate(sizes) if n + size <= len(letters)}
    return found or {letters} - {""}


def edited(text, rng):
    """A text with a few words or characters changed, cut, or with something before it."""
    space = "" if text.count(" ") < len(text) / 20 else " "
    units = text.split(space) if space else list(text)
    for place in rng.sample(range(len(units)), int(len(units) * rng.uniform(0, 0.04))):
        units[place] = rng.choice(units)
    start = rng.randrange(len(units) // 4)
    return rng.choice(["", rng.choice(POSTS)[:200]]) + space.join(
        units[start : start + int(len(units) * 0.9)]
    )


def made(copies=6, seed=5):
    rng = random.Random(seed)
    texts = [edited(post, rng) for post in POSTS for _ in range(copies)]
    rng.shuffle(texts)
    return texts


def test_near_duplicates_are_found_and_others_are_not():
    repost = POST.replace("说一句", "讲一句").replace("这天气", "这种天气")
    other = (
        "晴，退大潮，桩子露出来一半。台上没活，写一篇有用的。"
        "老有街坊问怎么找我。三号码头，候船室背后。"
    )
    found = similar([POST, other, repost])
    assert [(i, j) for i, j, *_ in found] == [(0, 2)] and 0.5 < found[0][2] < 0.6


def test_an_excerpt_is_contained_in_the_whole():
    whole = "".join(f"第{n}件工具是一把{n * 7}毫米的扳手，挂在墙上第{n * 3}格。" for n in range(40))
    ((_, _, jaccard, containment),) = similar([whole, whole[100:300]])
    assert jaccard < 0.5 < 0.95 < containment


def test_nearly_all_pairs_are_found_in_both_languages_no_others_and_with_exact_numbers():
    texts = made()
    right = {(i, j): numbers for i, j, *numbers in slowly(texts)}
    found = {(i, j): numbers for i, j, *numbers in similar(texts)}
    alike = {pair for pair, (jaccard, _) in right.items() if jaccard >= 0.6}
    assert len(alike) > 150 and len(alike & set(found)) >= 0.99 * len(alike)
    assert len(found) >= 0.98 * len(right)
    assert found == {
        pair: right[pair] for pair in found
    }  # none that isn't one, and the numbers to the last digit


def test_the_sample_blog_holds_one_repost_and_nothing_else_alike():
    ((i, j, jaccard, _),) = similar(POSTS)
    assert POSTS[i] != POSTS[j] and jaccard > 0.5 and "茶要烫" in POSTS[i] and "茶要烫" in POSTS[j]


@pytest.mark.parametrize(
    "one, other",
    [
        ("Half a turn more, and then you stop.", "half a turn more — and THEN, you stop"),
        ("茶要烫，人要慢，话要少。", "茶要烫人要慢 话要少"),
        ("Straße und Maße, wie immer", "STRASSE UND MASSE WIE IMMER"),
    ],
)
def test_case_spaces_and_punctuation_do_not_count(one, other):
    assert similar([one, other]) == [(0, 1, 1.0, 1.0)]


def test_five_chinese_characters_or_twelve_letters_are_a_shingle():
    assert len(shingles("茶要烫人要慢")) == 2 and len(shingles("abcdefghijklm")) == 2
    assert len(shingles("abc茶要烫人要慢")) == 2  # only from the Chinese ones on are there enough
    assert len(shingles("茶")) == len(shingles("tea")) == 1 and len(shingles("……!?")) == 0


def test_a_short_page_is_not_called_part_of_a_book_for_its_common_words():
    english = [post for post in POSTS if post.count(" ") > 100]
    assert similar(["\n".join(english[1:]), english[0]]) == []


def test_texts_without_letters_are_like_no_other():
    assert similar(["", "", "……", "!!!", "茶"]) == [] and similar([]) == []


def test_thousands_of_copies_are_paired_with_the_first_at_once():
    assert similar([POST] * 5000) == [(0, n, 1.0, 1.0) for n in range(1, 5000)]
    assert grows_in_proportion(lambda size: similar([POST] * size), 1250)


def test_thousands_of_near_copies_hang_together_without_comparing_all_with_all():
    asked, texts = [], [POSTS[5] + f" 第{n}版" for n in range(2000)]
    sketches = Sketches()
    for text in texts:
        sketches.add(text)
    pairs = list(sketches.pairs(lambda n: asked.append(n) or texts[n]))
    assert all(jaccard > 0.9 for _, _, jaccard, _ in pairs)
    assert groups(pairs) == dict.fromkeys(range(2000), 0) and len(asked) < 10_000


def test_a_line_that_stands_in_every_text_makes_no_pairs():
    footer = "谢谢你读到这里，下周同一时间，老地方见，茶我请，话你说。" * 2
    bodies = [
        "".join(random.Random(n).choices("山水风雨花鸟鱼虫日月星辰江河湖海春夏秋冬东西南北", k=300))
        for n in range(300)
    ]
    assert similar([body + footer for body in bodies]) == []


def test_a_sketch_takes_under_400_bytes_for_3_kilobytes_of_text():
    sketches, rng = Sketches(), random.Random(1)
    words = " ".join(POSTS).split()
    for _ in range(200):
        sketches.add(" ".join(rng.choices(words, k=600))[:3000])
    assert len(pickle.dumps(sketches)) / len(sketches) < 400


def test_a_chapter_is_found_in_a_book_of_a_million_characters():
    rng = random.Random(2)
    book = "".join(rng.choices([chr(code) for code in range(0x4E00, 0x5E00)], k=2**20 + 1000))
    ((_, _, jaccard, containment),) = similar([book, book[200_000:203_000]])
    assert containment == 1.0 and jaccard == pytest.approx(3000 / len(book), rel=0.1)


def test_progress_ends_with_all_texts():
    sketches, seen = Sketches(), []
    for post in POSTS:
        sketches.add(post)
    list(sketches.pairs(POSTS.__getitem__, progress=lambda *numbers: seen.append(numbers)))
    assert seen[-1] == (len(POSTS), len(POSTS))


def test_groups_are_known_by_their_smallest_member():
    assert groups([(4, 2), (3, 4), (0, 1, 0.7)]) == {0: 0, 1: 0, 2: 2, 3: 2, 4: 2}


@settings(deadline=None, max_examples=100)
@given(st.lists(st.one_of(st.text(), st.text("ab茶要 ", max_size=40)), max_size=8))
def test_no_text_breaks_it_and_every_pair_it_gives_is_right(texts):
    right = {(i, j): numbers for i, j, *numbers in slowly(texts)}
    assert all(right[i, j] == numbers for i, j, *numbers in similar(texts))


def left_out(ages, *pairs):
    return duplicates(pairs, ages.__getitem__)


def test_a_text_goes_only_for_one_that_itself_stays():
    ages = [3, 1, 2]
    assert left_out(ages) == set()
    assert left_out(ages, (0, 1, 0.6), (1, 2, 0.4)) == {0}
    assert left_out(ages, (0, 1, 0.6), (0, 2, 0.6)) == {0}  # 0 is like both, which are not alike
    assert left_out([1, 2, 3], (0, 1, 0.6), (1, 2, 0.6)) == {1}


def test_of_copies_in_a_chain_the_first_stays():
    chain = [(0, 1, 0.9), (1, 2, 0.9), (2, 3, 0.9)]
    assert left_out([5, 3, 9, 7], *chain) == {0, 2, 3}
    assert left_out([5, 3, 9, 7, 1], *chain, (3, 4, 0.6)) == {0, 1, 2, 3}


PIECES = [
    f"{word}：" + "".join(chr(0x4E00 + (n * 977 + i * 31) % 5000) for i in range(300))
    for n, word in enumerate(("茶", "船", "灯", "伞"))
]


def left(texts, owners, ages="abcdefgh"):
    return repeated(texts, owners, lambda owner: ages.index(owner))


def test_a_compilation_gives_its_passages_up_and_the_texts_that_it_is_made_of_stay():
    shifted = [PIECES[0][150:] + PIECES[1][:200], PIECES[1][200:] + PIECES[2], PIECES[3]]
    assert left([*PIECES[:3], *shifted], ["a", "b", "c", "d", "d", "d"]) == {3, 4}
    assert left([*shifted, *PIECES[:3]], ["a", "a", "a", "b", "c", "d"]) == {0, 1}


def test_of_two_texts_with_a_passage_in_common_the_younger_gives_it_up():
    assert left([PIECES[0], PIECES[1], PIECES[1]], ["a", "a", "b"]) == {2}
    assert left([PIECES[0], PIECES[1], PIECES[1]], ["b", "b", "a"]) == {1}


def test_repetition_within_a_text_and_short_or_partly_new_passages_stay():
    assert left([PIECES[0], PIECES[0]], ["a", "a"]) == set()
    assert left([PIECES[0][:40], PIECES[0][:40]], ["a", "b"]) == set()
    assert left([PIECES[0], PIECES[0] + PIECES[1]], ["b", "a"]) == {0}
    assert left([PIECES[0] + PIECES[1], PIECES[0] + PIECES[2]], ["a", "b"]) == set()


def test_a_file_that_compiles_others_is_found_and_its_sources_stay():
    rng = random.Random(4)
    words = ["".join(rng.choices("abcdefghiklmnoprstuvw", k=6)) for _ in range(900)]

    def sentence():
        return " ".join(rng.choice(words) for _ in range(14)).capitalize() + "."

    posts = ["\n".join(sentence() for _ in range(12)) for _ in range(30)]
    records = "\n".join(
        f"【类别】life【来源】{number}\n【正文】{' '.join(post.split(chr(10))[2:5])}"
        for number, post in enumerate(posts[:12])
    )
    commented = "\n".join(f"{post.split(chr(10))[0]}\n{sentence()}" for post in posts[:12])
    texts = [*posts, "\n\n".join(posts), records, "\n".join(p[:250] for p in posts), commented]
    sketches = Sketches()
    for text in texts:
        sketches.add(text)
    assert set(sketches.compilations(texts.__getitem__, lambda n: n)) == {30, 31, 32}


def test_where_all_writing_is_chats_nothing_is_repeated():
    assert repeated([], [], str) == set()
