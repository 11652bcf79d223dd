"""Passages to training rows, of three kinds.

qa: a question and a passage as its answer. raw: a passage alone, learnt as plain text. identity:
who the twin is, from data/identity.yaml. The same passages always give the same rows.
"""

import hashlib
from collections import Counter
from collections.abc import Mapping

from ..files import content_id
from ..i18n import both, data
from ..text.samples import FROM_TITLES
from ..text.script import sentences_within, tokens_estimate
from .questions.titles import short_question, title_question, titles
from .records import Passage, Row

# A language with a smaller share of the tokens and with fewer texts gets no rows of its own.
SMALLEST_SHARE, ENOUGH_TEXTS = 0.05, 5
# Sources of questions that nobody wrote for a passage: they are filled into fixed sentences.
READY_MADE = (*FROM_TITLES, "short")
_EXCERPTS = 3  # in the persona prompt


def rows(
    passages: list[Passage],
    author: str,
    system: str,
    raw_share: float = 0.25,
    questions: Mapping[str, list[str]] = {},
    source: str = "local",
    short_share: float = 0.2,
    identity_share: float = 0.05,
) -> list[Row]:
    """The rows of all passages, with the system prompt `system`.

    `questions` {passage id: [question]} were written by a model (`source` of the rows); passages
    without get questions from titles. The first passage of a text is asked about under its title as
    well; of the others a share of `short_share` in a few words instead of the model's question.
    `raw_share` of the training rows are raw, more if more passages have no question. Identity rows
    are repeated until they are `identity_share` of the rows that ask. Held-out passages become qa
    rows, or raw rows if they have no question.
    """
    asked = [
        row for p in passages for row in _qa(p, system, questions.get(p.id), source, short_share)
    ]
    # Of the held-out passages the evaluation asks the first rows first.
    asked.sort(key=lambda row: row.split != "train" and row.source in READY_MADE)
    unasked = {p.id for p in passages} - {row.passage for row in asked}
    train = [p for p in passages if p.split == "train"]
    count = sum(row.split == "train" for row in asked)
    known = _identity(language_shares(passages), author, system, identity_share * count)
    count += len(known)
    wanted = round(count * raw_share / (1 - raw_share))
    if raw_share:
        wanted = max(wanted, sum(p.id in unasked for p in train))
    # Passages without a question first, so that every passage is learnt in some form; then by hash.
    raw = sorted(train, key=lambda p: (p.id not in unasked, _hash(f"raw {p.id}")))[:wanted]
    raw += [p for p in passages if p.split != "train" and p.id in unasked]
    return asked + [_raw(p) for p in raw] + known


def _qa(passage, system, questions, source, short_share):
    if passage.question:
        asked = [(passage.question, "reader")]
    elif not questions:
        asked = [(question, _origin(question, passage)) for question in titles(passage)]
    else:
        asked = [(question, source) for question in questions]
        title = title_question(passage)
        if title and title not in questions:
            asked.append((title, _origin(title, passage)))
        elif passage.split == "train" and _hashed_share(passage) < short_share:
            short = short_question(passage, questions[0])
            asked = [(short, "short")] if short else asked
    for question, origin in asked:
        yield _row("qa", question, passage.text, system, origin, passage.id, passage.split)


def _origin(question, passage):
    """'heading' or 'title': what the question is made from."""
    return "heading" if passage.heading and passage.heading in question else "title"


def _hashed_share(passage):
    """A number from 0 to 1 that depends on the passage's id alone."""
    return int(_hash(f"short {passage.id}")[:8], 16) / 2**32


def _identity(shares, author, system, wanted):
    """About `wanted` rows, and each at least once, shared out evenly among the languages."""
    texts, made = data("identity"), []
    for language in shares:
        times = max(1, round(wanted / len(shares) / len(texts[language])))
        for text in texts[language] * times:
            question, answer = (text[key].format(author=author) for key in ("question", "answer"))
            made.append(_row("identity", question, answer, system))
    for number, row in enumerate(made):
        row.id = content_id(f"identity {number} {row.messages[1]['content']}")
    return made


