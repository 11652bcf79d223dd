"""Forms made from the settings' declarations: they collect and explain settings, and run nothing.

`forms.form("persona", twin, effort="quick")` shows itself as a cell's last expression; its
`.settings` are the step's frozen dataclass. Works on ipywidgets 7.7 and 8.
"""

from collections.abc import Callable, Iterable
from dataclasses import fields

import ipywidgets as widgets
import traitlets

from .. import settings as declared
from ..files import TwinError
from ..i18n import t
from ..models import plan
from ..progress import duration
from ..twin import AUTO, Twin
from . import base_models
from .display import esc, sentence
from .widgets import show, wide

OTHER = ""  # the value of the entry in the list of bases that opens the text box
_SMALL = '<div style="font-size:90%;opacity:.75;line-height:1.4">{}</div>'


class WrongValue(ValueError):
    """A value that a field does not take: one sentence, shown without a traceback."""

    def _render_traceback_(self):
        return [str(self)]


class Form(widgets.VBox):
    """The settings of one step: the common ones on top, the advanced in a closed accordion."""

    def __init__(self, step: str, twin: Twin, only: Iterable[str] | None = None, **given):
        self.step, self.plan, self.planned = step, planner(step, twin), None
        self.fields = [f for f in fields(declared.SETTINGS[step]) if not only or f.name in only]
        self.start = _start(step, twin, given)
        self.inputs = {f.name: _input(f, self.start[f.name], step) for f in self.fields}
        self.hints = {f.name: widgets.HTML(layout=wide()) for f in self.fields}
        self.notes = widgets.HTML(layout=wide())
        everyday = [self._row(f) for f in self.fields if not f.metadata["advanced"]]
        advanced = [self._row(f) for f in self.fields if f.metadata["advanced"]]
        super().__init__([*everyday, *_closed(advanced), self.notes])
        for control in self.inputs.values():
            control.observe(self._changed, "value")
        self._changed()

    def _row(self, field):
        control, parts = self.inputs[field.name], []
        if not isinstance(control, widgets.Checkbox):  # a checkbox shows its own label
            label = f"<b>{esc(declared.label(self.step, field.name))}</b>"
            parts = [widgets.HTML(label, layout=wide())]
        help_text = _SMALL.format(esc(declared.help_text(self.step, field.name)))
        parts += [control, widgets.HTML(help_text, layout=wide()), self.hints[field.name]]
        return widgets.VBox(parts, layout=widgets.Layout(margin="0 0 .6em 0"))

    def _values(self):
        """(values by name, error sentences by name); a wrong value becomes the default."""
        values, wrong = dict(self.start), {}
        for field in self.fields:
            try:
                typed = _typed(field, self.inputs[field.name].value)
                values[field.name] = declared.parse(field, typed)
            except ValueError as error:
                wrong[field.name] = str(error)
                values[field.name] = field.default
        return values, wrong

    @property
    def settings(self) -> declared.Settings:
        """The step's settings as typed so far; raises WrongValue when a field has a wrong value."""
        values, wrong = self._values()
        if wrong:
            raise WrongValue(" ".join(wrong.values()))
        return declared.make(self.step, **values)

    def _changed(self, change=None):
        values, wrong = self._values()
        try:
            self.planned = self.plan(declared.make(self.step, **values))
            notes = sentence(estimate(self.planned)).html if self.planned else ""
        except (TwinError, ValueError) as error:
            self.planned, notes = None, sentence(str(error), "stop").html
        self.notes.value = notes
        for field in self.fields:
            hint = self._hint(field, values[field.name], wrong.get(field.name))
            self.hints[field.name].value = hint

    def _hint(self, field, value, wrong):
        """HTML of a field's error, else of the value that the plan derives for it."""
        if wrong:
            return sentence(wrong, "stop").html
        if field.default != AUTO or not self.planned or field.name not in self.planned.values:
            return ""
        return _SMALL.format(esc(_derived(field, value, self.planned)))


