/* Indirect meters: arrays of meter cells. */
#ifndef SS_METERS_H
#define SS_METERS_H

#include "core/base.h"
#include "core/instance.h"

ss_meter *ss_meter_create(ss_instance *instance, const ss_counter_desc *desc);
void ss_meter_destroy(ss_meter *meter);
void ss_meter_clear(ss_meter *meter);

#endif
