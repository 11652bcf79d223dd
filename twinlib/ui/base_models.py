"""The base models and which fit on this machine: a list for the form, a table for notebook 00."""

from collections.abc import Callable

from .. import settings as declared
from ..catalogue import CATALOGUE, Entry, entry
from ..i18n import both, choose, listed, t
from ..models import pip_base, plan
from ..progress import duration
from ..publish.cards import licence_name
from ..twin import Twin
from .display import Shown, caption, noted_table, sentence, table

Planner = Callable[[str], plan.Plan]  # from the name of a base to its plan


def offers(planned: Planner) -> list[tuple[str, str]]:
    """(line with name, fit, time and download, name) of each base, as a Dropdown's options."""
    lines = []
    for base in CATALOGUE.values():
        parts = (base.name, *_fit(planned(base.name)), _download(base))
        lines.append((" · ".join(filter(None, parts)), base.name))
    return lines


def terms(name: str) -> str:
    """Download, licence and a remark of one base, as a line."""
    base = entry(name)
    if not base.parameters:
        return t(base.note)
    facts = listed((_download(base), _licence(base)), "core.clause_separator")
    return t("ui.base_terms", facts=facts, note=both(base.note)) if base.note else choose(facts)


def overview(twin: Twin | None = None) -> Shown:
    """This machine, the base recommended for it, and a table of every base model.

    Times are those of the twin's rows and effort, as in the form.
    """
    machine = plan.machine()
    chosen, facts = {}, {}
    if twin is not None:
        chosen = {"effort": declared.remembered("persona", twin).get("effort")}
        facts = declared.step_module("persona").facts(twin)
    base, why = plan.recommended_base(machine)
    header = (
        t("ui.base_model"),
        t("ui.size"),
        t("ui.on_this_machine"),
        t("ui.time"),
        t("ui.to_download"),
        t("ui.licence"),
        t("ui.remarks"),
    )
    rows = [_row(entry, chosen, facts) for entry in CATALOGUE.values()]
    start = sentence(t("ui.start_with", base=base) + f" ({why})", "good")
    key = "ui.machine_with_gpu" if machine["gpu"] else "ui.machine_without_gpu"
    return caption(t(key, **machine)) + start + noted_table(header, rows)


def _row(base, chosen, facts):
    settings = declared.make("persona", base=base.name, **chosen)
    planned = plan.derive("persona", settings, plan.machine(), facts)
    fit, time = _fit(planned)
    here = t("ui.no_download") if pip_base.is_here(base) else f"{pip_base.download_gb(base):.1f} GB"
    remarks = filter(None, (base.note, "" if base.instruct else "ui.no_chat_model"))
    return (
        base.name,
        f"{base.parameters:.2g}B",
        fit,
        time,
        here,
        _licence(base),
        choose(listed(map(both, remarks), "core.sentence_separator")),
    )


def _fit(planned):
    """(whether a base's plan fits this machine, the time of its training or '')."""
    if not plan.fits(planned, plan.machine()):
        return t("ui.too_large"), ""
    field = declared.SETTINGS["persona"].__dataclass_fields__["precision"]
    precision = declared.value_text(field, planned.values["precision"])
    return t("ui.fits", precision=precision), choose(duration(planned.seconds))


def _download(base: Entry) -> str:
    if pip_base.is_here(base):
        return t("ui.no_download")
    return t("ui.download_of", gb=pip_base.download_gb(base))


def _licence(base):
    name = licence_name(base) or t("ui.unknown_licence")
    return name if base.commercial else f"{name} ({t('ui.no_commercial_use')})"


def which_card() -> Shown:
    """What trains on which card, and on which devices a finished twin runs: two tables."""
    from ..models import which_card

    trains, runs = which_card.training_table(), which_card.running_table()
    return (
        caption(t("models.cards_about"))
        + table(*_chosen(trains))
        + caption(t("models.files_about"))
        + table(*_chosen(runs))
    )


def _chosen(found):
    """(header, rows) in the reader's language."""
    header, rows = found
    return [choose(cell) for cell in header], [
        [choose(cell) if isinstance(cell, dict) else cell for cell in row] for row in rows
    ]
