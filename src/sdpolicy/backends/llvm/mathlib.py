"""exp, ln and pow for vectors of doubles, written with the operators of text.Writer; accurate to about 1 ulp.

Scalars use the system's own functions, as Python's ``math`` does; these here serve members in lanes.
"""

from __future__ import annotations

import math
import struct
import sys
from collections.abc import Callable
from decimal import Decimal, localcontext
from functools import cache, partial
from typing import Final

from sdpolicy.backends.llvm.text import ENTRY, MAGIC, Value, Writer, attributes, double


def outlined(w: Writer, name: str, write: Callable[..., Value], *args: Value) -> Value:
    """Call the function of lanes that ``write`` writes, and write it when it is asked for first."""
    vector, full = w.type("f", True), f"@{name}.lanes"
    if full not in w.declared:
        inner = Writer(w.target)
        inner.open("begin")
        given = [Value(f"%a{i}", "f", True, ENTRY) for i in range(len(args))]
        result = inner.use(write(inner, *given), True)
        w.declared = {**inner.declared, **w.declared}
        taken = ", ".join(f"{vector} {value.name}" for value in given)
        lines = [f"define internal {vector} {full}({taken}) {attributes(w.target.width)} {{", *inner.lines[ENTRY]]
        w.declared[full] = "\n".join([*lines, f"  ret {vector} {result}", "}"])
    passed = ", ".join(f"{vector} {w.use(arg, True)}" for arg in args)
    return w.emit(f"call {vector} {full}({passed})", "f", True, max(arg.level for arg in args))


def placed(w: Writer, name: str, write: Callable[..., Value], *args: Value) -> Value:
    """Write the way of ordinary arguments in line, so that it runs along with what surrounds it.

    What is computed once a member or step stands before the current section, where no branch can be written: it
    is called.
    """
    if max(arg.level for arg in args) < w.at:
        return outlined(w, name, write, *args)
    vector = [Value(w.use(arg, True), "f", True, arg.level) for arg in args]
    return write(w, *vector)


PLAIN: Final = 700.0
"""Up to this size the argument of exp gives neither an infinity nor a subnormal number."""
SMALLEST: Final = 0x0010000000000000
"""The bits of the least number that is not subnormal."""
INFINITE: Final = 0x7FF0000000000000
"""The bits of infinity."""
LN2_HI: Final = float.fromhex("0x1.62e42fee00000p-1")
LN2_LO: Final = float.fromhex("0x1.a39ef35793c76p-33")
LOG2_E: Final = 1.0 / math.log(2.0)
EXP_TERMS: Final = tuple(
    map(
        float.fromhex,
        (
            "0x1.000000000000bp-1",
            "0x1.5555555555561p-3",
            "0x1.5555555550031p-5",
            "0x1.111111110d63ap-7",
            "0x1.6c16c185a72cep-10",
            "0x1.a01a01bae21cbp-13",
            "0x1.a01996941f069p-16",
            "0x1.71dddfcc50f69p-19",
            "0x1.28b048c3ba49bp-22",
            "0x1.af8586dab7924p-26",
        ),
    )
)
"""Remez coefficients of (exp(r) - 1 - r) / r**2 on |r| <= ln(2)/2: exp is off by at most 2**-58 of its value."""
LN_TERMS: Final = tuple(
    map(
        float.fromhex,
        (
            "-0x1.fffffffffff6ep-2",
            "0x1.5555555555367p-2",
            "-0x1.0000000183e72p-2",
            "0x1.9999999f971a8p-3",
            "-0x1.555532c04e931p-3",
            "0x1.249218830c2e3p-3",
            "-0x1.0091e43633fa7p-3",
            "0x1.c85d5a76e8e03p-4",
        ),
    )
)
"""Remez coefficients of (ln(1+r) - r) / r**2 on |r| < 0.0352: ln(1+r) is off by at most 2**-54.7 of r."""
LN_FROM: Final = 0x3FE6555555555555
"""The bits of the least m in 2**k * m: about 0.698. Sixteen parts of [m, 2m), alike in bits, have 1 inside one."""
LN_PARTS: Final = 16


