"""What a GGUF file is good for: how near it is to the 16-bit twin, how much memory it takes, and which usual device has
that. Pure arithmetic; what devices are said to need is an estimate, and says so."""

from typing import NamedTuple

GIB = 2**30
PHONES, LAPTOPS, CARDS = (
    (4, 6, 8, 12),
    (8, 16, 32),
    (6, 8, 12, 16, 24),
)  # GB as they are sold, which are GiB
PROGRAM = 0.15e9  # bytes
TRAFFIC = 51.2e9  # bytes a second
READING = 5  # tokens a second

# Up to this many nats a token, or down to this share of equal first choices: what people would call that.
# 0.005 is the gate of Q8_0, 0.03 and 92 % are what counts as good (the score card's limits); the others are our own.
NEARNESS = (
    (0.005, 0.98, ("indistinguishable", "分不出差别")),
    (0.03, 0.92, ("hardly different", "几乎没有差别")),
    (0.1, 0.85, ("slightly different", "略有差别")),
)
FAR = ("noticeably different", "有明显差别")


class Fit(NamedTuple):
    """What a file needs: `memory` in bytes, and the smallest `phone`, `laptop` without a graphics card, and graphics
    `card`, in GB, that have it, None where none of the usual ones has; `slow` when such a laptop writes more slowly
    than people read."""

    memory: float
    phone: int | None
    laptop: int | None
    card: int | None
    slow: bool


def nearness(divergence=None, top1=None):
    """How different a file is from the 16-bit twin, as (English, Chinese); None when neither figure was measured.

    `divergence` is the mean KL divergence in nats a token: what the twin would write gets a probability lower by the
    factor exp(-divergence), which is 3 % at 0.03. `top1`, the share of positions with the same likeliest token, counts
    where there is no divergence.
    """
    if divergence is None and top1 is None:
        return None
    return next(
        (
            said
            for most, least, said in NEARNESS
            if (top1 >= least if divergence is None else divergence <= most)
        ),
        FAR,
    )


def recommended(figures):
    """The type of GGUF file to take when in doubt, by the figures of step 04: the smallest that hardly differs from the
    16-bit twin, else the nearest; '' when no divergence was measured.

    `figures` is {name: {"value": …}} with size_mb_TYPE and kl_divergence_TYPE.
    """
    kinds = [
        name.removeprefix("kl_divergence_")
        for name, found in figures.items()
        if name.startswith("kl_divergence_") and found.get("value") is not None
    ]
    divergence = {kind: figures[f"kl_divergence_{kind}"]["value"] for kind in kinds}
    good = [kind for kind in kinds if divergence[kind] <= NEARNESS[1][0]]
    if good:
        return min(good, key=lambda kind: figures[f"size_mb_{kind}"]["value"])
    return min(kinds, key=divergence.get, default="")


def memory(size, context, shape):
    """Bytes to run a file of `size` bytes with `context` tokens of conversation: an estimate, on the safe side.

    The weights as they are in the file; keys and values of each layer in 16 bits, 2 × layers × keys × 2 bytes a token
    (Gemma's sliding windows keep fewer); a tenth of both for what is computed with; and 0.15 GB for the program and
    its vocabulary. With Gemma 270M in Q8_0 (0.29 GB) llama.cpp took 0.46 GB at 4,096 tokens; this says 0.55.
    `shape` is a catalogue.Shape.
    """
    return 1.1 * (size + 4 * shape.layers * shape.keys * context) + PROGRAM


def fit(size, context, shape):
    """The Fit of a file of `size` bytes, `context` tokens and a catalogue.Shape: an estimate.

    An app may use about half of a phone's memory. A laptop keeps 4 GB for its system and a browser. A tenth of a
    card's memory is the screen's and the driver's. A token takes all weights through the processor once, and two
    channels of DDR4-3200 carry 2 × 8 bytes × 3.2 billion a second at best: files above 10 GB can't reach 5 tokens a
    second there, which is about 230 English words a minute, as fast as people read.
    """
    needed = memory(size, context, shape)

    def smallest(sold, usable):
        return next((gb for gb in sold if usable(gb) * GIB >= needed), None)

    return Fit(
        needed,
        smallest(PHONES, lambda gb: gb / 2),
        smallest(LAPTOPS, lambda gb: gb - 4),
        smallest(CARDS, lambda gb: 0.9 * gb),
        size * READING > TRAFFIC,
    )


def sentence(fit):
    """Which devices a file suits, as (English, Chinese): 'a phone with 6 GB of memory or more, …'."""
    each = (
        (fit.phone, "a phone with {} GB of memory or more", "{} GB 内存以上的手机"),
        (
            fit.laptop,
            "a laptop with {} GB or more" + " (slowly)" * fit.slow,
            "{} GB 内存以上的笔记本电脑" + "（较慢）" * fit.slow,
        ),
        (fit.card, "a graphics card with {} GB or more", "{} GB 显存以上的显卡"),
    )
    there = [(en.format(gb), zh.format(gb)) for gb, en, zh in each if gb]
    if not there:
        gb = f"{fit.memory / 1e9:.0f}"
        return (f"a machine with about {gb} GB of free memory", f"约有 {gb} GB 空闲内存的机器")
    return ", ".join(en for en, _ in there), "、".join(zh for _, zh in there)


def favourite(types, figures=None):
    """The quantization type to recommend among those there are, by the figures of step 04 where there are any."""
    measured = recommended(figures or {})
    return (
        measured
        if measured in types
        else next((kind for kind in FIRST_CHOICES if kind in types), types[0] if types else "")
    )


FIRST_CHOICES = ("Q4_K_M", "Q8_0", "Q5_K_M", "Q6_K")
