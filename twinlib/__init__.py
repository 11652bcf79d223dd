"""The library under the Another Me notebooks. A twin is a folder that every step reads and writes.

Importing this module needs the standard library only, so that notebooks and the command line start
at once.
"""

import os

# No telemetry and no usage statistics. Set before any library reads the environment.
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
os.environ.setdefault("UNSLOTH_DISABLE_STATISTICS", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
# What torch can't do on an Apple GPU yet is done on the CPU.
os.environ.setdefault("PYTORCH_ENABLE_MPS_FALLBACK", "1")

from .files import TwinError
from .twin import Problem, Stopped, Twin

__version__ = "0.2.0.dev0"
PROJECT = "https://github.com/another-me-ai/another-me"
__all__ = ["PROJECT", "Problem", "Stopped", "Twin", "TwinError", "__version__"]
