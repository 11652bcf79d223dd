"""The base models and which fit on this machine: a list for the form, a table for notebook 00."""

from ..catalogue import CATALOGUE
from ..i18n import t
from ..models import plan
from ..publish.cards import licence_name
from .display import Shown, caption, sentence, table


def offers() -> list[tuple[str, str]]:
    """(one line with size, licence and fit, name) of each base model, for a list to choose from."""
    here = plan.machine()
    lines = []
    for entry in CATALOGUE.values():
        parts = (entry.name, _size(entry), _licence(entry), _fit(entry, here))
        lines.append((" · ".join(parts), entry.name))
    return lines


def overview() -> Shown:
    """What this machine is, the base to start with on it, and every base model."""
    here = plan.machine()
    base, why = plan.recommended_base(here)
    header = (
        t("ui.base_model"),
        t("ui.size"),
        t("ui.licence"),
        t("ui.chat_model"),
        t("ui.on_this_machine"),
        t("ui.good_know"),
    )
    rows = [
        (
            entry.name,
            _size(entry),
            _licence(entry),
            t("ui.yes") if entry.instruct else t("ui.no"),
            _fit(entry, here),
            t(entry.note) if entry.note else "",
        )
        for entry in CATALOGUE.values()
    ]
    start = sentence(t("ui.start_with", base=base) + f" ({why})", "good")
    return caption(_machine(here)) + start + table(header, rows)


def _machine(here):
    machine = {name: here[name] for name in ("cpu", "cores", "memory_gb")}
    if here["gpu"]:
        return t("ui.machine_with_gpu", **machine, gpu=here["gpu"], gpu_gb=here["gpu_gb"])
    return t("ui.machine_without_gpu", **machine)


def _size(entry):
    return f"{entry.parameters:g}B"


def _licence(entry):
    name = licence_name(entry) or t("ui.unknown_licence")
    return name if entry.commercial else f"{name} ({t('ui.no_commercial_use')})"


def _fit(entry, here):
    precision = plan.fits(entry, here)
    return t("ui.fits", precision=precision) if precision else t("ui.too_large")
