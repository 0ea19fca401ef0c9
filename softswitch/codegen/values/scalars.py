"""Scalars of any width as C expressions: representation, literals, operators, casts.

Texts that come in and go out are C expressions that bind tighter than any operator (names, calls, or in brackets).
Values are kept as runtime/bits.h says: the low W bits, zeros above. All functions here are pure."""

from __future__ import annotations

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


def literal(value: int, width: int) -> str:
    """`value` modulo 2**width."""
    value &= (1 << width) - 1
    if width <= 32:
        return f"{value}u" if value < 1024 else f"{value:#x}u"
    if width <= 64:
        return f"{value}ull" if value < 1024 else f"{value:#x}ull"
    if width <= WIDE:
        return f"SS_U128({value >> 64:#x}ull, {value & (2**64 - 1):#x}ull)"
    parts = [f"{value >> 64 * i & (2**64 - 1):#x}ull" for i in range(limbs(width))]
    return f"((ss_w{limbs(width)}){{{{{', '.join(parts)}}}}})"


def _mask(width: int) -> str:
    if width <= 64:
        return literal((1 << width) - 1, width)
    return f"ss_mask128({width})"


def _cut(text: str, width: int) -> str:
    """A native result (computed in 32, 64 or 128 bits) cut to `width` bits."""
    if width in (32, 64, 128):
        return f"({text})"
    return f"(({text}) & {_mask(width)})"


def _work(width: int) -> str:
    """The type in which a native operation is computed, so that C's promotions cannot make it signed."""
    return "uint32_t" if width <= 32 else "uint64_t" if width <= 64 else "ss_u128"


def _tail(width: int) -> str:
    return "64" if width <= 64 else "128"


def _sign(width: int) -> str:
    return literal(1 << (width - 1), width)


def arithmetic(op: str, a: str, b: str, width: int, signed: bool) -> str:
    """`+ - * / % & | ^ |+| |-|` of two values of one width."""
    if is_wide(width):
        return _wide_arithmetic(op, a, b, width, signed)
    if op in "&|^":
        return f"({a} {op} {b})"
    if op in "+-*":
        return _cut(f"({_work(width)}){a} {op} {b}", width)
    if op in "/%":
        return f"(({_work(width)})ss_{'div' if op == '/' else 'mod'}{_tail(width)}({a}, {b}))"
    name = {"|+|": "add", "|-|": "sub"}[op]
    if signed:
        return f"(({_work(width)})ss_sat_{name}s{_tail(width)}({a}, {b}, {width}))"
    extra = f", {width}" if name == "add" else ""
    return f"(({_work(width)})ss_sat_{name}{_tail(width)}({a}, {b}{extra}))"


def _wide_arithmetic(op: str, a: str, b: str, width: int, signed: bool) -> str:
    names = {"+": "add", "-": "sub", "*": "mul", "/": "div", "%": "mod", "&": "and", "|": "or", "^": "xor"}
    name = names.get(op) or {"|+|": "sat_add", "|-|": "sat_sub"}[op] + ("s" if signed else "")
    sized = name in ("add", "sub", "mul", "sat_add", "sat_adds", "sat_subs")
    return f"ss_w{limbs(width)}_{name}({a}, {b}{f', {width}' if sized else ''})"


def negate(a: str, width: int) -> str:
    if is_wide(width):
        return arithmetic("-", literal(0, width), a, width, False)
    return _cut(f"({_work(width)})0 - {a}", width)


def invert(a: str, width: int) -> str:
    if is_wide(width):
        return f"ss_w{limbs(width)}_not({a}, {width})"
    return _cut(f"~({_work(width)}){a}", width)


def compare(op: str, a: str, b: str, width: int, signed: bool) -> str:
    """`== != < <= > >=` of two values of one width, as a C truth value."""
    if is_wide(width):
        prefix = f"ss_w{limbs(width)}_"
        if op in ("==", "!="):
            return f"({'!' if op == '!=' else ''}{prefix}eq({a}, {b}))"
        if op in (">", "<="):
            a, b = b, a
        less = f"{prefix}lts({a}, {b}, {width})" if signed else f"{prefix}lt({a}, {b})"
        return f"({'' if op in '<>' else '!'}{less})"
    if signed and op not in (
        "==",
        "!=",
    ):  # the order of two's complement is that of the numbers with the sign bit flipped
        return f"(({a} ^ {_sign(width)}) {op} ({b} ^ {_sign(width)}))"
    return f"({a} {op} {b})"


