"""What `sensitivity` does: run the design that a method needs, say which inputs decide, draw and write."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

from sdpolicy.cli import terminal
from sdpolicy.cli.studies import Files, Wishes, plain, progress, read_case, study_of
from sdpolicy.errors import Problem, ScenarioError, suggest

if TYPE_CHECKING:
    import numpy as np
    import xarray as xr

    from sdpolicy.ensemble import Study
    from sdpolicy.ensemble.design import Saltelli
    from sdpolicy.ensemble.runner import Watch

METHODS = ("sobol", "morris", "pawn", "regional", "tornado")
KEPT = ("S1", "S1_conf", "ST", "ST_conf")


def sensitivity(name: str, wishes: Wishes, kind: str, outcomes: Sequence[str]) -> None:
    """Run a sensitivity study of a scenario and say what it found."""
    from sdpolicy.ensemble import everything
    from sdpolicy.outcomes import needed

    if kind not in METHODS:
        cure = suggest(kind, METHODS) or f"The methods are {', '.join(METHODS)}."
        raise ScenarioError(Problem("--kind", f"there is no method '{kind}'", cure))
    with terminal.working("reading"):
        chosen = read_case(name, wishes)
        known = everything(chosen)
        texts = tuple(outcomes) or _usual(known)
        design = {"sobol": "saltelli", "morris": "morris"}.get(kind, "sobol-sequence")
        study = study_of(chosen, wishes, _with_roles(needed(known, texts), known), design)
    files = Files(wishes.out, wishes.formats)
    with progress("members") as watch:
        {"sobol": _sobol, "morris": _morris, "pawn": _pawn, "regional": _regional, "tornado": _tornado}[kind](
            study, texts, files, watch
        )
    files.write()


def _usual(known: xr.Dataset) -> tuple[str, ...]:
    """Return the outcomes that are asked for by default: the crisis year and the end of what plays a role."""
    from sdpolicy.outcomes import crisis_role, roles_in

    found = roles_in(known)
    roles = found.variables
    names = [roles[role] for role in ("differentiated share", "relative knowledge", "output") if role in roles]
    if "differentiated share" in known:
        names.insert(0, "differentiated share")
    kinds = {str(name): known[name].attrs.get("kind") for name in known.data_vars if known[name].dims == ("time",)}
    names = names or [name for name, kind in kinds.items() if kind == "stock"]
    final = [f"final {name}" for name in dict.fromkeys(names)]
    return tuple([*(["crisis year"] if crisis_role(roles, found) else []), *final][:2])


def _with_roles(variables: Sequence[str], known: xr.Dataset) -> list[str]:
    """Return the variables, and those that play a role, whose indices over time are drawn."""
    from sdpolicy.outcomes import roles_in

    return list(dict.fromkeys([*variables, *roles_in(known).variables.values()]))


def _measured(members: xr.Dataset, text: str, never: float | None = None) -> np.ndarray:
    """Return an outcome of the members; a time that never comes is ``never``, by default the end of the run."""
    from sdpolicy.outcomes import in_full, measure, parse_outcome

    outcome = parse_outcome(text, members)
    return in_full(members, outcome, measure(members, outcome), never)


def _about(members: xr.Dataset) -> dict[str, object]:
    return {key: members.attrs[key] for key in members.attrs if key != "panels"}


def _sobol(study: Study, texts: Sequence[str], files: Files, watch: Watch) -> None:
    import numpy as np

    from sdpolicy import sensitivity as indices
    from sdpolicy.ensemble import simulate_members
    from sdpolicy.ensemble.design import Saltelli
    from sdpolicy.figures import sensitivity as figures

    design = study.job.design
    assert isinstance(design, Saltelli)
    members = simulate_members(study, watch=watch, reduced=partial(_measured_yearly, texts))
    names, about = [factor.name for factor in study.factors], _about(members)
    found = {text: _indices(members, text, design, names) for text in texts}
    for text, table in found.items():
        terminal.say(_decides(text, table))
        files.keep(f"sobol {plain(text)}", table[list(KEPT)])
        if "S2" in table:
            files.keep(f"sobol pairs {plain(text)}", table[["S2", "S2_conf"]])
    files.draw("indices", figures.bars(found))
    if design.base > 4:
        values, is_time = _timed(members, texts[0])
        settled = indices.convergence(values, design, names, of_time=is_time).assign_attrs(about)
        files.draw("convergence", figures.converging(settled, texts[0]))
    over = {name: indices.sobol(values, design, names).assign_attrs(about) for name, values in _over(members, texts)}
    files.draw("over-time", figures.over_time(over, np.asarray(members["time"].values)))
    for name, table in over.items():
        timed = table[list(KEPT)].rename(dim_0="time").assign_coords(time=members["time"])
        files.keep(f"sobol over time {plain(name)}", timed)


def _measured_yearly(texts: Sequence[str], members: xr.Dataset) -> xr.Dataset:
    """Return the members with their outcomes, infinity standing for never, and with series of whole years alone.

    Dates are told from all rows that the scenario saves; to keep these of all series would take too much memory.
    """
    found = {text: ("member", _measured(members, text, float("inf"))) for text in texts}
    time = members["time"].values
    often = 1.0 / (time[1] - time[0])
    return members.isel(time=slice(None, None, int(often) if often.is_integer() else 1)).assign(found)


def _timed(members: xr.Dataset, text: str) -> tuple[np.ndarray, bool]:
    """Return an outcome of the members, and whether it is a time."""
    from sdpolicy.outcomes import parse_outcome

    return members[text].values, parse_outcome(text, members).is_time


def _indices(members: xr.Dataset, text: str, design: Saltelli, names: Sequence[str]) -> xr.Dataset:
    """Return the Sobol' indices of an outcome, those of a time from the order of members."""
    from sdpolicy import sensitivity as indices

    values, is_time = _timed(members, text)
    found = indices.sobol_of_time(values, design, names) if is_time else indices.sobol(values, design, names)
    return found.assign_attrs(_about(members))


