"""Forms made from the settings' declarations: they collect and explain, and never act.

`forms.form("persona", twin, effort="quick")` shows itself as a cell's last expression; `.settings` of it is the
step's frozen dataclass. Works on ipywidgets 7.7 and 8.
"""

from dataclasses import fields

import ipywidgets as widgets
import traitlets

from .. import settings as declared
from ..files import TwinError
from ..i18n import t
from ..models import plan
from ..progress import duration
from ..twin import AUTO
from . import base_models
from .display import esc, sentence

OTHER = ""  # the entry of the list of bases that opens the text box
SMALL = '<div style="font-size:90%;opacity:.75;line-height:1.4">{}</div>'


def _wide():
    """A layout of its own for every widget: one that is shared would hide them all with one."""
    return widgets.Layout(width="auto", max_width="46em")


class WrongValue(ValueError):
    """A value in a form that cannot be: one sentence, shown without a traceback."""

    def _render_traceback_(self):
        return [str(self)]


class Form(widgets.VBox):
    """The fields of one step: the everyday ones on top, the others in a closed accordion."""

    def __init__(self, step, twin, only=None, **given):
        self.step, self.plan, self.planned = step, planner(step, twin), None
        self.fields = [f for f in fields(declared.SETTINGS[step]) if not only or f.name in only]
        self.kept = _start(step, twin, given)
        self.inputs = {f.name: _input(f, self.kept[f.name], step) for f in self.fields}
        self.hints = {f.name: widgets.HTML(layout=_wide()) for f in self.fields}
        self.notes = widgets.HTML(layout=_wide())
        everyday = [self._row(f) for f in self.fields if not f.metadata["advanced"]]
        advanced = [self._row(f) for f in self.fields if f.metadata["advanced"]]
        super().__init__([*everyday, *_closed(advanced), self.notes])
        for control in self.inputs.values():
            control.observe(self._changed, "value")
        self._changed()

    def _row(self, field):
        label = (
            ""
            if isinstance(self.inputs[field.name], widgets.Checkbox)
            else f"<b>{esc(declared.label(self.step, field.name))}</b>"
        )
        lines = [widgets.HTML(label, layout=_wide())] if label else []
        lines += [
            self.inputs[field.name],
            widgets.HTML(
                SMALL.format(esc(declared.help_text(self.step, field.name))), layout=_wide()
            ),
        ]
        lines += [self.hints[field.name]]
        return widgets.VBox(lines, layout=widgets.Layout(margin="0 0 .6em 0"))

    def _values(self):
        """(values by name, sentences by name of those that cannot be)."""
        values, wrong = dict(self.kept), {}
        for field in self.fields:
            try:
                values[field.name] = declared.parse(
                    field, _typed(field, self.inputs[field.name].value)
                )
            except ValueError as error:
                wrong[field.name] = str(error)
                values[field.name] = field.default
        return values, wrong

    @property
    def settings(self):
        """The step's settings as they stand; raises WrongValue with a sentence when a field cannot be that."""
        values, wrong = self._values()
        if wrong:
            raise WrongValue(" ".join(wrong.values()))
        return declared.make(self.step, **values)

    def _changed(self, change=None):
        values, wrong = self._values()
        try:
            self.planned = self.plan(declared.make(self.step, **values))
            notes = "" if self.planned is None else sentence(cost(self.planned)).html
        except (TwinError, ValueError) as error:
            self.planned, notes = None, sentence(str(error), "stop").html
        self.notes.value = notes
        for field in self.fields:
            self._hint(field, values[field.name], wrong.get(field.name))

    def _hint(self, field, value, wrong):
        hint = self.hints[field.name]
        if wrong:
            hint.value = sentence(wrong, "stop").html
        elif field.default != AUTO or not self.planned or field.name not in self.planned.values:
            hint.value = ""
        else:
            hint.value = SMALL.format(esc(_derived(field, value, self.planned)))


def form(step, twin, only=None, **given):
    """The form of a step. Prefilled with what was last wanted; a keyword that is not None wins over that.

    `only` names the fields to show; the others keep their value. Raises WrongValue for a keyword that cannot be.
    """
    return Form(step, twin, only, **given)


