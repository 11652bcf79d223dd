"""How every picture here is drawn: fonts that have the characters, figures without global state, labels."""

import base64
import io
from functools import cache

from .. import i18n
from .display import Shown, caption

CHINESE_FONTS = (
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
GREEN, GREY, RED = "#2f9e58", "#9aa0a6", "#c94f4f"


@cache
def chinese_font():
    """The name of an installed font that has Chinese characters, or None."""
    from matplotlib import font_manager

    installed = {font.name for font in font_manager.fontManager.ttflist}
    return next((name for name in CHINESE_FONTS if name in installed), None)


def label(key: str, **values) -> str:
    """An entry of data/strings/ for inside a picture: English where no font can draw Chinese."""
    return drawable(i18n.both(key, **values))


def drawable(texts: dict[str, str]) -> str:
    """The text of {language: text} for inside a picture: English where no font can draw Chinese."""
    return i18n.choose(texts) if chinese_font() else texts["en"]


def words(en, zh):
    return drawable({"en": en, "zh": zh})


def picture(draw, columns=1, rows=1, tall=2.8, wide=4.2, width_ratios=None):
    """A Figure whose axes `draw(*axes)` fills, each `tall` and on average `wide` inches."""
    import matplotlib
    from matplotlib.figure import Figure

    fonts = [name for name in (chinese_font(), "DejaVu Sans") if name]
    with matplotlib.rc_context(
        {
            "font.family": fonts,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.unicode_minus": False,
            "font.size": 9,
        }
    ):
        figure = Figure(figsize=(wide * columns, tall * rows), layout="constrained")
        draw(*figure.subplots(rows, columns, squeeze=False, width_ratios=width_ratios).flat)
    return figure


def embedded(figure):
    """A Figure as an <img> that needs no file; nothing for None."""
    if figure is None:
        return ""
    data = io.BytesIO()
    figure.savefig(data, format="png", dpi=96)
    code = base64.b64encode(data.getvalue()).decode()
    wide, tall = (round(96 * inches) for inches in figure.get_size_inches())
    # With its size: a picture that is drawn again and again must not make the page jump.
    return (
        f'<img width="{wide}" height="{tall}" style="max-width:100%;height:auto;background:white" '
        f'src="data:image/png;base64,{code}">'
    )


def row(figures):
    """Figures side by side where there is room, else below each other; nothing for none."""
    pictures = "".join(map(embedded, figures))
    return f'<div style="display:flex;flex-wrap:wrap;gap:4px">{pictures}</div>' if pictures else ""


def shown(figure, text):
    """A Figure with its caption, as a cell's last expression."""
    return Shown(embedded(figure), "") + caption(text)


def sideways(axis, said):
    """Bars from top to bottom, with room for their labels."""
    axis.invert_yaxis()
    axis.margins(x=0.18)
    axis.set_xticks([])
    axis.spines["bottom"].set_visible(False)
    title(axis, said)


def title(axis, said):
    axis.figure.suptitle(said, fontsize=10)


def legend(axis):
    axis.figure.legend(frameon=False, loc="outside lower center", ncol=3, columnspacing=1.2)


def short(text):
    """A label of a bar: the two languages on two lines, each cut."""
    text = (
        text
        if chinese_font() or text.isascii()
        else "".join(c for c in text if c.isascii()).strip(" ·") or "?"
    )
    return plain(
        "\n".join(line if len(line) <= 24 else line[:23] + "…" for line in text.split(" · "))
    )


def plain(text):
    """A corpus's text as it stands: a dollar sign is no formula."""
    return text.replace("$", r"\$")
