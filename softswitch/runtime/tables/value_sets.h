/* Parser value sets: the matcher without actions. */
#ifndef SS_VALUE_SETS_H
#define SS_VALUE_SETS_H

#include "core/base.h"
#include "core/instance.h"

ss_value_set *ss_value_set_create(ss_instance *instance, const ss_value_set_desc *desc);
void ss_value_set_destroy(ss_value_set *set);
void ss_value_set_clear(ss_value_set *set);

#endif
