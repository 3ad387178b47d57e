"""An ensemble on disk: a Zarr store that grows block by block, and knows what it holds. It runs nothing.

Each block of members is a chunk of every array, written whole and then noted, with its hash, in a journal. When
all are there, the journal becomes ``manifest.json``. Two stores of one job are equal, byte for byte.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sdpolicy.ensemble import zarr3
from sdpolicy.ensemble.disk import LOCK, only_writer, remove_parts, told, write_whole
from sdpolicy.ensemble.job import Block, columns
from sdpolicy.ensemble.study import Study
from sdpolicy.errors import Problem, ResultError
from sdpolicy.program import identifier

GROUP: Final = "zarr.json"
JOURNAL: Final = "blocks.jsonl"
MANIFEST: Final = "manifest.json"
FORMAT: Final = "sdpolicy ensemble 1"
FAILED: Final = "failed"
FAILED_AT: Final = "failed_at"


@dataclass(frozen=True)
class Layout:
    """The arrays of a store by their names in it: identifiers of outputs and inputs, and who failed."""

    arrays: Mapping[str, zarr3.Array]
    inputs: Mapping[str, int]
    """Which column of a block's inputs each input array takes."""
    outputs: Mapping[str, slice]
    time: zarr3.Array
    attrs: Mapping[str, Any]


def layout(study: Study) -> Layout:
    """Return the arrays that a study is stored in."""
    job, template = study.job, study.template
    members, block = job.members, job.block
    arrays: dict[str, zarr3.Array] = {}
    for quantity in job.saved:
        shape = tuple(int(size) for size in template[quantity.name].shape)
        dims = ("member", *map(str, template[quantity.name].dims))
        attrs = dict(template[quantity.name].attrs)
        arrays[quantity.id] = zarr3.Array(dims, (members, *shape), (block, *shape), attrs)
    inputs: dict[str, int] = {}
    taken = {*arrays, FAILED, FAILED_AT, "time", "member"}
    for column, factor in enumerate(job.factors):
        name = identifier(factor.name, taken)
        taken.add(name)
        attrs = {"units": factor.unit, "long_name": factor.name, "vensim_name": factor.name, "kind": "input",
                 "base": factor.base, "low": _finite(factor.spread.ends[0]), "high": _finite(factor.spread.ends[1]),
                 "distribution": factor.spread.kind}  # fmt: skip
        arrays[name] = zarr3.Array(("member",), (members,), (block,), attrs)
        inputs[name] = column
    names = json.dumps([quantity.name for quantity in job.program.quantities])
    failed = {"long_name": "place, in 'names', of the first variable that was not finite; -1 for none", "names": names}
    arrays[FAILED] = zarr3.Array(("member",), (members,), (block,), failed, "int32")
    when = {"long_name": "time at which a member failed"}
    arrays[FAILED_AT] = zarr3.Array(("member",), (members,), (block,), when)
    saved = (job.grid.saved,)
    time = zarr3.Array(("time",), saved, saved, dict(template["time"].attrs))
    dimensions = {str(d): [str(v) for v in template[d].values] for d in template.dims if d != "time"}
    attrs = {
        **template.attrs,
        "coordinates": " ".join(inputs),
        "subscripts": json.dumps(dimensions),
        "ensemble": json.dumps({"format": FORMAT, "fingerprint": job.fingerprint, "members": members, "block": block,
                                "design": dict(job.design.describe())}),
        "job": json.dumps(job.describe(), sort_keys=True),
    }  # fmt: skip
    return Layout(arrays, inputs, columns(job), time, attrs)


def _finite(value: float) -> float | str:
    return value if np.isfinite(value) else str(value)


def part_of(plan: Layout, block: Block, name: str) -> NDArray[Any]:
    """Return what an array takes of a block."""
    if name in plan.inputs:
        return block.inputs[:, plan.inputs[name]]
    if name in (FAILED, FAILED_AT):
        return block.failed if name == FAILED else block.failed_at
    part = block.values[:, :, plan.outputs[name]]
    return part.reshape(len(part), *plan.arrays[name].shape[1:])


