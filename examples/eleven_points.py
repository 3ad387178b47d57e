"""The eleven points of docs/science.md: what is demanded, and what the country model gives now.

python eleven_points.py --points all
"""

import argparse
import tempfile
from itertools import pairwise
from pathlib import Path

import numpy as np

import sdpolicy
from sdpolicy import library
from sdpolicy.checks.execution import check
from sdpolicy.dominance.judged import judge
from sdpolicy.outcomes import first_time

COUNTRIES = "korea", "taiwan", "japan"
POLICIES = (
    "directed credit", "guarantee policy", "credit price", "opening", "export reach", "public effort",
    "public orientation", "regionalization", "resolution time", "restructuring policy",
)  # fmt: skip
BOOK = Path(__file__).parent.parent / "models" / "catchup.md"
WORKSHOP = Path(tempfile.mkdtemp())
"""Scenarios that are made up on the way are written here."""


def run(name, more="", start=None, stop=2010, **sets):
    """Run a scenario with lines of TOML added and constants set, to another end if need be."""
    begin = f"start = {start}.0\n" if start else ""
    text = f'title = "Variant"\nextends = "{name}"\n[run]\n{begin}stop = {stop}.0\n{more}'
    (WORKSHOP / "variant.toml").write_text(text, encoding="utf-8")
    overrides = {key.replace("_", " "): value for key, value in sets.items()}
    return sdpolicy.simulate(WORKSHOP / "variant.toml", overrides=overrides, save=0.0625)


def at(dataset, name, year):
    """Return a variable at a time."""
    return float(dataset[name].interp(time=year))


def during(dataset, name, start, end):
    """Return a variable over a period."""
    return dataset[name].sel(time=slice(start, end))


def growth(dataset, start, end):
    """Return the average growth of output in percent a year."""
    return 100 * np.log(at(dataset, "output", end) / at(dataset, "output", start)) / (end - start)


def crisis(dataset):
    """Return when half of the foreign lenders have lost confidence, in words."""
    when = float(first_time(dataset["time"].values, dataset["confidence"].values, 0.5))
    return "never" if np.isnan(when) else f"{when:.1f}"


def leverage(dataset):
    """Return debt over equity, the average of 1970 to 1997."""
    return float(during(dataset, "debt equity ratio", 1970, 1997).mean())


def path(name, *points):
    """Return a path as a scenario writes it."""
    return f'[path."{name}"]\npoints = {[list(map(float, point)) for point in points]}\n'


def point_1():
    """Accounts close to 1e-9 and no stock falls below zero; also `sdpolicy check catchup`."""
    runs = {
        item.name: run(item.name, stop=2030) for item in library.list_scenarios() if Path(item.model).stem == "catchup"
    }
    gaps = [float(abs(r[f"{sector} residual"]).max()) for r in runs.values()
            for sector in ("household", "firm", "bank", "foreign")]  # fmt: skip
    signed = "firm equity", "bank position", "foreign position", "expected gain", "expected growth", "internal funds"
    stocks = [r[name] for r in runs.values() for name in r if r[name].attrs["kind"] == "stock" and name not in signed]
    lowest = min(float(stock.min()) for stock in stocks)
    print(f"{len(runs)} runs to 2030: largest residual {max(gaps):.0e}, lowest stock {lowest:.3g}")


def point_2():
    """At most 25 estimated parameters and 12 differences of policy, none at a bound."""
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in BOOK.read_text(encoding="utf-8").splitlines()]
    estimated = [row for row in rows if len(row) == 7 and row[6] == "yes"]
    margins = []
    for row in estimated:
        low, high = map(float, row[3].split(" to "))
        margins.append(min(float(row[1]) - low, high - float(row[1])) / (high - low))
    nearest = f"the nearest to a bound is {min(margins):.0%} of its range away"
    print(f"{len(estimated)} common and one level of exports a country; {nearest}")
    print(f"{len(POLICIES)} policies differ: {', '.join(POLICIES)}")


def point_3():
    """80 percent of the calibration facts and 60 percent of the held-out ones; also `sdpolicy check korea`."""
    for name in COUNTRIES:
        scores = [verdict for verdict in check(name).verdicts if verdict.kind == "score"]
        print(f"{name}: " + "; ".join(f"{score.what} {score.found}" for score in scores))


