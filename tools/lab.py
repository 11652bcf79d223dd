"""Open the notebooks in JupyterLab, as copies in my_notebooks/, which git leaves alone: make lab.

What a run shows of someone's texts is saved into the copy. So the clone stays as it was fetched,
`git pull` always works, and nobody publishes by mistake what a notebook showed.
"""

import os
import sys
import time
from pathlib import Path

from strip_outputs import canonical_text

ROOT = Path(__file__).resolve().parent.parent
COPIES = "my_notebooks"
UPLOAD_MB = 300  # megabytes of an upload in a notebook
_COPIED = ".as_copied"  # folder with the notebooks as they were when they were copied
# What JupyterLab starts with where its owner has not chosen otherwise: no question about its news,
# which would lie in English over the forms.
_DEFAULTS = ROOT / "tools" / "jupyter"


def copy_notebooks(root: Path) -> None:
    """Bring the copies up to date; one whose code was changed by its owner is kept under another
    name when the project's notebook has changed, too."""
    for path in sorted((root / "notebooks").glob("*/*.ipynb")):
        name, text = path.relative_to(root / "notebooks"), path.read_text(encoding="utf-8")
        mine, copied = root / COPIES / name, root / COPIES / _COPIED / name
        before = copied.read_text(encoding="utf-8") if copied.exists() else ""
        if mine.exists() and before == text:
            continue
        if mine.exists() and canonical_text(mine.read_bytes()) != before:
            mine.rename(mine.with_stem(f"{mine.stem} {time.strftime('%Y-%m-%d %H%M%S')}"))
        for target in (mine, copied):
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8", newline="\n")


def main() -> None:
    """Start JupyterLab in the clone, so that pages and files of a twin can be opened as well."""
    sys.path.insert(0, str(ROOT))
    from twinlib import i18n

    copy_notebooks(ROOT)
    # One document at a time: with several, a list of files stands beside the notebook and leaves
    # nothing of it on a phone.
    start = f"/doc/tree/{COPIES}/{i18n.spoken()}/00_start_here.ipynb"
    lab = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={ROOT}"]
    # An upload in a notebook comes as one message, of which Jupyter takes 10 MB by default.
    size = {"websocket_max_message_size": UPLOAD_MB * 2**20 * 3 // 2}
    lab.append(f"--ServerApp.tornado_settings={size}")
    lab.append("--LabApp.news_url=None")  # nothing is fetched
    folders = [str(_DEFAULTS), os.environ.get("JUPYTER_CONFIG_PATH")]
    os.environ["JUPYTER_CONFIG_PATH"] = os.pathsep.join(filter(None, folders))
    os.environ["TWINLIB_UPLOAD_MB"] = str(UPLOAD_MB)
    os.chdir(ROOT)
    os.execv(sys.executable, [*lab, f"--LabApp.default_url={start}", *sys.argv[1:]])


if __name__ == "__main__":
    main()
