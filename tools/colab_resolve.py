"""What installing the `gpu` extra on Colab would change; torch, numpy and the widgets must stay.

Resolves pyproject.toml for Colab's Python against the versions that Colab has
(tests/colab-freeze.txt), keeping each of those where our ranges allow it, as pip does. Prints the
changes; exit status 1 when one of the four would change.
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FREEZE = ROOT / "tests" / "colab-freeze.txt"
# Colab's torch is built for another CUDA than PyPI's, so PyPI's CUDA packages are not installed.
TORCHS_OWN = ("nvidia-", "cuda-")
UNTOUCHED = ("torch", "numpy", "ipywidgets", "ipython")
PYTHON = "3.13"
SYSTEM_CERTIFICATES = {
    "UV_SYSTEM_CERTS": "1",
    "UV_NATIVE_TLS": "1",
}  # the second is its name in older versions


def versions(text):
    """{name: version} of the name==version lines; a local part such as +cu128 is left off."""
    lines = re.findall(
        r"^([A-Za-z0-9._-]+)==([0-9][0-9A-Za-z.!]*)(?:\+\S*)?\s*$", text, re.MULTILINE
    )
    return {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in lines}


def resolve(present):
    """{name: version} after installing twinlib[gpu] where `present` is."""
    with tempfile.TemporaryDirectory() as folder:
        out, kept = Path(folder) / "requirements.txt", Path(folder) / "kept.txt"
        out.write_text(
            "".join(f"{n}=={v}\n" for n, v in present.items())
        )  # what stands in the output is preferred
        kept.write_text("".join(f"{n}=={present[n]}\n" for n in UNTOUCHED if n in present))
        run = subprocess.run(
            [
                sys.executable,
                "-m",
                "uv",
                "pip",
                "compile",
                str(ROOT / "pyproject.toml"),
                "--extra",
                "gpu",
                "--python-version",
                PYTHON,
                "--python-platform",
                "x86_64-manylinux_2_31",
                "--constraint",
                str(kept),
                "--output-file",
                str(out),
                "--quiet",
                "--no-header",
                "--no-annotate",
            ],
            capture_output=True,
            text=True,
            env={**os.environ, **SYSTEM_CERTIFICATES},
        )
        if run.returncode:
            sys.exit(f"The gpu extra can't be installed on Colab:\n{run.stderr}")
        return versions(out.read_text())


def main():
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", "uv"],
        check=True,
    )
    present = versions(FREEZE.read_text())
    after = resolve(present)
    for name in sorted(after):
        if present.get(name) != after[name] and not name.startswith(TORCHS_OWN):
            print(f"{name}: {present.get(name, 'not there')} -> {after[name]}")
    touched = [
        name for name in UNTOUCHED if after.get(name, present.get(name)) != present.get(name)
    ]
    passed = len(UNTOUCHED) - len(touched)
    names = ", ".join(UNTOUCHED)
    print(f"{len(touched)} failed, {passed} passed: {names} stay as Colab has them")
    return bool(touched)


if __name__ == "__main__":
    sys.exit(main())
