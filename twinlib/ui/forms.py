"""Forms made from the settings' declarations: they collect and explain settings, and run nothing.

`forms.form("persona", twin, effort="quick")` shows itself as a cell's last expression; its
`.settings` are the step's frozen dataclass. Every change is kept at once in the twin's folder, and
a form made later, in the same notebook or another, goes on from it. Works on ipywidgets 7.7 and 8.
"""

from collections.abc import Callable, Iterable
from dataclasses import fields, replace
from functools import partial

import ipywidgets as widgets
import traitlets

from .. import settings as declared
from ..files import TwinError, now
from ..i18n import choose, t
from ..models import plan
from ..progress import duration
from ..twin import AUTO, Twin
from . import base_models
from .display import esc, sentence
from .widgets import folded, grid, html, show, wide, wrapping

OTHER = ""  # the value of the entry in the list of bases that opens the text box
_SMALL = '<div style="font-size:90%;opacity:.75;line-height:1.4">{}</div>'
# Settings with `once` as set in this session: {(twin's folder, step): (when, {name: value})}
_ticked: dict[tuple, tuple[float, dict]] = {}


class WrongValue(declared.WrongSetting):
    """A value that a field does not take: one sentence, shown without a traceback."""

    def _render_traceback_(self):
        return [str(self)]


