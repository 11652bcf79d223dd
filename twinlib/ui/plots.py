"""Pictures a person can judge by, each with a caption in the reader's language. Text inside a picture is English
unless a Chinese font is installed; all of it is drawn by matplotlib, without its global state."""

import base64
import csv
import io
import math
from collections import Counter
from functools import cache

from ..language import t
from ..twin import read_records
from .show import NOTHING, Shown, caption, interval, number, size

CHINESE_FONTS = ("Noto Sans CJK SC", "Noto Sans CJK JP", "Noto Sans SC", "Source Han Sans SC", "Source Han Sans CN",
                 "WenQuanYi Micro Hei", "WenQuanYi Zen Hei", "PingFang SC", "Heiti SC", "STHeiti", "Microsoft YaHei",
                 "SimHei", "Droid Sans Fallback", "Arial Unicode MS")
LOSSES = ("loss", "eval_loss")
GREEN, GREY, RED = "#2f9e58", "#9aa0a6", "#c94f4f"


@cache
def chinese_font():
    """The name of an installed font that has Chinese characters, or None."""
    from matplotlib import font_manager

    installed = {font.name for font in font_manager.fontManager.ttflist}
    return next((name for name in CHINESE_FONTS if name in installed), None)


def words(en, zh):
    """A string for inside a picture: the reader's language where a font can draw it, else English."""
    return t(en, zh) if chinese_font() else en


def picture(draw, columns=1, rows=1, tall=2.8, wide=4.2):
    """A Figure whose axes `draw(*axes)` fills."""
    import matplotlib
    from matplotlib.figure import Figure

    fonts = [name for name in (chinese_font(), "DejaVu Sans") if name]
    with matplotlib.rc_context({"font.sans-serif": fonts, "axes.spines.top": False, "axes.spines.right": False,
                                "axes.unicode_minus": False, "font.size": 9}):
        figure = Figure(figsize=(wide * columns, tall * rows), layout="constrained")
        draw(*figure.subplots(rows, columns, squeeze=False).flat)
        figure.canvas.draw()  # inside the context, so that the fonts hold
    return figure


def embedded(figure):
    """A Figure as an <img> that needs no file; nothing for None."""
    if figure is None:
        return ""
    data = io.BytesIO()
    figure.savefig(data, format="png", dpi=96)
    code = base64.b64encode(data.getvalue()).decode()
    return f'<img style="max-width:100%;background:white" src="data:image/png;base64,{code}">'


def shown(figure, text):
    """A Figure with its caption, as a cell's last expression."""
    return Shown(embedded(figure), "") + caption(text)


# 01: the corpus

def corpus(twin):
    """How long the texts are, from which years, and what was kept and dropped."""
    documents = twin.records("documents")
    dropped = _dropped(twin)
    lengths = [len(document["text"]) for document in documents]
    years = Counter(str(document.get("date") or "")[:4] or "?" for document in documents)

    def draw(long, when, kept):
        long.hist(lengths, bins=min(20, max(1, len(lengths))), color=GREEN)
        long.set(title=words("Length of the texts", "文章长度"), xlabel=words("characters", "字数"))
        when.bar(*zip(*sorted(years.items())), color=GREEN)
        when.tick_params(axis="x", rotation=60)
        when.set(title=words("Years", "年份"))
        names = [words("kept", "保留"), *(_short(reason) for reason in dropped)]
        kept.barh(names, [len(documents), *dropped.values()], color=[GREEN, *[RED] * len(dropped)])
        kept.invert_yaxis()
        kept.set(title=words("Kept and dropped", "保留与去掉"))

    lost = sum(dropped.values())
    return shown(picture(draw, columns=3, wide=3.6), t(
        f"{len(documents)} texts kept, {lost} put aside; {sum(lengths):,} characters in all. The reasons are in "
        f"{twin.file('dropped')}.",
        f"保留 {len(documents)} 篇，放到一边 {lost} 篇；共 {sum(lengths):,} 字。原因见 {twin.file('dropped')}。"))


def _dropped(twin):
    """{reason: number of texts} from dropped.csv, the most frequent six."""
    path = twin.file("dropped")
    if not path.exists():
        return {}
    with open(path, encoding="utf-8-sig", newline="") as file:
        reasons = Counter(row.get("reason") or "?" for row in csv.DictReader(file))
    return dict(reasons.most_common(6))


