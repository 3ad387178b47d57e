"""Tests of figures: what is drawn, where labels go, that nothing global changes, and that bytes repeat."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping
from itertools import pairwise

import matplotlib as mpl
import numpy as np
import pytest
import xarray as xr
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from fake_runs import fake_run
from sdpolicy import figures
from sdpolicy.errors import ResultError
from sdpolicy.evidence import Observation
from sdpolicy.figures import chart, panels
from sdpolicy.figures.frame import initials, provenance, short_source
from sdpolicy.figures.labels import short_names, spread
from sdpolicy.figures.phase import marks
from sdpolicy.figures.style import COLOURS, LABEL, clip, measure, wrap
from sdpolicy.words import number, percent, unit_words, year

OTHER = "korea-no-directed-credit"


def texts(figure: Figure) -> list[str]:
    """Return all words of a figure that are not ticks."""
    found = [text.get_text() for text in figure.texts]
    found += [text.get_text() for axes in figure.axes for text in axes.texts]
    return [text for text in found if text]


KINDS: Mapping[str, Callable[[], Figure]] = {
    "behaviour": lambda: figures.behaviour(fake_run()),
    "several": lambda: figures.behaviour([fake_run(), fake_run(OTHER, credit=0.0)]),
    "comparison": lambda: figures.comparison(fake_run(), [fake_run(OTHER, credit=0.0)]),
    "phase": lambda: figures.phase([fake_run(), fake_run(OTHER, credit=0.0)]),
}


@pytest.mark.parametrize("kind", KINDS)
def test_figures_can_be_drawn(kind: str) -> None:
    """Every kind of figure is a slide of 1280 x 720 pixels, with title, question and provenance."""
    figure = KINDS[kind]()
    assert (figure.get_size_inches() * 100).tolist() == [1280, 720]
    said = " ".join(texts(figure))
    assert "Korea, 1962 to 2010" in said
    assert "Why does catching up end in a stall?" in said
    assert "model core c0ffeec0 · scenario korea decadede" in said
    assert "engine python, method euler, step 0.25 year" in said


def test_nothing_global_changes() -> None:
    """Drawing and writing leave matplotlib's settings as they were and open no window of pyplot."""
    before = dict(mpl.rcParams)
    figures.draw({"korea": fake_run()}, ("svg",))
    assert dict(mpl.rcParams) == before
    code = "import sys, sdpolicy.figures; print('matplotlib.pyplot' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "False"


def test_a_users_style_does_not_leak_in() -> None:
    """Dark backgrounds, other fonts and LaTeX in the user's settings change nothing."""
    plain = figures.render(figures.behaviour(fake_run()), "svg")
    wild = {
        "axes.facecolor": "black",
        "font.size": 30,
        "lines.linestyle": "--",
        "axes.grid": True,
    }
    wild |= {"text.color": "red", "axes.prop_cycle": mpl.cycler(color=["pink"]), "font.family": "monospace"}
    with mpl.rc_context({**wild, "text.usetex": False, "axes.spines.top": True, "xtick.direction": "in"}):
        assert figures.render(figures.behaviour(fake_run()), "svg") == plain


@pytest.mark.parametrize("kind", figures.FORMATS)
def test_bytes_repeat(kind: str) -> None:
    """The same run gives the same file, today and tomorrow."""
    first, second = (figures.render(figures.phase(fake_run()), kind) for _ in "ab")
    assert first == second
    assert first.startswith({"svg": b"<?xml", "png": b"\x89PNG", "pdf": b"%PDF"}[kind])


def test_draw_names_the_files() -> None:
    """One run has its behaviour and phase portrait; several have a comparison too."""
    runs = {"korea": fake_run(), OTHER: fake_run(OTHER, credit=0.0)}
    assert list(figures.draw({"korea": fake_run()}, ("svg",))) == ["korea.behaviour.svg", "korea.phase.svg"]
    assert "comparison.svg" in figures.draw(runs, ("svg",))
    assert figures.draw(runs, ()) == {}


@pytest.mark.parametrize("title", ["cost $5 and $x^2$", r"\alpha and \n", "{braces} %s", "a\nb\tc", "한국 Korea"])
def test_words_are_never_mathematics(title: str) -> None:
    """What a user writes appears as it is."""
    figure = figures.behaviour(fake_run(title=title))
    assert " ".join(title.split()) in texts(figure)
    assert figures.render(figure, "svg").startswith(b"<?xml")


def test_long_words_stay_on_the_page() -> None:
    """A title of any length takes two lines at most."""
    figure = figures.behaviour(fake_run(title="very " * 200 + "long"))
    titles = [text for text in figure.texts if text.get_text().startswith("very")]
    assert len(titles) == 2
    assert titles[1].get_text().endswith("…")


def test_panels_follow_the_roles() -> None:
    """Without a word from the scenario, the variables with a role come first."""
    names = [panel.variables[0] for panel in panels.choose(fake_run(), None, 3)]
    assert names == ["output", "relative knowledge", "debt/equity ratio"]


