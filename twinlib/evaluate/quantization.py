"""What quantization cost the twin, from the figures of step 04: how far each file's predictions are from the 16-bit
twin's, and how often its likeliest token is the same."""

from ..i18n import t
from ..models.device_fit import HARDLY_DIFFERENT, recommended_type
from ..twin import figure
from . import ratings
from .ratings import percent


def loss(report, state, kinds):
    """{name: figure}: the recommended file's divergence in nats a token, and each other file's as NAME.KIND.

    `report` and `state` are step quantize's, `kinds` the types of the files that are there.
    """
    figures = report.figures if report else {}
    kinds = [
        kind for kind in kinds if figures.get(f"kl_divergence_{kind}", {}).get("value") is not None
    ]
    if not kinds or state != "done":
        return {
            "quantization_loss": figure(None, note=t("evaluate.measured_run_step_quantize_again"))
        }
    best = recommended_type(kinds, figures)
    found = {
        kind: _of(kind, figures[f"kl_divergence_{kind}"], figures.get(f"top1_{kind}", {}))
        for kind in kinds
    }
    return {"quantization_loss": found[best]} | {
        f"quantization_loss.{kind}": one for kind, one in found.items() if kind != best
    }


def _of(kind, divergence, top1):
    value, low, high, n = (divergence[key] for key in ("value", "low", "high", "n"))
    advice = "Take a larger file.", "请用更大的文件。"
    judged = ratings.said("quantization_loss", value, low, high, "{:.2f}", advice)
    share = top1.get("value")
    same = (
        ("", "")
        if share is None
        else (
            f" Its likeliest token is the 16-bit twin's in {percent(share)} of places"
            + (
                "."
                if share >= HARDLY_DIFFERENT.top1
                else f" ({percent(HARDLY_DIFFERENT.top1)} is good)."
            ),
            f"有 {percent(share)} 的位置，最可能的 token 与量化前的分身相同"
            + (
                "。"
                if share >= HARDLY_DIFFERENT.top1
                else f"（{percent(HARDLY_DIFFERENT.top1)} 算好）。"
            ),
        )
    )
    return figure(
        value,
        low,
        high,
        n,
        t(
            "evaluate.nats_token_between_predictions_16",
            judged=judged[0],
            kind=kind,
            same=same[0],
            judged_2=judged[1],
            same_2=same[1],
        ),
    )
