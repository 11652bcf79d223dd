"""What the rows of the score card say and how likely they find a text, each computed once.

Every record is kept in the twin folder by its id and by the hash of the model that it came from, portion by portion:
a run that was stopped goes on, a second one loads no model. One model in memory serves three rows, its adapter on or
off. On a processor without a GPU the rows answer in batches in torch, which was as fast there as llama.cpp's four
slots (benchmarks/scorecard_calibration.py prints both); GGUF files answer in llama.cpp, as they will for the owner.
"""

import contextlib
import copy
import functools
import json

from ..files import content_id, read_records, write_records
from ..i18n import t
from ..models import generate, load
from ..models.generate import contiguous_head
from ..text import templates

TOP_P = 0.9
LENGTH = 2048  # tokens of a text that is scored at most
PREFIX = 50  # tokens given, and tokens asked for, when we look for copies
PORTION = {"cpu": 16, "cuda": 64}  # answered at once, and kept


class Keeper:
    """Computes records in portions and keeps each by (id, hash of the model and its settings) in the twin folder."""

    def __init__(self, twin, progress, total):
        self.twin, self.progress, self.total = twin, progress, total
        self.portion = PORTION.get(load.device(), PORTION["cpu"])
        self.done = 0
        self.kept = {}
        for key in ("answers", "scores"):
            path = twin.file(key)
            records = read_records(path, "evaluate") if path.exists() else []
            self.kept[key] = {(record["id"], record["model_sha"]): record for record in records}

    def __call__(self, key, model_sha, wanted, make, note):
        """The records of `wanted` ({id: item}) in its order; make(items) gives the missing ones' fields."""
        kept = self.kept[key]
        missing = [i for i in wanted if (i, model_sha) not in kept]
        self._advance(len(wanted) - len(missing), note)
        for start in range(0, len(missing), self.portion):
            part = missing[start : start + self.portion]
            for i, fields in zip(part, make([wanted[i] for i in part])):
                kept[i, model_sha] = {"id": i, **fields, "model_sha": model_sha}
            write_records(self.twin.file(key), kept.values())
            self._advance(len(part), note)
        return [kept[i, model_sha] for i in wanted]

    def _advance(self, count, note):
        self.done += count
        self.progress(self.done, max(self.total, self.done), note)

    def only(self, answers):
        """Leave only these answers in the file that people read."""
        write_records(self.twin.file("answers"), answers)


class Rows:
    """The base, and the twin: the same model with its adapter off or on, loaded at the first call that needs it."""

    def __init__(self, base, adapter, adapter_sha, precision="auto"):
        self.base = base
        self.sha = {False: base.revision, True: f"{base.revision} {adapter_sha}"}
        self._loaded = functools.cache(lambda: load.load(base, adapter, precision))

    def __call__(self, function, trained, *arguments, plain=None, **named):
        """function(model, tokenizer, *arguments, **named) with the adapter on when `trained`; `plain` is another
        tokenizer."""
        model, tokenizer = self._loaded()
        with contextlib.nullcontext() if trained else model.disable_adapter():
            return function(model, plain or tokenizer, *arguments, **named)


# Answers


def answers(rows, row, conversations, settings, keep):
    """The records {id, question, row, text, ended, model_sha} of a row: base, prompt or twin."""
    trained = row == "twin"
    return _answers(
        row,
        rows.sha[trained],
        conversations,
        settings,
        keep,
        lambda items, **sampling: rows(
            generate.answers, trained, items, batch=len(items), **sampling
        ),
    )


def gguf_answers(twin, kind, path, conversations, settings, keep):
    """The same of a GGUF file, by llama.cpp, which is loaded once, when an answer is missing."""
    from ..models.llama_cpp import Llama

    with contextlib.ExitStack() as stack:
        llama = functools.cache(lambda: stack.enter_context(Llama(path)))
        return _answers(
            f"twin-{kind}",
            twin.hash(path),
            conversations,
            settings,
            keep,
            lambda items, **sampling: llama().chat_many(items, **sampling),
        )


def _answers(row, model_sha, conversations, settings, keep, answer):
    sampling = {
        "max_tokens": settings.answer_tokens,
        "seed": settings.seed,
        **templates.sampling(settings.temperature, TOP_P),
    }
    wanted = {content_id(row + json.dumps(messages)): messages for messages in conversations}

    def make(items):
        return [
            {"question": messages[-1]["content"], "row": row, "text": one.text, "ended": one.ended}
            for messages, one in zip(items, answer(items, **sampling))
        ]

    return keep(
        "answers",
        content_id(f"{model_sha} {sampling}"),
        wanted,
        make,
        t("evaluate.answers", row=row),
    )


