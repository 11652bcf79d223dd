"""Questions by a model: what it is told, the JSON its reply is held to, and which of its questions are kept.

A model may write the question, never the answer. `read_reply` takes whatever came back and never raises.
"""

import json
import re
from typing import NamedTuple

from ...text.script import SENTENCE, tokens_estimate
from ..passages import FUNCTION
from .titles import ASKS_EN, ASKS_ZH

SHORTEST, LONGEST, MOST = 4, 80, 2  # characters of a question, questions of a passage
COPIED = {"en": 30, "zh": 15}  # characters in a row that are no question of the reader's own
REPLY_TOKENS = (
    768  # more than two questions of the greatest length take, so that the JSON always closes
)
# What a small model is held to beside the JSON: it begins as a question does, and ends with the only question mark.
PATTERNS = {
    "en": r"^(What|Why|How|When|Where|Who|Which|Did|Do|Does|Was|Were|Is|Are|Have|Has|Had|Would|Could|Can|Should) "
    r'[A-Za-z][^?"\\\n\u2e80-\uffff]{2,66}[?]$',
    "zh": r"^[\u4e00-\u9fff“《][\u4e00-\u9fffA-Za-z0-9 ，、：“”《》（）·—…%+.-]{2,38}？$",
}
REASONS = {  # why a passage has no question by the model, in the order of what is said when several are true
    "json": ("not JSON", "不是 JSON"),
    "shape": ("JSON of another shape", "JSON 结构不对"),
    "empty": ("no question in it", "里面没有问题"),
    "length": ("too short or too long", "太短或太长"),
    "cut": ("broken off", "没说完"),
    "language": ("in the wrong language", "语言不对"),
    "copied": ("copied from the passage", "照抄原文"),
    "about": ("speaks of 'the text' or 'the author'", "提到“文中”“作者”"),
    "loop": ("goes in circles", "原地打转"),
    "person": ("says 'my' for the author's own", "把作者的事说成“我的”"),
    "subject": ("not about the passage", "与这段无关"),
    "service": ("no answer from the service", "服务没有回答"),
}
SYSTEM = {
    "en": "You are a reader. Write one or two short questions that can be answered with what follows, the way you "
    "would ask its writer face to face: say 'you'. Ask only about what stands there; don't speak of 'the text' "
    "or 'the author', don't copy its sentences, at most 12 words each. Reply with JSON.",
    "zh": "你是一位读者。请写一到两个简短的问题，要能用下面这段话来回答，就像平时当面问对方那样，用“你”称呼写这段话的人。"
    "只问这段话里讲到的事，不要提“文中”“作者”，不要照抄原句，每个问题不超过30个字。用 JSON 回答。",
}

