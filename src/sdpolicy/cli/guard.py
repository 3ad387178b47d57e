"""From what a command raises to a message and an exit code. It knows the error tree and no command."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from enum import IntEnum
from typing import Final, ParamSpec, TypeVar

import typer

from sdpolicy.cli import terminal
from sdpolicy.errors import SdpolicyError, SettingsError, SimulationError

P = ParamSpec("P")
R = TypeVar("R")


class Code(IntEnum):
    """What the exit code of a command says."""

    DONE = 0
    CHECK_FAILED = 1
    BAD_INPUT = 2
    RUN_FAILED = 3
    BUG = 70
    INTERRUPTED = 130


MEANING: Final = {
    Code.DONE: "done",
    Code.CHECK_FAILED: "a check failed",
    Code.BAD_INPUT: "bad input",
    Code.RUN_FAILED: "a run failed",
    Code.BUG: "a fault in sdpolicy",
    Code.INTERRUPTED: "interrupted",
}


def guarded(command: Callable[P, R]) -> Callable[P, R]:
    """Return ``command`` so that it ends with a message and an exit code, never with a traceback."""

    @functools.wraps(command)
    def run(*args: P.args, **options: P.kwargs) -> R:
        try:
            return command(*args, **options)
        except SdpolicyError as error:
            _report(error)
            code = code_of(error)
        except KeyboardInterrupt:
            terminal.complain("interrupted; nothing half-written was left behind", label="stopped")
            code = Code.INTERRUPTED
        except (typer.Exit, typer.Abort, BrokenPipeError):
            raise
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            terminal.complain(f"{where}{error.strerror or error}")
            code = Code.BAD_INPUT
        except Exception as error:
            if error.__class__.__module__.startswith(("click", "typer")):
                raise  # usage errors, which typer prints and turns into code 2
            _report_bug(error)
            code = Code.BUG
        raise typer.Exit(code)

    return run


def code_of(error: SdpolicyError) -> Code:
    """Tell what failed while running from what can be repaired in what was given."""
    failed = isinstance(error, SimulationError) and not isinstance(error, SettingsError)
    return Code.RUN_FAILED if failed else Code.BAD_INPUT


def _report(error: SdpolicyError) -> None:
    for problem in error.problems:
        terminal.complain(str(problem))
    if _wants_traceback():
        _print_traceback()


def _report_bug(error: Exception) -> None:
    terminal.complain(f"unexpected {type(error).__name__}: {error}")
    if _wants_traceback():
        _print_traceback()
    else:
        terminal.complain(
            "this is a fault in sdpolicy; set SDPOLICY_TRACEBACK=1, run again, and report what it prints",
            label="help",
        )


def _wants_traceback() -> bool:
    return os.environ.get("SDPOLICY_TRACEBACK", "0") not in ("", "0")


def _print_traceback() -> None:
    import traceback

    traceback.print_exc(file=sys.stderr)
