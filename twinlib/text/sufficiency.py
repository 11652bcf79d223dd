"""Whether there is enough text to learn from, with this corpus's own numbers, and what to do if there isn't."""

import math
from typing import NamedTuple

from ..i18n import t

HELD_OUT = {"val": 0.1, "test": 0.1}  # shares of the documents
NOTHING, FEW, SOME = (
    5,
    20,
    100,
)  # train passages: nothing to learn, training won't help, a voice but little of it
PLENTY = 200_000  # tokens
DOCUMENTS = 3  # with fewer, nothing is held out
CHAT = 0.9  # of all passages: more than this is nothing but chat
TOKENS_A_WORD, TOKENS_A_CHARACTER = 1.3, 0.7
ANSWER = (150, 250)  # English words, Chinese characters of an interview answer


class Verdict(NamedTuple):
    """`level` is stop, warning or good; `sentence` says how it stands; `actions` are sentences, the best one first."""

    level: str
    sentence: str
    actions: tuple


def verdict(passages, tokens, documents, kinds):
    """The Verdict on a corpus: its train passages and their tokens (estimated), its documents, {kind: passages}.

    Under 5 passages is a stop; under 20, too few documents to hold one out, or nothing but chat a warning.
    """
    few = passages < FEW
    notes = (
        []
        if few
        else [_few_documents(documents)] * (documents < DOCUMENTS) + [CHATTY] * _only_chat(kinds)
    )
    level = "stop" if passages < NOTHING else "warning" if few or notes else "good"
    sentences = [_size(passages, tokens), *([_needed(passages)] if few else []), *notes]
    return Verdict(
        level,
        t(" ".join(en for en, _ in sentences), "".join(zh for _, zh in sentences)),
        _actions(passages, level),
    )


def answers_needed(passages):
    """How many interview answers bring a corpus to where training starts to help; some of them are held out."""
    return math.ceil(max(FEW - passages, 0) / (1 - sum(HELD_OUT.values())))


def _only_chat(kinds):
    return kinds.get("chat", 0) > CHAT * sum(kinds.values())


def _size(passages, tokens):
    """(English, Chinese): how much there is and what it is good for."""
    if not passages:
        return "There is nothing to learn from yet.", "还没有可学的文字。"
    words, characters = _rounded(tokens / TOKENS_A_WORD), _rounded(tokens / TOKENS_A_CHARACTER)
    have = (
        f"You have {passages} passage{'s' * (passages != 1)} to learn from, about {words:,} words"
    )
    zh = f"可学的有 {passages} 段，约 {characters} 字"
    if passages < NOTHING:
        return f"{have}: training has nothing to hold on to.", f"{zh}：训练无从学起。"
    if passages < FEW:
        return f"{have}: training will not help yet.", f"{zh}：训练还帮不上忙。"
    if passages < SOME:
        return (
            f"{have}: enough for something of your voice, but little of it.",
            f"{zh}：能学到一些您的口吻，但不多。",
        )
    if tokens < PLENTY:
        return f"{have}: enough to learn your voice from.", f"{zh}：够学您的口吻了。"
    return f"{have}: plenty to learn your voice from.", f"{zh}：学您的口吻绰绰有余。"


def _needed(passages):
    missing, answers = FEW - passages, answers_needed(passages)
    need, zh = ("more passages are", "还差") if passages else ("passages are", "需要")
    need = "more passage is" if missing == 1 else need
    return (
        f"{missing} {need} needed: {answers} interview answers of {ANSWER[0]} words would do.",
        f"大约{zh} {missing} 段：再答 {answers} 道访谈题、每题 {ANSWER[1]} 字就够。",
    )


def _few_documents(documents):
    what, zh = (
        ("one document", "一篇")
        if documents == 1
        else (f"{documents} documents", f" {documents} 篇")
    )
    return (
        f"All of it is {what}, so nothing can be held out as an exam: no figure will tell how much like you the "
        "twin is.",
        f"总共只有{zh}，留不出考卷：没有分数能说明分身像不像您。",
    )


CHATTY = (
    "Nearly all of it is short chat messages: the twin will learn to chat, not to explain or to tell a story.",
    "差不多全是短短的聊天：分身会学您聊天，学不会讲道理、讲故事。",
)


def _rounded(number):
    """A whole number of two digits and zeros: enough for 'about'."""
    number = round(number)
    return round(number, min(0, 2 - len(str(number))))


def _actions(passages, level):
    interview = t("corpus.answer_interview_notebook_01_python")
    more = t("corpus.add_more_wrote_old_posts")
    prompt = t("corpus.until_use_persona_prompt_paste")
    if level != "good":
        return (interview, more, prompt) if 0 < passages < FEW else (interview, more)
    return () if passages >= SOME else (more, interview)
