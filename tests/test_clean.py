"""Cleaning: the author's sentences stay word for word, the rest goes and can be restored."""

import re
from collections import Counter
from pathlib import Path

import pytest
from growth import grows_in_proportion
from hypothesis import given, settings
from hypothesis import strategies as st

from twinlib.corpus.clean import clean
from twinlib.corpus.clean.paragraphs import normalise
from twinlib.corpus.clean.wrapping import unwrap
from twinlib.corpus.readers.markdown import split

SAMPLES = sorted(Path(__file__).parent.parent.glob("data_samples/posts/*.md"))

POST = """# 茶要烫

开头有**“加粗”**和[一个链接](https://example.com/x)，还有![图](a.png)脚注[^1]。

> 别人说的话，
> 两行。

```python
print("code")
```

## 为什么烫

- 第一
- 第二

| a | b |
|---|---|
| 1 | 2 |

说完了，拧紧。

欢迎关注我的公众号！

[^1]: 脚注的话。
"""


def test_markdown_becomes_the_authors_prose():
    cleaned = clean(POST)
    assert cleaned.title == "茶要烫"
    assert cleaned.text == (
        "开头有“加粗”和一个链接，还有脚注。\n\n## 为什么烫\n\n- 第一\n- 第二\n\n说完了，拧紧。"
    )
    assert {part.what: part.text for part in cleaned.removed} == {
        "quote": "别人说的话，\n两行。",
        "code": 'print("code")',
        "table": "a | b\n1 | 2",
        "footer": "欢迎关注我的公众号！",
        "footnote": "脚注的话。",
    }


@pytest.mark.parametrize("what", ["quote", "code", "table", "footer", "footnote"])
def test_a_part_that_was_left_out_can_be_restored(what):
    (part,) = [part for part in clean(POST).removed if part.what == what]
    again = clean(POST, restored={part.id})
    assert part.text.split("\n")[0] in again.text and part.id not in {p.id for p in again.removed}


@pytest.mark.parametrize(
    "raw, text",
    [
        ("行首　　全角　空格", "行首 全角 空格"),
        ("　　缩进一段。", "缩进一段。"),
        ("零\u200b宽\ufeff字", "零宽字"),
        ("e\u0301te\u0301", "été"),
        ("看这里 https://example.com/a?b=c，很好。", "看这里，很好。"),
        ("看<https://a.example>吧", "看吧"),
        ('{{< figure src="a.png" >}}\n\n一句话。', "一句话。"),
        ("{% highlight js %}\nvar a;\n{% endhighlight %}\n\n一句。", "一句。"),
        ("<div class='x'>里面的话</div>", "里面的话"),
        ("<!-- more -->\n\n正文。", "正文。"),
        ("a<br>b", "a\nb"),
        ("<script>\nlet a = 1;\n\nlet b;\n</script>\n\n正文。", "正文。"),
        ("[[笔记|看这个]]和![[图.png]]完", "看这个和完"),
        ("~~错~~对", "错对"),
        ("一\\*二", "一*二"),
        ("    四个空格缩进的中文，也是正文。", "四个空格缩进的中文，也是正文。"),
        ("***\n\n一句。", "一句。"),
        (
            "前面的一大段话，写得很长很长很长，后面跟着一条线，所以它不应该变成标题，因为它是一整段的正文，不是题目，真的不是。\n---\n后面",
            "前面的一大段话，写得很长很长很长，后面跟着一条线，所以它不应该变成标题，因为它是一整段的正文，不是题目，真的不是。\n\n后面",
        ),
        ("一\n\n第一节。\n\n二\n\n第二节。", "## 一\n\n第一节。\n\n## 二\n\n第二节。"),
    ],
)
def test_marks_that_are_no_words_go_and_words_stay(raw, text):
    assert clean(raw).text == text


def test_a_hard_wrap_is_joined_with_a_space_in_english_and_without_in_chinese():
    english = (
        "This text was wrapped by an editor at about forty\n"
        "columns, as mail used to be, so that every line\n"
        "is full and the breaks in it mean nothing."
    )
    chinese = (
        "这一篇文字是从老论坛里抄下来的每行都是二十\n"
        "个字左右，行末的换行没有意义，合起来的时候\n"
        "中间不该有空格。"
    )
    assert clean(english, markup=False).text == english.replace("\n", " ")
    assert clean(chinese, markup=False).text == chinese.replace("\n", "")


