/* Arithmetic at any width, and reading and writing bit fields of a packet. Header-only; included by generated code.
 *
 * A value of W bits is kept in the low W bits of the smallest of uint8_t .. uint64_t, ss_u128 (65..128) or ss_w<N>
 * (N = ceil(W/64) limbs of 64 bits, least significant first); the bits above W are always zero, for int<W> too. */
#ifndef SS_BITS_H
#define SS_BITS_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

typedef unsigned __int128 ss_u128 __attribute__((aligned(8)));
typedef __int128 ss_i128;

#define SS_U128(high, low) (((ss_u128)(high) << 64) | (ss_u128)(low))

static inline ss_u128 ss_mask128(uint32_t width) { return width >= 128 ? ~(ss_u128)0 : ((ss_u128)1 << width) - 1; }
static inline uint64_t ss_mask64(uint32_t width) { return width >= 64 ? ~(uint64_t)0 : ((uint64_t)1 << width) - 1; }

/* ---- up to 64 bits ---- */

static inline int64_t ss_signed64(uint64_t a, uint32_t width) { return (int64_t)(a << (64 - width)) >> (64 - width); }
static inline uint64_t ss_div64(uint64_t a, uint64_t b) { return b ? a / b : 0; }
static inline uint64_t ss_mod64(uint64_t a, uint64_t b) { return b ? a % b : 0; }
static inline uint64_t ss_shl64(uint64_t a, uint64_t n) { return n < 64 ? a << n : 0; }
static inline uint64_t ss_shr64(uint64_t a, uint64_t n) { return n < 64 ? a >> n : 0; }
static inline uint64_t ss_sar64(uint64_t a, uint64_t n, uint32_t width)
{
    return (uint64_t)(ss_signed64(a, width) >> (n < 63 ? n : 63)) & ss_mask64(width);
}

static inline uint64_t ss_sat_add64(uint64_t a, uint64_t b, uint32_t width)
{
    uint64_t sum = a + b;
    return sum < a || sum > ss_mask64(width) ? ss_mask64(width) : sum;
}
static inline uint64_t ss_sat_sub64(uint64_t a, uint64_t b) { return a < b ? 0 : a - b; }

static inline uint64_t ss_clamp64(ss_i128 value, uint32_t width)
{
    ss_i128 top = ((ss_i128)1 << (width - 1)) - 1, bottom = -top - 1;
    return (uint64_t)(value > top ? top : value < bottom ? bottom : value) & ss_mask64(width);
}
static inline uint64_t ss_sat_adds64(uint64_t a, uint64_t b, uint32_t width)
{
    return ss_clamp64((ss_i128)ss_signed64(a, width) + ss_signed64(b, width), width);
}
static inline uint64_t ss_sat_subs64(uint64_t a, uint64_t b, uint32_t width)
{
    return ss_clamp64((ss_i128)ss_signed64(a, width) - ss_signed64(b, width), width);
}

/* ---- 65 to 128 bits ---- */

static inline ss_u128 ss_div128(ss_u128 a, ss_u128 b) { return b ? a / b : 0; }
static inline ss_u128 ss_mod128(ss_u128 a, ss_u128 b) { return b ? a % b : 0; }
static inline uint64_t ss_clip128(ss_u128 n) { return n >> 64 ? ~(uint64_t)0 : (uint64_t)n; }
static inline ss_u128 ss_shl128(ss_u128 a, uint64_t n) { return n < 128 ? a << n : 0; }
static inline ss_u128 ss_shr128(ss_u128 a, uint64_t n) { return n < 128 ? a >> n : 0; }
static inline ss_i128 ss_signed128(ss_u128 a, uint32_t width) { return (ss_i128)(a << (128 - width)) >> (128 - width); }
static inline ss_u128 ss_sar128(ss_u128 a, uint64_t n, uint32_t width)
{
    return (ss_u128)(ss_signed128(a, width) >> (n < 127 ? n : 127)) & ss_mask128(width);
}
static inline ss_u128 ss_sat_add128(ss_u128 a, ss_u128 b, uint32_t width)
{
    ss_u128 sum = a + b;
    return sum < a || sum > ss_mask128(width) ? ss_mask128(width) : sum;
}
static inline ss_u128 ss_sat_sub128(ss_u128 a, ss_u128 b) { return a < b ? 0 : a - b; }

