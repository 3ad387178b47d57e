"""For which credit policy and interest rate does liquidity fail, and when? A map, refined along its boundary.

python regime_map.py 24
"""

import sys

from sdpolicy.figures.regimes import regime_map as draw
from sdpolicy.regimes import Lever, Resolution, regime_map
from sdpolicy.scenario import case
from sdpolicy.vensim import read_model

cells = int(sys.argv[1]) if len(sys.argv) > 1 else 6

levers = Lever("directed credit", 0.0, 6.0), Lever("world interest rate", 0.0, 0.08)
found = regime_map(case("core-korea", read_model), levers, "crisis year", Resolution(cells, 2))

never = float(found["outcome"].isnull().mean())
print(f"{found.attrs['runs']} runs, where a full lattice takes {found.attrs['lattice']}.")
print(f"Liquidity never fails in {never:.0%} of the map; elsewhere from {float(found['outcome'].min()):.0f} on.")

here = {"here directed credit": 4.0, "here world interest rate": 0.02}
draw(found.assign_attrs(here)).savefig("map.svg")
