"""Step 05: how much like the author the twin is, on documents that it never saw.

Every variant answers the same questions: the base, the base with the persona prompt, the trained
twin, and the twin as GGUF files. First samples only, the same settings for all. What the models say
is computed and kept by outputs.py; what it means is in figures.py.
"""

from pathlib import Path
from typing import NamedTuple

from ..files import write_atomic
from ..i18n import t
from ..models import device_fit
from ..settings import EFFORTS, resolve, stop, stops, warning
from ..text import exercises
from ..twin import AUTO, Outcome, Problem, TwinError
from . import facts, figures, held_out, instructions, ratings, scores
from .side_by_side import page

_WHOLE = EFFORTS.index("standard")  # from this effort on everything is measured
_MAX_PROBLEMS = {"standard": 50, "thorough": 200}
_PROBLEM_TOKENS = 256
_MAX_FACTS = 30
_FEW_TEXTS = 16  # held-out passages that are scored where time is short


def problems(settings, twin) -> list[Problem]:
    """What keeps the twin from being measured, in sentences."""
    try:
        return [*_problems(twin), *_missing_file(settings)]
    except TwinError as error:
        return [Problem("stop", str(error))]


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


def _missing_file(settings):
    path = settings.problems
    if path and not Path(path).expanduser().is_file():
        yield stop("evaluate.problem_file_missing", path=path)


def plan(settings, twin):
    """How many questions and tokens, with memory and time."""
    from ..models.plan import derive, machine

    known = {
        "base": twin.facts.get("base", {}).get("name"),
        "precision": _precision(twin),
        "short_answers": 2 * figures.own_questions(settings),
    }
    return derive("evaluate", settings, machine(), known)


def _precision(twin):
    """What the twin was trained in, and answers in."""
    report = twin.report("persona")
    return report.settings.get("precision", AUTO) if report else AUTO


def run(twin, settings, progress) -> Outcome:
    """Answer, score, compare; the figures are those of figures.py, with NAME.VARIANT."""
    from ..models import load
    from .outputs import Outputs

    stopping = stops(problems(settings, twin))
    if stopping:
        raise TwinError(stopping[0].text)
    settings = resolve(settings, plan(settings, twin).values)
    files = _files(twin, settings)
    inputs = twin.inputs(
        twin.file("passages"),
        twin.file("test"),
        twin.adapter("persona"),
        twin.adapter("reasoning"),
        *(twin.ggufs().values() or [twin.gguf("Q8_0")]),
        *([Path(settings.problems).expanduser()] if settings.problems else []),
        base=True,
    )
    sample = draw(twin, settings)
    outputs = Outputs(twin, settings, progress, sample.size(len(files)))
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


# What is asked and scored


class Sample(NamedTuple):
    """What a run asks and scores; a list is empty where the effort leaves it out."""

    train: list  # the author's passages
    test: list
    questions: list  # of held-out documents
    conversations: dict  # {variant: the same questions as it is asked them}
    mine: list  # held-out texts
    theirs: list  # other people's texts
    trained: list  # training texts matched to the held-out ones
    prefixes: list  # training passages to continue
    picks: list  # questions with four replies
    instructions: list
    problems: list
    facts: list
    unwritten: list

    def size(self, files: int) -> int:
        """How many answers and scores that is, with so many GGUF files."""
        of_both = (
            *(self.mine, self.theirs, self.trained, self.prefixes),
            *(self.instructions, self.problems, self.facts, self.unwritten),
        )
        answers = (3 + files) * len(self.questions)
        return answers + 3 * len(self.picks) + 2 * sum(map(len, of_both))


def draw(twin, settings) -> Sample:
    """What a run with these settings asks and scores, from the held-out documents in turn."""
    train, test = passages(twin, "train"), passages(twin, "test")
    whole = EFFORTS.index(settings.effort) >= _WHOLE
    asked = held_out.round_robin(questions(twin), settings.questions)
    texts = 2 * settings.questions if whole else _FEW_TEXTS
    mine = held_out.round_robin(held_out.cut(test), texts)
    sample = Sample(
        train,
        test,
        questions=asked,
        conversations=held_out.conversations(asked, twin.facts.get("persona_prompt", "")),
        mine=mine,
        theirs=held_out.impostors(mine, train),
        trained=[],
        prefixes=held_out.round_robin(train, max(8, settings.questions)),
        picks=held_out.picks(questions(twin), settings.picks),
        instructions=[],
        problems=[],
        facts=[],
        unwritten=[],
    )
    if not whole:
        return sample
    documents = {document["id"]: document for document in twin.records("documents")}
    in_turn = held_out.round_robin(train, len(train))
    return sample._replace(
        trained=held_out.matched_train(train, mine),
        instructions=list(instructions.instructions()),
        problems=_problems_of_file(settings),
        facts=facts.own_facts(in_turn, documents, _MAX_FACTS),
        unwritten=_unwritten(twin, asked),
    )


def passages(twin, split: str) -> list[dict]:
    """The passages of a split, with their language."""
    return held_out.passages(twin.records("passages"), split)