/* ---- limb arrays: the shared part of the ss_w<N> operations ---- */

static inline void ss_limbs_trim(uint64_t *a, uint32_t n, uint32_t width)
{
    if (width < 64 * n)
        a[n - 1] &= ss_mask64(width - 64 * (n - 1));
}
static inline uint64_t ss_limbs_bits64(const uint64_t *a, uint32_t n, uint32_t low)
{
    uint32_t limb = low / 64, shift = low % 64;
    uint64_t value = limb < n ? a[limb] >> shift : 0;
    return shift && limb + 1 < n ? value | a[limb + 1] << (64 - shift) : value;
}
static inline ss_u128 ss_limbs_bits128(const uint64_t *a, uint32_t n, uint32_t low)
{
    return SS_U128(ss_limbs_bits64(a, n, low + 64), ss_limbs_bits64(a, n, low));
}
static inline bool ss_limbs_negative(const uint64_t *a, uint32_t width)
{
    return a[(width - 1) / 64] >> ((width - 1) % 64) & 1;
}
static inline int ss_limbs_compare(const uint64_t *a, const uint64_t *b, uint32_t n)
{
    for (uint32_t i = n; i-- > 0;)
        if (a[i] != b[i])
            return a[i] < b[i] ? -1 : 1;
    return 0;
}
static inline uint64_t ss_limbs_add(uint64_t *out, const uint64_t *a, const uint64_t *b, uint32_t n)
{
    ss_u128 carry = 0;
    for (uint32_t i = 0; i < n; i++) {
        carry += (ss_u128)a[i] + b[i];
        out[i] = (uint64_t)carry;
        carry >>= 64;
    }
    return (uint64_t)carry;
}
static inline uint64_t ss_limbs_sub(uint64_t *out, const uint64_t *a, const uint64_t *b, uint32_t n)
{
    uint64_t borrow = 0;
    for (uint32_t i = 0; i < n; i++) {
        ss_u128 difference = (ss_u128)a[i] - b[i] - borrow;
        out[i] = (uint64_t)difference;
        borrow = (uint64_t)(difference >> 64) & 1;
    }
    return borrow;
}
static inline void ss_limbs_mul(uint64_t *out, const uint64_t *a, const uint64_t *b, uint32_t n)
{
    memset(out, 0, n * sizeof *out);
    for (uint32_t i = 0; i < n; i++) {
        uint64_t carry = 0;
        for (uint32_t j = 0; i + j < n; j++) {
            ss_u128 sum = (ss_u128)a[i] * b[j] + out[i + j] + carry;
            out[i + j] = (uint64_t)sum;
            carry = (uint64_t)(sum >> 64);
        }
    }
}
static inline void ss_limbs_shl(uint64_t *out, const uint64_t *a, uint32_t n, uint64_t by)
{
    for (uint32_t i = n; i-- > 0;) {
        uint64_t limb = by / 64, shift = by % 64, value = 0;
        if (limb <= i) {
            value = a[i - limb] << shift;
            if (shift && limb < i)
                value |= a[i - limb - 1] >> (64 - shift);
        }
        out[i] = value;
    }
}
static inline void ss_limbs_shr(uint64_t *out, const uint64_t *a, uint32_t n, uint64_t by)
{
    for (uint32_t i = 0; i < n; i++)
        out[i] = by >= 64 * (uint64_t)n ? 0 : ss_limbs_bits64(a, n, (uint32_t)by + 64 * i);
}
/* Long division, one bit at a time: wide division is rare. By zero: both results are zero. */
static inline void ss_limbs_divide(uint64_t *quotient, uint64_t *rest, const uint64_t *a, const uint64_t *b, uint32_t n)
{
    bool zero = true;
    memset(quotient, 0, n * sizeof *quotient);
    memset(rest, 0, n * sizeof *rest);
    for (uint32_t i = 0; i < n; i++)
        zero = zero && b[i] == 0;
    for (uint32_t bit = zero ? 0 : 64 * n; bit-- > 0;) {
        uint64_t top = rest[n - 1] >> 63;
        for (uint32_t i = n - 1; i > 0; i--)
            rest[i] = rest[i] << 1 | rest[i - 1] >> 63;
        rest[0] = rest[0] << 1 | (a[bit / 64] >> (bit % 64) & 1);
        if (top || ss_limbs_compare(rest, b, n) >= 0) {
            ss_limbs_sub(rest, rest, b, n);
            quotient[bit / 64] |= (uint64_t)1 << (bit % 64);
        }
    }
}
static inline uint64_t ss_limbs_clip(const uint64_t *a, uint32_t n)
{
    for (uint32_t i = 1; i < n; i++)
        if (a[i])
            return ~(uint64_t)0;
    return a[0];
}