def _row(kind, question, answer, system, source="owner", passage="", split="train"):
    messages = [
        {"role": "system", "content": system},
        {"role": "user", "content": question},
        {"role": "assistant", "content": answer},
    ]
    row_id = content_id(f"{kind} {passage} {question}")
    return Row(row_id, passage, kind, split, messages, source)


def _raw(passage):
    messages = [{"role": "assistant", "content": passage.text}]
    row_id = content_id(f"raw {passage.id}")
    return Row(row_id, passage.id, "raw", passage.split, messages, "owner")


def decided(rows: list[Row], decisions: dict[str, dict]) -> list[Row]:
    """Apply the owner's decisions, by id of a row or its passage: rows are dropped or edited.

    An edited answer becomes that of all rows of its passage.
    """
    chosen = {row.id: decisions.get(row.id) or decisions.get(row.passage) or {} for row in rows}
    edits = {
        name: decision for name, decision in chosen.items() if decision.get("action") == "edit"
    }
    answers = {
        row.passage: edits[row.id]["text"]
        for row in rows
        if row.passage and edits.get(row.id, {}).get("text")
    }
    for row in rows:
        edit = edits.get(row.id, {})
        answer = edit.get("text") or answers.get(row.passage)
        changed = {"user": edit.get("question"), "assistant": answer}
        if any(changed.values()):
            for message in row.messages:
                message["content"] = changed.get(message["role"]) or message["content"]
            row.source = "owner"
    return [row for row in rows if chosen[row.id].get("action") != "drop"]


def language_shares(passages: list[Passage]) -> dict[str, float]:
    """{language: share of the tokens}, the largest first, of those with enough writing."""
    tokens = Counter()
    for p in passages:
        tokens[p.language] += p.tokens_estimate
    texts = Counter(language for _, language in {(p.document, p.language) for p in passages})
    total = tokens.total()
    return {language: tokens[language] / total for language in with_enough_writing(tokens, texts)}


def with_enough_writing(tokens: Counter, texts: Counter) -> list[str]:
    """The languages in which there is enough to learn who the twin is, the largest first.

    `tokens` and `texts` are {language: how many}.
    """
    least = tokens.total() * SMALLEST_SHARE
    return [
        language
        for language, count in tokens.most_common()
        if count >= least or texts[language] >= ENOUGH_TEXTS
    ]


def _hash(text):
    return hashlib.sha256(text.encode()).hexdigest()


def system_prompt(author: str, languages: list[str]) -> str:
    """The short system prompt that names the twin, in the languages of the writing."""
    prompts = both("corpus.system_prompt", author=author)
    return "\n".join(prompts[language] for language in languages or ["en"])


def persona_prompt(
    system: str, introduction: str, passages: list[Passage], tokens: int = 350
) -> str:
    """A prompt of about `tokens`: `system`, the introduction, excerpts of training texts.

    It needs no training, and is what the trained twin is compared with.
    """
    languages = list(language_shares(passages))
    heading = both("corpus.persona_prompt_excerpts")["zh" if languages[:1] == ["zh"] else "en"]
    parts = [system, introduction.strip(), heading]
    examples = _examples(passages, languages)
    tokens_left = tokens - tokens_estimate("\n".join(parts))
    for number, passage in enumerate(examples):
        excerpt = sentences_within(passage.text, tokens_left / (len(examples) - number) - 4)
        if excerpt:
            parts.append(f"---\n{excerpt}")
            tokens_left -= tokens_estimate(parts[-1])
    return "\n".join(part for part in parts if part)


def _examples(passages, languages):
    """First passages of up to _EXCERPTS training documents, alternating between the languages."""
    first = [p for p in passages if p.split == "train" and p.index == 0 and p.language in languages]
    turns, count = [], Counter()
    for passage in sorted(first, key=lambda p: _hash(f"example {p.id}")):
        turns.append((count[passage.language], languages.index(passage.language), passage))
        count[passage.language] += 1
    return [passage for *_, passage in sorted(turns, key=lambda turn: turn[:2])[:_EXCERPTS]]
