"""What quantization cost the twin, from the figures of step 04: how far each file's predictions are from the 16-bit
twin's, and how often its likeliest token is the same."""

from ..i18n import t
from ..twin import figure
from . import ratings
from ..publish.cards import favourite
from .ratings import percent

SAME_TOKEN = 0.92


def loss(report, state, kinds):
    """{name: figure}: the recommended file's divergence in nats a token, and each other file's as NAME.KIND.

    `report` and `state` are step quantize's, `kinds` the types of the files that are there.
    """
    figures = report.figures if report else {}
    kinds = [kind for kind in kinds if figures.get(f"kl_divergence_{kind}", {}).get("value") is not None]
    if not kinds or state != "done":
        return {"quantization_loss": figure(None, note=t(
            "Not measured: run the step 'quantize' (again).", "未测：请（重新）运行“quantize”这一步。"))}
    best = favourite(kinds, figures)
    found = {kind: _of(kind, figures[f"kl_divergence_{kind}"], figures.get(f"top1_{kind}", {})) for kind in kinds}
    return {"quantization_loss": found[best]} | {f"quantization_loss.{kind}": one for kind, one in found.items()
                                                 if kind != best}


def _of(kind, divergence, top1):
    value, low, high, n = (divergence[key] for key in ("value", "low", "high", "n"))
    advice = "Take a larger file.", "请用更大的文件。"
    judged = ratings.said("quantization_loss", value, low, high, "{:.2f}", advice)
    share = top1.get("value")
    same = ("", "") if share is None else (
        f" Its likeliest token is the 16-bit twin's in {percent(share)} of places"
        + ("." if share >= SAME_TOKEN else f" ({percent(SAME_TOKEN)} is good)."),
        f"有 {percent(share)} 的位置，最可能的 token 与量化前的分身相同" + ("。" if share >= SAME_TOKEN else
                                                        f"（{percent(SAME_TOKEN)} 算好）。"))
    return figure(value, low, high, n, t(
        f"{judged[0]} {kind}: nats a token between its predictions and the 16-bit twin's.{same[0]}",
        f"{judged[1]}{kind}：每个 token 的预测与量化前的分身相差多少（nat）。{same[1]}"))
