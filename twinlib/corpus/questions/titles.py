"""Questions that a reader might ask, made from titles, headings and terms, without a model.

The same passage always gets the same questions. The templates are in data/question_templates.yaml.
"""

import hashlib
import re

from ...i18n import data
from ...text.script import HAN, LATIN, LOWER, has_han
from ..records import Passage
from .terms import NOUN_TAGS, NUMBERS, connectives, tagged

# Titles and headings that say nothing about the text.
_GENERIC_ZH = set(
    """
    题记 序 序言 自序 后记 前言 引言 引子 小引 简介 附录 附记 无题 通信 通讯 杂感 结语 结论 总结
    小结 写在最后 写在前面 尾声 其他 其它 补记 补白 注释 正文 开头 更新 目录 碎话 琐记 随笔 日记
    说明 背景 缘起 介绍 概述 参考资料 参考 最后 开篇 题辞 摘要 信 忽然想到 几句话 步骤 安装 用法
    使用 使用方法 方法 准备 准备工作 环境 配置 效果 结果 示例 例子 常见问题 问答 要点 小贴士 注意
    注意事项 更多 关于 关于我 关于作者 联系我 联系方式 致谢 鸣谢 待办 声明 版权 版权声明 相关文章
    推荐阅读 延伸阅读 评论 留言 往期 导语 编者按 第一步 第二步 第三步 废话
    """.split()
)
_GENERIC_EN = {
    term.strip()
    for term in """
    introduction, intro, preface, foreword, conclusion, conclusions, summary, notes, note,
    untitled, misc, miscellaneous, appendix, background, overview, final thoughts,
    closing thoughts, in closing, update, updates, abstract, references, afterword, epilogue,
    prologue, contents, the end, links, footnotes, post, diary, journal, wrapping up,
    key takeaways, full content, instructions, ingredients, method, methods, directions, steps,
    requirements, prerequisites, installation, setup, getting started, quick start, usage,
    how to use, example, examples, results, discussion, faq, questions, q&a, tips, resources,
    further reading, related posts, comments, about, about me, about the author, contact, bio,
    acknowledgements, acknowledgments, changelog, todo, to do, more, other, tl;dr, disclaimer,
    copyright, licence, license, thanks, edit, ps, p.s
    """.split(",")
}
# Dates and numbers, which name no subject.
_NO_NAME = re.compile(
    rf"[\d\s\-–./:年月日号第篇章节期天周集{NUMBERS}()（）]*|"
    r"(part|chapter|day|week|no\.?)\s*[\divx]+",
    re.IGNORECASE,
)
# A heading that begins with one of these tells the reader what to do.
_IMPERATIVES = set(
    """
    add ask avoid be begin bring build buy call change check choose click come consider copy
    create cut do don't download draw drink eat enjoy enter find finish fix follow forget get give
    go have help install join keep know learn leave let listen log look make measure mind move
    never open order pay pick place play press put read remember remove repeat replace return run
    save say see sell send set share show sign sit start stay stop subscribe take talk tell test
    think tighten try turn type upload use visit wait walk wash watch write
    """.split()
)
# These characters follow a number that belongs to the title: 二十四孝图 is not chapter 24.
_COUNTERS = "年月日天个岁块元里条种件问家步封孝节计史桥分小米公"
ASKS_ZH = re.compile(
    r"[?？]$|怎么|怎样|如何|为什么|为何|什么|[吗呢]$|几[个次天年]|多[久少远大]|"
    rf"哪[里个些儿]|谁|能否|是否|值不值得|(?P<v>[{HAN}])不(?P=v)"
)
_AUXILIARIES = "is|are|do|does|did|can|could|should|would|will|was|were|has|have"
ASKS_EN = re.compile(
    rf"\?$|^({_AUXILIARIES}|am|must|may)\s|^(what|why|how|when|where|who|which|whose)"
    rf"('s| ({_AUXILIARIES}|makes?|made|many|much|often|long))\s",
    re.IGNORECASE,
)
# 我 as the author, not in 我们 or 自我.
_ME_ZH = re.compile(
    r"^我(?!们|国|军|辈|等)|我(?=[的怎为是在和跟对如这不没也最要想会])|"
    r"(?<=[到给对和跟与让叫])我(?!们|国)"
)
# First to second person: a reader who asks about "My garden" says "your garden".
_SECOND_PERSON = {
    "i": "you",
    "i'm": "you're",
    "i've": "you've",
    "i'll": "you'll",
    "i'd": "you'd",
    "my": "your",
    "me": "you",
    "mine": "yours",
    "am": "are",
    "myself": "yourself",
}


