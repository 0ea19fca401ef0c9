#include "core/log.h"

#include <stdarg.h>
#include <stdio.h>

#include "core/clock.h"
#include "core/instance.h"
#include "core/queue.h"

static void push_line(ss_switch *sw, uint32_t kind, const char *format, va_list arguments)
{
    char line[1024];
    int length = vsnprintf(line, sizeof line, format, arguments);
    if (length < 0)
        return;
    if ((size_t)length >= sizeof line)
        length = sizeof line - 1;
    /* full: it is not being read */
    ss_queue_push(sw->queues[SS_LOG], kind, 0, ss_switch_time(sw), line, (uint32_t)length, NULL, 0);
}

void ss_log(ss_pipeline *pipeline, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    push_line(((ss_instance *)pipeline->owner)->sw, SS_LOG_MESSAGE, format, arguments);
    va_end(arguments);
}

void ss_notice(ss_switch *sw, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    push_line(sw, SS_LOG_NOTICE, format, arguments);
    va_end(arguments);
}
