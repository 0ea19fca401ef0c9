#include "tables/value_sets.h"

#include "core/error.h"
#include "core/safe_point.h"
#include "matching/search.h"

struct ss_value_set {
    ss_instance *instance;
    const ss_value_set_desc *desc;
    ss_matcher matcher;
    ss_rule **rules;
    uint32_t capacity;
};

ss_value_set *ss_value_set_create(ss_instance *instance, const ss_value_set_desc *desc)
{
    ss_value_set *set = calloc(1, sizeof *set);
    if (!set)
        return NULL;
    set->instance = instance;
    set->desc = desc;
    if (!ss_matcher_init(&set->matcher, desc->keys, desc->key_count)) {
        free(set);
        return NULL;
    }
    return set;
}

void ss_value_set_clear(ss_value_set *set)
{
    while (set->matcher.count) {
        ss_rule *rule = set->rules[set->matcher.count - 1];
        ss_matcher_remove(&set->matcher, rule);
        free(rule);
    }
}

void ss_value_set_destroy(ss_value_set *set)
{
    if (set) {
        ss_value_set_clear(set);
        ss_matcher_free(&set->matcher);
        free(set->rules);
        free(set);
    }
}

bool ss_value_set_contains(ss_value_set *set, const uint64_t *key)
{
    return set->matcher.count && ss_matcher_lookup(&set->matcher, key);
}

static int insert(ss_value_set *set, const uint64_t *row)
{
    const char *name = set->desc->name;
    uint32_t words = set->matcher.words, at = set->matcher.count;
    if (at == set->capacity) {
        uint32_t capacity = set->capacity ? 2 * set->capacity : 8;
        ss_rule **rules = realloc(set->rules, capacity * sizeof *rules);
        if (!rules)
            return ss_fail(SS_NO_MEMORY, "no memory for a member of value set %s", name);
        set->rules = rules;
        set->capacity = capacity;
    }
    ss_rule *rule = calloc(1, sizeof *rule + ss_matcher_rule_words(&set->matcher) * sizeof(uint64_t));
    if (!rule)
        return ss_fail(SS_NO_MEMORY, "no memory for a member of value set %s", name);
    int status = SS_OK;
    if (!ss_matcher_prepare(&set->matcher, rule, (uint64_t *)(rule + 1), row + SS_ROW_HEAD, row + SS_ROW_HEAD + words,
                            1))
        status = ss_fail(SS_INVALID, "value set %s: a range from high to low, or a prefix with gaps", name);
    else if (ss_matcher_find(&set->matcher, rule))
        status = ss_fail(SS_EXISTS, "value set %s has this member already", name);
    else if (set->desc->size && at >= set->desc->size)
        status = ss_fail(SS_FULL, "value set %s is full: it was declared with size %u", name, set->desc->size);
    else if (!ss_matcher_insert(&set->matcher, rule))
        status = ss_fail(SS_NO_MEMORY, "no memory for a member of value set %s", name);
    if (status == SS_OK)
        set->rules[at] = rule;
    else
        free(rule);
    return status;
}

static int delete(ss_value_set *set, const uint64_t *row)
{
    uint64_t storage[ss_matcher_rule_words(&set->matcher) + 1];
    ss_rule like, *rule = NULL;
    if (ss_matcher_prepare(&set->matcher, &like, storage, row + SS_ROW_HEAD, row + SS_ROW_HEAD + set->matcher.words, 1))
        rule = ss_matcher_find(&set->matcher, &like);
    if (!rule)
        return ss_fail(SS_NOT_FOUND, "value set %s has no such member", set->desc->name);
    uint32_t at = 0, count = set->matcher.count;
    while (set->rules[at] != rule)
        at++;
    memmove(set->rules + at, set->rules + at + 1, (count - at - 1) * sizeof *set->rules);
    ss_matcher_remove(&set->matcher, rule);
    free(rule);
    return SS_OK;
}

int ss_value_set_write(ss_value_set *set, uint32_t operation, uint32_t count, const uint64_t *rows, uint32_t *done)
{
    uint32_t words = SS_ROW_HEAD + 2 * set->matcher.words;
    int status = SS_OK;
    ss_instance_lock(set->instance);
    for (*done = 0; *done < count; (*done)++) {
        const uint64_t *row = rows + (size_t)*done * words;
        status = operation == SS_INSERT ? insert(set, row) : delete (set, row);
        if (status != SS_OK)
            break;
    }
    ss_instance_unlock(set->instance);
    return status;
}

/* Value and mask words of each member, in insertion order; returns the number of members. */
uint32_t ss_value_set_read(ss_value_set *set, uint64_t *rows, uint32_t capacity)
{
    uint32_t words = set->matcher.words;
    ss_instance_lock(set->instance);
    uint32_t count = set->matcher.count;
    for (uint32_t i = 0; i < count && i < capacity; i++) {
        memcpy(rows + (size_t)i * 2 * words, set->rules[i]->value, words * sizeof *rows);
        memcpy(rows + (size_t)i * 2 * words + words, set->rules[i]->mask, words * sizeof *rows);
    }
    ss_instance_unlock(set->instance);
    return count;
}
