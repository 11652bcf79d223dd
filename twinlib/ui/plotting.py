"""What all pictures share: fonts, labels, matplotlib Figures without global state, and their HTML.

Text inside a picture is English where no Chinese font is installed.
"""

import base64
import io
import re
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from .. import i18n

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_CHINESE_FONTS = (
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",
    "Noto Sans SC",
    "Source Han Sans SC",
    "Source Han Sans CN",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "PingFang SC",
    "Heiti SC",
    "STHeiti",
    "Microsoft YaHei",
    "SimHei",
    "Droid Sans Fallback",
    "Arial Unicode MS",
)
_STYLE = {
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.unicode_minus": False,
    "font.size": 9,
}
_DPI = 96  # pixels of the page in an inch
_READABLE = 0.75  # of the size at which letters are meant to be read
_SHARP = 1.5  # pixels of the picture in one of the page, for phones and large screens
GREEN, GREY, RED, BLUE = "#2f9e58", "#9aa0a6", "#c94f4f", "#5a78c8"
AMBER = "#d99a1c"
ASIDE = {"color": "#d4d7da", "hatch": "////", "edgecolor": "#8a8f94"}  # bars of what is left out
WIDE = 4.6  # inches of a picture that stands alone
# Inches of one that has words at its right edge as well: on a phone all of it is seen at once.
# Elsewhere it is shown `ENLARGED`, as wide as the others.
NARROW = 3.25
ENLARGED = WIDE / NARROW


@cache
def chinese_font() -> str | None:
    """The name of an installed font that has Chinese characters; None without one."""
    from matplotlib import font_manager

    def installed():
        names = {font.name for font in font_manager.fontManager.ttflist}
        return next((name for name in _CHINESE_FONTS if name in names), None)

    if not installed():  # matplotlib remembers a list of fonts: one installed since is not in it
        files = {name.replace(" ", "").lower() for name in _CHINESE_FONTS}
        for path in font_manager.findSystemFonts():
            stem = re.sub("[^a-z]", "", Path(path).stem.lower())
            if any(stem.startswith(re.sub("(sc|cn|jp)$", "", name)) for name in files):
                font_manager.fontManager.addfont(path)
    return installed()


def label(key: str, **values) -> str:
    """The text of an entry of data/strings/, for use inside a picture."""
    return drawable(i18n.both(key, **values))


def drawable(texts: dict[str, str]) -> str:
    """The text of {language: text}, for use inside a picture."""
    return i18n.choose(texts) if chinese_font() else texts["en"]


def picture(
    draw: Callable,
    rows: int = 1,
    tall: float = 2.8,
    wide: float = 4.2,
) -> "Figure":
    """A Figure whose axes `draw(*axes)` fills; `tall` and `wide` are the inches of an axis."""
    import matplotlib
    from matplotlib.figure import Figure

    fonts = [name for name in (chinese_font(), "DejaVu Sans") if name]
    with matplotlib.rc_context({**_STYLE, "font.family": fonts}):
        figure = Figure(figsize=(wide, tall * rows), layout="constrained")
        draw(*figure.subplots(rows, squeeze=False).flat)
    return figure


def embedded(figure: "Figure | None", zoom: float = 1.0) -> str:
    """A Figure as an <img> that needs no file, `zoom` times its size; '' for None."""
    if figure is None:
        return ""
    code = base64.b64encode(png(figure, zoom)).decode()
    wide, tall = (round(_DPI * zoom * inches) for inches in figure.get_size_inches())
    # With its size given, a picture that is redrawn doesn't make the page jump.
    return (
        f'<img width="{wide}" height="{tall}" '
        'style="max-width:100%;height:auto;background:white" '
        f'src="data:image/png;base64,{code}">'
    )


def scrolled(figure: "Figure | None", zoom: float = 1.0) -> str:
    """The same, scrolling by itself where a narrow page would make its letters too small."""
    if figure is None:
        return ""
    least = round(_READABLE * _DPI * figure.get_size_inches()[0])
    picture = embedded(figure, zoom).replace("max-width:100%", f"max-width:max(100%,{least}px)")
    return f'<div style="overflow-x:auto;width:0;min-width:100%">{picture}</div>'


def png(figure: "Figure", zoom: float = 1.0) -> bytes:
    """The picture as a PNG file on white, `zoom` times its size."""
    data = io.BytesIO()
    figure.savefig(data, format="png", dpi=_DPI * _SHARP * zoom)
    return data.getvalue()


def row(figures: Iterable["Figure"]) -> str:
    """HTML of Figures side by side, wrapped where the page is narrow; '' for none."""
    pictures = "".join(map(embedded, figures))
    return (
        f'<div style="display:flex;flex-wrap:wrap;align-items:flex-start;gap:4px">{pictures}</div>'
        if pictures
        else ""
    )


def bar_height(bars: int) -> float:
    """The inches of an axis with so many horizontal bars, so that one bar is not a block."""
    return 0.9 + 0.32 * max(1, bars)


def sideways(axis: "Axes", text: str) -> None:
    """Finish an axis of horizontal bars: first bar on top, space for the labels, a title."""
    axis.invert_yaxis()
    axis.margins(x=0.18)
    axis.set_xticks([])
    axis.spines["bottom"].set_visible(False)
    title(axis, text)


def title(axis: "Axes", text: str) -> None:
    """Put a title above the whole picture of an axis, from the left: there a phone begins."""
    axis.figure.suptitle(text, fontsize=10, x=0.01, horizontalalignment="left")


def legend(axis: "Axes", columns: int = 3) -> None:
    """Put a legend below the whole picture of an axis."""
    axis.figure.legend(
        frameon=False, loc="outside lower center", ncol=columns, columnspacing=1.2, fontsize=8
    )


def two_lines(text: str) -> str:
    """A text in two languages ('a · b') on two lines."""
    return text.replace(" · ", "\n")


def short(text: str) -> str:
    """A bar's label: each language on a line of its own, cut; ASCII only without a Chinese font."""
    if not chinese_font() and not text.isascii():
        text = "".join(c for c in text if c.isascii()).strip(" ·") or "?"
    lines = [line if len(line) <= 24 else line[:23] + "…" for line in text.split(" · ")]
    return plain("\n".join(lines))


def plain(text: str) -> str:
    """A text with dollar signs escaped, which matplotlib would take for formulas."""
    return text.replace("$", r"\$")
