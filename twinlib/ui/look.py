"""What a cell that looks at a step's result shows when there is no result: a sentence, no error."""

from collections.abc import Callable
from functools import wraps

from ..files import TwinError
from ..i18n import t
from ..twin import STEPS
from .display import Shown, sentence


def look(step: str) -> Callable:
    """A decorator for functions whose first argument is the twin and that show a result of `step`.

    Where there is nothing to show because the step has no report, and where a file is damaged, they
    return a sentence instead of raising TwinError.
    """

    def decorate(function):
        @wraps(function)
        def shown(twin, *arguments, **options):
            try:
                result = function(twin, *arguments, **options)
                return _or_reason(result, twin, step)
            except TwinError as error:
                return _or_reason(sentence(str(error), "stop"), twin, step, failed=True)

        return shown

    return decorate


def _or_reason(result, twin, step, failed=False):
    """`result`, or why there is none when it is empty or `failed` for want of a report."""
    empty = isinstance(result, Shown) and not result.html
    try:
        missing = twin.report(step) is None
    except TwinError as error:
        return sentence(str(error), "stop")
    if missing and (empty or failed):
        return sentence(t("ui.nothing_yet", number=f"{STEPS.index(step) + 1:02}"))
    return result