@pytest.mark.parametrize(
    "text",
    [
        "短句一行。\n又是一行，这一行比较长，长得多，长得多得多。\n短。",
        "Roses are red,\nViolets are blue.\nSo it goes on.",
        "第一段很长很长很长很长很长很长很长很长很长很长很长很长很长很长很长很长很长很长很长很长很长很长很长很长很长很长很长。\n第二段。\n第三段。",
    ],
)
def test_line_breaks_that_the_author_made_are_kept(text):
    assert unwrap([("text", text)]) == [("text", text)]


@pytest.mark.parametrize(
    "line, goes",
    [
        ("欢迎关注我的公众号：半圈。", True),
        ("如果喜欢，记得点个关注！", True),
        ("转载请注明出处。", True),
        ("Subscribe to my newsletter!", True),
        ("Follow me on Mastodon.", True),
        ("他从来不关注我的感受。", False),
        ("没有人关注这条街，我关注。", False),
        ("说完了，拧紧。", False),
        ("That's all. Tighten it and go.", False),
        ("有人问能不能加微信。我说加了也是叫你走过来。", False),
    ],
)
def test_calls_to_subscribe_go_and_sign_offs_stay(line, goes):
    text = f"第一段。\n\n第二段。\n\n{line}"
    assert (line not in clean(text).text) == goes


def test_printed_notes_go_with_their_marks_but_a_numbered_list_stays():
    assert (
        clean("他说①过的。\n\n又说。\n\n①这是编者的注。", markup=False).text
        == "他说过的。\n\n又说。"
    )
    assert clean("①先拆。\n\n②再装。", markup=False).text == "①先拆。\n\n②再装。"


def test_a_byline_goes_when_it_is_the_authors_name():
    assert clean("·鲁迅·\n\n长妈妈，已经说过。", author="鲁迅").text == "长妈妈，已经说过。"


@pytest.mark.parametrize(
    "text, kept",
    [
        ("茶史见前文[1]。\n\n[1] 某某：《茶史》。", "茶史见前文。"),
        (
            "Tea is old[1] and hot[2].\n\n## Notes\n\n1. Creed, 1999.\n2. Ibid.",
            "Tea is old and hot.",
        ),
        ("茶〔1〕很老。\n\n注释：\n〔1〕见《茶史》。", "茶很老。"),
        ("水<sup>1</sup>很深，m<sup>2</sup>是面积。", "水很深，m2是面积。"),
        ('茶<sup><a href="#fn1">1</a></sup>很老。', "茶很老。"),
        ("茶很老^[见《茶史》。]。", "茶很老。"),
    ],
)
def test_notes_of_every_sort_go_with_their_numbers(text, kept):
    assert clean(text).text == kept


@pytest.mark.parametrize(
    "text",
    [
        "数组 a[1] 和 b[2] 不同。",
        "注：本文写于雨天。\n\n茶要烫。",
        "Notes\n\nI took none.",
        "[1] 先烧水。\n\n[2] 再放茶。",
    ],
)
def test_numbers_in_brackets_without_notes_stay(text):
    assert clean(text, False).text.replace("## ", "") == text


@pytest.mark.parametrize(
    "text, headings",
    [
        (
            "一、茶\n茶要烫，不烫不喝，这是规矩。\n二、雨\n雨要大，不大不算下雨，也是规矩。",
            ["一、茶", "二、雨"],
        ),
        (
            "1. 茶\n\n茶要烫，不烫不喝，这是规矩。\n\n2. 雨\n\n雨要大，不大不算下雨。",
            ["1. 茶", "2. 雨"],
        ),
        ("第一章 茶\n\n茶要烫，不烫不喝，这是规矩。", ["第一章 茶"]),
        ("【茶】\n茶要烫，不烫不喝。\n【雨】\n雨要大，不大不算。", ["【茶】", "【雨】"]),
        (
            "TEA AT THE PIER\n\nTea must be hot, or it is not tea at all.\n\nRAIN AT THE "
            "PIER\n\nRain must be heavy, or it is no rain.",
            ["TEA AT THE PIER", "RAIN AT THE PIER"],
        ),
        ("Tea\n===\n\nTea must be hot.", ["Tea"]),
        ("CHAPTER ONE\n\nTea must be hot, or it is not tea.", ["CHAPTER ONE"]),
        ("**茶**\n\n茶要烫。\n\n**雨**\n\n雨要大。", ["茶", "雨"]),
    ],
)
def test_headings_of_plain_text_become_headings(text, headings):
    assert re.findall(r"(?m)^## (.*)$", clean(text, "**" in text).text) == headings


