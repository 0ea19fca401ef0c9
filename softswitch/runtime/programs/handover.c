/* The end of a change of programs in one step, with no controller in the middle of it.
 *
 * At the safe point the switch writes the updates of its journal into the new program, moves what needs no copy, and
 * swaps. What is prepared before: which cells, which slots; and a long journal is written in pieces, between which
 * packets flow. What is left takes some microseconds. */
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include "arrays/registers.h"
#include "core/clock.h"
#include "core/safe_point.h"
#include "packets/journal.h"
#include "tables/pairs.h"

#define NICE (-10)  /* as the data plane's */
#define PIECE 1024u /* clones whose updates are written in one safe point before the last one */
#define PIECES 256u /* at most: packets may come faster than their updates can be written */

static void write_update(void *argument, uint64_t component, uint64_t index, const uint8_t *value, uint32_t bytes)
{
    ss_handover *handover = argument;
    if (component >= handover->component_count || !handover->components[component].to)
        return;
    const ss_component *target = &handover->components[component];
    if (index < target->cells && index < ss_array_count(target->to)) {
        ss_array_put(target->to, index, value, bytes, target->width, target->is_signed);
        handover->updates++;
    }
}

typedef struct urgency {
    int policy, nice;
    struct sched_param param;
} urgency;

/* The thread must not be preempted while packets wait: real-time priority for these microseconds, else that of the data
 * plane. Both need privileges; without them nothing changes. */
static urgency hurry(void)
{
    urgency before = {.nice = getpriority(PRIO_PROCESS, (id_t)gettid())};
    struct sched_param now = {.sched_priority = 1};
    pthread_getschedparam(pthread_self(), &before.policy, &before.param);
    if (pthread_setschedparam(pthread_self(), SCHED_FIFO, &now))
        setpriority(PRIO_PROCESS, (id_t)gettid(), NICE);
    return before;
}

static void calm_down(const urgency *before)
{
    pthread_setschedparam(pthread_self(), before->policy, &before->param);
    setpriority(PRIO_PROCESS, (id_t)gettid(), before->nice);
}

/* Writes the journal's updates in pieces, until little is left. A missing clone is found at the end, too. */
static void catch_up(ss_switch *sw, ss_handover *handover)
{
    bool more = true;
    for (uint32_t piece = 0; more && piece < PIECES; piece++) {
        ss_switch_hold(sw);
        ss_journal *journal = sw->journal;
        more =
            journal && ss_journal_rest(journal) > PIECE && ss_journal_updates(journal, PIECE, write_update, handover);
        ss_switch_release(sw);
    }
}

/* Moves the state listed in `handover` and commits its program. If the journal is incomplete, updates at most
 * are written, to a program that is only saved. */
int ss_handover_run(ss_switch *sw, ss_handover *handover)
{
    int status = SS_OK;
    handover->updates = handover->clones = 0;
    if (handover->use_journal)
        catch_up(sw, handover);
    urgency before = hurry();
    ss_switch_hold(sw);
    ss_egress_flush(sw); /* with the program that they came to, and before its state goes over */
    handover->complete = !handover->use_journal || (sw->journal && ss_journal_complete(sw->journal));
    if (handover->complete) {
        if (handover->use_journal) {
            ss_journal_updates(sw->journal, ss_journal_rest(sw->journal), write_update, handover);
            handover->clones = ss_journal_clones(sw->journal);
        }
        for (uint32_t i = 0; i < handover->array_count && status == SS_OK; i++)
            status = ss_array_take_over(handover->arrays[2 * i], handover->arrays[2 * i + 1]);
        for (uint32_t i = 0; i < handover->counter_count && status == SS_OK; i++)
            status = ss_counter_take_over(handover->counters[2 * i], handover->counters[2 * i + 1]);
        for (uint32_t i = 0; i < handover->meter_count && status == SS_OK; i++)
            status = ss_meter_take_over(handover->meters[2 * i], handover->meters[2 * i + 1]);
        for (uint32_t i = 0; i < handover->table_count && status == SS_OK; i++)
            ss_table_move_counts(&handover->tables[i]);
        if (status == SS_OK)
            status = ss_pipeline_commit(handover->to);
    }
    handover->held_ns = ss_clock_ns() - sw->hold_began;
    ss_switch_release(sw);
    calm_down(&before);
    return status;
}
