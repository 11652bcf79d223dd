"""What people read, in English and Chinese: the sentences of data/strings/, filled in and in the reader's language.

`t("corpus.no_source", folder=path)` is the entry `no_source` of data/strings/corpus.yaml. A language is added by a
line with its code in every entry and by its code in LANGUAGES.
"""

import os
from functools import cache
from importlib import resources

LANGUAGES = ("en", "zh")


def language():
    """'en', 'zh' or 'both': $TWINLIB_LANG when set, else Chinese under a Chinese locale, else English."""
    chosen = os.environ.get("TWINLIB_LANG", "")
    if chosen in (*LANGUAGES, "both"):
        return chosen
    locale = (
        os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
    )
    return next((code for code in LANGUAGES if locale.lower().startswith(code)), "en")


@cache
def data(name):
    """The content of twinlib/data/NAME.yaml."""
    import yaml

    text = (resources.files("twinlib") / "data" / f"{name}.yaml").read_text(encoding="utf-8")
    return yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def both(key, **values):
    """{language: sentence} of an entry, filled in."""
    room, _, name = key.partition(".")
    entry = data(f"strings/{room}")[name]
    return {code: text.format(**values) if values else text for code, text in entry.items()}


def choose(said):
    """The text of {language: text} in the reader's language; in 'both', all of them on one line."""
    chosen = language()
    return " · ".join(said[code] for code in LANGUAGES) if chosen == "both" else said[chosen]


def t(*key, **values):
    """A sentence of data/strings/ in the reader's language: t("room.name", value=…)."""
    if len(key) == 2:
        return choose(dict(zip(LANGUAGES, key)))
    return choose(both(*key, **values))
