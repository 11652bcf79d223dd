"""Masking: planted personal data goes, look-alikes stay, Chinese without spaces is no obstacle, twice is once."""

import pytest

from twinlib.text.privacy import mask, private_names


@pytest.mark.parametrize("text, masked", [
    ("邮箱是half-turn@example.com，三天看一次", "邮箱是[邮箱-1]，三天看一次"), ("电话13800138000，早上接", "电话[电话-1]，早上接"),
    ("打+86 138-0013-8000吧", "打[电话-1]吧"), ("座机010-62345678转3", "座机[电话-1]转3"),
    ("身份证11010519491231002X号", "身份证[身份证-1]号"), ("卡号6222 0212 3456 7890 128", "卡号[卡号-1]"),
    ("编号6222 0212 3456 7890 129", "编号6222 0212 3456 7890 129"),
    ("电话(021)62345678，或（021）62345678", "电话[电话-1]，或[电话-1]"), ("座机02162345678，", "座机[电话-1]，"),
    ("打０２１-６２３４５６７８，全角ＡＢ１２不动", "打[电话-1]，全角ＡＢ１２不动"), ("家里075582345678", "家里[电话-1]"),
    ("卡号4111 1111 1111 1111过期", "卡号[卡号-1]过期"), ("服务器在203.0.113.7上", "服务器在[IP-1]上")])
def test_personal_data_inside_chinese_is_masked(text, masked):
    assert mask(text, "zh", {})[0] == masked


@pytest.mark.parametrize("text, masked", [
    ("Write to a.b+c@mail.example.org.", "Write to [email-1]."), 
    ("Call +44 20 7946 0958 today", "Call [phone-1] today"),
    ("1-800-555-0199 or 415.555.2671.", "[phone-1] or [phone-2]."),
    ("415.555.2671, 415-555-2671", "[phone-1], [phone-1]"),
    ("section 8 at 10.0.0.1, srv 10.0.0.2", "section 8 at [ip-1], srv [ip-2]"),
    ("Call (555) 123-4567, or 555-123-4567", "Call [phone-1], or [phone-1]"), ("at 203.0.113.7.", "at [ip-1].")])
def test_personal_data_in_english_is_masked(text, masked):
    assert mask(text, "en", {})[0] == masked


@pytest.mark.parametrize("text", [
    "第1.2.3.4节", "见3.4.1.2 节", "Section 3.4.1.2", "版本号：1.2.3.4", "VERSION 1.2.3.4", "ISBN 0201896834",
    "订单0215123456789012", "2019-03-14 08:30", "版本1.2.3.4", "v10.0.19041.1", "ISBN 978-7-02-000220-7",
    "一百四十三件，1234567890", "圆周率3.14159265358979",
    "订单20240115123456789", "110105194912310021", "二〇〇九年1994年", "localhost是127.0.0.1", "@宁半圈", "a@b",
    "价格1380013.80元",
    "第13800页", "1663-01-11", "999.999.999.999", "+++", "2024/01/15-2024/02/15"])
def test_look_alikes_are_left_alone(text):
    assert mask(text, "zh", {}) == (text, {})


def test_placeholders_are_stable_across_texts_and_masking_twice_is_masking_once():
    seen = {}
    first, _ = mask("a@example.com, b@example.com", "en", seen)
    second, counts = mask("B@example.com 和a@example.com", "zh", seen)
    assert (first, second, counts) == ("[email-1], [email-2]", "[邮箱-2] 和[邮箱-1]", {"email": 2})
    assert mask(second, "zh", seen) == (second, {})


@pytest.mark.parametrize("text", ["13800138000(021)62345678", "13800138000+8613900139000", "１.2.3.4(021)62345678"])
def test_numbers_that_touch_are_all_masked_at_once(text):
    once, counts = mask(text, "zh", {})
    assert sum(counts.values()) == 2 and mask(once, "zh", {}) == (once, {})


def test_private_names_are_masked_whole_and_inside_chinese():
    names = private_names("Ann, 王小明，王小明的妈")
    text, counts = mask("王小明的妈和王小明，Ann in the Annual.", "zh", {}, names)
    assert (text, counts) == ("[人名-1]和[人名-2]，[人名-3] in the Annual.", {"name": 3})
    assert mask(text, "zh", {}, names)[1] == {}
