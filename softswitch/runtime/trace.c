/* Words for people: log_msg of programs, the trace of each packet, notices about ports. All go through the log queue. */
#include <stdarg.h>
#include <stdio.h>

#include "internal.h"

static void push_line(ss_switch *sw, uint32_t kind, const char *format, va_list arguments)
{
    char line[1024];
    int length = vsnprintf(line, sizeof line, format, arguments);
    if (length < 0)
        return;
    if ((size_t)length >= sizeof line)
        length = sizeof line - 1;
    ss_queue_push(sw->queues[SS_LOG], kind, 0, ss_switch_time(sw), line, (uint32_t)length, NULL, 0); /* full: nobody reads it */
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

void ss_trace(ss_packet *packet, const char *format, ...)
{
    if (!packet->trace)
        return;
    va_list arguments;
    va_start(arguments, format);
    ss_text_append(packet->trace, format, arguments);
    va_end(arguments);
    size_t length = strlen(format);
    ss_text *text = packet->trace;
    if (length && format[length - 1] != '\n' && text->length + 1 < text->capacity) {
        text->bytes[text->length++] = '\n'; /* one step per line */
        text->bytes[text->length] = 0;
    }
}

void ss_trace_begin(ss_switch *sw, ss_packet *packet)
{
    packet->trace = sw->tracing ? &sw->trace_text : NULL;
}

/* Hands over what the packet's passes said since ss_trace_begin of the outermost one. */
void ss_trace_end(ss_switch *sw)
{
    ss_text *text = &sw->trace_text;
    if (text->length)
        ss_queue_push(sw->queues[SS_LOG], SS_LOG_TRACE, 0, sw->now_ns / 1000, text->bytes, (uint32_t)text->length, NULL, 0);
    text->length = 0;
}

void ss_switch_set_trace(ss_switch *sw, bool on)
{
    ss_switch_hold(sw);
    sw->tracing = on;
    ss_switch_release(sw);
}
