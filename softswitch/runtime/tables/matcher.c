#include "tables/matcher.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_BUCKETS 16u

/* Multiply-and-fold mixing: each word is folded into the state by a 64 x 64 -> 128 bit product. */
static inline uint64_t mix(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)(a ^ 0x9e3779b97f4a7c15ull) * (b ^ 0xd1342543de82ef95ull);
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t hash_words(const uint64_t *words, uint32_t count)
{
    uint64_t hash = 0x2545f4914f6cdd1dull;
    for (uint32_t i = 0; i < count; i++)
        hash = mix(hash, words[i]);
    return hash;
}

static inline uint64_t top_word_mask(uint32_t width, uint32_t word)
{
    uint32_t low = word * 64;
    if (width >= low + 64)
        return UINT64_MAX;
    return width > low ? (1ull << (width - low)) - 1 : 0;
}

/* -1, 0, 1 as a < b, a == b, a > b; least significant word first. */
static inline int compare_words(const uint64_t *a, const uint64_t *b, uint32_t words)
{
    for (uint32_t i = words; i-- > 0;)
        if (a[i] != b[i])
            return a[i] < b[i] ? -1 : 1;
    return 0;
}

bool ss_matcher_init(ss_matcher *matcher, const ss_key_desc *keys, uint32_t key_count)
{
    memset(matcher, 0, sizeof *matcher);
    matcher->lpm = -1;
    matcher->exact = true;
    matcher->fields = calloc(key_count ? key_count : 1, sizeof *matcher->fields);
    if (!matcher->fields)
        return false;
    uint32_t lpm_fields = 0;
    for (uint32_t i = 0; i < key_count; i++) {
        if (keys[i].match == SS_SELECTOR)
            continue;
        ss_field *field = &matcher->fields[matcher->field_count];
        field->match = keys[i].match;
        field->width = keys[i].width;
        field->first = matcher->words;
        field->words = keys[i].width > 64 ? (keys[i].width + 63) / 64 : 1;
        matcher->words += field->words;
        if (field->match != SS_EXACT)
            matcher->exact = false;
        if (field->match == SS_LPM) {
            lpm_fields++;
            matcher->lpm = (int32_t)matcher->field_count;
        } else if (field->match != SS_EXACT)
            matcher->prioritised = true;
        if (field->match == SS_RANGE)
            matcher->ranges = true;
        matcher->field_count++;
    }
    if (lpm_fields > 1)
        matcher->prioritised = true;
    if (matcher->prioritised)
        matcher->lpm = -1;
    return true;
}

static void free_group(ss_group *group)
{
    free(group->mask);
    free(group->buckets);
    free(group);
}

void ss_matcher_free(ss_matcher *matcher)
{
    for (uint32_t i = 0; i < matcher->group_count; i++)
        free_group(matcher->groups[i]);
    free(matcher->groups);
    free(matcher->fields);
    memset(matcher, 0, sizeof *matcher);
}

uint32_t ss_matcher_rule_words(const ss_matcher *matcher) { return matcher->words * (matcher->ranges ? 3 : 2); }

/* The mask of the group that a rule belongs to: its own mask, for ranges the leading bits that low and high share. */
static void group_mask(const ss_matcher *matcher, const ss_rule *rule, uint64_t *out)
{
    memcpy(out, rule->mask, matcher->words * sizeof *out);
    if (!matcher->ranges)
        return;
    for (uint32_t f = 0; f < matcher->field_count; f++) {
        const ss_field *field = &matcher->fields[f];
        if (field->match != SS_RANGE)
            continue;
        bool shared = true; /* all more significant bits are the same */
        for (uint32_t i = field->words; i-- > 0;) {
            uint32_t word = field->first + i;
            uint64_t differ = rule->value[word] ^ rule->mask[word];
            uint64_t all = top_word_mask(field->width, i);
            if (!shared)
                out[word] = 0;
            else if (differ) {
                uint32_t top = 63 - (uint32_t)__builtin_clzll(differ);
                out[word] = all & (top == 63 ? 0 : ~((2ull << top) - 1));
                shared = false;
            } else
                out[word] = all;
        }
    }
}

