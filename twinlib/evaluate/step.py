"""Step 05: how much like the author the twin is, on documents that it never saw; every row answers the same questions.

Rows: the base, the base with the persona prompt, the trained twin, and the twin as GGUF files. First samples only, the
same settings for all. What a model says is computed and kept by engines/measures.py; what it means stands in text/:
scorecard (whose writing it is), memorised (what was learnt by heart), instructions (what was forgotten), facts.
"""

from pathlib import Path
from typing import NamedTuple

from ..files import TwinError, read_records, write_atomic
from ..i18n import t
from ..models import device_fit
from ..settings import EFFORTS, resolve, stop, warning
from ..text import exercises, style
from ..twin import AUTO, Outcome, Problem, figure
from . import facts, held_out, instructions, memorization, quantization, ratings, scores
from .blind_test import analysis
from .side_by_side import page

WHOLE = EFFORTS.index("standard")  # from this effort on everything is measured
PROBLEMS = {"standard": 50, "thorough": 200}
PROBLEM_TOKENS = 256
FACTS = 30
FEW_TEXTS = 16  # held-out passages that are scored where time is short


def problems(settings, twin):
    """What keeps the twin from being measured, in sentences."""
    try:
        return _problems(twin) + _no_file(settings)
    except TwinError as error:
        return [Problem("stop", str(error))]


def _problems(twin):
    found = []
    documents = {passage["document"] for passage in _passages(twin, "test")}
    if not documents or not _questions(twin):
        found.append(stop("evaluate.no_document_held_out_nothing"))
    elif len(documents) < ratings.FEW:
        found.append(_few(documents))
    if not twin.newest_adapter()[0]:
        found.append(stop("evaluate.no_fresh_adapter_run_step"))
    if not twin.ggufs():
        found.append(warning("evaluate.no_gguf_file_row_left"))
    elif twin.state("quantize").name == "stale":
        found.append(warning("evaluate.gguf_files_older_adapter_run"))
    return found


def _no_file(settings):
    path = settings.problems
    return (
        [stop("evaluate.no_file_correct_problem_file", path=path)]
        if path and not Path(path).expanduser().is_file()
        else []
    )


def _few(documents):
    return warning("evaluate.too_few_tell_held_out", documents=len(documents))


def plan(settings, twin):
    """How many questions and tokens, with memory and time."""
    from ..models.plan import derive, machine

    facts = {"base": twin.facts.get("base", {}).get("name"), "precision": _precision(twin)}
    return derive("evaluate", settings, machine(), facts)


def _precision(twin):
    """What the twin was trained in, and answers in."""
    report = twin.report("persona")
    return report.settings.get("precision", AUTO) if report else AUTO


def run(twin, settings, progress):
    """Answer, score, compare; figures are named as in DESIGN.md, one of a row as NAME.ROW (the twin's without)."""
    from ..models import load
    from . import outputs

    stops = [problem for problem in problems(settings, twin) if problem.level == "stop"]
    if stops:
        raise TwinError(stops[0].text)
    settings = resolve(settings, plan(settings, twin).values)
    adapter, ggufs = twin.newest_adapter()[1], _ggufs(twin, settings)
    inputs = twin.inputs(
        twin.file("passages"),
        twin.file("test"),
        twin.adapter("persona"),
        twin.adapter("reasoning"),
        *(twin.ggufs().values() or [twin.gguf("Q8_0")]),
        *([Path(settings.problems).expanduser()] if settings.problems else []),
        base=True,
    )
    work = _work(twin, settings)
    keep = outputs.Keeper(twin, progress, work.size(len(ggufs)))
    rows = outputs.Rows(
        load.prepare(twin.facts["base"]["name"], progress),
        adapter,
        twin.hash(adapter),
        _precision(twin),
    )
    found = _measured(twin, settings, rows, work, ggufs, keep)
    if reading_page(twin):
        progress.say(t("evaluate.read_names_hidden_open_browser", twin=twin.file("side_by_side")))
    figures, warnings = _figures(twin, settings, work, found)
    return Outcome(figures, inputs, warnings, settings)


def _ggufs(twin, settings):
    """{type: path} of the GGUF files that answer: the recommended one, or all."""
    there, report = twin.ggufs(), twin.report("quantize")
    best = device_fit.recommended_type(list(there), report.figures if report else {})
    return there if settings.files == "all" else {best: there[best]} if best else {}


# What is asked and scored


class Work(NamedTuple):
    """What this effort asks and scores; empty where it leaves something out."""

    questions: list  # of held-out documents
    asked: dict  # {row: conversations} of the same questions
    mine: list  # held-out texts
    theirs: list  # other people's
    trained: list  # training texts beside the held-out ones
    starts: list  # training passages to go on from
    picks: list  # questions with four replies
    instructions: list
    problems: list
    facts: list
    unwritten: list

    def size(self, ggufs):
        """How many answers and scores that is."""
        return (
            (3 + ggufs) * len(self.questions)
            + 3 * len(self.picks)
            + 2
            * sum(
                map(
                    len,
                    (
                        self.starts,
                        self.mine,
                        self.theirs,
                        self.trained,
                        self.instructions,
                        self.problems,
                        self.facts,
                        self.unwritten,
                    ),
                )
            )
        )


