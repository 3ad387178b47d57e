"""What the wheel carries: the contents alone have to be enough, without the source tree around them."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the contents of a freshly built wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    options = ["--no-deps", "--no-build-isolation", "--quiet", "--disable-pip-version-check"]
    build = [sys.executable, "-m", "pip", "wheel", *options, "--wheel-dir", str(folder), str(REPOSITORY)]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def test_shared_files_travel(unpacked: Path) -> None:
    """Models, scenarios and evidence of the repository are all in the wheel, byte by byte."""
    for shelf in ("models", "scenarios", "evidence"):
        for path in (REPOSITORY / shelf).rglob("*"):
            if path.is_file():
                inside = unpacked / "sdpolicy" / "_shared" / path.relative_to(REPOSITORY)
                assert inside.read_bytes() == path.read_bytes()


def test_runs_from_the_wheel_alone(unpacked: Path, tmp_path: Path) -> None:
    """In an empty folder, with the wheel's contents first on the path, Korea runs."""
    code = "import sdpolicy, sys; assert sdpolicy.__file__.startswith(sys.argv[1])"
    environment = {**os.environ, "PYTHONPATH": str(unpacked), "PYTHONUTF8": "1"}
    for arguments in (["-c", code, str(unpacked)], ["-m", "sdpolicy", "run", "korea", "--format", "none"]):
        answer = subprocess.run(
            [sys.executable, *arguments],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert answer.returncode == 0, answer.stderr
    assert list(tmp_path.iterdir()) == []
