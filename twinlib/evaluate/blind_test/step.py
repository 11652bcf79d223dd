"""The blind test's page: the owner's new answers beside the twin's, for friends to tell apart.

The twin answers each question once, through llama.cpp, with the sampling that its files recommend: the first sample
stands, and is never made again, whatever the owner changes later. It may write 1.5 times as many tokens as the owner's
answer has in its own vocabulary; a sentence that this breaks off goes, then the longer answer of the pair is cut at the
end of a sentence (blind_test.same_length). Punctuation is typed alike in both. In catch trials the untrained base
answers instead. A test is kept with its key, so that codes of an older page are known as such.
"""

import json
import secrets
import time
from math import ceil

from ...files import TwinError, content_id, read_records, write_atomic, write_records
from ...i18n import t
from ...models import generate
from ...settings import make, stop, stops, warning
from ...text import interview_questions, privacy, templates
from ...twin import AUTO, Outcome, Problem
from . import analysis, page

LONGER = 1.5  # tokens that the twin may write, for each of the owner's
FEWEST, MOST = 16, 800  # tokens, whatever the owner wrote
FEW = 10  # questions; with fewer a friend says little
SAMPLING = templates.sampling()  # of the base; the twin's stands in its file


def problems(settings, twin):
    """What keeps the page from being made, in sentences."""
    try:
        _gguf(twin, settings.type)
        pairs, notes = answered(twin)
    except TwinError as error:
        return [Problem("stop", str(error))]
    found = [Problem("warning", note) for note in notes]
    if not pairs:
        command = f"python -m twinlib interview --blind-test --twin {twin.name}"
        found.append(stop("evaluate.no_question_blind_test_answered", command=command))
    elif len(pairs) < FEW:
        found.append(warning("evaluate.only_answers_20_make_good", pairs=len(pairs)))
    return found


def _gguf(twin, kind):
    """(type, path) of the file that answers; raises TwinError when it isn't there."""
    ggufs = twin.ggufs()
    kind = next(iter(ggufs), kind) if kind == AUTO else kind.upper()
    if kind not in ggufs:
        there = ", ".join(ggufs)
        raise TwinError(
            t(
                "evaluate.no_gguf_file_answer_wanted",
                kind=kind,
                value=there or "none",
                value_2=there or "没有",
            )
        )
    return kind, ggufs[kind]


def answered(twin):
    """([(question, answer)], sentences about those left out): what the owner answered, if it's in no training text."""
    path = twin.file("blind_answers")
    text = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
    records = [record for record in interview_questions.parse(text)[0] if record["answer"].strip()]
    asked = {analysis.letters(question) for question in asked_before(twin)} if records else ()
    documents = [document["text"] for document in twin.records("documents")] if records else []
    pairs, notes = [], []
    for record in records:
        question, answer = record["question"], record["answer"].strip()
        if analysis.letters(question) in asked:
            notes.append(t("evaluate.left_out_because_twin_learnt", question=question))
        elif analysis.copied(answer, documents) >= analysis.COPIED:
            notes.append(t("evaluate.left_out_because_answer_stands", question=question))
        else:
            pairs.append((question, answer))
    return pairs, notes


def asked_before(twin):
    """The questions of the corpus, trained or held out, and those of the interview that are answered."""
    found = [
        message["content"]
        for key in ("train", "val", "test")
        if twin.file(key).exists()
        for row in twin.records(key)
        for message in row["messages"]
        if message["role"] == "user"
    ]
    path = twin.file("interview")
    records = (
        interview_questions.parse(path.read_text(encoding="utf-8", errors="replace"))[0]
        if path.exists()
        else []
    )
    return found + [record["question"] for record in records if record["answer"]]


def run(twin, settings, progress):
    """Let the twin answer, write the page and keep its key."""
    stopping = stops(problems(settings, twin))
    if stopping:
        raise TwinError(stopping[0].text)
    kind, path = _gguf(twin, settings.type)
    pairs = answered(twin)[0][: settings.trials]
    easy, samples, warnings = (
        analysis.catches([question for question, _ in pairs], settings.catch),
        Samples(twin),
        [],
    )
    try:
        samples.of_base([pair for pair in pairs if pair[0] in easy], settings.seed, progress)
    except TwinError as error:
        warnings.append(t("evaluate.no_easy_pairs_because_base", error=error))
        easy = set()
    samples.of_twin([pair for pair in pairs if pair[0] not in easy], path, settings.seed, progress)
    trials = [
        _trial(question, answer, samples.said(question, "base" if question in easy else "twin"))
        for question, answer in pairs
    ]
    test = _kept(
        twin,
        trials,
        {"author": twin.author, "to": settings.to, "file": kind, "model_sha": twin.hash(path)},
    )
    write_atomic(twin.file("blind_test"), page.page(test))
    warnings += _private(trials)
    for text in warnings:
        print("! " + text)
    print(
        t(
            "evaluate.page_pairs_them_easy_read",
            twin=twin.file("blind_test"),
            trials=len(trials),
            easy=len(easy),
        )
    )
    return Outcome({}, twin.inputs(path, twin.file("blind_answers")), warnings, settings)