def _work(twin, settings):
    passages = {split: _passages(twin, split) for split in ("train", "test")}
    train = passages["train"]
    questions = held_out.spread(_questions(twin), settings.questions)
    whole = EFFORTS.index(settings.effort) >= WHOLE
    mine = held_out.spread(
        held_out.cut(passages["test"]), 2 * settings.questions if whole else FEW_TEXTS
    )
    corpus = "\n".join(passage["text"] for passage in twin.records("passages"))
    languages = list(dict.fromkeys(question["language"] for question in questions))
    asked = [
        turn["content"]
        for row in twin.records("train")
        for turn in row["messages"]
        if turn["role"] == "user"
    ]
    documents = (
        {document["id"]: document for document in twin.records("documents")} if whole else {}
    )
    return Work(
        questions,
        held_out.conversations(questions, twin.facts.get("persona_prompt", "")),
        mine,
        held_out.others(mine, train),
        held_out.alike(train, mine) if whole else [],
        held_out.spread(train, max(8, settings.questions)),
        held_out.picks(_questions(twin), settings.picks),
        list(instructions.INSTRUCTIONS) if whole else [],
        _solved(settings) if whole else [],
        facts.own_facts(held_out.spread(train, len(train)), documents, FACTS) if whole else [],
        facts.never_wrote(corpus, asked, languages) if whole else [],
    )


def _passages(twin, split):
    return held_out.passages(twin.records("passages"), split)


def _questions(twin):
    return held_out.questions(_passages(twin, "test"), twin.records("test"))