/* The value type of N limbs and its operations; each result is cut to `width` bits. */
#define SS_DEFINE_WIDE(N)                                                                                             \
    typedef struct ss_w##N {                                                                                          \
        uint64_t w[N];                                                                                                \
    } ss_w##N;                                                                                                        \
    static inline ss_w##N ss_w##N##_load(const uint64_t *from, uint32_t count, uint32_t width)                        \
    {                                                                                                                 \
        ss_w##N r;                                                                                                    \
        for (uint32_t i = 0; i < N; i++)                                                                              \
            r.w[i] = i < count ? from[i] : 0;                                                                         \
        ss_limbs_trim(r.w, N, width);                                                                                 \
        return r;                                                                                                     \
    }                                                                                                                 \
    /* from a narrower two's complement number of `from_width` bits */                                                \
    static inline ss_w##N ss_w##N##_extend(const uint64_t *from, uint32_t count, uint32_t from_width, uint32_t width) \
    {                                                                                                                 \
        ss_w##N r = ss_w##N##_load(from, count, 64 * N);                                                              \
        if (ss_limbs_negative(from, from_width)) {                                                                    \
            r.w[from_width / 64] |= ~ss_mask64(from_width % 64);                                                      \
            for (uint32_t i = from_width / 64 + 1; i < N; i++)                                                        \
                r.w[i] = ~(uint64_t)0;                                                                                \
        }                                                                                                             \
        ss_limbs_trim(r.w, N, width);                                                                                 \
        return r;                                                                                                     \
    }                                                                                                                 \
    static inline ss_w##N ss_w##N##_from(ss_u128 value)                                                               \
    {                                                                                                                 \
        ss_w##N r = {{(uint64_t)value, (uint64_t)(value >> 64)}};                                                     \
        return r;                                                                                                     \
    }                                                                                                                 \
    static inline ss_w##N ss_w##N##_ones(uint32_t width)                                                              \
    {                                                                                                                 \
        ss_w##N r;                                                                                                    \
        memset(&r, 0xff, sizeof r);                                                                                   \
        ss_limbs_trim(r.w, N, width);                                                                                 \
        return r;                                                                                                     \
    }                                                                                                                 \
    static inline ss_w##N ss_w##N##_add(ss_w##N a, ss_w##N b, uint32_t width)                                         \
    {                                                                                                                 \
        ss_limbs_add(a.w, a.w, b.w, N);                                                                               \
        ss_limbs_trim(a.w, N, width);                                                                                 \
        return a;                                                                                                     \
    }                                                                                                                 \
    static inline ss_w##N ss_w##N##_sub(ss_w##N a, ss_w##N b, uint32_t width)                                         \
    {                                                                                                                 \
        ss_limbs_sub(a.w, a.w, b.w, N);                                                                               \
        ss_limbs_trim(a.w, N, width);                                                                                 \
        return a;                                                                                                     \
    }                                                                                                                 \
    static inline ss_w##N ss_w##N##_mul(ss_w##N a, ss_w##N b, uint32_t width)                                         \
    {                                                                                                                 \
        ss_w##N r;                                                                                                    \
        ss_limbs_mul(r.w, a.w, b.w, N);                                                                               \
        ss_limbs_trim(r.w, N, width);                                                                                 \
        return r;                                                                                                     \
    }                                                                                                                 \
    static inline ss_w##N ss_w##N##_div(ss_w##N a, ss_w##N b)                                                         \
    {                                                                                                                 \
        ss_w##N q, r;                                                                                                 \
        ss_limbs_divide(q.w, r.w, a.w, b.w, N);                                                                       \
        return q;                                                                                                     \
    }                                                                                                                 \
    static inline ss_w##N ss_w##N##_mod(ss_w##N a, ss_w##N b)                                                         \
    {                                                                                                                 \
        ss_w##N q, r;                                                                                                 \
        ss_limbs_divide(q.w, r.w, a.w, b.w, N);                                                                       \
        return r;                                                                                                     \
    }                                                                                                                 \
    static inline ss_w##N ss_w##N##_and(ss_w##N a, ss_w##N b)                                                         \
    {                                                                                                                 \
        for (uint32_t i = 0; i < N; i++)                                                                              \
            a.w[i] &= b.w[i];                                                                                         \
        return a;                                                                                                     \
    }                                                                                                                 \
    static inline ss_w##N ss_w##N##_or(ss_w##N a, ss_w##N b)                                                          \
    {                                                                                                                 \
        for (uint32_t i = 0; i < N; i++)                                                                              \
            a.w[i] |= b.w[i];                                                                                         \
        return a;                                                                                                     \
    }                                                                                                                 \
    static inline ss_w##N ss_w##N##_xor(ss_w##N a, ss_w##N b)                                                         \
    {                                                                                                                 \
        for (uint32_t i = 0; i < N; i++)                                                                              \
            a.w[i] ^= b.w[i];                                                                                         \
        return a;                                                                                                     \
    }                                                                                                                 \
    static inline ss_w##N ss_w##N##_not(ss_w##N a, uint32_t width)                                                    \
    {                                                                                                                 \
        for (uint32_t i = 0; i < N; i++)                                                                              \
            a.w[i] = ~a.w[i];                                                                                         \
        ss_limbs_trim(a.w, N, width);                                                                                 \
        return a;                                                                                                     \
    }                                                                                                                 \
    static inline ss_w##N ss_w##N##_shl(ss_w##N a, uint64_t by, uint32_t width)                                       \
    {                                                                                                                 \
        ss_w##N r;                                                                                                    \
        ss_limbs_shl(r.w, a.w, N, by);                                                                                \
        ss_limbs_trim(r.w, N, width);                                                                                 \
        return r;                                                                                                     \
    }                                                                                                                 \
    static inline ss_w##N ss_w##N##_shr(ss_w##N a, uint64_t by)                                                       \
    {                                                                                                                 \
        ss_w##N r;                                                                                                    \
        ss_limbs_shr(r.w, a.w, N, by);                                                                                \
        return r;                                                                                                     \
    }                                                                                                                 \
    static inline ss_w##N ss_w##N##_sar(ss_w##N a, uint64_t by, uint32_t width)                                       \
    {                                                                                                                 \
        ss_w##N r = ss_w##N##_shr(a, by);                                                                             \
        if (ss_limbs_negative(a.w, width)) { /* ones come in from the left */                                         \
            ss_w##N ones = ss_w##N##_ones(width);                                                                     \
            r = ss_w##N##_or(r, ss_w##N##_xor(ones, ss_w##N##_shr(ones, by)));                                        \
        }                                                                                                             \
        return r;                                                                                                     \
    }                                                                                                                 \
    static inline bool ss_w##N##_eq(ss_w##N a, ss_w##N b) { return ss_limbs_compare(a.w, b.w, N) == 0; }              \
    static inline bool ss_w##N##_lt(ss_w##N a, ss_w##N b) { return ss_limbs_compare(a.w, b.w, N) < 0; }               \
    static inline bool ss_w##N##_lts(ss_w##N a, ss_w##N b, uint32_t width)                                            \
    {                                                                                                                 \
        bool minus_a = ss_limbs_negative(a.w, width), minus_b = ss_limbs_negative(b.w, width);                        \
        return minus_a != minus_b ? minus_a : ss_w##N##_lt(a, b);                                                     \
    }                                                                                                                 \
    static inline ss_w##N ss_w##N##_sat_add(ss_w##N a, ss_w##N b, uint32_t width)                                     \
    {                                                                                                                 \
        ss_w##N r;                                                                                                    \
        uint64_t carry = ss_limbs_add(r.w, a.w, b.w, N);                                                              \
        return carry || ss_w##N##_lt(ss_w##N##_ones(width), r) ? ss_w##N##_ones(width) : r;                           \
    }                                                                                                                 \
    static inline ss_w##N ss_w##N##_sat_sub(ss_w##N a, ss_w##N b)                                                     \
    {                                                                                                                 \
        ss_w##N zero = {{0}};                                                                                         \
        return ss_w##N##_lt(a, b) ? zero : ss_w##N##_sub(a, b, 64 * N);                                               \
    }                                                                                                                 \
    /* the largest (or, `negative`, the smallest) int<width> */                                                       \
    static inline ss_w##N ss_w##N##_bound(bool negative, uint32_t width)                                              \
    {                                                                                                                 \
        ss_w##N top = ss_w##N##_shr(ss_w##N##_ones(width), 1);                                                        \
        return negative ? ss_w##N##_not(top, width) : top;                                                            \
    }                                                                                                                 \
    static inline ss_w##N ss_w##N##_sat_adds(ss_w##N a, ss_w##N b, uint32_t width)                                    \
    {                                                                                                                 \
        ss_w##N r = ss_w##N##_add(a, b, width);                                                                       \
        bool minus_a = ss_limbs_negative(a.w, width), minus_b = ss_limbs_negative(b.w, width);                        \
        return minus_a == minus_b && ss_limbs_negative(r.w, width) != minus_a ? ss_w##N##_bound(minus_a, width) : r;  \
    }                                                                                                                 \
    static inline ss_w##N ss_w##N##_sat_subs(ss_w##N a, ss_w##N b, uint32_t width)                                    \
    {                                                                                                                 \
        ss_w##N r = ss_w##N##_sub(a, b, width);                                                                       \
        bool minus_a = ss_limbs_negative(a.w, width), minus_b = ss_limbs_negative(b.w, width);                        \
        return minus_a != minus_b && ss_limbs_negative(r.w, width) != minus_a ? ss_w##N##_bound(minus_a, width) : r;  \
    }

