"""The checks that a GGUF file must pass before it is offered, and what they tell people.

A file passes when its header is as intended, its weights are the twin's as far as its type allows,
and its predictions on held-out text stay close to the twin's (compare.py); and when llama.cpp loads
it, splits texts into the same tokens, makes the same prompt of a conversation, finds the same
tokens likeliest as torch with the file's weights, ends its answers as often as the twin does, and
doesn't call itself by the base's name. Not here: what quantization does to reasoning (decimals.py).
"""

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ..files import TwinError
from ..i18n import both, data, t
from ..models import generate, load
from ..models.device_fit import HARDLY_DIFFERENT
from ..models.encode import encode_row
from ..models.llama_cpp import Llama
from ..settings import Quantize
from ..text import templates
from ..text.statistics import clustered, wilson
from ..twin import Twin, figure
from . import compare
from .compare import Predictions, Text
from .tensors import Source
from .tokenizer import Vocabulary
from .types import FILE_TYPES, KL_LIMIT_K_QUANT, next_larger

if TYPE_CHECKING:
    import torch

# How far the twin as it was loaded may be from the merged float32, in nats a token: 0.0005 is usual
# in 16 bits; in 4 bits as much as a K-quant.
_KL_LIMIT_LOADED = {"auto": 0.05, "4-bit": KL_LIMIT_K_QUANT}
# llama.cpp rounds activations too, so near-ties flip: 96 to 98 % of equal tokens is usual, a wrong
# rotation far below.
AGREES = 0.85
_ENDED = 0.8  # a warning when a smaller share of the answers ends
# Questions at most, and the longest answer in tokens
_ANSWERED = {"cpu": (4, 48), "cuda": (12, 200)}
# Seconds for a file's answers in llama.cpp, which runs on the processor; three are asked in any
# case.
PATIENCE = 120
_SHOWN = 3  # answers


class ExportSpec(NamedTuple):
    """What GGUF files are made of.

    `adapter` is a folder, the tokenizer has the twin's chat template, `card` is writer.write's.
    """

    base: load.Base
    adapter: Path | None
    tokenizer: Any
    vocabulary: Vocabulary
    card: dict


class _Reference(NamedTuple):
    """What the files are compared with.

    Held-out text (and a note on where it is from), questions, the longest answer in tokens, the
    twin's own answers and states, and the precision it was loaded in; [] and None where the memory
    is too small to load the twin.
    """

    text: Text
    note: str
    questions: list[str]
    tokens: int
    answers: list[generate.Answer]
    states: "torch.Tensor | None"
    precision: str | None


def failed_path(path: Path) -> Path:
    """Where a file that failed is kept."""
    return path.with_name(path.name + ".failed")


def check_files(
    twin: Twin, files: dict[str, Path], spec: ExportSpec, settings: Quantize, progress
) -> tuple[dict, list[str]]:
    """(figures, warnings) of {type: path}.

    A file that fails is renamed to `failed_path`, and a warning says why.
    """
    device = load.device()
    with Source(spec.base.path, spec.adapter) as source:
        progress(0, 1, t("gguf.reading_files"))
        readers, reasons = compare.headers(files, source, spec.vocabulary, spec.card)
        mistake = _mistake(spec)
        reasons = {kind: reason or mistake for kind, reason in reasons.items()}
        readers = _passing(readers, reasons)
        wrong_weights, deltas = compare.weights(source, readers, device, progress)
        reasons |= wrong_weights
        readers = _passing(readers, reasons)
        if not readers:
            return {}, [_set_aside(files[kind], reason) for kind, reason in reasons.items()]
        reference = _reference(twin, spec, source, settings, progress)
        predictions = compare.predictions(
            source, readers, reference.text, reference.states, device, progress
        )
    figures = _ended("twin", reference.answers, reference.tokens) if reference.answers else {}
    warnings = [] if reference.precision else [t("gguf.machine_too_little_free_memory")]
    for kind, path in files.items():
        check = _FileCheck(kind, path, spec, reference, settings, progress)
        reason = reasons[kind] or check.run(predictions)
        figures |= check.figures
        if reason:
            warnings.append(_set_aside(path, reason))
        else:
            warnings += [*_distance_warnings(kind, path, figures, deltas), *check.warnings]
            progress.say(t("gguf.passed", name=path.name))
    own = _share_of_short_replies(twin, spec.tokenizer, reference.tokens)
    return figures, warnings + twin_warnings(reference.answers, reference.tokens, own)


def _passing(readers, reasons):
    return {kind: reader for kind, reader in readers.items() if not reasons[kind]}


