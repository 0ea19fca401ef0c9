/* How long the runtime's table search takes, without a switch around it: processor time of one lookup in ns, one line
 * for each kind of table. Built against the runtime of any revision: -DMATCHER names its header. */
#include MATCHER
#if __has_include("matching/search.h")
#include "matching/search.h"
#endif

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define KEY_WORDS 2u
#define MAX_RULES 1000000u
#define FLOWS 1000u

typedef struct node {
    ss_rule rule;
    uint64_t data[6]; /* what a packet reads of the entry it hits */
    uint64_t storage[];
} node;

static uint64_t state = 88172645463325252ull;
static uint64_t (*keys)[KEY_WORDS];
static uint32_t key_count;

static uint64_t next_random(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    return state ^= state << 17;
}

static uint64_t now_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

/* A rule and a key that it matches; nothing if the rule exists already. */
static void add(ss_matcher *matcher, const uint64_t *value, const uint64_t *mask, int32_t priority)
{
    size_t bytes = sizeof(node) + ss_matcher_rule_words(matcher) * sizeof(uint64_t);
    node *made = aligned_alloc(64, (bytes + 63) / 64 * 64);
    if (!made)
        exit(1);
    memset(made, 0, bytes);
    if (!ss_matcher_prepare(matcher, &made->rule, made->storage, value, mask, priority) ||
        ss_matcher_find(matcher, &made->rule) || !ss_matcher_insert(matcher, &made->rule)) {
        free(made);
        return;
    }
    for (uint32_t i = 0; i < matcher->words; i++)
        keys[key_count][i] = value[i] | (mask ? next_random() & 0xffffffffu & ~mask[i] : 0);
    key_count++;
}

static void shuffle(void)
{
    for (uint32_t i = key_count - 1; i > 0; i--) {
        uint32_t other = (uint32_t)(next_random() % (i + 1));
        uint64_t one[KEY_WORDS];
        memcpy(one, keys[i], sizeof one);
        memcpy(keys[i], keys[other], sizeof one);
        memcpy(keys[other], one, sizeof one);
    }
}

static void measure(const char *name, ss_matcher *matcher, uint32_t count, uint32_t rounds)
{
    uint64_t sum = 0, begin = 0;
    for (uint32_t round = 0; round <= rounds; round++) { /* the first one warms the caches */
        if (round == 1)
            begin = now_ns();
        for (uint32_t i = 0; i < count; i++) {
            const node *found = (const node *)ss_matcher_lookup(matcher, keys[i]);
            sum += found ? found->data[1] + 1 : 0;
        }
    }
    printf("%s %.3f\n", name, (double)(now_ns() - begin) / rounds / count);
    if (sum == 0)
        exit(1);
}

static void exact(void)
{
    ss_matcher matcher;
    const ss_key_desc key = {"key", 48, SS_EXACT};
    ss_matcher_init(&matcher, &key, 1);
    for (key_count = 0; key_count < MAX_RULES;) {
        uint64_t value = next_random() >> 16;
        add(&matcher, &value, NULL, 0);
    }
    shuffle();
    measure("exact_1m", &matcher, key_count, 3);
}

/* Prefix lengths as in the routing tables of the Internet: most have 24 bits. */
static void lpm(void)
{
    static const uint32_t lengths[20] = {24, 24, 24, 24, 24, 24, 24, 24, 24, 24,
                                         24, 23, 23, 22, 22, 21, 20, 19, 18, 16};
    ss_matcher matcher;
    const ss_key_desc key = {"key", 32, SS_LPM};
    ss_matcher_init(&matcher, &key, 1);
    for (key_count = 0; key_count < MAX_RULES / 2;) {
        uint32_t length = next_random() % 50 ? lengths[next_random() % 20] : 8 + (uint32_t)(next_random() % 25);
        uint64_t mask = 0xffffffffull << (32 - length) & 0xffffffff, value = next_random() & mask;
        add(&matcher, &value, &mask, 0);
    }
    shuffle();
    measure("lpm_500k", &matcher, key_count, 3);
}

static void masks(void)
{
    ss_matcher matcher;
    const ss_key_desc two[2] = {{"one", 32, SS_TERNARY}, {"other", 32, SS_TERNARY}};
    ss_matcher_init(&matcher, two, 2);
    for (key_count = 0; key_count < MAX_RULES / 100;) {
        uint64_t mask[2] = {next_random() & next_random() & 0xffffffff, next_random() & next_random() & 0xffffffff};
        uint64_t value[2] = {next_random() & mask[0], next_random() & mask[1]};
        add(&matcher, value, mask, 1 + (int32_t)(next_random() % 1000));
    }
    shuffle();
    measure("masks_10k_flows", &matcher, FLOWS, 2);
}

int main(void)
{
    keys = calloc(MAX_RULES, sizeof *keys);
    if (!keys)
        return 1;
    exact();
    lpm();
    masks();
    return 0;
}
