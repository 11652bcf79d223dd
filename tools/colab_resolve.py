"""Print what installing the `gpu` extra would change on Colab; torch, numpy and widgets must stay.

Resolves pyproject.toml for Colab's Python against the versions that Colab has
(tests/colab-freeze.txt), keeping each of those where our ranges allow it, as pip does. The exit
status is 1 when a package of UNTOUCHED would change.
"""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FREEZE = ROOT / "tests" / "colab-freeze.txt"
# Not printed: Colab's torch is built for another CUDA than PyPI's, whose packages it doesn't need.
TORCH_PACKAGES = ("nvidia-", "cuda-")
UNTOUCHED = ("torch", "numpy", "ipywidgets", "ipython")
PYTHON = "3.13"
PLATFORM = "x86_64-manylinux_2_31"
# The second is its name in older versions of uv.
SYSTEM_CERTIFICATES = {"UV_SYSTEM_CERTS": "1", "UV_NATIVE_TLS": "1"}


def versions(text: str) -> dict[str, str]:
    """{name: version} of the name==version lines; a local part such as +cu128 is left off."""
    lines = re.findall(
        r"^([A-Za-z0-9._-]+)==([0-9][0-9A-Za-z.!]*)(?:\+\S*)?\s*$", text, re.MULTILINE
    )
    return {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in lines}


def pins(present: dict[str, str], names: Iterable[str]) -> str:
    """The lines name==version of those `names` that are in `present`."""
    return "".join(f"{name}=={present[name]}\n" for name in names if name in present)


def resolve(present: dict[str, str]) -> dict[str, str]:
    """{name: version} after installing twinlib[gpu] where `present` is installed."""
    with tempfile.TemporaryDirectory() as folder:
        output, constraints = Path(folder) / "requirements.txt", Path(folder) / "constraints.txt"
        output.write_text(
            pins(present, present), encoding="utf-8"
        )  # uv prefers the versions in its output file
        constraints.write_text(pins(present, UNTOUCHED), encoding="utf-8")
        options = f"--extra gpu --python-version {PYTHON} --python-platform {PLATFORM}"
        files = ["--constraint", constraints, "--output-file", output, ROOT / "pyproject.toml"]
        uv = f"-m uv pip compile -q {options} --no-header --no-annotate".split()
        environment = {**os.environ, **SYSTEM_CERTIFICATES}
        run = subprocess.run(
            [sys.executable, *uv, *files], capture_output=True, encoding="utf-8", env=environment
        )
        if run.returncode:
            sys.exit(f"The gpu extra can't be installed on Colab:\n{run.stderr}")
        return versions(output.read_text(encoding="utf-8"))


def main() -> bool:
    """Print the changes and a summary; returns whether a package of UNTOUCHED would change."""
    pip = "-m pip install -q --disable-pip-version-check uv".split()
    subprocess.run([sys.executable, *pip], check=True)
    present = versions(FREEZE.read_text(encoding="utf-8"))
    after = resolve(present)
    for name in sorted(after):
        if present.get(name) != after[name] and not name.startswith(TORCH_PACKAGES):
            print(f"{name}: {present.get(name, 'not there')} -> {after[name]}")
    touched = [name for name in UNTOUCHED if name in after and after[name] != present.get(name)]
    passed = len(UNTOUCHED) - len(touched)
    names = ", ".join(UNTOUCHED)
    print(f"{len(touched)} failed, {passed} passed: {names} stay as Colab has them")
    return bool(touched)


if __name__ == "__main__":
    sys.exit(main())