WRAPPED = re.compile(r"^[\s\"'“”‘’「」*_`]+|[\s\"“”「」*_`]+$")
NUMBERED = re.compile(
    r"^(?:(?:question|q|问题|问|问句)\s*[\d一二三]*\s*[:：.、]|[(（]?(?:\d{1,2}|[一二三四五])[)）]\s*|"
    r"(?:\d{1,2}|[一二三四五])[、.．:：]\s*|[-*•·]\s+)\s*",
    re.IGNORECASE,
)
INVISIBLE = re.compile("[\x00-\x1f\x7f\u200b-\u200f\u2028-\u202e\u2060\ufeff\ufffd\ud800-\udfff]")
ABOUT_EN = re.compile(
    r"(?<![a-z])(?:the|this|that|these|those) (?:(?:input|given|above|following|short|blog|main) )*(?:text|passage|"
    r"author|writer|article|excerpt|narrator|speaker|blogger|essay|paragraph|document|post|context|quote)"
    r"(?:'s|s)?(?![a-z])|"
    r"(?<![a-z])(?:according to|in|of) (?:the|this|that) (?:story|piece|diary|letter|entry)(?![a-z])|"
    r"(?<![a-z])(?:ai|language|chat) ?(?:bot|model|assistant)(?![a-z])|"
    r"(?<![a-z])(?:the|this) (?:word|phrase|term|question|answer)(?![a-z])|json|"
    r"(?<![a-z])provide (?:an? |any |more |me |the )*(?:detail|information|example|answer|response)",
    re.IGNORECASE,
)
ABOUT_ZH = re.compile(
    "文中|作者|笔者|本文|该文|上文|原文|下文|文章[里中的内]|[这那该]一?[篇段](?:文|短文|话|内容|材料|日记|散文)|段落|短文|材料[里中]|"
    "[文本]段[里中]|根据[上这此]"
)
REQUEST = re.compile(
    r"^(?:请?(?:再|多|给我|跟我|和我)?(?:说说|讲讲|聊聊|谈谈|介绍|描述|说一说|讲一讲|聊一聊|谈一谈)|(?:please )?(?:tell|talk|describe|"
    r"explain|share)(?![a-z]))",
    re.IGNORECASE,
)
DANGLING = re.compile(
    r"(?:^|[\s,])(?:the|a|an|and|or|than|your|his|their|my|its|as|if|but|because|very|mr|mrs)$|"
    r"[,，、;；:：\-—(（]$",
    re.IGNORECASE,
)
# "Who did you go with?" is whole; as the last word that had room it is not.
LATE = re.compile(
    r"\s(?:of|to|in|at|with|for|on|by|from|that|is|was|are|were|so|how|what|did|do|not)$",
    re.IGNORECASE,
)
OWN = re.compile(r"(?<![a-z])(?:my|our) [a-z]+|我的[\u4e00-\u9fff]{2}")
OTHER_SCRIPT = re.compile(
    "[\u0370-\u1fff\u3040-\u30ff\uac00-\ud7af]"
)  # Greek to Thai, kana, hangul
EVERYDAY = set(
    "what when where which whose does were have been that this they them their there with your yours about would could "
    "should will shall from into than then know think feel make made like want need name thing things time times day "
    "days people person someone something anything most more many much some such very best first last next life good "
    "great mean meaning happen happened tell explain describe main purpose reason story describing favorite favourite "
    "ever never always still just also only other another these those ask asked question questions answer "
    "did do is are was how why who the for and not can get".split()
)
EMPTY_ZH = FUNCTION | set("什么怎样如何哪谁吗呢吧啊想觉得看说讲会能可要最后来时候个些人事情问题")
# All that a model of a hundred million parameters can follow.
SIMPLE = "Write one or two short questions that the text answers. Reply with JSON."
SHAPE = ' {"questions": ["…", "…"]}'  # for a service that may not know the schema


class Reply(NamedTuple):
    """What came of one reply: its `questions`, none when `reason` (a key of REASONS) says why."""

    questions: list
    reason: str = ""


def schema(language, patterns=True):
    """The JSON schema of a reply; without `patterns` for services, which don't all know them.

    The patterns bound the length too: together with minLength and maxLength llama.cpp finds them too complex, and
    then holds the model to nothing without a word.
    """
    item = {"type": "string", "pattern": PATTERNS[language]} if patterns else {"type": "string"}
    questions = {"type": "array", "minItems": 1, "maxItems": MOST, "items": item}
    return {
        "type": "object",
        "properties": {"questions": questions},
        "required": ["questions"],
        "additionalProperties": False,
    }


def messages(passage, tokens, simple=False):
    """The chat that asks for questions about a passage, of which the model reads at most about `tokens`.

    What is the same for every passage comes first, so that it is read once. `simple` is for the smallest models.
    """
    text = f"{passage['title']}\n\n{beginning(passage['text'], tokens)}".strip()
    return [
        {"role": "system", "content": SIMPLE if simple else SYSTEM[passage["language"]]},
        {"role": "user", "content": text},
    ]


def beginning(text, tokens):
    """The whole sentences from the start of a text that fit in `tokens` by estimate; of a longer one what fits."""
    edges = [m.end() for m in SENTENCE.finditer(text)] + [len(text)]
    fit = [edge for edge in edges if tokens_estimate(text[:edge]) <= tokens]
    return text[: max(fit) if fit else round(len(text) * tokens / tokens_estimate(text))].strip()


def read_reply(text, passage):
    """The Reply in a text that a model sent for a passage: JSON as SCHEMA says, or near it, and fit to be asked."""
    found, reason = _strings(text)
    kept, reasons = [], [reason] if reason else []
    for question in found:
        question = tidy(question)
        if why := _why_not(question, passage):
            reasons.append(why)
        elif not any(_same(question, one) for one in kept):
            kept.append(question)
    if kept:
        return Reply(kept[:MOST])
    return Reply([], next((key for key in REASONS if key in reasons), "empty"))


