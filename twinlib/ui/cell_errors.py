"""A sentence instead of Python's error for a name that was typed into a cell without quotes.

`TWIN = me` is a NameError before anything of ours runs. The set-up cell lets the kernel ask here
first. Where that cell has not run since the kernel started, Python's own error stays; Colab's form
field puts the quotes itself.
"""

import json
import re
import traceback
from types import TracebackType

from ..i18n import t

_TYPED = re.compile(r"\s*(?P<name>TWIN|USE_DRIVE)\s*=\s*(?P<value>.*?)\s*(?:#.*)?")
_QUOTES = " '\"“”‘’„«»「」『』`"


def explain_in_kernel() -> None:
    """Let this kernel say what to type; a handler of somebody else's stays."""
    from IPython import get_ipython

    shell = get_ipython()
    if shell is not None and not shell.custom_exceptions:
        shell.set_custom_exc((NameError, SyntaxError), _show)


def _show(shell, kind, error, trace, tb_offset=None):
    """Show an error of a cell: one sentence where that says what to type, else as Python does."""
    if said := sentence_for(error, trace):
        shell._showtraceback(kind, error, [said])
    else:
        shell.showtraceback((kind, error, trace), tb_offset=tb_offset)


def sentence_for(error: NameError | SyntaxError, trace: TracebackType | None) -> str:
    """What to type instead of the line of a cell that the error is about; '' for any other."""
    if isinstance(error, SyntaxError):
        line = error.text or ""
    else:
        line = next((frame.line or "" for frame in reversed(traceback.extract_tb(trace))), "")
    typed = _TYPED.fullmatch(line.rstrip("\n"))
    if not typed:
        return ""
    if typed["name"] == "USE_DRIVE":
        return t("ui.true_or_false", name=typed["name"])
    return t(
        "ui.name_in_quotes", name=json.dumps(typed["value"].strip(_QUOTES), ensure_ascii=False)
    )
