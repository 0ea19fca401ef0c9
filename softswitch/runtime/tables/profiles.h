/* Action profiles and selectors: members hold an action, groups hold weighted members. */
#ifndef SS_PROFILES_H
#define SS_PROFILES_H

#include "core/base.h"
#include "core/instance.h"

ss_profile *ss_profile_create(ss_instance *instance, const ss_profile_desc *desc);
void ss_profile_destroy(ss_profile *profile);
void ss_profile_clear(ss_profile *profile);
uint32_t ss_profile_attach(ss_profile *profile, uint32_t data_words); /* adds a table; returns its position */
void *ss_profile_refer(ss_profile *profile, uint32_t kind, uint64_t id);
void ss_profile_unrefer(uint32_t kind, void *target);
const ss_entry *ss_profile_choose(ss_profile *profile, uint32_t kind, void *target, uint32_t position, uint64_t hash);

#endif
