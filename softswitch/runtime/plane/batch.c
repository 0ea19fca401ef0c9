#include "plane/batch.h"

#include "core/clock.h"
#include "packets/traffic.h"
#include "packets/work.h"

void ss_run_frames(ss_switch *sw, const ss_port *port, const ss_frame *frames, uint32_t count)
{
    ss_work_begin(sw);
    for (uint32_t i = 0; i < count; i++) {
        ss_clock_update(sw);
        sw->received = &frames[i];
        ss_receive(sw, port->number, frames[i].data, frames[i].length);
    }
    sw->received = NULL;
    sw->stats.batches++;
}

void ss_release_frames(ss_port *port, const ss_frame *frames, uint32_t count)
{
    port->ops->release(port);
    port->stats.rx_packets += count;
    for (uint32_t i = 0; i < count; i++)
        port->stats.rx_bytes += frames[i].length;
}