SS_DEFINE_WIDE(2) /* intermediate results of int<65..128> */

static inline ss_u128 ss_sat_adds128(ss_u128 a, ss_u128 b, uint32_t width)
{
    return ss_limbs_bits128(ss_w2_sat_adds(ss_w2_from(a), ss_w2_from(b), width).w, 2, 0);
}
static inline ss_u128 ss_sat_subs128(ss_u128 a, ss_u128 b, uint32_t width)
{
    return ss_limbs_bits128(ss_w2_sat_subs(ss_w2_from(a), ss_w2_from(b), width).w, 2, 0);
}

/* ---- big-endian loads and stores at byte boundaries ---- */

static inline uint64_t ss_be8(const uint8_t *p) { return p[0]; }
static inline uint64_t ss_be16(const uint8_t *p)
{
    uint16_t v;
    memcpy(&v, p, 2);
    return __builtin_bswap16(v);
}
static inline uint64_t ss_be32(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, 4);
    return __builtin_bswap32(v);
}
static inline uint64_t ss_be64(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, 8);
    return __builtin_bswap64(v);
}
static inline uint64_t ss_be24(const uint8_t *p) { return ss_be16(p) << 8 | p[2]; }
static inline uint64_t ss_be40(const uint8_t *p) { return ss_be32(p) << 8 | p[4]; }
static inline uint64_t ss_be48(const uint8_t *p) { return ss_be32(p) << 16 | ss_be16(p + 4); }
static inline uint64_t ss_be56(const uint8_t *p) { return ss_be32(p) << 24 | ss_be24(p + 4); }
static inline ss_u128 ss_be128(const uint8_t *p) { return SS_U128(ss_be64(p), ss_be64(p + 8)); }

