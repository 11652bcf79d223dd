"""What the parts of a training step hand each other, in notebooks 02 and 03 alike."""

from typing import NamedTuple

from ..models import load
from ..progress import Progress
from ..settings import Persona, Reasoning
from ..twin import Twin


class Training(NamedTuple):
    """A running training: twin, settings without 'auto', base, model, tokenizer, progress."""

    twin: Twin
    settings: Persona | Reasoning
    base: load.Base
    model: object
    tokenizer: object
    progress: Progress
