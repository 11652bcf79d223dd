"""What people read of steps, figures and the variants of the score card: labels, levels, notes.

Plots, tables, the terminal and the cards show them. Each is {language: text}, for `i18n.choose`.
"""

import re

from ..i18n import LANGUAGES, both, data, restored

# How notes began to rate a figure before reports kept its level; the first that is found counts.
_OLD_RATINGS = (
    ("unsure", r"so few can tell|Not enough (?:answers|texts) to tell|样本(?:少|不够)，说不准"),
    ("bad", r"(?<!\w)Bad:|不好："),
    ("so-so", r"So-so:|一般："),
    ("good", r"(?<!\w)Good(?: \(at|:|\.)|好（标准|好[：。]"),
)
# NAME_TYPE, such as top1_Q4_K_M and size_mb_BF16.
_FIGURE_OF_FILE = re.compile(r"(\w+?)_((?:I?Q\d|B?F\d\d)\w*)")


def step(name: str) -> dict[str, str]:
    """The title of a step's notebook."""
    return data("figures")["steps"][name]


def variant(name: str) -> dict[str, str]:
    """The label of a compared model ('twin-Q8_0': 'twin as Q8_0'), or an unknown name itself."""
    known = data("figures")["variants"]
    if name.startswith("twin-"):
        kind = name.removeprefix("twin-")
        return {code: text.format(type=kind) for code, text in known["file"].items()}
    return known.get(name) or dict.fromkeys(LANGUAGES, name)


def figure(name: str, step: str = "evaluate") -> dict[str, str]:
    """The label of a figure in a step's report: NAME, NAME.VARIANT, or NAME_TYPE of a GGUF file."""
    known = _figures(step)
    if name in known:
        return {code: known[name][code] for code in LANGUAGES}
    of_file = _FIGURE_OF_FILE.fullmatch(name)
    first, part = of_file.groups() if of_file else name.rpartition(".")[::2]
    if first not in known:  # of a report that an older version wrote
        return dict.fromkeys(LANGUAGES, name.replace("_", " "))
    return both("core.figure_of_variant", figure=known[first], variant=variant(part))


def meaning(name: str) -> dict[str, str]:
    """What a figure of the score card counts and which way is better; '' if its label says it."""
    return _figures("evaluate").get(name, {}).get("meaning") or dict.fromkeys(LANGUAGES, "")


def note(figure: dict) -> dict[str, str]:
    """A figure's note, in the words of today if the report keeps what it says, else as it is."""
    if "said" in figure:
        try:
            return restored(figure["said"])
        except (KeyError, ValueError, TypeError, AttributeError):
            pass  # said by another version
    # `texts` is how version 0.2 kept the verdict.
    return figure.get("texts") or dict.fromkeys(LANGUAGES, figure.get("note") or "")


def level(figure: dict) -> str | None:
    """'good', 'unsure', 'so-so', 'bad', or '' for a figure that is not judged.

    None for a figure of a report before levels were kept whose note does not say it either.
    """
    if "level" in figure:
        return figure["level"]
    said = figure.get("note") or ""
    found = (level for level, pattern in _OLD_RATINGS if re.search(pattern, said))
    return next(found, None)


def verdict(figures: dict[str, dict]) -> dict[str, str]:
    """The first sentence of the score card in a report's figures; '' if it keeps none."""
    return note(figures.get("verdict", {}))


def rating(figure: dict) -> dict[str, str]:
    """The word for a figure's level, such as 'good'; '' for a figure without one."""
    found = level(figure)
    return data("figures")["levels"][found] if found else dict.fromkeys(LANGUAGES, "")


def _figures(step):
    """{name: entry} of all figures; where two steps have the same name, that of `step`."""
    steps = data("figures")["figures"]
    entries = {name: entry for figures in steps.values() for name, entry in figures.items()}
    return entries | steps.get(step, {})
