"""IR text to machine code by LLVM, and a private folder of compiled objects on disk. It knows no model."""

from __future__ import annotations

import ctypes
import ctypes.util
import hashlib
import os
import sys
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import llvmlite
import llvmlite.binding as llvm

from sdpolicy import __version__
from sdpolicy.backends.llvm.emit import FUNCTION, LIBM
from sdpolicy.backends.llvm.text import Target
from sdpolicy.cache import folder

MAGIC: Final = b"sdpolicy object 1\n"
KEPT: Final = 500
"""How many objects the folder holds at most."""


@dataclass(frozen=True, slots=True)
class Code:
    """A function in memory. ``engine`` owns the memory and must live as long as the address is used."""

    address: int
    engine: Any


@cache
def host() -> tuple[str, str, str]:
    """Return the triple, the processor's name and its features, the optional ones it lacks too."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    triple = llvm.get_process_triple()
    try:
        features = llvm.get_host_cpu_features().flatten()
    except RuntimeError:
        features = ""
    return triple, llvm.get_host_cpu_name(), features


def target(width: int) -> Target:
    """Return what code of that width may use on this machine."""
    triple, _, features = host()
    has = set(features.split(","))
    arm = triple.startswith(("aarch64", "arm64"))
    return Target(width, fma="+fma" in has or arm, permute="+avx512f" in has and width in (8, 16))


SMALL: Final = 256
"""With so many numbers of a model, 16 members at a time still find room beside a processor (measured: 266 break even,
with 400 they take a seventh longer, with 532 half as long again)."""


def lanes(numbers: int) -> int:
    """Return how many members of a model of so many numbers are best run side by side here.

    Several vectors at a time hide each other's latency: 16 members make two with AVX-512, 8 make two with
    AVX2 and four with NEON. But what does not fit into the nearest cache has to be waited for.
    """
    return 16 if target(16).permute and numbers <= SMALL else 8


def fingerprint() -> str:
    """Return what a compiled object depends on besides its IR."""
    return "\n".join((*host(), __version__, llvmlite.__version__, str(llvm.llvm_version_info), ""))


LINKED: Final = sys.platform != "win32"
"""Whether objects are placed by JITLink, which keeps code and data together so that they reach each other by
short addresses. It knows no Windows objects; there, the older loader places code written for long addresses."""


def _machine() -> Any:
    triple, cpu, features = host()
    reloc, model = ("pic", "small") if LINKED else ("default", "jitdefault")
    return llvm.Target.from_triple(triple).create_target_machine(
        cpu=cpu, features=features, opt=2, jit=True, reloc=reloc, codemodel=model
    )


def compile_ir(text: str) -> bytes:
    """Return the machine code of ``text`` as an object file.

    The text is compiled as it is: the emitter leaves little that LLVM's own passes would improve, and they
    cost as much time as everything else together.
    """
    triple = host()[0]
    machine = _machine()
    module = llvm.parse_assembly(f'target triple = "{triple}"\ntarget datalayout = "{machine.target_data}"\n{text}')
    module.verify()
    code: bytes = machine.emit_object(module)
    return code


def load(code: bytes, name: str) -> Code:
    """Place an object file in memory and return the function ``name``."""
    return _link(code, name) if LINKED else _place(code, name)


def _link(code: bytes, name: str) -> Code:
    session = llvm.create_lljit_compiler(_machine(), use_jit_link=True)
    library = llvm.JITLibraryBuilder()
    for symbol, address in library_functions().items():
        library.import_symbol(symbol, address)
    library.add_object_img(code)
    library.export_symbol(name)
    tracker = library.link(session, "model")
    return Code(tracker[name], (tracker, session))


def _place(code: bytes, name: str) -> Code:
    for symbol, address in library_functions().items():
        llvm.add_symbol(symbol, address)
    empty = llvm.parse_assembly(f'target triple = "{host()[0]}"\n')
    engine = llvm.create_mcjit_compiler(empty, _machine())
    held = llvm.ObjectFileRef.from_data(code)
    engine.add_object_file(held)
    engine.finalize_object()
    return Code(engine.get_function_address(name), (engine, held))


@cache
def library_functions() -> dict[str, int]:
    """Return where the library functions are, by our names for them: those that Python's own ``math`` calls."""
    library = _libm()
    found = {f"{FUNCTION}{name}": _address(library, name) for name in LIBM.values()}
    if sys.platform == "win32":
        # What the compiler calls there before a function takes much of the stack.
        found["__chkstk"] = _address(ctypes.CDLL("ntdll"), "__chkstk")
    return found


def _address(library: Any, name: str) -> int:
    return ctypes.cast(getattr(library, name), ctypes.c_void_p).value or 0


def _libm() -> Any:
    if sys.platform == "win32":
        return ctypes.CDLL("ucrtbase")
    found = ctypes.CDLL(None)
    if hasattr(found, "sinh"):
        return found
    return ctypes.CDLL(ctypes.util.find_library("m"))


# The folder of objects


def cached(text: str) -> bytes:
    """Return the machine code of ``text``, from the folder if it is there, and put it there otherwise."""
    place = folder("objects")
    if place is None:
        return compile_ir(text)
    path = place / f"{_digest((fingerprint() + text).encode())}.o"
    code = _read(path)
    if code is None:
        code = compile_ir(text)
        _write(path, code)
    return code


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _tidy(place: Path) -> None:
    """Keep the objects that were made last."""
    kept = sorted(place.glob("*.o"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in kept[KEPT:]:
        path.unlink(missing_ok=True)


def _read(path: Path) -> bytes | None:
    """Return the object in ``path`` if it is whole and nobody else could have written it."""
    try:
        data = path.read_bytes()
        if not _private(path.parent):
            return None
    except OSError:
        return None
    head, stated, code = data[: len(MAGIC)], data[len(MAGIC) : len(MAGIC) + 64], data[len(MAGIC) + 64 :]
    return code if head == MAGIC and stated.decode("ascii", "replace") == _digest(code) else None


def _private(folder: Path) -> bool:
    """Tell whether only this user can write to ``folder``: it holds machine code."""
    if os.name != "posix":
        return True
    status = folder.stat()
    return status.st_uid == os.getuid() and not status.st_mode & 0o022


def _write(path: Path, code: bytes) -> None:
    """Put an object in place in one move, so that no other process sees half of it. A full disk is no error."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not _private(path.parent):
            return
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".new-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(MAGIC + _digest(code).encode() + code)
            Path(name).replace(path)
            _tidy(path.parent)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError:
        return
