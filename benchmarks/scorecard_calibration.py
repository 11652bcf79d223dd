"""Does the score card tell a good twin from a bad one? Real authors, and small twins made by steps.

    python benchmarks/scorecard_calibration.py LU_XUN PEPYS [--twins FOLDER]
        [--only authors|twins|speed] [--names right under wrong over barely] [--record]

LU_XUN and PEPYS are folders of one author's writing each. *Authors*: how well the margin of
sounds-like-me separates an author's held-out passages of 500 characters from passages of people
whom the fit never saw (each invented voice is left out in turn): AUC, documents drawn again.
*Twins*, of Gemma 270M on LU_XUN: `right` (effort smoke), `over` (100 epochs on 10 documents),
`under` (three small steps), `wrong` (trained on the sample blog's author); and `barely`, PEPYS in
three small steps, measured after the card's marks were set. A twin that is already in FOLDER is
used as it is. *Speed*: tokens a second that the base answers with in torch, in batches, and in
llama.cpp. With --record the scores (no text) go to tests/scorecard_calibration.json. About an hour
on two processors, most of it for `over`.
"""

import argparse
import json
import shutil
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from twinlib import Twin, settings  # noqa: E402
from twinlib.corpus import step as corpus
from twinlib.evaluate import held_out, scores
from twinlib.evaluate import step as evaluate
from twinlib.evaluate.figures import BY_NAME
from twinlib.evaluate.outputs import Outputs
from twinlib.files import now, write_records  # noqa: E402
from twinlib.gguf import step as quantize  # noqa: E402
from twinlib.models import generate, load
from twinlib.progress import Progress  # noqa: E402
from twinlib.text import style  # noqa: E402
from twinlib.text.statistics import auc, bootstrap  # noqa: E402
from twinlib.train import persona
from twinlib.twin import Report  # noqa: E402

STEPS = {"corpus": corpus, "persona": persona, "quantize": quantize}
BASE = "gemma-3-270m"
TWINS = ("right", "under", "wrong", "over", "barely")
FEW_STEPS = {"effort": "smoke", "steps": 3, "learning_rate": 2e-5}
LENGTHS = (200, 500)  # characters of a passage
RECORD = ROOT / "tests" / "scorecard_calibration.json"
LEARNT, UNSEEN = 10, 20  # documents of `over`
WANTED = settings.make(
    "evaluate", effort="standard", questions=12, answer_tokens=80, picks=0, files="recommended"
)


def do(twin, step, **values):
    """Run a step as the command line does, unless it is done with a fresh result."""
    if twin.state(step).name == "done":
        return
    wanted = settings.make(step, **values)
    started = now()
    outcome = STEPS[step].run(twin, wanted, Progress(twin.history(step), step))
    twin.finish(
        Report(
            step,
            vars(outcome.settings),
            started,
            now(),
            {},
            {},
            outcome.inputs,
            outcome.figures,
            outcome.warnings,
        )
    )


# Authors


def authors(folders):
    """{author: {length: (AUC, low, high, passages of the author, of others)}}."""
    found = {}
    for folder in folders:
        texts = [_body(path) for path in sorted(Path(folder).iterdir()) if path.suffix == ".md"]
        language = "zh" if style.script_share(texts[0], "zh") > 0.5 else "en"
        train, unseen = [t for i, t in enumerate(texts) if i % 10], texts[::10]
        found[Path(folder).name] = {}
        for length in LENGTHS:
            fits = []
            for left_out, text in held_out.voices(language).items():
                rest = {
                    name: said
                    for name, said in held_out.voices(language).items()
                    if name != left_out
                }
                fit = style.fit_voice(train, rest, language)
                theirs = style.margins(
                    fit, _pieces(style.punctuated_like(text, "".join(train)), length)
                )
                fits.append(
                    ([style.margins(fit, _pieces(text, length)) for text in unseen], theirs)
                )
            result = (
                *_separation(fits),
                sum(map(len, fits[0][0])),
                sum(len(theirs) for _, theirs in fits),
            )
            found[Path(folder).name][str(length)] = result
            print(
                "{:10} {} characters: AUC {:.3f} ({:.3f} to {:.3f}), {} passages of the author, "
                "{} of others".format(Path(folder).name, length, *result),
                flush=True,
            )
    return found


def _separation(fits):
    """(AUC, low, high), the mean of [(margins by document of the author, margins of the voice left
    out)] of each fit; drawn again are the author's documents and the voices.
    """

    def mean(documents, chosen):
        found = [auc(sum((mine[i] for i in documents), []), theirs) for mine, theirs in chosen]
        return sum(found) / len(found)

    documents = [i for i, margins in enumerate(fits[0][0]) if margins]
    return mean(documents, fits), *bootstrap(mean, documents, fits)


def _body(path):
    text = path.read_text(encoding="utf-8")
    return text.split("---", 2)[2] if text.startswith("---") else text


def _pieces(text, length):
    return [piece for piece in style.pieces(text, length) if len(piece) == length]


# Twins


def make(name, folder, lu_xun, pepys):
    """One of the twins, made where it isn't there yet."""
    twin = Twin.open(folder / name)
    if name == "right":
        do(twin, "corpus", source=lu_xun, author="鲁迅", consent=True)
        do(twin, "persona", base=BASE, effort="smoke")
    elif name == "over":
        _few_documents(twin, lu_xun, folder)
        do(twin, "persona", base=BASE, effort="quick", epochs=100, length=256, patience=20)
    elif name == "under":
        _same_corpus(twin, make("right", folder, lu_xun, pepys))
        do(twin, "persona", base=BASE, **FEW_STEPS)
    elif name == "barely":
        do(twin, "corpus", source=pepys, author="Samuel Pepys", consent=True)
        do(twin, "persona", base=BASE, **FEW_STEPS)
    else:
        _same_corpus(twin, make("right", folder, lu_xun, pepys))
        _other_persona(twin, Twin.open(folder / "other"))
    return Twin.open(folder / name)