def exp(w: Writer, x: Value) -> Value:
    """e to the power x."""
    return placed(w, "exp", _exp, x)


def _exp(w: Writer, x: Value) -> Value:
    plain = w.compare("olt", w.intrinsic("fabs", x), w.number(PLAIN))
    return _either(w, plain, lambda: _exp_plain(w, x), lambda: outlined(w, "exp.any", _exp_any, x))


def _exp_any(w: Writer, x: Value, tail: Value | None = None) -> Value:
    """exp(x + tail) for every x: the power of two is put on in two parts, so that neither overflows."""
    number = w.number
    low, high = number(-746.0), number(710.0)
    x = w.select(w.compare("ogt", x, high), high, x)
    x = w.select(w.compare("olt", x, low), low, x)
    value, shifted = _exp_reduced(w, x, tail)
    k = w.sub(shifted, number(MAGIC))
    half = w.fma(k, number(0.5), number(MAGIC))
    rest = w.add(w.sub(k, w.sub(half, number(MAGIC))), number(MAGIC))
    return w.mul(w.mul(value, _power_of_two(w, half)), _power_of_two(w, rest))


def _exp_plain(w: Writer, x: Value, tail: Value | None = None) -> Value:
    """exp(x + tail) for x within PLAIN; to the bit what :func:`_exp_any` gives."""
    value, shifted = _exp_reduced(w, x, tail)
    # Adding k to the exponent's bits multiplies by 2**k.
    return w.from_bits(w.binary("add", w.bits(value), w.binary("shl", w.bits(shifted), w.integer(52))))


def _exp_reduced(w: Writer, x: Value, tail: Value | None) -> tuple[Value, Value]:
    """Take exp(x + tail) as 2**k * value; return value and k + MAGIC. ``tail`` is small against 1."""
    number = w.number
    shifted = w.fma(x, number(LOG2_E), number(MAGIC))
    k = w.sub(shifted, number(MAGIC))
    r = w.fma(k, number(-LN2_HI), x)
    r = w.fma(k, number(-LN2_LO), r)
    if tail is not None:
        r = w.add(r, tail)
    square = w.mul(r, r)
    total = w.fma(square, _polynomial(w, EXP_TERMS, r, square), r)
    return w.add(total, number(1.0)), shifted


def _either(w: Writer, plain: Value, fast: Callable[[], Value], slow: Callable[[], Value]) -> Value:
    """Go the fast way where ``plain`` holds in every lane, else the slow one: both give plain lanes the same bits."""
    n = w.target.width
    w.declare(f"@llvm.vector.reduce.and.v{n}i1", f"i1 (<{n} x i1>)")
    every = w.put(w.at, f"call i1 @llvm.vector.reduce.and.v{n}i1(<{n} x i1> {plain.name})")
    labels = [w.fresh(stem) for stem in ("plain", "any", "both")]
    w.do(f"br i1 {every}, label %{labels[0]}, label %{labels[1]}")
    entries = []
    for label, way in zip(labels[:2], (fast, slow), strict=True):
        w.open(label)
        value = w.use(way(), True)
        entries.append(f"[ {value}, %{w.label[w.at]} ]")
        w.do(f"br label %{labels[2]}")
    w.open(labels[2])
    return w.emit(f"phi {w.type('f', True)} {', '.join(entries)}", "f", True, w.at)


def _power_of_two(w: Writer, shifted: Value) -> Value:
    """2**k, given k + MAGIC, |k| < 1023."""
    biased = w.binary("add", w.bits(shifted), w.integer(1023))
    return w.from_bits(w.binary("shl", biased, w.integer(52)))


def _polynomial(w: Writer, terms: tuple[float, ...], x: Value, square: Value) -> Value:
    """Sum of terms[n] * x**n: pairs first, so that fewer operations wait for one another (Estrin 1960)."""
    level = [w.number(term) for term in terms]
    power: Value | None = x
    while len(level) > 1:
        assert power is not None
        pairs = [w.fma(level[i + 1], power, level[i]) for i in range(0, len(level) - 1, 2)]
        level = pairs + level[len(pairs) * 2 :]
        if len(level) > 1:
            power = square if power is x else w.mul(power, power)
    return level[0]