@pytest.mark.parametrize(
    "text",
    [
        "要买的：\n一、茶\n二、糖\n三、灯泡",
        "1. 烧水\n2. 放茶\n3. 等",
        "I SAID NO.\n\nSo I went home and made tea.",
        "一、二、三，走。\n\n他就走了，没有回头看。",
        "第一次见他是在雨里。\n\n后来就常常见了，每次都下雨。",
        "Part of me stayed.\n\nThe rest went on, and never wrote.",
        "NASA\n\nThat is all it said on the cup.",
    ],
)
def test_lines_that_are_no_headings_stay_lines(text):
    assert clean(text, False).text == text


@pytest.mark.parametrize(
    "text, spoken",
    [
        (
            "00:00:01 Host: Welcome to the show, today we talk about kettles.\n00:00:09 Slow Man: "
            "I own eleven and regret four of them.\n"
            "00:00:15 Host: Which one would you save?",
            True,
        ),
        ("00:01 今天说茶。\n00:09 茶要烫，不烫不喝。\n00:15 完了。", True),
        ("00:01 甲：茶\n00:09 乙：水\n00:15 甲：烫", True),
        ("00:00 开场\n02:10 为什么要喝茶？\n05:20 嘉宾：老王\n09:00 结束", False),
        ("00:00 Intro\n02:10 Kettles, old and new\n05:20 Why tea?", False),
    ],
)
def test_a_transcript_is_not_taken_for_the_times_of_show_notes(text, spoken):
    cleaned = clean(text, markup=False)
    assert (cleaned.text, [part.reason for part in cleaned.removed]) == (
        (text, []) if spoken else ("", ["timestamps"])
    )


# Nothing is lost: what comes in is in the text, the title or a part.


def letters(*texts):
    return Counter(letter for text in texts for letter in normalise(text) if letter.isalpha())


def came_out(text, markup):
    cleaned = clean(text, markup)
    return letters(cleaned.title, cleaned.text, *(part.text for part in cleaned.removed))


@settings(deadline=None, max_examples=100)
@given(
    st.lists(
        st.sampled_from(
            [
                "茶",
                "雨",
                "要烫",
                "tea",
                "Rain",
                " ",
                "\n",
                "\n\n",
                "　　",
                "。",
                "，",
                "：",
                "“",
                "”",
                "①",
                "[1]",
                "注释",
                "一、",
                "1. ",
                "- ",
                "//@某人:",
                "RT @bob:",
                "参考资料",
                "Key Takeaways",
                "作词：",
                "欢迎关注",
                "(",
                ")",
                "{",
                "}",
                ";",
                "=",
                "**",
                "#",
                "@",
                "---",
                "第一章 ",
                "CHAPTER ONE",
                "00:00 ",
                "é",
                "𠮷",
                "As an AI language model, I",
                "转载自：",
                "阅读 100+",
            ]
        ),
        max_size=60,
    )
)
def test_plain_text_loses_no_letter(pieces):
    text = "".join(pieces)
    assert came_out(text, False) == letters(text)


@settings(deadline=None, max_examples=100)
@given(st.text(alphabet="茶雨ab \n#*_>-[]()+=.,。1\\&|", max_size=120))
def test_markdown_of_any_shape_loses_no_chinese(text):
    text = normalise(text)
    chinese = Counter(letter for letter in text if letter in "茶雨")
    assert {k: n for k, n in came_out(text, True).items() if k in "茶雨"} == chinese


