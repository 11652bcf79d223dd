"""What a passage is about: its most characteristic nouns and names, by tf-idf over all passages."""

import math
import re
from collections import Counter
from functools import cache

from ...i18n import data
from ...text.script import HAN_TO_TEN, LATIN, LOWER, UPPER
from ..records import Passage

NUMBERS = f"〇零{HAN_TO_TEN}百"
# Beginnings of rjieba's tags of words that can name something.
NOUN_TAGS = ("n", "vn", "an", "l", "i", "j", "eng")
# Everyday nouns, and other words that the tagger takes for nouns.
_EVERYDAY_ZH = set(
    """
    时候 日子 时间 今天 明天 昨天 现在 以后 以前 后来 将来 当时 最后 小时 分钟 早上 晚上 下午 星期
    日里 时代 方面 方法 方式 办法 部分 地方 东西 事情 样子 情形 情况 问题 结果 原因 缘故 意思 意见
    关系 内容 个人 人们 大家 朋友 别人 先生 声音 声明 力量 态度 现象 典型 世界 社会 现实 例子 作用
    过程 程度 基本 实际 具体 根据 例如 譬如 自然 一样 一般 一种 一个 两个 所以 究竟 大约 仿佛 总之
    非常 特别 直接 完全 容易 比较 清楚 简单 困难 重要 无聊 发现 打算 承认 发表 努力 合适 测试 需要
    觉得 认为 开始 解决 继续 希望 喜欢 愿意 打开 关闭 提供 进行 实现 使用 利用 属于 关于 提到 接着
    可以 没有 已经 允许 应该 必须 毫米 厘米 公里 公斤 不可 不知 未尝 文字 文章 句子 题目 数目 期间
    中间 里面 外面 上面 下面 前面 后面 旁边 身上 手里 心里 眼里 家里 一切 全体 本身 意义 目的 机会
    之类 之一 其中 以上 以下 处理 影响 一回 一面 一天 一点 一下 一口 有些 有点 同时 同样 不同 不少
    许多 所谓 确实 好处 坏处 差不多 不得不 上文 下文 用处 人间 二者 前者 后者 人家
    """.split()
)
# Not 三人, 玩玩, 对不起.
_TELLING = re.compile(rf"(?![{NUMBERS}两几])(?!(.)\1$)(?!.*不)[\u4e00-\u9fff]{{2,}}|[{LATIN}].+")
_MARKED = re.compile(r"([“《「])([^“”《》「」，。！？；：…\s]{2,8})([”》」])")
_STOP_EN = set(
    """
    thing things day days year years time times way night morning noon evening afternoon week
    month hour hours minute minutes part end rest same other first second last next more most one
    two three four five six lot bit kind sort place side man men woman people great good little
    much present whole matter business half while number case own that and again there here once
    then below above himself themselves herself begin name reason answer word turn sir mr mrs
    mister lord lady king duke god i january february march april may june july august september
    october november december monday tuesday wednesday thursday friday saturday sunday christmas
    english madam lordship ladyship majesty highness he she they we you it this these those but so
    for with who what when where why how yes no not now well thus upon after before like way best
    worst afterwards late early former latter use fact point moment idea problem question example
    use
    """.split()
)
_CLOSED = "|".join(
    """
    is was were are be been being had has have did does do will would can could may might
    shall should must of to and in at with for on by that which who from but or as than if so
    not very well too also then there here now when where while because about upon up down out
    into over after before ready sorry glad come came went said told made took gave got saw
    knew thought found left like till until all both each any some today tomorrow yesterday tonight
    always never often again already still yet just only even ever once twice soon almost enough
    perhaps maybe together away along across around against among between behind beyond during
    within without through toward towards since though although however therefore instead
    otherwise meanwhile moreover anyway indeed rather quite alone ago hence thence thereof therein
    thereby thereto thereupon herein hereof hither thither whither whence
    """.split()
)
_DETERMINERS = {"my": "your", "our": "your"}
_WORD = rf"(?!(?:{_CLOSED})(?![{LOWER}-]))[{LOWER}][{LOWER}-]{{2,}}"
_NOUN = re.compile(
    rf"(?<![{LATIN}])(the|a|an|my|our|his|her|their) ((?:{_WORD} )?{_WORD})"
    rf"(?=[,.;:!?)]| (?:{_CLOSED})(?![{LOWER}]))"
)
_NAME = re.compile(
    rf"(?<=[{LOWER},;’'] )(?<!['’]s )"
    r"(?:(?:Mr|Mrs|Dr|St)\.? |(?:Sir|Lady|Lord|Captain|Auntie|Uncle|Miss|Accountant) )?"
    rf"(?:[{UPPER}]\. )?[{UPPER}][{LOWER}]{{2,}}(?: [{UPPER}][{LOWER}]{{2,}})*"
    # Not "St Paul" of "St Paul's Churchyard", nor "Prince" of "Prince of Wales".
    rf"(?![{LATIN}]|[-'’][{LATIN}]*[ -]?[{UPPER}]| of (?:the )?[{UPPER}])"
)