bool ss_matcher_prepare(const ss_matcher *matcher, ss_rule *rule, uint64_t *storage, const uint64_t *value,
                        const uint64_t *mask, int32_t priority)
{
    uint32_t words = matcher->words;
    rule->value = storage;
    rule->mask = storage + words;
    rule->masked = matcher->ranges ? storage + 2 * words : storage;
    rule->priority = matcher->prioritised ? priority : 0;
    for (uint32_t f = 0; f < matcher->field_count; f++) {
        const ss_field *field = &matcher->fields[f];
        uint32_t prefix = 0;
        for (uint32_t i = 0; i < field->words; i++) {
            uint32_t word = field->first + i;
            uint64_t all = top_word_mask(field->width, i);
            rule->mask[word] = field->match == SS_EXACT || !mask ? all : mask[word] & all;
            rule->value[word] = value[word] & (field->match == SS_RANGE ? all : rule->mask[word]);
            prefix += (uint32_t)__builtin_popcountll(rule->mask[word]);
        }
        if (field->match == SS_RANGE &&
            compare_words(rule->value + field->first, rule->mask + field->first, field->words) > 0)
            return false;
        if (field->match == SS_LPM) {
            for (uint32_t i = 0; i < field->words; i++) { /* the mask must be a prefix: ones from the top */
                uint32_t low = i * 64, from = field->width - prefix;
                uint64_t all = top_word_mask(field->width, i);
                uint64_t want = from <= low ? all : from >= low + 64 ? 0 : all & (UINT64_MAX << (from - low));
                if (rule->mask[field->first + i] != want)
                    return false;
            }
            if (matcher->lpm == (int32_t)f)
                rule->priority = (int32_t)prefix;
        }
    }
    if (matcher->ranges) {
        group_mask(matcher, rule, rule->masked);
        for (uint32_t i = 0; i < words; i++)
            rule->masked[i] &= rule->value[i];
    }
    return true;
}

static ss_group *find_group(const ss_matcher *matcher, const uint64_t *mask)
{
    size_t bytes = matcher->words * sizeof *mask;
    for (uint32_t i = 0; i < matcher->group_count; i++)
        if (memcmp(matcher->groups[i]->mask, mask, bytes) == 0)
            return matcher->groups[i];
    return NULL;
}

ss_rule *ss_matcher_find(const ss_matcher *matcher, const ss_rule *like)
{
    uint64_t mask[matcher->words + 1];
    size_t bytes = matcher->words * sizeof *mask;
    group_mask(matcher, like, mask);
    ss_group *group = find_group(matcher, mask);
    if (!group)
        return NULL;
    uint64_t hash = hash_words(like->masked, matcher->words);
    for (ss_rule *rule = group->buckets[hash & group->bucket_mask]; rule; rule = rule->next)
        if (rule->hash == hash && rule->priority == like->priority && memcmp(rule->value, like->value, bytes) == 0 &&
            memcmp(rule->mask, like->mask, bytes) == 0)
            return rule;
    return NULL;
}

/* Moves the group to its place by bound; the list is sorted but for this one. */
static void sort_group(ss_matcher *matcher, ss_group *group)
{
    uint32_t at = 0;
    while (matcher->groups[at] != group)
        at++;
    for (; at > 0 && matcher->groups[at - 1]->bound < group->bound; at--)
        matcher->groups[at] = matcher->groups[at - 1];
    for (; at + 1 < matcher->group_count && matcher->groups[at + 1]->bound > group->bound; at++)
        matcher->groups[at] = matcher->groups[at + 1];
    matcher->groups[at] = group;
}

static ss_group *add_group(ss_matcher *matcher, const uint64_t *mask, int32_t bound)
{
    if (matcher->group_count == matcher->group_capacity) {
        uint32_t capacity = matcher->group_capacity ? 2 * matcher->group_capacity : 8;
        ss_group **groups = realloc(matcher->groups, capacity * sizeof *groups);
        if (!groups)
            return NULL;
        matcher->groups = groups;
        matcher->group_capacity = capacity;
    }
    ss_group *group = calloc(1, sizeof *group);
    size_t bytes = (matcher->words ? matcher->words : 1) * sizeof *mask;
    if (!group || !(group->mask = malloc(bytes)) || !(group->buckets = calloc(FIRST_BUCKETS, sizeof *group->buckets))) {
        if (group)
            free_group(group);
        return NULL;
    }
    memcpy(group->mask, mask, matcher->words * sizeof *mask);
    group->bucket_mask = FIRST_BUCKETS - 1;
    group->bound = bound;
    matcher->groups[matcher->group_count++] = group;
    sort_group(matcher, group);
    return group;
}

/* Puts a rule before the worse ones of its own masked key, which keeps the better ones first. */
static void link_rule(const ss_matcher *matcher, ss_group *group, ss_rule *rule)
{
    size_t bytes = matcher->words * sizeof *rule->masked;
    ss_rule **at = &group->buckets[rule->hash & group->bucket_mask];
    if (matcher->prioritised)
        for (ss_rule **step = at; *step; step = &(*step)->next) {
            ss_rule *other = *step;
            if (other->hash != rule->hash || memcmp(other->masked, rule->masked, bytes) != 0)
                continue;
            if (other->priority < rule->priority || (other->priority == rule->priority && other->order > rule->order)) {
                at = step;
                break;
            }
            at = &other->next;
        }
    rule->next = *at;
    *at = rule;
}