def test_panels_follow_the_scenario() -> None:
    """The panels that the run carries are taken, a list of variables in one panel."""
    run = fake_run()
    run.attrs["panels"] = '["Output", ["capital", "DEBT"]]'
    assert [panel.variables for panel in panels.choose(run, None)] == [("output",), ("capital", "debt")]


def test_a_comparison_stays_a_slide() -> None:
    """More panels than a slide takes give way to the roles; few are taken as the scenario names them."""
    run = fake_run()
    run.attrs["panels"] = '["capital", "debt", "coverage", "export share"]'
    assert len(figures.behaviour(run).axes) == 4
    assert len(figures.comparison(run, [run]).axes) == 6
    run.attrs["panels"] = '["capital", "debt"]'
    assert "capital" in texts(figures.comparison(run, [run]))


def test_the_gap_follows_from_relative_knowledge() -> None:
    """A model without a variable for the knowledge gap has the portrait all the same."""
    run = fake_run().drop_vars("knowledge gap")
    assert "knowledge gap (no unit)" in texts(figures.phase(run))
    assert "knowledge gap" not in run


def test_panels_of_any_model() -> None:
    """A model without roles shows its stocks, one without stocks whatever varies."""
    run = fake_run()
    del run.attrs["roles"]
    assert panels.choose(run, None)[0].variables == ("capital",)
    bare = xr.Dataset({"x": ("time", [1.0, 2.0])}, {"time": ("time", [0.0, 1.0])})
    assert panels.choose(bare, None)[0].variables == ("x",)
    assert figures.render(figures.behaviour(bare), "png").startswith(b"\x89PNG")


def test_unknown_panels_are_refused() -> None:
    """A name that the run does not hold is told, with what was probably meant."""
    with pytest.raises(ResultError, match=r"no series 'outptu'\. Did you mean 'output'"):
        figures.behaviour(fake_run(), ["outptu"])
    with pytest.raises(ResultError, match="no series 'nothing'"):
        figures.phase(fake_run(), "nothing", "output")


def test_subscripts_become_lines() -> None:
    """A variable with subscripts has a labelled line for each element."""
    run = xr.Dataset(
        {"labour": (("time", "Region"), np.ones((3, 2)), {"kind": "stock"})},
        {"time": ("time", [0.0, 1.0, 2.0]), "Region": ["north", "south"]},
    )
    assert [line.label for line in panels.lines(run, panels.choose(run, None)[0])] == ["north", "south"]
    assert {"north", "south"} <= set(texts(figures.behaviour(run)))


def test_observed_points_bear_their_source() -> None:
    """A fact is an open circle with initials; the caption says what they stand for."""
    facts = [
        Observation("K1", "output", 1980, 1989, 120.0, 100.0, 140.0, "", "Ernst (1998), I.3"),
        Observation("K2", "output", 1900, 1900, 1e9, None, None, "", "Long before"),
    ]
    figure = figures.behaviour(fake_run(), ["output"], facts)
    assert "E98" in texts(figure)
    assert any("E98 Ernst 1998" in text for text in texts(figure))
    circles = [line for line in figure.axes[0].lines if line.get_marker() == "o"]
    assert [line.get_ydata()[0] for line in circles] == [120.0]
    assert figure.axes[0].get_ylim()[1] < 1000


def test_a_fact_is_drawn_as_far_as_the_run_goes() -> None:
    """A period that begins before the run is cut; one that hardly touches it is left out."""
    facts = [
        Observation("K1", "output", 1960, 1993, 120.0, None, None, "", "S"),
        Observation("K2", "output", 1900, 1970, 130.0, None, None, "", "S"),
    ]
    lines = figures.behaviour(fake_run(), ["output"], facts).axes[0].lines
    bars = [line.get_xdata() for line in lines if len(line.get_xdata()) == 2]
    assert [list(bar) for bar in bars] == [[1962.0, 1993.0]]


def test_phases_are_shaded_and_said() -> None:
    """Phases that the summary knows stand in the strip below the question."""
    said = texts(figures.behaviour(fake_run()))
    assert any(text.startswith("catch-up 1962–") for text in said)
    assert any(text.startswith("liquidity failure 1999–") for text in said)


def test_differences_are_taken_at_the_baselines_times() -> None:
    """A counterfactual with another step is read along straight lines; beyond its horizon there is none."""
    time = np.array([0.0, 1.0, 2.0, 3.0])
    base = xr.Dataset({"x": ("time", time)}, {"time": ("time", time)})
    other = xr.Dataset({"x": ("time", [0.0, 4.0])}, {"time": ("time", [0.0, 2.0])})
    below = figures.comparison(base, [other], ["x"]).axes[1]
    assert below.lines[0].get_ydata()[:3].tolist() == [0.0, 1.0, 2.0]
    assert np.isnan(below.lines[0].get_ydata()[3])


def test_a_comparison_with_nothing_is_drawn() -> None:
    """A baseline alone, equal runs, and series without a finite number are no trouble."""
    run = fake_run()
    empty = run.copy()
    empty["output"] = ("time", np.full(193, np.nan), run["output"].attrs)
    for figure in (
        figures.comparison(run, []),
        figures.comparison(run, [run]),
        figures.comparison(empty, [empty], ["output"]),
    ):
        assert figures.render(figure, "svg").startswith(b"<?xml")


