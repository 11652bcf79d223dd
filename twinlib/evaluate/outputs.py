"""Answers and log-likelihoods of the models under evaluation, cached.

Each record is kept in the twin folder by its id and the hash of the model that it came from, one
portion after another: a stopped run goes on, and a second one loads no model. One model in memory
serves base, prompt and twin, with its adapter off or on. Without a GPU these answer in batches in
torch, which was as fast there as llama.cpp's four slots (benchmarks/scorecard_calibration.py prints
both); GGUF files answer in llama.cpp, as they will for the owner.
"""

import contextlib
import copy
import functools
import json
from collections.abc import Callable

from ..files import Cache, content_id
from ..i18n import t
from ..models import generate, load
from ..text import templates

TOP_P = 0.9
MAX_LENGTH = 2048  # tokens of a text that is scored
PREFIX = 50  # tokens given, and tokens asked for, when copies are looked for
_PORTIONS = {"cpu": 16, "cuda": 64}  # answered at once, and kept


class Outputs:
    """What the base, the twin and its files say, from the twin folder or else from the models.

    `trained` says whether the adapter is on. `total` is the number of records of the run, for
    `progress`.
    """

    def __init__(self, twin, settings, progress: Callable, total: int = 0):
        self.twin, self.settings = twin, settings
        self.portion = _PORTIONS.get(load.device(), _PORTIONS["cpu"])
        self._progress, self._total, self._done = progress, total, 0
        self._caches = {
            key: Cache(twin.file(key), ("id", "model_sha")) for key in ("answers", "scores")
        }

    def use(self, base, adapter, precision: str = "auto") -> None:
        """The base and the adapter to ask; they are loaded when something is missing."""
        self._base = base
        self._sha = {False: base.revision, True: f"{base.revision} {self.twin.hash(adapter)}"}
        self._loaded = functools.cache(lambda: load.load(base, adapter, precision))

    def call(self, function: Callable, trained: bool, *arguments, plain=None, **named):
        """function(model, tokenizer, …) with the adapter on or off; `plain` is another tokenizer."""
        model, tokenizer = self._loaded()
        with contextlib.nullcontext() if trained else model.disable_adapter():
            return function(model, plain or tokenizer, *arguments, **named)

    def _fill(self, key, model_sha, wanted, make, note):
        def done(count):
            self._done += count
            self._progress(self._done, max(self._total, self._done), note)

        cache = self._caches[key]
        return cache.fill(wanted, make, self.portion, done, model_sha=model_sha)

    # Answers

    def answers(self, variant: str, conversations: list) -> list[dict]:
        """The records {id, question, row, text, ended, model_sha} of base, prompt or twin."""
        trained = variant == "twin"

        def ask(items, **sampling):
            return self.call(generate.answers, trained, items, batch=len(items), **sampling)

        return self._answers(variant, self._sha[trained], conversations, ask)

    def file_answers(self, kind: str, path, conversations: list) -> list[dict]:
        """The same of a GGUF file, which llama.cpp loads once, when an answer is missing."""
        from ..models.llama_cpp import Llama

        with contextlib.ExitStack() as stack:
            llama = functools.cache(lambda: stack.enter_context(Llama(path)))

            def ask(items, **sampling):
                return llama().chat_many(items, **sampling)

            return self._answers(f"twin-{kind}", self.twin.hash(path), conversations, ask)

    def _answers(self, variant, model_sha, conversations, ask):
        sampling = {
            "max_tokens": self.settings.answer_tokens,
            "seed": self.settings.seed,
            **templates.sampling(self.settings.temperature, TOP_P),
        }

        def make(items):
            for messages, one in zip(items, ask(items, **sampling)):
                question = {"question": messages[-1]["content"], "row": variant}
                yield {**question, "text": one.text, "ended": one.ended}

        wanted = {content_id(variant + json.dumps(one)): one for one in conversations}
        key = content_id(f"{model_sha} {sampling}")
        return self._fill("answers", key, wanted, make, t("evaluate.answering", variant=variant))

    def keep_answers(self, records: list) -> None:
        """Leave only these in the file of answers, which people read."""
        self._caches["answers"].only(records)

    def replies(self, trained: bool, conversations: list, tokens: int, note: str) -> list[str]:
        """The texts of greedy answers of up to `tokens` tokens."""

        def make(items):
            greedy = {"max_tokens": tokens, "temperature": 0, "batch": len(items)}
            for messages, one in zip(items, self.call(generate.answers, trained, items, **greedy)):
                yield {"kind": "reply", "question": messages[-1]["content"], "text": one.text}

        wanted = {content_id(f"reply {tokens} {json.dumps(one)}"): one for one in conversations}
        model = t("evaluate.twin") if trained else t("evaluate.base")
        records = self._fill("scores", self._sha[trained], wanted, make, f"{note}: {model}")
        return [record["text"] for record in records]

    def continuations(self, trained: bool, passages: list) -> list[dict]:
        """[{text, true, language}]: passages continued greedily from their first PREFIX tokens."""
        tokenizer = load.tokenizer(self._base)
        # Renders a conversation of one turn as nothing but its text.
        plain = copy.copy(tokenizer)
        plain.chat_template = "{{ bos_token or '' }}{{ messages[0]['content'] }}"
        wanted = {}
        for passage in passages:
            ids = tokenizer(passage["text"], add_special_tokens=False)["input_ids"][: 2 * PREFIX]
            if len(ids) == 2 * PREFIX:
                first, true = tokenizer.decode(ids[:PREFIX]), tokenizer.decode(ids[PREFIX:])
                wanted[content_id(f"continue {first}")] = (first, true, passage["language"])

        def make(items):
            prompts = [[{"role": "user", "content": first}] for first, _, _ in items]
            greedy = {"max_tokens": PREFIX, "temperature": 0, "batch": len(items)}
            said = self.call(generate.answers, trained, prompts, plain=plain, **greedy)
            for one, (_, true, language) in zip(said, items):
                yield {"kind": "continuation", "text": one.text, "true": true, "language": language}

        return self._fill("scores", self._sha[trained], wanted, make, t("evaluate.copying"))

    # Likelihoods

    def nats(self, trained: bool, texts: list) -> list[float]:
        """Each text's negative log-likelihood in nats, as plain text."""

        def make(items):
            scored = self.call(generate.nll, trained, items, length=MAX_LENGTH, batch=2)
            return [{"kind": "nats", "nats": nats} for nats, _ in scored]

        wanted = {content_id(text): text for text in texts}
        records = self._fill("scores", self._sha[trained], wanted, make, t("evaluate.surprise"))
        nats = {record["id"]: record["nats"] for record in records}
        return [nats[content_id(text)] for text in texts]

    def picks(self, variant: str, choices: list) -> list[int]:
        """The index of the likeliest reply for each (conversation, replies).

        Likeliest is the highest mean log-probability of a token.
        """
        trained = variant == "twin"

        def make(items):
            for messages, texts in items:
                scores = self.call(reply_nll, trained, messages, texts)
                means = [nats / tokens for nats, tokens in scores]
                yield {"kind": "pick", "row": variant, "nats_per_token": means}

        # A tuple and a list are written alike, so the ids are those of any run before.
        wanted = {content_id(f"pick {json.dumps(choice)}"): choice for choice in choices}
        note = t("evaluate.picking", variant=variant)
        records = self._fill("scores", self._sha[trained], wanted, make, note)
        means = [record["nats_per_token"] for record in records]
        return [min(range(len(mean)), key=mean.__getitem__) for mean in means]


