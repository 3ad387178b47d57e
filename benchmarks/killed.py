"""Kill an ensemble outright at random moments, again and again, and hold the resumed store to an undisturbed one.

python benchmarks/killed.py --kills 10
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from sdpolicy.ensemble import Sampling, Study, plan, write_ensemble
from sdpolicy.scenario import RunSettings, case
from sdpolicy.vensim import read_model


def study(members: int) -> Study:
    """Return an ensemble of many small blocks."""
    chosen = case("core-korea-uncertain", read_model, {}, RunSettings(method="euler"))
    return plan(chosen, Sampling("latin-hypercube", members, 1, block=64), outputs=["output", "liquidity coverage"])


def contents(folder: Path) -> dict[str, bytes]:
    """Return the content of every file below ``folder``."""
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def main() -> None:
    """Read the arguments, kill and compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--members", type=int, default=30_000)
    parser.add_argument("--write", type=Path, help="write, going on with what is there: what is killed")
    given = parser.parse_args()
    if given.write:
        write_ensemble(study(given.members), given.write, resume=True)
        return
    with tempfile.TemporaryDirectory() as name:
        disturbed, whole = Path(name) / "disturbed", Path(name) / "whole"
        command = [sys.executable, __file__, "--members", str(given.members), "--write", str(disturbed)]
        for kill in range(given.kills):
            before = _blocks(disturbed)
            process = subprocess.Popen(command)
            while _blocks(disturbed) <= before and process.poll() is None:
                time.sleep(0.02)
            time.sleep(random.uniform(0.0, 0.5))
            ended = process.poll() is not None
            process.kill()
            process.wait()
            print(f"kill {kill + 1}: {_blocks(disturbed)} blocks noted{', had ended' if ended else ''}")
        report = write_ensemble(study(given.members), disturbed, resume=True)
        write_ensemble(study(given.members), whole)
        same = contents(disturbed) == contents(whole)
        print(f"resumed: {report.computed:,} of {report.members:,} members; bitwise equal: {same}")
        sys.exit(not same)


def _blocks(folder: Path) -> int:
    """Return how many blocks the journal names."""
    journal = folder / "blocks.jsonl"
    return journal.read_text(encoding="utf-8").count("\n") if journal.is_file() else 0


if __name__ == "__main__":
    main()
