"""Pictures a person can judge by, each with a caption in the reader's language. Text inside a picture is English
unless a Chinese font is installed; all of it is drawn by matplotlib, without its global state."""

import base64
import csv
import io
import math
from collections import Counter
from functools import cache

from ..language import t
from ..steps.corpus import KINDS
from ..twin import read_records
from .show import NOTHING, Shown, caption, interval, number, size

CHINESE_FONTS = ("Noto Sans CJK SC", "Noto Sans CJK JP", "Noto Sans SC", "Source Han Sans SC", "Source Han Sans CN",
                 "WenQuanYi Micro Hei", "WenQuanYi Zen Hei", "PingFang SC", "Heiti SC", "STHeiti", "Microsoft YaHei",
                 "SimHei", "Droid Sans Fallback", "Arial Unicode MS")
# The numbers that training steps record, those with one scale together.
PANELS = (("loss", "eval_loss"), ("reward", "correct", "form"), ("no_signal", "clipped"), ("length",), ("entropy",))
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
    with matplotlib.rc_context({"font.family": fonts, "axes.spines.top": False, "axes.spines.right": False,
                                "axes.unicode_minus": False, "font.size": 9}):
        figure = Figure(figsize=(wide * columns, tall * rows), layout="constrained")
        draw(*figure.subplots(rows, columns, squeeze=False).flat)
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
    """{reason: number of whole texts} from dropped.csv, the most frequent six."""
    path = twin.file("dropped")
    if not path.exists():
        return {}
    with open(path, encoding="utf-8", newline="") as file:
        reasons = Counter(row["reason"] for row in csv.DictReader(file)
                          if any(name in row["what"] for name in KINDS["document"]))
    return dict(reasons.most_common(6))


def _short(text):
    text = text if chinese_font() or text.isascii() else "".join(c for c in text if c.isascii()).strip(" ·") or "?"
    return _plain(text if len(text) <= 24 else text[:23] + "…")


def _plain(text):
    """A corpus's text as it stands: a dollar sign is no formula."""
    return text.replace("$", r"\$")


# 02 and 03: training

CAPTIONS = {
    "persona": lambda: t("Loss should fall, then level out; when eval_loss, on rows it never sees, rises again, "
                         "training stops and the best moment is kept.",
                         "损失应先降后平；eval_loss（没见过的数据）再往上走，训练就停，留下最好的那一刻。"),
    "reasoning": lambda: t("reward = correct + form, and should rise. no_signal: problems always right or always "
                           "wrong, from which nothing is learnt; above 0.5, choose others. clipped: answers that "
                           "ran out of room.",
                           "reward = correct + form，应当上升。no_signal：全对或全错的题，学不到东西，超过 0.5 就该换题。"
                           "clipped：没写完就被截断的回答。")}

def curves(twin, step):
    """The curves of a training step's whole history."""
    path = twin.history(step)
    records = read_records(path, step) if path.exists() else []
    figure = curves_of(records)
    if figure is None:
        return caption(t("There are no numbers to draw yet.", "还没有可以画的数字。"))
    return shown(figure, CAPTIONS[step]())


def curves_of(records):
    """A Figure with a panel for each group of PANELS that the records hold numbers of; None when they hold none."""
    panels = [[name for name in names if _points(records, name)[0]] for names in PANELS]
    panels = [names for names in panels if names]
    if not panels:
        return None

    def draw(*axes):
        for axis, names in zip(axes, panels):
            for name in names:
                steps, values = _points(records, name)
                axis.plot(steps, values, label=name, marker="." if len(steps) < 9 else None)
            axis.legend(frameon=False)
            axis.set(xlabel=words("step", "步"))

    return picture(draw, columns=len(panels), wide=4.2 if len(panels) < 3 else 2.6, tall=2.4)


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
    """Every measured figure with its interval; the rows of one figure (NAME, NAME.ROW) share a scale."""
    report = twin.report(step)
    measured = [(name, figure) for name, figure in (report.figures if report else {}).items()
                if isinstance(figure.get("value"), (int, float))]
    if not measured:
        return NOTHING
    ends = {}
    for name, figure in measured:
        values = [figure[end] for end in ("value", "low", "high") if figure.get(end) is not None]
        # All others are shares, of which the whole scale says more.
        whole = [0] if name.startswith("prediction_gain") else [0, 1]
        ends.setdefault(name.split(".")[0], whole).extend(values)

    def draw(*axes):
        for axis, (name, figure) in zip(axes, measured):
            _range(axis, name, figure, ends[name.split(".")[0]])

    return shown(picture(draw, rows=len(measured), tall=.5, wide=7), t(
        "The dot is the value, the line its 95 % interval: a long line means too little text to tell.",
        "圆点是数值，横线是 95% 区间：线长说明文字太少，还说不准。"))


def _range(axis, name, figure, ends):
    if figure.get("low") is not None and figure.get("high") is not None:
        axis.plot([figure["low"], figure["high"]], [0, 0], color=GREY, linewidth=4, solid_capstyle="round")
    axis.plot([figure["value"]], [0], "o", color=GREEN)
    axis.set(yticks=[0], ylim=(-1, 1), xlim=(min(ends) - .02 * (max(ends) - min(ends)), max(ends) * 1.02))
    axis.set_yticklabels([_plain(name)])
    axis.tick_params(labelsize=8)
    says = f"{number(figure['value'])}  {interval(figure)}".strip()
    axis.annotate(says, (1.01, .5), xycoords="axes fraction", va="center")