def _over(members: xr.Dataset, texts: Sequence[str]) -> Iterator[tuple[str, np.ndarray]]:
    """Yield what indices over time are drawn of: whether a time has come by then, and the series that were saved."""
    import numpy as np

    for text in texts:
        when, is_time = _timed(members, text)
        if is_time:
            come = (when[:, np.newaxis] <= members["time"].values).astype(np.float64)
            yield f"{text}: has come by then", np.where(np.isnan(when)[:, np.newaxis], np.nan, come)
    for name in members.data_vars:
        if set(members[name].dims) == {"member", "time"}:
            yield str(name), members[name].values


def _decides(text: str, table: xr.Dataset) -> str:
    """Say in words which inputs decide an outcome, and whether there were enough members."""
    import numpy as np

    from sdpolicy.sensitivity import WIDE, base_needed, widest

    if bool(table["ST"].isnull().all()):
        return f"The {text} does not vary."
    total, width = (np.nan_to_num(table[name].values) for name in ("ST", "ST_conf"))
    order = np.argsort(total)[::-1]
    parts = [f"{table['input'].values[j]} ({total[j]:.2f} +- {width[j]:.2f})" for j in order[:4] if total[j] > 0.05]
    alone = min(max(float(table["S1"].sum()), 0.0), 1.0)
    said = f"The {text} is decided by {', '.join(parts) or 'nothing'} (total index)"
    said += f"; inputs by themselves explain {alone:.0%} of its variance, the rest they share."
    if table.attrs.get("never"):
        said += f" It never comes in {table.attrs['never']:.1%} of members, which counts as later than in all others."
    if widest(table) <= WIDE:
        return f"{said} Converged: no interval is wider than {WIDE:g}."
    more = f"--samples {base_needed(table)} would bring it to {WIDE:g}"
    return f"{said} Not converged: the widest interval is {widest(table):.2f}; {more}."


