"""Makes the blind test: the owner's new answers paired with the twin's, for friends to tell apart.

The twin answers each question once, in llama.cpp, with the sampling that its file recommends; this
first sample is cached and never drawn again. It may have 1.5 times as many tokens as the owner's
answer. Then an unfinished sentence at its end is removed, the longer answer of the pair is cut at
the end of a sentence (pairs.same_length), and punctuation is made uniform. In catch trials the
untrained base answers instead. Every test is saved with its key, so that codes sent back from an
older page are recognised.
"""

import json
import secrets
import time
from math import ceil
from pathlib import Path

from ...commands import program
from ...files import (
    Cache,
    TwinError,
    content_id,
    locked,
    read_records,
    write_atomic,
    write_records,
)
from ...i18n import both, t
from ...models import generate
from ...progress import Progress
from ...settings import BlindTest, make, stop, stops, warning
from ...text import interview_questions, privacy, templates
from ...twin import AUTO, Outcome, Problem, Twin
from ..held_out import user_messages
from . import analysis, page, pairs

_TOKENS_RATIO = 1.5  # tokens of the twin's answer for each of the owner's, at most
_MIN_TOKENS, _MAX_TOKENS = 16, 800  # limits of that number
_FEW = 10  # questions; fewer give a warning
_SAMPLING = templates.sampling()  # of the base; the twin's is in its file


def problems(settings: BlindTest, twin: Twin) -> list[Problem]:
    """Why the page can't be made, and warnings."""
    try:
        _gguf(twin, settings.type)
        own, notes = answered(twin)
    except TwinError as error:
        return [Problem("stop", str(error))]
    issues = [Problem("warning", note) for note in notes]
    if not own:
        command = f"{program()} interview --blind-test --twin {twin.name}"
        issues.append(stop("evaluate.no_own_answers", command=command))
    elif len(own) < _FEW:
        issues.append(warning("evaluate.few_own_answers", answers=len(own)))
    return issues


def _gguf(twin, kind):
    """(type, path) of the file that answers; raises TwinError when there is none."""
    ggufs = twin.ggufs()
    kind = next(iter(ggufs), kind) if kind == AUTO else kind.upper()
    if kind not in ggufs:
        types = ", ".join(ggufs) or both("core.none")
        raise TwinError(t("evaluate.no_gguf_to_answer", kind=kind, types=types))
    return kind, ggufs[kind]


def answered(twin: Twin) -> tuple[list[tuple[str, str]], list[str]]:
    """([(question, the owner's answer)], sentences on why others are left out).

    Left out are questions that the corpus has, and answers copied from the owner's texts.
    """
    interview = _interview(twin.file("blind_answers"))
    records = [record for record in interview if record["answer"].strip()]
    if not records:
        return [], []
    asked = {pairs.letters(question) for question in asked_before(twin)}
    documents = [document["text"] for document in twin.records("documents")]
    own, notes = [], []
    for record in records:
        question, answer = record["question"], record["answer"].strip()
        if pairs.letters(question) in asked:
            notes.append(t("evaluate.question_learnt", question=question))
        elif pairs.copied(answer, documents) >= pairs.MAX_COPIED:
            notes.append(t("evaluate.answer_in_texts", question=question))
        else:
            own.append((question, answer))
    return own, notes


def _interview(path):
    """The records {question, answer} in a file of the interview; [] if it does not exist."""
    text = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
    return interview_questions.parse(text)[0]


def asked_before(twin: Twin) -> list[str]:
    """The questions in the corpus, of all splits, and those answered in the interview."""
    existing = [key for key in ("train", "val", "test") if twin.file(key).exists()]
    rows = [row for key in existing for row in twin.records(key)]
    interview = _interview(twin.file("interview"))
    return user_messages(rows) + [record["question"] for record in interview if record["answer"]]


def run(twin: Twin, settings: BlindTest, progress: Progress) -> Outcome:
    """Let the twin answer, write the page and save the test with its key.

    Raises TwinError for the first problem that keeps it from starting.
    """
    stopping = stops(problems(settings, twin))
    if stopping:
        raise TwinError(stopping[0].text)
    kind, path = _gguf(twin, settings.type)
    own = answered(twin)[0][: settings.trials]
    easy = pairs.catch_trials([question for question, _ in own], settings.catch)
    cache, records, warnings = Cache(twin.file("blind_samples")), [], []
    try:
        of_base = [pair for pair in own if pair[0] in easy]
        records += _base_answers(twin, cache, of_base, settings.seed, progress)
    except TwinError as error:
        warnings.append(t("evaluate.no_easy_pairs", error=error))
        easy = set()
    of_twin = [pair for pair in own if pair[0] not in easy]
    records += _twin_answers(twin, cache, of_twin, path, settings.seed, progress)
    by_question = {record["question"]: record for record in records}
    trials = [trial(question, answer, by_question[question]) for question, answer in own]
    about = {"author": twin.author, "to": settings.to, "file": kind, "model_sha": twin.hash(path)}
    test = keep_test(twin, trials, about)
    write_atomic(twin.file("blind_test"), page.page(test))
    warnings += personal_data(trials, privacy.names_of(twin))
    for text in warnings:
        print("! " + text)
    counts = {"pairs": len(trials), "easy": len(easy)}
    command = f"{program()} blind-test --codes FILE --twin {twin.name}"
    print(t("evaluate.page_made", path=twin.file("blind_test"), command=command, **counts))
    return Outcome({}, twin.inputs(path, twin.file("blind_answers")), warnings, settings)


# Answers of the models