def _same_corpus(twin, right):
    if not twin.file("train").exists():
        shutil.copytree(right.folder("corpus"), twin.folder("corpus"), dirs_exist_ok=True)
        twin.remember(**{**right.facts, "name": twin.name, "settings": {}, "ran": {}})


def _other_persona(twin, other):
    """The adapter of another author's twin, with a report that says it belongs to this corpus."""
    if twin.adapter("persona").exists():
        return
    do(other, "corpus", source=str(ROOT / "data_samples" / "posts"), author="Ning", consent=True)
    do(other, "persona", base=BASE, effort="smoke")
    shutil.copytree(other.folder("persona"), twin.folder("persona"), dirs_exist_ok=True)
    twin.finish(
        Report(
            **{
                **vars(twin.report("persona")),
                "inputs": twin.inputs(
                    twin.file("train"), twin.file("val"), twin.file("test"), base=True
                ),
            }
        )
    )


def _few_documents(twin, lu_xun, folder):
    """Step 01 on the shortest documents; every third is learnt, in one row each, the others are
    held out, none is watched: so that nothing stops 100 epochs.
    """
    if twin.file("train").exists():
        return
    source = folder / "shortest"
    source.mkdir(exist_ok=True)
    paths = sorted(Path(lu_xun).glob("*.md"), key=lambda path: len(_body(path)))[: LEARNT + UNSEEN]
    for path in paths:
        shutil.copy(path, source)
    do(twin, "corpus", source=str(source), author="鲁迅", consent=True, raw_share=0, abstain=0)
    documents = sorted({passage["document"] for passage in twin.records("passages")})
    split = {
        document: "train" if place % 3 == 0 else "test" for place, document in enumerate(documents)
    }
    passages = [
        {**passage, "split": split[passage["document"]]} for passage in twin.records("passages")
    ]
    of = {passage["id"]: passage["split"] for passage in passages}
    rows = {
        row["passage"]: row
        for key in ("train", "val", "test")
        for row in twin.records(key)
        if row["kind"] == "qa"
    }
    write_records(twin.file("passages"), passages)
    for key in ("train", "val", "test"):
        write_records(
            twin.file(key),
            [{**row, "split": key} for row in rows.values() if of[row["passage"]] == key],
        )


def measured(twin):
    """{figures, scores} of one twin: what bears on these questions, by the card's own functions."""
    sample = evaluate.draw(twin, WANTED)._replace(
        instructions=[], problems=[], facts=[], unwritten=[], picks=[]
    )
    evidence = evaluate.gather(twin, WANTED, sample, {}, asked(twin, sample.size(0)))
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


def asked(twin, total=0):
    """The twin's models to ask."""
    twin.folder("evaluate")
    outputs = Outputs(twin, WANTED, Progress(twin.history("evaluate"), "evaluate"), total)
    outputs.use(load.prepare(twin.facts["base"]["name"]), twin.adapter("persona"))
    return outputs


def _numbers(texts):
    return [
        [text["document"], len(text["text"]), round(text["gain"], 2), round(text["loss"], 4)]
        for text in texts
    ]


# Speed


def speed(twin):
    """Tokens a second: the base and llama.cpp on the same questions."""
    from twinlib.models.llama_cpp import Llama

    do(twin, "quantize", types="Q8_0")
    prompts = [[{"role": "user", "content": f"说说第 {i} 件事。"}] for i in range(24)]
    outputs = asked(twin)
    outputs.call(generate.answers, False, prompts[:1], max_tokens=2)
    for batch in (4, 12, 24):
        started = time.monotonic()
        said = outputs.call(generate.answers, False, prompts[:batch], max_tokens=32, batch=batch)
        print(f"torch, batches of {batch}: {_per_second(said, started):.0f} tokens/s")
    with Llama(twin.gguf("Q8_0")) as llama:
        started = time.monotonic()
        said = llama.chat_many(prompts[:12], max_tokens=32)
        print(f"llama.cpp, Q8_0, four slots: {_per_second(said, started):.0f} tokens/s")


def _per_second(answers, started):
    return sum(answer.tokens for answer in answers) / (time.monotonic() - started)


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("lu_xun")
    options.add_argument("pepys")
    options.add_argument("--twins", type=Path, default=Path("twins/calibration"))
    options.add_argument("--only", choices=("authors", "twins", "speed"))
    options.add_argument(
        "--names", nargs="+", choices=TWINS, default=TWINS, help="twins to make and measure"
    )
    options.add_argument("--record", action="store_true")
    chosen = options.parse_args()
    record = json.loads(RECORD.read_text(encoding="utf-8")) if RECORD.exists() else {}
    if chosen.only in (None, "authors"):
        record["authors"] = authors((chosen.lu_xun, chosen.pepys))
    if chosen.only in (None, "twins"):
        for name in chosen.names:
            found = measured(make(name, chosen.twins, chosen.lu_xun, chosen.pepys))
            record.setdefault("twins", {})[name] = found
            for figure, one in found["figures"].items():
                print(
                    f"{name:6} {figure:16} {one['value']} ({one['low']} to {one['high']}) "
                    f"{one['note']}",
                    flush=True,
                )
    if chosen.only == "speed":
        speed(Twin.open(chosen.twins / "right"))
    if chosen.record:
        RECORD.write_text(json.dumps(record, ensure_ascii=False, indent=0) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
