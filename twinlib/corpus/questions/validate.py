"""Questions by a model: prompts, the JSON schema of a reply, and the check of each question.

A model may write questions, never answers. `read_reply` takes any text and never raises.
"""

import json
import re
from collections.abc import Callable
from typing import NamedTuple

from ...i18n import data
from ...text.script import (
    HAN,
    HAN_NUMERALS,
    LATIN,
    LOWER,
    STRAY,
    count_han,
    not_in_capitals,
    sentences_within,
    tokens_estimate,
)
from ..records import Passage
from .titles import ASKS_EN, ASKS_ZH

SHORTEST, LONGEST = 4, 90  # characters of a question
MOST = 2  # questions of a passage
# More than MOST of the longest questions take, so that the JSON is always complete.
REPLY_TOKENS = 768
# Characters in a row that a question may not share with its passage, if they are this much of it:
# a name or a quotation may be long.
_COPIED, _COPIED_SHARE = {"en": 30, "zh": 15}, {"en": 0.6, "zh": 0.75}
# A question that a constrained model can write: in English it begins with a question word, and it
# has one question mark, at the end.
_PATTERNS = {
    "en": r"^(What|Why|How|When|Where|Who|Which|Did|Do|Does|Was|Were|Is|Are|"
    r"Have|Has|Had|Would|Could|Can|Should) "
    r'[A-Za-z\u00c0-\u024f][^?"\\\n\u2e80-\uffff]{2,66}[?]$',
    "zh": r"^[\u4e00-\u9fff“《]"
    r"[\u4e00-\u9fffA-Za-z\u00c0-\u024f0-9 ，、：“”《》（）·—…%+.-]{2,38}？$",
}
_PROMPTS = {
    "en": "You are a reader. Write one or two short questions that can be answered with what "
    "follows, the way you would ask its writer face to face: say 'you'. Ask only about what stands "
    "there; don't speak of 'the text' or 'the author', don't copy its sentences, at most 12 words "
    "each. Reply with JSON.",
    "zh": "你是一位读者。请写一到两个简短的问题，要能用下面这段话来回答，就像平时当面问对方那样，"
    "用“你”称呼写这段话的人。只问这段话里讲到的事，不要提“文中”“作者”，不要照抄原句，"
    "每个问题不超过30个字。用 JSON 回答。",
}

