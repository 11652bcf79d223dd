"""The checks that a GGUF file must pass before it is offered, and the sentences about the results.

A file passes if its header is as intended, its weights are those of the merged model within the
rounding of their type, and its predictions on held-out text are close to the twin's (compare.py);
and if llama.cpp loads it, produces the same tokens and chat prompts as transformers, mostly the
same likeliest tokens as torch with the file's weights, and answers that end as often as the twin's
and don't call themselves by the base's name. Not here: what quantization does to reasoning
(decimals.py).
"""

import itertools
import math
import operator
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any, NamedTuple

from ..files import TwinError
from ..i18n import Texts, both, data, t
from ..models import device_fit, free_memory, generate, load, special_tokens
from ..models.gguf_vocabulary import Vocabulary
from ..models.llama_cpp import Llama
from ..progress import Progress
from ..text import templates
from ..text.samples import in_turn
from ..text.statistics import clustered, wilson
from ..twin import Twin, figure
from . import compare
from .compare import Predictions, Text
from .tensors import Source
from .types import FILE_TYPES, KL_LIMIT_K_QUANT, next_larger

if TYPE_CHECKING:
    import torch

# Limits, in nats a token, for the divergence of the twin as it was loaded from the merged float32
# model: 0.0005 is usual in 16 bits; 4 bits may differ as much as a K-quant.
_KL_LIMIT_LOADED = {"auto": 0.05, "4-bit": KL_LIMIT_K_QUANT}
# The least share of positions at which llama.cpp and torch agree on the likeliest token. llama.cpp
# rounds activations too, so near-ties flip: 96 to 98 % is usual, a wrong rotation far below.
AGREES = 0.85
_ENDED = 0.8  # a smaller share of answers that end by themselves is warned of or looked into
# A twin whose answers are cut off is asked again, these many questions with room for longer answers
# than 9 of 10 of the author's replies, in tokens at most.
_ROOMY_QUESTIONS, _LONGEST_ROOM = 4, 1000
# The most questions, and the longest answer in tokens
_QUESTIONS = {"cpu": (4, 48), "cuda": (12, 200)}
# Seconds for a file's answers in llama.cpp, which runs on the processor; at least three are made.
PATIENCE = 120
_SHOWN = 3  # answers that are printed


class ExportSpec(NamedTuple):
    """What GGUF files are made of.

    `adapter` is a folder, the tokenizer has the twin's chat template, `card` is writer.write's and
    has the sampling parameters.
    """

    base: load.Base
    adapter: Path | None
    tokenizer: Any
    vocabulary: Vocabulary
    card: dict


class _Reference(NamedTuple):
    """What the files are compared with.

    Held-out text and a note on its origin, questions, the longest answer in tokens, the twin's own
    answers and hidden states at the text's positions, and the precision it was loaded in. Without
    the memory to load the twin, `answers` is [], `states` and `precision` are None.
    """

    text: Text
    note: Texts
    questions: list[str]
    max_tokens: int
    answers: list[generate.Answer]
    states: "torch.Tensor | None"
    precision: str | None


def failed_path(path: Path) -> Path:
    """The name that a file gets when it fails."""
    return path.with_name(path.name + ".failed")


def check_files(
    twin: Twin, files: dict[str, Path], spec: ExportSpec, progress: Progress
) -> tuple[dict, list[str]]:
    """(figures, warnings) of {type: path}.

    A file that fails is renamed to `failed_path`, and a warning says why.
    """
    device = load.exact_device()
    source = Source(spec.base.path, spec.adapter)
    progress(0, 1, t("gguf.reading_files"))
    readers, reasons = compare.headers(files, source, spec.vocabulary, spec.card)
    if mistake := _mistake(spec):
        readers, reasons = {}, dict.fromkeys(files, mistake) | reasons
    if readers:
        wrong_weights, kept_deltas = compare.weights(source, readers, device, progress)
        reasons |= wrong_weights
        readers = {kind: readers[kind] for kind in readers if kind not in reasons}
    if not readers:
        return {}, [_set_aside(path, reasons[kind]) for kind, path in files.items()]
    reference = _reference(twin, spec, source, progress)
    predictions = compare.predictions(
        source, readers, reference.text, reference.states, device, progress
    )
    free_memory.give_back()  # llama.cpp may need it
    max_tokens, passed = reference.max_tokens, []
    figures = _ended("twin", reference.answers, max_tokens) if reference.answers else {}
    warnings = [] if reference.precision else [t("gguf.no_memory_to_load_twin")]
    for kind, path in files.items():
        check = _FileCheck(kind, path, spec, reference, progress)
        reason = reasons.get(kind) or check.run(predictions)
        figures |= check.figures
        if reason:
            warnings.append(_set_aside(path, reason))
        else:
            warnings += [*_distance_warnings(kind, path, figures, kept_deltas), *check.warnings]
            progress.say(t("gguf.file_passed", name=path.name))
            passed.append(check)
    if passed:
        answers, room = reference.answers or passed[0].answered, _room(twin, spec.tokenizer)
        roomy = []
        if _count_ended(answers) < _ENDED * len(answers) and room > max_tokens:
            roomy = passed[0].long_answers(row_questions(twin)[:_ROOMY_QUESTIONS], room)
            figures |= _ended("given_room", roomy, room)
        warnings += twin_warnings(answers, roomy, room if roomy else max_tokens)
    return figures, warnings


