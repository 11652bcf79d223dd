"""Cleaning: the author's sentences stay word for word, everything else goes, and what had words in it can come back."""

import pytest

from twinlib.text.clean import clean, similar, unwrap

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
    assert cleaned.text == ("开头有“加粗”和一个链接，还有脚注。\n\n## 为什么烫\n\n- 第一\n- 第二\n\n说完了，拧紧。")
    assert {part.what: part.text for part in cleaned.parts} == {
        "quote": "别人说的话，\n两行。", "code": 'print("code")', "table": "a\n\nb\n\n1\n\n2", "footer": "欢迎关注我的公众号！",
        "footnote": "脚注的话。"}


@pytest.mark.parametrize("what", ["quote", "code", "table", "footer", "footnote"])
def test_a_part_that_was_left_out_can_be_restored(what):
    part, = [part for part in clean(POST).parts if part.what == what]
    again = clean(POST, restored={part.id})
    assert part.text.split("\n")[0] in again.text and part.id not in {p.id for p in again.parts}


@pytest.mark.parametrize("raw, text", [
    ("行首　　全角　空格", "行首 全角 空格"), ("　　缩进一段。", "缩进一段。"), ("零\u200b宽\ufeff字", "零宽字"), ("e\u0301te\u0301", "été"),
    ("看这里 https://example.com/a?b=c，很好。", "看这里，很好。"), ("看<https://a.example>吧", "看吧"),
    ("{{< figure src=\"a.png\" >}}\n\n一句话。", "一句话。"), ("{% highlight js %}\nvar a;\n{% endhighlight %}\n\n一句。", "一句。"),
    ("<div class='x'>里面的话</div>", "里面的话"), ("<!-- more -->\n\n正文。", "正文。"), ("a<br>b", "a\nb"),
    ("<script>\nlet a = 1;\n\nlet b;\n</script>\n\n正文。", "正文。"), ("[[笔记|看这个]]和![[图.png]]完", "看这个和完"),
    ("~~错~~对", "错对"), ("一\\*二", "一*二"), ("    四个空格缩进的中文，也是正文。", "四个空格缩进的中文，也是正文。"),
    ("***\n\n一句。", "一句。"), ("前面的一大段话，写得很长很长很长，后面跟着一条线，所以它不应该变成标题，因为它是一整段的正文，不是题目，真的不是。\n---\n后面",
                      "前面的一大段话，写得很长很长很长，后面跟着一条线，所以它不应该变成标题，因为它是一整段的正文，不是题目，真的不是。\n\n后面"),
    ("一\n\n第一节。\n\n二\n\n第二节。", "## 一\n\n第一节。\n\n## 二\n\n第二节。")])
def test_marks_that_are_no_words_go_and_words_stay(raw, text):
    assert clean(raw).text == text


def test_a_hard_wrap_is_joined_with_a_space_in_english_and_without_in_chinese():
    english = "This text was wrapped by an editor at about forty\ncolumns, as mail used to be, so that every line\n" \
              "is full and the breaks in it mean nothing."
    chinese = "这一篇文字是从老论坛里抄下来的每行都是二十\n个字左右，行末的换行没有意义，合起来的时候\n中间不该有空格。"
    assert clean(english, markup=False).text == english.replace("\n", " ")
    assert clean(chinese, markup=False).text == chinese.replace("\n", "")


@pytest.mark.parametrize("text", [
    "短句一行。\n又是一行，这一行比较长，长得多，长得多得多。\n短。", "Roses are red,\nViolets are blue.\nSo it goes on.",
    "第一段很长很长很长很长很长很长很长很长很长很长很长很长很长很长很长很长很长很长很长很长很长很长很长很长很长很长很长。\n第二段。\n第三段。"])
def test_line_breaks_that_the_author_made_are_kept(text):
    assert unwrap([("text", text)]) == [("text", text)]


@pytest.mark.parametrize("line, goes", [
    ("欢迎关注我的公众号：半圈。", True), ("如果喜欢，记得点个关注！", True), ("转载请注明出处。", True), ("Subscribe to my newsletter!", True),
    ("Follow me on Mastodon.", True), ("他从来不关注我的感受。", False), ("没有人关注这条街，我关注。", False),
    ("说完了，拧紧。", False), ("That's all. Tighten it and go.", False), ("有人问能不能加微信。我说加了也是叫你走过来。", False)])
def test_calls_to_subscribe_go_and_sign_offs_stay(line, goes):
    text = f"第一段。\n\n第二段。\n\n{line}"
    assert (line not in clean(text).text) == goes


def test_printed_notes_go_with_their_marks_but_a_numbered_list_stays():
    assert clean("他说①过的。\n\n又说。\n\n①这是编者的注。", markup=False).text == "他说过的。\n\n又说。"
    assert clean("①先拆。\n\n②再装。", markup=False).text == "①先拆。\n\n②再装。"


def test_a_byline_goes_when_it_is_the_authors_name():
    assert clean("·鲁迅·\n\n长妈妈，已经说过。", author="鲁迅").text == "长妈妈，已经说过。"


def test_near_duplicates_are_found_and_others_are_not():
    post = "小雨。台上一缸茶，别的没有。今天只讲茶。街坊路过都要说一句，老宁，这天气喝这么烫。我说茶要烫。"
    repost = post.replace("说一句", "讲一句").replace("这天气", "这种天气")
    other = "晴，退大潮，桩子露出来一半。台上没活，写一篇有用的。老有街坊问怎么找我。三号码头，候船室背后。"
    found = similar([post, other, repost])
    assert [(i, j) for i, j, *_ in found] == [(0, 2)] and 0.5 < found[0][2] < 0.6


def test_many_copies_of_one_text_are_all_found():
    post = "小雨。台上一缸茶，别的没有。今天只讲茶。街坊路过都要说一句，老宁，这天气喝这么烫。"
    found = similar([post] * 40)
    assert {i for i, *_ in found} | {j for _, j, *_ in found} == set(range(40))


def test_an_excerpt_is_contained_in_the_whole():
    whole = "".join(f"第{n}件工具是一把{n * 7}毫米的扳手，挂在墙上第{n * 3}格。" for n in range(40))
    (_, _, jaccard, containment), = similar([whole, whole[100:300]])
    assert jaccard < 0.5 < 0.95 < containment
