"""What is written from the evidence and shown on the country pages is there and up to date."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = sorted((ROOT / "docs" / "countries").glob("*.md"))


def test_definition_table_is_up_to_date() -> None:
    """The definition table is what the evidence gives now; `python tools/pages.py definitions` writes it anew."""
    spec = importlib.util.spec_from_file_location("pages", ROOT / "tools" / "pages.py")
    assert spec is not None
    assert spec.loader is not None
    pages = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(pages)
    assert (ROOT / "docs" / "definitions.md").read_text(encoding="utf-8") == pages.definitions()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_of_country_pages_lead_somewhere(page: Path) -> None:
    """Every figure and page that a country page names is there."""
    targets = re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text(encoding="utf-8"))
    assert targets
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_each_country_has_a_page() -> None:
    """Korea, Taiwan and Japan are there."""
    assert [page.stem for page in PAGES] == ["japan", "korea", "taiwan"]