class Writer:
    """Writes the blocks of a study into a folder that it holds alone; made by :func:`writing`."""

    def __init__(self, folder: Path, study: Study) -> None:
        self.folder, self.study, self.layout = folder, study, layout(study)
        self.done: dict[int, str] = {}

    @property
    def pending(self) -> list[int]:
        """The blocks that are still to be computed."""
        return [number for number in range(self.study.job.blocks) if number not in self.done]

    @property
    def members(self) -> int:
        """Members that are on disk."""
        spans = [self.study.job.span(number) for number in self.done]
        return sum(stop - first for first, stop in spans)

    @property
    def kept(self) -> str:
        return f"{self.members:,} of {self.study.job.members:,} members are kept in {self.folder}."

    def write(self, block: Block) -> None:
        """Write a block's chunks, then note it in the journal."""
        digest = hashlib.sha256()
        with told(self.folder, self.kept):
            for name, array in self.layout.arrays.items():
                content = array.encode(part_of(self.layout, block, name))
                digest.update(content)
                write_whole(self.folder / name / array.file(block.number), content)
            with (self.folder / JOURNAL).open("a", encoding="utf-8", newline="\n") as journal:
                journal.write(json.dumps({"block": block.number, "sha256": digest.hexdigest()}) + "\n")
        self.done[block.number] = digest.hexdigest()

    def prepare(self, resume: bool) -> None:
        """Lay the store out, or take up the one that is there.

        Raises:
            ResultError: when the folder holds something else, or this ensemble and ``resume`` is False.
        """
        if (self.folder / GROUP).is_file():
            self.compare(resume)
            remove_parts(self.folder)
            noted = self.noted()
            self.done = {n: sha for n, sha in noted.items() if self.digest(n) == sha}
            lines = [json.dumps({"block": n, "sha256": sha}) + "\n" for n, sha in self.done.items()]
            write_whole(self.folder / JOURNAL, "".join(lines).encode())
            return
        others = [path.name for path in self.folder.iterdir() if path.name != LOCK]
        unfinished = {*self.layout.arrays, "time"}
        if [name for name in others if name not in unfinished]:
            what = f"the folder holds other files ({', '.join(sorted(others)[:3])})"
            raise ResultError(Problem(str(self.folder), what, "Give another folder with --out."))
        for name, array in {**self.layout.arrays, "time": self.layout.time}.items():
            write_whole(self.folder / name / GROUP, zarr3.dump(array.metadata()))
        write_whole(self.folder / "time" / self.layout.time.file(0), self.layout.time.encode(self.study.job.times))
        content = zarr3.group({**self.layout.arrays, "time": self.layout.time}, self.layout.attrs)
        write_whole(self.folder / GROUP, content)

    def compare(self, resume: bool) -> None:
        """Refuse a folder that holds another ensemble."""
        attrs = read_attrs(self.folder)
        there, wanted = json.loads(attrs["job"]), self.study.job.describe()
        differing = [key for key in wanted if there.get(key) != json.loads(json.dumps(wanted[key]))]
        if differing:
            what = f"the folder holds another ensemble (other {', '.join(differing)})"
            raise ResultError(Problem(str(self.folder), what, "Give another folder with --out."))
        if not resume:
            count = len(self.noted())
            whole = count == self.study.job.blocks
            part = "" if whole else f"a part of it, {count} of {self.study.job.blocks} blocks"
            what = f"the folder holds {part or 'this ensemble'} already"
            cure = "Add --resume to check it and to compute what is missing, or give another folder with --out."
            raise ResultError(Problem(str(self.folder), what, cure))

    def noted(self) -> dict[int, str]:
        """Return the hashes of the blocks that the manifest or journal names."""
        with suppress(OSError, ValueError, KeyError):
            return dict(enumerate(json.loads((self.folder / MANIFEST).read_text(encoding="utf-8"))["blocks"]))
        found: dict[int, str] = {}
        with suppress(OSError, ValueError, KeyError):  # the last line may be cut off
            for line in (self.folder / JOURNAL).read_text(encoding="utf-8").splitlines():
                entry = json.loads(line)
                found[int(entry["block"])] = str(entry["sha256"])
        return found

    def digest(self, number: int) -> str:
        """Return the hash of a block's files, or '' where one is missing."""
        digest = hashlib.sha256()
        for name, array in self.layout.arrays.items():
            try:
                digest.update((self.folder / name / array.file(number)).read_bytes())
            except OSError:
                return ""
        return digest.hexdigest()

    def finish(self) -> None:
        """Turn the journal into the manifest."""
        blocks = [self.done[number] for number in range(self.study.job.blocks)]
        content = {"format": FORMAT, "fingerprint": self.study.job.fingerprint, "blocks": blocks}
        with told(self.folder, self.kept):
            write_whole(self.folder / MANIFEST, zarr3.dump(content))
            (self.folder / JOURNAL).unlink(missing_ok=True)


@contextmanager
def writing(folder: Path, study: Study, resume: bool) -> Iterator[Writer]:
    """Hold ``folder`` for writing ``study``; what is there already is checked against its hashes.

    Raises:
        ResultError: when the folder can't be written, another process writes it, or it holds something else.
    """
    writer = Writer(folder, study)
    with told(folder, "Nothing was written."):
        folder.mkdir(parents=True, exist_ok=True)
    with told(folder, "What was written is kept."), only_writer(folder):
        writer.prepare(resume)
        yield writer


def read_attrs(folder: Path) -> dict[str, Any]:
    """Return the attributes of an ensemble's store.

    Raises:
        ResultError: when there is none.
    """
    try:
        content = json.loads((folder / GROUP).read_text(encoding="utf-8"))
        attrs: dict[str, Any] = content["attributes"]
        if json.loads(attrs["ensemble"])["format"] != FORMAT:
            raise ValueError("another format")
    except (OSError, ValueError, KeyError, TypeError) as error:
        cure = "Name a folder that 'sdpolicy ensemble --out' wrote."
        raise ResultError(Problem(str(folder), "there is no ensemble of ours here", cure)) from error
    return attrs
