/* The locks of the data plane: how controllers and packets take turns.
 *
 * A batch (SS_BATCH packets of one port at most) runs as a whole: received, through the program, sent, its places in
 * the ring given back. The moment between two batches is the safe point. A controller that needs access raises
 * `waiting`; data-plane threads look at it between batches and park, and the controller begins when no batch runs any
 * more: nothing is received, computed or on its way out while it holds the data plane.
 *
 * One data-plane thread holds the mutex `plane` for the whole batch. Several count themselves in and out (`busy`), so
 * that they receive and send side by side, and take `pipeline` for their packets' way through the program, which is
 * thus serial; what leaves a port keeps that order (core/order.h).
 *
 * Mutexes are not fair, so two rules keep either side from starving the other: threads wait while a controller has
 * access; and once one has waited for HOLD_SLICE_NS, the next controller waits until every parked thread has had a
 * batch (`turns`). `control` serialises controllers.
 *
 * Order of locks: control, plane, pipeline; a thread takes `plane` only before and after its batch.
 *
 * Controllers: ss_switch_hold and ss_switch_release (api.h), or the two below for the objects of a pipeline. */
#ifndef SS_SAFE_POINT_H
#define SS_SAFE_POINT_H

#include "core/instance.h"
#include "core/switch.h"

void ss_safe_point_init(ss_switch *sw);
void ss_safe_point_destroy(ss_switch *sw);

/* The only data-plane thread. */
void ss_plane_enter(ss_switch *sw); /* takes the lock ... */
void ss_plane_leave(ss_switch *sw); /* ... and gives it up */

/* One of several: around a batch ... */
void ss_batch_enter(ss_switch *sw);
void ss_batch_leave(ss_switch *sw);
/* ... and within it around what packets use; `lane`: its own number. */
void ss_pipeline_enter(ss_switch *sw, uint32_t lane);
void ss_pipeline_leave(ss_switch *sw);
/* Outside of a batch: what no other thread's batch may run beside. */
void ss_plane_exclude(ss_switch *sw);
void ss_plane_admit(ss_switch *sw);

/* Holds the data plane only if packets use this pipeline: loading a saved one never stops traffic. */
void ss_instance_lock(ss_instance *instance);
void ss_instance_unlock(ss_instance *instance);

#endif
