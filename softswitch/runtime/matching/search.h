/* The groups of a matcher as lookups go through them. */
#ifndef SS_SEARCH_H
#define SS_SEARCH_H

#include "matching/matcher.h"

uint32_t ss_probe_words(const ss_matcher *matcher); /* of one group's place in `probes` */

#endif
