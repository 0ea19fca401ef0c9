#include "matching/matcher.h"

#include <stdlib.h>
#include <string.h>

#define MANY_GROUPS 16u /* from here on the results of lookups are cached ... */
#define MANY_RANGES 64u /* ... or from so many rules with ranges */

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
        if (field->match == SS_RANGE && !matcher->ranges) {
            matcher->ranges = true;
            matcher->span = (ss_span_field){.first = field->first, .words = field->words};
        }
        matcher->field_count++;
    }
    if (lpm_fields > 1)
        matcher->prioritised = true;
    if (matcher->prioritised)
        matcher->lpm = -1;
    matcher->span.key_words = matcher->words;
    if (matcher->lpm >= 0 &&
        !(matcher->by_length = calloc(matcher->fields[matcher->lpm].width + 1, sizeof *matcher->by_length)))
        return false;
    ss_key_map_init(&matcher->by_mask, matcher->words);
    ss_results_init(&matcher->results, matcher->words);
    return true;
}

static void free_group(ss_group *group)
{
    free(group->mask);
    ss_key_map_free(&group->rules);
    free(group);
}

void ss_matcher_free(ss_matcher *matcher)
{
    for (uint32_t i = 0; i < matcher->group_count; i++)
        free_group(matcher->groups[i]);
    ss_key_map_free(&matcher->by_mask);
    ss_results_free(&matcher->results);
    ss_prefixes_free(&matcher->prefixes);
    free(matcher->by_length);
    free(matcher->probes);
    free(matcher->groups);
    free(matcher->fields);
    memset(matcher, 0, sizeof *matcher);
}

uint32_t ss_matcher_rule_words(const ss_matcher *matcher)
{
    return matcher->ranges ? 3 * matcher->words + SS_INTERVAL_WORDS : 2 * matcher->words;
}

/* The mask of a rule's group: the rule's own mask without the ranges. */
static void group_mask(const ss_matcher *matcher, const ss_rule *rule, uint64_t *out)
{
    memcpy(out, rule->mask, matcher->words * sizeof *out);
    for (uint32_t f = 0; matcher->ranges && f < matcher->field_count; f++)
        if (matcher->fields[f].match == SS_RANGE)
            memset(out + matcher->fields[f].first, 0, matcher->fields[f].words * sizeof *out);
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
            uint64_t all = ss_word_mask(field->width, i);
            rule->mask[word] = field->match == SS_EXACT || !mask ? all : mask[word] & all;
            rule->value[word] = value[word] & (field->match == SS_RANGE ? all : rule->mask[word]);
            prefix += (uint32_t)__builtin_popcountll(rule->mask[word]);
        }
        if (field->match == SS_RANGE &&
            ss_compare_words(rule->value + field->first, rule->mask + field->first, field->words) > 0)
            return false;
        if (field->match == SS_LPM) {
            for (uint32_t i = 0; i < field->words; i++) { /* the mask must be a prefix: ones, then zeros */
                uint32_t low = i * 64, from = field->width - prefix;
                uint64_t all = ss_word_mask(field->width, i);
                uint64_t want = from <= low ? all : from >= low + 64 ? 0 : all & (UINT64_MAX << (from - low));
                if (rule->mask[field->first + i] != want)
                    return false;
            }
            if (matcher->lpm == (int32_t)f)
                rule->priority = (int32_t)prefix;
        }
    }
    if (matcher->ranges) {
        rule->span = (ss_interval *)(storage + 3 * words);
        group_mask(matcher, rule, rule->masked);
        for (uint32_t i = 0; i < words; i++)
            rule->masked[i] &= rule->value[i];
    }
    return true;
}

static ss_group *find_group(const ss_matcher *matcher, const uint64_t *mask)
{
    const uint64_t *slot = ss_key_map_find(&matcher->by_mask, ss_hash_words(mask, matcher->words), mask);
    return slot ? (ss_group *)(uintptr_t)slot[0] : NULL;
}

static inline ss_rule *first_rule(const uint64_t *slot) { return (ss_rule *)(uintptr_t)slot[0]; }

