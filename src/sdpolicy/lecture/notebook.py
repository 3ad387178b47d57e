"""A lecture page inside a notebook, its sliders readable and settable from Python. It needs the extra ``notebook``."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any, Final

from sdpolicy.errors import Problem, SdpolicyError
from sdpolicy.lecture.page import make

VIEW: Final = """
export default {
  render({ model, el }) {
    const frame = document.createElement("iframe");
    frame.sandbox = "allow-scripts allow-downloads allow-modals allow-popups";
    frame.style.cssText = `width: 100%; height: ${model.get("height")}px; border: 0`;
    frame.srcdoc = model.get("page");
    const receive = (event) => {
      if (event.source !== frame.contentWindow || !event.data?.sdpolicy) return;
      model.set("values", event.data.sdpolicy);
      model.save_changes();
    };
    const send = () => frame.contentWindow.postMessage({ sdpolicy: model.get("values") }, "*");
    window.addEventListener("message", receive);
    model.on("change:values", send);
    el.append(frame);
    return () => {
      window.removeEventListener("message", receive);
      model.off("change:values", send);
    };
  },
};
"""
"""The widget's side in the browser: a frame that holds the page and passes slider values both ways."""


def show(story: str | Path, height: int = 720) -> Any:
    """Return a widget that shows the page of a story.

    Its ``values`` are those of the sliders by id, in the model's units: they follow the sliders, and setting
    them moves the sliders.

    Raises:
        SdpolicyError: when anywidget is not installed.
        ScenarioError, ModelError: as :func:`sdpolicy.lecture.make`.
    """
    try:
        anywidget, traitlets = import_module("anywidget"), import_module("traitlets")
    except ImportError as error:
        cure = 'Install it with: pip install "sdpolicy[notebook]"'
        raise SdpolicyError(Problem("notebook", "a lecture in a notebook needs anywidget", cure)) from error
    traits = {
        "_esm": VIEW,
        "page": traitlets.Unicode().tag(sync=True),
        "height": traitlets.Int(height).tag(sync=True),
        "values": traitlets.Dict().tag(sync=True),
    }
    return type("LectureWidget", (anywidget.AnyWidget,), traits)(page=make(story))
