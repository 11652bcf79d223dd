"""This machine and the base models: what fits, in a list for the form and in a table for the first notebook."""

from ..catalogue import CATALOGUE
from ..i18n import t
from ..models import plan
from ..publish.cards import licence_name
from .display import caption, sentence, table


def offers():
    """[(one line with size, licence and fit, name)] of the catalogue, for a list to choose from."""
    here = plan.machine()
    return [
        (
            " · ".join([entry.name, f"{entry.parameters:g}B", _licence(entry), _fit(entry, here)]),
            entry.name,
        )
        for entry in CATALOGUE.values()
    ]


def overview():
    """What this machine is, what we would start with on it, and every base model with what it takes."""
    here = plan.machine()
    base, why = plan.recommended_base(here)
    header = (
        t("ui.base_model"),
        t("ui.size"),
        t("ui.licence"),
        t("ui.chat_model"),
        t("ui.machine"),
        t("ui.good_know"),
    )
    rows = [
        (
            entry.name,
            f"{entry.parameters:g}B",
            _licence(entry),
            t("ui.yes") if entry.instruct else t("ui.no"),
            _fit(entry, here),
            t(*entry.note),
        )
        for entry in CATALOGUE.values()
    ]
    return (
        caption(_words(here))
        + sentence(t("ui.start", base=base) + f" ({why})", "good")
        + table(header, rows)
    )


def _words(here):
    gpu = f"{here['gpu']}, {here['gpu_gb']:g} GB"
    en, zh = (gpu, gpu) if here["gpu"] else ("no NVIDIA GPU", "没有英伟达显卡")
    return t(
        "ui.machine_cores_gb_memory",
        cpu=here["cpu"],
        cores=here["cores"],
        memory_gb=here["memory_gb"],
        en=en,
        zh=zh,
    )


def _licence(entry):
    name = licence_name(entry) or t("ui.unknown_licence")
    return name if entry.commercial else f"{name} ({t('ui.no_commercial_use')})"


def _fit(entry, here):
    way = plan.fits(entry, here)
    return t("ui.fits", way=way) if way else t("ui.too_large")
