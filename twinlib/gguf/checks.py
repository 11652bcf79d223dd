"""The gate: whether GGUF files may be offered, with the figures, reasons and warnings that people read.

A file passes when its header is as it was meant, its weights are the twin's as far as its type allows, and its
predictions on held-out text stay close to the twin's (parity.py); and when llama.cpp loads it, cuts texts into the same
tokens, makes the same prompt of a conversation, finds the same tokens likeliest as torch with the file's own weights,
ends its answers as often as the twin does, and doesn't call itself by the base's name. Not here: what quantization does
to reasoning (comparison.py).
"""

import itertools
import math
from typing import NamedTuple

from ..files import TwinError
from ..i18n import t
from ..models import generate, load
from ..models.encode import encode_row
from ..models.llama_cpp import Llama
from ..text import templates
from ..text.statistics import clustered, wilson
from ..twin import figure
from . import compare, writer

ENCODINGS = ("Q4_K_M", "Q5_K_M", "Q6_K", "Q8_0", "BF16", "F16", "F32")  # the smallest first
# Nats a token from the 16-bit twin: more than 16 and 8 bits ever cost is a fault, not rounding.
DIVERGENCE = {"F32": 0.001, "F16": 0.001, "BF16": 0.001, "Q8_0": 0.005}
CLOSE, SAME_TOKEN = (
    0.03,
    0.92,
)  # what K-quants of larger models keep to; beyond it we name the next larger file
# A K-quant fails where no rounding leads: the worst we know is 0.15 (Gemma 270M, whose base is itself stored at Q4).
GROSS = 0.5
# Of the twin as it was loaded from the merged float32: in 16 bits 0.0005 is usual; 4 bits take what a K-quant may.
LOADED = {"auto": 0.05, "4-bit": GROSS}
AGREES = 0.85  # see _agrees
ENDS = 0.8  # of the answers; below it a person is told
ANSWERED = {
    "cpu": (4, 48),
    "cuda": (12, 200),
}  # questions at most, and the longest answer in tokens
PATIENCE = (
    120  # seconds of a file's answers in llama.cpp, which runs on the processor; three at least
)
SHOWN = 3  # answers
QUESTIONS = {"zh": "你是谁？平时写些什么？", "en": "Who are you, and what do you write about?"}
TEXTS = (
    "Hello, world!",
    "The rain came in at four.",
    "I've been told she'll come; they're late, aren't they?",
    "   three spaces, a tab\tand\n\ntwo lines",
    "9.9 or 9.11? 12345 + 678 = 13023",
    "naïve café, Zürich, señor",
    "HTTPServer.parseURL(url)[0] != None  # comment",
    "for i in range(10):\n    print(i)\n",
    "e-mail: a.b@example.org",
    "🙂🚲 bicycles",
    "“Quotes” — and dashes… ok?",
    "今天天气不错，我们去海边走走吧。",
    "修车的手艺，急不得。",
    "9.9和9.11哪个大？",
    "第一段。\n\n第二段，有 English 夹在中间。",
    "「繁體字」也寫一點：憂鬱的臺灣烏龜",
    "价格是￥128.50（含税）",
    "他说：“好吧……”",
    "日本語とかな",
    "a",
    "\n",
)


class Meant(NamedTuple):
    """What the files are made of: a models.Base, an adapter's folder, the tokenizer with the twin's template, and the
    vocabulary and card that gguf_file.write takes."""

    base: object
    adapter: object
    tokenizer: object
    vocabulary: object
    card: dict


def aside(path):
    """Where a file that failed is kept."""
    return path.with_name(path.name + ".failed")


def prove(twin, files, meant, settings, progress):
    """(figures, warnings) of {type: path}: the gate. A file that isn't what was trained is kept aside, with the reason
    among the warnings."""
    device, tokenizer = load.device(), meant.tokenizer
    text, note = _held_out(twin, tokenizer, device)
    most, tokens = ANSWERED.get(device, ANSWERED["cpu"])
    questions = _questions(twin)[:most]
    with writer.Source(meant.base.path, meant.adapter) as source:
        progress(0, 1, t("gguf.reading_files"))
        readers, reasons = compare.headers(files, source, meant.vocabulary, meant.card)
        reasons = {kind: reason or _told_wrong(meant) for kind, reason in reasons.items()}
        readers = _passing(readers, reasons)
        found, deltas = compare.weights(source, readers, device, progress)
        reasons |= found
        readers = _passing(readers, reasons)
        precision = _precision(meant.base, source) if readers else None
        answers, loaded = (
            _twin(meant, precision, questions, text, settings, tokens, progress)
            if precision
            else ([], None)
        )
        meanings = (
            compare.meanings(source, readers, text, loaded, device, progress) if readers else {}
        )
    figures = _ended("twin", answers, tokens) if answers else {}
    warnings = [_not_loaded()] if readers and not precision else []
    for kind, path in files.items():
        if not reasons[kind]:
            measured, reasons[kind] = _close(kind, text, meanings, LOADED.get(precision), note)
            figures |= measured
        if not reasons[kind]:
            measured, reasons[kind], said = _in_llama(
                kind,
                path,
                tokenizer,
                questions,
                text,
                meanings[kind],
                answers,
                settings,
                tokens,
                progress,
            )
            figures |= measured
        if reasons[kind]:
            warnings.append(_failed(path, reasons[kind]))
        else:
            warnings += _far(kind, path, figures, deltas) + said
            progress.say(t("gguf.passed", name=path.name))
    return figures, warnings + _twins_doubts(answers, tokens, _as_short(twin, tokenizer, tokens))


