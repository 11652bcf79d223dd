"""Checks that the score card tells good twins from bad ones, on real authors and small twins.

    python benchmarks/scorecard_calibration.py LU_XUN PEPYS [--twins FOLDER]
        [--only authors|twins|speed] [--names right under wrong over barely] [--record]

LU_XUN and PEPYS are folders of one author's writing each.

*Authors*: the AUC with which the margin of sounds_like_me separates an author's held-out passages
of 200 and of 500 characters from passages of people whom the fit never saw (each invented voice is
left out in turn), with a bootstrap interval over documents and voices.

*Twins*: Qwen2.5-Coder-0.5B trained on LU_XUN as `right` (effort standard), `over` (100 epochs on 10
documents), `under` (three small steps) and `wrong` (adapter of the sample blog's author); and
`barely`, PEPYS in three small steps, measured after the thresholds were set. A twin that already
exists in FOLDER is used as it is.

*Speed*: tokens a second of the base in torch, in batches, and of the twin in llama.cpp.

With --record the scores (no text) are written to tests/scorecard_calibration.json. Takes minutes on
a GPU, and hours on two processors.
"""

import argparse
import json
import shutil
import sys
import time
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from twinlib import Twin, settings
from twinlib.corpus import step as corpus
from twinlib.evaluate import held_out, scores
from twinlib.evaluate import step as evaluate
from twinlib.evaluate.figures import BY_NAME
from twinlib.evaluate.outputs import Outputs
from twinlib.files import now, write_records
from twinlib.gguf import step as quantize
from twinlib.models import generate, load
from twinlib.progress import Progress, Work
from twinlib.text import style
from twinlib.text.statistics import auc, bootstrap
from twinlib.train import persona
from twinlib.twin import Report

STEPS = {"corpus": corpus, "persona": persona, "quantize": quantize}
BASE = "qwen2.5-coder-0.5b-instruct"
TWINS = ("right", "under", "wrong", "over", "barely")
FEW_STEPS = {"effort": "smoke", "steps": 3, "learning_rate": 2e-5}
LENGTHS = (200, 500)  # characters of a passage
RECORD = ROOT / "tests" / "scorecard_calibration.json"
TRAINED, HELD_OUT = 10, 20  # documents of `over`
SETTINGS = settings.make(
    "evaluate", effort="standard", questions=12, answer_tokens=80, picks=0, files="recommended"
)


def run_step(twin, step, **values):
    """Run a step as the command line does, unless it is done and not stale."""
    if twin.state(step).name == "done":
        return
    started = now()
    chosen = settings.make(step, **values)
    outcome = STEPS[step].run(twin, chosen, Progress(twin.history(step), step))
    results = (outcome.inputs, outcome.figures, outcome.warnings)
    twin.finish(Report(step, vars(outcome.settings), started, now(), {}, {}, *results))


# Authors


def authors(folders):
    """{author: {length: (AUC, low, high, passages of the author, of others)}}."""
    results = {}
    for folder in map(Path, folders):
        texts = [_body(path) for path in sorted(folder.iterdir()) if path.suffix == ".md"]
        language = "zh" if style.script_share(texts[0], "zh") > 0.5 else "en"
        train, unseen = [t for i, t in enumerate(texts) if i % 10], texts[::10]
        results[folder.name] = {}
        for length in LENGTHS:
            fits = _fits(train, unseen, language, length)
            passages = (sum(map(len, fits[0][0])), sum(len(theirs) for _, theirs in fits))
            result = (*_separation(fits), *passages)
            results[folder.name][str(length)] = result
            print(
                "{:10} {} characters: AUC {:.3f} ({:.3f} to {:.3f}), {} passages of the author, "
                "{} of others".format(folder.name, length, *result),
                flush=True,
            )
    return results


def _fits(train, unseen, language, length):
    """[([margins of each unseen document], margins of the voice left out)], one for each voice."""
    voices, fits = held_out.voices(language), []
    for left_out, text in voices.items():
        others = {name: voices[name] for name in voices if name != left_out}
        fit = style.fit_voice(train, others, language)
        mine = [style.margins(fit, _pieces(text, length)) for text in unseen]
        theirs = _pieces(style.punctuated_like(text, "".join(train)), length)
        fits.append((mine, style.margins(fit, theirs)))
    return fits


