"""A step whose last run was stopped or broke off: how far it came, and what goes on with it.

Its report is missing or of an earlier run, so that its state alone would say that nothing was done.
"""

from dataclasses import asdict

from .. import running
from ..i18n import t
from ..progress import note_of
from ..settings import Settings, as_asked
from ..train import checkpoints
from ..twin import Twin

_TRAINING = ("persona", "reasoning")


def cells(twin: Twin, step: str) -> tuple[str, str] | None:
    """(how far it came, what to run) as sentences; None where the step is done or never began."""
    if twin.state(step).name == "done":
        return None
    found = _saved(twin, step)
    if found:
        far = t("ui.stopped_at_step", done=found.done, total=found.total)
        if found.differs:
            return far, t("ui.stopped_other_settings", step=step, differs=found.differs)
        following = "ui.stopped_goes_on" if found.goes_on else "ui.stopped_begins_anew"
        return far, t(following, step=step)
    run = _broken_off(twin, step)
    if run is None:
        return None
    record = running.position(twin, run)
    if not record or not record.get("total"):
        return t("ui.stopped_early"), t("ui.stopped_again", step=step)
    values = {"done": record["done"], "total": record["total"], "note": note_of(record)}
    far = "ui.stopped_at" if values["note"] else "ui.stopped_at_step"
    return t(far, **values), t("ui.stopped_again", step=step)


def seconds_left(twin: Twin, step: str, settings: Settings) -> float | None:
    """What the last run of a step still takes with these settings, at the pace that it had.

    None where it was not stopped or broken off, was of other settings, or had no pace yet.
    """
    run = _broken_off(twin, step)
    if run is None or as_asked(settings, run.settings) != asdict(settings):
        return None
    record = running.position(twin, run) or {}
    if not record.get("seconds_left") or record.get("of_part"):
        return None
    if step not in _TRAINING:
        return record["seconds_left"]
    found = checkpoints.stopped_at(twin, step, settings)
    if not found or not found.goes_on or record["total"] <= record["done"]:
        return None
    ahead = max(0, record["total"] - found.done)  # what was not saved is done again
    return record["seconds_left"] * ahead / (record["total"] - record["done"])


def _saved(twin, step):
    """How far a training is saved; None without, and for other steps."""
    return checkpoints.stopped_at(twin, step) if step in _TRAINING else None


def _broken_off(twin, step):
    """The last run if it is of this step and was stopped or ended without a word; else None."""
    run = running.last(twin)
    if not run or run.step != step or run.is_alive() or not (run.stopped or run.ended is None):
        return None
    return run
