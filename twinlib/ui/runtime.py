"""Where a notebook runs (Colab, Kaggle, a laptop): packages to install, folders of twins."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterable
from contextlib import suppress
from difflib import get_close_matches
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from .. import PROJECT, sample
from ..files import TwinError, write_atomic
from ..i18n import LANGUAGES, REMEMBERED, both, choose, listed, spoken, t
from ..twin import FILES, Twin
from ..twin_folder import in_latin_letters
from . import cell_errors
from .display import Shown, caption, esc, sentence, show

ROOT = Path(__file__).resolve().parents[2]
_DRIVE = Path("/content/drive/MyDrive/twins")
_COLAB = Path("/content/twins")
_LAST = ".last"  # file in the twins' folder: the name or path of the twin opened last
# Of the languages that the browser asks for, the first one that there are notebooks in counts.
_SHOW_LINK = """<script>
(() => {{
  const ours = {}, asked = (navigator.languages || []).map(code => code.slice(0, 2).toLowerCase());
  const first = asked.find(code => ours.includes(code));
  for (const link of document.querySelectorAll(".twinlib-other"))
    link.style.display = link.lang === first ? "" : "none";
}})();
</script>"""
_NEAR = 0.7  # similarity from which a new name may be a slip of an existing one
# A name is no path: these look the same, and no system takes them for folders.
_SLASHES = str.maketrans("/\\", "／＼")
_cell: dict[str, str] = {}  # what the last open_twin was called with
# Never installed or changed, because the notebook runs on them.
_PINNED = ("torch", "torchvision", "torchaudio", "numpy", "ipywidgets", "ipython", "ipykernel")


def system() -> str:
    """'colab', 'kaggle', or 'here' for any other machine."""
    if "COLAB_RELEASE_TAG" in os.environ or "COLAB_GPU" in os.environ:
        return "colab"
    return "kaggle" if "KAGGLE_KERNEL_RUN_TYPE" in os.environ else "here"


def notebook_url(name: str, language: str = "") -> str:
    """The address of a notebook in a language, the reader's by default: on Colab and Kaggle from
    the project, in Jupyter the file beside the open one or in the folder of the other language."""
    project = PROJECT.removeprefix("https://github.com/")
    file = f"{project}/blob/main/notebooks/{language or spoken()}/{name}.ipynb"
    addresses = {
        "colab": f"https://colab.research.google.com/github/{file}",
        "kaggle": f"https://www.kaggle.com/notebooks/welcome?src=https://github.com/{file}"
        "&accelerator=nvidiaTeslaT4",
    }
    return addresses.get(system(), f"../{language}/{name}.ipynb" if language else f"{name}.ipynb")


def notebook_folder() -> Path:
    """The folder of the open notebook, whose set-up cell has changed the working folder."""
    from IPython import get_ipython

    return Path(getattr(get_ipython(), "starting_dir", os.getcwd())).resolve()


def install(language: str | None = None, name: str = "") -> None:
    """Install the packages that are missing; torch, numpy and the widgets stay as they are.

    `language` is the notebook's, a code of i18n.LANGUAGES: what is shown is in it from here on.
    `name` is the notebook's: a reader whose browser is in another language is led to it there.
    """
    if language:
        _speak(language)
    if language and name:
        show(_in_other_languages(name, language))
    _keep_outputs_out_of_git()
    cell_errors.explain_in_kernel()
    missing = lacking(wanted())
    if missing and not _pip(missing):
        raise TwinError(t("ui.packages_not_installed"))
    if shutil.which("nvidia-smi"):
        _install_for_gpu(lacking(wanted("gpu")))


def _in_other_languages(name, language):
    """A link to the notebook in each other language, seen where the browser's is that one.

    The kernel can't know it: on Colab and Kaggle its locale says nothing. So the browser decides.
    """
    links = "".join(
        f'<div class="twinlib-other" lang="{code}" style="display:none">'
        f'<a href="{notebook_url(name, code)}" target="_blank" style="font-size:120%">{esc(text)}'
        "</a></div>"
        for code, text in both("ui.notebook_in_your_language").items()
        if code != language
    )
    return Shown(links + _SHOW_LINK.format(json.dumps(LANGUAGES)), "")


def _speak(language):
    os.environ["TWINLIB_LANG"] = language
    with suppress(OSError):  # where nothing can be noted, the terminal goes by the locale
        home().mkdir(parents=True, exist_ok=True)
        write_atomic(home() / REMEMBERED, language)


def _keep_outputs_out_of_git():
    """Set up the filter that .gitattributes names, where the project is a clone.

    With it a notebook that was run stays unchanged for git. If the filter can't run, git refuses to
    add the notebook rather than add what it shows. What is written into the clone's settings is
    said, once, with the command that takes it out again.
    """
    python = Path(sys.executable).as_posix()
    clean = f'PY="{python}"; [ -x "$PY" ] || PY=python3; "$PY" tools/strip_outputs.py'
    if not (ROOT / ".git").is_dir() or not shutil.which("git"):
        return
    # With `required` git refuses to check out as well, unless the way back is named, too.
    git, is_new = ["git", "-C", str(ROOT), "config"], False
    for name, value in (("clean", clean), ("smudge", "cat"), ("required", "true")):
        key = f"filter.twinlib.{name}"
        found = subprocess.run([*git, key], capture_output=True, encoding="utf-8").stdout
        if found.strip() != value:
            # A clone that can't be written stays as it is.
            is_new |= subprocess.run([*git, key, value], capture_output=True).returncode == 0
    if is_new:
        print(t("ui.git_leaves_outputs_out"), flush=True)


def _install_for_gpu(requirements):
    """Install packages that make a GPU faster, one by one, since training works without them.

    What the project needs stays as it is: they may ask for other versions of it.
    """
    kept = _as_installed(name_of(need) for need in wanted())
    failed = ", ".join(name_of(need) for need in requirements if not _pip([need], kept))
    if failed:
        print(t("ui.gpu_packages_not_installed", failed=failed), flush=True)


def _pip(requirements, kept=()):
    """Install these, in the tested versions where that is possible; returns whether that worked.

    The packages of _PINNED, and the lines name==version in `kept`, stay as they are.
    """
    print(t("ui.installing_packages", count=len(requirements)), flush=True)
    kept = [*_as_installed(_PINNED), *kept]
    pins = tested(requirements)
    if pins and _run_pip(requirements, [*kept, *pins]):
        return True
    if pins:
        print(t("ui.untested_versions"), flush=True)
    return _run_pip(requirements, kept)


def _run_pip(requirements, constraints):
    with tempfile.TemporaryDirectory() as folder:
        pins = Path(folder) / "pins.txt"
        pins.write_text("\n".join(dict.fromkeys(constraints)), encoding="utf-8")
        pip = [sys.executable, "-m", "pip", "install", "-q", "-c", pins]
        return subprocess.run([*pip, *requirements]).returncode == 0


def _as_installed(names):
    """Lines name==version of those packages that are installed."""
    return [f"{name}=={_version(name)}" for name in dict.fromkeys(names) if _version(name)]


def tested(requirements: Iterable[str], has: Callable[[str], object] | None = None) -> list[str]:
    """The pins in requirements.txt of what these install: of themselves, and of what isn't there.

    `has` tells of a name whether its package is there, by default whether it is installed. What is
    there and good enough keeps its version.
    """
    has, names = has or _version, {name_of(need) for need in requirements}
    file = ROOT / "requirements.txt"
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    pins = [line for line in lines if "==" in line and not line.startswith("#")]
    return [pin for pin in pins if name_of(pin) in names or not has(name_of(pin))]


def name_of(requirement: str) -> str:
    """The name of a requirement's package, spelt as pip compares it."""
    name = re.match(r"[A-Za-z0-9._-]+", requirement)[0]
    return re.sub(r"[-_.]+", "-", name).lower()


