"""A step whose last run was stopped or broke off: how far it came, and what goes on with it.

Its report is missing or of an earlier run, so that its state alone would say that nothing was done.
"""

from .. import running
from ..i18n import t
from ..progress import note_of
from ..train import checkpoints
from ..twin import Twin

_TRAINING = ("persona", "reasoning")


def cells(twin: Twin, step: str) -> tuple[str, str] | None:
    """(how far it came, what to run) as sentences; None where the step is done or never began."""
    if twin.state(step).name == "done":
        return None
    found = checkpoints.stopped_at(twin, step) if step in _TRAINING else None
    if found:
        following = "ui.stopped_goes_on" if found.goes_on else "ui.stopped_begins_anew"
        far = t("ui.stopped_at_step", done=found.done, total=found.total)
        return far, t(following, step=step)
    run = running.last(twin)
    if not run or run.step != step or run.is_alive() or not (run.stopped or run.ended is None):
        return None
    record = running.position(twin, run)
    if not record or not record.get("total"):
        return t("ui.stopped_early"), t("ui.stopped_again", step=step)
    values = {"done": record["done"], "total": record["total"], "note": note_of(record)}
    far = "ui.stopped_at" if values["note"] else "ui.stopped_at_step"
    return t(far, **values), t("ui.stopped_again", step=step)