def _strings(text):
    """(strings that may be questions, reason): the JSON may stand in a fence or between other words."""
    text = text if isinstance(text, str) else ""
    start = re.search(r"[{\[]", text)
    if not start:
        return [], "json" if text.strip() else "empty"
    try:
        value, _ = json.JSONDecoder().raw_decode(text[start.start() :])
    except (ValueError, RecursionError):
        return [], "json"
    if isinstance(value, dict):
        value = value.get("questions", value.get("question"))
    value = [value] if isinstance(value, str) else value
    if not isinstance(value, list):
        return [], "shape"
    value = [one.get("question") if isinstance(one, dict) else one for one in value]
    found = [one for one in value if isinstance(one, str)]
    return found, "" if found or not value else "shape"


def tidy(question):
    """A question without numbering, quotation marks around it, and invisible characters; it ends with a mark."""
    question = INVISIBLE.sub("", " ".join(question.split()))
    before = None
    while before != question:  # "1. “…”" and “1. …”
        before, question = question, NUMBERED.sub("", WRAPPED.sub("", question))
    if not question or question[-1] in "?？.。!！…":
        return question
    return question + ("？" if re.search("[\u4e00-\u9fff]", question) else "?")


def _why_not(question, passage):
    """A key of REASONS, or '' for a question that can be asked."""
    zh, text = passage["language"] == "zh", passage["text"]
    if not question.strip("?？.。!！… "):
        return "empty"
    if not SHORTEST <= len(question) <= LONGEST:
        return "length"
    if OTHER_SCRIPT.search(question) or _chinese(question) != zh:
        return "language"
    end = question.rstrip("?？.。!！… ")
    if DANGLING.search(end) or len(end) > 0.75 * LONGEST and LATE.search(end):
        return "cut"
    if not (
        question[-1] in "?？"
        or (ASKS_ZH if zh else ASKS_EN).search(question)
        or REQUEST.search(question)
    ):
        return "empty"
    if _copies(question, text, COPIED[passage["language"]]):
        return "copied"
    about = (ABOUT_ZH if zh else ABOUT_EN).search(question)
    if about and about.group().lower() not in text.lower():
        return "about"
    grams = _grams(question)
    if len(set(grams)) < 0.75 * len(grams):
        return "loop"
    if any(own in text.lower() for own in OWN.findall(question.lower())):
        return "person"
    return "" if _on_subject(question, f"{passage['title']}\n{text}") else "subject"


def _grams(question):
    """The pairs of characters of a Chinese question, of neighbouring words of another."""
    units = re.findall("[\u4e00-\u9fff]|[a-z]+", question.lower())
    return list(zip(units, units[1:]))


def _same(question, other):
    """Do two questions ask the same in nearly the same words?"""
    one, two = set(_grams(question)), set(_grams(other))
    return question.casefold() == other.casefold() or len(one & two) >= 0.6 * max(
        1, min(len(one), len(two))
    )


def _chinese(question):
    """Is it a Chinese question? One English word in it doesn't make it English, nor two characters it Chinese."""
    return len(re.findall("[\u4e00-\u9fff]", question)) > len(re.findall("[A-Za-z]+", question))


def _copies(question, text, run):
    question, text = (" ".join(one.split()).lower() for one in (question, text))
    return any(question[i : i + run] in text for i in range(len(question) - run + 1))


def _on_subject(question, text):
    """Does it name anything that the text does? By the beginning of a longer word, or two Chinese characters."""
    words = [
        word
        for word in re.findall(r"[a-z]+", question.lower())
        if len(word) > 2 and word not in EVERYDAY
    ]
    text = text.lower()
    if any(re.search(rf"(?<![a-z]){word[:5]}", text) for word in words):
        return True
    pairs = [question[i : i + 2] for i in range(len(question) - 1)]
    return any(
        re.fullmatch("[\u4e00-\u9fff]{2}", pair) and not set(pair) & EMPTY_ZH and pair in text
        for pair in pairs
    )
