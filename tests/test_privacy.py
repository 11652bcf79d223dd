"""Masking: planted personal data goes and look-alikes stay, in Chinese without spaces too."""

import re

import pytest
from growth import grows_in_proportion
from hypothesis import given, settings
from hypothesis import strategies as st
from privacy_cases import (
    ABROAD_NAMES,
    HELD_OUT_ABROAD_NAMES,
    HELD_OUT_NAMES,
    OWNERS_NAMES,
    SPELT_NAMES,
    abroad,
    chinese_without_spaces,
    every,
    held_out,
    held_out_abroad,
    held_out_spellings,
    near_abroad,
    rates,
    read,
    score,
    spellings,
)

from twinlib.i18n import data
from twinlib.text import privacy
from twinlib.text.privacy import (
    Match,
    find,
    label,
    mask,
    private_names,
    quoted_name,
    value_id,
)


@pytest.mark.parametrize(
    "text, masked",
    [
        ("邮箱是half-turn@example.com，三天看一次", "邮箱是[邮箱-1]，三天看一次"),
        ("电话13800138000，早上接", "电话[电话-1]，早上接"),
        ("打+86 138-0013-8000吧", "打[电话-1]吧"),
        ("座机010-62345678转3", "座机[电话-1]转3"),
        ("身份证11010519491231002X号", "身份证[身份证-1]号"),
        ("卡号6222 0212 3456 7890 128", "卡号[卡号-1]"),
        ("编号6222 0212 3456 7890 129", "编号6222 0212 3456 7890 129"),
        ("电话(021)62345678，或（021）62345678", "电话[电话-1]，或[电话-1]"),
        ("座机02162345678，", "座机[电话-1]，"),
        ("打０２１-６２３４５６７８，全角ＡＢ１２不动", "打[电话-1]，全角ＡＢ１２不动"),
        ("家里075582345678", "家里[电话-1]"),
        ("卡号4111 1111 1111 1111过期", "卡号[卡号-1]过期"),
        ("服务器在203.0.113.7上", "服务器在[IP-1]上"),
    ],
)
def test_personal_data_inside_chinese_is_masked(text, masked):
    assert mask(text, "zh", {})[0] == masked


@pytest.mark.parametrize(
    "text, masked",
    [
        ("Write to a.b+c@mail.example.org.", "Write to [email-1]."),
        ("Call +44 20 7946 0958 today", "Call [phone-1] today"),
        ("1-800-555-0199 or 415.555.2671.", "[phone-1] or [phone-2]."),
        ("415.555.2671, 415-555-2671", "[phone-1], [phone-1]"),
        ("section 8 at 10.0.0.1, srv 10.0.0.2", "section 8 at [ip-1], srv [ip-2]"),
        ("Call (555) 123-4567, or 555-123-4567", "Call [phone-1], or [phone-1]"),
        ("at 203.0.113.7.", "at [ip-1]."),
    ],
)
def test_personal_data_in_english_is_masked(text, masked):
    assert mask(text, "en", {})[0] == masked


@pytest.mark.parametrize(
    "text",
    [
        "第1.2.3.4节",
        "见3.4.1.2 节",
        "Section 3.4.1.2",
        "版本号：1.2.3.4",
        "VERSION 1.2.3.4",
        "ISBN 0201896834",
        "订单0215123456789012",
        "2019-03-14 08:30",
        "版本1.2.3.4",
        "v10.0.19041.1",
        "ISBN 978-7-02-000220-7",
        "一百四十三件，1234567890",
        "圆周率3.14159265358979",
        "订单20240115123456789",
        "110105194912310021",
        "二〇〇九年1994年",
        "localhost是127.0.0.1",
        "@宁半圈",
        "a@b",
        "价格1380013.80元",
        "一路12号",
        "上街12号有集",
        "半路3号车坏了",
        "这条街5号封了",
        "第13800页",
        "1663-01-11",
        "999.999.999.999",
        "+++",
        "2024/01/15-2024/02/15",
    ],
)
def test_look_alikes_are_left_alone(text):
    assert mask(text, "zh", {}) == (text, {})


