"""What a twin is measured on: questions and texts of held-out documents, other people's texts, choices of replies.

Everything is taken from the documents in turn, so that long ones don't decide; nothing is drawn at random.
"""

from importlib import resources

from ..text import style
from ..text.script import language_of

CUT = {"zh": 300, "en": 900}  # characters, about 220 tokens: the longest text that is scored
PICKED = {"zh": 70, "en": 210}  # characters of a reply that is one of four, about 50 tokens
CHOICES = 4


def passages(records, split):
    """The passages of a split, with their language."""
    return [
        {**passage, "language": language_of(passage["text"])}
        for passage in records
        if passage["split"] == split
    ]


def questions(passages, rows):
    """[{question, id, document, language, real, messages}] of held-out passages and rows, each question once."""
    known, found = {passage["id"]: passage for passage in passages}, {}
    for row in rows:
        if row["kind"] == "qa" and row["passage"] in known:
            passage, question = known[row["passage"]], row["messages"][-2]["content"]
            found.setdefault(
                question,
                {
                    "id": row["id"],
                    "question": question,
                    "document": passage["document"],
                    "language": passage["language"],
                    "real": row["messages"][-1]["content"],
                    "messages": row["messages"][:-1],
                },
            )
    return list(found.values())


def conversations(questions, persona_prompt):
    """{row: conversations}: each row's way of asking the same questions."""
    asked = [question["messages"][-1:] for question in questions]
    persona = {"role": "system", "content": persona_prompt}
    return {
        "base": asked,
        "prompt": [[persona, *turn] for turn in asked],
        "twin": [question["messages"] for question in questions],
    }


def round_robin(items, most):
    """At most so many items, taken from the documents in turn: each document's first, then each one's second."""
    places, seen = [], {}
    for item in items:
        seen[item["document"]] = seen.get(item["document"], -1) + 1
        places.append(seen[item["document"]])
    order = sorted(range(len(items)), key=lambda i: places[i])
    return [items[i] for i in order[:most]]


def cut(passages):
    """Passages cut to what is scored."""
    return [
        {**passage, "text": passage["text"][: CUT[passage["language"]]]} for passage in passages
    ]


def voices(language):
    """{name: text} of the invented other people in a language."""
    folder = resources.files("twinlib") / "data" / "voices"
    ending = f".{language}.txt"
    return {
        file.name.removesuffix(ending): file.read_text(encoding="utf-8")
        for file in sorted(folder.iterdir(), key=lambda file: file.name)
        if file.name.endswith(ending)
    }


def impostors(mine, train):
    """As many texts of other people as `mine` has in each language, where there are so many; a voice is a document."""
    found = []
    typed = "".join(passage["text"] for passage in train)
    for language, size in CUT.items():
        wanted = sum(passage["language"] == language for passage in mine)
        texts = [
            {
                "document": name,
                "language": language,
                "text": style.punctuated_like(text[i : i + size], typed),
            }
            for name, text in voices(language).items()
            for i in range(0, len(text) - size // 2, size)
        ]
        found += round_robin(texts, wanted)
    return found


def matched_train(train, held_out):
    """As many training texts as held-out ones in each language, cut to the same lengths, longest beside longest."""
    found = []
    for language in CUT:
        there = sorted(
            (p for p in held_out if p["language"] == language), key=lambda p: -len(p["text"])
        )
        here = round_robin([p for p in train if p["language"] == language], len(there))
        found += [
            {**p, "text": p["text"][: len(other["text"])]}
            for p, other in zip(sorted(here, key=lambda p: -len(p["text"])), there)
        ]
    return found


def picks(questions, most):
    """At most so many choices {question…, replies}: the author's reply to a question first, then three of the same
    author's replies to questions of other held-out documents, in the same language and nearest in length, all cut
    to the same length."""
    found = []
    for question in round_robin(questions, len(questions)):
        rest = {
            other["document"]: other["real"]
            for other in reversed(questions)
            if other["document"] != question["document"]
            and other["language"] == question["language"]
        }
        nearest = sorted(rest.values(), key=lambda text: abs(len(text) - len(question["real"])))[
            : CHOICES - 1
        ]
        if len(nearest) == CHOICES - 1 and len(found) < most:
            texts = [question["real"], *nearest]
            length = min(PICKED[question["language"]], *map(len, texts))
            found.append({**question, "replies": [text[:length] for text in texts]})
    return found