class Samples:
    """What the models said to the questions, each once: kept in the twin's folder as soon as it is said."""

    def __init__(self, twin):
        self.twin, self.path = twin, twin.file("blind_samples")
        records = read_records(self.path, "blind-test") if self.path.exists() else []
        self.kept = {record["id"]: record for record in records}
        self.ids = {}

    def of_twin(self, pairs, path, seed, progress):
        """The twin's answers, from its GGUF file and sampled as that recommends: what its readers will get."""
        from ...models.llama_cpp import Llama

        model = self.twin.hash(path)
        system = {"role": "system", "content": self.twin.facts.get("system_prompt", "")}
        missing = self._missing("twin", pairs, model, {"recommended": True, "seed": seed})
        if not missing:
            return
        with Llama(path) as llama:
            for done, (question, answer) in enumerate(missing):
                progress(done, len(missing), t("evaluate.twin_answers"))
                most = _most(len(llama.tokenize(answer, special=False)))
                said = llama.chat(
                    [system, {"role": "user", "content": question}],
                    most,
                    None,
                    seed=seed,
                    recommended=True,
                )
                self._keep("twin", question, said, model)
        progress(len(missing), len(missing), t("evaluate.twin_answers"))

    def of_base(self, pairs, seed, progress):
        """The untrained base's answers."""
        base = self.twin.facts.get("base") or {}
        missing = self._missing("base", pairs, base.get("revision", ""), {**SAMPLING, "seed": seed})
        if not missing:
            return
        from ...models import load

        report = self.twin.report("persona")
        precision = (report.settings if report else {}).get("precision", AUTO)
        _fits(base.get("name"), precision)
        found = load.prepare(base.get("name", ""), progress)
        model, tokenizer = load.load(found, None, precision)
        most = _most(max(len(tokenizer(answer)["input_ids"]) for _, answer in missing))
        said = generate.answers(
            model,
            tokenizer,
            [[{"role": "user", "content": question}] for question, _ in missing],
            max_tokens=most,
            seed=seed,
            **SAMPLING,
        )
        for (question, _), one in zip(missing, said):
            self._keep("base", question, one, base.get("revision", ""))

    def said(self, question, row):
        """The record of what a row said to a question in this run."""
        return self.kept[self.ids[row, question]]

    def _missing(self, row, pairs, model, sampling):
        for question, _ in pairs:
            self.ids[row, question] = content_id(
                json.dumps([row, question, model, sampling], sort_keys=True)
            )
        return [pair for pair in pairs if self.ids[row, pair[0]] not in self.kept]

    def _keep(self, row, question, said, model):
        name = self.ids[row, question]
        self.kept[name] = {
            "id": name,
            "question": question,
            "row": row,
            "text": said.text,
            "ended": said.ended,
            "model_sha": model,
        }
        write_records(self.path, self.kept.values())


def _fits(base, precision):
    """Raise TwinError when the untrained base is larger than this machine's memory: its GGUF file may be a quarter."""
    from ...models import plan

    machine = plan.machine()
    takes = plan.derive(
        "evaluate", make("evaluate"), machine, {"base": base, "precision": precision}
    ).memory_gb
    has = machine["gpu_gb"] or machine["memory_gb"]
    if takes > has:
        raise TwinError(t("evaluate.takes_gb_memory_run_where", takes=takes, has=has))


def _most(tokens):
    return min(max(ceil(LONGER * tokens), FEWEST), MOST)


def _trial(question, answer, said):
    """A trial without its key: both texts as a friend will see them."""
    text = templates.spoken(said["text"])
    other = analysis.typed(text if said["ended"] else analysis.whole_sentences(text)) or "…"
    owner, other = analysis.same_length(analysis.typed(answer), other)
    return {"question": question, "owner": owner, "other": other, "row": said["row"]}


def _kept(twin, trials, about):
    """The test of these trials: one made before, else a new one with a key that nobody could guess."""
    tests = tests_of(twin)
    before = next((test for test in reversed(tests) if _same(test, trials, about)), None)
    if before:
        test = {**before, **about}
    else:
        trials = [{**trial, "first": secrets.randbelow(2)} for trial in trials]
        taken = {test["id"] for test in tests}
        test = {
            "id": analysis.new_id(trials, taken),
            "made": round(time.time()),
            **about,
            "trials": trials,
        }
    write_records(
        twin.file("blind_tests"), [*(one for one in tests if one["id"] != test["id"]), test]
    )
    return test


def _same(test, trials, about):
    plain = [
        {key: value for key, value in trial.items() if key != "first"} for trial in test["trials"]
    ]
    return plain == trials and test["author"] == about["author"]


def tests_of(twin):
    """The tests made so far, the current one last."""
    return (
        read_records(twin.file("blind_tests"), "blind-test")
        if twin.file("blind_tests").exists()
        else []
    )


def fool_rate(twin) -> dict:
    """The figure of the newest blind test, from the codes that friends sent back."""
    tests, path = tests_of(twin), twin.file("blind_codes")
    text = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
    return analysis.fool_rate(tests[-1] if tests else None, text, {one["id"] for one in tests[:-1]})


def _private(trials):
    """A warning for each machine's answer that holds what looks like personal data."""
    return [
        t(
            "evaluate.machines_answer_holds_what_looks",
            question=trial["question"],
            kind=privacy.label(found[0].kind),
        )
        for trial in trials
        if (found := privacy.find(trial["other"]))
    ]
