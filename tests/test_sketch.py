"""Reading sketches: boxes, valves, clouds and arrows where the author put them."""

from __future__ import annotations

from pathlib import Path

from sdpolicy.vensim.sketch import Arrow, Box, Cloud, Sketch, Valve, read_sketch

HEAD = "INITIAL TIME = 0 ~~|\n\n"
PAGE = r"""\\\---/// Sketch information - do not modify anything except names
V300  Do not put anything below this section - it will be ignored
*Main page
$192-192-192,0,Arial|12||0-0-0|0-0-0|0-0-255|-1--1--1|-1--1--1|72,72,100,0
10,1,Capital,300,100,40,20,3,3,0,0,0,0,0,0
12,2,48,100,100,10,8,0,3,0,0,-1,0,0,0
1,3,5,1,4,0,0,22,0,0,0,-1--1--1,,1|(250,100)|
1,4,5,2,100,0,0,22,0,0,0,-1--1--1,,1|(150,100)|
11,5,48,200,100,6,8,34,3,0,0,1,0,0,0
10,6,"net, investment",200,120,50,11,40,3,0,0,-1,0,0,0
10,7,interest rate,200,250,50,11,8,3,0,0,0,0,0,0
10,8,Capital,400,250,50,11,8,2,0,3,-1,0,0,0,128-128-128,0-0-0,|12||128-128-128
1,9,7,6,1,0,45,0,0,64,0,-1--1--1,|12||0-0-0,1|(230,190)|
1,10,8,7,0,0,0,0,0,64,0,-1--1--1,,1|(300,250)|
12,11,0,600,50,60,20,8,135,0,0,-1,0,0,0
The heart of it
11,12,0,600,200,6,8,2,3,0,0,1,0,0,0
12,13,0,600,222,30,9,8,4,0,2,-1,0,0,0,0-0-0,0-0-0,|10|I|0-90-160
wear
10,broken,line
\\\---/// Sketch information - do not modify anything except names
V300  Do not put anything below this section - it will be ignored
*Second page
///---\\\
:L
10,99,settings,1,1,1,1,3,3
"""


def test_a_page_holds_what_its_author_drew(tmp_path: Path) -> None:
    """Every thing of a page is read with its place and what it is; damaged lines are passed over."""
    path = tmp_path / "drawn.mdl"
    path.write_text(HEAD + PAGE, encoding="utf-8")
    first, second = read_sketch(path).views
    assert (first.name, second.name) == ("Main page", "Second page")
    assert first.boxes == (
        Box(1, "Capital", 300, 100, 40, 20, "stock"),
        Box(6, "net, investment", 200, 120, 50, 11, "variable"),
        Box(7, "interest rate", 200, 250, 50, 11, "variable"),
        Box(8, "Capital", 400, 250, 50, 11, "shadow", "", "#808080"),
        Box(11, "The heart of it", 600, 50, 60, 20, "comment"),
        Box(13, "wear", 600, 222, 30, 9, "comment", "I", "#005aa0"),
    )
    assert first.valves == (Valve(5, 200, 100, "net, investment"), Valve(12, 600, 200))
    assert first.clouds == (Cloud(2, 100, 100),)
    assert first.arrows == (
        Arrow(5, 1, None, ((250, 100),), "", is_pipe=True),
        Arrow(5, 2, None, ((150, 100),), "", is_pipe=True, has_head=False),
        Arrow(7, 6, (230, 190), (), "-"),
        Arrow(8, 7),
    )
    assert second.boxes == ()


def test_a_model_without_a_sketch_has_no_views(tmp_path: Path) -> None:
    """A model that was written as text alone has an empty sketch."""
    path = tmp_path / "plain.mdl"
    path.write_text(HEAD, encoding="utf-8")
    assert read_sketch(path) == Sketch(())
