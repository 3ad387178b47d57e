"""The house rules that a machine can check: who may import whom, how long things may be, what is banned."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import sdpolicy

PACKAGE = Path(sdpolicy.__file__).parent
REPOSITORY = PACKAGE.parent.parent
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if "_shared" not in path.parts)
TESTS = sorted((REPOSITORY / "tests").rglob("*.py"))

FLOORS = (
    {"errors", "expression"},
    {"program", "library", "cache", "words", "normal"},
    {
        "vensim",
        "lower",
        "expand",
        "order",
        "interpret",
        "units",
        "primitives",
        "hold",
        "scenario",
        "integrators",
        "backends",
    },
    {"run", "results"},
    {
        "ensemble",
        "sensitivity",
        "dominance",
        "why",
        "discovery",
        "calibration",
        "evidence",
        "evidence_readers",
        "scoring",
        "checks",
        "summary",
        "outcomes",
        "yardsticks",
        "repeat",
        "contrast",
        "regimes",
        "robust",
    },
    {"figures"},
    {"report", "lecture"},
    {"cli", "__main__"},
)
"""The rooms from the ground up: a module imports from its own floor and those below."""

STRANGERS = {
    "scenario": {"backends", "vensim"},
    "backends": {"scenario", "library"},
    "figures": {"scenario", "backends", "vensim", "lower", "run", "library"},
    "vensim": {"scenario", "backends", "lower"},
}
"""Rooms that must not know others although the floors would allow it."""

HEAVY = {"numpy", "pandas", "xarray", "scipy", "matplotlib", "pysd", "pint", "h5netcdf", "netCDF4"}


def module_name(path: Path) -> str:
    """Return the dotted name of a module of the package, without ``sdpolicy.`` in front; '' for the root."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(tree: ast.AST) -> Iterator[str]:
    """Yield the modules of ours that ``tree`` imports anywhere, late imports included."""
    names = {module_name(path) for path in MODULES}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (a.name.partition(".")[2] for a in node.names if a.name.partition(".")[0] == "sdpolicy")
        elif isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "sdpolicy":
            base = (node.module or "").partition(".")[2]
            for alias in node.names:
                inner = f"{base}.{alias.name}".lstrip(".")
                yield inner if inner in names else base


def room(module: str) -> str:
    """Return the room that a module stands in: the first part of its name."""
    return module.partition(".")[0]


def floor(module: str) -> int:
    """Return the floor of a module's room; rooms that nobody placed are an error."""
    for height, rooms in enumerate(FLOORS):
        if room(module) in rooms:
            return height
    pytest.fail(f"sdpolicy.{module} stands on no floor: add its room to FLOORS and to docs/architecture.md")


def graph() -> dict[str, set[str]]:
    """Return who imports whom, without the root module, which only passes names on."""
    found = {}
    for path in MODULES:
        name = module_name(path)
        if name:
            tree = ast.parse(path.read_text(encoding="utf-8"))
            found[name] = {other for other in imported(tree) if other not in ("", name)}
    return found


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Yield all functions of a file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def is_command(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Say whether a function is a command of the command line: its parameters are the options."""
    named = function.name.endswith("_command")  # those that a module registers with the application
    return named or any("command(" in ast.unparse(decorator) for decorator in function.decorator_list)


def test_imports_point_down() -> None:
    """No module imports from a floor above its own."""
    upward = [
        f"{importer} -> {other}"
        for importer, others in graph().items()
        for other in others
        if floor(other) > floor(importer)
    ]
    assert upward == []


def test_imports_have_no_cycle() -> None:
    """The modules can be put in an order in which each imports only earlier ones."""
    try:
        TopologicalSorter(graph()).prepare()
    except CycleError as error:
        pytest.fail(f"import cycle: {' -> '.join(error.args[1])}")


@pytest.mark.parametrize(("who", "strangers"), STRANGERS.items())
def test_rooms_keep_to_themselves(who: str, strangers: set[str]) -> None:
    """A scenario knows no engine, an engine no scenario, a figure only Datasets."""
    known = {room(other) for importer, others in graph().items() if room(importer) == who for other in others}
    assert known & strangers == set()


@pytest.mark.parametrize("path", MODULES + TESTS, ids=lambda path: path.relative_to(REPOSITORY).as_posix())
def test_file_is_short(path: Path) -> None:
    """No file has more than 450 lines, and no function more than 60."""
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 450
    long = [f.name for f in functions(path) if (f.end_lineno or 0) - f.lineno + 1 > 60]
    assert long == []


@pytest.mark.parametrize("path", MODULES, ids=module_name)
def test_module_keeps_house_rules(path: Path) -> None:
    """A module starts with a docstring; functions have few parameters, public ones no ``**``; no print."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    first = (ast.get_docstring(tree) or "").partition("\n")[0]
    assert first.endswith("."), "the first line says in a sentence what the module holds"
    for function in functions(path):
        arguments = function.args
        named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        count = len([argument for argument in named if argument.arg not in ("self", "cls")])
        assert count <= 6 or is_command(function), f"{function.name} has {count} parameters"
        assert arguments.kwarg is None or function.name.startswith("_") or room(module_name(path)) == "cli", (
            f"{function.name} takes **{arguments.kwarg.arg if arguments.kwarg else ''}"
        )
    if room(module_name(path)) != "cli":
        calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
        printing = [c.lineno for c in calls if isinstance(c.func, ast.Name) and c.func.id == "print"]
        assert printing == []


def test_public_names_exist() -> None:
    """Every name in sdpolicy.__all__ can be imported."""
    missing = [name for name in sdpolicy.__all__ if not hasattr(sdpolicy, name)]
    assert missing == []


@pytest.mark.parametrize("module", ["sdpolicy", "sdpolicy.cli"])
def test_import_is_light(module: str) -> None:
    """Importing the package or its command line imports nothing heavy."""
    code = f"import sys, {module}; print(*sys.modules)"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert HEAVY & set(answer.stdout.split()) == set()
