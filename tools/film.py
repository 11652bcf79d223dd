"""Film notebook 00 in a real browser: film.py TWINS LANGUAGE, from the upload to an answer.

Opens the notebook in JupyterLab with the twins' folder TWINS, names a new twin, uploads the sample
blog as a zip, presses the button and films the run. Where TWINS holds a finished twin, the run is
stopped after SECONDS_OF_RUN and the film goes on with that twin, in place of a quarter of an hour
or more; else it is filmed until it is done. At the end the twin is asked a question. The frames
become docs/pictures/film_LANGUAGE.webp. Needs JupyterLab, Playwright and chromium.
"""

import io
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from twinlib import Twin
from twinlib.i18n import speaking, t

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "docs" / "pictures"
FRAME = {"width": 860, "height": 640}  # CSS pixels
PROMPTS = 60  # pixels left of the outputs, which are not filmed
TALL = 7000  # of the window: JupyterLab draws only the cells in sight
SECONDS_A_FRAME = 2.5
RUN_FRAMES = 6  # of the run, evenly spaced in time
MAX_BYTES = 1_500_000
LONGEST_RUN = 3600  # seconds
SECONDS_OF_ANSWER = 240
SECONDS_OF_RUN = 120  # that are filmed where a finished twin takes over
NAMES = {"en": ("my blog", "Ning"), "zh": ("我的博客", "宁半圈")}  # of the twin and its author
QUESTIONS = {"en": "Tell me about the tram.", "zh": "说说你的自行车摊吧。"}


class Film:
    """The frames taken so far, of one page."""

    def __init__(self, page):
        self.page, self.frames = page, []

    def take(self, text: str, above: int = 20) -> bytes:
        """A frame that begins `above` pixels above the first output with a text."""
        self.page.wait_for_timeout(600)
        found = self.page.locator(".jp-OutputArea-output").get_by_text(text)
        top = found.locator("visible=true").first.bounding_box()["y"] - above
        left = self.page.locator(".jp-Notebook").first.bounding_box()["x"] + PROMPTS
        frame = self.page.screenshot(clip={"x": left, "y": max(0, top), **FRAME})
        self.frames.append(frame)
        return frame

    def save(self, path: Path) -> None:
        """Write all frames as an animated WebP."""
        from PIL import Image

        images = [Image.open(io.BytesIO(frame)).convert("RGB") for frame in self.frames]
        pause = round(1000 * SECONDS_A_FRAME)
        more = {"append_images": images[1:], "duration": pause, "loop": 0}
        images[0].save(path, save_all=True, quality=60, method=6, **more)
        size = path.stat().st_size
        print(f"{path.relative_to(ROOT)}  {len(images)} frames, {size:,} B")
        if size > MAX_BYTES:
            sys.exit(f"The film has more than {MAX_BYTES:,} bytes.")


