"""Tests of checks: what holds is told to hold, and planted faults are found."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from sdpolicy.checks import Report, Verdict, check, read_checks
from sdpolicy.checks.execution import own_country
from sdpolicy.errors import CheckError
from sdpolicy.library import list_models, shelf
from sdpolicy.scenario import read_scenario

BANK = """{UTF-8}
firms' money= INTEG (loans - repayment - spending, 10.0)
	~	USD
	~	|
debt= INTEG (loans - repayment, 4.0)
	~	USD
	~	|
equity= firms' money - debt + spent
	~	USD
	~	|
spent= INTEG (spending, 0.0)
	~	USD
	~	|
owners= INTEG (0.0 * spending, 6.0)
	~	USD
	~	|
loans= lending rate * debt
	~	USD/Year
	~	|
repayment= debt / maturity
	~	USD/Year
	~	|
spending= MIN(firms' money, 5.0 * unit money) / spending time
	~	USD/Year
	~	|
unit money= 1.0
	~	USD
	~	|
spending time= 8.0
	~	Year
	~	|
lending rate= 0.1
	~	1/Year
	~	|
maturity= 20.0
	~	Year [0.0,?]
	~	|
smoothed= SMOOTH(loans, spending time)
	~	USD/Year
	~	|
late= DELAY FIXED(loans, 2.0, loans)
	~	USD/Year
	~	|
dear= IF THEN ELSE(debt > 2.0 * unit money, loans, repayment)
	~	USD/Year
	~	|
shape([(0,0)-(10,1)],(0,0),(10,1))
	~	Dmnl
	~	|
curve= shape(debt / unit money)
	~	Dmnl
	~	|
root= SQRT(ABS(debt * equity))
	~	USD
	~	|
logarithm= LN(debt / unit money)
	~	Dmnl
	~	|
quotient= ZIDZ(loans, debt)
	~	1/Year
	~	|
bump= STEP(loans, 5.0)
	~	USD/Year
	~	|
FINAL TIME= 10.0
	~	Year
	~	|
INITIAL TIME= 0.0
	~	Year
	~	|
SAVEPER= 0.5
	~	Year
	~	|
TIME STEP= 0.25
	~	Year
	~	|
"""
CHECKS = """
[non-negative]
[balance.sheet]
terms = {equity = 1, owners = -1}
absolute = 1e-9
[ledger.debt]
stock = "debt"
flows = {loans = 1, repayment = -1}
[start]
variables = {debt = 0.06}
[integration]
halving = 0.01
python = 1e-13
[extreme.no-lending]
why = "Without loans debt is only paid back."
set = {"lending rate" = 0.0}
expect.falls = {variable = "debt", at = 10, is = "<", value = 0.7, relative = true}
"""
DEBT = "expect.x = {variable = 'debt', at = 5, is = '>', value = 0}\n"


def report(folder: Path, model: str = BANK, checks: str = CHECKS) -> Report:
    """Return the report on a model and its companion file."""
    (folder / "bank.mdl").write_text(model, encoding="utf-8")
    (folder / "bank.checks.toml").write_text(checks, encoding="utf-8")
    return check(folder / "bank.mdl", folder)


def failing(given: Report) -> set[tuple[str, str]]:
    """Return kind and subject of what fails."""
    return {(verdict.kind, verdict.what) for verdict in given.verdicts if verdict.ok is False}


def changed(old: str, new: str) -> str:
    """Return the model with one text replaced, which has to be there."""
    assert old in BANK
    return BANK.replace(old, new, 1)


def test_sound_model_passes(tmp_path: Path) -> None:
    """A model that keeps its accounts and its units passes, with a verdict of each kind."""
    found = report(tmp_path)
    assert failing(found) == set()
    kinds = {verdict.kind for verdict in found.verdicts}
    assert kinds == {"units", "extreme", "balance", "ledger", "start", "non-negative", "integration"}


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        ("loans= lending rate * debt", "loans= lending rate + debt", "loans"),
        ("debt / maturity", "debt * maturity", "repayment"),
        ("MIN(firms' money, 5.0 * unit money)", "MIN(firms' money, loans)", "spending"),
        ("SMOOTH(loans, spending time)", "SMOOTH(debt, spending time)", "smoothed"),
        ("SMOOTH(loans, spending time)", "SMOOTH(loans, unit money)", "smoothed"),
        ("DELAY FIXED(loans, 2.0, loans)", "DELAY FIXED(loans, 2.0, debt)", "late"),
        ("debt > 2.0 * unit money", "debt > 2.0 * loans", "dear"),
        ("unit money, loans, repayment)", "unit money, loans, debt)", "dear"),
        ("curve= shape(", "curve= debt * shape(", "curve"),
        ("SQRT(ABS(debt * equity))", "SQRT(ABS(debt))", "root"),
        ("LN(debt / unit money)", "LN(debt)", "logarithm"),
        ("ZIDZ(loans, debt)", "ZIDZ(debt, loans)", "quotient"),
        ("STEP(loans, 5.0)", "STEP(debt, 5.0)", "bump"),
        ("INTEG (loans - repayment, 4.0)", "INTEG (loans - debt, 4.0)", "debt"),
        ("INTEG (spending, 0.0)", "INTEG (spending, loans)", "spent"),
    ],
)  # fmt: skip
def test_wrong_unit_is_found(old: str, new: str, where: str, tmp_path: Path) -> None:
    """A wrong unit in a sum, product, minimum, smooth, delay, condition, branch, table, root or stock is told."""
    units = [v for v in report(tmp_path, changed(old, new)).verdicts if v.kind == "units" and v.ok is False]
    assert [verdict.what.rpartition("'")[0].rpartition("'")[2] for verdict in units][:1] == [where]


def test_leak_is_found(tmp_path: Path) -> None:
    """Money that leaves without an entry on the other side breaks the balance; the ledger of debt still holds."""
    leak = changed("INTEG (loans - repayment - spending, 10.0)", "INTEG (loans - 1.001 * repayment - spending, 10.0)")
    assert failing(report(tmp_path, leak)) == {("balance", "sheet")}


def test_undeclared_flow_is_found(tmp_path: Path) -> None:
    """A stock that changes by more than the flows of its ledger is told."""
    leak = changed("INTEG (loans - repayment, 4.0)", "INTEG (loans - repayment - 0.0001 * debt / maturity, 4.0)")
    assert ("ledger", "debt") in failing(report(tmp_path, leak))


def test_wrong_sign_is_found(tmp_path: Path) -> None:
    """Repayment that adds to debt breaks the balance and the ledger."""
    wrong = changed("debt= INTEG (loans - repayment", "debt= INTEG (loans + repayment")
    assert {("balance", "sheet"), ("ledger", "debt")} <= failing(report(tmp_path, wrong))


def test_wrong_sign_of_an_effect_is_found_by_the_extreme(tmp_path: Path) -> None:
    """Loans that shrink with the lending rate make debt grow when there is no lending, and that is told."""
    wrong = changed("loans= lending rate * debt", "loans= (0.1 / spending time - lending rate) * debt")
    assert ("extreme", "no-lending: falls") in failing(report(tmp_path, wrong))


def test_negative_stock_is_found(tmp_path: Path) -> None:
    """Spending without regard to what there is takes the stock below zero; the stock, when and how far are told."""
    wrong = changed("MIN(firms' money, 5.0 * unit money) / spending time", "20.0 * unit money / spending time")
    found = report(tmp_path, wrong)
    assert ("non-negative", "firms' money") in failing(found)
    told = next(v.found for v in found.verdicts if v.what == "firms' money")
    assert told.startswith("-")
    exempt = CHECKS.replace("[non-negative]", '[non-negative]\nbut = "firms\' money"')
    assert failing(report(tmp_path, wrong, exempt)) == set()


def test_start_out_of_balance_is_found(tmp_path: Path) -> None:
    """Debt that jumps in the first year is told."""
    assert ("start", "debt") in failing(report(tmp_path, changed("rate= 0.1", "rate= 0.3")))


def test_coarse_step_is_found(tmp_path: Path) -> None:
    """A step near the time constant of a stock moves the numbers when it is halved, and the date of a crossing."""
    checks = CHECKS + '[integration.crossing.gone]\nvariable = "debt"\nbelow = 1.0\nmoves = 0.05\n'
    wrong = changed("maturity= 20.0", "maturity= 0.7")
    assert {("integration", "half the step"), ("integration", "gone")} <= failing(report(tmp_path, wrong, checks))


def test_run_that_breaks_is_a_failed_check(tmp_path: Path) -> None:
    """When the undisturbed run is not finite, that is told beside the units, and nothing else is."""
    found = report(tmp_path, changed("maturity= 20.0", "maturity= 0.0"))
    assert [(v.kind, v.ok) for v in found.verdicts] == [("units", True), ("run", False)]


def test_overflow_in_an_extreme_is_a_failed_check(tmp_path: Path) -> None:
    """An extreme condition that breaks the run is a verdict, not an error."""
    checks = CHECKS + "[extreme.instant]\nwhy = 'w'\nset = {maturity = 0.0}\n" + DEBT
    assert ("extreme", "instant") in failing(report(tmp_path, BANK, checks))


def test_faulty_file_is_told_at_once(tmp_path: Path) -> None:
    """Unknown keys are told with a suggestion, claims that do not fit the model with their place."""
    path = tmp_path / "bank.checks.toml"
    path.write_text("[balanse.x]\nterms = {a = 1}\n[start]\nspan = -1\nvariables = {}\n", encoding="utf-8")
    with pytest.raises(CheckError) as caught:
        read_checks(path)
    assert "Did you mean 'balance'?" in str(caught.value)
    assert "span" in str(caught.value)
    with pytest.raises(CheckError, match=r"\[extreme.a\].*lending rat'.*Did you mean 'lending rate'"):
        report(
            tmp_path,
            BANK,
            "[extreme.a]\nwhy = 'w'\nset = {'lending rat' = 1.0}\n" + DEBT,
        )
    with pytest.raises(CheckError, match="Did you mean 'debt'"):
        report(tmp_path, BANK, "[balance.a]\nterms = {dept = 1}\n")


def test_claims_of_a_scenario_are_carried_out(tmp_path: Path) -> None:
    """Claims about a moment, a mean, an extreme and a distance are held to the run, each by its statistic."""
    (tmp_path / "bank.mdl").write_text(BANK, encoding="utf-8")
    claims = {
        "at": 'at = 0, is = "within", value = 4, tolerance = 0',
        "mean": 'period = [0, 10], is = ">", value = 4',
        "highest": 'period = [0, 10], statistic = "max", is = "<", value = 6.0',
        "first": 'period = [0, 10], statistic = "first", is = ">", value = 4',
        "wrong": 'period = [0, 10], statistic = "last", is = "<", value = 6.0',
    }
    text = "".join(f'expect.{name} = {{variable = "debt", {claim}}}\n' for name, claim in claims.items())
    (tmp_path / "s.toml").write_text(f'title = "S"\nmodel = "bank.mdl"\n{text}', encoding="utf-8")
    found = {v.what: v for v in check(tmp_path / "s.toml").verdicts if v.kind == "expect"}
    assert {name: v.ok for name, v in found.items()} == {
        "at": True, "mean": True, "highest": False, "first": False, "wrong": False,
    }  # fmt: skip
    assert float(found["wrong"].found) == pytest.approx(4 * (1 + 0.05 * 0.25) ** 40, rel=1e-3)


def test_claims_about_several_scenarios(tmp_path: Path) -> None:
    """A share of a gap is told with the model alone, from scenarios beside it; a scenario's check leaves it out."""
    (tmp_path / "bank.mdl").write_text(BANK, encoding="utf-8")
    for name, rate in (("low", 0.05), ("middle", 0.08), ("high", 0.1)):
        text = f'title = "{name}"\nmodel = "bank.mdl"\nset."lending rate" = {rate}\n'
        (tmp_path / f"{name}.toml").write_text(text, encoding="utf-8")
    gap = "terms = {high = 1, middle = -1}\nover = {high = 1, low = -1}\n"
    rule = f'variable = "loans"\nat = 0\n{gap}is = "within"\nvalue = 0.4\ntolerance = 1e-12\n'
    wrong = rule.replace("value = 0.4", "value = 0.5")
    (tmp_path / "bank.checks.toml").write_text(f"[between.a]\n{rule}[between.b]\n{wrong}", encoding="utf-8")
    found = {v.what: (v.found, v.ok) for v in check(tmp_path / "bank.mdl").verdicts if v.kind == "between"}
    assert found == {"a": ("0.4", True), "b": ("0.4", False)}
    assert {v.kind for v in check(tmp_path / "low.toml").verdicts} == {"units"}


def test_facts_count_by_their_part(tmp_path: Path) -> None:
    """A baseline has to agree with the stated share of facts; a counterfactual on top of it is not compared."""
    rows = "A,KOR,x,0,,4,,,,S,,\nB,KOR,x,5,,9,,,,S,,\nC,KOR,x,5,,,,,,S,,\n"
    (tmp_path / "facts.csv").write_text(
        "id,entity,variable,start,end,value,low,high,unit,source,locator,note\n"
        + rows.replace("C,KOR,x,5,,,", "C,KOR,x,5,,5,"),
        encoding="utf-8",
    )
    (tmp_path / "definitions.csv").write_text(
        "fact,model,variable,scale,usable,reason\n" + "".join(f"{f},bank,debt,1,yes,\n" for f in "ABC"),
        encoding="utf-8",
    )
    (tmp_path / "split.csv").write_text(
        "fact,country,model,set,tolerance\nA,KOR,bank,calibration,0.1\nB,KOR,bank,hold-out,0.1\nC,KOR,bank,calibration,0.1\n",
        encoding="utf-8",
    )
    (tmp_path / "bank.mdl").write_text(BANK, encoding="utf-8")
    (tmp_path / "bank.checks.toml").write_text("[evidence]\ncalibration = 0.8\nhold-out = 0.6\n", encoding="utf-8")
    (tmp_path / "base.toml").write_text('title = "B"\nmodel = "bank.mdl"\ncountry = "KOR"\n', encoding="utf-8")
    (tmp_path / "counter.toml").write_text('title = "C"\nextends = "base"\n', encoding="utf-8")
    found = check(tmp_path / "base.toml", tmp_path)
    scores = {v.what: (v.found, v.ok) for v in found.verdicts if v.kind == "score"}
    assert scores == {"calibration facts": ("2 of 2 (100 %)", True), "hold-out facts": ("0 of 1 (0 %)", False)}
    assert found.fits["debt"].n == 3
    other = check(tmp_path / "counter.toml", tmp_path)
    assert {v.kind for v in other.verdicts} == {"units"}
    assert own_country(read_scenario(tmp_path / "counter.toml")) == ""


def test_report_is_json() -> None:
    """A report can be written as JSON, whatever is missing in it."""
    from sdpolicy.evidence import Fit

    gap = Fit(2, float("nan"), 0.1, 0.1, 0.0, 0.0, 0.0)
    text = json.dumps(Report("x", (Verdict("units", "a", "b", "c", None),), {"v": gap}).to_json(), allow_nan=False)
    assert json.loads(text)["fits"]["v"]["r2"] is None


@pytest.mark.parametrize("name", ["core", "core-korea-no-opening"])
def test_shipped_models_pass(name: str) -> None:
    """The teaching model passes its checks, by itself and with a scenario's values."""
    assert failing(check(name)) == set()


def test_every_model_has_checks() -> None:
    """Each shipped model has a companion file of checks that can be read."""
    for item in list_models():
        assert read_checks(item.path.with_suffix(".checks.toml")).balance, item.name
    assert np.all([path.stem.removesuffix(".checks") for path in shelf("models").glob("*.checks.toml")])
