"""Several training processes, one a GPU, as `accelerate launch` starts them: all run the same step.

A process learns here whether it is the main one, waits for the others, and shares flags with them.
"""

import contextlib
import functools
import os


def count() -> int:
    """How many processes train together."""
    return int(os.environ.get("WORLD_SIZE", 1))


def is_main() -> bool:
    """Whether this is the process that prints, writes files and answers questions."""
    return int(os.environ.get("RANK", 0)) == 0


def wrong_sharding() -> bool:
    """Whether the processes were told to share the weights in a way that is not supported.

    Of FSDP's versions the second is, which lets LoRA weights differ in type from frozen ones;
    DeepSpeed is not.
    """
    deepspeed = os.environ.get("ACCELERATE_USE_DEEPSPEED", "").lower() == "true"
    fsdp = os.environ.get("ACCELERATE_USE_FSDP", "").lower() == "true"
    return deepspeed or fsdp and os.environ.get("FSDP_VERSION", "1") != "2"


def on_gpu() -> bool:
    """Whether this process trains on an NVIDIA GPU."""
    from ..models.load import device

    return device() == "cuda"


def main_first() -> contextlib.AbstractContextManager:
    """A context that the main process enters first, so that the others find the files it writes."""
    return _state().main_process_first() if count() > 1 else contextlib.nullcontext()


def wait() -> None:
    """Wait for the other processes."""
    if count() > 1:
        _state().wait_for_everyone()


def any_process(*flags: bool) -> tuple[bool, ...]:
    """For each flag whether it is set in any process, so that all act on it at the same step.

    Reduced over a gloo (CPU) group, so the GPUs are not synchronised.
    """
    if count() == 1:
        return flags
    import torch

    sums = torch.tensor([float(flag) for flag in flags])
    torch.distributed.all_reduce(sums, group=_cpu_group())
    return tuple(bool(total) for total in sums > 0)


@functools.cache
def _cpu_group():
    import torch

    return torch.distributed.new_group(backend="gloo")


def _state():
    from accelerate import PartialState

    return PartialState(cpu=not on_gpu())