def ln(w: Writer, x: Value) -> Value:
    """The natural logarithm; -infinity at 0, NaN below."""
    return placed(w, "ln", _ln, x)


def _ln(w: Writer, x: Value) -> Value:
    def plain() -> Value:
        return w.add(*_ln_parts(w, x, plain=True))

    return _either(w, _normal(w, x), plain, lambda: outlined(w, "ln.any", _ln_any, x))


def _ln_any(w: Writer, x: Value) -> Value:
    return _ln_special(w, x, w.add(*_ln_parts(w, x, plain=False)))


def _normal(w: Writer, x: Value) -> Value:
    """Whether x is positive, finite and not subnormal."""
    return w.compare("ult", w.binary("sub", w.bits(x), w.integer(SMALLEST)), w.integer(INFINITE - SMALLEST))


def _ln_special(w: Writer, x: Value, value: Value) -> Value:
    number = w.number
    finite = w.compare("olt", x, number(math.inf))
    value = w.select(finite, value, x)
    value = w.select(w.compare("olt", x, number(0.0)), number(math.nan), value)
    return w.select(w.compare("oeq", x, number(0.0)), number(-math.inf), value)


@cache
def ln_table() -> tuple[tuple[float, ...], ...]:
    """Return, for the sixteen parts of m, 1/c of a c near the middle, and ln(c) in two parts.

    1/c has six bits, so that m / c - 1 is exact below 1/32; the first part of ln(c) is a multiple of 2**-42,
    so that its sum with k * LN2_HI is.
    """
    inverses, highs, lows = [], [], []
    with localcontext() as context:
        context.prec = 50
        for i in range(LN_PARTS):
            ends = [struct.unpack("<d", struct.pack("<Q", LN_FROM + (j << 48)))[0] for j in (i, i + 1)]
            scale = 32 if ends[0] < 1.0 else 64
            inverse = 1.0 if ends[0] < 1.0 < ends[1] else round(2 * scale / sum(ends)) / scale
            exact = -Decimal(inverse).ln()
            high = float(round(exact * 2**42)) / 2**42
            inverses.append(inverse)
            highs.append(high)
            lows.append(float(exact - Decimal(high)))
    return tuple(inverses), tuple(highs), tuple(lows)


def _ln_parts(w: Writer, x: Value, *, plain: bool) -> tuple[Value, Value]:
    """ln of a positive finite x as an unevaluated sum: a leading part, rounded, and a small rest.

    x = 2**k * m and m = c * (1 + r), with c from a table: ln(x) = k * ln(2) + ln(c) + ln(1 + r) (Tang 1990,
    doi:10.1145/98267.98294). ``plain`` says that x is not subnormal.
    """
    number, integer = w.number, w.integer
    offset = number(2.0**52 + 1023.0)
    if plain:
        bits = w.bits(x)
    else:
        tiny = w.compare("olt", x, number(sys.float_info.min))
        bits = w.bits(w.select(tiny, w.mul(x, number(2.0**54)), x))
        offset = w.select(tiny, number(2.0**52 + 1023.0 + 54.0), offset)
    biased = w.binary("sub", bits, integer(LN_FROM - (1023 << 52)))
    k = w.from_bits(w.binary("or", w.binary("lshr", biased, integer(52)), integer(0x4330000000000000)))
    k = w.sub(k, offset)
    m = w.from_bits(w.binary("add", w.binary("and", biased, integer((1 << 52) - 1)), integer(LN_FROM)))
    inverse, high, low = w.select_among(ln_table(), w.binary("lshr", biased, integer(48)))
    r = _less_one(w, m, inverse)
    # k * LN2_HI + high is exact, and 0 or greater than r: the sum with r is taken with its rounding error.
    big, small = w.fma(k, number(LN2_HI), high), w.fma(k, number(LN2_LO), low)
    total = w.add(big, r)
    small = w.add(small, w.add(w.sub(big, total), r))
    square = w.mul(r, r)
    small = w.fma(square, _polynomial(w, LN_TERMS, r, square), small)
    leading = w.add(total, small)
    return leading, w.sub(small, w.sub(leading, total))


