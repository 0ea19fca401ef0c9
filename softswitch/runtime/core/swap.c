/* The swap: from one packet to the next, another program forwards. */
#include "core/error.h"
#include "core/log.h"
#include "core/safe_point.h"
#include "include/crcs.h"

/* Hashes go on as they were: what is kept by their values, such as sketches, could not be found otherwise. They have no
 * names in a program, so all are the same in both, or none is. */
static void keep_crcs(ss_instance *to, const ss_instance *from)
{
    const ss_program *old = from->pipeline.program, *new = to->pipeline.program;
    bool same = old->crc_count == new->crc_count, set = false;
    for (uint32_t i = 0; i < old->crc_count; i++) {
        same = same && old->crcs[i].width == new->crcs[i].width;
        set = set || from->pipeline.crcs[i].configured;
    }
    for (uint32_t i = 0; same && i < old->crc_count; i++)
        if (!to->pipeline.crcs[i].configured)
            to->pipeline.crcs[i] = from->pipeline.crcs[i];
    if (set && !same)
        ss_notice(to->sw,
                  "the parameters that were set for hashes are gone: the new program's hashes are not the same");
}

int ss_pipeline_commit(ss_instance *instance)
{
    ss_switch *sw = instance->sw;
    ss_switch_hold(sw);
    if (sw->active && sw->active != instance)
        keep_crcs(instance, sw->active);
    sw->active = instance;
    sw->stats.swaps++;
    ss_switch_release(sw);
    return SS_OK;
}

void ss_pipeline_deactivate(ss_switch *sw)
{
    ss_switch_hold(sw);
    sw->active = NULL;
    ss_switch_release(sw);
}
