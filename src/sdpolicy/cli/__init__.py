"""The command line: arguments, printing and exit codes, which stand nowhere else."""

from __future__ import annotations

import gc
import sys
from typing import Final

SELDOM: Final = 500_000
"""New objects between two searches for garbage: a command makes fewer, and searching took a tenth of its time."""


def main() -> None:
    """Run the command line and end the process with its exit code."""
    gc.set_threshold(SELDOM)
    try:
        from sdpolicy.cli import terminal
        from sdpolicy.cli.app import app

        terminal.prepare_streams()
        app(prog_name="sdpolicy")
    except KeyboardInterrupt:  # before or after a command, which has its own answer
        sys.exit(130)
    finally:
        gc.freeze()  # what is left goes back to the system with the process, not object by object


__all__ = ["SELDOM", "main"]
