#include "core/random.h"

void ss_random_seed(ss_switch *sw, uint64_t seed)
{
    for (int i = 0; i < 2; i++) { /* splitmix64 */
        seed += 0x9e3779b97f4a7c15ull;
        uint64_t z = seed;
        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
        z = (z ^ z >> 27) * 0x94d049bb133111ebull;
        sw->random[i] = z ^ z >> 31;
    }
}

/* xorshift128+: two words of state. */
static uint64_t next(ss_switch *sw)
{
    uint64_t a = sw->random[0], b = sw->random[1];
    sw->random[0] = b;
    a ^= a << 23;
    a ^= a >> 18 ^ b ^ b >> 5;
    sw->random[1] = a;
    return a + b;
}

uint64_t ss_random(uint64_t low, uint64_t high)
{
    if (high <= low)
        return low;
    uint64_t span = high - low + 1, value = next(ss_current);
    if (!span)
        return value;
    return low + (uint64_t)((unsigned __int128)value * span >> 64);
}
