/* Lookups in a matcher. */
#ifndef SS_SEARCH_H
#define SS_SEARCH_H

#include "matching/matcher.h"

ss_rule *ss_matcher_lookup(ss_matcher *matcher, const uint64_t *key);

#endif