def _solved(settings):
    """Problems of the owner's file, each question once."""
    if not settings.problems:
        return []
    found, _ = exercises.read_problems(
        Path(settings.problems).expanduser().read_text(encoding="utf-8-sig")
    )
    found = list({problem["question"]: problem for problem in found}.values())
    most = PROBLEMS[settings.effort]
    return found if len(found) <= most else [found[i * len(found) // most] for i in range(most)]


# What the models say


class Found(NamedTuple):
    """What the models said and how likely they found what; lists in the order of the Work's."""

    answers: dict  # {row: records}
    copies: list  # how the base goes on from training passages, and how the twin does
    picks: dict  # {row: places of the replies picked}
    replies: dict  # {instructions, problems, facts, unwritten: (the base's texts, the twin's)}


def _measured(twin, settings, rows, work, ggufs, keep):
    """The Found of a Work; its texts get their `gain` in nats and their `loss` relative to the base's."""
    from . import outputs

    answers = {
        row: outputs.answers(rows, row, asked, settings, keep) for row, asked in work.asked.items()
    }
    texts = work.mine + work.theirs + work.trained
    before, after = (
        outputs.nats(rows, trained, [text["text"] for text in texts], keep)
        for trained in (False, True)
    )
    for text, base, tuned in zip(texts, before, after):
        text["gain"], text["loss"] = base - tuned, tuned / base
    copies = [outputs.continuations(rows, trained, work.starts, keep) for trained in (False, True)]
    asked = held_out.conversations(work.picks, twin.facts.get("persona_prompt", ""))
    picks = {
        row: outputs.picked(
            rows, row, list(zip(said, [pick["replies"] for pick in work.picks])), keep
        )
        for row, said in asked.items()
        if work.picks
    }
    replies = _replies(twin, rows, work, keep)
    for kind, path in ggufs.items():
        answers[f"twin-{kind}"] = outputs.gguf_answers(
            twin, kind, path, work.asked["twin"], settings, keep
        )
    keep.only([answer for row in answers.values() for answer in row])
    return Found(answers, copies, picks, replies)


def _replies(twin, rows, work, keep):
    """What the base and the twin answer where the score card asks them itself; its own prompt only where the owner
    would be asked, for what the base could do is asked of both without."""
    from . import outputs

    persona = [{"role": "system", "content": twin.facts.get("system_prompt", "")}]
    asked = {
        "instructions": (
            [],
            [one.text for one in work.instructions],
            instructions.TOKENS,
            t("evaluate.instructions"),
        ),
        "problems": (
            [],
            [exercises.ask(problem) for problem in work.problems],
            PROBLEM_TOKENS,
            t("evaluate.problems"),
        ),
        "facts": (
            persona,
            [one["question"] for one in work.facts],
            facts.TOKENS,
            t("evaluate.own_facts"),
        ),
        "unwritten": (
            persona,
            [one["question"] for one in work.unwritten],
            facts.TOKENS,
            t("evaluate.never_wrote"),
        ),
    }
    found = {}
    for name, (system, questions, tokens, note) in asked.items():
        turns = [{"role": "user", "content": question} for question in questions]
        if turns:
            found[name] = [
                outputs.replies(
                    rows,
                    trained,
                    [[*(system if trained else []), turn] for turn in turns],
                    tokens,
                    keep,
                    note,
                )
                for trained in (False, True)
            ]
    return found


# The figures


def _figures(twin, settings, work, found):
    """(figures, warnings), in the order of the score card."""
    rows = {
        name: [
            {
                **question,
                "text": answer["text"],
                "prompt": "\n".join(turn["content"] for turn in told),
            }
            for question, answer, told in zip(work.questions, row, work.asked[name.split("-")[0]])
        ]
        for name, row in found.answers.items()
    }
    own = [answer for name, row in rows.items() if name.startswith("twin") for answer in row]
    train, test = _passages(twin, "train"), _passages(twin, "test")
    whole = EFFORTS.index(settings.effort) >= WHOLE
    later = ratings.not_run(settings.effort)
    known = {
        language: style.voice(
            [p["text"] for p in train if p["language"] == language],
            held_out.voices(language),
            language,
        )
        for language in {question["language"] for question in work.questions}
    }
    copied, warnings = memorization.copied(
        *found.copies, [p["text"] for p in test], [p["text"] for p in train], own
    )
    figures = {
        "fool_rate": _fool_rate(twin),
        **_named(
            "sounds_like_me",
            {
                name: scores.sounds_like_me(known, row, rows["base"], name)
                for name, row in rows.items()
            },
        ),
        **(
            _named("told_apart", {name: scores.told_apart(row, name) for name, row in rows.items()})
            if whole
            else {"told_apart": later}
        ),
        "prediction_gain": scores.prediction_gain(work.mine, work.theirs),
        **_picks(settings, work, found),
        **copied,
        "membership": memorization.membership(work.trained, work.mine) if whole else later,
        "personal_data": scores.personal_data(own),
        **_named("nonsense", scores.nonsense(rows)),
        **(
            _abilities(settings, work, found.replies, rows)
            if whole
            else dict.fromkeys(("forgetting", "own_facts", "never_wrote"), later)
        ),
        **quantization.loss(
            twin.report("quantize"), twin.state("quantize").name, list(twin.ggufs())
        ),
    }
    documents = {passage["document"] for passage in test}
    beaten, few = scores.prompt_beats_twin(figures), len(documents) < ratings.FEW
    return figures, ([beaten] if beaten else []) + (
        [_few(documents).text] if few else []
    ) + warnings


def _named(name, rows):
    """{NAME: the twin's figure, NAME.ROW: each other row's}."""
    return {name: rows["twin"]} | {
        f"{name}.{row}": found for row, found in rows.items() if row != "twin"
    }


def _picks(settings, work, found):
    if not settings.picks:
        return {"pick_my_reply": ratings.not_run(settings.effort, "quick")}
    chosen = {
        row: [(pick["document"], place) for pick, place in zip(work.picks, places)]
        for row, places in found.picks.items()
    } or {"twin": []}
    return _named(
        "pick_my_reply", {row: scores.pick_my_reply(places, row) for row, places in chosen.items()}
    )


def _abilities(settings, work, replies, rows):
    """Figures of what the twin still can, what it knows of the owner, and what it makes up."""
    followed = [
        [instructions.follows(one, said) for one, said in zip(work.instructions, texts)]
        for texts in replies["instructions"]
    ]
    figures = instructions.forgetting(*followed)
    if work.problems:
        solved = [
            [
                exercises.is_correct(said, problem["answer"])
                for problem, said in zip(work.problems, texts)
            ]
            for texts in replies["problems"]
        ]
        figures |= instructions.forgetting(
            *solved, name="forgetting.problems", what=("problems", "道题")
        )
    else:
        figures["forgetting.problems"] = figure(
            None, note=t("evaluate.run_name_file_problems_gsm8ks")
        )
    return {
        **figures,
        **facts.own_facts_figures(work.facts, *replies.get("facts", ([], []))),
        **facts.never_wrote_figures(
            work.unwritten, *replies.get("unwritten", ([], [])), rows["twin"]
        ),
    }


def _fool_rate(twin):
    """The newest blind test's figure, from the codes that friends sent back."""
    tests, codes = twin.file("blind_tests"), twin.file("blind_codes")
    made = read_records(tests, "blind-test") if tests.exists() else []
    text = codes.read_text(encoding="utf-8", errors="replace") if codes.exists() else ""
    return analysis.fool_rate(made[-1] if made else None, text, {test["id"] for test in made[:-1]})


# What a person reads


def side_by_side(twin):
    """[{question, real, ROW: text…}] of the last run, to read next to each other; [] before the first run."""
    if not twin.file("answers").exists():
        return []
    found = {
        question["question"]: {"question": question["question"], "real": question["real"]}
        for question in _questions(twin)
    }
    for answer in twin.records("answers"):
        found.get(answer["question"], {})[answer["row"]] = answer["text"]
    return [page for page in found.values() if len(page) > 2]


def reading_page(twin):
    """The HTML of these answers to read, written into the twin's folder; '' and no file before there are any."""
    html = page(side_by_side(twin), twin.author)
    if html:
        write_atomic(twin.file("side_by_side"), html)
    else:
        twin.file("side_by_side").unlink(missing_ok=True)
    return html
