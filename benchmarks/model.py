"""The model that the engines are timed on: 15 states, 60 auxiliaries and 8 tables a copy, as Vensim text.

It is written so that every engine of the comparison can read it: no subscripts, no spaces in names, no
quoted names, look-ups named. A model of several copies is coupled through the copies' shares of demand.
"""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Final

START, STOP, STEP, SAVE = 1960.0, 2010.0, 0.125, 1.0
VARIED: Final = (
    "propensity", "decay", "gain", "wage_growth", "share", "drag", "target", "pace", "elasticity", "openness",
)  # fmt: skip
"""The ten constants that members differ in."""
SAVED: Final = ("capital", "debt", "knowledge", "output", "export")
"""The five series that are kept."""

TABLES: Final = {
    # name: (first x, last x, segments, shape)
    "effect_of_use": (0.0, 2.0, 8, lambda x: 0.3 + 0.7 * x),
    "effect_of_debt": (0.0, 4.0, 8, lambda x: 1.2 - 0.25 * x),
    "absorption": (0.0, 1.2, 9, lambda x: 0.1 + 0.9 * x * (1.3 - x)),
    "confidence": (-1.0, 1.0, 10, lambda x: 1.0 / (1.0 + math.exp(-4.0 * x))),
    "crowding": (0.0, 3.0, 8, lambda x: 1.0 / (1.0 + x * x)),
    "learning": (0.0, 2.0, 7, lambda x: math.sqrt(0.2 + x)),
    "pressure": (0.0, 5.0, 8, lambda x: 1.0 + 0.2 * math.sin(x)),
    "demography": (1960.0, 2010.0, 8, lambda x: 1.0 + 0.01 * (x - 1960.0)),
}

CONSTANTS: Final = {
    "propensity": 0.3, "decay": 0.07, "gain": 0.5, "wage_growth": 0.02, "share": 0.35, "drag": 0.12,
    "target": 0.9, "pace": 3.0, "elasticity": 0.4, "openness": 0.25,
    "capital_0": 100.0, "debt_0": 60.0, "knowledge_0": 20.0, "labour_0": 50.0, "wage_0": 1.0,
    "price_0": 1.0, "orders_0": 10.0, "inventory_0": 12.0, "reserves_0": 15.0, "skill_0": 0.5,
    "frontier_0": 100.0, "frontier_growth": 0.018, "life": 14.0, "build_time": 2.0, "cover": 0.25,
    "adjust_time": 1.5, "smooth_time": 2.0, "delay_time": 3.0, "interest": 0.05, "premium": 0.03,
    "tax": 0.2, "payout": 0.3, "rd_base": 0.02, "rd_slope": 0.6, "licence": 0.03, "spill": 0.04,
    "floor_use": 0.2, "roof_use": 1.4, "normal_cover": 0.3, "import_share": 0.18, "world_0": 300.0,
    "world_growth": 0.03, "price_elasticity": 1.3, "shock_time": 1973.0, "shock_size": 0.1,
    "shock_length": 2.0, "reform_time": 1988.0, "reform_size": 0.15, "ramp_slope": 0.004,
    "ramp_from": 1970.0, "ramp_to": 1990.0, "skill_time": 8.0, "knowledge_decay": 0.05, "capacity_scale": 2.6,
    "labour_growth": 0.012, "hours": 1.0, "price_time": 4.0, "cash_floor": 0.5,
}  # fmt: skip

STOCKS: Final = {
    "capital": ("completion - scrapping", "capital_0"),
    "debt": ("borrowing - repayment", "debt_0"),
    "knowledge": ("research + imitation - forgetting", "knowledge_0"),
    "labour": ("hiring", "labour_0"),
    "wage": ("raise_", "wage_0"),
    "price": ("price_change", "price_0"),
    "orders": ("ordering - completion", "orders_0"),
    "inventory": ("output - sales", "inventory_0"),
    "reserves": ("inflow - outflow", "reserves_0"),
    "skill": ("training", "skill_0"),
}