# A single word behind one of these is a thing or an office, whatever its first letter.
_OF_A_KIND = r"(?i:the|a|an|my|our|his|her|their|your|this|that|these|every|some|any|no) ({})"
_CAPITALISED = re.compile(rf"[{UPPER}][{LOWER}]+\.? $")
_BEFORE = 20  # characters before a name
_ONCE = 0.3  # weight of a noun that a text has once
_ADJECTIVE = re.compile(r".*(?:ful|less|ous|able|ible|ish|est)")


@cache
def connectives(language: str) -> frozenset[str]:
    """Phrases of a language that join sentences and name no subject, in small letters."""
    text = data("connectives")[language]
    return frozenset(" ".join(each.split()) for each in text.split("," if "," in text else None))


def terms(passages: list[Passage], most: int = 2) -> dict[str, list[str]]:
    """{passage id: its `most` most characteristic terms}: frequent in it, rare in the others."""
    english = [p.text for p in passages if p.language != "zh"]
    lower_case = Counter(
        word for text in english for word in re.findall(rf"(?<![{LATIN}'’])[{LOWER}]{{3,}}", text)
    )
    phrases = [phrase.split() for text in english for _, phrase in _NOUN.findall(text)]
    nouns = Counter(words[-1] for words in phrases)
    alone = Counter(words[0] for words in phrases if len(words) == 1)
    parts = _parts_of_names(english)
    weights = {
        p.id: _weights_zh(p.text)
        if p.language == "zh"
        else _weights_en(p.text, lower_case, nouns, alone, parts)
        for p in passages
    }
    spread = Counter(word for words in weights.values() for word in words)
    telling, used = {}, set()
    for name, words in weights.items():
        scores = {
            word: weight * math.log((len(weights) + 1) / spread[word])
            for word, weight in words.items()
            if spread[word] <= len(weights) / 4 + 1
        }
        ranked = sorted(scores, key=lambda word: (-scores[word], word))
        # The first is what is asked for, and no two passages are asked for the same.
        first = next((word for word in ranked if word not in used), None)
        used.add(first)
        rest = [word for word in ranked if word != first]
        telling[name] = _distinct([first, *rest], most) if first else []
    return telling


def _distinct(words, most):
    """The first `most` words of which none is part of another."""
    distinct = []
    for word in words:
        if len(distinct) < most and not any(
            word in chosen or chosen in word for chosen in distinct
        ):
            distinct.append(word)
    return distinct


def tagged(text: str) -> list[tuple[str, str]]:
    """[(word, part of speech)] of a Chinese text, by the jieba dictionary."""
    import rjieba

    return rjieba.tag(text)


def _weights_zh(text):
    """{term: weight}: titles, words in quotation marks, and nouns and pairs of them used twice."""
    named = Counter()
    for mark, word, end in _MARKED.findall(text):
        parts = [kind for part, kind in tagged(word) if len(part) > 1]
        names = word not in connectives("zh") and any(kind.startswith(NOUN_TAGS) for kind in parts)
        if mark == "《" or names:
            named[f"{mark}{word}{end}"] += 1.5 if mark == "《" else 1
    text = _MARKED.sub("，", text)
    counts, previous = Counter(), ""
    for word, kind in tagged(text):
        noun = _TELLING.fullmatch(word) and word not in _EVERYDAY_ZH and _names_zh(word, kind)
        counts[word] += bool(noun)
        if noun and previous and kind in ("n", "nz", "vn") and len(previous + word) <= 6:
            counts[previous + word] += 1.5  # a compound says more than either word
        previous = word if noun and kind in ("n", "ns", "nz", "eng") else ""
    often = {word: n for word, n in counts.items() if n >= 2 and _is_whole(word, text)}
    return named + Counter(often)


