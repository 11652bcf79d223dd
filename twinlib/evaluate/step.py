"""Step 05: measures how much like the author the twin is, on held-out documents.

Four kinds of variants answer the same questions with the same settings, each once: the base, the
base with the persona prompt, the trained twin, and the twin as GGUF files. outputs.py computes and
caches the answers and likelihoods, figures.py computes the figures from them.
"""

from pathlib import Path
from typing import NamedTuple

from ..files import write_atomic
from ..i18n import LANGUAGES, t
from ..models import device_fit, estimate, load
from ..models.plan import Plan, derive, machine
from ..progress import Progress, Work, duration
from ..settings import EFFORTS, Evaluate, resolve, stop, stops, warning
from ..text import tasks
from ..text.spacing import evenly
from ..text.tasks import problem_file
from ..twin import AUTO, Outcome, Problem, Twin, TwinError
from . import facts, figures, held_out, instructions, ratings, remembered, scores
from .outputs import Outputs
from .side_by_side import PAGE, page

_COMPLETE = EFFORTS.index("standard")  # from this effort on all figures are computed
_MAX_PROBLEMS = {"standard": 50, "thorough": 200}
_PROBLEM_TOKENS = 256  # of the answer to a problem
_MAX_FACTS = 30
# Held-out passages that are scored below that effort, and half as many of training continued.
_FEW_TEXTS = 16
_ENOUGH = 24  # answers: enough to tell a twin that answers nineteen questions in twenty


def problems(settings: Evaluate, twin: Twin) -> list[Problem]:
    """Why the evaluation can't start, and warnings."""
    of_file = list(_problems_with_file(settings))
    try:
        return [*_problems(twin), *of_file]
    except TwinError as error:
        return [Problem("stop", str(error)), *of_file]


def _problems(twin):
    documents = {passage["document"] for passage in passages(twin, "test")}
    if not documents or not questions(twin):
        yield stop("evaluate.nothing_held_out")
    elif len(documents) < ratings.FEW:
        yield warning("evaluate.few_held_out", documents=len(documents))
    if not twin.newest_adapter()[0]:
        yield stop("evaluate.no_adapter")
    if not twin.ggufs():
        yield warning("evaluate.no_gguf")
    elif twin.state("quantize").name == "stale":
        yield warning("evaluate.stale_gguf")


def _problems_with_file(settings):
    if not settings.problems:
        return
    path = Path(settings.problems).expanduser()
    if not path.exists():
        yield stop("evaluate.problem_file_missing", path=settings.problems)
        return
    yield from problem_file.issues(problem_file.read_once("file", path), path)
    if not problem_file.read_once("file", path).reason and not _of_file(path):
        yield stop("evaluate.no_short_answers", name=path.name)
    if EFFORTS.index(settings.effort) < _COMPLETE:
        yield warning("evaluate.problems_not_asked", name=path.name)


def _of_file(path):
    """Problems of a file or folder with answers that are right or wrong, each question once."""
    found = problem_file.read_once("file", path)
    problems = found.held_out or found.problems
    return {each["question"]: each for each in problems if each["kind"] == "short"}


def plan(settings: Evaluate, twin: Twin) -> Plan:
    """The number of questions and tokens for this machine, with estimates of memory and time."""
    known = {
        "base": twin.facts.get("base", {}).get("name"),
        "precision": _precision(twin),
        "short_answers": 2 * figures.own_questions(settings),
    }
    if twin.file("test").exists() and twin.file("passages").exists():
        known["held_out"] = len(questions(twin))
    return derive("evaluate", settings, machine(), known)


def _precision(twin):
    """The precision in which the twin was trained, which it also answers in."""
    report = twin.report("persona")
    return report.settings.get("precision", AUTO) if report else AUTO


