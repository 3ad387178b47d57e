"""The compiled engine: a Lowered model as LLVM IR, machine code made of it, and runs of one or of many members."""

from sdpolicy.backends.llvm.engine import ENGINE, CompiledKernel

__all__ = ["ENGINE", "CompiledKernel"]
