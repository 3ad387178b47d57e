"""What surrounds a kernel's steps in IR: the loop over groups of members, their parameters, and the verdict on each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from sdpolicy.backends.llvm.text import Writer, attributes

NAME: Final = "sd_run"
"""The function's name in the object."""
ARGUMENTS: Final = (
    "ptr noalias readonly %params, i64 %params.member, i64 %params.next, i64 %first, i64 %count, "
    "double %start, double %h, i64 %steps, i64 %every, "
    "ptr noalias %out, i64 %out.member, ptr noalias %bad, ptr noalias %ws"
)
"""Strides are in doubles; members ``first`` to ``first + count - 1`` run, counted from the arrays' beginnings."""


@dataclass(frozen=True, slots=True)
class Frame:
    """``room`` elements of workspace stand before the histories; parameters and the verdict have their places in it."""

    w: Writer
    room: int
    parameters: int
    parameter_place: int
    verdict_place: int

    def head(self) -> Iterator[str]:
        """Lines up to the block ``begin``: the last group's spare lanes repeat its last member."""
        w, lanes = self.w, range(self.w.target.width)
        yield f"define void @{NAME}({ARGUMENTS}) {attributes(w.target.width)} {{"
        yield "entry:"
        yield "  %rows = add i64 %steps, 1"
        yield f"  %history = getelementptr inbounds {w.element}, ptr %ws, i64 {self.room}"
        yield "  %final = sub i64 %count, 1"
        yield "  br label %group"
        yield "group:"
        yield "  %g = phi i64 [ 0, %entry ], [ %g.next, %end ]"
        for lane in lanes:
            yield f"  %lane.{lane} = add i64 %g, {lane}"
            yield f"  %spare.{lane} = icmp ugt i64 %lane.{lane}, %final"
            yield f"  %kept.{lane} = select i1 %spare.{lane}, i64 %final, i64 %lane.{lane}"
            yield f"  %m.{lane} = add i64 %kept.{lane}, %first"
            yield f"  %in.at.{lane} = mul i64 %m.{lane}, %params.member"
            yield f"  %in.{lane} = getelementptr inbounds double, ptr %params, i64 %in.at.{lane}"
            yield f"  %out.at.{lane} = mul i64 %m.{lane}, %out.member"
            yield f"  %member.{lane} = getelementptr inbounds double, ptr %out, i64 %out.at.{lane}"
        if not self.parameters:
            yield "  br label %begin"
            return
        yield "  br label %take"
        yield from self.take()

    def take(self) -> Iterator[str]:
        """Bring the parameters of the group's members side by side."""
        w, n = self.w, self.w.target.width
        yield "take:"
        yield "  %p = phi i64 [ 0, %group ], [ %p.next, %take ]"
        yield "  %p.at = mul i64 %p, %params.next"
        held = "poison"
        for lane in range(n):
            yield f"  %p.in.{lane} = getelementptr inbounds double, ptr %in.{lane}, i64 %p.at"
            yield f"  %p.one.{lane} = load double, ptr %p.in.{lane}"
            if n > 1:
                yield f"  %p.v.{lane} = insertelement {w.element} {held}, double %p.one.{lane}, i64 {lane}"
                held = f"%p.v.{lane}"
        yield f"  %p.slot = add i64 %p, {self.parameter_place}"
        yield f"  %p.place = getelementptr inbounds {w.element}, ptr %ws, i64 %p.slot"
        yield f"  store {w.element} {held if n > 1 else '%p.one.0'}, ptr %p.place, align {8 * n}"
        yield "  %p.next = add nuw nsw i64 %p, 1"
        yield f"  %p.more = icmp ult i64 %p.next, {self.parameters}"
        yield "  br i1 %p.more, label %take, label %begin"

    def tail(self) -> Iterator[str]:
        """Lines from the block ``end`` on: say of each member whether all was finite, and take the next group."""
        w, n = self.w, self.w.target.width
        yield "end:"
        yield f"  %sum.place = getelementptr inbounds {w.element}, ptr %ws, i64 {self.verdict_place}"
        yield f"  %sum = load {w.element}, ptr %sum.place, align {8 * n}"
        truth = w.type("b", n > 1)
        yield f"  %wrong = fcmp uno {w.element} %sum, %sum"
        for lane in range(n):
            name = "%wrong"
            if n > 1:
                name = f"%wrong.{lane}"
                yield f"  {name} = extractelement {truth} %wrong, i64 {lane}"
            yield f"  %byte.{lane} = zext i1 {name} to i8"
            yield f"  %bad.{lane} = getelementptr inbounds i8, ptr %bad, i64 %m.{lane}"
            yield f"  store i8 %byte.{lane}, ptr %bad.{lane}"
        yield f"  %g.next = add nuw nsw i64 %g, {n}"
        yield "  %g.more = icmp ult i64 %g.next, %count"
        yield "  br i1 %g.more, label %group, label %exit"
        yield "exit:"
        yield "  ret void"
        yield "}"