def _mistake(spec):
    """The reason why no file of this spec can be right, or ''.

    Comparing a file with the spec can't find such an error.
    """
    if name := templates.identity(spec.card["template"]):
        return t("gguf.template_still_says", said=name)
    end, number = load.turn_end(spec.tokenizer)
    if number not in (spec.vocabulary.special.get(name) for name in ("eos", "eot", "eom")):
        return t("gguf.doesnt_stop_which_ends_turn", end=end)
    return ""


def _set_aside(path, reason):
    path.replace(failed_path(path))
    return t("gguf.kept_aside", name=path.name, name_2=failed_path(path).name, reason=reason)


# What the files are compared with


def _reference(twin, spec, source, settings, progress):
    device = load.device()
    text, note = held_out_text(twin, spec.tokenizer, device)
    most, tokens = _ANSWERED.get(device, _ANSWERED["cpu"])
    asked, answers, states = questions(twin)[:most], [], None
    parameters = sum(math.prod(tensor.shape) for tensor in source.tensors)
    precision = load.fitting_precision(spec.base, parameters)
    if precision:
        answers, states = twin_answers(spec, precision, asked, text, settings, tokens, progress)
    return _Reference(text, note, asked, tokens, answers, states, precision)


def held_out_text(twin: Twin, tokenizer, device: str) -> tuple[Text, str]:
    """(Text, note) of held-out rows, or, as the note says, of other rows or a few sentences."""
    end = load.turn_end(tokenizer)[1]
    for key, note in (
        ("test", t("gguf.held_out_text")),
        ("val", t("gguf.text_training_watched_none_held")),
        ("train", t("gguf.text_trained_none_held_out")),
    ):
        rows = _records(twin, key)[-64:]
        text = compare.held_out([_encoded(row, tokenizer, end) for row in rows], device)
        if text.positions:
            return text, note
    sentences = [line for line in data("tokenizer_checks") if len(line) > 8]
    rows = [{"kind": "raw", "messages": [{"content": line}]} for line in sentences]
    text = compare.held_out([_encoded(row, tokenizer, end) for row in rows], device)
    return text, t("gguf.few_plain_sentences_twin_no")


def _records(twin, key):
    return twin.records(key) if twin.file(key).exists() else []


def _encoded(row, tokenizer, end):
    return encode_row(
        row,
        lambda messages, generate: load.render(tokenizer, messages, generate),
        lambda text: tokenizer(text, add_special_tokens=False)["input_ids"],
        end,
        tokenizer.bos_token_id,
    )


def _share_of_short_replies(twin, tokenizer, tokens):
    """The share of the author's held-out replies that have fewer tokens, or None without any."""
    rows = [row for row in _records(twin, "test") if row["kind"] == "qa"]
    replies = [row["messages"][-1]["content"] for row in rows]
    short = sum(len(tokenizer(reply)["input_ids"]) < tokens for reply in replies)
    return short / len(replies) if replies else None


def questions(twin: Twin) -> list[str]:
    """'Who are you?' in the twin's languages, then held-out questions, each once."""
    who = both("gguf.who_are_you")
    asked = [who[code] for code in who if code in (twin.facts.get("languages") or who)]
    rows = [row for row in _records(twin, "test") if row["kind"] == "qa"]
    messages = [message for row in rows for message in row["messages"]]
    asked += [message["content"] for message in messages if message["role"] == "user"]
    return list(dict.fromkeys(asked))


def twin_answers(
    spec: ExportSpec, precision: str, questions: list[str], text: Text, settings, tokens, progress
) -> tuple[list[generate.Answer], "torch.Tensor"]:
    """(answers, states at the text's positions) of the twin, which is loaded for this only."""
    note, count = t("gguf.twins_own_answers"), itertools.count(1)
    progress(0, tokens, note)
    model, _ = load.load(spec.base, spec.adapter, precision)
    states = compare.model_states(model, text)
    if load.device() == "cpu":
        # There, an adapter kept apart from its weights makes answers three times as slow.
        model = model.merge_and_unload()
    # The model that peft's own `generate` calls
    inner = model.get_base_model() if hasattr(model, "get_base_model") else model
    inner.register_forward_hook(lambda *_: progress(min(next(count), tokens), tokens, note))
    answers = generate.answers(
        model,
        spec.tokenizer,
        _conversations(questions),
        tokens,
        batch=len(questions),
        **templates.sampling(settings.temperature, settings.top_p),
    )
    return answers, states


def _conversations(questions):
    return [[{"role": "user", "content": question}] for question in questions]


# One file