def wanted(extra: str | None = None) -> list[str]:
    """The requirements in pyproject.toml, or those of one of its extras."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return project["optional-dependencies"][extra] if extra else project["dependencies"]


def lacking(requirements: Iterable[str]) -> list[str]:
    """The requirements that the installed packages do not meet."""
    from packaging.requirements import Requirement

    def is_met(need):
        installed = _version(need.name)
        return installed is not None and need.specifier.contains(installed, prereleases=True)

    needs = [(text, Requirement(text)) for text in requirements]
    return [
        text
        for text, need in needs
        if (need.marker is None or need.marker.evaluate()) and not is_met(need)
    ]


def _version(name):
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def open_twin(
    name: str | Path | None = None, language: str | None = None, drive: bool = False
) -> Twin:
    """Open or make the twin called `name`, and say which; `language`: en, zh or both.

    `name` is in any script, or a path; None is the twin opened last on this machine, at first demo.
    On Colab `drive` puts twins into your Google Drive, where they outlive the runtime.
    """
    if language:
        os.environ["TWINLIB_LANG"] = language
    if isinstance(name, Twin):  # TWIN = twin, of a cell that ran before
        name = name.path
    if not isinstance(name, (str, Path, int, type(None))):  # TWIN = run, a name of Python's
        raise TwinError(t("ui.name_in_quotes", name='"…"'))
    chosen = str(name or "").strip()
    is_path = _is_path(chosen)
    # Drive isn't mounted for a twin given by its path: in a headless run nobody can allow it.
    folder = home(drive and (not is_path or _DRIVE.parent.exists()))
    others, _cell["names"] = titles(folder), chosen
    wanted = _wanted(folder, chosen or _last(folder))
    is_new = not (Twin.locate(wanted) / FILES["facts"]).exists()
    twin = Twin.open(wanted)
    twin.path = twin.path.resolve()
    _note_last(folder, twin)
    show(_opened(twin, is_new, bool(chosen), [title for title in others if title != twin.title]))
    return twin


def _is_path(text):
    """Whether a text says where a twin lies; else it is a name, as AC/DC is."""
    path = Path(text)
    within = os.sep in text and path.parent.is_dir()
    # '.' and '~' are no names: joined to a folder they would be the folder itself.
    return text == "." or text.startswith("~") or path.is_absolute() or within


def _wanted(folder, text):
    """The path that a text names, in the folder of twins unless it is one by itself."""
    return text if _is_path(text) else folder / text.translate(_SLASHES)


def reopen(twin: Twin, name: str) -> Shown:
    """Let `twin` be the one called `name` beside it, made if there is none; returns what to say.

    `name` may be the path of a twin elsewhere.
    """
    folder = twin.path.parent
    wanted, others = _wanted(folder, name.strip()), titles(folder)
    is_new = not (Twin.locate(wanted) / FILES["facts"]).exists()
    twin.become(Twin.open(wanted))
    for place in (folder, home()):  # the same, unless this twin lies elsewhere or on Drive
        _note_last(place, twin)
    return _opened(twin, is_new, True, [title for title in others if title != twin.title])


def named_by_cell() -> str:
    """The TWIN that a cell gave to open_twin; '' for none."""
    return _cell.get("names", "")


def _note_last(folder, twin):
    in_folder = twin.path.parent == folder.resolve()
    with suppress(OSError):  # on a full disk only the next notebook's default is lost
        write_atomic(folder / _LAST, twin.name if in_folder else str(twin.path))


def _opened(twin, is_new, by_name, others):
    """Sentences that say which twin was opened or made, and which the owner may have meant."""
    key = "ui.new_twin" if is_new else "ui.twin_opened"
    shown = sentence(t(key, name=twin.title, path=twin.path), "good")
    near = nearest(twin.title, others) if is_new else None
    if near:
        return shown + sentence(t("ui.did_you_mean", name=near), "warning")
    if others and not by_name:
        return shown + caption(t("ui.other_twins", names=choose(listed(others))))
    return shown


def nearest(name: str, others: Iterable[str]) -> str | None:
    """The name of which this one may be a slip, by its letters or by how it is spelt; or None."""
    for key in (str.casefold, lambda text: in_latin_letters(text).casefold()):
        keys = {key(other): other for other in others}
        for close in get_close_matches(key(name), keys, 1, _NEAR):
            return keys[close]
    return None


def titles(folder: Path) -> list[str]:
    """The names of the twins in a folder, as their owner gave them."""
    return [title for title, _ in _twins(folder)]


def to_choose_from(twin: Twin) -> list[tuple[str, str]]:
    """(what is shown, what `reopen` takes) of the twins that can be opened instead of this one.

    These are those beside it, and where it lies elsewhere, also those in the folder of twins.
    """
    beside = twin.path.parent
    names = dict.fromkeys([*titles(beside), twin.title])
    chosen = [(name, name) for name in names]
    folder = home()
    if folder.resolve() != beside.resolve():
        chosen += [
            (f"{name} · {path.parent}" if name in names else name, str(path.absolute()))
            for name, path in _twins(folder)
        ]
    return chosen


def _twins(folder):
    """(name, path) of the twins in a folder."""
    found = []
    for facts in sorted(folder.glob(f"[!.]*/{FILES['facts']}")):  # no import that was stopped
        with suppress(TwinError, OSError):
            found.append((Twin(facts.parent).title, facts.parent))
    return found


def _last(folder):
    """The name or path of the twin opened last; 'demo' when there is none or it is gone."""
    try:
        name = (folder / _LAST).read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        name = ""
    if name and not (folder / name / FILES["facts"]).exists():
        show(sentence(t("ui.last_twin_is_gone", name=name, first=sample.TWIN), "warning"))
        return sample.TWIN
    return name or sample.TWIN


def home(drive: bool = False) -> Path:
    """The folder that holds the twins on this machine."""
    if "TWINLIB_TWINS" in os.environ:
        return Path(os.environ["TWINLIB_TWINS"])
    if system() == "colab":
        return _mounted_drive() if drive else _COLAB
    return Path("/kaggle/working/twins") if system() == "kaggle" else ROOT / "twins"


def _mounted_drive():
    """The twins' folder in Google Drive; the runtime's own disk where there is no Drive."""
    try:
        from google.colab import drive

        if not _DRIVE.parent.exists():
            drive.mount("/content/drive")
        _DRIVE.mkdir(parents=True, exist_ok=True)
        return _DRIVE
    except Exception as error:  # refused, timed out, full: of several types
        show(sentence(t("ui.no_google_drive", error=type(error).__name__), "warning"))
        return _COLAB
