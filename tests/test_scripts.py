"""Characters by script, garbled encodings and the two Chinese scripts: right text stays."""

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twinlib import i18n
from twinlib.corpus.clean.scripts import (
    by_script,
    loss_warning,
    lost_shares,
    repair_encoding,
    unify_script,
)
from twinlib.text.script import SCRIPTS

HOME = Path(__file__).parent.parent


def count_scripts(text):
    """{script: number of characters} of a text."""
    return by_script(Counter(text))


GOOD = [
    path.read_text(encoding="utf-8")
    for folder in ("data_samples/posts", "twinlib/data/voices")
    for path in sorted((HOME / folder).iterdir())
]
LINES = sorted(
    {
        line
        for text in GOOD
        for line in text.split("\n")
        if sum("\u4e00" <= c <= "\u9fff" for c in line) > 8
    }
)


# The account


@pytest.mark.parametrize(
    "script, characters",
    [
        ("chinese", "茶要烫々〇㐀𠀀"),
        ("latin", "aÉßﬁＡ"),
        ("kana", "のカｶー"),
        ("hangul", "안ㅎ"),
        ("cyrillic", "Жё"),
        ("greek", "αΩ"),
        ("arabic", "سﻼ"),
        ("letters", "אก\u0301"),
        ("digits", "0９½①"),
        ("punctuation", "，。“”—!·「"),
        ("symbols", "😀+£→\ufe0f"),
        ("spaces", " \n\t\u3000\u200b\ufeff\x00"),
    ],
)
def test_every_character_has_a_script(script, characters):
    assert count_scripts(characters) == {script: len(characters)}


def test_an_account_counts_all_characters_and_adds_up():
    assert count_scripts("茶 tea 2 杯。") == {
        "chinese": 2,
        "latin": 3,
        "digits": 1,
        "spaces": 3,
        "punctuation": 1,
    }
    assert count_scripts("茶 tea") + count_scripts("茶。") == count_scripts("茶 tea茶。")


@settings(deadline=None, max_examples=100)
@given(st.text())
def test_no_character_is_lost_in_the_account(text):
    counts = count_scripts(text)
    assert sum(counts.values()) == len(text) and set(counts) <= set(SCRIPTS)


def test_what_is_lost_is_a_share_of_what_was_there():
    assert lost_shares(Counter(chinese=200, latin=100), Counter(chinese=50, latin=120)) == {
        "chinese": 0.75,
        "latin": 0.0,
    }
    assert lost_shares(Counter(), Counter()) == {}


def test_a_cleaner_that_eats_chinese_is_seen_at_once(monkeypatch):
    text = "\n".join(GOOD)
    eaten = count_scripts(text.encode("ascii", "ignore").decode())
    monkeypatch.setattr(i18n, "language", lambda: "both")
    said = loss_warning(count_scripts(text), eaten)
    assert (
        "100% of the Chinese characters" in said and "100% 的汉字" in said and "dropped.csv" in said
    )


@pytest.mark.parametrize(
    "before, after, why",
    [
        (Counter(chinese=1000, latin=1000), Counter(chinese=900, latin=850), "both lost a little"),
        (
            Counter(chinese=1000, latin=1000),
            Counter(chinese=100, latin=100),
            "a repost went, with all its scripts",
        ),
        (Counter(chinese=1000, greek=5), Counter(chinese=1000), "five letters are no share"),
        (
            Counter(chinese=1000, symbols=500),
            Counter(chinese=990),
            "marks of Markdown are no words",
        ),
        (Counter(), Counter(), "nothing came in"),
    ],
)
def test_nothing_is_said_when_all_scripts_fare_alike(before, after, why):
    assert loss_warning(before, after) == "", why


def test_all_the_words_gone_and_the_rest_kept_is_said():
    assert loss_warning(Counter(chinese=1000, punctuation=200), Counter(punctuation=200))


# Garbled encodings


def as_latin(text):
    return text.encode().decode("latin-1")


def as_windows(text):
    return "".join(bytes([byte]).decode("cp1252", "ignore") or chr(byte) for byte in text.encode())


@pytest.mark.parametrize(
    "garbled, right",
    [
        ("CafÃ©, itâ€™s naÃ¯ve", "Café, it’s naïve"),
        ("MÃ¼ller", "Müller"),
        ("ðŸ˜€", "😀"),
        ("ä½\xa0å¥½", "你好"),
        ("他说 CafÃ© 很好", "他说 Café 很好"),
        ("浣犲ソ", "你好"),
        ("绔犺妭", "章节"),
        ("涓€鏉′竴", "一条一"),
        ("ÄãºÃ£¬½ñÌì", "你好，今天"),
        ("\x93Yes\x94", "“Yes”"),
        ("浣犲ソ鍚\ufffd", "你好\ufffd"),
    ],
)
def test_garbled_text_is_mended(garbled, right):
    assert repair_encoding(garbled) == right


