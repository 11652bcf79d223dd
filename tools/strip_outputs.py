"""Git's filter for the notebooks: on standard input a notebook as saved, on standard output its
cells without outputs, counts and the front end's metadata.

So a notebook that was run is unchanged for git, and nobody commits what it showed of their texts.
The first cell of every notebook sets the filter up (twinlib.ui.runtime). Needs nothing but Python.
"""

import json
import sys

METADATA = {
    "accelerator": "GPU",
    "colab": {"gpuType": "T4", "provenance": []},
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
# By cell id: the code of the first cell is folded on Colab and in JupyterLab.
_CELL_METADATA = {
    "parameters": {"tags": ["parameters"]},
    "setup": {"cellView": "form", "jupyter": {"source_hidden": True}},
}


def canonical(cells: list[dict]) -> str:
    """The text of an .ipynb file with these cells, as it stands in the repository."""
    content = {
        "cells": [_cell(cell) for cell in cells],
        "metadata": METADATA,
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def _cell(cell):
    name, source = cell.get("id", ""), cell["source"]
    text = source if isinstance(source, str) else "".join(source)
    kept = {"cell_type": cell["cell_type"], "id": name, "source": text.splitlines(keepends=True)}
    code = {"execution_count": None, "outputs": []} if cell["cell_type"] == "code" else {}
    return kept | code | {"metadata": _CELL_METADATA.get(name, {})}


def canonical_text(saved: bytes) -> str:
    """The same of a notebook's file as saved; '' when it is no notebook."""
    try:
        return canonical(json.loads(saved.decode("utf-8"))["cells"])
    except (ValueError, KeyError, TypeError):
        return ""


if __name__ == "__main__":
    text = canonical_text(sys.stdin.buffer.read())
    sys.exit(1) if not text else sys.stdout.buffer.write(text.encode("utf-8"))