static void grow(ss_group *group)
{
    uint32_t count = 2 * (group->bucket_mask + 1), old_mask = group->bucket_mask;
    ss_rule **old = group->buckets, **buckets = calloc(count, sizeof *buckets);
    if (!buckets)
        return; /* longer chains, still right */
    group->buckets = buckets;
    group->bucket_mask = count - 1;
    for (uint32_t i = 0; i <= old_mask; i++) {
        ss_rule *reversed = NULL, *next;
        for (ss_rule *rule = old[i]; rule; rule = next) {
            next = rule->next;
            rule->next = reversed;
            reversed = rule;
        }
        for (ss_rule *rule = reversed; rule; rule = next) { /* each to the front: the order in a chain is kept */
            ss_rule **at = &buckets[rule->hash & group->bucket_mask];
            next = rule->next;
            rule->next = *at;
            *at = rule;
        }
    }
    free(old);
}

bool ss_matcher_insert(ss_matcher *matcher, ss_rule *rule)
{
    uint64_t mask[matcher->words + 1];
    group_mask(matcher, rule, mask);
    ss_group *group = find_group(matcher, mask);
    if (!group && !(group = add_group(matcher, mask, rule->priority)))
        return false;
    if (group->count > group->bucket_mask - group->bucket_mask / 4)
        grow(group);
    rule->group = group;
    rule->hash = hash_words(rule->masked, matcher->words);
    rule->order = matcher->next_order++;
    link_rule(matcher, group, rule);
    group->count++;
    matcher->count++;
    if (rule->priority > group->bound) {
        group->bound = rule->priority;
        sort_group(matcher, group);
    }
    return true;
}

static void tighten(ss_matcher *matcher, ss_group *group)
{
    int32_t bound = INT32_MIN;
    for (uint32_t i = 0; i <= group->bucket_mask; i++)
        for (ss_rule *rule = group->buckets[i]; rule; rule = rule->next)
            if (rule->priority > bound)
                bound = rule->priority;
    group->bound = bound;
    group->removed = 0;
    sort_group(matcher, group);
}

void ss_matcher_remove(ss_matcher *matcher, ss_rule *rule)
{
    ss_group *group = rule->group;
    ss_rule **at = &group->buckets[rule->hash & group->bucket_mask];
    while (*at != rule)
        at = &(*at)->next;
    *at = rule->next;
    group->count--;
    matcher->count--;
    if (group->count == 0) {
        uint32_t i = 0;
        while (matcher->groups[i] != group)
            i++;
        memmove(matcher->groups + i, matcher->groups + i + 1, (matcher->group_count - i - 1) * sizeof *matcher->groups);
        matcher->group_count--;
        free_group(group);
    } else if (matcher->prioritised && rule->priority == group->bound && ++group->removed > group->count / 2)
        tighten(matcher, group); /* seldom enough that removing n rules costs O(n) */
}

static bool in_ranges(const ss_matcher *matcher, const ss_rule *rule, const uint64_t *key)
{
    for (uint32_t f = 0; f < matcher->field_count; f++) {
        const ss_field *field = &matcher->fields[f];
        if (field->match == SS_RANGE &&
            (compare_words(key + field->first, rule->value + field->first, field->words) < 0 ||
             compare_words(key + field->first, rule->mask + field->first, field->words) > 0))
            return false;
    }
    return true;
}

static inline bool same_words(const uint64_t *a, const uint64_t *b, uint32_t words)
{
    for (uint32_t i = 0; i < words; i++)
        if (a[i] != b[i])
            return false;
    return true;
}

ss_rule *ss_matcher_lookup(const ss_matcher *matcher, const uint64_t *key)
{
    uint32_t words = matcher->words;
    if (matcher->exact) {
        if (matcher->count == 0)
            return NULL;
        const ss_group *group = matcher->groups[0];
        uint64_t hash = hash_words(key, words);
        for (ss_rule *rule = group->buckets[hash & group->bucket_mask]; rule; rule = rule->next)
            if (rule->hash == hash && same_words(rule->masked, key, words))
                return rule;
        return NULL;
    }
    uint64_t masked[words + 1];
    ss_rule *best = NULL;
    for (uint32_t g = 0; g < matcher->group_count; g++) {
        const ss_group *group = matcher->groups[g];
        if (best && (best->priority > group->bound || !matcher->prioritised))
            break; /* lpm: groups come longest prefix first, and no two have the same one */
        for (uint32_t i = 0; i < words; i++)
            masked[i] = key[i] & group->mask[i];
        uint64_t hash = hash_words(masked, words);
        for (ss_rule *rule = group->buckets[hash & group->bucket_mask]; rule; rule = rule->next) {
            if (rule->hash != hash || !same_words(rule->masked, masked, words))
                continue;
            if (matcher->ranges && !in_ranges(matcher, rule, key))
                continue;
            if (!best || rule->priority > best->priority ||
                (rule->priority == best->priority && rule->order < best->order))
                best = rule;
            break;
        }
    }
    return best;
}