def _passing(readers, reasons):
    return {kind: reader for kind, reader in readers.items() if not reasons[kind]}


def _told_wrong(meant):
    """The reason why no file made of this can be right, or '': a header may be as it was meant, and meant wrong."""
    if said := templates.identity(meant.card["template"]):
        return t("gguf.template_still_says", said=said)
    end, number = load.turn_end(meant.tokenizer)
    if number not in (meant.vocabulary.special.get(name) for name in ("eos", "eot", "eom")):
        return t("gguf.doesnt_stop_which_ends_turn", end=end)
    return ""


def _failed(path, reason):
    path.replace(aside(path))
    return t("gguf.kept_aside", name=path.name, name_2=aside(path).name, reason=reason)


# What it is proven on


def _held_out(twin, tokenizer, device):
    """(parity.Text, note): held-out rows as they are learnt, else what there is, which the note says."""
    end = load.turn_end(tokenizer)[1]
    for key, note in (
        ("test", t("gguf.held_out_text")),
        ("val", t("gguf.text_training_watched_none_held")),
        ("train", t("gguf.text_trained_none_held_out")),
    ):
        rows = twin.records(key) if twin.file(key).exists() else []
        text = compare.held_out([_encoded(row, tokenizer, end) for row in rows[-64:]], device)
        if text.places:
            return text, note
    rows = [{"kind": "raw", "messages": [{"content": line}]} for line in TEXTS if len(line) > 8]
    return (
        compare.held_out([_encoded(row, tokenizer, end) for row in rows], device),
        t("gguf.few_plain_sentences_twin_no"),
    )


def _as_short(twin, tokenizer, tokens):
    """The share of the author's own held-out replies that end within so many tokens, or None without any."""
    rows = twin.records("test") if twin.file("test").exists() else []
    replies = [row["messages"][-1]["content"] for row in rows if row["kind"] == "qa"]
    return (
        sum(len(tokenizer(reply)["input_ids"]) < tokens for reply in replies) / len(replies)
        if replies
        else None
    )


def _encoded(row, tokenizer, end):
    return encode_row(
        row,
        lambda messages, generate: load.render(tokenizer, messages, generate),
        lambda text: tokenizer(text, add_special_tokens=False)["input_ids"],
        end,
        tokenizer.bos_token_id,
    )


def _questions(twin):
    """Who are you, in the twin's languages, and the questions of held-out documents, each once."""
    asked = [
        QUESTIONS[code] for code in QUESTIONS if code in (twin.facts.get("languages") or QUESTIONS)
    ]
    rows = twin.records("test") if twin.file("test").exists() else []
    held_out = [
        m["content"]
        for row in rows
        if row["kind"] == "qa"
        for m in row["messages"]
        if m["role"] == "user"
    ]
    return list(dict.fromkeys(asked + held_out))


def _precision(base, source):
    return load.fitting_precision(base, sum(math.prod(tensor.shape) for tensor in source.tensors))


def _twin(meant, precision, questions, text, settings, tokens, progress):
    """(answers, states at the text's places) of the twin in transformers, which is loaded for this only."""
    note, done = t("gguf.twins_own_answers"), itertools.count(1)
    progress(0, tokens, note)
    model, _ = load.load(meant.base, meant.adapter, precision)
    loaded = compare.states(model, text)
    if (
        load.device() == "cpu"
    ):  # an adapter beside its weights takes three times as long there, answer by answer
        model = model.merge_and_unload()
    inner = (
        model.get_base_model() if hasattr(model, "get_base_model") else model
    )  # what peft's own `generate` calls
    inner.register_forward_hook(lambda *_: progress(min(next(done), tokens), tokens, note))
    answers = generate.answers(
        model,
        meant.tokenizer,
        _conversations(questions),
        tokens,
        batch=len(questions),
        **templates.sampling(settings.temperature, settings.top_p),
    )
    return answers, loaded