def _morris(study: Study, texts: Sequence[str], files: Files, watch: Watch) -> None:
    from sdpolicy import sensitivity as indices
    from sdpolicy.ensemble import simulate_members
    from sdpolicy.ensemble.design import Morris
    from sdpolicy.figures import sensitivity as figures

    design = study.job.design
    assert isinstance(design, Morris)
    members = simulate_members(study, watch=watch)
    points = design.unit(0, design.members)
    for text in texts:
        names = [factor.name for factor in study.factors]
        table = indices.morris(_measured(members, text), design, points, names).assign_attrs(_about(members))
        order = table["mu_star"].argsort().values[::-1][:4]
        shown = ", ".join(f"{names[j]} ({float(table['mu_star'][j]):.3g})" for j in order)
        terminal.say(f"The {text} moves most with {shown}: mean size of the effect over the whole range.")
        files.keep(f"morris {plain(text)}", table)
        files.draw(f"morris {plain(text)}", figures.screening(table, text))


def _drawn(study: Study, watch: Watch) -> tuple[xr.Dataset, np.ndarray, list[str]]:
    import numpy as np

    from sdpolicy.ensemble import simulate_members

    members = simulate_members(study, watch=watch)
    names = [factor.name for factor in study.factors]
    return members, np.stack([members[name].values for name in names], axis=1), names


def _pawn(study: Study, texts: Sequence[str], files: Files, watch: Watch) -> None:
    from sdpolicy import sensitivity as indices

    members, inputs, names = _drawn(study, watch)
    for text in texts:
        table = indices.pawn(_measured(members, text), inputs, names)
        order = table["median"].argsort().values[::-1][:4]
        shown = ", ".join(f"{names[j]} ({float(table['median'][j]):.2f})" for j in order)
        terminal.say(f"The {text} is moved most by {shown}; an idle input gives {table.attrs['dummy']:.2f} (PAWN).")
        files.keep(f"pawn {plain(text)}", table)


def _regional(study: Study, texts: Sequence[str], files: Files, watch: Watch) -> None:
    import numpy as np

    from sdpolicy import sensitivity as indices
    from sdpolicy.outcomes import measure, parse_outcome

    members, inputs, names = _drawn(study, watch)
    for text in texts:
        outcome = parse_outcome(text, members)
        values = measure(members, outcome)
        group = np.isfinite(values) if outcome.is_time else values > np.nanmedian(values)
        said = "coming at all" if outcome.is_time else "beyond its median"
        table = indices.regional(group, inputs, names)
        order = table["distance"].argsort().values[::-1][:4]
        shown = ", ".join(f"{names[j]} ({float(table['distance'][j]):.2f})" for j in order if table["p"][j] < 0.05)
        terminal.say(f"The {text} {said} ({group.mean():.0%} of members) is told apart by {shown or 'nothing'}.")
        files.keep(f"regional {plain(text)}", table)


def _tornado(study: Study, texts: Sequence[str], files: Files, watch: Watch) -> None:
    import numpy as np

    from sdpolicy import sensitivity as indices
    from sdpolicy.ensemble import simulate_members, with_design
    from sdpolicy.ensemble.design import Listed
    from sdpolicy.figures import sensitivity as figures

    factors = study.factors
    base = np.array([factor.base for factor in factors])
    low, high = np.array([factor.spread.bounds for factor in factors]).T
    members = simulate_members(with_design(study, Listed(indices.one_at_a_time_points(base, low, high))), watch=watch)
    for text in texts:
        table = indices.one_at_a_time(_measured(members, text), [factor.name for factor in factors])
        table = table.assign_attrs(_about(members))
        files.keep(f"tornado {plain(text)}", table)
        files.draw(f"tornado {plain(text)}", figures.tornado(table, text))
        terminal.say(_reaches(text, table, [factor.name for factor in factors]))


def _reaches(text: str, table: xr.Dataset, names: Sequence[str]) -> str:
    """Say which input alone moves an outcome furthest, and at whose ends there is no run to tell it of."""
    import numpy as np

    low, high = table["low"].values, table["high"].values
    broken = [name for name, lost in zip(names, np.isnan(low + high), strict=True) if lost]
    lost = f" The run breaks off at an end of {', '.join(broken)}." if broken else ""
    reach = np.nan_to_num(np.abs(high - low))
    j = int(np.argmax(reach))
    if not reach[j]:
        return f"The {text} moves with no input alone.{lost}"
    return f"The {text} moves most with {names[j]}: {low[j]:.6g} to {high[j]:.6g} from its low to its high end.{lost}"