def _less_one(w: Writer, m: Value, inverse: Value) -> Value:
    """m * inverse - 1; where the machine can't do that with one rounding, by halves of m whose products are exact."""
    if w.target.fma:
        return w.fma(m, inverse, w.number(-1.0))
    upper = w.from_bits(w.binary("and", w.bits(m), w.integer(-(1 << 27))))
    above = w.sub(w.mul(upper, inverse), w.number(1.0))
    return w.add(above, w.mul(w.sub(m, upper), inverse))


def power(w: Writer, x: Value, y: Value) -> Value:
    """x to the power y, with C's values outside x > 0 (and +infinity for any zero to a negative power)."""
    if y.number in (1.0, 2.0, 3.0):
        square = x if y.number == 1.0 else w.mul(x, x)
        return w.mul(square, x) if y.number == 3.0 else square
    if y.number == 0.5:
        # Adding 0 turns -0 into 0, as pow does; of -infinity it makes +infinity.
        root = w.intrinsic("sqrt", w.add(x, w.number(0.0)))
        return w.select(w.compare("oeq", x, w.number(-math.inf)), w.number(math.inf), root)
    if y.number is None:
        return placed(w, "pow", partial(_power, None), x, y)
    return placed(w, f"pow.{double(y.number)}", partial(_power, y.number), x)


def _power(exponent: float | None, w: Writer, x: Value, *given: Value) -> Value:
    y = w.number(exponent) if exponent is not None else given[0]
    high, low = _ln_parts(w, x, plain=True)
    product, tail = _product(w, y, high, low)
    small = w.compare("olt", w.intrinsic("fabs", product), w.number(PLAIN))
    plain = w.binary("and", _normal(w, x), small)
    name = "pow.any" if exponent is None else f"pow.{double(exponent)}.any"
    anyhow = partial(_power_any, exponent)
    return _either(w, plain, lambda: _exp_plain(w, product, tail), lambda: outlined(w, name, anyhow, x, *given))


def _power_any(exponent: float | None, w: Writer, x: Value, *given: Value) -> Value:
    y = w.number(exponent) if exponent is not None else given[0]
    size = w.intrinsic("fabs", x)
    value = _power_core(w, size, y)
    value = _power_edges(w, size, y, value)
    value = _power_negative(w, x, y, value)
    either = w.compare("uno", x, y)
    value = w.select(either, w.number(math.nan), value)
    one = w.compare("oeq", x, w.number(1.0))
    if y.number is None:
        one = w.binary("or", one, w.compare("oeq", y, w.number(0.0)))
        endless = w.compare("oeq", w.intrinsic("fabs", y), w.number(math.inf))
        one = w.binary("or", one, w.binary("and", endless, w.compare("oeq", size, w.number(1.0))))
    return w.number(1.0) if y.number == 0.0 else w.select(one, w.number(1.0), value)


def _power_core(w: Writer, x: Value, y: Value) -> Value:
    """exp(y * ln(x)) for x > 0."""
    high, low = _ln_parts(w, x, plain=False)
    product, tail = _product(w, y, high, low)
    inside = w.compare("olt", w.intrinsic("fabs", product), w.number(1000.0))
    return _exp_any(w, product, w.select(inside, tail, w.number(0.0)))


def _product(w: Writer, y: Value, high: Value, low: Value) -> tuple[Value, Value]:
    """y * (high + low) as a product and its rest, the rounding error among it."""
    product = w.mul(y, high)
    if not w.target.fma:
        return product, w.mul(y, low)
    error = w.fma(y, high, w.neg(product))
    return product, w.fma(y, low, error)


def _power_edges(w: Writer, size: Value, y: Value, value: Value) -> Value:
    """The values at 0 and infinity."""
    number = w.number
    if y.number is not None:
        at_zero, at_infinity = (0.0, math.inf) if y.number > 0 else (math.inf, 0.0)
        zero, far = number(at_zero), number(at_infinity)
    else:
        rising = w.compare("ogt", y, number(0.0))
        zero = w.select(rising, number(0.0), number(math.inf))
        far = w.select(rising, number(math.inf), number(0.0))
    value = w.select(w.compare("oeq", size, number(0.0)), zero, value)
    return w.select(w.compare("oeq", size, number(math.inf)), far, value)


