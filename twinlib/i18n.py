"""Sentences in the reader's language. They are stored in data/, all languages side by side.

In a sentence [[corpus]] stands for what runs that step where it is read: a notebook or a command;
of [[tick|set]] a notebook reads the first words and a terminal the second; either may be none.
A setting is named by its label in quotation marks, 'Rows at once'; a terminal adds its flag.
`t("corpus.source_not_found", source=path)` fills in `source_not_found` of data/strings/corpus.yaml.
A word that depends on a number stands in two forms, {n} {n|answer|answers}: 1 takes the first.
To add a language, put its code into LANGUAGES and a line with that code into every entry of data/.
"""

import locale
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib import resources
from pathlib import Path

from . import commands

LANGUAGES = ("en", "zh")
_WINDOWS_NAMES = {"en": "english", "zh": "chinese"}  # how names of locales begin there
# Sentences that twins learn: they stay as they were learnt.
_VERBATIM = ("corpus.system_prompt",)
REMEMBERED = ".language"  # file in the twins' folder: the language of the notebook opened last


def language() -> str:
    """The reader's language: a code of LANGUAGES, or 'both' for the first two side by side.

    $TWINLIB_LANG if it is one of these (a notebook sets it), else the language of the notebook
    opened last, else that of the locale's variables or of the system, else LANGUAGES[0].
    """
    chosen = os.environ.get("TWINLIB_LANG", "")
    if chosen in (*LANGUAGES, "both"):
        return chosen
    if remembered := _remembered(os.environ.get("TWINLIB_TWINS", "twins")):
        return remembered
    variables = map(os.environ.get, ("LC_ALL", "LC_MESSAGES", "LANG"))
    found = (next(filter(None, variables), "") or _of_system()).lower()
    begins = {code: (code, _WINDOWS_NAMES[code]) for code in LANGUAGES}
    return next((code for code in LANGUAGES if found.startswith(begins[code])), LANGUAGES[0])


def _of_system():
    """The name of the system's locale: zh_CN or, on Windows, Chinese (Simplified)_China."""
    try:
        return locale.getlocale()[0] or ""
    except ValueError:  # a name that Python does not know
        return ""


@cache
def _remembered(twins):
    try:
        code = (Path(twins) / REMEMBERED).read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        return ""
    return code if code in LANGUAGES else ""


@contextmanager
def speaking(code: str) -> Iterator[None]:
    """Within the block the reader's language is `code`."""
    before = os.environ.get("TWINLIB_LANG")
    os.environ["TWINLIB_LANG"] = code
    try:
        yield
    finally:
        if before is None:
            del os.environ["TWINLIB_LANG"]
        else:
            os.environ["TWINLIB_LANG"] = before


def spoken() -> str:
    """The reader's language as one of LANGUAGES; the first one for 'both'."""
    return language() if language() in LANGUAGES else LANGUAGES[0]


@cache
def data(name: str) -> dict | list:
    """The parsed content of twinlib/data/NAME.yaml."""
    import yaml

    text = (resources.files("twinlib") / "data" / f"{name}.yaml").read_text(encoding="utf-8")
    return yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))


class Texts(dict):
    """{language: text} that knows how a file keeps it: `kept` is what `restored` makes it from."""

    kept: dict


def both(key: str, **values) -> Texts:
    """{language: sentence}: an entry of data/strings/, such as "evaluate.no_adapter", filled in.

    Of a value that is itself {language: text} each sentence gets the text in its language.
    """
    room, _, name = key.partition(".")
    entry = data(f"strings/{room}")[name]
    values = {name: _texts(value) for name, value in values.items()}
    spaced = key not in _VERBATIM
    texts = Texts({code: _filled(text, code, values, spaced) for code, text in entry.items()})
    texts.kept = {"key": key, "values": {name: _kept(value) for name, value in values.items()}}
    return texts


def _filled(text, code, values, spaced=True):
    def run(match):
        what = _run(match[2].format(**values), code)
        return (match[1] if what.isascii() else "") + what  # no blank before a Chinese word

    text = re.sub(r"( ?)\[\[([^\[\]|]+)\]\]", run, text)
    place = 1 if commands.in_notebook() else 2
    text = re.sub(r"\[\[([^|]*?)\|(.*?)\]\]", lambda match: match[place], text)
    text = _with_flags(text, code)
    if not values:
        return text
    filled = {name: v[code] if isinstance(v, dict) else v for name, v in values.items()}
    text = _numbered(text, filled)
    if spaced:
        text, filled = _quoted(text, filled)
        text = _spaced(text, filled)
    return text.format(**filled)


def _with_flags(text, code):
    """A sentence in which, in a terminal, flags stand beside the labels of settings."""
    if not re.search("['“]", text) or commands.in_notebook():
        return text
    flags = _flags(code)
    labels = "|".join(map(re.escape, flags))
    beside = {"zh": "（{}）"}.get(code, " ({})")
    return re.sub(f"['“]({labels})['”]", lambda m: m[0] + beside.format(flags[m[1]]), text)


@cache
def _flags(code):
    """{label of a setting: flag of a command}, without labels that stand for several flags."""
    flags = {}
    for entries in data("settings").values():
        for name, entry in entries.items():
            if isinstance(entry, dict) and "label" in entry:
                flags.setdefault(entry["label"][code], set()).add("--" + name.replace("_", "-"))
    return {label: "".join(found) for label, found in flags.items() if len(found) == 1}