def point_4():
    """One run on Korea in 1995-99 and none elsewhere, its date firm; none without its three conditions."""
    print("half of the foreign lenders have lost confidence: " + ", ".join(f"{n} {crisis(run(n))}" for n in COUNTRIES))
    dates = [sdpolicy.simulate("korea", step=step, save=step) for step in (1 / 16, 1 / 32)]
    early, late = (first_time(r["time"].values, r["confidence"].values, 0.5) for r in dates)
    print(f"half the step moves the date by {abs(float(late - early)):.5f} years")
    for name in ("korea-no-run", "korea-no-guarantee", "korea-no-opening", "korea-no-rivals"):
        print(f"{name}: {crisis(run(name))}")
    print("The ensemble: python crisis_ensemble.py 10000")


def point_5():
    """Credit and guarantee policy alone explain half of the gap in debt over equity."""
    korea, taiwan, other = (leverage(run(name)) for name in ("korea", "taiwan", "korea-taiwan-finance"))
    direction = leverage(run("korea", path("directed credit", (1962, 0.3), (2030, 0.3))))
    guarantee = leverage(run("korea", path("guarantee policy", (1962, 0.2), (2030, 0.2))))
    print(f"mean of 1970-97: Korea {korea:.2f}, Taiwan {taiwan:.2f}, Korea with Taiwan's finance {other:.2f}")
    for what, value in (("both", other), ("direction alone", direction), ("guarantee alone", guarantee)):
        print(f"{what}: {(korea - value) / (korea - taiwan):.0%} of the gap")


def point_6():
    """The share of world demand for differentiated goods stays low in Korea, rises in Taiwan; attractor or delay?"""
    for name in ("korea", "taiwan"):
        shares = [f"{100 * at(run(name), 'differentiated share', year):.2f}" for year in (1980, 1990, 1997)]
        print(f"{name}: {', '.join(shares)} percent in 1980, 1990, 1997")
    for level in (0.3, 0.7, 0.85, 0.95):
        low, high = (held_from(level, side) for side in ("low", "high"))
        pairs = [f"{at(low, 'design knowledge', y):.2f} and {at(high, 'design knowledge', y):.2f}" for y in HELD]
        print(f"credit directed {level:.0%}: design knowledge after 40, 80, 150 years from below and above "
              + "; ".join(pairs))  # fmt: skip


HELD = 2030, 2070, 2140


def held_from(level, side):
    """Run Korea from 1990 with all policies and outside conditions held, from little or much design knowledge."""
    constant = {
        "directed credit": level, "guarantee policy": 0.6, "opening": 0.1, "rivals": 1.0, "yen advantage": 1.12,
        "bargaining power": 1.1, "export reach": 0.489, "labour growth": 0.005, "growth of world demand": 0.04,
    }  # fmt: skip
    held = "".join(path(name, (1990, value), (2140, value)) for name, value in constant.items())
    design, commitment, share = (0.03, 0.03, 0.002) if side == "low" else (0.95, 0.9, 0.06)
    held += f'[initial]\ncommitment = {commitment}\n"differentiated share" = {share}\n'
    return run("korea", held, 1990, 2140, **{
        "initial production capability": 0.7, "initial output": 480, "initial capital": 700, "initial suppliers": 0.5,
        "initial world demand": 3800, "initial differentiated world share": 0.4, "initial export share": 0.3,
        "initial government debt": 80, "initial concentration": 0.5, "initial design knowledge": design,
        "initial debt equity ratio": 2.5, "initial differentiated exports": 0.03, "credit price": 0.04})  # fmt: skip


def point_7():
    """Japan grows by 9, 4, 1.3; a bubble; without regionalization a slump and earlier reform; ties act both ways."""
    kinds = "", "-no-regionalization", "-weaker-ties", "-stronger-ties"
    japan, home, weaker, stronger = (run(f"japan{kind}", stop=2030) for kind in kinds)
    rates = [f"{growth(japan, *years):.1f}" for years in ((1960, 1970), (1980, 1990), (1991, 1999))]
    print(f"growth in the 1960s, the 1980s and 1991-99: {', '.join(rates)}")
    boom, slump = during(japan, "asset price", 1984, 1992), during(japan, "asset price", 1990, 1998)
    print(f"asset price: {float(boom.max()):.2f} in {float(boom.idxmax()):.0f}, then {float(slump.min()):.2f}")
    returns = [f"{100 * at(japan, 'return on capital', year):.0f}" for year in (1955, 1970, 1990)]
    print(f"gross return on capital in 1955, 1970, 1990: {', '.join(returns)} percent")
    lead = home["output"] / japan["output"] - 1
    better = [float(t) for t in lead.time if t > 1990 and lead.sel(time=t) > 0]
    worst = 100 * float(lead.sel(time=slice(1986, 2010)).min())
    print(f"without regionalization: output {worst:.1f} percent at worst, "
          f"above from {better[0] if better else float('nan'):.0f}, "
          f"ties in 2005 {at(home, 'ties', 2005):.2f} instead of {at(japan, 'ties', 2005):.2f}")  # fmt: skip
    for what, case in (("as they are", japan), ("weaker", weaker), ("stronger", stronger)):
        before, after = growth(case, 1955, 1965), growth(case, 1990, 2005)
        print(f"ties {what}: growth {before:.2f} in 1955-65, {after:.2f} in 1990-2005")


