"""Make the README's pictures and the pages to play with from a finished twin: pictures.py TWIN.

Writes docs/pictures/ and docs/sample/, in each language, from the twin's own files and by the code
that shows them in the notebooks. The owner's answers in the blind test of the sample are the
author's held-out passages, as nobody else can answer for the author of the sample blog; where less
than PAIRS of a language were held out, passages that the twin learnt from fill the test up. Needs
Playwright and chromium, as tests/ do.
"""

import io
import shutil
import sys
import tempfile
from pathlib import Path

from twinlib import Twin
from twinlib.evaluate import side_by_side, step
from twinlib.evaluate.blind_test import page, pairs
from twinlib.evaluate.blind_test.step import trial
from twinlib.evaluate.figures import BY_NAME
from twinlib.files import content_id, write_atomic
from twinlib.i18n import LANGUAGES, speaking
from twinlib.models.llama_cpp import Llama
from twinlib.text.script import language_of
from twinlib.ui import display, plots, plotting, score_card, summary, tables

ROOT = Path(__file__).resolve().parent.parent
PICTURES, SAMPLE = ROOT / "docs" / "pictures", ROOT / "docs" / "sample"
PHONE = {"width": 390, "height": 780}  # CSS pixels of every picture
SHARP = 1.5  # pixels of a picture in one of these
COLOURS = 160  # a picture of text needs no more
MAX_BYTES = 600_000  # of all pictures
SHOWN = ("question", "real", "twin", "base")  # whose answers are on the page that is read
_PAGE = (
    '<!doctype html><meta charset=utf-8><body style="margin:14px;background:#fff;color:#1d1f21;'
    "font:15px/1.5 'DejaVu Sans','Noto Sans CJK SC','WenQuanYi Micro Hei',sans-serif\">{html}"
)
# Show all names, and of the questions the first whose answers fit on the screen.
_FIRST_THAT_FITS = """
document.querySelector('.switch input').click();
const all = [...document.querySelectorAll('section')];
const one = all.find(each => each.offsetHeight < innerHeight) || all[0];
document.querySelector('.top').style.visibility = 'hidden';
scrollTo(0, one.getBoundingClientRect().top + scrollY - 8);
"""
# A friend of the blind test draws the order of its questions.
_SAME_ORDER = "crypto.getRandomValues = numbers => numbers.fill(7);"
PAIRS = 6  # of the blind test, at least
NAMES = {"en": "Ning", "zh": "宁半圈"}  # of the sample blog's author
_LOCALES = {"en": "en-GB", "zh": "zh-CN"}


def answers(twin: Twin, code: str) -> list[dict]:
    """The questions in a language with the author's own passage and the models' answers."""
    of_twin = [each for each in step.side_by_side(twin) if each.get("real") and "twin" in each]
    return [
        {name: each[name] for name in SHOWN if name in each}
        for each in of_twin
        if language_of(each["question"]) == code
    ]


def blind_test(twin: Twin, asked: list[dict], code: str) -> str:
    """The blind test's page of these answers; its key is the same in every run."""
    ended = {(r["question"], r["text"]): r["ended"] for r in twin.records("answers")}
    records = {}
    for each in asked:  # several questions are about one passage
        text = each["twin"]
        record = {"text": text, "row": "twin", "ended": ended.get((each["question"], text), True)}
        records.setdefault(each["real"], (each["question"], record))
    records |= learnt(twin, code, PAIRS - len(records))
    trials = [
        {**trial(question, real, record), "first": int(content_id(question), 16) % 2}
        for real, (question, record) in records.items()
    ]
    about = {"author": NAMES[code], "to": "", "made": 0, "file": "", "model_sha": ""}
    about |= {"sample": True, "language": code}
    return page.page({**about, "id": pairs.new_id(trials), "trials": trials})