def test_placeholders_are_stable_across_texts_and_masking_twice_is_masking_once():
    seen = {}
    first, _ = mask("a@example.com, b@example.com", "en", seen)
    second, counts = mask("B@example.com 和a@example.com", "zh", seen)
    assert (first, second, counts) == ("[email-1], [email-2]", "[邮箱-2] 和[邮箱-1]", {"email": 2})
    assert mask(second, "zh", seen) == (second, {})


@pytest.mark.parametrize(
    "text", ["13800138000(021)62345678", "13800138000+8613900139000", "１.2.3.4(021)62345678"]
)
def test_numbers_that_touch_are_all_masked_at_once(text):
    once, counts = mask(text, "zh", {})
    assert sum(counts.values()) == 2 and mask(once, "zh", {}) == (once, {})


@pytest.mark.parametrize(
    "text, masked",
    [
        ("让@491711234567来", "让@[电话-1]来"),
        ("@+491711234567 你看", "@[电话-1] 你看"),
        ("@\u2068491711234567\u2069，好", "@\u2068[电话-1]\u2069，好"),
        ("＠４９１７１１２３４５６７来", "＠[电话-1]来"),
        ("@123456789012345退群", "@[电话-1]退群"),
        ("微博@1234567890，", "微博[账号-1]，"),
        ("date -d @1700000000", None),
        ("单价@4917112345元", None),
        ("样品@491711234567_b", None),
        ("react-dom@491711234567", None),
        ("@123456789", None),
    ],
)
def test_a_number_after_an_at_sign_is_a_phone_that_was_mentioned(text, masked):
    assert mask(text, "zh", {})[0] == (masked or text)


@pytest.mark.parametrize(
    "name", ["我", 'Bob "the boat" Smith', "Smith, John", '"Nel"', '"a", "b"', "王、李", "O'Brien"]
)
def test_a_name_that_is_chosen_is_read_back_as_it_is(name):
    typed = ", ".join(map(quoted_name, ["Ann", name, "老周"]))
    assert private_names(typed) == ["Ann", name, "老周"]


def test_a_name_with_quotation_marks_can_be_typed_as_it_is():
    assert private_names('Bob "the boat" Smith；"Smith, John"；"Nel" Gwyn, "the boat"') == [
        'Bob "the boat" Smith',
        "Smith, John",
        '"Nel" Gwyn',
        "the boat",
    ]


def test_private_names_are_masked_whole_and_inside_chinese():
    names = private_names("Ann, 王小明，王小明的妈")
    text, counts = mask("王小明的妈和王小明，Ann in the Annual.", "zh", {}, names)
    assert (text, counts) == ("[人名-1]和[人名-2]，[人名-3] in the Annual.", {"name": 3})
    assert mask(text, "zh", {}, names)[1] == {}


def test_where_two_finds_overlap_one_is_taken():
    assert [f.value for f in find("We live at 12 Main Street now", ("at 12",))] == [
        "12 Main Street"
    ]


def test_a_long_value_is_found_whole():
    address = f"a@{'.'.join(['b' * 60] * 5)}.example"
    jumble = "".join(f"x{i}Q" for i in range(500))
    jwt = f"eyJ{jumble}.eyJ{jumble}.{jumble}"
    block = f"-----BEGIN PRIVATE {'KEY'}-----\n{jumble}\n-----END PRIVATE {'KEY'}-----"
    for value in (address, jwt, block):
        assert [f.value for f in find(f"这是{value}，")] == [value]


# The labelled set


def test_the_set_is_large_and_half_of_it_stands_in_chinese_without_spaces():
    cases = every()
    assert len({case.text for case in cases}) >= 800
    assert sum(map(chinese_without_spaces, cases)) >= len(cases) / 2
    assert {kind for case in cases for kind, _, _ in case.planted} == set(data("personal_data"))