def _short(text):
    text = text if chinese_font() or text.isascii() else "".join(c for c in text if c.isascii()).strip(" ·") or "?"
    return _plain(text if len(text) <= 24 else text[:23] + "…")


def _plain(text):
    """A corpus's text as it stands: a dollar sign is no formula."""
    return text.replace("$", r"\$")


# 02 and 03: training

def curves(twin, step):
    """The curves of a training step's whole history."""
    path = twin.history(step)
    records = read_records(path, step) if path.exists() else []
    figure = curves_of(records)
    if figure is None:
        return caption(t("There are no numbers to draw yet.", "还没有可以画的数字。"))
    return shown(figure, t("Left to right: the training steps. Loss should fall and then level out; reward should rise.",
                           "从左到右是训练步数。损失应先降后平；奖励应上升。"))


def curves_of(records):
    """A Figure of loss against evaluation loss, and of each reward; None when the records hold neither."""
    rewards = sorted({name for record in records for name in record if name.split("_")[0] in ("reward", "rewards")
                      or name.startswith("reward/")})
    losses = [name for name in LOSSES if _points(records, name)[0]]
    panels = [group for group in (losses, [name for name in rewards if _points(records, name)[0]]) if group]
    if not panels:
        return None

    def draw(*axes):
        for axis, names in zip(axes, panels):
            for name in names:
                axis.plot(*_points(records, name), label=_plain(name), marker="." if name == "eval_loss" else None)
            axis.legend(frameon=False)
            axis.set(xlabel=words("step", "步"))

    return picture(draw, columns=len(panels), tall=2.4)


def _points(records, name):
    found = [(record["done"], record[name]) for record in records if isinstance(record.get(name), (int, float))
             and "done" in record and math.isfinite(record[name])]
    return tuple(zip(*found)) if found else ((), ())


# 04: the files

def sizes(twin):
    """The GGUF files and how large they are."""
    files = sorted(twin.folder("quantize").glob("*.gguf"), key=lambda path: path.stat().st_size)
    if not files:
        return caption(t("There is no GGUF file yet: run the step above.", "还没有 GGUF 文件：请先运行上面的步骤。"))
    bytes = [path.stat().st_size for path in files]

    def draw(axis):
        bars = axis.barh([path.name for path in files], [count / 1e6 for count in bytes], color=GREEN)
        axis.bar_label(bars, [size(count) for count in bytes], padding=3)
        axis.margins(x=.2)
        axis.set(xlabel="MB")

    named = ", ".join(f"{path.name} {size(count)}" for path, count in zip(files, bytes))
    return shown(picture(draw, tall=.9 + .4 * len(files), wide=6), t(
        f"On this disk, in {twin.folder('quantize')}: {named}.", f"在本机 {twin.folder('quantize')}：{named}。"))


# 05: the score card

def score_card(twin, step="evaluate"):
    """Every measured figure between its interval's ends, those with the same name and several rows side by side."""
    report = twin.report(step)
    measured = {name: figure for name, figure in (report.figures if report else {}).items()
                if isinstance(figure.get("value"), (int, float))}
    if not measured:
        return NOTHING

    def draw(*axes):
        for axis, (name, figure) in zip(axes, measured.items()):
            _range(axis, name, figure)

    height = .75
    return shown(picture(draw, rows=len(measured), tall=height, wide=7), t(
        "The dot is the value, the line its 95 % interval: a long line means too little text to tell.",
        "圆点是数值，横线是 95% 区间：线长说明文字太少，还说不准。"))


def _range(axis, name, figure):
    value = figure["value"]
    low, high = figure.get("low"), figure.get("high")
    if low is not None and high is not None:
        axis.plot([low, high], [0, 0], color=GREY, linewidth=4, solid_capstyle="round")
    axis.plot([value], [0], "o", color=GREEN)
    axis.set(yticks=[0], ylim=(-1, 1))
    axis.set_yticklabels([_plain(name)])
    axis.annotate(f"{number(value)}  {interval(figure)}".strip(), (1.01, .5), xycoords="axes fraction", va="center")
    ends = [end for end in (value, low, high) if end is not None]
    axis.set_xlim(min(0, *ends), max(1, *ends) * 1.02)
    axis.spines["left"].set_visible(False)
