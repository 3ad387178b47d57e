from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

import sdpolicy

WEB = Path(__file__).resolve().parents[1] / "web"
BUNDLE = Path(sdpolicy.__file__).parent / "lecture" / "bundle"

needs_node = pytest.mark.skipif(
    not (shutil.which("node") and (WEB / "node_modules" / "esbuild").is_dir()), reason="needs Node and `npm ci` in web/"
)


@needs_node
def test_the_bundle_is_what_the_source_gives(tmp_path: Path) -> None:
    """Building again gives the files that travel in the package, byte for byte."""
    subprocess.run(["node", "build.mjs", str(tmp_path)], cwd=WEB, check=True, timeout=120)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == sorted(path.name for path in BUNDLE.iterdir())
    for name in names:
        assert (tmp_path / name).read_bytes() == (BUNDLE / name).read_bytes(), f"run `npm run build` in web/: {name}"


@needs_node
@pytest.mark.parametrize("command", [["node", "node_modules/typescript/bin/tsc", "--noEmit"], ["node", "test.mjs"]])
def test_the_source_passes_its_own_checks(command: list[str]) -> None:
    """TypeScript finds no fault, and the page's own tests pass."""
    done = subprocess.run(command, cwd=WEB, capture_output=True, text=True, encoding="utf-8", timeout=300, check=False)
    assert done.returncode == 0, done.stdout[-3000:]


def test_licences_travel_with_the_bundle() -> None:
    """The licence of every library inside the bundle stands beside it."""
    text = (BUNDLE / "LICENCES.txt").read_text(encoding="utf-8")
    for name in ("@dagrejs/dagre", "d3-scale", "d3-shape"):
        assert name in text


def test_the_lock_names_no_host() -> None:
    """The list of packages holds versions and hashes, no address that only one network has."""
    assert '"resolved"' not in (WEB / "package-lock.json").read_text(encoding="utf-8")