def start_lab(folder: Path, twins: Path) -> tuple[subprocess.Popen, str]:
    """(process, address) of a JupyterLab in a folder, whose kernels know the twins' folder."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = {"port": port, "ip": "127.0.0.1", "root_dir": folder, "allow_root": True}
    flags = [f"--ServerApp.{name}={value}" for name, value in options.items()]
    flags += ["--no-browser", "--IdentityProvider.token=", "--LabApp.news_url=None"]
    environment = {**os.environ, "TWINLIB_TWINS": str(twins), "PYTHONPATH": str(ROOT)}
    server = subprocess.Popen(
        [sys.executable, "-m", "jupyterlab", *flags],
        cwd=folder,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}"
    for _ in range(300):
        try:
            urllib.request.urlopen(f"{address}/api/status", timeout=2)
            return server, address
        except OSError:
            time.sleep(0.3)
    server.terminate()
    sys.exit("JupyterLab does not answer.")


def prepare(folder: Path, code: str) -> Path:
    """Put the notebook and a zip of the sample blog into a folder."""
    shutil.copy(ROOT / "notebooks" / code / "00_start_here.ipynb", folder / "film.ipynb")
    posts = ROOT / "data_samples" / "posts"
    return Path(shutil.make_archive(str(folder / "my_blog"), "zip", posts))


def heading(number: int, part: str) -> str:
    """The heading of a part of the page."""
    return f"{number} · {t('ui.' + part)}"


def choose_twin(page, title: str) -> None:
    """Choose an entry in the list of twins."""
    label = page.get_by_text(t("ui.which_twin_is_it"), exact=True)
    page.locator(".widget-dropdown", has=label).first.locator("select").select_option(title)
    page.wait_for_timeout(4000)


def play(film: Film, upload: Path, code: str, finished: str) -> None:
    """Everything that is filmed; `finished` is the title of a finished twin, or ''."""
    page, (name, author) = film.page, NAMES[code]
    page.click(".lm-MenuBar-itemLabel >> text=Run")
    page.click(".lm-Menu-itemLabel >> text=Run All Cells")
    button = page.get_by_role("button", name=t("ui.make_my_twin"))
    button.wait_for(timeout=120_000)
    choose_twin(page, t("ui.a_new_twin"))
    page.get_by_placeholder(t("ui.name_of_new_twin")).fill(name)
    page.keyboard.press("Tab")
    page.get_by_role("button", name=t("ui.make_new_twin")).click()
    page.wait_for_timeout(6000)
    with page.expect_file_chooser() as chooser:
        page.locator("button.jupyter-widgets:has(.fa-upload):visible").first.click()
    chooser.value.set_files(str(upload))
    page.wait_for_timeout(6000)
    box = page.locator(".widget-text input:visible")
    box.nth(1).fill(author)
    page.keyboard.press("Tab")
    page.locator(".widget-checkbox input:visible").first.check()
    page.wait_for_timeout(3000)
    film.take(heading(1, "part_writing"), above=110)
    film.take(heading(3, "part_make"), above=420)
    button.click()
    run, end = [], time.monotonic() + (SECONDS_OF_RUN if finished else LONGEST_RUN)
    made = page.get_by_text(t("ui.your_twin_is_made")).locator("visible=true")
    while not made.count() and time.monotonic() < end:
        run.append(film.take(heading(3, "part_make")))
        film.frames.pop()
        page.wait_for_timeout(3000)
    film.frames += [run[i * len(run) // RUN_FRAMES] for i in range(min(RUN_FRAMES, len(run)))]
    if finished:
        page.get_by_role("button", name=t("ui.stop_it")).click()
        button.wait_for(timeout=120_000)
        choose_twin(page, finished)
    elif not made.count():
        sys.exit("The run takes too long.")
    shown = page.locator(".jp-OutputArea-output").get_by_text(t("ui.score_card_picture")[:20])
    shown.locator("visible=true").first.wait_for(timeout=120_000)
    film.take(heading(3, "part_make"))
    film.take(t("ui.score_card_picture")[:20], above=600)
    box = page.get_by_placeholder(t("talk.write_here"))
    box.fill(QUESTIONS[code])
    film.take(heading(4, "part_talk"))
    page.get_by_role("button", name=t("talk.send"), exact=True).click()
    stop = page.get_by_role("button", name=t("talk.stop"), exact=True)
    stop.wait_for()
    for _ in range(SECONDS_OF_ANSWER):  # on a busy machine its beginning is filmed
        if stop.is_visible():
            page.wait_for_timeout(1000)
    film.take(heading(4, "part_talk"))


def main(twins: str, code: str) -> None:
    """Film the notebook in a language with the twins in a folder."""
    from playwright.sync_api import sync_playwright

    chromium = next(filter(None, map(shutil.which, ("chromium", "google-chrome"))), None)
    twins_folder = Path(twins).resolve()
    finished = next(iter(sorted(twins_folder.glob("*/evaluate/report.json"))), None)
    title = Twin(finished.parents[1]).title if finished else ""
    inside = ROOT / "build"  # where the notebook finds the library, and git looks away
    inside.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=inside) as scratch, speaking(code):
        upload = prepare(Path(scratch), code)
        server, address = start_lab(Path(scratch), twins_folder)
        try:
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(
                    executable_path=chromium, args=["--no-sandbox"]
                )
                page = browser.new_page(viewport={"width": FRAME["width"] + 110, "height": TALL})
                page.goto(f"{address}/doc/tree/film.ipynb?reset")
                page.wait_for_selector(".jp-Notebook .jp-InputPrompt", timeout=120_000)
                page.wait_for_timeout(8000)  # until the kernel is connected
                film = Film(page)
                play(film, upload, code, title)
                film.save(TARGET / f"film_{code}.webp")
                browser.close()
        finally:
            server.terminate()
            server.wait(60)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
