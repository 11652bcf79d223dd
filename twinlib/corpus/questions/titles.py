"""The questions a reader might ask, made without any model: from titles, headings, and the words a passage is about.

`titles` is the default question writer: a function of a passage (a dict as `passages.passages` makes it, with
`terms` from `topics` and the `author`) that returns up to two questions, none when it has nothing to ask. It is
deterministic: the same passage gets the same questions.
"""

import hashlib
import math
import re
from collections import Counter

GENERIC_ZH = set(
    "题记 序 序言 自序 后记 前言 引言 引子 小引 简介 附录 附记 无题 通信 通讯 杂感 结语 结论 总结 小结 写在最后 写在前面 "
    "尾声 其他 其它 补记 补白 注释 正文 开头 更新 目录 碎话 琐记 随笔 日记 说明 背景 缘起 介绍 概述 参考资料 参考 最后 开篇 题辞 摘要 信 忽然想到 几句话 "
    "步骤 安装 用法 使用 使用方法 方法 准备 准备工作 环境 配置 效果 结果 示例 例子 常见问题 问答 要点 小贴士 注意 注意事项 更多 关于 关于我 "
    "关于作者 联系我 联系方式 致谢 鸣谢 待办 声明 版权 版权声明 相关文章 推荐阅读 延伸阅读 评论 留言 往期 导语 编者按 第一步 第二步 第三步 废话".split()
)
GENERIC_EN = set(
    "introduction,intro,preface,foreword,conclusion,conclusions,summary,notes,note,untitled,misc,miscellaneous,"
    "appendix,background,overview,final thoughts,closing thoughts,in closing,update,updates,abstract,references,"
    "afterword,epilogue,prologue,contents,the end,links,footnotes,post,diary,journal,wrapping up,key takeaways,"
    "full content,instructions,ingredients,method,methods,directions,steps,requirements,prerequisites,installation,"
    "setup,"
    "getting started,quick start,usage,how to use,example,examples,results,discussion,faq,questions,q&a,tips,resources,"
    "further reading,related posts,comments,about,about me,about the author,contact,bio,acknowledgements,"
    "acknowledgments,"
    "changelog,todo,to do,more,other,tl;dr,disclaimer,copyright,licence,license,thanks,edit,ps,p.s".split(
        ","
    )
)
# A heading that tells the reader what to do names nothing to ask about.
IMPERATIVES = set(
    "add ask avoid be begin bring build buy call change check choose click come consider copy create cut do don't "
    "download draw drink eat enjoy enter find finish fix follow forget get give go have help install join keep know "
    "learn leave let listen log look make measure mind move never open order pay pick place play press put read "
    "remember remove repeat replace return run save say see sell send set share show sign sit start stay stop "
    "subscribe take talk tell test think tighten try turn type upload use visit wait walk wash watch write".split()
)
NUMBERS = "〇零一二三四五六七八九十百"
COUNTERS = "年月日天个岁块元里条种件问家步封孝节计史桥分小米公"  # 二十四孝图 has no number before its title
TOPIC_ZH = (
    "你怎么看{}？",
    "聊聊{}吧。",
    "说说{}。",
    "讲讲{}吧。",
    "关于{}，你怎么想？",
    "想听你说说{}。",
    "{author}怎么看{}？",
    "你对{}有什么想法？",
)
POST_ZH = (
    "说说你写的{}。",
    "{}讲的是什么？",
    "你在{}里想说什么？",
    "聊聊{}吧。",
    "{}是怎么回事？",
    "{author}，{}里你是怎么想的？",
)
WITHIN_ZH = (
    "{title}里说的“{}”，是怎么回事？",
    "讲讲“{}”吧。",
    "关于“{}”，你怎么想？",
    "说到“{}”，你的看法呢？",
)
TERM_ZH = (
    "你写到过{}，讲讲吧。",
    "说到{}，你有什么想法？",
    "你怎么看{}？",
    "讲讲{}吧。",
    "关于{}，你是怎么说的？",
    "说说{}的事吧。",
)
ON_ZH = (
    "{title}里，关于{}你是怎么说的？",
    "{title}里提到的{}，再说说？",
    "{title}里写到{}，讲讲吧。",
)
MORE_ZH = ("{title}，接着往下说吧。", "{title}后来呢？", "{title}还有呢？")
TOPIC_EN = (
    "What do you think about {}?",
    "Tell me about {}.",
    "What's your take on {}?",
    "Talk to me about {}.",
    "What do you have to say about {}?",
    "{author}, what do you make of {}?",
    "How do you see {}?",
)
POST_EN = (
    "What were you getting at in {}?",
    "Tell me about {}.",
    "What did you say in {}?",
    "What is {} about?",
)
WITHIN_EN = (
    "In {title}, tell me about {}.",
    "Tell me about {}.",
    "What about {}?",
    "What do you say about {}?",
)
TERM_EN = (
    "Tell me about {}.",
    "What can you tell me about {}?",
    "What do you have to say about {}?",
    "I'd like to hear about {}.",
    "What did you write about {}?",
)
ON_EN = (
    "In {title}, what did you say about {}?",
    "You mentioned {} in {title}. Tell me more.",
    "What about {}, in {title}?",
)
MORE_EN = ("Go on about {title}.", "And then? I mean {title}.", "What else did you say in {title}?")
ASKS_ZH = re.compile(
    r"[?？]$|怎么|怎样|如何|为什么|为何|什么|[吗呢]$|几[个次天年]|多[久少远大]|"
    r"哪[里个些儿]|谁|能否|是否|值不值得|(?P<v>[\u4e00-\u9fff])不(?P=v)"
)
HELPERS = "is|are|do|does|did|can|could|should|would|will|was|were|has|have"
ASKS_EN = re.compile(
    rf"\?$|^({HELPERS}|am|must|may)\s|^(what|why|how|when|where|who|which|whose)"
    rf"('s| ({HELPERS}|makes?|made|many|much|often|long))\s",
    re.IGNORECASE,
)
FLIPS = {
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


def titles(passage):
    """Up to two questions of a passage, in its language: from its heading, else the title, else what it is about.

    A passage that somebody asked for has that `question`, word for word, and no other.
    """
    if passage.get("question"):
        return [passage["question"]]
    zh, title, heading = passage["language"] == "zh", passage["title"], passage["heading"]
    if zh != _chinese(title):
        title = title if zh and title else ""  # an English reader does not quote a Chinese title
    found = []
    if passage["place"] == 0 and usable(title):
        found.append(_from_title(passage, title))
    if _askable(heading, zh):
        found.append(_from_heading(passage, heading, title))
    terms = passage.get("terms") or [""]
    # A second question only about what comes up again and again.
    again = passage["text"].count(re.sub(r"^(the|your) ", "", terms[0])) >= 3
    if terms[0] and (not found or passage["place"] == 0 and len(found) == 1 and again):
        found.append(_from_terms(passage, title))
    if not found and title and usable(title):
        found.append(_fill(passage, MORE_ZH if zh else MORE_EN, "", title))
    return list(dict.fromkeys(found))[:2]


def usable(title):
    """Does a title or heading say what the text is about? Dates, numbers and words like 'Preface' don't."""
    title = bare(title)
    wordless = re.fullmatch(
        rf"[\d\s\-–./:年月日号第篇章节期天周集{NUMBERS}()（）]*|(part|chapter|day|week|no\.?)\s*[\divx]+",
        title,
        re.IGNORECASE,
    )
    return bool(title) and not wordless and title.lower() not in GENERIC_ZH | GENERIC_EN


def _askable(heading, zh):
    """Is a heading a question or the name of something, in the passage's language? 'Open the app' is neither."""
    text = bare(heading)
    if not usable(heading) or zh != _chinese(heading):
        return False
    if not zh:
        # "So, is it?" asks nothing that a stranger could.
        return text.split()[0].lower() not in IMPERATIVES and not (
            ASKS_EN.search(text) and len(text.split()) < 4
        )
    kinds = [kind for _, kind in _tagged(text)]
    named = any(kind.startswith(NOUNS) for kind in kinds) or not kinds[0].startswith(
        ("v", "p", "d")
    )
    return not re.match("[先再又]", text) and (bool(ASKS_ZH.search(text)) or named)


def bare(title):
    """A title without what is not said aloud: series after a bar, remarks in brackets, numbering, pictures."""
    title = re.sub(r"[\U0001f300-\U0001faff\u2600-\u27bf\ufe0f]", "", title)
    title = re.split(r"\s*[｜|]\s*", title)[0]
    title = re.sub(r"\s*[（(][^（）()]*[）)]\s*$|[①-⒇]+", "", title)
    title = re.sub(
        rf"^(\d+[.、)]\s*|[{NUMBERS}]+、\s*|[（(][{NUMBERS}\d]+[）)]\s*|"
        rf"[{NUMBERS}]{{2,}}(?=[^{NUMBERS}{COUNTERS}]))",
        "",
        title,
    )
    return title.strip(" #*_-—:：。.")


def _from_title(passage, title):
    text = bare(title)
    if passage["language"] == "zh":
        return _ask_zh(text) or _about_zh(passage, text)
    return _ask_en(text) or _about_en(passage, text)


def _from_heading(passage, heading, title):
    zh, text = passage["language"] == "zh", bare(heading)
    # A short heading, or one that says 'it', means little without the title.
    alone = (len(text) >= 6 if zh else len(text.split()) >= 5) and not re.search(
        r"(?i)^[先再又]|它|(?<![a-z])(it|this|that|they|them)(?![a-z])", text
    )
    question = (_ask_zh if zh else _ask_en)(text)
    if question and alone:
        return question
    if question and usable(title):
        named = quoted(bare(title), zh)
        return (
            f"说到{named}：{question}"
            if zh
            else f"About {named}: {question[0].lower() + question[1:]}"
        )
    templates = WITHIN_ZH if zh else WITHIN_EN
    templates = templates[1:] if alone or not usable(title) else templates[:1]
    if not zh:
        text = flipped(_lower_first(passage, text)) if len(text.split()) <= 5 else quoted(text, zh)
    return _fill(passage, templates, text.strip("“”") if zh else text, title)


def _from_terms(passage, title):
    zh, terms = passage["language"] == "zh", passage["terms"]
    inside = usable(title) and passage["place"] > 0 and _number(passage, "inside") % 2
    return _fill(
        passage,
        (ON_ZH if zh else ON_EN) if inside else (TERM_ZH if zh else TERM_EN),
        terms[0],
        title,
    )


def _ask_zh(text):
    if (
        not ASKS_ZH.search(text)
        or re.search(r"[，。：；]", text)
        and not re.search(r"[?？]$", text)
    ):
        return None
    return flipped(text).rstrip("?？") + "？"


def _about_zh(passage, text):
    both = re.fullmatch(r"从(.{1,8})[说谈]到(.{1,8})", text)
    topic = re.fullmatch(
        r"(?:略|再|也|浅|漫|闲|杂|试|小)?(?:论|谈|说|记|谈谈|聊聊|说说|关于|所谓)(.{2,14})", text
    )
    if both:
        return _fill(passage, TOPIC_ZH, "和".join(both.groups()), text)
    if topic and not re.search(r"[，：；]", text):
        return _fill(passage, TOPIC_ZH, flipped(topic.group(1)), text)
    # "说说茶" is natural, "说说茶要烫" is not.
    name = (
        2 <= len(text) <= 6
        and not re.search(r"[《》，：、]", text)
        and _tagged(text)[-1][1].startswith(NOUNS)
    )
    if name or text[:2] == "我的" and len(text) < 12:
        return _fill(passage, TOPIC_ZH, flipped(text), text)
    return _fill(passage, POST_ZH, quoted(text, True), text)


def _ask_en(text):
    if re.match(r"(?i)how to ", text):
        return f"How do you {flipped(text[7:].rstrip('?'))}?"
    if ASKS_EN.search(text):
        return flipped(text).rstrip("?") + "?"
    # "Why I left" is no question yet; "Tell me why you left" is.
    clause = re.match(r"(?i)(why|how|what|when|where|who)\s", text)
    return (
        f"Tell me {text[0].lower() + flipped(text)[1:]}."
        if clause and not _title_case(text)
        else None
    )


def _about_en(passage, text):
    topic = re.match(
        r"(?i)(?:some )?(?:on|about|against|in praise of|(?:notes|thoughts) on) (.+)", text
    )
    if topic:
        return _fill(passage, TOPIC_EN, flipped(_lower_first(passage, topic.group(1))), text)
    if (
        len(text.split()) > 8
        or re.search(r"[:;,.!—–]", text)
        or _title_case(text)
        and len(text.split()) > 3
    ):
        return _fill(passage, POST_EN, quoted(text, False), text)
    return _fill(passage, TOPIC_EN, flipped(_lower_first(passage, text)), text)


def _lower_first(passage, text):
    word = re.match(r"[A-Za-z']+", text)
    low = word and re.search(rf"(?<![A-Za-z]){word.group().lower()}(?![A-Za-z])", passage["text"])
    return (
        text[0].lower() + text[1:]
        if low or re.match(r"(?i)(the|a|an|my|our|some|every)\s", text)
        else text
    )


def _title_case(text):
    words = re.findall(r"[A-Za-z]{4,}", text)
    return len(words) > 1 and sum(word[0].isupper() for word in words) > len(words) * 0.7


def flipped(text):
    """A title as a reader says it: the author's 'I' and 我 become 'you' and 你."""
    text = re.sub(
        r"^我(?!们|国|军|辈|等)|我(?=[的怎为是在和跟对如这不没也最要想会])|(?<=[到给对和跟与让叫])我(?!们|国)",
        "你",
        text,
    )
    text = re.sub(r"(?<![A-Za-z'’])I am(?![A-Za-z])", "you are", text)
    return re.sub(
        r"[A-Za-z]+(?:['’][a-z]+)?",
        lambda m: (
            FLIPS.get(m.group().lower().replace("’", "'"), m.group())
            if m.group() == "I" or m.group().lower() != "i"
            else m.group()
        ),
        text,
    )


def quoted(title, zh):
    """A title in the quotation marks of its language."""
    return f"“{title}”" if not zh else f"「{title}」" if "《" in title else f"《{title}》"


def _fill(passage, templates, subject, title):
    template = templates[_number(passage, "template") % len(templates)]
    zh = passage["language"] == "zh"
    if "{author}" in template and not (passage.get("author") and _chinese(passage["author"]) == zh):
        template = templates[0]
    return template.format(subject, title=quoted(bare(title), zh), author=passage.get("author", ""))


def _number(passage, purpose):
    return int(hashlib.sha256(f"{purpose} {passage['id']}".encode()).hexdigest()[:8], 16)


def _chinese(text):
    return bool(re.search(r"[\u4e00-\u9fff]", text))


# What a passage is about

NOUNS = (
    "n",
    "vn",
    "an",
    "l",
    "i",
    "j",
    "eng",
)  # beginnings of rjieba's tags that can name something
# Nouns that are everywhere, and what the tagger takes for nouns.
EVERYDAY_ZH = set(
    (
        "时候 日子 时间 今天 明天 昨天 现在 以后 以前 后来 将来 当时 最后 小时 分钟 早上 晚上 下午 星期 日里 时代 方面 方法 方式 办法 部分 地方 东西 事情 样子 情形 情况 问题 "
        "结果 原因 缘故 意思 意见 关系 内容 个人 人们 大家 朋友 别人 先生 声音 声明 力量 态度 现象 典型 世界 社会 现实 例子 作用 过程 程度 基本 实际 具体 根据 例如 譬如 "
        "自然 一样 一般 一种 一个 两个 所以 究竟 大约 仿佛 总之 非常 特别 直接 完全 容易 比较 清楚 简单 困难 重要 无聊 发现 打算 承认 发表 努力 合适 测试 需要 觉得 认为 "
        "开始 解决 继续 希望 喜欢 愿意 打开 关闭 提供 进行 实现 使用 利用 属于 关于 提到 接着 可以 没有 已经 允许 应该 必须 毫米 厘米 公里 公斤 不可 不知 未尝 文字 文章 "
        "句子 题目 数目 期间 中间 里面 外面 上面 下面 前面 后面 旁边 身上 手里 心里 眼里 家里 一切 全体 本身 意义 目的 机会 之类 之一 其中 以上 以下 处理 影响 一回 一面 "
        "一天 一点 一下 一口 有些 有点 同时 同样 不同 不少 许多 所谓 确实 好处 坏处 差不多 不得不 上文 下文 用处 人间 二者 前者 后者 人家"
    ).split()
)
TELLING = re.compile(
    rf"(?![{NUMBERS}两几])(?!(.)\1$)(?!.*不)[\u4e00-\u9fff]{{2,}}|[A-Za-z].+"
)  # not 三人, 玩玩, 对不起
MARKED = re.compile(r"([“《「])([^“”《》「」，。！？；：…\s]{2,8})([”》」])")
STOP_EN = set(
    (
        "thing things day days year years time times way night morning noon evening afternoon week month hour hours "
        "minute minutes part end rest same other first second last next more most one two three four five six lot "
        "bit kind sort place side man men woman people great good little much present whole matter business half "
        "while number case own that and again there here once then below above himself themselves herself begin "
        "name reason answer word turn sir mr mrs mister lord lady king duke god i january february march april may "
        "june july august september october november december monday tuesday wednesday thursday friday saturday "
        "sunday christmas english madam lordship ladyship majesty highness he she they we you it this "
        "these those but so for with who what when where why how "
        "yes no not now well thus upon after before like way best worst afterwards late early former latter use "
        "fact point moment idea problem question example use"
    ).split()
)
CLOSED = (
    "is|was|were|are|be|been|being|had|has|have|did|does|do|will|would|can|could|may|might|shall|should|must|"
    "of|to|and|in|at|with|for|on|by|that|which|who|from|but|or|as|than|if|so|not|very|well|too|also|then|there|"
    "here|now|when|where|while|because|about|upon|up|down|out|into|over|after|before|ready|sorry|glad|come|came|"
    "went|said|told|made|took|gave|got|saw|knew|thought|found|left|like|till|until|all|both|each|any|some"
)
DETERMINERS = {"my": "your", "our": "your"}
_WORD = rf"(?!(?:{CLOSED})(?![a-z-]))[a-z][a-z-]{{2,}}"
NOUN = re.compile(
    rf"(?<![A-Za-z])(the|a|an|my|our|his|her|their) ((?:{_WORD} )?{_WORD})"
    rf"(?=[,.;:!?)]| (?:{CLOSED})(?![a-z]))"
)
NAME = re.compile(
    r"(?<=[a-z,;’'] )(?:(?:Mr|Mrs|Dr|St)\.? |(?:Sir|Lady|Lord|Captain|Auntie|Uncle|Miss|Accountant) )?"
    r"(?:[A-Z]\. )?[A-Z][a-z]{2,}(?: [A-Z][a-z]{2,})*"
)


def topics(passages, most=2):
    """{passage id: its most telling words, at most `most`}: frequent in the passage, rare in the others (tf-idf)."""
    everywhere = Counter(
        word
        for p in passages
        if p["language"] != "zh"
        for word in re.findall(r"(?<![A-Za-z'’])[a-z]{3,}", p["text"])
    )
    nouns = Counter(
        phrase.split()[-1]
        for p in passages
        if p["language"] != "zh"
        for _, phrase in NOUN.findall(p["text"])
    )
    counted = {
        p["id"]: _words_zh(p["text"])
        if p["language"] == "zh"
        else _words_en(p["text"], everywhere, nouns)
        for p in passages
    }
    spread = Counter(word for words in counted.values() for word in words)
    found = {}
    for name, words in counted.items():
        score = {
            w: n * math.log((len(counted) + 1) / spread[w])
            for w, n in words.items()
            if spread[w] <= len(counted) / 4 + 1
        }
        found[name] = _apart(sorted(score, key=lambda w: (-score[w], w)), most)
    return found


def _apart(words, most):
    found = []
    for word in words:
        if len(found) < most and not any(word in other or other in word for other in found):
            found.append(word)
    return found


def _tagged(text):
    """[(word, kind)] of Chinese, by the jieba dictionary."""
    import rjieba

    return rjieba.tag(text)


def _words_zh(text):
    """Weights of titles and words in quotation marks, and of nouns and pairs of them that come up at least twice."""
    named = Counter()
    for mark, word, end in MARKED.findall(text):
        if mark == "《" or any(
            kind.startswith(NOUNS) and len(part) > 1 for part, kind in _tagged(word)
        ):
            named[f"{mark}{word}{end}"] += 1.5 if mark == "《" else 1
    open_text = MARKED.sub("，", text)
    found, before = Counter(), ""
    for word, kind in _tagged(open_text):
        noun = kind.startswith(NOUNS) and bool(TELLING.fullmatch(word)) and word not in EVERYDAY_ZH
        found[word] += noun
        if noun and before and kind in ("n", "nz", "vn") and len(before + word) <= 6:
            found[before + word] += 1.5  # more telling than either
        before = word if noun and kind in ("n", "ns", "nz", "eng") else ""
    often = {word: n for word, n in found.items() if n >= 2 and _stands_free(word, open_text)}
    return named + Counter(often)


def _stands_free(word, text):
    # A piece of a longer word always has the same neighbour: 绥夫 always has 跋 before it.
    around = re.findall(f"(?=(.){re.escape(word)}(.))", f"，{text}，".replace("\n", "，"))
    return all(
        len(set(side)) > 1 or not re.match("[\u4e00-\u9fff]", side[0]) for side in zip(*around)
    )


def _words_en(text, everywhere, nouns):
    """Weights of names (capitals inside a sentence) and of nouns (what follows 'the' or 'my' before a pause).

    `everywhere` counts lower-case words of the whole corpus, `nouns` those that stand where a noun does: what is
    written small is no name, and what seldom stands there is no noun ('the office still').
    """
    found = Counter()
    for determiner, phrase in NOUN.findall(text):
        words = phrase.split()
        noun = nouns[words[-1]] > 0.1 * everywhere[words[-1]] and not phrase.endswith(
            ("ly", "ed", "ing")
        )
        if noun and not set(words) & STOP_EN:
            found[f"{DETERMINERS.get(determiner, 'the')} {phrase}"] += 1
    for name in NAME.findall(text):
        last = name.split()[-1].lower()
        if last not in STOP_EN and everywhere[last] == 0:
            found[f"the {name}" if f"the {name}" in text else name] += 1.5
    return found