def titles(passage: Passage) -> list[str]:
    """Up to two questions in the passage's language: from its title, its heading, or its terms.

    A passage with a `question` of its own has that one alone, word for word.
    """
    if passage.question:
        return [passage.question]
    zh, title = passage.language == "zh", passage.title
    if zh != has_han(title):
        title = title if zh else ""  # an English reader does not quote a Chinese title
    questions = []
    if passage.index == 0 and usable(title):
        questions.append(_from_title(passage, title))
    if _askable(passage.heading, zh):
        questions.append(_from_heading(passage, title))
    if passage.terms and _wants_term(passage, questions):
        questions.append(_from_term(passage, title))
    if not questions and usable(title):
        questions.append(_fill(passage, "continuation", "", title))
    return list(dict.fromkeys(questions))[:2]


def title_question(passage: Passage) -> str:
    """What a reader asks who knows the title of a text alone; '' but for its first passage."""
    title = passage.title
    fits = passage.index == 0 and usable(title) and (passage.language == "zh") == has_han(title)
    return _from_title(passage, title) if fits else ""


def short_question(passage: Passage, question: str) -> str:
    """The subject of a longer question in a few words: "Tell me about the stove."; '' if unknown.

    The subject is the passage's most characteristic term that the question names, so that the
    passage answers the short one, too.
    """
    for term in passage.terms:
        subject = re.sub(r"^(the|your) ", "", term)
        if subject.lower() in question.lower():
            return _fill(passage, "short", term, passage.title)
    return ""


def _wants_term(passage, questions):
    """Whether to ask about the first term.

    If there is no question yet, or for a first passage with one that has the term 3 times or more.
    """
    term = re.sub(r"^(the|your) ", "", passage.terms[0])
    often = passage.text.count(term) >= 3
    return not questions or passage.index == 0 and len(questions) == 1 and often


def usable(title: str) -> bool:
    """Whether a title names the subject: no date, number, 'Preface' or 'In other words'."""
    title = bare(title)
    low = title.lower().strip(",.…，。")
    return (
        bool(title)
        and not _NO_NAME.fullmatch(title)
        and low not in _GENERIC_ZH | _GENERIC_EN
        and low not in connectives("zh" if has_han(title) else "en")
    )


def _askable(heading, zh):
    """Whether a heading is a question or names something in its passage's language.

    Not an instruction such as 'Open the app'.
    """
    text = bare(heading)
    if not usable(heading) or zh != has_han(heading):
        return False
    if not zh:
        # A question of under 4 words ("So, is it?") makes no sense without the text before it.
        too_short = ASKS_EN.search(text) and len(text.split()) < 4
        return text.split()[0].lower() not in _IMPERATIVES and not too_short
    kinds = [kind for _, kind in tagged(text)]
    named = any(kind.startswith(NOUN_TAGS) for kind in kinds)
    named = named or not kinds[0].startswith(("v", "p", "d"))
    return not re.match("[先再又]", text) and (bool(ASKS_ZH.search(text)) or named)


def bare(title: str) -> str:
    """A title without a series after a bar, remarks in brackets, numbering and emoji."""
    title = re.sub(r"[\U0001f300-\U0001faff\u2600-\u27bf\ufe0f]", "", title)
    title = re.split(r"\s*[｜|]\s*", title)[0]
    title = re.sub(r"\s*[（(][^（）()]*[）)]\s*$|[①-⒇]+", "", title)
    title = re.sub(
        rf"^(\d+[.、)]\s*|[{NUMBERS}]+、\s*|[（(][{NUMBERS}\d]+[）)]\s*|"
        rf"[{NUMBERS}]{{2,}}(?=[^{NUMBERS}{_COUNTERS}]))",
        "",
        title,
    )
    return title.strip(" #*_-—:：。.")


def _from_title(passage, title):
    text = bare(title)
    if passage.language == "zh":
        return _question_zh(text) or _about_zh(passage, text)
    return _question_en(text) or _about_en(passage, text)


def _from_heading(passage, title):
    zh, text = passage.language == "zh", bare(passage.heading)
    # A short heading, or one that says 'it', needs the title.
    long = len(text) >= 6 if zh else len(text.split()) >= 5
    refers = re.search(
        rf"(?i)^[先再又]|它|(?<![{LOWER}])(it|this|that|they|them)(?![{LOWER}])", text
    )
    alone = long and not refers
    question = (_question_zh if zh else _question_en)(text)
    if question and alone:
        return question
    if question and usable(title):
        named = quoted(bare(title), zh)
        if zh:
            return f"说到{named}：{question}"
        return f"About {named}: {question[0].lower() + question[1:]}"
    if zh:
        text = text.strip("“”")
    elif len(text.split()) <= 5:
        text = in_second_person(_lower_first(passage, text))
    else:
        text = quoted(text, zh)
    kind = "heading" if alone or not usable(title) else "heading_in_title"
    return _fill(passage, kind, text, title)


def _from_term(passage, title):
    in_title = usable(title) and passage.index > 0 and _hashed_number(passage, "inside") % 2
    return _fill(passage, "term_in_title" if in_title else "term", passage.terms[0], title)