class Form(widgets.VBox):
    """The settings of one step: the ones that matter first, the others folded.

    `inputs` are the controls by the settings' names: setting a control's value is as good as
    typing it.
    """

    def __init__(self, step: str, twin: Twin, only: Iterable[str] | None = None, **given):
        twin.reread()
        self.step, self.twin, self.plan, self.planned = step, twin, planner(step, twin), None
        self.fields = [f for f in fields(declared.SETTINGS[step]) if not only or f.name in only]
        self.given = {name: value for name, value in given.items() if value is not None}
        self.seconds: dict[str, float] = {}  # {effort: as planned}
        self.taken: dict[str, str] = {}  # {field: sentence on what is taken instead of its value}
        self._seconds_of: Callable[..., float] | None = None
        self.start = _start(step, twin, given)
        typed = {name: self.start[name] for name in self.given}
        typed = {**self.start, **_unfinished(step, twin), **typed}
        self.inputs = {f.name: self._input(f, typed[f.name]) for f in self.fields}
        self.hints = {f.name: html() for f in self.fields}
        self.notes, self.kept = html(), html(_kept() if twin.drafts(step) else "")
        first = [f for f in self.fields if only or not f.metadata["advanced"]]
        others = [self._row(f) for f in self.fields if f not in first]
        rest = [folded(t("ui.more_settings"), grid(others))] if others else []
        super().__init__([wrapping(), grid(map(self._row, first)), self.notes, *rest, self.kept])
        self.add_class("twinlib-wraps")
        for name, control in self.inputs.items():
            control.observe(partial(self._edited, name), "value")
        self._show()

    def _input(self, field, value):
        """The control of a field, with its value."""
        label = declared.label(self.step, field.name)
        if self.step == "persona" and field.name == "base":
            return BaseModel(value)
        if choices := field.metadata["choices"]:
            options = [(declared.value_text(field, choice), choice) for choice in choices]
            return widgets.Dropdown(options=options, value=value, layout=wide())
        if field.type is bool:
            return widgets.Checkbox(value, description=label, indent=False, layout=wide())
        derived = field.default == AUTO
        text = "" if derived and value == AUTO else str(value)
        hint = declared.value_text(field, AUTO) if derived else ""
        if field.name == "source":
            hint = t("ui.nothing_chosen_yet")
        if field.name == "introduction":
            return widgets.Textarea(text, rows=3, placeholder=hint, layout=wide())
        return widgets.Text(text, placeholder=hint, layout=wide())

    def _row(self, field):
        control, parts = self.inputs[field.name], []
        if not isinstance(control, widgets.Checkbox):  # a checkbox shows its own label
            parts = [html(f"<b>{esc(declared.label(self.step, field.name))}</b>")]
        help_text = html(_SMALL.format(esc(declared.help_text(self.step, field.name))))
        return widgets.VBox([*parts, control, self.hints[field.name], help_text])

    def _values(self):
        """(values by name, error sentences by name); a wrong value becomes the default."""
        values, wrong = dict(self.start), {}
        for field in self.fields:
            try:
                typed = _typed(field, self.inputs[field.name].value)
                values[field.name] = declared.parse(self.step, field, typed)
            except declared.WrongSetting as error:
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

    def plan_times(self, seconds_of: Callable[..., float]) -> None:
        """Show seconds_of(effort=…, base=…) beside the efforts, in place of this step's alone."""
        self._seconds_of = seconds_of
        self._show()

    def expect(self, facts: dict) -> None:
        """Plan with {rows, tokens} of a corpus that step 01 has not made yet."""
        self.plan = planner(self.step, self.twin, facts)
        self._show()

    def _edited(self, name, change):
        self._keep(name)
        self._show()

    def _keep(self, name):
        """Save what was typed into a field, or say that it can't be saved."""
        [field] = [f for f in self.fields if f.name == name]
        value = _typed(field, self.inputs[name].value)
        if field.metadata["once"]:
            _tick(self.twin, self.step, name, value)
            return
        try:
            self.twin.draft(self.step, **{name: value})
            self.kept.value = _kept()
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            self.kept.value = sentence(t("ui.not_kept", error=reason), "stop").html

    def _show(self):
        """Plan with the values, and show what follows from them."""
        values, wrong = self._values()
        try:
            settings = declared.make(self.step, **values)
            self.planned = self.plan(settings)
            self.taken = _taken_instead(self.step, settings, self.planned)
            self.notes.value = self._estimate(settings)
        except (TwinError, ValueError) as error:
            self.planned, self.notes.value = None, sentence(declared.in_words(error), "stop").html
        for field in self.fields:
            error = wrong.get(field.name)
            self.hints[field.name].value = self._hint(field, values[field.name], error)

    def _estimate(self, settings):
        """HTML of the plan's memory and time; fills in the other bases and efforts, too."""
        if not self.planned or not self.planned.seconds:
            return ""
        if "base" in self.inputs:
            self.inputs["base"].offer(lambda name: self.plan(replace(settings, base=name)))
        self.seconds = {
            effort: self._seconds_of(effort=effort, base=settings.base)
            if self._seconds_of
            else self.plan(replace(settings, effort=effort)).seconds
            for effort in declared.EFFORTS
        }
        if plan.fits(self.planned, plan.machine()):
            memory = t("ui.memory_to_train", memory_gb=self.planned.memory_gb)
            return sentence(memory if self._seconds_of else estimate(self.planned)).html
        text = t("ui.more_than_there_is", estimate=estimate(self.planned))
        return sentence(text, "stop" if self.step == "persona" else "warning").html

    def _hint(self, field, value, wrong):
        """HTML of a field's error, else of what follows from its value or is planned for it."""
        if wrong:
            return sentence(wrong, "stop").html
        lines = []
        if field.name in self.given and value != self.start[field.name]:
            lines.append(t("ui.given_by_cell", value=self.given[field.name]))
        if field.name == "effort":
            lines.append(" · ".join(_times(field, self.seconds)))
        derived = self.planned and self.planned.values.get(field.name)
        if field.default == AUTO and derived is not None:
            lines.append(_derived(field, value, self.planned))
            if field.name in self.taken:
                return sentence(self.taken[field.name], "warning").html
            if field.name == "base":
                lines.append(base_models.terms(derived if value == AUTO else value))
        return "".join(_SMALL.format(esc(line)) for line in lines if line)


def form(step: str, twin: Twin, only: Iterable[str] | None = None, **given) -> Form:
    """The form of a step, prefilled with the last choices; keywords override those.

    `only` names the fields to show; the others keep their values. Raises WrongValue for a keyword
    that is no setting or has a wrong value.
    """
    return Form(step, twin, only, **given)


def planner(
    step: str, twin: Twin, expected: dict | None = None
) -> Callable[[object], plan.Plan | None]:
    """A function from settings to the step's Plan on this machine, or None.

    `expected` are the rows and tokens to train on while there are none yet.
    """
    module = declared.step_module(step)
    if not hasattr(module, "plan"):
        return lambda settings: None
    if step != "persona":
        return lambda settings: module.plan(settings, twin)
    # Read once, since a form plans at every key.
    facts = {**(expected or {}), **module.facts(twin)}
    return lambda settings: module.plan_with(settings, twin, facts)