_EDGES = re.compile(r"^[\s*_`]+|[\s*_`]+$")
_WRAPPED = re.compile(r"[\"'“”‘’「]([^\"“”「」]*)[\"'“”’」]?|([^\"“”「」]*)[\"”」]")
_QUOTED = re.compile("“[^”]*”|「[^」]*」|《[^》]*》")
_PAIRS = ("“”", "「」", "《》", "（）", "()")
_NUMBERED = re.compile(
    r"^(?:(?:question|q|问题|问|问句)\s*[\d一二三]*\s*[:：.、]|[(（]?(?:\d{1,2}|[一二三四五])[)）]\s*|"
    r"(?:\d{1,2}|[一二三四五])[、.．:：]\s*|[-*•·]\s+)\s*",
    re.IGNORECASE,
)
_INVISIBLE = re.compile(
    f"[\x00-\x1f\x7f\u200b-\u200f\u2028-\u202e\u2060\ufeff\ufffd\ud800-\udfff]{STRAY}"
)
_ABOUT_EN = re.compile(
    rf"(?<![{LOWER}])(?:the|this|that|these|those) "
    r"(?:(?:input|given|above|following|short|blog|main) )*"
    r"(?:text|passage|author|writer|article|excerpt|narrator|speaker|blogger|essay|paragraph|"
    r"document|post|context|quote)"
    rf"(?:'s|s)?(?![{LOWER}])|"
    rf"(?<![{LOWER}])(?:according to|in|of) (?:the|this|that) "
    rf"(?:story|piece|diary|letter|entry)(?![{LOWER}])|"
    rf"(?<![{LOWER}])(?:ai|language|chat) ?(?:bot|model|assistant)(?![{LOWER}])|"
    rf"(?<![{LOWER}])(?:the|this) (?:word|phrase|term|question|answer)(?![{LOWER}])|json|"
    rf"(?<![{LOWER}])provide (?:an? |any |more |me |the )*"
    r"(?:detail|information|example|answer|response)",
    re.IGNORECASE,
)
_ABOUT_ZH = re.compile(
    "文中|作者|笔者|本文|该文|上文|原文|下文|文章[里中的内]|[这那该]一?[篇段](?:文|短文|话|内容|材料|日记|散文)|段落|短文|材料[里中]|"
    "[文本]段[里中]|根据[上这此]"
)
_REQUEST = re.compile(
    r"^(?:请?(?:再|多|给我|跟我|和我)?"
    r"(?:说说|讲讲|聊聊|谈谈|介绍|描述|说一说|讲一讲|聊一聊|谈一谈)|"
    rf"(?:please )?(?:tell|talk|describe|explain|share)(?![{LOWER}]))",
    re.IGNORECASE,
)
_CUT_OFF = re.compile(
    r"(?:^|[\s,])(?:the|a|an|and|or|than|your|his|their|my|its|as|if|but|because|very|mr|mrs)$|"
    r"[,，、;；:：\-—(（]$",
    re.IGNORECASE,
)
# Cut off, but only in a question of nearly the maximum length: "Who did you go with?" is complete.
_UNFINISHED = re.compile(
    r"\s(?:of|to|in|at|with|for|on|by|from|that|is|was|are|were|so|how|what|did|do|not)$",
    re.IGNORECASE,
)
# The reader who asks has no part in the passage: "Did Mr Moore and I dine?" is the author's own I.
_FIRST_PERSON = re.compile(
    rf"(?<![{LATIN}])(?<![Dd]o )(?<![Cc]an )(?<![Ss]hould )(?<![Tt]ell )"
    rf"(?:{not_in_capitals('i me my we us our')})(?![{LATIN}'’])|"
    r"(?<![给对跟和替让叫告诉自])我(?!该|要|能|可以|应)"
)
# Who or what that is, is said elsewhere.
_POINTS = "it its they them their he him his she her hers this these those one ones"
_UNCLEAR = re.compile(
    rf"(?<![{LATIN}])(?:{not_in_capitals(_POINTS)})(?![{LATIN}])|"
    r"(?<![其吉维])[他它她](?!乡|日|人)|[这那]个[？?]|上述|以上|这些"
)
# "This board" and "that thing", of which nothing was said: after a verb of asking or at the start,
# with no name behind it. In "Unsloth这套东西" and "那个“战线”" it is said which one, and in
# "那把旧水壶" it is known.
_WHICH_ONE = re.compile(
    "(?:^|觉得|认为|记得|为什么|[说看讲聊谈对])"
    f"(?:这[{HAN_NUMERALS}几些]*"
    "[个块张把本只件种篇套句条位段次家座辆间封首幅棵项类部台颗份场名]|"
    f"那[{HAN_NUMERALS}几]*[个件种类])(?![“《「])"
)
# What a question takes for said: "你觉得A是B吗？", "Why do you say that A is B?"
_CLAIM_ZH = re.compile(
    "^你?(?:为什么|为何|怎么)?(?:会?(?:说|觉得|认为)|还?记得)(?P<of>[^，]+?)(?<![还可就要只但也或若])"
    "是(?!不是|否)(?P<said>[^，]+?)[吗吧呢的]*$"
)
_CLAIM_EN = re.compile(
    r"^(?:why |how )?(?:do|did|would|could) you (?:say|think|believe|claim|find|remember)"
    r"(?: that)? (?P<of>.+?) (?:is|are|was|were) (?P<said>.+)$",
    re.IGNORECASE,
)
# What a question says that its reader did: "the postcard that you sent", 你寄来的明信片.
_DID_ZH = re.compile("你(?P<did>[\u4e00-\u9fff])[\u4e00-\u9fff]?[来过去了到出]?的[\u4e00-\u9fff]")
_DID_EN = re.compile(rf"\b(?:did|that) you (?:ever )?(?P<did>[{LOWER}]{{4,}})\b", re.IGNORECASE)
_STEM = 4  # letters of an English verb that all its forms have
_BY_AUTHOR = re.compile(
    rf"[我咱]|(?<![{LATIN}])(?:{not_in_capitals('i we my me us our')})(?![{LATIN}])"
)
_BY_OTHERS = re.compile(
    rf"[她他它]|(?<![{LATIN}])(?:{not_in_capitals('he she they')})(?![{LATIN}])"
)
_ASKED_IN_IT = re.compile("什么|怎|谁|哪|几|多少|如何|是否|还是|有没有")
# Greek to Thai, kana, hangul.
_OTHER_SCRIPT = re.compile("[\u0370-\u1fff\u3040-\u30ff\uac00-\ud7af]")
# Added to the prompt where the schema may not be enforced.
SHAPE = ' {"questions": ["…", "…"]}'


