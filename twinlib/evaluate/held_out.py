"""Selects what a twin is evaluated on: held-out questions and texts, and other people's texts.

Items are taken from the documents in turn, so that long documents don't dominate. Nothing is drawn
at random.
"""

from collections import Counter

from ..text import interview_questions, style
from ..text.script import language_of
from ..text.style import voices

MAX_CHARACTERS = {"zh": 300, "en": 900}  # of a text that is scored: about 220 tokens
_REPLY_CHARACTERS = {"zh": 70, "en": 210}  # of a reply to pick: about 50 tokens
_CHOICES = 4  # replies to pick from


def passages(records: list[dict], split: str) -> list[dict]:
    """The passages of a split, with their language."""
    return [
        {**passage, "language": language_of(passage["text"])}
        for passage in records
        if passage["split"] == split
    ]


def user_messages(rows: list[dict]) -> list[str]:
    """The texts of the user's turns in rows."""
    turns = (turn for row in rows for turn in row["messages"])
    return [turn["content"] for turn in turns if turn["role"] == "user"]


def questions(passages: list[dict], rows: list[dict]) -> list[dict]:
    """[{id, question, document, language, real, messages}] of held-out rows, each question once.

    `real` is the author's answer in the row, `messages` the conversation before it.
    """
    by_id, questions = {passage["id"]: passage for passage in passages}, {}
    for row in rows:
        if row["kind"] != "qa" or row["passage"] not in by_id:
            continue
        *messages, reply = row["messages"]
        question, passage = messages[-1]["content"], by_id[row["passage"]]
        origin = {key: passage[key] for key in ("document", "language")}
        origin["source"] = row.get("source", "")
        texts = {"question": question, "real": reply["content"], "messages": messages}
        questions.setdefault(question, {"id": row["id"], **origin, **texts})
    return list(questions.values())


def new_questions(
    rows: list[dict], languages: list[str], system: str, most: int | None = None
) -> list[dict]:
    """At most `most` questions of the interview that stand in no row, evenly in these languages.

    They have the fields of `questions`, with `source` "new", documents of their own, and '' as
    `real`, as nobody knows what the author would say.
    """
    known, new = set(user_messages(rows)), []
    persona = [{"role": "system", "content": system}] if system else []
    for question in interview_questions.QUESTIONS:
        if known.isdisjoint((question.en, question.zh)):
            new += [_new(question, language, persona) for language in languages]
    return new[:most]


def _new(question, language, persona):
    text = question.text(language)
    return {
        "id": f"{question.id} {language}",
        "document": question.id,
        "language": language,
        "source": "new",
        "question": text,
        "real": "",
        "messages": [*persona, {"role": "user", "content": text}],
    }


def conversations(questions: list[dict], persona_prompt: str) -> dict[str, list]:
    """{variant: conversations}: the same questions with each variant's system prompt or none."""
    last_turns = [question["messages"][-1:] for question in questions]
    persona = {"role": "system", "content": persona_prompt}
    return {
        "base": last_turns,
        "prompt": [[persona, *turn] for turn in last_turns],
        "twin": [question["messages"] for question in questions],
    }


def round_robin(items: list[dict], most: int) -> list[dict]:
    """At most `most` items: the first of every document, then every second one, and so on."""
    ranks, seen = [], Counter()
    for item in items:
        ranks.append(seen[item["document"]])
        seen[item["document"]] += 1
    order = sorted(range(len(items)), key=lambda i: ranks[i])
    return [items[i] for i in order[:most]]


def cut(passages: list[dict]) -> list[dict]:
    """The passages with their texts cut to MAX_CHARACTERS."""
    return [
        {**passage, "text": passage["text"][: MAX_CHARACTERS[passage["language"]]]}
        for passage in passages
    ]


def impostors(mine: list[dict], train: list[dict]) -> list[dict]:
    """[{document, language, text}] by other people, as many in each language as `mine` has.

    `document` is the name of the voice. Punctuation marks are replaced by those that the author
    uses in `train`.
    """
    selected = []
    own = "".join(passage["text"] for passage in train)
    for language, size in MAX_CHARACTERS.items():
        texts = [
            {
                "document": name,
                "language": language,
                "text": style.punctuated_like(text[i : i + size], own),
            }
            for name, text in voices(language).items()
            for i in range(0, len(text) - size // 2, size)
        ]
        selected += round_robin(texts, sum(passage["language"] == language for passage in mine))
    return selected


def matched_train(train: list[dict], held_out: list[dict]) -> list[dict]:
    """Training texts as many, in the same languages and at most as long as the held-out ones."""
    matched = []
    for language in MAX_CHARACTERS:
        unseen, seen = (
            [passage for passage in passages if passage["language"] == language]
            for passages in (held_out, train)
        )
        pairs = zip(_longest_first(round_robin(seen, len(unseen))), _longest_first(unseen))
        matched += [{**own, "text": own["text"][: len(held["text"])]} for own, held in pairs]
    return matched


def _longest_first(passages):
    return sorted(passages, key=lambda passage: -len(passage["text"]))


def picks(questions: list[dict], most: int) -> list[dict]:
    """At most `most` questions, each with four `replies` cut to the same length; its own is first.

    The others are the author's replies to questions on other held-out documents, in the same
    language and nearest in length.
    """
    selected = []
    for question in round_robin(questions, len(questions)):
        others = {
            other["document"]: other["real"]
            for other in reversed(questions)
            if other["document"] != question["document"]
            and other["language"] == question["language"]
        }
        size = len(question["real"])
        nearest = sorted(others.values(), key=lambda text: abs(len(text) - size))[: _CHOICES - 1]
        if len(nearest) == _CHOICES - 1 and len(selected) < most:
            texts = [question["real"], *nearest]
            length = min(_REPLY_CHARACTERS[question["language"]], *map(len, texts))
            selected.append({**question, "replies": [text[:length] for text in texts]})
    return selected