@dataclass
class _FileCheck:
    """The checks of one file: each returns the reason why the file fails, or ''.

    Figures and warnings are collected in the fields.
    """

    kind: str
    path: Path
    spec: ExportSpec
    reference: _Reference
    settings: Quantize
    progress: Callable
    figures: dict = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def run(self, predictions: dict[str, Predictions]) -> str:
        return self.closeness(predictions) or self.in_llama_cpp(predictions[self.kind].best)

    def closeness(self, predictions):
        """Whether predictions are close to the twin's, and merged weights to the loaded twin."""
        reference, note = self.reference, self.reference.note
        rows = _by_row(reference.text, predictions[self.kind])
        kl = _clustered(
            [(sum(divergences), len(divergences)) for divergences, _ in rows],
            t("gguf.nats_token_between_files_predictions", note=note),
        )
        top1 = _clustered(
            [(sum(same), len(same)) for _, same in rows],
            t("gguf.places_where_likeliest_token_twin", note=note),
            most=1.0,
        )
        self.figures |= {f"kl_divergence_{self.kind}": kl, f"top1_{self.kind}": top1}
        if "" in predictions:
            loaded = _mean([kl for kl, _ in _by_row(reference.text, predictions[""])])
            # "Not at most", so that NaN fails too.
            if not loaded <= _KL_LIMIT_LOADED[reference.precision]:
                return t("gguf.merged_weights_nats_token_trained", loaded=loaded)
        value, most = kl["value"], FILE_TYPES[self.kind].kl_limit
        if not value <= most:
            return t("gguf.predictions_nats_token_twins_most", value=value, most=most)
        return ""

    def in_llama_cpp(self, best):
        """Tokens, prompt, predictions (`best` are torch's) and answers in llama.cpp."""
        try:
            with Llama(self.path, context=4096) as llama:
                return (
                    self.same_tokens(llama)
                    or self.same_prompt(llama)
                    or self.same_predictions(llama, best)
                    or self.answers(llama)
                )
        except TwinError as error:
            return str(error)

    def same_tokens(self, llama):
        texts, tokenizer = data("tokenizer_checks"), self.spec.tokenizer
        different = [text for text in texts if llama.tokenize(text) != tokenizer(text)["input_ids"]]
        count, same = len(texts), len(texts) - len(different)
        note = t("gguf.texts_cut_into_same_tokens")
        self.figures[f"tokens_equal_{self.kind}"] = figure(
            1 - len(different) / count, *wilson(same, count), n=count, note=note
        )
        if different:
            n, example = f"{len(different)}/{count}", repr(different[0])
            return t("gguf.tokens_differ_bases_texts_such", n=n, example=example)
        return ""

    def same_prompt(self, llama):
        """Whether llama.cpp's prompt of a conversation is transformers', in text and tokens."""
        tokenizer = self.spec.tokenizer
        user = {"role": "user", "content": "你好 hello"}
        assistant = {"role": "assistant", "content": "嗯。"}
        system = {"role": "system", "content": "A b."}
        # bos is added when the prompt is tokenized.
        bos = tokenizer.bos_token or ""
        for messages in ([user], [system, user, assistant, user]):
            prompt = load.render(tokenizer, messages, generate=True).removeprefix(bos)
            same_text = llama.prompt(messages).removeprefix(bos) == prompt
            if not same_text or llama.tokenize(prompt) != tokenizer(prompt)["input_ids"]:
                return t("gguf.template_makes_another_prompt")
        return ""

    def same_predictions(self, llama, best):
        ends = load.end_tokens(self.spec.tokenizer)
        rows = compare.llama_agrees(llama, self.reference.text, best, ends, self.progress)
        note = t("gguf.places_where_llama_cpp_finds")
        agreement = _clustered([(sum(row), len(row)) for row in rows], note, most=1.0)
        self.figures[f"llama_top1_{self.kind}"] = agreement
        if agreement["value"] >= AGREES:
            return ""
        return t("gguf.llama_cpp_torch_agree_likeliest", value=agreement["value"])

    def answers(self, llama):
        """The file's answers compared with the twin's own."""
        settings, tokens, questions = self.settings, self.reference.tokens, self.reference.questions
        sampling = templates.sampling(settings.temperature, settings.top_p)
        asked = _conversations(questions)
        # The first alone, to measure the speed.
        first = llama.chat(asked[0], tokens, **sampling)
        seconds = max(first.seconds, 1e-9)
        asked = asked[: max(3, int(PATIENCE / seconds))]

        def advance(done, total, note):
            self.progress(done + 1, len(asked), f"{self.path.name}: {note}")

        answers = [first, *llama.chat_many(asked[1:], tokens, progress=advance, **sampling)]
        for question, answer in list(zip(questions, answers))[:_SHOWN]:
            self.progress.say(
                f"  {question}\n    → {' '.join(templates.without_thinking(answer.text).split())}"
            )
        self.figures[f"tokens_per_second_{self.kind}"] = figure(
            round(first.tokens / seconds, 1),
            n=first.tokens,
            note=t("gguf.machine_one_answer_reading_question"),
        )
        self.figures |= _ended(self.kind, answers, tokens)
        reason, warnings = compare_answers(self.path, answers, self.reference.answers, tokens)
        self.warnings += warnings
        return reason


