from __future__ import annotations

import base64
import hashlib
import json
import re
from pathlib import Path

import pytest

from sdpolicy.lecture import make
from sdpolicy.lecture.page import as_json, shown
from sdpolicy.library import list_lectures

HOSTILE = "</script><script>alert(1)</script> \"'`${x}\u202eevil\u2066 <img src=x onerror=alert(2)>"


@pytest.fixture(scope="module")
def page() -> str:
    """The page of the first shipped story."""
    return make("catch-up")


def data(text: str) -> dict[str, object]:
    """Return the data that a page carries."""
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    assert found is not None
    loaded: dict[str, object] = json.loads(found.group(1))
    return loaded


def hostile_story(folder: Path) -> Path:
    """Write a story whose every text is hostile, and return its path."""
    quoted = json.dumps(HOSTILE)
    path = folder / "hostile.toml"
    path.write_text(
        f"""
title = {quoted}
question = {quoted}
scenario = "core-korea"
source = [{quoted}]
[[slider]]
id = "a"
variable = "directed credit"
label = {quoted}
meaning = {quoted}
unit = {quoted}
kind = "policy"
low = 0.0
high = 6.0
step = 0.5
[[graph]]
id = "b"
variable = "debt equity ratio"
label = {quoted}
unit = {quoted}
low = 0.0
high = 8.0
line = 1.0
line_label = {quoted}
evidence = [{{start = 1980.0, value = 3.0, source = {quoted}}}]
[[phase]]
label = {quoted}
start = 1962.0
stop = 2010.0
[[step]]
id = "one"
title = {quoted}
text = {quoted}
question = {quoted}
note = {quoted}
sliders = ["a"]
graphs = ["b"]
[[term]]
word = {quoted}
meaning = {quoted}
[diagram.labels]
"exports" = {quoted}
""",
        encoding="utf-8",
    )
    return path


@pytest.mark.parametrize("item", list_lectures(), ids=lambda item: item.name)
def test_pages_are_small(item) -> None:
    """The page of every shipped story is smaller than 1.5 MB."""
    assert len(make(item.name).encode()) < 1.5e6


def test_pages_are_the_same_each_time(page: str) -> None:
    """Making a page twice gives the same bytes."""
    assert make("catch-up") == page


def test_nothing_is_fetched(page: str) -> None:
    """The page names no other file, and its policy allows no connection."""
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    assert policy is not None
    rules = dict(rule.strip().split(" ", 1) for rule in policy.group(1).split(";"))
    assert rules["default-src"] == "'none'"
    assert "unsafe" not in policy.group(1)
    head, _, rest = page.partition("<style>")
    assert not re.search(r"<(link|script|img|iframe)[^>]*(src|href)=", head + rest.partition("</style>")[2][:2000])
    scripts = re.findall(r'<script(?: id="engine")?>(.*?)</script>', page, re.DOTALL)
    hashes = {base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts}
    assert {found.strip("'").removeprefix("sha256-") for found in rules["script-src"].split()} == hashes


def test_hostile_text_stays_data(tmp_path: Path) -> None:
    """A story full of markup and bidi marks adds no element to the page, and its marks become visible."""
    calm, text = make("catch-up"), make(hostile_story(tmp_path))
    assert text.count("<script") == calm.count("<script")
    assert text.count("</script") == calm.count("</script")
    assert "onerror=alert(2)>" not in text.replace("&gt;", "")
    assert "\u202e" not in text
    assert data(text)["question"] == HOSTILE.replace("\u202e", "[U+202E]").replace("\u2066", "[U+2066]")


def test_json_in_a_script_element() -> None:
    """No character that ends a script or a line of one is left as it is."""
    text = as_json({"<a>": ["</script>", "\u2028", "&amp;"]})
    assert not set(text) & set("<>&\u2028\u2029")
    assert json.loads(text) == {"<a>": ["</script>", "\u2028", "&amp;"]}


def test_characters_that_do_not_show_are_shown() -> None:
    """Marks that turn the direction of writing, and controls, appear by their code; letters of all kinds stay."""
    assert shown("a\u202eb\u0007 한국 日本\n") == "a[U+202E]b[U+0007] 한국 日本\n"


def test_data_for_readers(page: str) -> None:
    """The page carries the loops with their links, the stocks with their flows, and every unit."""
    found = data(page)
    loops = found["loops"]
    assert isinstance(loops, list)
    assert {"R1", "R10", "B1"} <= {loop["id"] for loop in loops}
    assert {"id": "capital", "inflows": ["investment"], "outflows": ["depreciation"]} in found["lanes"]  # type: ignore[operator]
    stocks = found["stocks"]
    assert isinstance(stocks, list)
    pipes = [shape for shape in stocks[0]["shapes"] if shape["kind"] == "flow"]
    assert {pipe["id"] for pipe in pipes} >= {"investment", "depreciation", "new_loans", "repayment"}