Found = Callable[[str, Passage], bool]


class Reply(NamedTuple):
    """The accepted `questions`; if none, the `reason`, a key of data/question_failures.yaml."""

    questions: list[str]
    reason: str = ""


def schema(language: str, patterns: bool = True) -> dict:
    """The JSON schema of a reply; without `patterns` for APIs, some of which refuse them.

    The patterns limit the length, too: with minLength and maxLength as well llama.cpp finds the
    schema too complex and silently ignores it.
    """
    item = {"type": "string", "pattern": _PATTERNS[language]} if patterns else {"type": "string"}
    questions = {"type": "array", "minItems": 1, "maxItems": MOST, "items": item}
    return {
        "type": "object",
        "properties": {"questions": questions},
        "required": ["questions"],
        "additionalProperties": False,
    }


def messages(passage: Passage, tokens: int) -> list[dict[str, str]]:
    """The chat that asks about the first `tokens` or so of a passage, for a reply in JSON.

    The system prompt is the same for all passages of a language, so that llama.cpp computes it
    once.
    """
    text = f"{passage.title}\n\n{beginning(passage.text, tokens)}".strip()
    return [
        {"role": "system", "content": _PROMPTS[passage.language]},
        {"role": "user", "content": text},
    ]


def beginning(text: str, tokens: int) -> str:
    """The sentences at the start of a text that fit in `tokens`, or a part of the first."""
    part = round(len(text) * tokens / max(1, tokens_estimate(text)))
    return sentences_within(text, tokens) or text[:part].strip()


def read_reply(text: str | None, passage: Passage, found: Found | None = None) -> Reply:
    """Read the text of a model about a passage: JSON as in `schema`, or nearly so.

    `found(question, passage)` tells whether the question singles out its passage.
    """
    strings, reason = _strings(text or "")
    return _checked(strings, {reason}, passage, found)


def read_plain(text: str, passage: Passage, found: Found | None = None) -> Reply:
    """Read a reply in plain text: its first line with a question in it."""
    lines = [line for line in text.splitlines() if line.strip()]
    reply = _checked(lines, set(), passage, found)
    return Reply(reply.questions[:1], reply.reason)


def _checked(strings, reasons, passage, found):
    accepted = []
    for question in map(tidy, strings):
        if problem := _problem(question, passage, found):
            reasons.add(problem)
        elif not any(_same(question, earlier) for earlier in accepted):
            accepted.append(question)
    if accepted:
        return Reply(accepted[:MOST])
    return Reply([], next((key for key in data("question_failures") if key in reasons), "empty"))


def _strings(text):
    """(the strings in the first JSON of a text, '' or the reason why there are none)."""
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
    items = [item.get("question") if isinstance(item, dict) else item for item in value]
    strings = [item for item in items if isinstance(item, str)]
    return strings, "" if strings or not items else "shape"


def tidy(question: str) -> str:
    """A question without numbering, quotation marks and invisible characters, with an end mark."""
    question = _INVISIBLE.sub("", " ".join(question.split()))
    before = None
    while before != question:  # both "1. “…”" and "“1. …”"
        before, question = question, _EDGES.sub("", question)
        if wrapped := _WRAPPED.fullmatch(question):
            question = wrapped.group(1) or wrapped.group(2) or ""
        question = _NUMBERED.sub("", question)
    if not question or question[-1] in "?？.。!！…":
        return question
    marks = ".。" if _REQUEST.search(question) else "?？"
    return question + marks[count_han(question) > 0]