def test_98_of_100_planted_values_are_found_and_95_of_100_finds_are_right():
    table, failures = score(find, every())
    for kind, (planted, found, wrong) in sorted(table.items()):
        print(f"{kind:12} {found} of {planted} found, {wrong} wrong")
        assert found >= 0.9 * planted and wrong <= 0.15 * found, kind
    recall, precision = rates(table)
    assert recall >= 0.98 and precision >= 0.95, [case.text for case, _ in failures]


def test_the_held_out_set_which_no_detector_was_tuned_on_comes_close():
    recall, precision = rates(score(find, held_out())[0])
    print(f"held out: recall {recall:.1%}, precision {precision:.1%}")
    assert recall >= 0.95 and precision >= 0.93


def test_99_of_100_values_are_found_however_they_are_spelt():
    cases = spellings()
    table, failures = score(find, cases, SPELT_NAMES)
    recall, precision = rates(table)
    assert len(cases) >= 300
    assert recall >= 0.99 and precision >= 0.97, [case.text for case, _ in failures]


def test_fewer_than_2_of_100_leak_in_spellings_that_no_detector_was_tuned_on():
    recall, precision = rates(score(find, held_out_spellings(), HELD_OUT_NAMES)[0])
    print(f"held-out spellings: recall {recall:.1%}, precision {precision:.1%}")
    assert recall > 0.98 and precision >= 0.97


def test_99_of_100_values_of_other_countries_are_found():
    cases = abroad() + near_abroad()
    table, failures = score(find, cases, ABROAD_NAMES)
    recall, precision = rates(table)
    assert len(abroad()) >= 900 and len(near_abroad()) >= 400
    assert recall >= 0.99 and precision >= 0.99, [case.text for case, _ in failures]


def test_fewer_than_2_of_100_leak_in_sentences_about_other_countries_that_were_kept_apart():
    recall, precision = rates(score(find, held_out_abroad(), HELD_OUT_ABROAD_NAMES)[0])
    print(f"held out, abroad: recall {recall:.1%}, precision {precision:.1%}")
    assert recall > 0.98 and precision >= 0.97


@pytest.mark.parametrize(
    "name, text, masked",
    [
        ("João", "o joa\u0303o", "o []"),
        ("Jack Summers", "jack summers, jack_summers, summers", "[], [], summers"),
        ("Will Grant", "will grant a wish, will_grant, Will Grant", "will grant a wish, [], []"),
        ("McCabe", "Mc Cabe", "[]"),
        ("김민준", "김 민준이 왔다", "[]이 왔다"),
        ("José", "is josé, JOSE or Jose\u0301 coming", "is [], [] or [] coming"),
        ("Mary Ann Lee", "Mary Ann\nLee, MARY-ANN LEE", "[], []"),
        ("O'Brien", "o’brien, obrien and two obriens", "[], [] and two obriens"),
        ("Will", "Will will, WILL would", "[] will, [] would"),
        ("Al", "Al et al.", "[] et al."),
        ("Ann E", "Ann E, ann e and Anne", "[], [] and Anne"),
        ("Joe", "joe, Jö and Jo", "[], [] and Jo"),
        ("张三丰", "張三豐、张 三丰", "[]、[]"),
        ("張三丰", "张三丰", "[]"),
        ("林 晓东", "林晓东、林晓 东", "[]、[]"),
        ("王五", "王 五，国王 五天", "[]，国王 五天"),
        ("Анна", "я и анна, Аннабель", "я и [], Аннабель"),
        ("민수", "민수가", "[]가"),
        ("まがか", "まかか", "まかか"),
        ("R2", "R2 and R22", "[] and R22"),
        ("' -", "a ' - b", "a ' - b"),
    ],
)
def test_a_listed_name_is_masked_in_every_spelling(name, text, masked):
    found = mask(text, "en", {}, (name,))[0]
    assert re.sub(r"\[name-\d+\]", "[]", found) == masked