def _by_row(text, predictions):
    """[(divergences, whether the likeliest token is the twin's)] of each row."""
    rows = [([], []) for _ in text.rows]
    for (row, _), kl, best, twins_best in zip(text.positions, *predictions):
        rows[row][0].append(kl)
        rows[row][1].append(best == twins_best)
    return rows


def _mean(rows):
    return sum(map(sum, rows)) / sum(map(len, rows))


def _clustered(rows, note, most=math.inf):
    """The figure of a mean over tokens, from 0 to `most`, from [(sum, tokens)] of each row."""
    value, low, high = clustered(rows)
    if low is not None:
        low, high = max(0.0, low), min(most, high)
    return figure(value, low, high, sum(n for _, n in rows), note)


def _ended(name, answers, tokens):
    ended, n = sum(answer.ended for answer in answers), len(answers)
    note = t("gguf.answers_ended_themselves_within", tokens=tokens)
    return {f"ended_{name}": figure(ended / n, *wilson(ended, n), n, note)}


def _distance_warnings(kind, path, figures, deltas):
    """A warning, in a list, about a file that passed but is noticeably different from the twin."""
    kl, same = figures[f"kl_divergence_{kind}"]["value"], figures[f"top1_{kind}"]["value"]
    if kl <= HARDLY_DIFFERENT.divergence and same >= HARDLY_DIFFERENT.top1:
        return []
    share = deltas.get(kind, 1.0)
    why = t("gguf.holds_what_twin_learnt_small", share=share) if share < 0.8 else ""
    values = {"kl": kl, "same": same, "why": why, "larger": next_larger(kind)}
    return [t("gguf.quite_twin_nats_token_away", name=path.name, **values)]


def compare_answers(path: Path, answers: list, twins: list, tokens: int) -> tuple[str, list[str]]:
    """(reason, warnings): what a file's answers do wrong that the twin's own don't."""
    from scipy.stats import fisher_exact

    if not any(answer.text.strip() for answer in answers):
        return t("gguf.answers_empty"), []
    ended, before, n = sum(a.ended for a in answers), sum(a.ended for a in twins), len(answers)
    table = [[ended, n - ended], [before, len(twins) - before]]
    if fisher_exact(table, alternative="less").pvalue < 0.05:
        return t("gguf.answers_ended_themselves_twins", ended=ended, n=n, before=before), []
    # The base's name in an answer is the file's fault only if the twin never says it; else training
    # has to mend it.
    name = _identity(answers)
    if name and twins and not _identity(twins):
        return t("gguf.said_about_itself_twin_doesnt", said=name), []
    if twins and ended / n < _ENDED <= before / len(twins):
        values = {"ended": ended, "n": n, "tokens": tokens}
        return "", [t("gguf.answers_ended_themselves_within_2", name=path.name, **values)]
    return "", []


def _identity(answers):
    return next(filter(None, (templates.own_identity(answer.text) for answer in answers)), "")


def twin_warnings(answers: list, tokens: int, as_short: float | None) -> list[str]:
    """What the twin itself, and so every file, does wrong in its answers.

    `as_short` is the share of the author's own replies that end within `tokens`, None if unknown.
    """
    from scipy.stats import binom

    warnings, ended, n = [], sum(answer.ended for answer in answers), len(answers)
    if answers and ended / n < _ENDED:
        if as_short is None:
            own = t("gguf.train_longer_if_answers_never")
        else:
            too_few = binom.cdf(ended, n, as_short) < 0.05
            own = t("gguf.authors_own_held_out_replies", as_short=as_short)
            own += t("gguf.train_longer") if too_few else t("gguf.no_sign_fault")
        values = {"ended": ended, "n": n, "tokens": tokens, "own": own}
        warnings.append(t("gguf.twin_ended_answers_itself_within", **values))
    if name := _identity(answers):
        warnings.append(t("gguf.twin_said_about_itself_train", said=name))
    return warnings