def planner(step, twin):
    """A function from settings to what the step derives from them here: a plan.Plan, or None."""
    module = declared.step_module(step)
    if step == "persona":
        rows = module.facts(twin)  # read once: a form plans at every key
        return lambda settings: plan.derive(step, settings, plan.machine(), rows)
    plan_step = getattr(module, "plan", lambda settings, twin: None)
    return lambda settings: plan_step(settings, twin)


def _start(step, twin, given):
    """The values a form starts with: defaults, then what was last wanted, then what the cell says."""
    known = {f.name: f for f in fields(declared.SETTINGS[step])}
    start = {name: field.default for name, field in known.items()}
    for name, value in declared.remembered(step, twin).items():
        try:
            start[name] = declared.parse(known[name], value)
        except ValueError:
            pass  # kept by another version of the library
    try:
        return {
            **start,
            **{
                name: declared.parse(known[name], value)
                for name, value in given.items()
                if value is not None
            },
        }
    except ValueError as error:
        raise WrongValue(str(error)) from None
    except KeyError as error:
        raise WrongValue(t("ui.no_setting", error=error, step=step)) from None


def _input(field, value, step):
    if step == "persona" and field.name == "base":
        return BaseModel(value)
    if field.metadata["choices"]:
        return widgets.Dropdown(
            options=[(said(c), c) for c in field.metadata["choices"]], value=value, layout=_wide()
        )
    if field.type is bool:
        return widgets.Checkbox(
            value, description=declared.label(step, field.name), indent=False, layout=_wide()
        )
    text = "" if value == AUTO and field.default == AUTO else str(value)
    if field.name == "introduction":
        return widgets.Textarea(text, rows=3, layout=_wide())
    return widgets.Text(text, placeholder=AUTO if field.default == AUTO else "", layout=_wide())


def said(value):
    """A setting's value as a person reads it."""
    if value is True or value is False:
        return t("ui.yes") if value else t("ui.no")
    return t("ui.auto") if value == AUTO else str(value)


def _typed(field, value):
    """What the owner put in: an empty box of a derived field means 'auto'."""
    value = value.strip() if isinstance(value, str) else value
    return AUTO if value == "" and field.default == AUTO else value


def _derived(field, value, planned):
    """What the plan says about a field, unless the owner typed just that."""
    why = planned.reasons.get(field.name, "")
    says = said(planned.values[field.name])
    if value == AUTO:
        return t("ui.auto") + f" → {says}" + (f" ({why})" if why else "")
    if value == planned.values[field.name]:
        return ""
    return t("ui.yours_auto") + f" {says}" + (f" ({why})" if why else "")


def cost(planned):
    """A plan's memory and time as one line."""
    return t(
        "ui.about_gb_memory",
        memory_gb=planned.memory_gb,
        time=duration(planned.seconds),
    )


def _closed(rows):
    if not rows:
        return []
    accordion = widgets.Accordion([widgets.VBox(rows)], selected_index=None, layout=_wide())
    accordion.set_title(0, t("ui.more_settings_fine_they"))
    return [accordion]


class BaseModel(widgets.VBox):
    """A list of the catalogue with size, licence and fit, and a text box for any other model; `value` is the name."""

    value = traitlets.Unicode(AUTO)

    def __init__(self, value):
        listed = base_models.offers()
        self.listed = {AUTO, *(name for _, name in listed)}
        self.names = widgets.Dropdown(
            options=[(t("ui.auto"), AUTO), *listed, (t("ui.another_one"), OTHER)], layout=_wide()
        )
        self.other = widgets.Text(layout=_wide(), placeholder=t("ui.hugging_face_model_such_qwen"))
        super().__init__([self.names, self.other])
        self.observe(self._show, "value")
        self.value = value
        self._show()
        self.names.observe(self._take, "value")
        self.other.observe(self._take, "value")

    def _show(self, change=None):
        if self.value in self.listed:
            self.names.value = self.value
        elif self.value:
            self.names.value, self.other.value = OTHER, self.value
        self.other.layout.display = "none" if self.names.value else ""

    def _take(self, change=None):
        self.value = self.names.value or self.other.value.strip()
        self.other.layout.display = "none" if self.names.value else ""