def run(twin: Twin, settings: Evaluate, progress: Progress) -> Outcome:
    """Compute the models' outputs and from them the figures of figures.py.

    Raises TwinError for the first problem that keeps it from starting.
    """
    stopping = stops(problems(settings, twin))
    if stopping:
        raise TwinError(stopping[0].text)
    planned = plan(settings, twin)
    settings = resolve(settings, planned.values)
    files = _files(twin, settings)
    inputs = twin.inputs(
        twin.file("passages"),
        twin.file("test"),
        twin.adapter("persona"),
        twin.adapter("reasoning"),
        *(twin.ggufs().values() or [twin.gguf("Q8_0")]),
        *[path for path in (twin.file("memory_passages"),) if path.exists()],
        *([Path(settings.problems).expanduser()] if settings.problems else []),
        base=True,
    )
    sample = draw(twin, settings)
    counts = sample.counts(len(files))
    progress.say(t("evaluate.what_is_ahead", time=duration(planned.seconds), **counts))
    shape = estimate.shape(twin.facts["base"]["name"])
    tokens = settings.answer_tokens
    each = estimate.evaluation_seconds(machine(), shape, tokens) if shape else {}
    outputs = Outputs(twin, settings, progress, Work(sample.items(len(files)), each))
    base = load.prepare(twin.facts["base"]["name"], progress)
    outputs.use(base, twin.newest_adapter()[1], _precision(twin))
    evidence = gather(twin, settings, sample, files, outputs)
    if reading_page(twin):
        progress.say(t("evaluate.reading_page_written", path=twin.file("side_by_side")))
    measured = figures.measure(evidence)
    return Outcome(measured, inputs, _warnings(measured, evidence), settings)


def _files(twin, settings):
    """{type: path} of the GGUF files that answer: the recommended one, or all."""
    ggufs, report = twin.ggufs(), twin.report("quantize")
    if settings.files == "all":
        return ggufs
    best = device_fit.recommended_type(list(ggufs), report.figures if report else {})
    return {best: ggufs[best]} if best else {}


def _warnings(measured, evidence):
    documents = {passage["document"] for passage in evidence.sample.test}
    few = len(documents) < ratings.FEW
    sentences = [
        scores.prompt_beats_twin(measured),
        t("evaluate.few_held_out", documents=len(documents)) if few else "",
        *evidence.warnings,
    ]
    return list(filter(None, sentences))


# Questions and texts


class Sample(NamedTuple):
    """The questions and texts of one run; a list is empty if the effort leaves it out."""

    train: list  # training passages
    test: list  # held-out passages
    questions: list  # on held-out documents, then new ones
    conversations: dict  # {variant: the questions it is asked, with its system prompt}
    mine: list  # held-out texts to score
    theirs: list  # texts by other people to score
    trained: list  # training texts to score, matched to `mine`
    prefixes: list  # training passages to continue
    picks: list  # questions with four replies
    instructions: list
    problems: list  # of the owner's file
    facts: list  # questions on facts in the training passages
    unwritten: list  # questions on what the corpus doesn't mention
    known: list  # questions of rows kept apart, which the memory may not refuse

    def counts(self, files: int) -> dict[str, int]:
        """The answers to write, if `files` GGUF files answer, and the texts to read and score."""
        replies = (self.prefixes, self.instructions, self.problems, self.facts, self.unwritten)
        answers = sum(map(len, self.conversations.values())) + files * len(self.questions)
        texts = 2 * sum(map(len, (self.mine, self.theirs, self.trained))) + 3 * len(self.picks)
        return {"answers": answers + 2 * sum(map(len, replies)), "texts": texts}

    def items(self, files: int) -> dict[str, int]:
        """{kind: how many} of the outputs, in their order, if `files` GGUF files answer."""
        answers = sum(map(len, self.conversations.values()))
        of_files = files * len(self.questions)
        replies = (self.instructions, self.problems, self.facts, self.unwritten)
        return {
            "answers": answers,
            "texts": 2 * sum(map(len, (self.mine, self.theirs, self.trained))),
            "continuations": 2 * len(self.prefixes),
            "picks": 3 * len(self.picks),
            "replies": 2 * sum(map(len, replies)),
            "files": of_files,
            # Of the answers, the questions and the author's passages.
            "vectors": answers + of_files + 2 * len(self.questions),
        }


