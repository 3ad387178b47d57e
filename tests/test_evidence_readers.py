"""Tests of readers for published tables, on small made-up files of the same form."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from sdpolicy.errors import ResultError
from sdpolicy.evidence import FACTS
from sdpolicy.evidence_readers import as_facts, read_bis_credit, read_pwt, read_wdi

PWT = """countrycode,country,currency_unit,year,rgdpna,emp
KOR,Republic of Korea,Won,1962,100.0,7.5
KOR,Republic of Korea,Won,1963,110.0,
KOR,Republic of Korea,Won,1964,121.0,8.1
TWN,Taiwan,New Taiwan Dollar,1962,50.0,3.0
"""
WDI = (
    '"Data Source","World Development Indicators",\n\n"Last Updated Date","2024-01-01",\n\n'
    '"Country Name","Country Code","Indicator Name","Indicator Code","1960","1961","1962",\n'
    '"Korea, Rep.","KOR","GDP (constant 2015 US$)","NY.GDP.MKTP.KD","","1,234.5","2000",\n'
    '"Japan","JPN","GDP (constant 2015 US$)","NY.GDP.MKTP.KD","10","..","12",\n'
)
BIS = (
    '"FREQ:Frequency","BORROWERS_CTY:Borrowers\' country","TC_BORROWERS:Borrowing sector",'
    '"UNIT_TYPE:Unit type","1970-Q1","1970-Q2"\n'
    '"Q:Quarterly","KR:Korea","N:Non-financial corporations","770:Percentage of GDP","50.1",""\n'
    '"Q:Quarterly","KR:Korea","H:Households","770:Percentage of GDP","5.0","6.0"\n'
    '"Q:Quarterly","JP:Japan","N:Non-financial corporations","770:Percentage of GDP","80","81"\n'
)
CORPORATE = {"TC_BORROWERS": "N", "UNIT_TYPE": "770"}


def file(folder: Path, name: str, text: str) -> Path:
    """Write a file and return its path."""
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def test_penn_world_table_in_long_form(tmp_path: Path) -> None:
    """Rows of a country and year become series by country and variable; gaps stay gaps."""
    product, work = read_pwt(file(tmp_path, "pwt.csv", PWT), ["KOR"], ["rgdpna", "emp"])
    assert dict(product.values) == {1962: 100.0, 1963: 110.0, 1964: 121.0}
    assert dict(work.values) == {1962: 7.5, 1964: 8.1}
    assert product.growth(1962, 1964) == pytest.approx(math.log(1.1))
    assert work.mean(1962, 1964) == pytest.approx(7.8)
    assert math.isnan(work.growth(1962, 1963))
    assert "Feenstra" in product.source


def test_workbooks_are_read_from_their_data_sheet(tmp_path: Path) -> None:
    """An XLSX file gives the same as the CSV; the sheet Data counts, wherever it stands."""
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.active.title = "Info"
    book.active.append(["Penn World Table"])
    sheet = book.create_sheet("Data")
    for row in PWT.splitlines():
        sheet.append([float(cell) if cell.replace(".", "").isdigit() else cell or None for cell in row.split(",")])
    book.save(tmp_path / "pwt.xlsx")
    wanted = (["KOR", "TWN"], ["rgdpna", "emp"])
    assert read_pwt(tmp_path / "pwt.xlsx", *wanted) == read_pwt(file(tmp_path, "pwt.csv", PWT), *wanted)
    (tmp_path / "damaged.xlsx").write_bytes(b"PK\x03\x04 no archive")
    with pytest.raises(ResultError, match="no XLSX workbook"):
        read_pwt(tmp_path / "damaged.xlsx", *wanted)


def test_development_indicators_in_wide_form(tmp_path: Path) -> None:
    """The header may stand below lines of title; thousands apart and two dots are understood."""
    korea, japan = read_wdi(file(tmp_path, "wdi.csv", WDI), ["KOR", "JPN"], ["NY.GDP.MKTP.KD"])
    assert dict(korea.values) == {1961: 1234.5, 1962: 2000.0}
    assert dict(japan.values) == {1960: 10.0, 1962: 12.0}
    assert korea.unit == "constant 2015 US$"


def test_databank_exports_are_read_alike(tmp_path: Path) -> None:
    """Columns called Series and years in brackets are the same table."""
    text = WDI.replace("Indicator Name", "Series Name").replace("Indicator Code", "Series Code")
    for year in ("1960", "1961", "1962"):
        text = text.replace(f'"{year}"', f'"{year} [YR{year}]"')
    wanted = (["KOR", "JPN"], ["NY.GDP.MKTP.KD"])
    assert read_wdi(file(tmp_path, "a.csv", text), *wanted) == read_wdi(file(tmp_path, "b.csv", WDI), *wanted)


def test_bis_credit_in_wide_form(tmp_path: Path) -> None:
    """The one series of a country that fits is returned by quarter; codes stand alone or before a colon."""
    korea, japan = read_bis_credit(file(tmp_path, "bis.csv", BIS), ["KR", "JP"], CORPORATE)
    assert dict(korea.values) == {1970.25: 50.1}
    assert dict(japan.values) == {1970.25: 80.0, 1970.5: 81.0}
    bare = BIS.replace(":Korea", "").replace(":Japan", "").replace(":Borrowers' country", "")
    assert read_bis_credit(file(tmp_path, "bare.csv", bare), ["KR", "JP"], CORPORATE) == (korea, japan)
    with pytest.raises(ResultError, match="found KR: 2"):
        read_bis_credit(tmp_path / "bis.csv", ["KR"], {"UNIT_TYPE": "770"})


def test_series_become_facts(tmp_path: Path) -> None:
    """Facts have the columns of the evidence; periods without data give none."""
    series = read_pwt(file(tmp_path, "pwt.csv", PWT), ["KOR", "TWN"], ["rgdpna"])
    (fact,) = as_facts(series, [(1962, 1964)], "growth")
    assert tuple(fact) == FACTS
    assert (fact["id"], fact["entity"], fact["variable"]) == ("U01", "KOR", "growth of rgdpna")
    assert float(fact["value"]) == pytest.approx(math.log(1.1))
    levels = as_facts(series, [(1962, 1962), (1990, 1990)])
    assert [(row["entity"], float(row["value"])) for row in levels] == [("KOR", 100.0), ("TWN", 50.0)]


def test_faulty_files_are_told(tmp_path: Path) -> None:
    """What is missing or not a number is told with its place, and what would be there."""
    path = file(tmp_path, "pwt.csv", PWT)
    with pytest.raises(ResultError, match=r"no variable 'rgdpnaa'. Did you mean 'rgdpna'"):
        read_pwt(path, ["KOR"], ["rgdpnaa"])
    with pytest.raises(ResultError, match=r"no country 'JPN'. There are KOR, TWN"):
        read_pwt(path, ["JPN"], ["rgdpna"])
    with pytest.raises(ResultError, match=r"pwt.csv, line 3: 'many' in column 'rgdpna' is not a number"):
        read_pwt(file(tmp_path, "pwt.csv", PWT.replace("110.0", "many")), ["KOR"], ["rgdpna"])
    with pytest.raises(ResultError, match="no line has the columns countrycode, year"):
        read_pwt(file(tmp_path, "wdi.csv", WDI), ["KOR"], ["rgdpna"])
    with pytest.raises(ResultError, match="no indicator 'X'"):
        read_wdi(tmp_path / "wdi.csv", ["KOR"], ["X"])
    with pytest.raises(ResultError, match="no column is a quarter"):
        read_bis_credit(file(tmp_path, "bis.csv", BIS.replace("-Q", "/")), ["KR"], CORPORATE)
    with pytest.raises(ResultError, match="cannot be read"):
        read_pwt(tmp_path / "none.csv", ["KOR"], ["rgdpna"])