def _twin_answers(twin, cache, own, path: Path, seed, progress):
    """The records of the twin's answers, from the GGUF file with the sampling it recommends."""
    from ...models.llama_cpp import Llama

    model = twin.hash(path)
    by_id = _by_id("twin", own, model, {"recommended": True, "seed": seed})
    missing = [key for key in by_id if not cache.get(key)]
    if missing:
        system = {"role": "system", "content": twin.facts.get("system_prompt", "")}
        with Llama(path) as llama:
            for done, key in enumerate(missing):
                progress(done, len(missing), t("evaluate.twin_answers"))
                question, answer = by_id[key]
                most = _max_tokens(len(llama.tokenize(answer, special=False)))
                messages = [system, {"role": "user", "content": question}]
                reply = llama.chat(messages, most, None, seed=seed, recommended=True)
                cache.add([_record(key, question, "twin", reply, model)])
        progress(len(missing), len(missing), t("evaluate.twin_answers"))
    return [cache.get(key) for key in by_id]


def _base_answers(twin, cache, own, seed, progress):
    """The records of the untrained base's answers."""
    base = twin.facts.get("base") or {}
    model = base.get("revision", "")
    by_id = _by_id("base", own, model, {**_SAMPLING, "seed": seed})
    missing = {key: pair for key, pair in by_id.items() if not cache.get(key)}
    if missing:
        report = twin.report("persona")
        precision = (report.settings if report else {}).get("precision", AUTO)
        replies = _ask_base(base.get("name", ""), precision, missing.values(), seed, progress)
        cache.add(
            _record(key, question, "base", reply, model)
            for (key, (question, _)), reply in zip(missing.items(), replies)
        )
    return [cache.get(key) for key in by_id]


def _ask_base(name, precision, own, seed, progress):
    from ...models import load

    _check_memory(name, precision)
    model, tokenizer = load.load(load.prepare(name, progress), None, precision)
    most = _max_tokens(max(len(tokenizer(answer)["input_ids"]) for _, answer in own))
    asked = [[{"role": "user", "content": question}] for question, _ in own]
    return generate.answers(model, tokenizer, asked, max_tokens=most, seed=seed, **_SAMPLING)


def _by_id(variant, own, model, sampling):
    """{id of the sample: (question, answer)}."""
    return {
        content_id(json.dumps([variant, pair[0], model, sampling], sort_keys=True)): pair
        for pair in own
    }


def _record(key, question, variant, reply, model):
    about = {"id": key, "question": question, "row": variant}
    return {**about, "text": reply.text, "ended": reply.ended, "model_sha": model}


def _check_memory(base, precision):
    """Raise TwinError if the untrained base does not fit into this machine's memory.

    The twin's GGUF file may be a quarter of its size.
    """
    from ...models.plan import derive, machine

    here = machine()
    facts = {"base": base, "precision": precision}
    takes = derive("evaluate", make("evaluate"), here, facts).memory_gb
    has = here["gpu_gb"] or here["memory_gb"]
    if takes > has:
        raise TwinError(t("evaluate.base_too_large", takes=takes, has=has))


def _max_tokens(tokens):
    return min(max(ceil(_TOKENS_RATIO * tokens), _MIN_TOKENS), _MAX_TOKENS)


# The test


def trial(question: str, answer: str, record: dict) -> dict:
    """A trial without its key: {question, owner, other, row}, both texts as on the page.

    `record` is a model's answer: {text, ended, row}.
    """
    text = templates.without_thinking(record["text"])
    if not record["ended"]:
        text = pairs.whole_sentences(text)
    other = pairs.plain_punctuation(text) or "…"
    owner, other = pairs.same_length(pairs.plain_punctuation(answer), other)
    return {"question": question, "owner": owner, "other": other, "row": record["row"]}


def keep_test(twin: Twin, trials: list, about: dict) -> dict:
    """Save and return the test of these trials: an earlier one that has the same, else a new one.

    A new test gets an id and a random key; `about` are the fields author, to, file and model_sha.
    """
    with locked(twin.file("lock")):
        tests = tests_of(twin)
        before = next((test for test in reversed(tests) if _is_same(test, trials, about)), None)
        if before:
            test = {**before, **about}
        else:
            trials = [{**trial, "first": secrets.randbelow(2)} for trial in trials]
            name = pairs.new_id(trials, {test["id"] for test in tests})
            test = {"id": name, "made": round(time.time()), **about, "trials": trials}
        others = [each for each in tests if each["id"] != test["id"]]
        write_records(twin.file("blind_tests"), [*others, test])
    return test


def _is_same(test, trials, about):
    without_key = [
        {name: value for name, value in trial.items() if name != "first"}
        for trial in test["trials"]
    ]
    return without_key == trials and test["author"] == about["author"]


def tests_of(twin: Twin) -> list[dict]:
    """The tests made so far, the current one last."""
    path = twin.file("blind_tests")
    return read_records(path, "blind-test") if path.exists() else []


def fool_rate(twin: Twin) -> dict:
    """The fool rate of the newest test, from the codes that friends sent back."""
    tests, path = tests_of(twin), twin.file("blind_codes")
    text = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
    earlier = {test["id"] for test in tests[:-1]}
    return analysis.fool_rate(tests[-1] if tests else None, text, earlier)


def personal_data(trials: list, names: tuple[str, ...] = ()) -> list[str]:
    """A warning for each answer of a model that contains what looks like personal data.

    `names` are the owner's private names.
    """
    warnings = []
    for trial in trials:
        if matches := privacy.find(trial["other"], names):
            about = {"question": trial["question"], "kind": privacy.label(matches[0].kind)}
            warnings.append(t("evaluate.personal_data_in_answer", **about))
    return warnings
