from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sdpolicy.backends import python
from sdpolicy.dominance import dominance
from sdpolicy.lecture import make
from sdpolicy.lecture.bind import apply, bind
from sdpolicy.lecture.page import page_grid
from sdpolicy.lecture.story import read_story
from sdpolicy.library import list_lectures
from sdpolicy.lower import lower
from test_lecture_page import hostile_story

WEB = Path(__file__).resolve().parents[1] / "web"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
READY = (
    shutil.which("node") and (WEB / "node_modules" / "playwright-core").is_dir() and any(map(shutil.which, BROWSERS))
)

pytestmark = pytest.mark.skipif(not READY, reason="needs Node, Chromium and `npm ci` in web/")
LECTURES = [item.name for item in list_lectures()]
SETTINGS = int(os.environ.get("SDPOLICY_LECTURE_SETTINGS", "20"))
"""How many random settings of a story's sliders are compared; 200 before a release, which takes minutes."""
ROUNDING = 1e-10
"""What balances that are zero but for rounding may differ by."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where this module's pages are written."""
    return tmp_path_factory.mktemp("pages")


def page_file(folder: Path, story: str | Path) -> Path:
    """Return the file of a story's page, made once."""
    path = folder / f"{Path(story).stem}.html"
    if not path.exists():
        path.write_text(make(story), encoding="utf-8", newline="\n")
    return path


def check(path: Path, task: str, *more: str) -> dict[str, Any]:
    """Return what a walk in the browser found."""
    done = subprocess.run(
        ["node", str(WEB / "browser" / "check.mjs"), str(path), task, *more],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=500,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout)
    assert found["requests"] == []
    assert found["errors"] == []
    assert found["messages"] == []
    return found


@pytest.mark.parametrize("story", LECTURES)
def test_walk_by_keys(folder: Path, story: str) -> None:
    """Every step is reached by key, fits 1280 x 720 in type of 20 pixels and more, and axe finds no serious fault."""
    found = check(page_file(folder, story), "walk")
    assert [step["id"] for step in found["steps"]] == [step.id for step in read_story(story).file.step]
    for step in found["steps"]:
        assert step["smallest"] >= 20, step
        assert step["overflows"] == 0, step
        assert not step["scrolls"], step
        assert step["named"], step
        assert step["figures"] > 0, step
        assert not step["predicts"] or (step["drawn"] and step["revealed"]), step
        assert serious(step["axe"]) == [], step["id"]
    assert serious([*found["dark"], *found["menu"]]) == []
    assert found["notes"] > 100
    assert found["phone"] <= 390
    titles = {language: step["title"] for language, step in found["translated"].items()}
    assert len(set(titles.values())) == len(titles)


def serious(violations: list[list[Any]]) -> list[list[Any]]:
    """Return the faults that keep somebody out."""
    return [item for item in violations if item[0] in ("serious", "critical")]


@pytest.mark.parametrize("story", LECTURES)
def test_numbers_equal_the_engine(folder: Path, tmp_path: Path, story: str) -> None:
    """At random settings of the sliders the page's worker gives the engine's numbers to 1e-9."""
    bound = bind(read_story(story))
    random = np.random.default_rng(7)
    settings = [
        {lever.slider.id: float(random.uniform(lever.slider.low, lever.slider.high)) for lever in bound.levers}
        for _ in range(SETTINGS)
    ]
    (tmp_path / "settings.json").write_text(json.dumps(settings), encoding="utf-8")
    found = check(page_file(folder, story), "series", str(tmp_path / "settings.json"))
    assert found["worker"], "the page must run its model in a worker"
    for values, made in zip(settings, found["made"], strict=True):
        lowered = lower(apply(bound, values))
        run = python.ENGINE.compile(lowered).run(
            np.array(lowered.defaults), page_grid(bound.case.grid), bound.case.method, found["ids"]
        )
        assert (run.trouble is None) == (made["trouble"] is None)
        page = np.array(made["kept"], dtype=float)
        np.testing.assert_allclose(page, run.values[::4], rtol=1e-9, atol=ROUNDING, equal_nan=True)


def test_loop_shares_agree_with_the_analysis(folder: Path) -> None:
    """The page's shares of the named loops are those of the loop analysis, away from turning points.

    The page scores a Runge-Kutta run at its saved times, the analysis an Euler run at every step.
    """
    found = check(page_file(folder, "catch-up"), "shares")
    analysis = dominance("core-korea")
    names = list(found["raw"])
    theirs = np.abs(analysis["score"].sel(loop=names).values)
    ours = np.abs(np.array([found["raw"][name] for name in names], dtype=float))
    times = np.array(found["times"])
    for year in (1970.0, 1975.0, 1980.0, 1985.0, 1999.0, 2007.0):
        one = ours[:, int(np.argmin(np.abs(times - year)))]
        other = theirs[:, int(np.argmin(np.abs(analysis["time"].values - year)))]
        np.testing.assert_allclose(one / one.sum(), other / other.sum(), atol=0.03)


def test_the_game(folder: Path) -> None:
    """Five rounds are played by button; the future stays hidden; the end shows history and the best found."""
    found = check(page_file(folder, "what-would-you-have-done"), "game")
    assert found["rounds"] == 5
    assert found["hidden"] == [True] * 5
    assert found["over"]
    assert found["best"] > found["history"]
    assert str(round(found["best"])) in found["text"]


def test_hostile_text_runs_nothing(folder: Path, tmp_path: Path) -> None:
    """A story full of markup shows it as text: no alert, no request, no error."""
    path = page_file(folder, hostile_story(tmp_path))
    found = check(path, "walk")
    assert "alert(1)" in found["steps"][0]["title"]


def test_sliders_redraw_quickly(folder: Path) -> None:
    """From a slider's movement to the new picture it takes less than 100 ms even on a busy machine.

    The figure that counts, the median on an idle machine, stands in docs/lectures.md.
    """
    assert check(page_file(folder, "catch-up"), "speed")["median"] < 100