def test_labels_at_line_ends_never_overlap() -> None:
    """Seven runs with the same end have seven labels apart from each other."""
    runs = [fake_run(f"korea-number-{i}") for i in range(7)]
    figure = figures.comparison(runs[0], runs[1:], ["output"])
    canvas = FigureCanvasAgg(figure)
    figure.draw(canvas.get_renderer())
    labels = [text for text in figure.texts if text.get_text() in [str(i) for i in range(7)]]
    boxes = [text.get_window_extent(canvas.get_renderer()) for text in labels]
    upper = sorted((box for box in boxes if box.y0 > 320), key=lambda box: box.y0)
    assert len(upper) == 7
    assert all(above.y0 >= below.y1 for below, above in pairwise(upper))


def test_spread_moves_as_little_as_possible() -> None:
    """Labels that don't overlap stay; those that do move apart evenly, in order."""
    assert spread([1.0, 50.0], [4.0, 4.0], 0.0, 100.0) == [2.0, 50.0]
    assert spread([50.0, 50.0], [10.0, 10.0], 0.0, 100.0) == [45.0, 55.0]
    assert spread([99.0, 98.0], [10.0, 10.0], 0.0, 100.0) == [95.0, 85.0]
    assert spread([], [], 0.0, 1.0) == []


def test_spread_keeps_labels_apart_and_inside() -> None:
    """Whatever is wanted, labels that fit neither overlap nor leave the range."""
    random = np.random.default_rng(1)
    for _ in range(50):
        wanted, heights = list(random.uniform(-20, 120, 6)), list(random.uniform(5, 16, 6))
        centres = spread(wanted, heights, 0.0, 100.0)
        spans = sorted((c - h / 2, c + h / 2) for c, h in zip(centres, heights, strict=True))
        assert spans[0][0] >= -1e-9
        assert spans[-1][1] <= 100 + 1e-9
        assert all(b[0] >= a[1] - 1e-9 for a, b in pairwise(spans))


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["korea", "korea-no-credit"], ["Korea", "No credit"]),
        (["korea"], ["Korea"]),
        (["a-x", "a-x"], ["A x", "A x (2)"]),
        (["", ""], ["Run", "Run (2)"]),
        (["taiwan", "korea"], ["Taiwan", "Korea"]),
    ],
)
def test_labels_leave_out_what_all_share(names: list[str], expected: list[str]) -> None:
    """Line ends bear what tells the runs apart."""
    assert short_names(names) == expected


@pytest.mark.parametrize("colour", COLOURS)
def test_label_colours_have_contrast(colour: str) -> None:
    """Text on white has a contrast of 4.5 to 1 at least (WCAG 2.1)."""
    channels = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(chart.darker(colour))]
    luminance = np.dot([0.2126, 0.7152, 0.0722], channels)
    assert 1.05 / (luminance + 0.05) >= 4.4


def test_text_is_wrapped_by_its_width() -> None:
    """Lines are as long as fits; what is too much ends in an ellipsis."""
    lines = wrap("one two three four", measure("one two", LABEL) + 1, LABEL)
    assert lines == ["one two", "three", "four"]
    assert clip(lines, 2) == ["one two", "three …"]
    assert wrap("", 100, LABEL) == []


@pytest.mark.parametrize(
    ("values", "expected"), [([1.0, 10.0], (0.0, 10.63)), ([9.0, 10.0], (8.93, 10.07)), ([-10.0, -1.0], (-10.63, 0.0))]
)
def test_axes_begin_at_zero_where_it_is_near(values: list[float], expected: tuple[float, float]) -> None:
    """Zero is shown unless it would flatten the line."""
    assert chart.limits([np.array(values)]) == pytest.approx(expected)


def test_times_are_marked_at_round_years() -> None:
    """A path bears its ends and round years between them."""
    assert marks(np.linspace(1962, 2010, 193)) == [1962.0, 1970.0, 1980.0, 1990.0, 2000.0, 2010.0]


def test_sources_are_short() -> None:
    """Points bear initials, the caption the name before brackets."""
    assert (initials("Ernst 1998"), short_source("Hatch and Yamamura (1996), ch. 2")) == ("E98", "Hatch and Yamamura")
    assert initials("003") == "003"


def test_different_engines_are_said_to_differ() -> None:
    """A figure of runs by several engines does not claim one of them."""
    other = fake_run(OTHER)
    other.attrs["engine"] = "pysd"
    assert "several engines or methods" in provenance([fake_run(), other])


def test_numbers_and_units_are_for_readers() -> None:
    """Units lose Vensim's spelling, numbers keep three digits."""
    assert unit_words("Million Person*Hour/(Year*Year)") == "million person · hour / (year · year)"
    assert (unit_words("dmnl"), unit_words("USD"), unit_words("Dmnl/Year")) == ("no unit", "USD", "per year")
    assert (number(-1234.5), number(0.000012), number(2.5e9)) == ("−1,230", "1.2e−05", "2.5 billion")
    assert (percent(-0.05), year(1997.9), year(3.25)) == ("−5.0 %", "1997", "3.2")