def _numbered(text, values):
    """A sentence whose words that depend on a number have the form that fits it."""

    def chosen(match):
        field, singular, plural = match.groups()
        return singular if f"{{{field}}}".format(**values) == "1" else plural

    return re.sub(r"{(\w+(?::[^{}|]*)?)\|([^{}|]*)\|([^{}|]*)}", chosen, text)


def _quoted(text, values):
    """A sentence and its values, where those in quotation marks have none of the same kind.

    A path stays as it is: it is typed again letter by letter.
    """
    values = dict(values)

    def place(match):
        before, name, after = match.groups()
        value = values.get(name)
        if not isinstance(value, str) or re.search(r"[/\\]", value):
            return match[0]
        values[f"{name}_quoted"] = nested(value) if before == "“" else _nested_title(value)
        return f"{before}{{{name}_quoted}}{after}"

    return re.sub(r"([“《])\{(\w+)\}([”》])", place, text), values


def nested(text: str) -> str:
    """A text as it stands within quotation marks: its own are of the other kind.

    A mark at either end whose other half was cut off is left out.
    """
    text = re.sub(r'(?<![A-Za-z0-9])"(?=\S)([^"“”]*)(?<=\S)"(?![A-Za-z0-9])', r"“\1”", text)
    pieces = re.split("(“[^“”]*”)", text)
    pieces[0] = re.sub(r"^\s*[“”]+", "", pieces[0])
    pieces[-1] = re.sub(r"[“”]+\s*$", "", pieces[-1])
    for place, piece in enumerate(pieces):
        if place % 2:
            inner = re.sub("‘([^‘’]*)’", r"“\1”", piece[1:-1])
            pieces[place] = f"‘{inner}’"
        else:  # halves
            pieces[place] = piece.replace("“", "‘").replace("”", "’")
    return "".join(pieces)


def _nested_title(text):
    return text.replace("《", "〈").replace("》", "〉")


def _spaced(text, values):
    """A Chinese sentence with blanks around the names in Latin letters that stand in it."""

    def place(match):
        before, field, after = match.groups()
        value = values.get(re.match(r"\w*", field[1:])[0])
        value = value if isinstance(value, str) else ""
        left = " " if before and re.match("[A-Za-z0-9]", value) else ""
        right = " " if after and re.search("[A-Za-z0-9]$", value) else ""
        return before + left + field + right

    return re.sub("([一-鿿]?)(?<!{)({\\w+[^{}]*})(?=([一-鿿])?)", place, text)


def _texts(value):
    """A value of a sentence: a Sentence, also as an error's message, becomes its Texts again."""
    if isinstance(value, Exception) and len(value.args) == 1:
        value = value.args[0]
    if isinstance(value, dict) and not value.keys() >= set(LANGUAGES):
        return str(value)  # no texts, but something that was typed or kept wrongly
    return value.texts if isinstance(value, Sentence) else value


def _kept(value):
    """A value of a sentence as JSON."""
    if isinstance(value, Texts):
        return value.kept
    value = value.item() if hasattr(value, "item") else value  # a number of NumPy
    return value if isinstance(value, (dict, str, int, float, type(None))) else str(value)


def restored(kept: object) -> object:
    """The Texts of `Texts.kept`, in the words of today; raises KeyError if an entry is gone."""
    if not isinstance(kept, dict):
        return kept
    if "key" in kept:
        values = {name: restored(value) for name, value in kept["values"].items()}
        return both(kept["key"], **values)
    if "items" in kept:
        return listed(map(restored, kept["items"]), kept["separator"])
    return {code: kept.get(code, kept[LANGUAGES[0]]) for code in LANGUAGES}


def _run(step, code):
    """What a reader runs for a step that a sentence names as [[STEP]], or [[twinlib]]."""
    if step == "twinlib":
        return commands.program()
    if number := commands.notebook_of(step):
        return both("core.notebook", number=number)[code]
    return f"{commands.program()} {step}"


def listed(items: Iterable[str | dict[str, str]], separator: str = "core.list_separator") -> Texts:
    """{language: list as a text}, such as 'a, b'. An item is a text or {language: text}.

    `separator` is the key of an entry: core.list_separator between words, core.clause_separator
    between longer items, core.sentence_separator between sentences.
    """
    items = list(map(_texts, items))
    texts = Texts(
        {
            code: between.join(item if isinstance(item, str) else item[code] for item in items)
            for code, between in both(separator).items()
        }
    )
    texts.kept = {"items": [_kept(item) for item in items], "separator": separator}
    return texts


def choose(texts: dict[str, str]) -> str:
    """The text of {language: text} in the reader's language.

    In 'both' the texts of the first two languages, on one line; equal texts are shown once, empty
    ones not at all.
    """
    chosen = language()
    if chosen == "both":
        return " · ".join(dict.fromkeys(filter(None, (texts[code] for code in LANGUAGES[:2]))))
    return texts[chosen]


def step_title(step: str) -> dict[str, str]:
    """A step as its reader knows it: {language: "notebook 02 (Teach it your voice)"}.

    In a terminal that is "persona (Teach it your voice)".
    """
    titles = data("figures")["steps"]
    if step not in titles:
        return dict.fromkeys(LANGUAGES, step)
    number = f"{list(titles).index(step) + 1:02}"
    return both("core.step_title", number=number, step=step, title=titles[step])


class Sentence(str):
    """A sentence in the reader's language, with its `texts` in all languages."""

    texts: Texts


def t(key: str, **values) -> Sentence:
    """A sentence of data/strings/ in the reader's language: t("room.name", value=…)."""
    return said(both(key, **values))


def said(texts: Texts) -> Sentence:
    """The sentence of these texts in the reader's language."""
    sentence = Sentence(choose(texts))
    sentence.texts = texts
    return sentence
