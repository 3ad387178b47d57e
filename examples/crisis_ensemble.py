"""How robust is Korea's crisis? All behavioural constants and policies of Korea vary jointly by up to a tenth.

python crisis_ensemble.py 10000
"""

import sys
from dataclasses import replace

import numpy as np

from sdpolicy.ensemble import Sampling, Spread, Variation, plan, simulate_members
from sdpolicy.expression import Apply, Num, Ref
from sdpolicy.outcomes import first_time
from sdpolicy.program import CONTROL, Equation, Quantity
from sdpolicy.scenario import case
from sdpolicy.vensim import read_model

WIDTH = 0.1
OUTSIDE = {"labour growth", "growth of world demand", "rivals", "yen advantage"}
"""Paths that no one in the country decides on; the other paths of a scenario are its policies."""
TECHNICAL = {"least equity share"}


def varied(program):
    """Return the constants that vary: all but starting values, the run's settings, and those that are zero."""
    for equation in program.equations:
        quantity = program.by_id[equation.target]
        fixed = quantity.id in CONTROL or quantity.name.startswith("initial") or quantity.name in TECHNICAL
        if quantity.kind == "constant" and isinstance(equation.body, Num) and equation.body.value and not fixed:
            yield quantity.name, equation.body.value


def with_scales(chosen):
    """Return the case with a constant of one before each policy that follows a path, so that the path can vary."""
    program = chosen.program
    for applied in chosen.applied:
        if applied.kind == "path" and applied.name not in OUTSIDE:
            target = program.find(applied.name).id
            scale = Quantity(f"scale of {applied.name}", f"scale_of_{target}", "constant", "Dmnl")
            equations = [
                replace(e, body=Apply("mul", (Ref(scale.id), e.body))) if e.target == target else e
                for e in program.equations
            ]
            program = replace(
                program,
                quantities=(*program.quantities, scale),
                equations=(*equations, Equation(scale.id, Num(1.0))),
            )
    return replace(chosen, program=program, scenario=None)  # the scenario's own ranges of starting values rest


def main():
    """Run the ensemble and print how often the crisis comes, and when."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    korea = with_scales(case("korea", read_model))
    spreads = {
        name: Spread("uniform", tuple(sorted((value * (1 - WIDTH), value * (1 + WIDTH)))))
        for name, value in varied(korea.program)
    }
    saved = ["confidence", "output", "debt equity ratio", "export share"]
    study = plan(korea, Sampling("monte-carlo", count, seed=1), Variation(spreads), saved, save=0.25)
    members = simulate_members(study)

    when = first_time(members["time"].values, members["confidence"].transpose("member", "time").values, 0.5)
    window = (when >= 1995) & (when < 2000)
    growth = 100 * np.log(members["output"].sel(time=1993) / members["output"].sel(time=1963)).values / 30
    debt = members["debt equity ratio"].sel(time=1990).values
    exports = members["export share"].sel(time=1988).values
    matching = (growth > 8.0 * 0.8) & (growth < 9.3 * 1.2)  # observed: 8.0 to 9.3 percent; the tolerance is a fifth
    matching &= (abs(debt / 2.86 - 1) < 0.25) & (abs(exports / 0.314 - 1) < 0.3)

    print(f"{count} members, in which {len(spreads)} constants and policies vary by up to {WIDTH:.0%}")
    shares = window.mean(), (when < 1995).mean(), np.isnan(when).mean()
    print("crisis in 1995-99: {:.1%}; before: {:.1%}; never: {:.1%}".format(*shares))
    print(f"of {matching.sum()} that match growth, leverage and exports: {window[matching].mean():.1%}")
    print("half of the dates lie between " + " and ".join(f"{q:.1f}" for q in np.nanquantile(when, [0.25, 0.75])))


if __name__ == "__main__":
    main()