def test_the_spellings_of_a_name_share_a_number():
    text = "Alice, ALICE, O'Brien, o’brien, 張三豐"
    masked = "[name-1], [name-1], [name-2], [name-2], [name-3]"
    names = ("Alice", "O'Brien", "张三丰")
    assert mask(text, "en", {}, names)[0] == masked
    assert value_id("name", "張三豐") == value_id("name", "张三丰")


def test_a_number_abroad_ends_before_what_follows_it():
    assert mask("+44 20 7946 0958 5 times", "en", {})[0] == "[phone-1] 5 times"


@pytest.mark.parametrize(
    "spelt",
    ["ning＠harbour．example", "ning at harbour dot example", "ning(at)harbour[dot]example"],
)
def test_a_spelt_address_is_the_address(spelt):
    assert value_id("email", spelt) == value_id("email", "ning@harbour.example")


# What find and mask promise


def test_finds_come_in_order_with_the_value_as_written():
    assert find("邮箱a@b.example，电话１３８００１３８０００，林小满", ("林小满",)) == [
        Match(2, 13, "email", "a@b.example"),
        Match(16, 27, "phone", "１３８００１３８０００"),
        Match(28, 31, "name", "林小满"),
    ]


def test_a_sentence_stays_when_its_value_goes():
    text = "加我微信abc_123，车牌沪A12345，住人民路123号，密码：Tram-26。"
    assert mask(text, "zh", {})[0] == "加我微信[账号-1]，车牌[车牌-1]，住[地址-1]，密码：[密钥-1]。"


def test_the_owner_keeps_a_value_and_hears_of_every_find():
    heard = []
    text, counts = mask(
        "写信到a@example.com，或b@example.com。",
        "zh",
        {},
        keep=lambda kind, value: value[0] == "a",
        notice=lambda *find: heard.append(find),
    )
    assert (text, counts) == ("写信到a@example.com，或[邮箱-1]。", {"email": 1})
    assert heard == [
        ("email", f"{x}@example.com", "写信到a@example.com，或b@example.com。") for x in "ab"
    ]


def test_the_context_is_forty_characters_either_side():
    heard = []
    mask(
        "左" * 50 + "a@example.com" + "右" * 50,
        "zh",
        {},
        notice=lambda *find: heard.append(find[2]),
    )
    assert heard == ["左" * 40 + "a@example.com" + "右" * 40]


def test_one_value_is_one_number_and_one_id_however_it_is_written():
    seen = {}
    text, _ = mask("138 0013 8000、+86 138-0013-8000、１３８００１３８０００", "zh", seen)
    assert text == "[电话-1]、[电话-1]、[电话-1]" and seen == {"phone": {"13800138000": 1}}
    assert (
        value_id("phone", "+86 138-0013-8000")
        == value_id("phone", "13800138000")
        != value_id("card", "13800138000")
    )
    assert value_id("email", "A@Example.com") == value_id("email", "a@example.com")
    assert value_id("key", "Abc12345") != value_id("key", "abc12345")


def test_kinds_have_words_in_both_languages(monkeypatch):
    assert label("plate") == "number plate"
    monkeypatch.setenv("TWINLIB_LANG", "zh")
    assert label("plate") == "车牌"


def test_a_placeholder_from_an_earlier_run_is_no_find():
    text = "我是[人名-3]，邮箱[邮箱-1]，call [phone-12]"
    assert find(text, ("人名", "phone")) == [] and mask(text, "en", {}, ("人名", "phone")) == (
        text,
        {},
    )


PIECES = st.one_of(
    st.sampled_from([case.text for case in every()]),
    st.text(max_size=8),
    st.text("0123456789１２.-+() @:/°'号路室微信密码：xabQ_[]-", max_size=25),
    st.sampled_from([*OWNERS_NAMES, "[邮箱-1]"]),
)