def _mistake(spec):
    """The reason why no file of this spec can be right, or ''.

    Comparing a file with the spec can't find such an error.
    """
    if phrase := templates.identity(spec.card["template"]):
        return t("gguf.template_names_base", phrase=phrase)
    end, number = load.turn_end(spec.tokenizer)
    if number not in map(spec.vocabulary.special.get, ("eos", "eot", "eom")):
        return t("gguf.does_not_stop_at_turn_end", end=end)
    return ""


def _set_aside(path, reason):
    """Rename a file that failed; returns the warning."""
    failed = path.replace(failed_path(path))
    return t("gguf.file_kept_aside", name=path.name, new_name=failed.name, reason=reason)


# What the files are compared with


def _reference(twin, spec, source, progress):
    device = load.exact_device()
    text, note = held_out_text(twin, spec.tokenizer, device)
    count, max_tokens = _QUESTIONS.get(device, _QUESTIONS["cpu"])
    asked, answers, states = questions(twin)[:count], [], None
    parameters = sum(math.prod(tensor.shape) for tensor in source.tensors)
    precision = load.fitting_precision(spec.base, parameters)
    if precision:
        answers, states = twin_answers(spec, precision, asked, text, max_tokens, progress)
    return _Reference(text, note, asked, max_tokens, answers, states, precision)


def held_out_text(twin: Twin, tokenizer, device: str) -> tuple[Text, Texts]:
    """(Text, note) of held-out rows, or, as the note says, of other rows or a few sentences."""
    for key, note in (
        ("test", "gguf.on_held_out_text"),
        ("val", "gguf.on_validation_text"),
        ("train", "gguf.on_training_text"),
    ):
        text = compare.held_out(_encoded(_records(twin, key)[-64:], tokenizer), device)
        if text.positions:
            return text, both(note)
    sentences = [line for line in data("tokenizer_checks") if len(line) > 8]
    rows = [{"kind": "raw", "messages": [{"content": line}]} for line in sentences]
    return compare.held_out(_encoded(rows, tokenizer), device), both("gguf.on_plain_sentences")


def _records(twin, key):
    return twin.records(key) if twin.file(key).exists() else []


def _encoded(rows, tokenizer):
    end = load.turn_end(tokenizer)[1]
    return list(filter(None, (special_tokens.row(tokenizer, row, end) for row in rows)))


