from __future__ import annotations

import sys

import pytest

from sdpolicy.errors import SdpolicyError
from sdpolicy.lecture import make, notebook


def test_the_widget_holds_the_page() -> None:
    """The widget carries the same page as the file, and values that both sides may set."""
    pytest.importorskip("anywidget")
    widget = notebook.show("catch-up", height=500)
    assert widget.page == make("catch-up")
    assert widget.height == 500
    widget.values = {"credit": 2.0}
    assert widget.values == {"credit": 2.0}


def test_without_the_extra_the_cure_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without anywidget the message says what to install."""
    monkeypatch.setitem(sys.modules, "anywidget", None)
    with pytest.raises(SdpolicyError, match=r"pip install \"sdpolicy\[notebook\]\""):
        notebook.show("catch-up")
