"""Whether a corpus is large enough to train on, in sentences, and what to do if it is not."""

import math
from typing import NamedTuple

from ..i18n import Texts, both, choose, listed, t
from . import labels

HELD_OUT = {"val": 0.1, "test": 0.1}  # shares of the documents

# Numbers of passages to train on.
_STOP = 8  # with fewer there is nothing to learn
_FEW = 40  # with fewer training does not help
_SOME = 300  # with fewer the twin has a little of the voice
_PLENTY = 200_000  # tokens
_FEWEST_DOCUMENTS = 3  # with fewer none can be held out
_CHAT_SHARE = 0.9  # share of the passages above which a corpus is nothing but chat
_TOKENS_PER_WORD, _TOKENS_PER_CHARACTER = 1.3, 0.7
_ANSWER_WORDS, _ANSWER_CHARACTERS = 150, 250  # of an interview answer


class Assessment(NamedTuple):
    """The judgement of a corpus: `level` is stop, warning or good, `sentence` the reason.

    `actions` are sentences about what to do; `texts` is the reason in all languages.
    """

    level: str
    sentence: str
    actions: tuple[str, ...]
    texts: Texts


def assess(passages: int, tokens: float, documents: int, kinds: dict[str, int]) -> Assessment:
    """Judge a corpus by its training passages and their tokens, its documents, {kind: passages}.

    Under 8 passages is a stop. Under 40, too few documents to hold one out, or nothing but chat is
    a warning.
    """
    sentences = [_size(passages, tokens)]
    if passages < _FEW:
        sentences.append(_missing(passages))
    elif documents < _FEWEST_DOCUMENTS:
        sentences.append(_few_documents(documents))
    if passages >= _FEW and kinds.get("chat", 0) > _CHAT_SHARE * sum(kinds.values()):
        sentences.append(both("corpus.nearly_all_chat"))
    level = "stop" if passages < _STOP else "warning" if len(sentences) > 1 else "good"
    texts = listed(sentences, "core.sentence_separator")
    return Assessment(level, choose(texts), _actions(passages, level), texts)


def of_figures(figures: dict[str, dict]) -> Assessment:
    """The judgement that a report of step 01 keeps, or one made from its figures if it is older."""
    enough = figures.get("train_passages") or {}
    passages, tokens, documents, total = (
        figures.get(name, {}).get("value") or 0
        for name in ("train_passages", "tokens", "documents", "passages")
    )
    learnt = tokens * passages / total if total else tokens
    assessed = assess(passages, enough.get("tokens", learnt), documents, {})
    if "said" not in enough:
        return assessed
    texts, level = labels.note(enough), {"bad": "stop", "so-so": "warning"}
    level = level.get(enough.get("level"), "good")
    return Assessment(level, choose(texts), _actions(passages, level), texts)


def answers_needed(passages: int) -> int:
    """How many interview answers a corpus needs until training helps; some are held out."""
    return math.ceil(max(_FEW - passages, 0) / (1 - sum(HELD_OUT.values())))


def _size(passages, tokens):
    if not passages:
        return both("corpus.no_passages")
    return both(
        "corpus.corpus_size",
        passages=passages,
        words=_rounded(tokens / _TOKENS_PER_WORD),
        characters=_rounded(tokens / _TOKENS_PER_CHARACTER),
        judgement=_judgement(passages, tokens),
    )


def _judgement(passages, tokens):
    if passages < _STOP:
        return both("corpus.too_few_to_train")
    if passages < _FEW:
        return both("corpus.too_few_to_help")
    if passages < _SOME:
        return both("corpus.little_voice")
    return both("corpus.enough_voice" if tokens < _PLENTY else "corpus.plenty_of_voice")


def _missing(passages):
    missing = _FEW - passages
    return both(
        "corpus.passages_needed" if missing == _FEW else "corpus.more_passages_needed",
        missing=missing,
        answers=answers_needed(passages),
        words=_ANSWER_WORDS,
        characters=_ANSWER_CHARACTERS,
    )


def _few_documents(documents):
    key = "corpus.one_document_only" if documents == 1 else "corpus.few_documents_only"
    return both(key, documents=documents)


def _rounded(number):
    """A number of two digits and zeros, which is enough after 'about'."""
    number = round(number)
    return round(number, min(0, 2 - len(str(number))))


def _actions(passages, level):
    interview, more = t("corpus.answer_interview"), t("corpus.add_more_text")
    if level != "good":
        prompt = (t("corpus.use_persona_prompt"),) if 0 < passages < _FEW else ()
        return (interview, more, *prompt)
    return () if passages >= _SOME else (more, interview)