def draw(twin: Twin, settings: Evaluate) -> Sample:
    """The questions and texts of a run with these settings, from the documents in turn."""
    train, test = passages(twin, "train"), passages(twin, "test")
    complete = EFFORTS.index(settings.effort) >= _COMPLETE
    selected = held_out.round_robin(questions(twin), settings.questions)
    new = new_questions(twin, train, min(_ENOUGH, settings.questions) - len(selected))
    prompt = twin.facts.get("persona_prompt", "")
    asked = held_out.conversations(selected + new, prompt)
    if settings.effort == EFFORTS[0]:  # answers are all that takes long on a CPU
        asked |= {name: asked[name][: len(selected)] for name in ("base", "prompt")}
    most = 10**9 if complete else _FEW_TEXTS
    texts = min(2 * settings.questions, most)  # who asks few questions wants a short run
    mine = held_out.round_robin(held_out.cut(test), texts)
    sample = Sample(
        train,
        test,
        questions=selected + new,
        conversations=asked,
        mine=mine,
        theirs=held_out.impostors(mine, train),
        trained=[],
        prefixes=held_out.round_robin(train, min(settings.questions, most // 2)),
        picks=held_out.picks(questions(twin), settings.picks),
        instructions=[],
        problems=[],
        facts=[],
        unwritten=[],
        known=[],
    )
    if not complete:
        return sample
    documents = {document["id"]: document for document in twin.records("documents")}
    in_turn = held_out.round_robin(train, len(train))
    return sample._replace(
        trained=held_out.matched_train(train, mine),
        instructions=list(instructions.instructions()),
        problems=_problems_of_file(settings),
        facts=facts.own_facts(in_turn, documents, _MAX_FACTS),
        unwritten=_unwritten(twin, selected, train),
        known=remembered.known_questions(twin),
    )


def passages(twin: Twin, split: str) -> list[dict]:
    """The passages of a split, with their language."""
    return held_out.passages(twin.records("passages"), split)


def questions(twin: Twin) -> list[dict]:
    """The questions on held-out documents, as held_out.questions gives them."""
    return held_out.questions(passages(twin, "test"), twin.records("test"))


def new_questions(twin: Twin, train: list, most: int) -> list[dict]:
    """At most `most` questions of the interview that no row asks, in the corpus's languages."""
    if most < 1:
        return []
    languages = list(dict.fromkeys(passage["language"] for passage in train))
    rows = [row for split in ("train", "val", "test") for row in twin.records(split)]
    return held_out.new_questions(rows, languages, twin.facts.get("system_prompt", ""), most)


def _unwritten(twin, questions, train):
    documents = {document["id"]: document for document in twin.records("documents")}
    corpus = "\n".join(passage["text"] for passage in twin.records("passages"))
    corpus = "\n".join([corpus, *(document.get("title") or "" for document in documents.values())])
    titles = {}
    for passage in train:
        if title := documents.get(passage["document"], {}).get("title"):
            titles.setdefault(passage["language"], {})[title] = None
    trained = held_out.user_messages(twin.records("train"))
    languages = list(dict.fromkeys(question["language"] for question in questions))
    titles = {language: list(found) for language, found in titles.items()}
    return facts.never_wrote(corpus, trained, languages, titles)


def _problems_of_file(settings):
    """Problems of the owner's file, without repeated questions; [] without a file."""
    if not settings.problems:
        return []
    problems = _of_file(Path(settings.problems).expanduser())
    return evenly(list(problems.values()), _MAX_PROBLEMS[settings.effort])


# Outputs of the models


def gather(
    twin: Twin, settings: Evaluate, sample: Sample, files: dict[str, Path], outputs: Outputs
) -> figures.Evidence:
    """The models' outputs for a sample; `files` is {type: path} of the GGUF files that answer.

    Each scored text of the sample gets two fields: `gain`, the base's loss less the twin's in nats,
    and `loss`, the twin's loss divided by the base's.
    """
    answers = {
        variant: outputs.answers(variant, conversations)
        for variant, conversations in sample.conversations.items()
    }
    texts = sample.mine + sample.theirs + sample.trained
    before, after = (
        outputs.nats(trained, [text["text"] for text in texts]) for trained in (False, True)
    )
    for text, base, tuned in zip(texts, before, after):
        text["gain"], text["loss"] = base - tuned, tuned / base
    continuations = tuple(
        outputs.continuations(trained, sample.prefixes) for trained in (False, True)
    )
    picks = _picks(twin, sample.picks, outputs)
    replies = _replies(twin, sample, outputs)
    for kind, path in files.items():
        conversations = sample.conversations["twin"]
        answers[f"twin-{kind}"] = outputs.file_answers(kind, path, conversations)
    outputs.keep_answers([record for records in answers.values() for record in records])
    asked = {
        variant: _with_questions(sample, variant, records) for variant, records in answers.items()
    }
    with_memory = remembered.gather(twin, sample.facts, sample.unwritten, sample.known, outputs)
    return figures.Evidence(
        *(twin, settings, sample, asked, picks, continuations, replies),
        outputs.embedder(),
        with_memory,
    )


def _with_questions(sample, variant, records):
    """The questions with a variant's answer as `text` and its whole prompt as `prompt`."""
    conversations = sample.conversations[variant.split("-")[0]]
    return [
        {
            **question,
            "text": record["text"],
            "prompt": "\n".join(turn["content"] for turn in conversation),
        }
        for question, record, conversation in zip(sample.questions, records, conversations)
    ]


def _picks(twin, questions, outputs):
    """{variant: [(document, index of the reply picked)]}."""
    if not questions:
        return {"twin": []}
    documents, replies = zip(*((each["document"], each["replies"]) for each in questions))
    by_variant = held_out.conversations(questions, twin.facts.get("persona_prompt", ""))
    return {
        variant: list(zip(documents, outputs.picks(variant, list(zip(conversations, replies)))))
        for variant, conversations in by_variant.items()
    }


def _replies(twin, sample, outputs):
    """{set of questions: (texts of the base, of the twin)}: greedy answers.

    The twin gets its system prompt for questions about the author only: instructions and problems,
    which measure what training made it forget, are given to both without one.
    """
    persona = [{"role": "system", "content": twin.facts.get("system_prompt", "")}]
    told = [each.text for each in sample.instructions]
    problems = list(map(tasks.ask, sample.problems))
    on_facts = [each["question"] for each in sample.facts]
    on_unwritten = [each["question"] for each in sample.unwritten]
    # The twin's system prompt, the questions, tokens of an answer, the note of the progress line.
    sets = {
        "instructions": ([], told, instructions.MAX_TOKENS, t("evaluate.instructions")),
        "problems": ([], problems, _PROBLEM_TOKENS, t("evaluate.problems")),
        "facts": (persona, on_facts, facts.MAX_TOKENS, t("evaluate.facts")),
        "unwritten": (persona, on_unwritten, facts.MAX_TOKENS, t("evaluate.unwritten")),
    }
    replies = dict.fromkeys(sets, ([], []))
    for name, (system, texts, tokens, note) in sets.items():
        turns = [[{"role": "user", "content": text}] for text in texts]
        if turns:
            replies[name] = (
                outputs.replies(False, turns, tokens, note),
                outputs.replies(True, [system + turn for turn in turns], tokens, note),
            )
    return replies


# The answers to read


def side_by_side(twin: Twin) -> list[dict]:
    """[{question, real, VARIANT: text…}]: the last run's answers.

    To all held-out questions, and then to as many new ones as the page has room for.
    """
    if not twin.file("answers").exists():
        return []
    known = questions(twin) + held_out.new_questions([], list(LANGUAGES), "")
    pages = {
        question["question"]: {"question": question["question"], "real": question["real"]}
        for question in known
    }
    for answer in twin.records("answers"):
        pages.get(answer["question"], {})[answer["row"]] = answer["text"]
    answered = [page for page in pages.values() if len(page) > 2]
    own = [page for page in answered if page["real"]]
    return own + [page for page in answered if not page["real"]][: max(0, PAGE - len(own))]


def reading_page(twin: Twin) -> str:
    """Write these answers as an HTML page into the twin's folder and return it.

    Without answers the page is removed and '' returned.
    """
    html = page(side_by_side(twin), twin.author)
    if html:
        write_atomic(twin.file("side_by_side"), html)
    else:
        twin.file("side_by_side").unlink(missing_ok=True)
    return html
