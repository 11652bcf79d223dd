"""The command `probe`: the estimate of probe.py alone, before step 03 with the same settings."""

from .. import commands
from ..i18n import choose, t
from ..progress import Progress
from ..settings import Reasoning, resolve
from ..twin import Twin
from . import probe, reasoning

plan, problems = reasoning.plan, reasoning.problems


def run(twin: Twin, settings: Reasoning, progress: Progress) -> None:
    """Probe, print what it says and keep it: the next run with the same settings uses it."""
    if not resolve(settings, plan(settings, twin).values).probe:
        progress.say(t("practice.no_probe"))
        return
    training, (train, _), _, inputs = reasoning.begin(twin, settings, progress, is_run=False)
    found = probe.run(training, train, probe.asked_for(training.settings, inputs))
    if not commands.notebook_of("reasoning"):  # which shows it with its picture
        progress.say(choose(probe.said(found)))
