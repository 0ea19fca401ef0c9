/* The swap: from one packet to the next, another program forwards. */
#include "core/error.h"
#include "core/safe_point.h"

int ss_pipeline_commit(ss_instance *instance)
{
    ss_switch *sw = instance->sw;
    ss_switch_hold(sw);
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
