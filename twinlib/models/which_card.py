"""What fits which card: two tables, of training and of running, by the plan's own estimates.

`make cards` writes them into the READMEs, and notebook 00 shows them.
"""

import functools
from typing import NamedTuple

from .. import settings
from ..catalogue import CATALOGUE, Shape
from ..i18n import Texts, both
from . import device_fit, plan

_CONTEXT = 4096  # tokens of conversation
_PROCESSOR = {
    "system": "Linux",
    "cpu": "a processor",
    "cores": 4,
    "memory_gb": 16.0,
    "bf16": False,
    "gpu": None,
    "gpu_gb": 0.0,
    "gpu_capability": 0.0,
    "gpus": 0,
    "mps": False,
    "unsloth": False,
    "compiles": True,
}


def _card(gigabytes, capability=8.6):
    here = {"gpu": "a card", "gpu_gb": float(gigabytes), "gpus": 1, "bf16": capability >= 8}
    return {**_PROCESSOR, **here, "gpu_capability": capability}


def _mac(gigabytes):
    here = {"system": "Darwin", "gpu": "Apple", "gpu_gb": plan.APPLE_SHARE * gigabytes, "gpus": 1}
    return {**_PROCESSOR, **here, "memory_gb": float(gigabytes), "mps": True, "bf16": True}


# {(key of the label, GB): a machine as plan.machine() describes it}
MACHINES = {
    ("models.no_card", 8): {**_PROCESSOR, "memory_gb": 8.0},
    ("models.no_card", 16): _PROCESSOR,
    ("models.a_mac", 16): _mac(16),
    ("models.a_mac", 32): _mac(32),
    ("models.a_card", 6): _card(6),
    ("models.a_card", 8): _card(8),
    ("models.a_card", 12): _card(12),
    ("models.a_t4", 15): _card(15, 7.5),
    ("models.a_card", 24): _card(24),
    ("models.a_card", 40): _card(40, 8.0),
    ("models.a_card", 80): _card(80, 9.0),
}


class Trains(NamedTuple):
    """A machine and the sizes, in billions of parameters, of the bases that train on it."""

    label: Texts
    sixteen: float  # the largest in 16-bit or, without a GPU, in 32-bit; 0 for none
    four: list[float]  # those that need 4-bit
    start: str  # the base to start with


class Runs(NamedTuple):
    """A size of finished models, its Q4_K_M file in GB, and the least devices that run it, in GB.

    None where no usual device of that kind does.
    """

    parameters: float
    gigabytes: float
    phone: int | None
    laptop: int | None
    mac: int | None
    card: int | None


@functools.cache
def training() -> list[Trains]:
    """What trains where, with LoRA as planned for the effort 'standard'."""
    return [_trains(*key, machine) for key, machine in MACHINES.items()]


def bases_that_fit(machine: dict):
    """(Entry, precision) of the bases of the catalogue whose plan this machine has memory for."""
    for name, entry in CATALOGUE.items():
        planned = plan.derive("persona", settings.make("persona", base=name), machine, {})
        if plan.fits(planned, machine):
            yield entry, planned.values["precision"]


def _trains(key, gigabytes, machine):
    sizes = {True: set(), False: set()}
    for entry, precision in bases_that_fit(machine):
        sizes[precision == "4-bit"].add(_rounded(entry.parameters))
    four = sorted({size if size < 2 else round(size) for size in sizes[True]})
    base, _ = plan.recommended_base(machine)
    return Trains(both(key, gb=gigabytes), max(sizes[False], default=0), four, base)


def running() -> list[Runs]:
    """What runs where in Q4_K_M, one row for each size of the catalogue above a billion."""
    sizes = {}
    for entry in CATALOGUE.values():
        if entry.shape and entry.parameters >= 0.5:
            sizes.setdefault(_rounded(entry.parameters), entry.shape)
    found = []
    for parameters, shape in sorted(sizes.items()):
        fit = device_fit.fit(size := q4_size(shape), _CONTEXT, shape)
        devices = fit.phone, fit.laptop, fit.mac, fit.card
        found.append(Runs(parameters, size / 1e9, *devices))
    return found


def _rounded(parameters):
    return round(parameters, 1) if parameters < 2 else round(parameters)


def q4_size(shape: Shape) -> float:
    """Bytes of a Q4_K_M file, within 3 % of those of Qwen2.5 and Qwen3.

    4.85 bits a weight in the layers, 6.56 in the output head, 4.5 in embeddings of their own; more
    where the width of a layer is no multiple of 256, which K-quants need.
    """
    layers, head = (4.85, 6.56) if shape.hidden % 256 == 0 else (5.5, 8.5)
    embeddings = 0 if shape.tied else 4.5
    looked_up = shape.looked_up * (head if shape.tied else embeddings)
    return (shape.linear * layers + shape.head * (head + embeddings) + looked_up) / 8


def training_table() -> tuple[list[Texts], list[list]]:
    """(header, rows) of `training`, each cell {language: text} or a text."""
    header = ["models.card", "models.trains_in_16_bit", "models.trains_in_4_bit", "models.begin"]
    rows = []
    for found in training():
        slow = found.label.kept["key"] == "models.no_card"
        up_to = "models.up_to_slowly" if slow else "models.up_to"
        sixteen = both(up_to, size=f"{found.sixteen:g}") if found.sixteen else "–"
        four = both("models.sizes", sizes=_listed(found.four)) if found.four else "–"
        rows.append([found.label, sixteen, four, found.start])
    return [both(key) for key in header], rows


def _listed(sizes):
    texts = [f"{size:g}B" for size in sizes]
    return {"en": ", ".join(texts), "zh": "、".join(texts)}


def running_table() -> tuple[list[Texts], list[list]]:
    """(header, rows) of `running`, each cell {language: text} or a text."""
    header = ["models.finished_twin", "models.its_file", "models.phone"]
    header += ["models.laptop", "models.mac", "models.card_from"]
    rows = []
    for found in running():
        devices = found.phone, found.laptop, found.mac, found.card
        cells = [f"{gb} GB" if gb else "–" for gb in devices]
        rows.append([f"{found.parameters:g}B", f"{found.gigabytes:.1f} GB", *cells])
    return [both(key) for key in header], rows
