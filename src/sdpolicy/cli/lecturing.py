"""The command `lecture`: a story in, one HTML file out."""

from __future__ import annotations

from pathlib import Path

from sdpolicy.cli import terminal


def write(story: str, out: Path | None) -> None:
    """Write the page of ``story``, whole or not at all, and say where it is."""
    from sdpolicy.lecture import make

    with terminal.working("making the page"):
        page = make(story)
    path = out or Path(f"{Path(story).stem}.html")
    if path.is_dir():
        path = path / f"{Path(story).stem}.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    staged = path.with_name(f".{path.name}.part")
    try:
        staged.write_text(page, encoding="utf-8", newline="\n")
        staged.replace(path)
    finally:
        staged.unlink(missing_ok=True)
    terminal.say(f"{path} ({len(page.encode()) / 1e6:.1f} MB): open it in a browser; it needs no network.")
