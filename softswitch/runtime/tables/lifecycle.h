/* Tables are created and freed with their pipeline. */
#ifndef SS_TABLE_LIFECYCLE_H
#define SS_TABLE_LIFECYCLE_H

#include "core/instance.h"

ss_table *ss_table_create(ss_instance *instance, const ss_table_desc *desc, ss_profile *profile); /* NULL: no memory */
void ss_table_destroy(ss_table *table);
void ss_table_clear_counters(ss_table *table); /* and the rates of its meters */

#endif
