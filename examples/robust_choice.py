"""Which policy holds up, whatever the future brings? Regret in the same futures for all of them.

python robust_choice.py 2000
"""

import sys

from sdpolicy.ensemble import Sampling
from sdpolicy.figures.robust import regret_figure
from sdpolicy.robust import Goal, face_futures, regret_table, turns
from sdpolicy.scenario import case
from sdpolicy.vensim import read_model

futures = int(sys.argv[1]) if len(sys.argv) > 1 else 100
names = ["core-korea-uncertain", "core-korea-no-opening", "core-korea-taiwan-finance", "core-korea-taiwan-institutions"]

packages = {name: case(name, read_model) for name in names}  # the first says what is uncertain
goals = [Goal("final output"), Goal("peak debt equity ratio", more=False)]
faced = face_futures(packages, goals, Sampling("latin-hypercube", futures, seed=1), ["crisis year = never"])
table = regret_table(faced, goals)

print(f"{futures} futures; regret: how much worse than the best policy in the same future")
for name in names:
    row = table.sel(package=name)
    holds, width = float(row["satisfied"]), float(row["satisfied_conf"])
    print(f"{name:34} never illiquid in {holds:4.0%} +- {width:.0%}; output regret up to {float(row['high'][0]):.0f}")

for turn in turns(faced, goals):  # where the ranking changes
    print(f"{turn.goal}: {turn.leader} ranks first; {turn.sentence()}")

regret_figure(table).savefig("regret.svg")
