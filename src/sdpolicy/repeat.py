"""Is a result folder what its runs give? Each run of its manifest is run again. It prints nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from sdpolicy import results
from sdpolicy.run import simulate

if TYPE_CHECKING:
    import xarray as xr


def verify(folder: str | Path) -> results.Verification:
    """Hold the files of a result folder to its manifest, and its numbers to fresh runs.

    Raises:
        ResultError: when the folder holds no manifest of ours.
    """
    return results.verify(folder, again)


def again(record: results.Record) -> xr.Dataset:
    """Run again what a record of a manifest says, with what the command line had set then.

    Raises:
        SdpolicyError: when the model or scenario is not there any more, or has become faulty.
    """
    settings: dict[str, Any] = {key: record.run.get(key) for key in ("method", "step", "save")}
    source = Path(record.reference) if record.is_path else record.reference
    return simulate(source, engine=record.engine, overrides=record.overrides, **settings)