def form(step: str, twin: Twin, only: Iterable[str] | None = None, **given) -> Form:
    """The form of a step, prefilled with the last choices; keywords override those.

    `only` names the fields to show; the others keep their values. Raises WrongValue for a keyword
    that is no setting or has a wrong value.
    """
    return Form(step, twin, only, **given)


def planner(step: str, twin: Twin) -> Callable[[object], plan.Plan | None]:
    """A function from settings to the step's Plan on this machine, or None."""
    module = declared.step_module(step)
    if not hasattr(module, "plan"):
        return lambda settings: None
    if step != "persona":
        return lambda settings: module.plan(settings, twin)
    facts = module.facts(twin)  # read once, since a form plans at every key
    return lambda settings: plan.derive(step, settings, plan.machine(), facts)


def _start(step, twin, given):
    """The values a form starts with: defaults, then the last choices, then the keywords."""
    known = {f.name: f for f in fields(declared.SETTINGS[step])}
    start = {name: field.default for name, field in known.items()}
    for name, value in declared.remembered(step, twin).items():
        try:
            start[name] = declared.parse(known[name], value)
        except ValueError:
            pass  # saved by another version of the library
    for name, value in given.items():
        if name not in known:
            raise WrongValue(t("ui.no_such_setting", name=repr(name), step=step))
        try:
            start[name] = start[name] if value is None else declared.parse(known[name], value)
        except ValueError as error:
            raise WrongValue(str(error)) from None
    return start


def _input(field, value, step):
    """The widget of a field, with its value."""
    if step == "persona" and field.name == "base":
        return BaseModel(value)
    if field.metadata["choices"]:
        options = [(value_text(choice), choice) for choice in field.metadata["choices"]]
        return widgets.Dropdown(options=options, value=value, layout=wide())
    if field.type is bool:
        label = declared.label(step, field.name)
        return widgets.Checkbox(value, description=label, indent=False, layout=wide())
    derived = field.default == AUTO
    text = "" if derived and value == AUTO else str(value)
    if field.name == "introduction":
        return widgets.Textarea(text, rows=3, layout=wide())
    return widgets.Text(text, placeholder=AUTO if derived else "", layout=wide())


def value_text(value: object) -> str:
    """A setting's value as text: yes, no, automatic, or the value itself."""
    if value is True or value is False:
        return t("ui.yes") if value else t("ui.no")
    return t("ui.auto") if value == AUTO else str(value)


def _typed(field, value):
    """The value in a box, stripped; 'auto' for the empty box of a derived field."""
    value = value.strip() if isinstance(value, str) else value
    return AUTO if value == "" and field.default == AUTO else value


def _derived(field, value, planned):
    """The plan's value for a field and the reason; '' when the owner typed the same."""
    derived, reason = planned.values[field.name], planned.reasons.get(field.name, "")
    text = value_text(derived) + (f" ({reason})" if reason else "")
    if value == AUTO:
        return f"{t('ui.auto')} → {text}"
    return "" if value == derived else f"{t('ui.yours_auto_would_be')} {text}"


def estimate(planned: plan.Plan) -> str:
    """A plan's memory and time as one line."""
    time = duration(planned.seconds)
    return t("ui.memory_and_time", memory_gb=planned.memory_gb, time=time)


def _closed(rows):
    if not rows:
        return []
    accordion = widgets.Accordion([widgets.VBox(rows)], selected_index=None, layout=wide())
    accordion.set_title(0, t("ui.more_settings"))
    return [accordion]


class BaseModel(widgets.VBox):
    """A list of the base models, and a text box for any other; `value` is the chosen name."""

    value = traitlets.Unicode(AUTO)

    def __init__(self, value: str):
        offers = base_models.offers()
        self.listed = {AUTO, *(name for _, name in offers)}
        options = [(t("ui.auto"), AUTO), *offers, (t("ui.other_base"), OTHER)]
        self.names = widgets.Dropdown(options=options, layout=wide())
        self.other = widgets.Text(layout=wide(), placeholder=t("ui.hub_id_or_folder"))
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
        show(self.other, self.names.value == OTHER)

    def _take(self, change=None):
        self.value = self.names.value or self.other.value.strip()
        show(self.other, self.names.value == OTHER)