ss_rule *ss_matcher_find(const ss_matcher *matcher, const ss_rule *like)
{
    uint64_t mask[matcher->words + 1];
    group_mask(matcher, like, mask);
    const ss_group *group = find_group(matcher, mask);
    const uint64_t *slot =
        group ? ss_key_map_find(&group->rules, ss_hash_words(like->masked, matcher->words), like->masked) : NULL;
    if (!slot)
        return NULL;
    if (matcher->ranges)
        return ss_intervals_find(&matcher->span, first_rule(slot), like);
    ss_rule *rule = first_rule(slot);
    while (rule && rule->priority > like->priority)
        rule = rule->next;
    return rule && rule->priority == like->priority ? rule : NULL;
}

/* Moves a group to its place by bound; the rest of the list is sorted. */
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
    matcher->probes_stale = true;
}

static bool grow_groups(ss_matcher *matcher)
{
    uint32_t capacity = matcher->group_capacity ? 2 * matcher->group_capacity : 8;
    ss_group **groups = realloc(matcher->groups, capacity * sizeof *groups);
    if (!groups)
        return false;
    matcher->groups = groups;
    uint64_t *probes = realloc(matcher->probes, (size_t)capacity * ss_probe_words(matcher) * sizeof *probes);
    if (!probes)
        return false;
    matcher->probes = probes;
    matcher->group_capacity = capacity;
    return true;
}

static ss_group *add_group(ss_matcher *matcher, const uint64_t *mask, int32_t bound)
{
    if (matcher->group_count == matcher->group_capacity && !grow_groups(matcher))
        return NULL;
    ss_group *group = calloc(1, sizeof *group);
    size_t bytes = (matcher->words ? matcher->words : 1) * sizeof *mask;
    uint64_t *place;
    if (!group || !(group->mask = malloc(bytes)) || !(place = ss_key_map_put(&matcher->by_mask, mask))) {
        if (group)
            free_group(group);
        return NULL;
    }
    *place = (uint64_t)(uintptr_t)group;
    memcpy(group->mask, mask, matcher->words * sizeof *mask);
    ss_key_map_init(&group->rules, matcher->words);
    group->bound = bound;
    matcher->groups[matcher->group_count++] = group;
    sort_group(matcher, group);
    if (matcher->lpm >= 0)
        matcher->by_length[bound] = group;
    return group;
}

static void remove_group(ss_matcher *matcher, ss_group *group)
{
    uint32_t i = 0;
    while (matcher->groups[i] != group)
        i++;
    memmove(matcher->groups + i, matcher->groups + i + 1, (matcher->group_count - i - 1) * sizeof *matcher->groups);
    matcher->group_count--;
    matcher->probes_stale = true;
    if (matcher->lpm >= 0)
        matcher->by_length[group->bound] = NULL;
    ss_key_map_remove(&matcher->by_mask, group->mask);
    free_group(group);
}

/* Links a rule behind the better rules of its masked key. */
static bool link_rule(const ss_matcher *matcher, ss_group *group, ss_rule *rule)
{
    uint64_t *slot = ss_key_map_put(&group->rules, rule->masked);
    if (!slot)
        return false;
    ss_rule *first = first_rule(slot);
    if (matcher->ranges) {
        slot[0] = (uint64_t)(uintptr_t)ss_intervals_insert(&matcher->span, first, rule);
    } else if (!first || ss_rule_better(rule, first)) {
        rule->next = first;
        slot[0] = (uint64_t)(uintptr_t)rule;
    } else {
        while (first->next && ss_rule_better(first->next, rule))
            first = first->next;
        rule->next = first->next;
        first->next = rule;
    }
    return true;
}

static void unlink_rule(const ss_matcher *matcher, ss_group *group, ss_rule *rule)
{
    uint64_t *slot = ss_key_map_find(&group->rules, ss_hash_words(rule->masked, matcher->words), rule->masked);
    ss_rule *first = first_rule(slot);
    if (matcher->ranges)
        first = ss_intervals_remove(&matcher->span, first, rule);
    else if (first == rule)
        first = rule->next;
    else {
        ss_rule *before = first;
        while (before->next != rule)
            before = before->next;
        before->next = rule->next;
    }
    slot[0] = (uint64_t)(uintptr_t)first;
    if (!first) {
        slot[0] = (uint64_t)(uintptr_t)rule; /* a slot of 0 would count as free */
        ss_key_map_remove(&group->rules, rule->masked);
    }
}

