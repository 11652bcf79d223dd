"""How close a GGUF file is to the 16-bit twin, which to recommend, and which devices can run it.

The thresholds for the checks of files, the score card, the forms and the model card. Pure
arithmetic. What devices need is an estimate, and the texts say so.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

from .. import i18n
from ..catalogue import Shape

GIB = 2**30
# Usual memory sizes; a "GB" of memory is sold as a GiB.
_PHONES = (4, 6, 8, 12)
_LAPTOPS = (8, 16, 32)
_CARDS = (6, 8, 12, 16, 24)
_MACS = (8, 16, 24, 32, 48, 64)
_MAC_SHARE = 0.7  # of its memory, which the GPU may use
_PROGRAM = 0.15e9  # bytes of llama.cpp itself
_MEMORY_BANDWIDTH = 51.2e9  # bytes a second, of a laptop
_READING_SPEED = 5  # tokens a second
# Recommended where no divergence was measured: Ollama's default, then the nearly lossless type.
_UNMEASURED = ("Q4_K_M", "Q8_0")


class Closeness(NamedTuple):
    """A degree of difference: KL divergence of at most `divergence` nats a token, or share `top1`.

    `top1` is the least share of positions with the same likeliest token; `key` names the degree's
    text in data/strings/.
    """

    key: str
    divergence: float
    top1: float


# 0.005 is also the tolerance of Q8_0 (gguf/types.py); HARDLY_DIFFERENT is good on the score card.
CLOSENESS = (
    Closeness("models.indistinguishable", 0.005, 0.98),
    Closeness("models.hardly_different", 0.03, 0.92),
    Closeness("models.slightly_different", 0.1, 0.85),
    Closeness("models.noticeably_different", math.inf, -math.inf),
)
HARDLY_DIFFERENT, SLIGHTLY_DIFFERENT = CLOSENESS[1:3]


class Fit(NamedTuple):
    """Bytes of memory a file needs, and the smallest usual device in GB (None: none is enough).

    `laptop` is one without a graphics card, `mac` one with a chip of Apple's; `slow`: it
    generates more slowly than people read.
    """

    memory: float
    phone: int | None
    laptop: int | None
    card: int | None
    slow: bool
    mac: int | None = None


def closeness(divergence: float | None = None, top1: float | None = None) -> Closeness | None:
    """How different a file is from the 16-bit twin; None when neither figure was measured.

    `divergence` is the mean KL divergence in nats a token: a token of the twin's own text becomes
    less likely by the factor exp(-divergence), 3 % at 0.03. `top1`, the share of positions with
    the same likeliest token, is used only without a divergence.
    """
    if divergence is not None:
        return next(grade for grade in CLOSENESS if divergence <= grade.divergence)
    if top1 is not None:
        return next(grade for grade in CLOSENESS if top1 >= grade.top1)
    return None


def level(divergence: dict) -> str:
    """'good', 'so-so' or 'bad' of a file by the figure of its KL divergence; '' if not measured.

    A file of which the interval reaches what hardly differs is so-so.
    """
    value, low = divergence.get("value"), divergence.get("low")
    if value is None:
        return ""
    if value <= HARDLY_DIFFERENT.divergence:
        return "good"
    slight = value <= SLIGHTLY_DIFFERENT.divergence
    return "so-so" if slight or low is not None and low <= HARDLY_DIFFERENT.divergence else "bad"


def less_likely(divergence: float) -> str:
    """By how much less likely a divergence in nats a token makes a token: 0.03 is '3 %'."""
    return f"{100 * -math.expm1(-divergence):.2g} %"


def closeness_text(divergence: float | None = None, top1: float | None = None) -> dict[str, str]:
    """{language: text} of `closeness`, or 'not measured'."""
    grade = closeness(divergence, top1)
    return i18n.both(grade.key if grade else "models.not_measured")


def recommended_type(types: Sequence[str], figures: dict | None = None) -> str:
    """The type of GGUF file to recommend among `types`; '' when there are none.

    By the figures of step quantize, {name: {"value": …}}: the smallest file (size_mb_TYPE) that
    hardly differs from the 16-bit twin (kl_divergence_TYPE), else the closest. Without a measured
    divergence Ollama's default.
    """
    values = {name: figure.get("value") for name, figure in (figures or {}).items()}
    divergence = {kind: values.get(f"kl_divergence_{kind}") for kind in types}
    measured = [kind for kind in types if divergence[kind] is not None]
    good = [kind for kind in measured if divergence[kind] <= HARDLY_DIFFERENT.divergence]
    if good:
        return min(good, key=lambda kind: values[f"size_mb_{kind}"])
    if measured:
        return min(measured, key=divergence.get)
    return next((kind for kind in (*_UNMEASURED, *types) if kind in types), "")


def memory(size: float, context: int, shape: Shape) -> float:
    """Bytes to run a file of `size` bytes with `context` tokens: an estimate on the safe side.

    The weights as they are in the file; keys and values of each layer in 16 bits, 2 × layers × keys
    × 2 bytes a token (Gemma's sliding windows keep fewer); a tenth of both for buffers; and 0.15 GB
    for the program and its vocabulary. With Gemma 270M in Q8_0 (0.29 GB) llama.cpp took 0.46 GB at
    4,096 tokens; this says 0.55.
    """
    return 1.1 * (size + 4 * shape.layers * shape.keys * context) + _PROGRAM


def fit(size: float, context: int, shape: Shape) -> Fit:
    """The Fit of a file of `size` bytes with `context` tokens of conversation: an estimate.

    An app may use about half of a phone's memory. A laptop needs 4 GB for its system and a browser.
    A tenth of a graphics card's memory goes to the screen and the driver. Each token reads all
    weights once, and two channels of DDR4-3200 carry 2 × 8 bytes × 3.2 billion a second at best:
    files above 10 GB can't reach 5 tokens a second there, which is about 230 English words a
    minute, as fast as people read.
    """
    needed = memory(size, context, shape)

    def smallest(sizes, usable):
        return next((gb for gb in sizes if usable(gb) * GIB >= needed), None)

    return Fit(
        needed,
        smallest(_PHONES, lambda gb: gb / 2),
        smallest(_LAPTOPS, lambda gb: gb - 4),
        smallest(_CARDS, lambda gb: 0.9 * gb),
        size * _READING_SPEED > _MEMORY_BANDWIDTH,
        smallest(_MACS, lambda gb: _MAC_SHARE * gb),
    )


def device_text(fit: Fit) -> dict[str, str]:
    """{language: 'a phone with 6 GB of memory or more, …'}: the devices that a file suits."""
    laptop = "models.slow_laptop_with" if fit.slow else "models.laptop_with"
    sizes = {
        "models.phone_with": fit.phone,
        laptop: fit.laptop,
        "models.graphics_card_with": fit.card,
    }
    texts = [i18n.both(key, gb=gb) for key, gb in sizes.items() if gb]
    if not texts:
        return i18n.both("models.machine_with", gb=f"{fit.memory / 1e9:.0f}")
    return i18n.listed(texts)