def _not_loaded():
    return t("gguf.machine_too_little_free_memory")


def _conversations(questions):
    return [[{"role": "user", "content": question}] for question in questions]


# Close to the twin


def _close(kind, text, meanings, apart, note):
    """(figures, reason): how far the file's predictions are from the twin's, and whether the loaded twin's are `apart`
    from them by more than that."""
    rows = _by_row(text, meanings[kind])
    found = {
        f"kl_divergence_{kind}": _clustered(
            [(sum(kl), len(kl)) for kl, _ in rows],
            t("gguf.nats_token_between_files_predictions", note=note),
        ),
        f"top1_{kind}": _clustered(
            [(sum(same), len(same)) for _, same in rows],
            t("gguf.places_where_likeliest_token_twin", note=note),
            most=1.0,
        ),
    }
    value, most = found[f"kl_divergence_{kind}"]["value"], DIVERGENCE.get(kind, GROSS)
    if (
        "" in meanings
        and not (loaded := _mean([kl for kl, _ in _by_row(text, meanings[""])])) <= apart
    ):
        return found, t("gguf.merged_weights_nats_token_trained", loaded=loaded)
    if not value <= most:
        return found, t("gguf.predictions_nats_token_twins_most", value=value, most=most)
    return found, ""


def _by_row(text, meaning):
    """[(divergences, whether the likeliest token is the twin's)] of each row."""
    found = [([], []) for _ in text.rows]
    for (row, _), kl, best, wanted in zip(
        text.places, meaning.divergence, meaning.best, meaning.wanted
    ):
        found[row][0].append(kl)
        found[row][1].append(best == wanted)
    return found


def _mean(rows):
    return sum(map(sum, rows)) / sum(map(len, rows))


def _clustered(rows, note, most=math.inf):
    """The figure of a mean over tokens, from 0 to `most`, from [(sum, tokens)] of each row."""
    value, low, high = clustered(rows)
    if low is not None:
        low, high = max(0.0, low), min(most, high)
    return figure(value, low, high, sum(n for _, n in rows), note)


def _far(kind, path, figures, deltas):
    """What a person should know of a file that passed, in a list of sentences."""
    kl, same = figures[f"kl_divergence_{kind}"]["value"], figures[f"top1_{kind}"]["value"]
    if kl <= CLOSE and same >= SAME_TOKEN:
        return []
    larger = next((other for other in ENCODINGS[ENCODINGS.index(kind) + 1 :]), "F16")
    share = deltas.get(kind, 1.0)
    lost = share < 0.8
    why = t("gguf.holds_what_twin_learnt_small", share=share) if lost else ""
    return [
        t(
            "gguf.quite_twin_nats_token_away",
            name=path.name,
            kl=kl,
            same=same,
            why=why,
            larger=larger,
        )
    ]


# In llama.cpp


def _in_llama(kind, path, tokenizer, questions, text, meaning, answers, settings, tokens, progress):
    """(figures, reason, warnings) of what llama.cpp does with the file."""
    try:
        with Llama(path, context=4096) as llama:
            different = [
                line for line in TEXTS if llama.tokenize(line) != tokenizer(line)["input_ids"]
            ]
            figures = {
                f"tokens_equal_{kind}": figure(
                    1 - len(different) / len(TEXTS),
                    *wilson(len(TEXTS) - len(different), len(TEXTS)),
                    n=len(TEXTS),
                    note=t("gguf.texts_cut_into_same_tokens"),
                )
            }
            if different:
                n, example = f"{len(different)}/{len(TEXTS)}", repr(different[0])
                return figures, t("gguf.tokens_differ_bases_texts_such", n=n, example=example), []
            if _other_prompt(llama, tokenizer):
                return figures, t("gguf.template_makes_another_prompt"), []
            agrees, reason = _agrees(kind, path, llama, text, meaning, tokenizer, progress)
            if reason:
                return figures | agrees, reason, []
            answered, reason, said = _answers(
                kind, path, llama, questions, answers, settings, tokens, progress
            )
            return figures | agrees | answered, reason, said
    except TwinError as error:
        return {}, str(error), []