def replies(rows, trained, conversations, tokens, keep, note):
    """The texts of greedy answers of at most so many tokens, of the base or of the twin."""
    wanted = {
        content_id(f"reply {tokens} {json.dumps(messages)}"): messages for messages in conversations
    }

    def make(items):
        said = rows(
            generate.answers, trained, items, max_tokens=tokens, temperature=0, batch=len(items)
        )
        return [
            {"kind": "reply", "question": messages[-1]["content"], "text": one.text}
            for messages, one in zip(items, said)
        ]

    row = t("evaluate.twin") if trained else t("evaluate.base")
    return [
        record["text"]
        for record in keep("scores", rows.sha[trained], wanted, make, f"{note}: {row}")
    ]


def continuations(rows, trained, passages, keep):
    """[{text, true, language}]: how the base or the twin goes on, greedily, from the first tokens of passages."""
    tokenizer = load.tokenizer(rows.base)
    plain = copy.copy(tokenizer)  # a conversation of one turn, rendered as nothing but its text
    plain.chat_template = "{{ bos_token or '' }}{{ messages[0]['content'] }}"
    pairs = {}
    for passage in passages:
        ids = tokenizer(passage["text"], add_special_tokens=False)["input_ids"][: 2 * PREFIX]
        if len(ids) == 2 * PREFIX:
            first = tokenizer.decode(ids[:PREFIX])
            pairs[content_id(f"continue {first}")] = (
                first,
                tokenizer.decode(ids[PREFIX:]),
                passage["language"],
            )

    def make(items):
        said = rows(
            generate.answers,
            trained,
            [[{"role": "user", "content": first}] for first, _, _ in items],
            plain=plain,
            max_tokens=PREFIX,
            temperature=0,
            batch=len(items),
        )
        return [
            {"kind": "continuation", "text": one.text, "true": true, "language": language}
            for one, (_, true, language) in zip(said, items)
        ]

    return keep("scores", rows.sha[trained], pairs, make, t("evaluate.copies_training_texts"))


# Likelihoods


def nats(rows, trained, texts, keep):
    """Each text's negative log-likelihood in nats, as plain text."""

    def make(items):
        scored = rows(generate.nll, trained, items, length=LENGTH, batch=2)
        return [{"kind": "nats", "nats": found} for found, _ in scored]

    wanted = {content_id(text): text for text in texts}
    found = keep("scores", rows.sha[trained], wanted, make, t("evaluate.surprise_writing"))
    of = {record["id"]: record["nats"] for record in found}
    return [of[content_id(text)] for text in texts]


def picked(rows, row, choices, keep):
    """Which of several replies (its place) the row finds likeliest for each (conversation, replies), by the mean
    log-probability of a token."""
    trained = row == "twin"
    wanted = {
        content_id(f"pick {json.dumps([messages, texts])}"): (messages, texts)
        for messages, texts in choices
    }

    def make(items):
        for messages, texts in items:
            scores = rows(reply_nll, trained, messages, texts)
            yield {
                "kind": "pick",
                "row": row,
                "nats_per_token": [total / tokens for total, tokens in scores],
            }

    found = keep("scores", rows.sha[trained], wanted, make, t("evaluate.picking_reply", row=row))
    means = [record["nats_per_token"] for record in found]
    return [min(range(len(mean)), key=mean.__getitem__) for mean in means]


def reply_nll(model, tokenizer, messages, texts):
    """[(nats, tokens)] of each text as the answer to a conversation, which is read once for all of them."""
    import torch

    prompt = tokenizer(load.render(tokenizer, messages, generate=True), add_special_tokens=False)[
        "input_ids"
    ]
    rows = [tokenizer(text, add_special_tokens=False)["input_ids"] for text in texts]
    width = max(map(len, rows))
    padded = [
        row + [tokenizer.pad_token_id] * (width - len(row)) for row in rows
    ]  # on the right: seen by nothing
    with torch.inference_mode(), contiguous_head(model):
        read = model(
            input_ids=torch.tensor([prompt], device=model.device), use_cache=True, logits_to_keep=1
        )
        read.past_key_values.batch_repeat_interleave(len(rows))
        ids = torch.tensor(padded, device=model.device)
        logits = model(input_ids=ids, past_key_values=read.past_key_values, use_cache=True).logits
        scores = []
        for i, row in enumerate(
            rows
        ):  # one at a time: float32 logits over a large vocabulary take room
            told = torch.cat([read.logits[0, -1:], logits[i, : len(row) - 1]]).float()
            nats = torch.nn.functional.cross_entropy(told, ids[i, : len(row)], reduction="sum")
            scores.append((nats.item(), len(row)))
    return scores