def _problem(question, passage, found):
    """Why a question cannot be used, as a key of data/question_failures.yaml, or ''."""
    zh, text = passage.language == "zh", passage.text
    end = question.rstrip("?？.。!！… ")
    if not end:
        return "empty"
    if not SHORTEST <= len(question) <= LONGEST:
        return "length"
    if _OTHER_SCRIPT.search(question) or _is_chinese(question) != zh:
        return "language"
    if _CUT_OFF.search(end) or len(end) > 0.75 * LONGEST and _UNFINISHED.search(end):
        return "cut"
    asks = (ASKS_ZH if zh else ASKS_EN).search(question) or _REQUEST.search(question)
    if question[-1] not in "?？" and not asks:
        return "empty"
    run = max(_COPIED[passage.language], round(_COPIED_SHARE[passage.language] * len(question)))
    if _copies(question, text, run):
        return "copied"
    if any(question.count(left) != question.count(right) for left, right in _PAIRS):
        return "cut"
    about = (_ABOUT_ZH if zh else _ABOUT_EN).search(question)
    if about and about.group().lower() not in text.lower():
        return "about"
    if _names(passage.author, question):
        return "about"
    pairs = _pairs(question)
    if len(set(pairs)) < 0.75 * len(pairs):
        return "loop"
    own_words = _QUOTED.sub("", question)
    if _FIRST_PERSON.search(own_words):
        return "person"
    if _UNCLEAR.search(own_words) or _WHICH_ONE.search(question):
        return "unclear"
    if problem := _claim(end, passage) or _swapped(end, passage):
        return problem
    return "" if found is None or found(question, passage) else "subject"


def _claim(question, passage):
    """Why what a question takes for said can't be asked about, or ''.

    "Why do you say that A is B?" needs a sentence with words of both, and a B that is a word.
    """
    zh = passage.language == "zh"
    claim = (_CLAIM_ZH if zh else _CLAIM_EN).search(question)
    if not claim or zh and _ASKED_IN_IT.search(question.partition("为什么")[2] or question):
        return ""
    if zh and len(claim["said"]) == 1:
        return "cut"
    both = [_parts(claim[part], zh) for part in ("of", "said")]
    sentences = re.split(r"[。！？!?\n]|\. ", f"{passage.title}\n{passage.text}".lower())
    linked = any(all(any(map(each.count, parts)) for parts in both) for each in sentences)
    return "" if linked else "claim"


def _swapped(question, passage):
    """'claim' where a question says that the author did what others did, in all its sentences."""
    zh = passage.language == "zh"
    done = (_DID_ZH if zh else _DID_EN).search(question)
    if not done:
        return ""
    verb = done["did"] if zh else rf"\b{done['did'][:_STEM]}"
    told = [
        each
        for each in re.split(r"[。！？!?\n]|\. ", passage.text)
        if re.search(verb, each, re.IGNORECASE)
    ]
    by_others = (_BY_OTHERS.search(each) and not _BY_AUTHOR.search(each) for each in told)
    return "claim" if told and all(by_others) else ""


def _parts(text, zh):
    """Pairs of neighbouring Chinese characters, or English words that say something.

    Of a single character that alone; of the one who is asked, who is in every sentence, ''.
    """
    text = text.lower()
    if text in ("你", "you"):
        return [""]
    if zh:
        pairs = [pair for pair in map("".join, _pairs(text)) if len(pair) == 2]
        return pairs or [text]
    return [word for word in re.findall(f"[{LOWER}]+", text) if len(word) > 3] or [text]


def _names(author, question):
    """Whether a question names its author, with all of the name or a word of it."""
    words = [word for word in author.split() if len(word) > (2 if word.isascii() else 1)]
    return any(
        re.search(rf"(?<![{LATIN}]){re.escape(word)}(?![{LOWER}])", question) for word in words
    )


def _pairs(question):
    """Pairs of neighbouring Chinese characters and Latin words."""
    units = re.findall(f"[{HAN}]|[{LOWER}]+", question.lower())
    return list(zip(units, units[1:]))


def _same(question, earlier):
    """Whether two questions ask the same in nearly the same words."""
    if question.casefold() == earlier.casefold():
        return True
    first, second = set(_pairs(question)), set(_pairs(earlier))
    return len(first & second) >= 0.6 * max(1, min(len(first), len(second)))


def _is_chinese(question):
    """Whether a question has more Chinese characters than Latin words."""
    return count_han(question) > len(re.findall(f"[{LATIN}]+", question))


def _copies(question, text, run):
    """Whether a question has `run` characters in a row from the text."""
    question, text = (" ".join(string.split()).lower() for string in (question, text))
    return any(question[i : i + run] in text for i in range(len(question) - run + 1))
