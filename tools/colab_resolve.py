"""Print what installing the `gpu` extra would change on Colab; torch, numpy and widgets must stay.

Resolves pyproject.toml for Colab's Python against the versions that Colab has
(tests/colab-freeze.txt), keeping each of those where our ranges allow it, as pip does; what is
missing there is taken in the tested version of requirements.txt. The exit
status is 1 when a package of UNTOUCHED would change.
"""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from packaging.requirements import Requirement

from twinlib.ui import runtime

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


def lacking(present: dict[str, str]) -> list[str]:
    """The requirements in pyproject.toml that `present` does not meet."""
    needs = [Requirement(text) for text in runtime.wanted()]
    return [
        str(need)
        for need in needs
        if (need.marker is None or need.marker.evaluate())
        and not need.specifier.contains(present.get(runtime.name_of(need.name), "0"))
    ]


def resolve(present: dict[str, str], constraints: str, extra: str = "") -> dict[str, str]:
    """{name: version} after installing twinlib where `present` is installed, as runtime does."""
    with tempfile.TemporaryDirectory() as folder:
        output, kept = Path(folder) / "requirements.txt", Path(folder) / "constraints.txt"
        output.write_text(
            pins(present, present), encoding="utf-8"
        )  # uv prefers the versions in its output file
        kept.write_text(constraints, encoding="utf-8")
        options = f"--python-version {PYTHON} --python-platform {PLATFORM}"
        options += f" --extra {extra}" * bool(extra)
        files = ["--constraint", kept, "--output-file", output, ROOT / "pyproject.toml"]
        uv = f"-m uv pip compile -q {options} --no-header --no-annotate".split()
        environment = {**os.environ, **SYSTEM_CERTIFICATES}
        run = subprocess.run(
            [sys.executable, *uv, *files], capture_output=True, encoding="utf-8", env=environment
        )
        if run.returncode:
            sys.exit(f"It can't be installed on Colab, with '{extra}':\n{run.stderr}")
        return {**present, **versions(output.read_text(encoding="utf-8"))}


def installed(present: dict[str, str]) -> dict[str, str]:
    """{name: version} after the first cell of a notebook: what is tested, then what a GPU likes."""
    untouched = pins(present, UNTOUCHED)
    tested = "\n".join(runtime.tested(lacking(present), present.get))
    after = resolve(present, untouched + tested)
    own = [runtime.name_of(need) for need in runtime.wanted()]
    return resolve(after, untouched + pins(after, dict.fromkeys(own)), "gpu")


def main() -> bool:
    """Print the changes and a summary; returns whether a package of UNTOUCHED would change."""
    pip = "-m pip install -q --disable-pip-version-check uv".split()
    subprocess.run([sys.executable, *pip], check=True)
    present = versions(FREEZE.read_text(encoding="utf-8"))
    after = installed(present)
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