def shift(op: str, a: str, by: str, by_width: int, width: int, signed: bool, by_const: int | None = None) -> str:
    """`a << by` or `a >> by`; any amount is allowed (8.6, 8.7)."""
    if by_const is not None:
        if op == ">>" and signed:
            by_const = min(by_const, width - 1)
        elif by_const >= width:
            return literal(0, width)
        amount = f"{by_const}u"
    else:
        amount = cast(by, by_width, False, 64) if by_width <= 64 else clip(by, by_width)
    if is_wide(width):
        name = "shl" if op == "<<" else "sar" if signed else "shr"
        return f"ss_w{limbs(width)}_{name}({a}, {amount}{'' if name == 'shr' else f', {width}'})"
    work, tail = _work(width), _tail(width)
    if op == ">>" and signed:
        return f"(({work})ss_sar{tail}({a}, {amount}, {width}))"
    if by_const is not None:
        return _cut(f"({work}){a} << {by_const}", width) if op == "<<" else f"(({work}){a} >> {by_const})"
    if op == "<<":
        return _cut(f"({work})ss_shl{tail}({a}, {amount})", width)
    return f"(({work})ss_shr{tail}({a}, {amount}))"


def clip(a: str, width: int) -> str:
    """`a` as a uint64_t; what does not fit becomes the largest one."""
    if width <= 64:
        return f"((uint64_t){a})"
    return f"ss_clip128({a})" if width <= WIDE else f"ss_limbs_clip({a}.w, {limbs(width)})"


def cast(a: str, width: int, signed: bool, to: int) -> str:
    """`a` of `width` bits as `to` bits: cut, or extended by its sign if `signed`."""
    if to == width:
        return a
    if to < width:
        return bits(a, width, to - 1, 0)
    if is_wide(to):
        if is_wide(width):
            source = f"{a}.w, {limbs(width)}"
        elif signed:
            source = f"ss_w2_from({a}).w, {limbs(width)}"
        else:
            return f"ss_w{limbs(to)}_from({a})"
        if signed:
            return f"ss_w{limbs(to)}_extend({source}, {width}, {to})"
        return f"ss_w{limbs(to)}_load({source}, {to})"
    work = _work(to)
    if signed:
        return _cut(f"((({work}){a}) ^ {literal(1 << (width - 1), to)}) - {literal(1 << (width - 1), to)}", to)
    return a if work == _work(width) else f"(({work}){a})"


def bits(a: str, width: int, hi: int, lo: int) -> str:
    """`a[hi:lo]`"""
    out = hi - lo + 1
    if out == width:
        return a
    if is_wide(width):
        n = limbs(width)
        if out <= 64:
            return _cut(f"({_work(out)})ss_limbs_bits64({a}.w, {n}, {lo})", out)
        if out <= WIDE:
            return _cut(f"ss_limbs_bits128({a}.w, {n}, {lo})", out)
        shifted = a if lo == 0 else f"ss_w{n}_shr({a}, {lo})"
        return f"ss_w{limbs(out)}_load({shifted}.w, {n}, {out})"
    shifted = a if lo == 0 else f"({a} >> {lo})"
    cut = shifted if hi == width - 1 else f"({shifted} & {literal((1 << out) - 1, width)})"
    return cut if _work(out) == _work(width) else f"(({_work(out)}){cut})"


def insert(a: str, value: str, width: int, hi: int, lo: int) -> str:
    """`a` with `a[hi:lo]` replaced by `value`, which has hi - lo + 1 bits."""
    out = hi - lo + 1
    if out == width:
        return value
    hole = literal(~(((1 << out) - 1) << lo), width)
    moved = (
        shift("<<", cast(value, out, False, width), "", 32, width, False, lo) if lo else cast(value, out, False, width)
    )
    return arithmetic("|", arithmetic("&", a, hole, width, False), moved, width, False)


def concat(a: str, a_width: int, b: str, b_width: int) -> str:
    """`a ++ b`"""
    width = a_width + b_width
    high = shift("<<", cast(a, a_width, False, width), "", 32, width, False, b_width)
    return arithmetic("|", high, cast(b, b_width, False, width), width, False)


def words_of(a: str, width: int) -> list[str]:
    """The 64-bit words of a value, least significant first, as the runtime's keys and action data have them. `a` must
    be free of side effects."""
    if width <= 64:
        return [a]
    if width <= WIDE:
        return [f"(uint64_t){a}", f"(uint64_t)({a} >> 64)"]
    return [f"{a}.w[{i}]" for i in range(limbs(width))]


def shown(a: str, width: int) -> tuple[str, list[str]]:
    """A value in hexadecimal: the printf conversion and its arguments."""
    high_first = list(reversed(words_of(a, width)))
    conversion = "0x%llx" + "%016llx" * (len(high_first) - 1)
    return conversion, [f"(unsigned long long)({word})" for word in high_first]


def from_words(array: str, index: int, width: int) -> str:
    """A value from words `index`... of a uint64_t array."""
    if width <= 64:
        return f"(({_work(width)}){array}[{index}])"
    if width <= WIDE:
        return f"SS_U128({array}[{index + 1}], {array}[{index}])"
    return f"ss_w{limbs(width)}_load({array} + {index}, {limbs(width)}, {width})"
