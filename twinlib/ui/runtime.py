"""Where a notebook runs (Colab, Kaggle, a laptop), what is missing there, and where twins live."""

import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from ..files import TwinError, write_atomic
from ..i18n import t
from ..twin import FILES, Twin
from .display import sentence, show

ROOT = Path(__file__).resolve().parents[2]
DRIVE = Path("/content/drive/MyDrive/twins")
LAST = ".last"  # beside the twins: which one was opened last, its name, or its path where it lies elsewhere
FIRST = "demo"
KEPT = ("torch", "torchvision", "torchaudio", "numpy", "ipywidgets", "ipython", "ipykernel")


def system():
    """'colab', 'kaggle' or 'here'."""
    if "COLAB_RELEASE_TAG" in os.environ or "COLAB_GPU" in os.environ:
        return "colab"
    return "kaggle" if "KAGGLE_KERNEL_RUN_TYPE" in os.environ else "here"


def install():
    """Install what this project needs and this machine lacks; torch, numpy and the widgets stay as they are."""
    missing = lacking(wanted())
    if missing and not _pip(missing):
        raise TwinError(t("ui.packages_installed_check_network"))
    if shutil.which("nvidia-smi"):
        _faster(lacking(wanted("gpu")))


def _faster(requirements):
    """Install what only makes a GPU faster, one by one: training also works without."""
    failed = ", ".join(need.split(">")[0] for need in requirements if not _pip([need]))
    if failed:
        print(t("ui.installed_here_transformers_engine", failed=failed), flush=True)


def _pip(requirements):
    """Install these beside what is kept; whether that worked."""
    print(t("ui.installing_packages_happens_once", requirements=len(requirements)), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        pins = Path(folder) / "kept.txt"
        pins.write_text("".join(f"{name}=={_version(name)}\n" for name in KEPT if _version(name)))
        return not subprocess.run(
            [sys.executable, "-m", "pip", "install", "-q", "-c", pins, *requirements]
        ).returncode


def wanted(extra=None):
    """The requirements in pyproject.toml, or those of one of its extras."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return project["optional-dependencies"][extra] if extra else project["dependencies"]


def lacking(requirements):
    """Those requirements that what is installed does not meet."""
    from packaging.requirements import Requirement

    found = [(text, Requirement(text)) for text in requirements]
    return [
        text
        for text, need in found
        if (need.marker is None or need.marker.evaluate())
        and not (
            _version(need.name) and need.specifier.contains(_version(need.name), prereleases=True)
        )
    ]


def _version(name):
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def open_twin(name=None, language=None, drive=False):
    """Open or make the twin called `name` and say where it lives; `language` is en, zh or both.

    `name` may be a path; None is the twin opened last on this machine, at first demo. On Colab `drive` puts twins into
    your Google Drive, where they outlive the runtime.
    """
    if language:
        os.environ["TWINLIB_LANG"] = language
    elsewhere = name is not None and (os.sep in str(name) or str(name).startswith("~"))
    # Drive isn't mounted for a twin that is given by its path: a headless run has nobody to allow it.
    folder = home(drive and (not elsewhere or DRIVE.parent.exists()))
    twin = Twin.open(name if elsewhere else folder / str(name or _last(folder)))
    twin.path = twin.path.resolve()
    with suppress(OSError):  # a full disk costs the next notebook its default, no more
        write_atomic(
            folder / LAST, twin.name if twin.path.parent == folder.resolve() else str(twin.path)
        )
    show(sentence(t("ui.twin_lives", name=twin.name, path=twin.path), "good"))
    return twin


def _last(folder):
    """The name or path of the twin opened last; demo when there is none, with a word when it is gone."""
    try:
        name = (folder / LAST).read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        name = ""
    if name and not (folder / name / FILES["facts"]).exists():
        show(sentence(t("ui.twin_opened_last_gone_another", name=name, first=FIRST), "warning"))
        return FIRST
    return name or FIRST


def home(drive=False):
    """The folder that holds the twins on this machine."""
    if "TWINLIB_TWINS" in os.environ:
        return Path(os.environ["TWINLIB_TWINS"])
    if system() == "colab":
        return _drive() if drive else Path("/content/twins")
    return Path("/kaggle/working/twins") if system() == "kaggle" else ROOT / "twins"


def _drive():
    try:
        from google.colab import drive

        if not DRIVE.parent.exists():
            drive.mount("/content/drive")
        DRIVE.mkdir(parents=True, exist_ok=True)
        return DRIVE
    except Exception as error:  # refused, timed out, full: all the same for the owner
        show(
            sentence(
                t("ui.google_drive_available_twin_stays", name=type(error).__name__), "warning"
            )
        )
        return Path("/content/twins")


def remember(twin, step, settings):
    """Keep settings as what is wanted for a step, so that its notebook starts from them."""
    from dataclasses import asdict

    twin.start(step, asdict(settings))
    show(sentence(t("ui.kept_in", path=twin.file("facts")), "good"))