AUXILIARIES: Final = {
    # demand and output
    "frontier": "frontier_0 * EXP(frontier_growth * (Time - 1960))",
    "world": "world_0 * EXP(world_growth * (Time - 1960)) * (1 - shock)",
    "shock": "shock_size * PULSE(shock_time, shock_length)",
    "reform": "STEP(reform_size, reform_time)",
    "drift": "RAMP(ramp_slope, ramp_from, ramp_to)",
    "people": "demography(Time)",
    "gap": "MIN(knowledge / frontier, 1.2)",
    "productivity": "(0.4 + gap) * learning(skill)",
    "capacity": "capacity_scale * productivity * capital ^ share * (labour * hours) ^ (1 - share)",
    "relative_price": "price * wage / wage_0",
    "export": "openness * world * 0.3 * gap / relative_price ^ price_elasticity",
    "home": "0.62 * expected_output * people / (1 + drag)",
    "demand": "home + export + investment_demand",
    "coverage": "inventory / MAX(expected_output, 0.001)",
    "use": "MIN(MAX(demand / capacity, floor_use), roof_use)",
    "output": "capacity * effect_of_use(use) * crowding(coverage)",
    "expected_output": "SMOOTHI(output, smooth_time, 40.0)",
    "sales": "MIN(demand, output + (inventory - 2) / (cover * 4))",
    # finance
    "revenue": "price * sales",
    "wages": "wage * labour * 0.4",
    "rate": "interest + premium * leverage",
    "interest_paid": "rate * debt",
    "profit": "revenue - wages - interest_paid - scrapping",
    "net_profit": "IF THEN ELSE(profit > 0, profit * (1 - tax), profit)",
    "retained": "net_profit * (1 - payout)",
    "leverage": "debt / MAX(capital, 0.001)",
    "trust": "confidence(1 - leverage + reserve_ratio)",
    "reserve_ratio": "reserves / MAX(import_share * expected_output, 0.001) - normal_cover",
    "limit": "effect_of_debt(leverage) * trust",
    "imports": "import_share * output * (1 + drift)",
    "inflow": "export * (1 + reform)",
    "outflow": "MIN(imports, reserves / cash_floor)",
    # investment
    "return_": "(price * expected_output - wages - interest_paid) / MAX(capital, 0.001)",
    "return_gap": "return_ - rate",
    "appetite": "1 + gain * (EXP(return_gap) - 1)",
    "wanted": "propensity * expected_output * appetite * limit",
    "investment_demand": "MAX(wanted, 0) * (1 - 0.5 * reform)",
    "ordering": "investment_demand + (orders_wanted - orders) / adjust_time * 0.2",
    "orders_wanted": "investment_demand * build_time",
    "completion": "DELAY3I(ordering, delay_time, orders_0)",
    "scrapping": "capital / life + decay * capital * 0.1",
    "borrowing": "MAX(completion - retained, 0)",
    "repayment": "debt / pace * 0.3",
    # labour and prices
    "slack": "target - use",
    "wanted_labour": "labour_0 * people * (1 - elasticity * slack)",
    "hiring": "(wanted_labour - labour) / adjust_time + labour_growth * labour",
    "tightness": "labour / wanted_labour",
    "raise_": "wage * (wage_growth + 0.05 * LN(MAX(tightness, 0.1)))",
    "cost": "wage / MAX(productivity, 0.01)",
    "goal_price": "cost * pressure(coverage) * 0.9",
    "price_change": "(goal_price - price) / price_time",
    # knowledge
    "rd_share": "rd_base + rd_slope * MAX(gap - 0.5, 0) * 0.1",
    "rd": "rd_share * output",
    "rd_felt": "SMOOTHI(rd, smooth_time, 1.0)",
    "research": "rd_felt ^ 0.6 * SQRT(skill)",
    "absorbed": "absorption(gap)",
    "imitation": "(spill + licence) * knowledge * absorbed * (1 - gap)",
    "forgetting": "knowledge_decay * knowledge * (1 - trust * 0.3)",
    "training": "(gap + LN(1 + rd) * 0.1 - skill) / skill_time",
    "score": "IF THEN ELSE(gap > 0.8 :AND: trust > 0.5, gap * trust, gap / 2)",
}


def source(copies: int = 1) -> str:
    """Return the model text; every copy after the first is the same economy under names with a number."""
    lines = ["{UTF-8}"]
    for copy in range(copies):
        mark = "" if copy == 0 else f"_{copy + 1}"
        lines += [_lookup(name, mark) for name in TABLES]
        lines += [f"{name}{mark}= {value!r} ~~|" for name, value in CONSTANTS.items()]
        lines += [f"{name}{mark}= {_marked(body, mark)} ~~|" for name, body in AUXILIARIES.items()]
        lines += [
            f"{name}{mark}= INTEG({_marked(flow, mark)}, {_marked(start, mark)}) ~~|"
            for name, (flow, start) in STOCKS.items()
        ]
    lines.append(f"INITIAL TIME = {START} ~~|\nFINAL TIME = {STOP} ~~|\nTIME STEP = {STEP} ~~|\nSAVEPER = {SAVE} ~~|")
    return "\n".join(lines) + "\n"


def _lookup(name: str, mark: str) -> str:
    first, last, segments, shape = TABLES[name]
    points = [first + (last - first) * i / segments for i in range(segments + 1)]
    listed = ",".join(f"({x:.10g},{shape(x):.10g})" for x in points)
    return f"{name}{mark}({listed}) ~~|"


def _marked(body: str, mark: str) -> str:
    """Return ``body`` with the names of one copy."""
    import re

    ours = {*TABLES, *CONSTANTS, *AUXILIARIES, *STOCKS}
    return re.sub(r"[a-z][a-z_0-9]*", lambda m: m[0] + mark if m[0] in ours else m[0], body)


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(source(int(sys.argv[2]) if len(sys.argv) > 2 else 1), encoding="utf-8")
