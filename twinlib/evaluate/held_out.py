"""What a twin is measured on: held-out questions and texts, other people's texts, replies to pick.

Everything is taken from the documents in turn, so that long ones don't decide; nothing is random.
"""

from importlib import resources

from ..text import style
from ..text.script import language_of

MAX_CHARACTERS = {"zh": 300, "en": 900}  # about 220 tokens: the longest text that is scored
_REPLY_CHARACTERS = {"zh": 70, "en": 210}  # about 50 tokens: of a reply that is one of four
_CHOICES = 4


def passages(records: list[dict], split: str) -> list[dict]:
    """The passages of a split, with their language."""
    return [
        {**passage, "language": language_of(passage["text"])}
        for passage in records
        if passage["split"] == split
    ]


def questions(passages: list[dict], rows: list[dict]) -> list[dict]:
    """[{question, id, document, language, real, messages}] of held-out rows, each question once.

    `real` is what the author wrote there, `messages` what the twin is asked.
    """
    known, found = {passage["id"]: passage for passage in passages}, {}
    for row in rows:
        if row["kind"] != "qa" or row["passage"] not in known:
            continue
        *asked, reply = row["messages"]
        question, passage = asked[-1]["content"], known[row["passage"]]
        found.setdefault(
            question,
            {
                "id": row["id"],
                "question": question,
                "document": passage["document"],
                "language": passage["language"],
                "real": reply["content"],
                "messages": asked,
            },
        )
    return list(found.values())


def conversations(questions: list[dict], persona_prompt: str) -> dict[str, list]:
    """{variant: conversations}: each variant's way of asking the same questions."""
    asked = [question["messages"][-1:] for question in questions]
    persona = {"role": "system", "content": persona_prompt}
    return {
        "base": asked,
        "prompt": [[persona, *turn] for turn in asked],
        "twin": [question["messages"] for question in questions],
    }


def round_robin(items: list[dict], most: int) -> list[dict]:
    """At most so many items: each document's first, then each one's second, and so on."""
    ranks, seen = [], {}
    for item in items:
        seen[item["document"]] = seen.get(item["document"], -1) + 1
        ranks.append(seen[item["document"]])
    order = sorted(range(len(items)), key=lambda i: ranks[i])
    return [items[i] for i in order[:most]]


def cut(passages: list[dict]) -> list[dict]:
    """Passages cut to what is scored."""
    return [
        {**passage, "text": passage["text"][: MAX_CHARACTERS[passage["language"]]]}
        for passage in passages
    ]


def voices(language: str) -> dict[str, str]:
    """{name: text} of the invented other people in a language."""
    folder = resources.files("twinlib") / "data" / "voices"
    ending = f".{language}.txt"
    return {
        file.name.removesuffix(ending): file.read_text(encoding="utf-8")
        for file in sorted(folder.iterdir(), key=lambda file: file.name)
        if file.name.endswith(ending)
    }


def impostors(mine: list[dict], train: list[dict]) -> list[dict]:
    """Texts of other people, as many in each language as `mine` has; a voice is a document.

    Their punctuation is the author's, which `train` shows.
    """
    found = []
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
        found += round_robin(texts, sum(passage["language"] == language for passage in mine))
    return found


def matched_train(train: list[dict], held_out: list[dict]) -> list[dict]:
    """Training texts matched to held-out ones in number, language and length."""
    found = []
    for language in MAX_CHARACTERS:
        unseen, seen = (
            [passage for passage in passages if passage["language"] == language]
            for passages in (held_out, train)
        )
        pairs = zip(_longest_first(round_robin(seen, len(unseen))), _longest_first(unseen))
        found += [{**one, "text": one["text"][: len(other["text"])]} for one, other in pairs]
    return found


def _longest_first(passages):
    return sorted(passages, key=lambda passage: -len(passage["text"]))


def picks(questions: list[dict], most: int) -> list[dict]:
    """At most so many questions with four `replies`, all cut to one length; the author's is first.

    The others are the same author's replies to questions of other held-out documents, in the same
    language and nearest in length.
    """
    found = []
    for question in round_robin(questions, len(questions)):
        others = {
            other["document"]: other["real"]
            for other in reversed(questions)
            if other["document"] != question["document"]
            and other["language"] == question["language"]
        }
        size = len(question["real"])
        nearest = sorted(others.values(), key=lambda text: abs(len(text) - size))[: _CHOICES - 1]
        if len(nearest) == _CHOICES - 1 and len(found) < most:
            texts = [question["real"], *nearest]
            length = min(_REPLY_CHARACTERS[question["language"]], *map(len, texts))
            found.append({**question, "replies": [text[:length] for text in texts]})
    return found