def point_8():
    """A V with restructuring of debt, an L without; a second crisis once the guarantee is restored."""
    korea, without, restored = (run(n) for n in ("korea", "korea-no-restructuring", "korea-status-quo-ante"))
    for what, case in (("with restructuring", korea), ("without", without)):
        levels = [at(case, "output", 1996.5 + year) for year in range(4)]
        yearly = [f"{100 * (b / a - 1):.1f}" for a, b in pairwise(levels)]
        print(f"{what}: growth from the middle of 1996 on {', '.join(yearly)} percent a year")
    print(f"output of 2005 without: {100 * (at(without, 'output', 2005) / at(korea, 'output', 2005) - 1):.0f} percent")
    trust = restored["confidence"]
    calm = float(trust.time[(trust.time > 1997.5) & (trust > 0.6)][0])
    again = during(restored, "confidence", calm, 2010)
    print(f"guarantee restored: trust back in {calm:.1f}, lost again in {float(again.time[again < 0.5][0]):.1f}")


def point_9():
    """Diversification from the mid-1980s avoids crisis and trap; later is too late."""
    credit = [(1962, 0.5), (1972, 0.75), (1974, 0.9), (1981, 0.9), (1988, 0.7), (1997, 0.6)]
    for begin in (1983, 1985, 1988, 1989, 1990, 1993):
        now = float(np.interp(begin, *zip(*credit, strict=True)))
        ramps = [("diversification", 0, 0.2), ("public orientation", 0.15, 0.6), ("public effort", 0.003, 0.008)]
        package = "".join(path(name, (1962, a), (begin, a), (begin + 3, b)) for name, a, b in ramps)
        package += path("directed credit", *[p for p in credit if p[0] < begin], (begin, now), (begin + 3, 0.3))
        case = run("korea", package)
        print(f"from {begin}: crisis {crisis(case)}, design knowledge of 2005 {at(case, 'design knowledge', 2005):.2f}")


def point_10():
    """Extremes as common sense demands; also the rows `extreme` of `sdpolicy check korea`."""
    cases = {
        "as it was": {}, "no exports": {"initial world demand": 0.001, "initial export share": 1e-6},
        "no credit": {"prudent leverage": 1e-6, "initial debt equity ratio": 0, "short appetite": 0,
                      "tolerated foreign debt": 1e-6},
        "research of a tenth of output": {"public effort": 0.1, "public orientation": 1},
        "no rivals, no opening": {"rivals": 0, "opening": 0.1}, "no gap": {"initial production capability": 0.8},
    }  # fmt: skip
    for what, sets in cases.items():
        case = run("korea", **sets)
        print(f"{what}: growth {growth(case, 1963, 1993):.1f}, largest debt/equity of 1970-97 "
              f"{float(during(case, 'debt equity ratio', 1970, 1997).max()):.2f}, design knowledge of 2005 "
              f"{at(case, 'design knowledge', 2005):.2f}, crisis {crisis(case)}")  # fmt: skip


def point_11():
    """Each loop is cut once, and what changes is what the theory says."""
    for found in judge("korea", elsewhere=True).items:
        print(f"{found.loop.label}: {found.variable} of {found.time[found.moment]:.0f} in {found.scenario} "
              f"{found.values[0]:.3g}, without the loop {found.values[1]:.3g} ({found.change:+.0%})")  # fmt: skip


POINTS = point_1, point_2, point_3, point_4, point_5, point_6, point_7, point_8, point_9, point_10, point_11


def main():
    """Print the chosen points."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", default="2,4,5", help="which, as in 4,5,9; or all")
    chosen = parser.parse_args().points
    for number in range(1, 12) if chosen == "all" else map(int, chosen.split(",")):
        point = POINTS[number - 1]
        print(f"{number}. {point.__doc__}")
        point()


if __name__ == "__main__":
    main()