def _power_negative(w: Writer, x: Value, y: Value, value: Value) -> Value:
    """The values below 0: real for whole exponents only."""
    number = w.number
    below = w.compare("olt", x, number(0.0))
    if y.number is not None:
        whole, odd = y.number == math.trunc(y.number), y.number % 2.0 == 1.0
        if whole and not odd:
            return value
        finite = w.compare("ogt", x, number(-math.inf))
        outside = below if whole else w.binary("and", below, finite)
        return w.select(outside, w.neg(value) if whole else number(math.nan), value)
    whole_y = w.compare("oeq", w.intrinsic("trunc", y), y)
    half = w.mul(y, number(0.5))
    odd_y = w.compare("une", w.intrinsic("trunc", half), half)
    signed = w.select(w.binary("and", whole_y, odd_y), w.neg(value), value)
    infinite = w.compare("oeq", w.intrinsic("fabs", x), number(math.inf))
    allowed = w.binary("or", whole_y, infinite)
    return w.select(below, w.select(allowed, signed, number(math.nan)), value)


def noise(w: Writer, stream: Value, step: Value) -> Value:
    """A number on [0, 1) for a stream and a step, by 32-bit operations (see primitives.noise)."""
    w.declare("@llvm.floor.f64", "double (double)")
    w.declare("@llvm.fptosi.sat.i64.f64", "i64 (double)")
    w.declared.setdefault("@sd_noise", NOISE)
    return w.call("@sd_noise", stream, step)


def _word(name: str, real: str) -> str:
    """The whole number nearest to ``real``, modulo 2**32; every step of it is exact."""
    return f"""
  %{name}.up = fadd double {real}, 0.5
  %{name}.whole = call double @llvm.floor.f64(double %{name}.up)
  %{name}.parts = fdiv double %{name}.whole, 4294967296.0
  %{name}.times = call double @llvm.floor.f64(double %{name}.parts)
  %{name}.above = fmul double %{name}.times, 4294967296.0
  %{name}.rest = fsub double %{name}.whole, %{name}.above
  %{name}.long = call i64 @llvm.fptosi.sat.i64.f64(double %{name}.rest)
  %{name} = trunc i64 %{name}.long to i32"""


def _mix(name: str, word: str) -> str:
    """MurmurHash3's finalizer (Appleby 2011)."""
    return f"""
  %{name}.1 = lshr i32 {word}, 16
  %{name}.2 = xor i32 {word}, %{name}.1
  %{name}.3 = mul i32 %{name}.2, {0x85EBCA6B}
  %{name}.4 = lshr i32 %{name}.3, 13
  %{name}.5 = xor i32 %{name}.3, %{name}.4
  %{name}.6 = mul i32 %{name}.5, {0xC2B2AE35}
  %{name}.7 = lshr i32 %{name}.6, 16
  %{name} = xor i32 %{name}.6, %{name}.7"""


NOISE: Final = f"""define internal double @sd_noise(double %stream, double %step) nounwind willreturn memory(none) {{
{_word("s", "%stream")}{_word("n", "%step")}
  %n.moved = add i32 %n, {0x9E3779B9}{_mix("a", "%n.moved")}
  %b.in = xor i32 %s, %a{_mix("first", "%b.in")}
  %c.in = add i32 %first, {0x7F4A7C15}
  %d.in = xor i32 %c.in, %s{_mix("second", "%d.in")}
  %high = lshr i32 %first, 5
  %low = lshr i32 %second, 6
  %high.real = uitofp i32 %high to double
  %low.real = uitofp i32 %low to double
  %shifted = fmul double %high.real, 67108864.0
  %sum = fadd double %shifted, %low.real
  %fraction = fdiv double %sum, 9007199254740992.0
  %stream.zero = fmul double %stream, 0.0
  %step.zero = fmul double %step, 0.0
  %zero = fadd double %stream.zero, %step.zero
  %result = fadd double %fraction, %zero
  ret double %result
}}"""