def _question_zh(text):
    """The question that a Chinese title asks, or None."""
    marked = re.search(r"[?？]$", text)
    if not ASKS_ZH.search(text) or re.search(r"[，。：；]", text) and not marked:
        return None
    return in_second_person(text).rstrip("?？") + "？"


def _about_zh(passage, text):
    """A question about what a Chinese title names."""
    both = re.fullmatch(r"从(.{1,8})[说谈]到(.{1,8})", text)
    topic = re.fullmatch(
        r"(?:略|再|也|浅|漫|闲|杂|试|小)?(?:论|谈|说|记|谈谈|聊聊|说说|关于|所谓)(.{2,14}?)(?:之类|种种)?",
        text,
    )
    if both:
        return _fill(passage, "topic", "和".join(both.groups()), text)
    if topic and not re.search(r"[，：；]", text):
        return _fill(passage, "topic", in_second_person(topic.group(1)), text)
    # "说说茶" is natural, "说说茶要烫" is not.
    short = 2 <= len(text) <= 6 and not re.search(r"[《》，：、]", text)
    name = short and tagged(text)[-1][1].startswith(NOUN_TAGS)
    if name or text[:2] == "我的" and len(text) < 12:
        return _fill(passage, "topic", in_second_person(text), text)
    return _fill(passage, "post", quoted(text, True), text)


def _question_en(text):
    """The question that an English title asks, or None."""
    if re.match(r"(?i)how to ", text):
        return f"How do you {in_second_person(text[7:].rstrip('?'))}?"
    if ASKS_EN.search(text):
        return in_second_person(text).rstrip("?") + "?"
    # "Why I left" is no question: it becomes "Tell me why you left."
    clause = re.match(r"(?i)(why|how|what|when|where|who)\s", text)
    if clause and not _title_case(text):
        return f"Tell me {text[0].lower() + in_second_person(text)[1:]}."
    return None


def _about_en(passage, text):
    """A question about what an English title names."""
    topic = re.match(
        r"(?i)(?:some )?(?:on|about|against|in praise of|(?:notes|thoughts) on) (.+)", text
    )
    if topic:
        return _fill(
            passage, "topic", in_second_person(_lower_first(passage, topic.group(1))), text
        )
    words = len(text.split())
    if re.match(r"(?i)(to|from|for|with|at|in|by|of|after|before|under|over|into|as)\s", text):
        return _fill(passage, "post", quoted(text, False), text)  # "to my father" is no subject
    if words > 8 or re.search(r"[:;,.!—–]", text) or _title_case(text) and words > 3:
        return _fill(passage, "post", quoted(text, False), text)
    return _fill(passage, "topic", in_second_person(_lower_first(passage, text)), text)


def _lower_first(passage, text):
    """A text with a small first letter if the passage writes the word so, or it is 'the', 'my' …"""
    word = re.match(rf"[{LATIN}']+", text)
    low = word and re.search(rf"(?<![{LATIN}]){word.group().lower()}(?![{LATIN}])", passage.text)
    if low or re.match(r"(?i)(the|a|an|my|our|some|every)\s", text):
        return text[0].lower() + text[1:]
    return text


def _title_case(text):
    words = re.findall(rf"[{LATIN}]{{4,}}", text)
    return len(words) > 1 and sum(word[0].isupper() for word in words) > len(words) * 0.7


def in_second_person(text: str) -> str:
    """A title as a reader would say it to the author: 'I' and 我 become 'you' and 你."""
    text = _ME_ZH.sub("你", text)
    text = re.sub(rf"(?<![{LATIN}'’])I am(?![{LATIN}])", "you are", text)
    return re.sub(rf"[{LATIN}]+(?:['’][{LOWER}]+)?", _second_person, text)


def _second_person(match):
    word = match.group()
    return word if word == "i" else _SECOND_PERSON.get(word.lower().replace("’", "'"), word)


def quoted(title: str, zh: bool) -> str:
    """A title in the quotation marks of its language."""
    if not zh:
        return f"“{title}”"
    return f"「{title}」" if "《" in title else f"《{title}》"


def _fill(passage, kind, subject, title):
    """A question from a template of data/question_templates.yaml, chosen by the passage's id."""
    templates = data("question_templates")[kind][passage.language]
    template = templates[_hashed_number(passage, "template") % len(templates)]
    zh = passage.language == "zh"
    same_language = passage.author and has_han(passage.author) == zh
    if "{author}" in template and not same_language:
        template = templates[0]
    title = quoted(bare(title), zh)
    return template.format(subject=subject, title=title, author=passage.author)


def _hashed_number(passage, purpose):
    """A number of 32 bits that depends on the passage's id and the purpose only."""
    return int(hashlib.sha256(f"{purpose} {passage.id}".encode()).hexdigest()[:8], 16)
