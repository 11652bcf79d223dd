"""twinlib: the thin library under the Another Me notebooks. A twin is a folder; every step is one verb on it.

Importing this module is cheap on purpose (standard library only), so that every notebook and every
`python -m twinlib --help` starts at once.
"""

import os

# Promises, kept before any library can read the environment: no telemetry, no usage statistics.
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
os.environ.setdefault("UNSLOTH_DISABLE_STATISTICS", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

from .files import TwinError
from .twin import Problem, Stopped, Twin

__version__ = "0.1.0"
__all__ = ["Problem", "Stopped", "Twin", "TwinError", "__version__"]