static inline void ss_put8(uint8_t *p, uint64_t v) { p[0] = (uint8_t)v; }
static inline void ss_put16(uint8_t *p, uint64_t v)
{
    uint16_t x = __builtin_bswap16((uint16_t)v);
    memcpy(p, &x, 2);
}
static inline void ss_put32(uint8_t *p, uint64_t v)
{
    uint32_t x = __builtin_bswap32((uint32_t)v);
    memcpy(p, &x, 4);
}
static inline void ss_put64(uint8_t *p, uint64_t v)
{
    v = __builtin_bswap64(v);
    memcpy(p, &v, 8);
}
static inline void ss_put24(uint8_t *p, uint64_t v) { ss_put16(p, v >> 8), ss_put8(p + 2, v); }
static inline void ss_put40(uint8_t *p, uint64_t v) { ss_put32(p, v >> 8), ss_put8(p + 4, v); }
static inline void ss_put48(uint8_t *p, uint64_t v) { ss_put32(p, v >> 16), ss_put16(p + 4, v); }
static inline void ss_put56(uint8_t *p, uint64_t v) { ss_put32(p, v >> 24), ss_put24(p + 4, v); }
static inline void ss_put128(uint8_t *p, ss_u128 v) { ss_put64(p, (uint64_t)(v >> 64)), ss_put64(p + 8, (uint64_t)v); }