/* Marks the probes as stale if the probe of a group contains, or contained, its only masked key. */
static void changed(ss_matcher *matcher, const ss_group *group)
{
    if (group->rules.count <= 2) /* it has one masked key, or had one before */
        matcher->probes_stale = true;
    ss_results_forget(&matcher->results);
}

static const uint64_t *lpm_field(const ss_matcher *matcher, const ss_rule *rule)
{
    return rule->value + matcher->fields[matcher->lpm].first;
}

/* Recomputes the prefix lengths of all rules. Without memory every length is probed. */
static void learn_prefixes(ss_matcher *matcher, uint32_t bits)
{
    ss_prefixes_free(&matcher->prefixes);
    if (!ss_prefixes_open(&matcher->prefixes, matcher->fields[matcher->lpm].width, bits))
        return;
    for (uint32_t g = 0; g < matcher->group_count; g++) {
        const ss_key_map *rules = &matcher->groups[g]->rules;
        for (uint32_t i = 0; i < rules->capacity; i++) {
            const ss_rule *rule = first_rule(ss_key_map_slot(rules, i));
            if (rule)
                ss_prefixes_add(&matcher->prefixes, lpm_field(matcher, rule), (uint32_t)rule->priority);
        }
    }
}

static void prefix_added(ss_matcher *matcher, const ss_rule *rule)
{
    uint32_t bits = ss_prefix_bits(matcher->fields[matcher->lpm].width, matcher->count);
    if (!matcher->prefixes.lengths || bits > matcher->prefixes.bits)
        learn_prefixes(matcher, bits);
    else
        ss_prefixes_add(&matcher->prefixes, lpm_field(matcher, rule), (uint32_t)rule->priority);
}

static void prefix_removed(ss_matcher *matcher)
{
    if (matcher->prefixes.lengths && ++matcher->prefixes.gone > matcher->count + 1024)
        learn_prefixes(matcher, matcher->prefixes.bits); /* as rarely as a group is tightened */
}

bool ss_matcher_insert(ss_matcher *matcher, ss_rule *rule)
{
    uint64_t mask[matcher->words + 1];
    group_mask(matcher, rule, mask);
    ss_group *group = find_group(matcher, mask);
    if (!group && !(group = add_group(matcher, mask, rule->priority)))
        return false;
    rule->group = group;
    rule->order = matcher->next_order++;
    if (!link_rule(matcher, group, rule)) {
        if (!group->count)
            remove_group(matcher, group);
        return false;
    }
    group->count++;
    matcher->count++;
    changed(matcher, group);
    if (matcher->lpm >= 0)
        prefix_added(matcher, rule);
    if (rule->priority > group->bound) {
        group->bound = rule->priority;
        sort_group(matcher, group);
    }
    if (matcher->prioritised &&
        (matcher->group_count > MANY_GROUPS || (matcher->ranges && matcher->count > MANY_RANGES)))
        ss_results_open(&matcher->results);
    return true;
}

static void tighten(ss_matcher *matcher, ss_group *group)
{
    int32_t bound = INT32_MIN;
    for (uint32_t i = 0; i < group->rules.capacity; i++) {
        const ss_rule *rule = first_rule(ss_key_map_slot(&group->rules, i));
        if (rule && matcher->ranges)
            rule = rule->span->best;
        if (rule && rule->priority > bound)
            bound = rule->priority;
    }
    group->bound = bound;
    group->removed = 0;
    sort_group(matcher, group);
}

void ss_matcher_remove(ss_matcher *matcher, ss_rule *rule)
{
    ss_group *group = rule->group;
    unlink_rule(matcher, group, rule);
    group->count--;
    matcher->count--;
    changed(matcher, group);
    if (matcher->lpm >= 0)
        prefix_removed(matcher);
    if (group->count == 0)
        remove_group(matcher, group);
    else if (matcher->prioritised && rule->priority == group->bound && ++group->removed > group->count / 2)
        tighten(matcher, group); /* rarely enough that removing n rules costs O(n) */
}