def _room(twin, tokenizer):
    """A number of tokens within which a twin that writes as long as its author ends.

    A quarter more than 9 of 10 of the author's replies have; 0 without replies.
    """
    rows = in_turn(_records(twin, "test"), _records(twin, "train"))[:200]
    lengths = sorted(len(tokenizer(row["messages"][-1]["content"])["input_ids"]) for row in rows)
    usual = lengths[len(lengths) * 9 // 10] if lengths else 0
    return min(_LONGEST_ROOM, round(1.25 * usual))


def questions(twin: Twin) -> list[str]:
    """'Who are you?' in the twin's languages, then the questions of its rows, held-out ones first.

    Without repetitions; the languages take turns.
    """
    who = both("gguf.who_are_you")
    asked = [who[code] for code in who if code in (twin.facts.get("languages") or who)]
    return list(dict.fromkeys([*asked, *row_questions(twin)]))


def row_questions(twin: Twin) -> list[str]:
    """The first question of each of a twin's rows, held-out rows first, the languages in turn."""
    rows = in_turn(_records(twin, "test"), _records(twin, "train"))
    asked = ([m["content"] for m in row["messages"] if m["role"] == "user"] for row in rows)
    return list(dict.fromkeys(turns[0] for turns in asked if turns))


def twin_answers(
    spec: ExportSpec,
    precision: str,
    questions: list[str],
    text: Text,
    max_tokens: int,
    progress: Progress,
) -> tuple[list[generate.Answer], "torch.Tensor"]:
    """(answers, hidden states at the text's positions) of the twin, which is loaded for this only.

    The states are float32, (positions, width).
    """
    note, count = t("gguf.twin_answers"), itertools.count(1)
    progress(0, max_tokens, note)
    model, _ = load.load(spec.base, spec.adapter, precision)
    states = compare.model_states(model, text)
    if load.device() == "cpu":
        # On a CPU, an unmerged adapter makes answers three times as slow.
        model = model.merge_and_unload()

    def report_token(*_):
        progress(min(next(count), max_tokens), max_tokens, note)

    # The hook is on the model that peft's own `generate` calls.
    compare.without_peft(model).register_forward_hook(report_token)
    answers = generate.answers(
        model,
        spec.tokenizer,
        _conversations(questions),
        max_tokens,
        batch=len(questions),
        **spec.card["sampling"],
    )
    return answers, states


def _conversations(questions):
    return [[{"role": "user", "content": question}] for question in questions]


# One file


@dataclass
class _FileCheck:
    """The checks of one file: each returns the reason why the file fails, or ''.

    They leave figures and warnings in the fields.
    """

    kind: str
    path: Path
    spec: ExportSpec
    reference: _Reference
    progress: Progress
    figures: dict = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    answered: list = field(default_factory=list)  # the file's answers

    def run(self, predictions: dict[str, Predictions]) -> str:
        return self.closeness(predictions) or self.in_llama_cpp(predictions[self.kind].best)

    def closeness(self, predictions):
        """Predictions must be close to the twin's, and those of the merged weights to the loaded
        twin's.
        """
        text, note, own = self.reference.text, self.reference.note, predictions[self.kind]
        same_best = map(operator.eq, own.best, own.twins_best)
        kl = _mean_figure(_by_row(text, own.divergence), both("gguf.kl_divergence_note", note=note))
        top1 = _mean_figure(
            _by_row(text, same_best), both("gguf.top1_note", note=note), highest=1.0
        )
        kl["level"] = device_fit.level(kl)
        self.figures |= {f"kl_divergence_{self.kind}": kl, f"top1_{self.kind}": top1}
        # "not <=" and not ">", so that NaN fails too.
        if compare.LOADED in predictions:
            loaded = fmean(predictions[compare.LOADED].divergence)
            if not loaded <= _KL_LIMIT_LOADED[self.reference.precision]:
                return t("gguf.merged_weights_too_far", less=device_fit.less_likely(loaded))
        limit = FILE_TYPES[self.kind].kl_limit
        if not kl["value"] <= limit:
            return t(
                "gguf.predictions_too_far",
                less=device_fit.less_likely(kl["value"]),
                most=device_fit.less_likely(limit),
            )
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
        self.figures[f"tokens_equal_{self.kind}"] = _share_figure(
            len(texts) - len(different), len(texts), both("gguf.tokens_equal_note")
        )
        if different:
            n, example = f"{len(different)}/{len(texts)}", repr(different[0])
            return t("gguf.tokens_differ", n=n, example=example)
        return ""

    def same_prompt(self, llama):
        """llama.cpp's prompt of a conversation must be transformers', in text and tokens."""
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
                return t("gguf.prompt_differs")
        return ""

    def same_predictions(self, llama, best):
        ends = load.end_tokens(self.spec.tokenizer)
        rows = compare.llama_agrees(llama, self.reference.text, best, ends, self.progress)
        agreement = _mean_figure(rows, both("gguf.llama_top1_note"), highest=1.0)
        self.figures[f"llama_top1_{self.kind}"] = agreement
        if agreement["value"] >= AGREES:
            return ""
        return t("gguf.llama_cpp_disagrees", share=agreement["value"])

    def answers(self, llama):
        """The file's answers must end as often as the twin's, and not name the base."""
        max_tokens, sampling = self.reference.max_tokens, self.spec.card["sampling"]
        asked = _conversations(self.reference.questions)
        # The first answer is made alone, to measure the speed.
        first = llama.chat(asked[0], max_tokens, **sampling)
        seconds = max(first.seconds, 1e-9)
        asked = asked[: max(3, int(PATIENCE / seconds))]

        def advance(done, total, note):
            self.progress(done + 1, len(asked), f"{self.path.name}: {note}")

        answers = [first, *llama.chat_many(asked[1:], max_tokens, progress=advance, **sampling)]
        for question, answer in list(zip(self.reference.questions, answers))[:_SHOWN]:
            text = " ".join(templates.without_thinking(answer.text).split())
            self.progress.sample(self.kind, question, text, answer.ended)
        self.figures[f"tokens_per_second_{self.kind}"] = figure(
            round(first.tokens / seconds, 1), n=first.tokens, note=both("gguf.speed_note")
        )
        self.answered = answers
        self.figures |= _ended(self.kind, answers, max_tokens)
        reason, warnings = compare_answers(self.path, answers, self.reference.answers, max_tokens)
        self.warnings += warnings
        return reason

    def long_answers(self, questions: list[str], room: int) -> list:
        """Answers to questions that may be as long as `room` tokens."""
        self.progress(0, len(questions), t("gguf.does_it_end", tokens=room))
        with Llama(self.path, context=4096) as llama:
            asked = _conversations(questions)
            return llama.chat_many(
                asked, room, progress=self.progress, **self.spec.card["sampling"]
            )


def _by_row(text: Text, values: Iterable) -> list[list]:
    """Values at the text's positions, grouped by the text's rows."""
    rows = [[] for _ in text.rows]
    for (row, _), value in zip(text.positions, values):
        rows[row].append(value)
    return rows


def _mean_figure(rows, note, highest=math.inf):
    """The figure of the mean of all values, from 0 to `highest`, with errors clustered by row."""
    value, low, high = clustered([(sum(row), len(row)) for row in rows])
    if low is not None:
        low, high = max(0.0, low), min(highest, high)
    return figure(value, low, high, sum(map(len, rows)), note)


def _share_figure(hits, n, note):
    return figure(hits / n, *wilson(hits, n), n, note)


def _count_ended(answers):
    return sum(answer.ended for answer in answers)


def _ended(name, answers, max_tokens):
    note = both("gguf.ended_note", tokens=max_tokens)
    return {f"ended_{name}": _share_figure(_count_ended(answers), len(answers), note)}


def _distance_warnings(kind, path, figures, kept_deltas):
    """A warning, in a list, about a file that passed but is noticeably different from the twin.

    `kept_deltas` is {type: share of the adapter's delta that is in the file}.
    """
    divergence = figures[f"kl_divergence_{kind}"]
    if device_fit.level(divergence) == "good":
        return []
    share = kept_deltas.get(kind, 1.0)
    why = t("gguf.delta_rounded_away", share=share) if share < 0.8 else ""
    values = {"less": device_fit.less_likely(divergence["value"]), "larger": next_larger(kind)}
    return [t("gguf.noticeably_different", name=path.name, why=why, **values)]


def compare_answers(
    path: Path, answers: list, twins: list, max_tokens: int
) -> tuple[str, list[str]]:
    """(reason, warnings): what a file's answers do wrong that the twin's own, `twins`, don't.

    Both are lists of Answer, of generate.py or llama_cpp.py. `twins` is [] if the twin was not
    loaded.
    """
    from scipy.stats import fisher_exact

    if not any(answer.text.strip() for answer in answers):
        return t("gguf.answers_empty"), []
    ended, twins_ended, n = _count_ended(answers), _count_ended(twins), len(answers)
    table = [[ended, n - ended], [twins_ended, len(twins) - twins_ended]]
    if fisher_exact(table, alternative="less").pvalue < 0.05:
        return t("gguf.fewer_answers_end", ended=ended, n=n, twins_ended=twins_ended), []
    # If the twin calls itself by the base's name too, the fault is in the training, not the file.
    phrase = _identity(answers)
    if phrase and twins and not _identity(twins):
        return t("gguf.calls_itself_by_base_name", phrase=phrase), []
    if twins and ended / n < _ENDED <= twins_ended / len(twins):
        values = {"ended": ended, "n": n, "tokens": max_tokens}
        return "", [t("gguf.file_ended_few_answers", name=path.name, **values)]
    return "", []


def _identity(answers):
    """The first phrase in which an answer calls itself by a base's name, or ''."""
    return next(filter(None, (templates.own_identity(answer.text) for answer in answers)), "")


def twin_warnings(answers: list, roomy: list, max_tokens: int) -> list[str]:
    """What the twin itself, and so every file, does wrong in its answers.

    `roomy` are answers with room for all that the author would say, [] if those in `answers` had
    enough; `max_tokens` is the room of those that are judged by their ends.
    """
    warnings, judged = [], roomy or answers
    values = {"ended": _count_ended(judged), "n": len(judged), "tokens": max_tokens}
    if judged and not values["ended"]:
        warnings.append(t("gguf.twin_never_ends", **values))
    elif 2 * values["ended"] < len(judged):
        warnings.append(t("gguf.twin_seldom_ends", **values))
    if phrase := _identity([*answers, *roomy]):
        warnings.append(t("gguf.twin_calls_itself_by_base_name", phrase=phrase))
    return warnings
