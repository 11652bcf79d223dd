"""The base models and which fit on this machine: a list for the form, a table for notebook 00."""

from ..catalogue import CATALOGUE
from ..i18n import t
from ..models import plan
from ..publish.cards import licence_name
from .display import Shown, caption, sentence, table


def offers() -> list[tuple[str, str]]:
    """(line with name, size, licence and fit, name) of each base model, as a Dropdown's options."""
    machine = plan.machine()
    lines = []
    for entry in CATALOGUE.values():
        parts = (entry.name, _size(entry), _licence(entry), _fit(entry, machine))
        lines.append((" · ".join(parts), entry.name))
    return lines


def overview() -> Shown:
    """This machine, the base recommended for it, and a table of every base model."""
    machine = plan.machine()
    base, why = plan.recommended_base(machine)
    header = (
        t("ui.base_model"),
        t("ui.size"),
        t("ui.licence"),
        t("ui.chat_model"),
        t("ui.on_this_machine"),
        t("ui.remarks"),
    )
    rows = [
        (
            entry.name,
            _size(entry),
            _licence(entry),
            t("ui.yes") if entry.instruct else t("ui.no"),
            _fit(entry, machine),
            t(entry.note) if entry.note else "",
        )
        for entry in CATALOGUE.values()
    ]
    start = sentence(t("ui.start_with", base=base) + f" ({why})", "good")
    key = "ui.machine_with_gpu" if machine["gpu"] else "ui.machine_without_gpu"
    return caption(t(key, **machine)) + start + table(header, rows)


def _size(entry):
    return f"{entry.parameters:g}B"


def _licence(entry):
    name = licence_name(entry) or t("ui.unknown_licence")
    return name if entry.commercial else f"{name} ({t('ui.no_commercial_use')})"


def _fit(entry, machine):
    precision = plan.fits(entry, machine)
    return t("ui.fits", precision=precision) if precision else t("ui.too_large")
