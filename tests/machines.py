"""The machines that the README's table names, and the bases that the plan says fit each."""

from twinlib import settings
from twinlib.catalogue import CATALOGUE
from twinlib.models import plan

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
    "unsloth": False,
    "compiles": True,
}


def _card(gigabytes, capability=8.6):
    return {
        **_PROCESSOR,
        "gpu": "a card",
        "gpu_gb": float(gigabytes),
        "gpu_capability": capability,
        "gpus": 1,
        "bf16": capability >= 8,
    }


MACHINES = {
    "processor, 8 GB": {**_PROCESSOR, "memory_gb": 8.0},
    "processor, 16 GB": _PROCESSOR,
    "6 GB": _card(6),
    "8 GB": _card(8),
    "12 GB": _card(12),
    "T4": _card(16, 7.5),
    "24 GB": _card(24),
    "80 GB": _card(80, 9.0),
}


def bases_that_fit(machine):
    """(Entry, precision) of the bases of the catalogue whose plan this machine has memory for."""
    for name, entry in CATALOGUE.items():
        planned = plan.derive("persona", settings.make("persona", base=name), machine, {})
        if plan.fits(planned, machine):
            yield entry, planned.values["precision"]