def _separation(fits):
    """(AUC, low, high): the mean AUC of the fits, with documents and voices bootstrapped."""

    def mean(documents, drawn):
        areas = [auc(sum((mine[i] for i in documents), []), theirs) for mine, theirs in drawn]
        return sum(areas) / len(areas)

    documents = [i for i, margins in enumerate(fits[0][0]) if margins]
    return mean(documents, fits), *bootstrap(mean, documents, fits)


def _body(path):
    text = path.read_text(encoding="utf-8")
    return text.split("---", 2)[2] if text.startswith("---") else text


def _pieces(text, length):
    return [piece for piece in style.pieces(text, length) if len(piece) == length]


# Twins


def make(name, folder, lu_xun, pepys):
    """One of TWINS; the steps that are not done are run."""
    twin = Twin.open(folder / name)
    if name == "right":
        run_step(twin, "corpus", source=lu_xun, author="鲁迅", consent=True)
        run_step(twin, "persona", base=BASE, effort="standard")
    elif name == "over":
        _few_documents(twin, lu_xun, folder)
        run_step(twin, "persona", base=BASE, effort="quick", epochs=100, length=256, patience=20)
    elif name == "under":
        _same_corpus(twin, make("right", folder, lu_xun, pepys))
        run_step(twin, "persona", base=BASE, **FEW_STEPS)
    elif name == "barely":
        run_step(twin, "corpus", source=pepys, author="Samuel Pepys", consent=True)
        run_step(twin, "persona", base=BASE, **FEW_STEPS)
    else:
        _same_corpus(twin, make("right", folder, lu_xun, pepys))
        _other_persona(twin, Twin.open(folder / "other"))
    return Twin.open(folder / name)


def _same_corpus(twin, right):
    if not twin.file("train").exists():
        shutil.copytree(right.folder("corpus"), twin.folder("corpus"), dirs_exist_ok=True)
        twin.remember(**{**right.facts, "name": twin.name, "settings": {}, "ran": {}})


def _other_persona(twin, other):
    """Copy the adapter of another author's twin, with a report whose inputs are this corpus."""
    if twin.adapter("persona").exists():
        return
    run_step(
        other, "corpus", source=str(ROOT / "data_samples" / "posts"), author="Ning", consent=True
    )
    run_step(other, "persona", base=BASE, effort="standard")
    shutil.copytree(other.folder("persona"), twin.folder("persona"), dirs_exist_ok=True)
    inputs = twin.inputs(twin.file("train"), twin.file("val"), twin.file("test"), base=True)
    twin.finish(replace(twin.report("persona"), inputs=inputs))


def _few_documents(twin, lu_xun, folder):
    """Step 01 on the shortest documents: every third for training, one row each, the rest held out.

    None is for validation, so that nothing ends the 100 epochs early.
    """
    if twin.file("train").exists():
        return
    source = folder / "shortest"
    source.mkdir(exist_ok=True)
    paths = sorted(Path(lu_xun).glob("*.md"), key=lambda path: len(_body(path)))
    for path in paths[: TRAINED + HELD_OUT]:
        shutil.copy(path, source)
    run_step(
        twin,
        "corpus",
        source=str(source),
        author="鲁迅",
        consent=True,
        raw_share=0,
        questions="titles",
    )
    documents = sorted({passage["document"] for passage in twin.records("passages")})
    split = {
        document: "test" if number % 3 else "train" for number, document in enumerate(documents)
    }
    passages = [
        {**passage, "split": split[passage["document"]]} for passage in twin.records("passages")
    ]
    split_of = {passage["id"]: passage["split"] for passage in passages}
    rows = {
        row["passage"]: row
        for key in ("train", "val", "test")
        for row in twin.records(key)
        if row["kind"] == "qa"
    }
    write_records(twin.file("passages"), passages)
    for key in ("train", "val", "test"):
        of_split = [row for row in rows.values() if split_of[row["passage"]] == key]
        write_records(twin.file(key), [{**row, "split": key} for row in of_split])