def questions(twin) -> list[dict]:
    """The questions of held-out documents."""
    return held_out.questions(passages(twin, "test"), twin.records("test"))


def _unwritten(twin, questions):
    corpus = "\n".join(passage["text"] for passage in twin.records("passages"))
    trained = [
        turn["content"]
        for row in twin.records("train")
        for turn in row["messages"]
        if turn["role"] == "user"
    ]
    languages = list(dict.fromkeys(question["language"] for question in questions))
    return facts.never_wrote(corpus, trained, languages)


def _problems_of_file(settings):
    """Problems of the owner's file, each question once."""
    if not settings.problems:
        return []
    text = Path(settings.problems).expanduser().read_text(encoding="utf-8-sig")
    problems = {problem["question"]: problem for problem in exercises.read_problems(text)[0]}
    return facts.evenly(list(problems.values()), _MAX_PROBLEMS[settings.effort])


# What the models say


def gather(twin, settings, sample: Sample, files: dict, outputs) -> figures.Evidence:
    """What the models say to a sample, whose texts get `gain` (nats) and `loss` (the base's is 1)."""
    answers = {
        variant: outputs.answers(variant, asked) for variant, asked in sample.conversations.items()
    }
    texts = sample.mine + sample.theirs + sample.trained
    before, after = (
        outputs.nats(trained, [text["text"] for text in texts]) for trained in (False, True)
    )
    for text, base, tuned in zip(texts, before, after):
        text["gain"], text["loss"] = base - tuned, tuned / base
    continuations = tuple(outputs.continuations(on, sample.prefixes) for on in (False, True))
    picks = _picks(twin, sample.picks, outputs)
    replies = _replies(twin, sample, outputs)
    for kind, path in files.items():
        conversations = sample.conversations["twin"]
        answers[f"twin-{kind}"] = outputs.file_answers(kind, path, conversations)
    outputs.keep_answers([record for records in answers.values() for record in records])
    answered = {variant: _answered(sample, variant, said) for variant, said in answers.items()}
    return figures.Evidence(twin, settings, sample, answered, picks, continuations, replies)


def _answered(sample, variant, records):
    """The questions with a variant's answer as `text` and all that it was given as `prompt`."""
    conversations = sample.conversations[variant.split("-")[0]]
    return [
        {
            **question,
            "text": record["text"],
            "prompt": "\n".join(turn["content"] for turn in conversation),
        }
        for question, record, conversation in zip(sample.questions, records, conversations)
    ]


def _picks(twin, picks, outputs):
    if not picks:
        return {"twin": []}
    documents, replies = zip(*((pick["document"], pick["replies"]) for pick in picks))
    asked = held_out.conversations(picks, twin.facts.get("persona_prompt", ""))
    return {
        variant: list(zip(documents, outputs.picks(variant, list(zip(conversations, replies)))))
        for variant, conversations in asked.items()
    }


def _replies(twin, sample, outputs):
    """Greedy answers of base and twin to the score card's own questions.

    The twin gets its system prompt for questions to the author only: what the base could do is
    asked of both without.
    """
    persona = [{"role": "system", "content": twin.facts.get("system_prompt", "")}]
    facts_asked = [one["question"] for one in sample.facts]
    unwritten = [one["question"] for one in sample.unwritten]
    asked = {
        "instructions": ([], [one.text for one in sample.instructions], instructions.MAX_TOKENS),
        "problems": ([], [exercises.ask(one) for one in sample.problems], _PROBLEM_TOKENS),
        "facts": (persona, facts_asked, facts.MAX_TOKENS),
        "unwritten": (persona, unwritten, facts.MAX_TOKENS),
    }
    notes = {
        "instructions": t("evaluate.instructions"),
        "problems": t("evaluate.problems"),
        "facts": t("evaluate.facts"),
        "unwritten": t("evaluate.unwritten"),
    }
    replies = dict.fromkeys(asked, ([], []))
    for name, (system, texts, tokens) in asked.items():
        turns = [[{"role": "user", "content": text}] for text in texts]
        if turns:
            replies[name] = (
                outputs.replies(False, turns, tokens, notes[name]),
                outputs.replies(True, [system + turn for turn in turns], tokens, notes[name]),
            )
    return replies


# What a person reads


def side_by_side(twin) -> list[dict]:
    """[{question, real, VARIANT: text…}] of the last run, to read next to each other."""
    if not twin.file("answers").exists():
        return []
    pages = {
        question["question"]: {"question": question["question"], "real": question["real"]}
        for question in questions(twin)
    }
    for answer in twin.records("answers"):
        pages.get(answer["question"], {})[answer["row"]] = answer["text"]
    return [page for page in pages.values() if len(page) > 2]


def reading_page(twin) -> str:
    """The HTML of these answers, written into the twin's folder; '' and no file without any."""
    html = page(side_by_side(twin), twin.author)
    if html:
        write_atomic(twin.file("side_by_side"), html)
    else:
        twin.file("side_by_side").unlink(missing_ok=True)
    return html
