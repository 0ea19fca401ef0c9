/* The lock of the data plane: how controllers and packets take turns.
 *
 * The data-plane thread holds `plane` while it runs a batch and looks at `waiting` in between; that moment is the safe
 * point. A controller that needs access sets `waiting`, and the thread yields to it after the batch (SS_BATCH packets
 * at most). Mutexes are not fair, so two rules keep either side from starving the other: the thread waits while a
 * controller has access; and once it has waited for HOLD_SLICE_NS, the next controller waits until one batch is done
 * (`plane_turn`). `control` serialises controllers.
 *
 * Controllers: ss_switch_hold and ss_switch_release (api.h), or the two below for the objects of a pipeline. */
#ifndef SS_SAFE_POINT_H
#define SS_SAFE_POINT_H

#include "core/instance.h"
#include "core/switch.h"

void ss_safe_point_init(ss_switch *sw);
void ss_safe_point_destroy(ss_switch *sw);

void ss_plane_enter(ss_switch *sw); /* the data-plane thread takes the lock ... */
void ss_plane_leave(ss_switch *sw); /* ... and gives it up */

/* Holds the data plane only if packets use this pipeline: loading a saved one never stops traffic. */
void ss_instance_lock(ss_instance *instance);
void ss_instance_unlock(ss_instance *instance);

#endif