@pytest.mark.parametrize("garble", [as_latin, as_windows], ids=["latin-1", "cp1252"])
def test_every_line_read_as_latin_comes_back_whole(garble):
    assert [line for line in LINES if repair_encoding(garble(line)) != line] == []


def test_lines_of_gbk_read_as_latin_come_back_whole():
    assert [
        line for line in LINES if repair_encoding(line.encode("gb18030").decode("latin-1")) != line
    ] == []


def test_lines_read_as_gbk_come_back_but_for_the_characters_that_the_reading_lost():
    found = [(line, repair_encoding(line.encode().decode("gbk", "replace"))) for line in LINES]
    alike = [sum((Counter(line) & Counter(new)).values()) / len(line) for line, new in found]
    assert sum(share > 0.7 for share in alike) > 0.9 * len(LINES)


def test_only_the_garbled_line_changes():
    text = "第一行，好好的。\n\n浣犲ソ锛屽帇鍔�\nNaïve café.  \n"
    assert (
        repair_encoding(text).replace("你好，压�\n", "浣犲ソ锛屽帇鍔�\n")
        == text
        != repair_encoding(text)
    )


@pytest.mark.parametrize(
    "text",
    [
        "锟斤拷锟斤拷",
        "很好锟斤拷",
        "浣熊和犀牛",
        "玛瑙、娴静、璧山、浜崎",
        "“curly” ‘quotes’ — and … dots",
        "ＦＵＬＬ　ｗｉｄｔｈ　１２３",
        "ﬁne ﬂow",
        "&amp; &lt;",
        "Été à la plage, où l’on s’était “déjà” vus",
        "São João, ñandú, Übergröße, ½ £5 × 3 ÷ 2 §12 ©",
        "ÀÁÂÃÄÅÆÇÈÉ",
        "e\u0301te\u0301",
        "lǜ sè de lǚguǎn, nǐ hǎo",
        "臺灣的鐵路，皇后在後面",
        "日本語のテキスト、カタカナ",
        "한국어 텍스트",
        "Привет, мир",
        "20 € pro Stück",
        "a\r\nb\u2028c\x0cd",
    ],
)
def test_good_text_is_left_alone(text):
    assert repair_encoding(text) == text


def test_not_one_character_of_the_invented_writing_changes():
    assert [text[:80] for text in GOOD if repair_encoding(text) != text] == []


def test_traditional_lines_are_left_alone():
    assert [
        line
        for line in LINES
        if repair_encoding(unify_script(line, "traditional")) != unify_script(line, "traditional")
    ] == []


@settings(deadline=None, max_examples=100)
@given(st.one_of(st.text(), st.text("ÃÂ©â€œ™½¼ä浣犲ソ锛鍚茶。\x80\x9f\xa0\ufffd \n", max_size=60)))
def test_no_text_breaks_the_mending_and_lines_stay_lines(text):
    assert repair_encoding(text).count("\n") == text.count("\n")


# Traditional and simplified


@pytest.mark.parametrize(
    "simplified, traditional",
    [
        ("头发是头发，发现是发现。", "頭髮是頭髮，發現是發現。"),
        ("皇后在后面。", "皇后在後面。"),
        ("干杯，擦干净。", "乾杯，擦乾淨。"),
        ("范仲淹在台上。", "范仲淹在臺上。"),
        ("Tea “热” [人名-1] 2 杯", "Tea “熱” [人名-1] 2 杯"),
    ],
)
def test_both_scripts_become_one(simplified, traditional):
    assert unify_script(simplified, "traditional") == traditional
    assert unify_script(traditional, "simplified") == simplified
    assert (
        unify_script(traditional, "as written") == traditional
        and unify_script(simplified, "as written") == simplified
    )


@pytest.mark.parametrize(
    "script, text",
    [
        ("traditional", "這裡離車站三公里，只有一個人，他說了很久。"),
        ("simplified", "乾隆年间的慰藉和狼藉，我们说了很久。"),
        ("traditional", "plain English, 123, カタカナ"),
        ("simplified", ""),
    ],
)
def test_what_is_in_that_script_already_stays(script, text):
    assert unify_script(text, script) == text


@pytest.mark.parametrize("script", ["simplified", "traditional"])
def test_only_chinese_characters_change_one_for_one(script):
    for text in GOOD:
        new = unify_script(text, script)
        assert count_scripts(new) == count_scripts(text)
        assert all(
            count_scripts(old) == {"chinese": 1}
            for old, character in zip(text, new)
            if old != character
        )


@pytest.mark.parametrize("script", ["simplified", "traditional"])
def test_unifying_twice_changes_nothing_more(script):
    for text in GOOD:
        assert unify_script(unify_script(text, script), script) == unify_script(text, script)


@pytest.mark.parametrize("script", ["simplified", "traditional"])
def test_no_character_of_another_script_is_touched(script):
    others = "".join(
        chr(code)
        for code in range(0x20, 0x30000)
        if not 0xD800 <= code < 0xE000 and count_scripts(chr(code)) != {"chinese": 1}
    )
    assert unify_script(others, script) == others
