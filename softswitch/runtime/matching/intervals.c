#include "matching/intervals.h"

static const uint64_t *low(const ss_span_field *field, const ss_rule *rule) { return rule->value + field->first; }

static const uint64_t *high(const ss_span_field *field, const ss_rule *rule) { return rule->mask + field->first; }

/* The order of the tree; 0: the same ranges and priority. */
static int compare(const ss_span_field *field, const ss_rule *a, const ss_rule *b)
{
    int order = ss_compare_words(low(field, a), low(field, b), field->words);
    if (!order)
        order = ss_compare_words(a->value, b->value, field->key_words);
    if (!order)
        order = ss_compare_words(a->mask, b->mask, field->key_words);
    return order ? order : (a->priority > b->priority) - (a->priority < b->priority);
}

/* Recomputes what a rule knows of its subtree from its children. */
static void update(const ss_span_field *field, ss_rule *rule)
{
    ss_interval *span = rule->span;
    ss_rule *const children[] = {span->left, span->right};
    span->highest = span->best = rule;
    for (uint32_t i = 0; i < 2; i++) {
        if (!children[i])
            continue;
        const ss_interval *child = children[i]->span;
        if (ss_compare_words(high(field, child->highest), high(field, span->highest), field->words) > 0)
            span->highest = child->highest;
        if (ss_rule_better(child->best, span->best))
            span->best = child->best;
    }
}

/* Splits a tree into the rules before `at` and those after it. */
static void split(const ss_span_field *field, ss_rule *root, const ss_rule *at, ss_rule **before, ss_rule **after)
{
    if (!root) {
        *before = *after = NULL;
        return;
    }
    if (compare(field, root, at) < 0) {
        split(field, root->span->right, at, &root->span->right, after);
        *before = root;
    } else {
        split(field, root->span->left, at, before, &root->span->left);
        *after = root;
    }
    update(field, root);
}

static ss_rule *merge(const ss_span_field *field, ss_rule *before, ss_rule *after)
{
    if (!before || !after)
        return before ? before : after;
    ss_rule *root;
    if (before->span->weight > after->span->weight) {
        before->span->right = merge(field, before->span->right, after);
        root = before;
    } else {
        after->span->left = merge(field, before, after->span->left);
        root = after;
    }
    update(field, root);
    return root;
}

static ss_rule *insert(const ss_span_field *field, ss_rule *root, ss_rule *rule)
{
    if (!root || rule->span->weight > root->span->weight) {
        split(field, root, rule, &rule->span->left, &rule->span->right);
        root = rule;
    } else if (compare(field, rule, root) < 0)
        root->span->left = insert(field, root->span->left, rule);
    else
        root->span->right = insert(field, root->span->right, rule);
    update(field, root);
    return root;
}

ss_rule *ss_intervals_insert(const ss_span_field *field, ss_rule *root, ss_rule *rule)
{
    *rule->span = (ss_interval){.weight = ss_mix(rule->order, 0x853c49e6748fea9bull)};
    return insert(field, root, rule);
}

ss_rule *ss_intervals_remove(const ss_span_field *field, ss_rule *root, ss_rule *rule)
{
    if (root == rule)
        return merge(field, rule->span->left, rule->span->right);
    ss_rule **side = compare(field, rule, root) < 0 ? &root->span->left : &root->span->right;
    *side = ss_intervals_remove(field, *side, rule);
    update(field, root);
    return root;
}

ss_rule *ss_intervals_find(const ss_span_field *field, ss_rule *root, const ss_rule *like)
{
    while (root) {
        int order = compare(field, like, root);
        if (!order)
            return root;
        root = order < 0 ? root->span->left : root->span->right;
    }
    return NULL;
}

ss_rule *ss_intervals_search(const ss_span_field *field, ss_rule *root, const uint64_t *key, ss_rule *best,
                             ss_contains *contains, const void *argument)
{
    const uint64_t *wanted = key + field->first;
    while (root) {
        const ss_interval *span = root->span;
        if ((best && !ss_rule_better(span->best, best)) ||
            ss_compare_words(high(field, span->highest), wanted, field->words) < 0)
            break;
        if (ss_compare_words(low(field, root), wanted, field->words) > 0) {
            root = span->left;
            continue;
        }
        if ((!best || ss_rule_better(root, best)) && contains(argument, root, key))
            best = root;
        ss_rule *first = span->left, *second = span->right; /* the one that has the better rule first */
        if (first && second && ss_rule_better(second->span->best, first->span->best)) {
            first = span->right;
            second = span->left;
        }
        best = ss_intervals_search(field, first, key, best, contains, argument);
        root = second;
    }
    return best;
}