WORDS = st.lists(
    st.sampled_from(["茶要烫", "雨", "海边的猫", "tea", "Rain fell", "été"]), min_size=1, max_size=4
).map(" ".join)
SHAPES = st.sampled_from(
    [
        "{}",
        "# {}",
        "## {}",
        "- {}",
        "1. {}",
        "> {}",
        "> [!1] {}",
        "```\n{}\n```",
        "    {}",
        "**{}**",
        "[{}](https://1.2/3)",
        "![](1.2)\n{}",
        "| {} |\n|---|",
        "{{{{< 1 >}}}}{}{{{{< /1 >}}}}",
        "{{% 1 %}}{}{{% 2 %}}",
        "<!-- {0} {0} {0} -->",
        "*{}*[^1]\n\n[^1]: 1",
        "[[1|{}]]",
        "$$\n{}\n$$",
        "{} <1@2.3>",
        "<https://1.2/3> {}",
        "{}\n===",
        "~~{}~~",
        "`{}`",
        "1:: {}",
        "{}  \n{}",
        "<>{}",
        "[{}]",
        "![{0} {0} {0}](1)",
    ]
)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(SHAPES, WORDS), max_size=12))
def test_markdown_loses_no_word_whatever_marks_it_up(blocks):
    text = "\n\n".join(shape.format(words, words) for shape, words in blocks)
    said = "".join(shape.replace("https", "").format(words, words) for shape, words in blocks)
    assert came_out(text, True) == letters(said)


def test_code_inside_a_quotation_is_accounted_for():
    assert [
        (part.what, part.text)
        for part in clean("> 他说：\n>\n> ```\n> tea()\n> ```\n\n完。").removed
    ] == [("quote", "他说："), ("code", "tea()")]


def test_the_sample_posts_lose_no_letter():
    assert SAMPLES
    for path in SAMPLES:
        body = split(path.read_text("utf-8"))[1]
        bare = re.sub(r"!?\[([^\]]*)\]\([^)]*\)|https?://[!-~]+|```\w*|\[\^\w+\]", r"\1", body)
        assert not letters(bare) - came_out(body, True), path.name


@pytest.mark.parametrize(
    "unit",
    [
        "[",
        "![[",
        "[a](",
        "*_",
        "<!-- ",
        "{{< ",
        "> ",
        "- a\n",
        "``` ",
        "~~a ",
        "https://",
        "①",
        "//@",
        "“",
        "$$\n",
        "<video>",
        "|a\n|-\n",
        "[a]: b\n",
    ],
)
def test_hostile_input_takes_time_in_proportion(unit):
    assert grows_in_proportion(lambda size: clean(unit * (size // len(unit))), 50_000)


def test_words_among_brackets_that_are_never_closed_all_stay():
    assert clean("![a cup of " * 20_000).text.count("cup") == 20_000
    assert clean("[" * 100_000).text == "[" * 100_000
    assert grows_in_proportion(lambda size: clean("![a cup of " * size), 5_000)


@pytest.mark.parametrize(
    "text, cleaned",
    [
        (
            "南普陀寺⑴还在做戏；刘伶⑵喝醉。\n\n庄周韩非⑶的毒。",
            "南普陀寺还在做戏；刘伶喝醉。\n\n庄周韩非的毒。",
        ),
        ("天眼通〔５〕，所以本领大。美洲〔11〕的发见。", "天眼通，所以本领大。美洲的发见。"),
        ("要带：⑴茶；⑵水；⑶书。", "要带：⑴茶；⑵水；⑶书。"),
        ("⑴先烧水。\n\n⑵再泡茶。", "⑴先烧水。\n\n⑵再泡茶。"),
        ("第二条⑵比第一条⑴长。", "第二条⑵比第一条⑴长。"),
        (
            "天眼通〔１〕，所以本领大。\n\n〔１〕天眼通：能看见常人看不见的。",
            "天眼通，所以本领大。",
        ),
        ("一口〔口牛〕也不吃。", "一口〔口牛〕也不吃。"),
    ],
)
def test_marks_whose_notes_are_elsewhere_go_and_enumerations_stay(text, cleaned):
    assert clean(text, markup=False).text == cleaned


@pytest.mark.parametrize(
    "text, kept", [("茶①\n\n①", "茶①\n\n①"), ("注释\n\n①", "注释\n\n①"), ("茶[1]\n\n[1]", "茶")]
)
def test_a_mark_alone_on_its_line_is_no_error(text, kept):
    assert clean(text, markup=False).text == kept
