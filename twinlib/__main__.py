"""Start the command line, as `python -m twinlib` and as the command `twinlib`.

Nothing heavy is imported before an interrupt can be told from a mistake.
"""

import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit status; 130 when it was interrupted as it started."""
    try:
        from .command_line import main as run

        return run(arguments)
    except KeyboardInterrupt:  # before the command could say so itself
        return 130


if __name__ == "__main__":
    sys.exit(main())