def _start(step, twin, given):
    """The values a form starts with: defaults, then the last choices, then the keywords."""
    known = {f.name: f for f in fields(declared.SETTINGS[step])}
    start = {name: field.default for name, field in known.items()}
    start |= declared.remembered(step, twin) | _still_ticked(twin, step)
    for name, value in given.items():
        if name not in known:
            raise WrongValue(t("ui.no_such_setting", name=repr(name), step=step))
        try:
            if value is not None:
                start[name] = declared.parse(step, known[name], value)
        except declared.WrongSetting as error:
            raise WrongValue(str(error)) from None
    return start


def _taken_instead(step, settings, planned):
    """{field: sentence} where a step takes another value than the chosen one, and says which."""
    corrections = getattr(declared.step_module(step), "corrections", None)
    if corrections is None or planned is None:
        return {}
    found = corrections(declared.resolve(settings, planned.values))
    return {name: text for name, (_, text) in found.items()}


def _unfinished(step, twin):
    """{name: text} of the boxes, as it was typed: it may be no valid value yet."""
    known = {f.name for f in fields(declared.SETTINGS[step]) if not f.metadata["choices"]}
    drafts = twin.drafts(step).items()
    return {name: typed for name, typed in drafts if name in known and isinstance(typed, str)}


def _kept():
    return _SMALL.format(f"✓ {esc(t('ui.kept_as_typed'))}")


def _tick(twin, step, name, value):
    """Keep a setting with `once` for this session, until the step runs."""
    ticked = {**_still_ticked(twin, step), name: value}
    _ticked[twin.path, step] = now(), ticked


def _still_ticked(twin, step):
    """The settings with `once` that were ticked in this session after the step's last run."""
    when, ticked = _ticked.get((twin.path, step), (0, {}))
    report = twin.report_path(step)
    ran_since = report.exists() and report.stat().st_mtime > when
    return {} if ran_since else ticked


def _typed(field, value):
    """The value in a box, stripped; 'auto' for the empty box of a derived field."""
    value = value.strip() if isinstance(value, str) else value
    return AUTO if value == "" and field.default == AUTO else value


def _derived(field, value, planned):
    """The plan's value for a field and the reason; '' when the owner typed the same."""
    derived, reason = planned.values[field.name], planned.reasons.get(field.name, "")
    text = declared.value_text(field, derived) + (f" ({reason})" if reason else "")
    if value == AUTO:
        return f"{declared.value_text(field, AUTO)} → {text}"
    return "" if value == derived else f"{t('ui.yours_auto_would_be')} {text}"


def _times(field, seconds):
    """'smoke 4 min' for each effort."""
    before = None
    for effort, needed in seconds.items():
        name = declared.value_text(field, effort)
        same = before and seconds[before] == needed
        yield t("ui.trains_the_same", name=name) if same else f"{name} {choose(duration(needed))}"
        before = effort


def estimate(planned: plan.Plan) -> str:
    """A plan's memory and time as one line."""
    time = duration(planned.seconds)
    return t("ui.memory_and_time", memory_gb=planned.memory_gb, time=time)


class BaseModel(widgets.VBox):
    """A list of the base models, and a text box for any other; `value` is the chosen name."""

    value = traitlets.Unicode(AUTO)

    def __init__(self, value: str):
        self.names, self.other = widgets.Dropdown(layout=wide()), widgets.Text(layout=wide())
        self.other.placeholder = t("ui.hub_id_or_folder")
        self._filling = False
        super().__init__([self.names, self.other])
        self.value = value
        for control in (self.names, self.other):
            control.observe(self._take, "value")
        self.observe(self._show, "value")

    def offer(self, planned: base_models.Planner) -> None:
        """Fill the list with the bases, each with how it fits; `planned(name)` is its plan."""
        auto, other = (t("ui.recommended_base"), AUTO), (t("ui.other_base"), OTHER)
        options = (auto, *base_models.offers(planned), other)
        if self.names.options != options:
            self._filling, self.names.options = True, options
        self._show()

    def _show(self, change=None):
        self._filling = True
        if self.value in [name for _, name in self.names.options]:
            self.names.value = self.value
        elif self.names.options:
            self.names.value, self.other.value = OTHER, self.value
        self._filling = False
        show(self.other, self.names.value == OTHER)

    def _take(self, change=None):
        if not self._filling:
            self.value = self.names.value or self.other.value.strip()