def _agrees(kind, path, llama, text, meaning, tokenizer, progress):
    """(figures, reason): whether llama.cpp finds the same tokens likeliest as torch with the file's own weights.

    llama.cpp rounds activations too, so near-ties flip: 96 to 98 % is usual. A wrong rotation is far below AGREES.
    """
    rows = compare.llama_agrees(llama, text, meaning.best, load.end_tokens(tokenizer), progress)
    found = _clustered(
        [(sum(row), len(row)) for row in rows], t("gguf.places_where_llama_cpp_finds"), most=1.0
    )
    reason = (
        ""
        if found["value"] >= AGREES
        else t("gguf.llama_cpp_torch_agree_likeliest", value=found["value"])
    )
    return {f"llama_top1_{kind}": found}, reason


def _other_prompt(llama, tokenizer):
    """Whether llama.cpp makes another prompt of a conversation, or other tokens of that prompt, than transformers."""
    user, assistant = (
        {"role": "user", "content": "你好 hello"},
        {"role": "assistant", "content": "嗯。"},
    )
    bos = tokenizer.bos_token or ""
    for messages in ([user], [{"role": "system", "content": "A b."}, user, assistant, user]):
        ours = load.render(tokenizer, messages, generate=True).removeprefix(bos)
        # bos is added when the prompt is cut into tokens.
        if (
            llama.prompt(messages).removeprefix(bos) != ours
            or llama.tokenize(ours) != tokenizer(ours)["input_ids"]
        ):
            return True
    return False


def _answers(kind, path, llama, questions, twins, settings, tokens, progress):
    """(figures, reason, warnings) of the file's answers beside the twin's own."""

    def told(done, total, note):
        progress(done + 1, len(asked), f"{path.name}: {note}")

    asked, sampling = (
        _conversations(questions),
        templates.sampling(settings.temperature, settings.top_p),
    )
    first = llama.chat(asked[0], tokens, **sampling)  # alone, to see its speed
    asked = asked[: max(3, int(PATIENCE / max(first.seconds, 1e-9)))]
    answers = [first, *llama.chat_many(asked[1:], tokens, progress=told, **sampling)]
    for question, answer in list(zip(questions, answers))[:SHOWN]:
        progress.say(f"  {question}\n    → {' '.join(templates.spoken(answer.text).split())}")
    figures = {
        f"tokens_per_second_{kind}": figure(
            round(first.tokens / max(first.seconds, 1e-9), 1),
            n=first.tokens,
            note=t("gguf.machine_one_answer_reading_question"),
        )
    }
    reason, said = _unlike(path, answers, twins, tokens)
    return figures | _ended(kind, answers, tokens), reason, said


def _ended(name, answers, tokens):
    ended = sum(answer.ended for answer in answers)
    note = t("gguf.answers_ended_themselves_within", tokens=tokens)
    return {
        f"ended_{name}": figure(
            ended / len(answers), *wilson(ended, len(answers)), len(answers), note
        )
    }


def _unlike(path, answers, twins, tokens):
    """(reason, warnings): what the file does in its answers that the twin doesn't do in transformers."""
    from scipy.stats import fisher_exact

    if not any(answer.text.strip() for answer in answers):
        return t("gguf.answers_empty"), []
    ended, before, n = sum(a.ended for a in answers), sum(a.ended for a in twins), len(answers)
    table = [[ended, n - ended], [before, len(twins) - before]]
    if fisher_exact(table, alternative="less").pvalue < 0.05:
        return t("gguf.answers_ended_themselves_twins", ended=ended, n=n, before=before), []
    # Its base's identity in an answer is a fault of the file when the twin never says so; else training has to mend it.
    said = _identity(answers)
    if said and twins and not _identity(twins):
        return t("gguf.said_about_itself_twin_doesnt", said=said), []
    if twins and ended / n < ENDS <= before / len(twins):
        return "", [
            t(
                "gguf.answers_ended_themselves_within_2",
                name=path.name,
                ended=ended,
                n=n,
                tokens=tokens,
            )
        ]
    return "", []


def _identity(answers):
    return next(filter(None, (templates.own_identity(answer.text) for answer in answers)), "")


def _twins_doubts(answers, tokens, as_short):
    """What the twin itself, and so every file, does wrong in its answers; `as_short` is the author's share of replies
    that end as soon."""
    from scipy.stats import binom

    found, ended, n = [], sum(answer.ended for answer in answers), len(answers)
    if answers and ended / n < ENDS:
        own = (
            t("gguf.train_longer_if_answers_never")
            if as_short is None
            else t("gguf.authors_own_held_out_replies", as_short=as_short)
            + (
                t("gguf.train_longer")
                if binom.cdf(ended, n, as_short) < 0.05
                else t("gguf.no_sign_fault")
            )
        )
        found.append(
            t("gguf.twin_ended_answers_itself_within", ended=ended, n=n, tokens=tokens, own=own)
        )
    if said := _identity(answers):
        found.append(t("gguf.twin_said_about_itself_train", said=said))
    return found