def reply_nll(model, tokenizer, messages: list, texts: list) -> list[tuple[float, int]]:
    """(nats, tokens) of each text as the answer to a conversation, which is read once for all."""
    import torch

    rendered = load.render(tokenizer, messages, generate=True)
    prompt = tokenizer(rendered, add_special_tokens=False)["input_ids"]
    replies = [tokenizer(text, add_special_tokens=False)["input_ids"] for text in texts]
    width = max(map(len, replies))
    # Padded on the right, where no token attends to it.
    padded = [reply + [tokenizer.pad_token_id] * (width - len(reply)) for reply in replies]
    with torch.inference_mode(), generate.contiguous_head(model):
        prefill = model(
            input_ids=torch.tensor([prompt], device=model.device), use_cache=True, logits_to_keep=1
        )
        prefill.past_key_values.batch_repeat_interleave(len(replies))
        ids = torch.tensor(padded, device=model.device)
        output = model(input_ids=ids, past_key_values=prefill.past_key_values, use_cache=True)
        scores = []
        # One at a time, since float32 logits over a large vocabulary take memory.
        for i, reply in enumerate(replies):
            logits = torch.cat([prefill.logits[0, -1:], output.logits[i, : len(reply) - 1]]).float()
            nats = torch.nn.functional.cross_entropy(logits, ids[i, : len(reply)], reduction="sum")
            scores.append((nats.item(), len(reply)))
    return scores
