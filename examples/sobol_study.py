"""Which inputs decide when liquidity fails? Sobol' indices with intervals, and whether there were enough members.

python sobol_study.py 1024
"""

import sys

from sdpolicy import sensitivity
from sdpolicy.ensemble import Sampling, own_interval, plan, simulate_members
from sdpolicy.figures.sensitivity import bars, converging
from sdpolicy.outcomes import in_full, measure, parse_outcome
from sdpolicy.scenario import case
from sdpolicy.vensim import read_model

base_points = int(sys.argv[1]) if len(sys.argv) > 1 else 64

korea = case("core-korea-uncertain", read_model)
often = own_interval(korea)  # dates are read between the rows that are saved
study = plan(korea, Sampling("saltelli", base_points, seed=1), outputs=["liquidity coverage"], save=often)
members = simulate_members(study)
names = [factor.name for factor in study.factors]

outcome = parse_outcome("crisis year", members)
years = in_full(members, outcome, measure(members, outcome), never=float("inf"))  # later than any other
indices = sensitivity.sobol_of_time(years, study.job.design, names).assign_attrs(members.attrs)

print(f"{study.job.members:,} members of {members.attrs['title']}: which inputs decide the crisis year?")
for j in indices["ST"].argsort().values[::-1]:
    s1, st = indices["S1"].values[j], indices["ST"].values[j]
    print(f"{names[j]:28} {s1:6.2f} by itself, {st:6.2f} +- {indices['ST_conf'].values[j]:.2f} with others")

bars({"crisis year": indices}).savefig("indices.svg")
settled = sensitivity.convergence(years, study.job.design, names, of_time=True).assign_attrs(members.attrs)
converging(settled, "crisis year").savefig("convergence.svg")