/* ---- bit fields at any place: bit 0 is the most significant bit of p[0] ---- */

/* Up to 64 bits. */
static inline uint64_t ss_get_bits(const uint8_t *p, uint32_t bit, uint32_t width)
{
    uint64_t value = 0;
    p += bit / 8;
    bit %= 8;
    for (uint32_t left = width; left > 0;) {
        uint32_t take = 8 - bit < left ? 8 - bit : left;
        value = value << take | ((uint32_t)*p >> (8 - bit - take) & ((1u << take) - 1));
        left -= take;
        bit = 0;
        p++;
    }
    return value;
}
static inline void ss_put_bits(uint8_t *p, uint32_t bit, uint32_t width, uint64_t value)
{
    p += bit / 8;
    bit %= 8;
    for (uint32_t left = width; left > 0;) {
        uint32_t take = 8 - bit < left ? 8 - bit : left, shift = 8 - bit - take, mask = (1u << take) - 1;
        left -= take;
        *p = (uint8_t)((*p & ~(mask << shift)) | ((uint32_t)(value >> left) & mask) << shift);
        bit = 0;
        p++;
    }
}
/* Any width, as limbs. */
static inline void ss_get_limbs(uint64_t *out, uint32_t n, const uint8_t *p, uint32_t bit, uint32_t width)
{
    for (uint32_t i = 0; i < n; i++) {
        uint32_t done = 64 * i, part = width > done ? (width - done < 64 ? width - done : 64) : 0;
        out[i] = part ? ss_get_bits(p, bit + width - done - part, part) : 0;
    }
}
static inline void ss_put_limbs(uint8_t *p, uint32_t bit, uint32_t width, const uint64_t *from)
{
    for (uint32_t done = 0, i = 0; done < width; done += 64, i++) {
        uint32_t part = width - done < 64 ? width - done : 64;
        ss_put_bits(p, bit + width - done - part, part, from[i]);
    }
}
static inline ss_u128 ss_get_bits128(const uint8_t *p, uint32_t bit, uint32_t width)
{
    uint64_t limbs[2];
    ss_get_limbs(limbs, 2, p, bit, width);
    return SS_U128(limbs[1], limbs[0]);
}
static inline void ss_put_bits128(uint8_t *p, uint32_t bit, uint32_t width, ss_u128 value)
{
    uint64_t limbs[2] = {(uint64_t)value, (uint64_t)(value >> 64)};
    ss_put_limbs(p, bit, width, limbs);
}
/* Copies `width` bits; both sides at any bit. */
static inline void ss_copy_bits(uint8_t *to, uint32_t to_bit, const uint8_t *from, uint32_t from_bit, uint32_t width)
{
    if (to_bit % 8 == 0 && from_bit % 8 == 0) {
        memcpy(to + to_bit / 8, from + from_bit / 8, width / 8);
        to_bit += width / 8 * 8, from_bit += width / 8 * 8, width %= 8;
    }
    for (; width > 0;) {
        uint32_t part = width < 64 ? width : 64;
        ss_put_bits(to, to_bit, part, ss_get_bits(from, from_bit, part));
        to_bit += part, from_bit += part, width -= part;
    }
}

/* A number of `n` limbs in decimal. `text` has room for 20 * n + 1 bytes; the limbs are used up. Where it begins. */
static inline const char *ss_decimal(char *text, uint64_t *limbs, uint32_t n)
{
    char *at = text + 20 * n;
    uint64_t left;
    *at = 0;
    do {
        ss_u128 rest = 0;
        left = 0;
        for (uint32_t i = n; i--;) {
            rest = rest << 64 | limbs[i];
            limbs[i] = (uint64_t)(rest / 10);
            left |= limbs[i];
            rest %= 10;
        }
        *--at = (char)('0' + (int)rest);
    } while (left);
    return at;
}

#endif
