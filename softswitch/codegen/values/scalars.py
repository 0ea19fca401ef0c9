"""Scalars of any width as C expressions: representation, literals, operators, casts.

Values are kept as runtime/include/bits.h says: the low W bits, zeros above. All functions here are pure."""

from __future__ import annotations

from softswitch.codegen.values import cexpr
from softswitch.codegen.values.cexpr import CExpr

WIDE = 128
"""Above this width a value is an array of limbs."""


def ct(width: int) -> str:
    """The C type of a value of `width` bits."""
    for bits in (8, 16, 32, 64):
        if width <= bits:
            return f"uint{bits}_t"
    return "ss_u128" if width <= WIDE else f"ss_w{limbs(width)}"


def limbs(width: int) -> int:
    return -(-width // 64)


def is_wide(width: int) -> bool:
    return width > WIDE


def literal(value: int, width: int) -> CExpr:
    """`value` modulo 2**width."""
    value &= (1 << width) - 1
    if width <= 32:
        return cexpr.constant(f"{value}u" if value < 1024 else f"{value:#x}u")
    if width <= 64:
        return cexpr.constant(f"{value}ull" if value < 1024 else f"{value:#x}ull")
    if width <= WIDE:
        return cexpr.macro("SS_U128", _limb(value >> 64), _limb(value))
    parts = ", ".join(str(_limb(value >> 64 * i)) for i in range(limbs(width)))
    return cexpr.compound(f"ss_w{limbs(width)}", [f"{{{parts}}}"])


def _limb(value: int) -> CExpr:
    return cexpr.constant(f"{value & (2**64 - 1):#x}ull")


def _mask(width: int) -> CExpr:
    if width <= 64:
        return literal((1 << width) - 1, width)
    return cexpr.call("ss_mask128", width)


def _cut(value: CExpr, width: int) -> CExpr:
    """A native result (computed in 32, 64 or 128 bits) cut to `width` bits."""
    return value if width in (32, 64, 128) else cexpr.binary("&", value, _mask(width))


def _work(width: int) -> str:
    """The type in which a native operation is computed, so that C's promotions cannot make it signed."""
    return "uint32_t" if width <= 32 else "uint64_t" if width <= 64 else "ss_u128"


def _tail(width: int) -> str:
    return "64" if width <= 64 else "128"


def _sign(width: int) -> CExpr:
    return literal(1 << (width - 1), width)


def arithmetic(op: str, a: CExpr, b: CExpr, width: int, signed: bool) -> CExpr:
    """`+ - * / % & | ^ |+| |-|` of two values of one width."""
    if is_wide(width):
        return _wide_arithmetic(op, a, b, width, signed)
    if op in "&|^":
        return cexpr.binary(op, a, b)
    if op in "+-*":
        return _cut(cexpr.binary(op, cexpr.cast(_work(width), a), b), width)
    if op in "/%":
        return cexpr.cast(_work(width), cexpr.call(f"ss_{'div' if op == '/' else 'mod'}{_tail(width)}", a, b))
    name = {"|+|": "add", "|-|": "sub"}[op]
    if signed:
        return cexpr.cast(_work(width), cexpr.call(f"ss_sat_{name}s{_tail(width)}", a, b, width))
    limit = [width] if name == "add" else []
    return cexpr.cast(_work(width), cexpr.call(f"ss_sat_{name}{_tail(width)}", a, b, *limit))


def _wide_arithmetic(op: str, a: CExpr, b: CExpr, width: int, signed: bool) -> CExpr:
    names = {"+": "add", "-": "sub", "*": "mul", "/": "div", "%": "mod", "&": "and", "|": "or", "^": "xor"}
    name = names.get(op) or {"|+|": "sat_add", "|-|": "sat_sub"}[op] + ("s" if signed else "")
    sized = [width] if name in ("add", "sub", "mul", "sat_add", "sat_adds", "sat_subs") else []
    return cexpr.call(f"ss_w{limbs(width)}_{name}", a, b, *sized)


def negate(a: CExpr, width: int) -> CExpr:
    if is_wide(width):
        return arithmetic("-", literal(0, width), a, width, False)
    return _cut(cexpr.binary("-", cexpr.cast(_work(width), 0), a), width)


def invert(a: CExpr, width: int) -> CExpr:
    if is_wide(width):
        return cexpr.call(f"ss_w{limbs(width)}_not", a, width)
    return _cut(cexpr.unary("~", cexpr.cast(_work(width), a)), width)


def compare(op: str, a: CExpr, b: CExpr, width: int, signed: bool) -> CExpr:
    """`== != < <= > >=` of two values of one width, as a C truth value."""
    if is_wide(width):
        return _wide_compare(op, a, b, width, signed)
    if signed and op not in ("==", "!="):
        # The order of two's complement is that of the numbers with the sign bit flipped.
        a, b = (cexpr.binary("^", operand, _sign(width)) for operand in (a, b))
    return cexpr.binary(op, a, b)


def _wide_compare(op: str, a: CExpr, b: CExpr, width: int, signed: bool) -> CExpr:
    prefix = f"ss_w{limbs(width)}_"
    if op in ("==", "!="):
        equal = cexpr.call(f"{prefix}eq", a, b)
        return equal if op == "==" else cexpr.negation(equal)
    if op in (">", "<="):
        a, b = b, a
    less = cexpr.call(f"{prefix}lts", a, b, width) if signed else cexpr.call(f"{prefix}lt", a, b)
    return less if op in "<>" else cexpr.negation(less)


def shift(op: str, a: CExpr, by: CExpr, by_width: int, width: int, signed: bool) -> CExpr:
    """`a << by` or `a >> by`, where `by` is unsigned; any amount is allowed (8.6, 8.7)."""
    amount = cast(by, by_width, False, 64) if by_width <= 64 else clip(by, by_width)
    if is_wide(width) or (op == ">>" and signed):
        return _shift_call(op, a, amount, width, signed)
    work, name = _work(width), "shl" if op == "<<" else "shr"
    shifted = cexpr.call(f"ss_{name}{_tail(width)}", a, amount)
    return _cut(cexpr.cast(work, shifted), width) if op == "<<" else cexpr.cast(work, shifted)


def shift_by(op: str, a: CExpr, amount: int, width: int, signed: bool = False) -> CExpr:
    """The same by an amount that is known at compile time."""
    if op == ">>" and signed:
        amount = min(amount, width - 1)
    elif amount >= width:
        return literal(0, width)
    if is_wide(width) or (op == ">>" and signed):
        return _shift_call(op, a, cexpr.constant(f"{amount}u"), width, signed)
    shifted = cexpr.binary(op, cexpr.cast(_work(width), a), amount)
    return _cut(shifted, width) if op == "<<" else shifted


def _shift_call(op: str, a: CExpr, amount: CExpr, width: int, signed: bool) -> CExpr:
    if is_wide(width):
        name = "shl" if op == "<<" else "sar" if signed else "shr"
        return cexpr.call(f"ss_w{limbs(width)}_{name}", a, amount, *([] if name == "shr" else [width]))
    return cexpr.cast(_work(width), cexpr.call(f"ss_sar{_tail(width)}", a, amount, width))


def clip(a: CExpr, width: int) -> CExpr:
    """`a` as a uint64_t; what does not fit becomes the largest one."""
    if width <= 64:
        return cexpr.cast("uint64_t", a)
    if width <= WIDE:
        return cexpr.call("ss_clip128", a)
    return cexpr.call("ss_limbs_clip", _words(a), limbs(width))


def _words(a: CExpr) -> CExpr:
    """The limbs of a wide value."""
    return cexpr.member(a, "w")


def cast(a: CExpr, width: int, signed: bool, to: int) -> CExpr:
    """`a` of `width` bits as `to` bits: cut, or extended by its sign if `signed`."""
    if to == width:
        return a
    if to < width:
        return bits(a, width, to - 1, 0)
    if is_wide(to):
        return _widen(a, width, signed, to)
    work = _work(to)
    if signed:
        sign = literal(1 << (width - 1), to)
        return _cut(cexpr.binary("-", cexpr.binary("^", cexpr.cast(work, a), sign), sign), to)
    return a if work == _work(width) else cexpr.cast(work, a)


def _widen(a: CExpr, width: int, signed: bool, to: int) -> CExpr:
    """`a` as an array of limbs."""
    name = f"ss_w{limbs(to)}"
    if not is_wide(width):
        if not signed:
            return cexpr.call(f"{name}_from", a)
        a = cexpr.call("ss_w2_from", a)
    if signed:
        return cexpr.call(f"{name}_extend", _words(a), limbs(width), width, to)
    return cexpr.call(f"{name}_load", _words(a), limbs(width), to)


def bits(a: CExpr, width: int, hi: int, lo: int) -> CExpr:
    """`a[hi:lo]`"""
    out = hi - lo + 1
    if out == width:
        return a
    if is_wide(width):
        n = limbs(width)
        if out <= 64:
            return _cut(cexpr.cast(_work(out), cexpr.call("ss_limbs_bits64", _words(a), n, lo)), out)
        if out <= WIDE:
            return _cut(cexpr.call("ss_limbs_bits128", _words(a), n, lo), out)
        shifted = a if lo == 0 else cexpr.call(f"ss_w{n}_shr", a, lo)
        return cexpr.call(f"ss_w{limbs(out)}_load", _words(shifted), n, out)
    shifted = a if lo == 0 else cexpr.binary(">>", a, lo)
    cut = shifted if hi == width - 1 else cexpr.binary("&", shifted, literal((1 << out) - 1, width))
    return cut if _work(out) == _work(width) else cexpr.cast(_work(out), cut)


def insert(a: CExpr, value: CExpr, width: int, hi: int, lo: int) -> CExpr:
    """`a` with `a[hi:lo]` replaced by `value`, which has hi - lo + 1 bits."""
    out = hi - lo + 1
    if out == width:
        return value
    hole = literal(~(((1 << out) - 1) << lo), width)
    moved = cast(value, out, False, width)
    if lo:
        moved = shift_by("<<", moved, lo, width)
    return arithmetic("|", arithmetic("&", a, hole, width, False), moved, width, False)


def concat(a: CExpr, a_width: int, b: CExpr, b_width: int) -> CExpr:
    """`a ++ b`"""
    width = a_width + b_width
    high = shift_by("<<", cast(a, a_width, False, width), b_width, width)
    return arithmetic("|", high, cast(b, b_width, False, width), width, False)


def words_of(a: CExpr, width: int) -> list[CExpr]:
    """The 64-bit words of a value, least significant first, as the runtime's keys and action data have them. `a` must
    be free of side effects."""
    if width <= 64:
        return [a]
    if width <= WIDE:
        return [cexpr.cast("uint64_t", a), cexpr.cast("uint64_t", cexpr.binary(">>", a, 64))]
    return [cexpr.index(_words(a), i) for i in range(limbs(width))]


def shown(a: CExpr, width: int) -> tuple[str, list[CExpr]]:
    """A value in hexadecimal: the printf conversion and its arguments."""
    high_first = list(reversed(words_of(a, width)))
    conversion = "0x%llx" + "%016llx" * (len(high_first) - 1)
    return conversion, [cexpr.cast("unsigned long long", word) for word in high_first]


def from_words(array: CExpr, index: int, width: int) -> CExpr:
    """A value from words `index`... of a uint64_t array."""
    if width <= 64:
        return cexpr.cast(_work(width), cexpr.index(array, index))
    if width <= WIDE:
        return cexpr.macro("SS_U128", cexpr.index(array, index + 1), cexpr.index(array, index))
    return cexpr.call(f"ss_w{limbs(width)}_load", cexpr.binary("+", array, index), limbs(width), width)
