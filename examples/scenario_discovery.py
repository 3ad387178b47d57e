"""When does Korea stay liquid and still upgrade? The part of the inputs in which it does, found by PRIM.

python scenario_discovery.py 10000
"""

import sys

import numpy as np

from sdpolicy.discovery import prim, tree
from sdpolicy.ensemble import Sampling, own_interval, plan, simulate_members
from sdpolicy.figures.discovery import discovery_figure
from sdpolicy.outcomes import parse_criterion
from sdpolicy.scenario import case
from sdpolicy.vensim import read_model

count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
outputs = ["liquidity coverage", "differentiated share"]

korea = case("core-korea-uncertain", read_model)
often = own_interval(korea)  # dates are read between the rows that are saved
study = plan(korea, Sampling("latin-hypercube", count, seed=1), outputs=outputs, save=often)
members = simulate_members(study)
names = [factor.name for factor in study.factors]
inputs = np.stack([members[name].values for name in names], axis=1)

criteria = [parse_criterion(text, members) for text in ("crisis year = never", "final differentiated share > 0.3")]
escapes = np.all([criterion.met(members) for criterion in criteria], axis=0)

found = prim(inputs, escapes, names)
print(found.chosen.sentence("Korea escapes the trap"))
grown = tree(inputs, escapes, names)
print(f"A tree tells {grown.accuracy:.0%} of members that it did not see; guessing tells {grown.guess:.0%}.")

discovery_figure(found, members, escapes, "Korea escapes the trap").savefig("discovery.svg")
