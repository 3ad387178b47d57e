"""The command line: arguments, printing and exit codes, which stand nowhere else."""

from __future__ import annotations


def main() -> None:
    """Run the command line and end the process with its exit code."""
    from sdpolicy.cli import terminal
    from sdpolicy.cli.app import app

    terminal.prepare_streams()
    app(prog_name="sdpolicy")


__all__ = ["main"]