def measure(twin):
    """{figures, scores} of one twin: four figures of the card and the scores behind them."""
    sample = evaluate.draw(twin, SETTINGS)._replace(
        instructions=[], problems=[], facts=[], unwritten=[], picks=[]
    )
    evidence = evaluate.gather(
        twin, SETTINGS, sample, {}, outputs_of(twin, Work(sample.items(0), {}))
    )
    base, answers = evidence.answers["base"], evidence.answers["twin"]
    margins, documents = scores.style_margins(evidence.voices, answers, base)
    names = ("prediction_gain", "copied", "membership", "sounds_like_me")
    figures = {}
    for name in names:
        figures |= BY_NAME[name].compute(evidence)
    return {
        "figures": {name: figures[name] for name in (*names, "copied.exact")},
        "scores": {
            **{side: _numbers(getattr(sample, side)) for side in ("mine", "theirs", "trained")},
            "margins": [
                [document, *(round(margin, 4) for margin in three)]
                for document, three in zip(documents, margins)
            ],
        },
    }


def outputs_of(twin, work=None):
    """The Outputs of the twin's base and adapter."""
    twin.folder("evaluate")
    outputs = Outputs(twin, SETTINGS, Progress(twin.history("evaluate"), "evaluate"), work)
    outputs.use(load.prepare(twin.facts["base"]["name"]), twin.adapter("persona"))
    return outputs


def _numbers(texts):
    return [
        [text["document"], len(text["text"]), round(text["gain"], 2), round(text["loss"], 4)]
        for text in texts
    ]


# Speed


def speed(twin):
    """Print tokens a second of the base in torch and of the twin in llama.cpp."""
    from twinlib.models.llama_cpp import Llama

    run_step(twin, "quantize", types="Q8_0")
    prompts = [[{"role": "user", "content": f"说说第 {i} 件事。"}] for i in range(24)]
    outputs = outputs_of(twin)
    outputs.call(generate.answers, False, prompts[:1], max_tokens=2)
    for batch in (4, 12, 24):
        started = time.monotonic()
        answers = outputs.call(generate.answers, False, prompts[:batch], max_tokens=32, batch=batch)
        print(f"torch, batches of {batch}: {_per_second(answers, started):.0f} tokens/s")
    with Llama(twin.gguf("Q8_0")) as llama:
        started = time.monotonic()
        answers = llama.chat_many(prompts[:12], max_tokens=32)
        print(f"llama.cpp, Q8_0, four slots: {_per_second(answers, started):.0f} tokens/s")


def _per_second(answers, started):
    return sum(answer.tokens for answer in answers) / (time.monotonic() - started)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("lu_xun")
    parser.add_argument("pepys")
    parser.add_argument("--twins", type=Path, default=Path("twins/calibration"))
    parser.add_argument("--only", choices=("authors", "twins", "speed"))
    parser.add_argument(
        "--names", nargs="+", choices=TWINS, default=TWINS, help="twins to make and measure"
    )
    parser.add_argument("--record", action="store_true")
    options = parser.parse_args()
    record = json.loads(RECORD.read_text(encoding="utf-8")) if RECORD.exists() else {}
    if options.only in (None, "authors"):
        record["authors"] = authors((options.lu_xun, options.pepys))
    if options.only in (None, "twins"):
        for name in options.names:
            measured = measure(make(name, options.twins, options.lu_xun, options.pepys))
            record.setdefault("twins", {})[name] = measured
            for figure, m in measured["figures"].items():
                interval = f"({m['low']} to {m['high']})"
                print(f"{name:6} {figure:16} {m['value']} {interval} {m['note']}", flush=True)
    if options.only == "speed":
        speed(Twin.open(options.twins / "right"))
    if options.record:
        RECORD.write_text(json.dumps(record, ensure_ascii=False, indent=0) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