@settings(deadline=None, max_examples=150)
@given(st.lists(PIECES, max_size=6).map("".join))
def test_masking_twice_is_masking_once_and_the_rest_is_untouched(text):
    finds = find(text, OWNERS_NAMES)
    assert all(a.end <= b.start for a, b in zip(finds, finds[1:]))
    assert all(f.value == text[f.start : f.end] for f in finds)
    once, counts = mask(text, "zh", {}, OWNERS_NAMES)
    ends = [0, *(f.end for f in finds)]
    rest = [text[end:start] for end, start in zip(ends, [*(f.start for f in finds), len(text)])]
    assert re.fullmatch(r"\[[^\[\]]+-\d+\]".join(map(re.escape, rest)), once) and sum(
        counts.values()
    ) == len(finds)
    assert mask(once, "zh", {}, OWNERS_NAMES) == (once, {})


@settings(deadline=None, max_examples=50)
@given(st.lists(PIECES, max_size=4).map("".join))
def test_what_is_masked_in_one_language_is_masked_in_the_other(text):
    chinese, english = (mask(text, language, {})[0] for language in ("zh", "en"))
    chinese, english = (privacy._placeholder().sub("", masked) for masked in (chinese, english))
    assert chinese == english


HOSTILE = [
    "1",
    "@a.a.a",
    "[",
    "的一是在不了有和人这",
    "人民路1号",
    "1 ",
    "1.",
    "+1",
    "::",
    "微信：",
    "password: ",
    "eyJaaaaaaaa.",
    "eyJaaaaaaaa-",
    "13800138000(021)62345678",
    "+442079460958",
    "-----BEGIN PRIVATE KEY-----",
    "1 A ",
    "12 Main ",
    "1°1′",
    "路1号1号",
    "[邮箱-1]",
    "护照号是：",
    "京A",
    "sk-",
    "a",
    " ",
    "x.com/",
    "微博@",
    "a_at_b",
    "a at b dot ",
    "a@b。",
    "1 / ",
    "+1 / 2",
    "DE89 ",
    "code 1-2 ",
    "验证码1 1",
    "加我V❤❤",
    "微❤",
    "Benno  ",
    "老 ",
    "#a",
    "código de la 1",
    "code is 12 ",
    "senha de ",
    "tel 1 ",
    "téléphone 12,",
    "DE\n1",
    "my number a b ",
]


@pytest.mark.parametrize("piece", HOSTILE)
def test_time_grows_with_the_text_and_not_faster(piece):
    # Minutes when a pattern backtracks without end.
    assert grows_in_proportion(
        lambda size: find(piece * (size // len(piece)), OWNERS_NAMES), 50_000
    )


def test_numbers_of_registers_and_services_and_addresses_abroad():
    """Kept apart: the detectors were made on another set, and found 40 of these 43 at first."""
    cases = read("held_out_registered")
    missed = [
        case.text
        for case in cases
        for _, start, end in case.planted
        if not any(m.start <= start and end <= m.end for m in find(case.text))
    ]
    assert len(missed) <= 2, missed
    near = read("near_registered")
    assert [case.text for case in near if find(case.text)] == []


def test_a_cue_beside_a_curly_apostrophe_or_a_rare_character_is_found():
    assert [m.value for m in privacy.find("my pin’s 482913")] == ["482913"]
    assert [m.value for m in privacy.find("𠮷＋ v abc_123")] == ["abc_123"]


@pytest.mark.parametrize("far", [0, 199_980, 199_990, 200_000, 200_010, 400_000])
def test_what_is_found_does_not_depend_on_where_it_stands_in_a_long_text(far):
    text = "rain on the pier " * (far // 17) + "x" * (far % 17)
    assert [m.value for m in privacy.find(f"{text} my email: ning@example.org.")] == [
        "ning@example.org"
    ]
    assert [m.value for m in privacy.find(f"{text}，手机号 13812345678。")] == ["13812345678"]


@pytest.mark.parametrize("before", range(4))  # letters of the cue in the first 200,000 characters
def test_a_cue_at_the_border_of_what_is_looked_at_together_is_found(before):
    text = "." * (199_999 - before) + " wxid_abc12345"
    assert [m.value for m in privacy.find(text)] == ["wxid_abc12345"]