def _names_zh(word, kind):
    """Whether a Chinese word names something: of idioms and phrases, one that ends in a noun.

    无产阶级 and 赶路的人 do; 无论如何, 莫名其妙 and 说空话 don't.
    """
    if not kind.startswith(NOUN_TAGS) or word in connectives("zh"):
        return False
    if not kind.startswith(("i", "l")):
        return True
    if word[-2] in "的之":
        return word[-1] not in "前后上下中内外间一是"
    does = len(word) == 3 and tagged(word[0])[0][1].startswith("v")
    return not does and [kind for _, kind in tagged(word[-2:])] in (["n"], ["nr"])


def _is_whole(word, text):
    """Whether a Chinese word has different neighbours on each side.

    A piece of a longer word has always the same one: 绥夫 always follows 跋.
    """
    around = re.findall(f"(?=(.){re.escape(word)}(.))", f"，{text}，".replace("\n", "，"))
    return all(
        len(set(side)) > 1 or not re.match("[\u4e00-\u9fff]", side[0]) for side in zip(*around)
    )


def _parts_of_names(texts):
    """The capitalised words that mostly stand in longer names: "House", "Prince", "Captain"."""
    whole, parts = Counter(), Counter()
    for text in texts:
        for run in re.findall(rf"[{UPPER}][{LOWER}]+(?: [{UPPER}][{LOWER}]+)*", text):
            words = run.split()
            whole.update(words)
            parts.update(words if len(words) > 1 else ())
    return {word for word, count in parts.items() if 2 * count >= whole[word]}


def _is_comparative(word, lower_case, nouns):
    """Whether it is "greater" of "great": a word with that ending, and that is no noun itself."""
    bases = (word[:-2], word[:-1], word[:-3], word[:-3] + "y")
    return word.endswith("er") and any(lower_case[base] and not nouns[base] for base in bases)


def _weights_en(text, lower_case, nouns, alone, parts):
    """{term: weight}: names (capitalised within a sentence) and nouns ('the' or 'my' before them).

    `lower_case` counts the lower-case words of the corpus, which are no names. `nouns` counts the
    words in the position of a noun: one that is seldom there ('the office still') is no noun. Those
    that stand there `alone` are nouns: of 'the lamp burns', said once, the last is none. `parts`
    are words of longer names. A noun that the text has once is seldom what it is about.
    """
    weights, found = Counter(), _NOUN.findall(text)
    repeated = Counter(phrase for _, phrase in found)
    said = Counter(re.findall(rf"[{LOWER}]+", text.lower()))
    for determiner, phrase in found:
        words = phrase.split()
        often = nouns[words[-1]] > (0.1 if words[1:] else 0.2) * lower_case[words[-1]]
        ends_in_verb = alone[words[0]] > 0.1 * lower_case[words[0]] and not alone[words[-1]]
        often = often and (not ends_in_verb or repeated[phrase] > 1)
        last = words[-1]
        again = sum(said[form] for form in {last, f"{last}s", last.removesuffix("s")}) > 1
        if _ADJECTIVE.fullmatch(last) or _is_comparative(last, lower_case, nouns):
            continue
        if often and not phrase.endswith(("ly", "ed", "ing")) and not set(words) & _STOP_EN:
            weights[f"{_DETERMINERS.get(determiner, 'the')} {phrase}"] += 1 if again else _ONCE
    for match in _NAME.finditer(text):
        name = match.group()
        if _CAPITALISED.search(text, max(0, match.start() - _BEFORE), match.start()):
            continue  # the rest of a name that begins a sentence
        last = name.split()[-1].lower()
        single = " " not in name
        if single and (name in parts or re.search(_OF_A_KIND.format(name), text)):
            continue
        if last not in _STOP_EN and lower_case[last] == 0:
            weights[f"the {name}" if f"the {name}" in text else name] += 1.5
    return weights