def learnt(twin: Twin, code: str, wanted: int) -> dict[str, tuple[str, dict]]:
    """{passage: (question, the twin's answer)} of `wanted` texts that it learnt from, one each."""
    if wanted <= 0:
        return {}
    documents = {passage["id"]: passage["document"] for passage in twin.records("passages")}
    first = {}
    for row in twin.records("train"):
        question, answer = tables.turn(row, "user"), tables.turn(row, "assistant")
        fits = row["kind"] == "qa" and language_of(answer) == code == language_of(question)
        if fits and len(answer) > 60:
            first.setdefault(documents[row["passage"]], (question, answer))
    chosen = sorted(first.values(), key=lambda pair: content_id(pair[0]))[:wanted]
    system = {"role": "system", "content": twin.facts["system_prompt"]}
    found = {}
    with Llama(next(iter(twin.ggufs().values()))) as llama:
        for question, answer in chosen:
            most = round(1.5 * len(llama.tokenize(answer, special=False)))
            asked = [system, {"role": "user", "content": question}]
            reply = llama.chat(asked, most, None, seed=1, recommended=True)
            record = {"text": reply.text, "row": "twin", "ended": reply.ended}
            found[answer] = (question, record)
    return found


def training(twin: Twin) -> str:
    """Notebook 02's verdict and curves."""
    return (summary.shown(twin, "persona") + plots.curves(twin, "persona")).html


def verdict(twin: Twin) -> str:
    """The score card's verdict and picture."""
    figures = twin.report("evaluate").figures
    names = [name for name in BY_NAME if figures.get(name, {}).get("value") is not None]
    picture = display.Shown(plotting.embedded(score_card.plot(names, figures)), "")
    return (summary.shown(twin, "evaluate") + picture).html


def shown(html: str) -> str:
    """A page of what a notebook shows."""
    return _PAGE.format(html=html)


def screens(twin: Twin, code: str) -> dict[str, tuple[str, str]]:
    """{picture: (HTML, JavaScript that brings up what is pictured)}."""
    asked = answers(twin, code)
    if not asked:
        sys.exit(f"{twin.path} has no answers beside the author's own in '{code}': run step 05.")
    read = side_by_side.page(asked, NAMES[code], visitors=True)
    test = blind_test(twin, asked, code)
    write_atomic(SAMPLE / f"side_by_side_{code}.html", read.encode())
    write_atomic(SAMPLE / f"blind_test_{code}.html", test.encode())
    return {
        "answers": (read, _FIRST_THAT_FITS),
        "training": (shown(training(twin)), ""),
        "verdict": (shown(verdict(twin)), ""),
        "blind": (test, "document.querySelector('button.main').click();scrollTo(0,0);"),
    }


def compressed(png: bytes) -> bytes:
    """A PNG with COLOURS colours."""
    from PIL import Image

    packed = io.BytesIO()
    image = Image.open(io.BytesIO(png)).convert("RGB")
    image.quantize(COLOURS, dither=Image.Dither.NONE).save(packed, "PNG", optimize=True)
    return packed.getvalue()


def main(path: str) -> None:
    """Write all pictures and pages of the twin in a folder."""
    from playwright.sync_api import sync_playwright

    browser_path = next(filter(None, map(shutil.which, ("chromium", "google-chrome"))), None)
    twin, total = Twin.open(path), 0
    for folder in (PICTURES, SAMPLE):
        folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as scratch:
        browser = playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
        for code in LANGUAGES:
            context = browser.new_context(
                viewport=PHONE, locale=_LOCALES[code], device_scale_factor=SHARP, offline=True
            )
            with speaking(code):
                pages = screens(twin, code)
            for name, (html, script) in pages.items():
                file = Path(scratch) / f"{name}.html"
                file.write_text(html, encoding="utf-8")
                window = context.new_page()
                window.add_init_script(_SAME_ORDER)
                window.goto(file.as_uri())
                if script:
                    window.evaluate(script)
                picture = compressed(window.screenshot(animations="disabled"))
                write_atomic(PICTURES / f"{name}_{code}.png", picture)
                print(f"docs/pictures/{name}_{code}.png  {len(picture):,} B")
                total += len(picture)
        browser.close()
    if total > MAX_BYTES:
        sys.exit(f"The pictures have {total:,} bytes; {MAX_BYTES:,} is the limit.")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
