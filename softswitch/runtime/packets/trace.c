#include "packets/trace.h"

#include <stdarg.h>
#include <stdio.h>

#include "core/queue.h"
#include "tables/table.h"

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

/* A value of `width` bits at `words` in hexadecimal. */
static int put_value(char *text, size_t room, const uint64_t *words, uint32_t width)
{
    uint32_t n = width > 64 ? (width + 63) / 64 : 1;
    int length = snprintf(text, room, "0x%llx", (unsigned long long)words[n - 1]);
    for (uint32_t i = n - 1; i-- > 0 && length >= 0 && (size_t)length < room;)
        length += snprintf(text + length, room - (size_t)length, "%016llx", (unsigned long long)words[i]);
    return length;
}

/* " NAME=VALUE" of one key or parameter; a full line is cut off. */
static void put_field(char *line, size_t room, size_t *length, const char *before, const char *name,
                      const uint64_t *words, uint32_t width)
{
    int more = *length < room ? snprintf(line + *length, room - *length, "%s%s=", before, name) : 0;
    *length += more > 0 ? (size_t)more : 0;
    if (*length < room) {
        more = put_value(line + *length, room - *length, words, width);
        *length += more > 0 ? (size_t)more : 0;
    }
}

/* "table T: hdr.a=0x1: hit, action A(port=0x2)" */
void ss_trace_table(ss_packet *packet, const ss_table *table, const uint64_t *key, const ss_entry *entry, bool hit)
{
    const ss_table_desc *desc = table->desc;
    char keys[1024] = "", params[1024] = "";
    size_t length = 0;
    for (uint32_t i = 0; i < desc->key_count && desc->keys[i].match != SS_SELECTOR; i++) {
        put_field(keys, sizeof keys, &length, i ? ", " : " ", desc->keys[i].name, key, desc->keys[i].width);
        key += desc->keys[i].width > 64 ? (desc->keys[i].width + 63) / 64 : 1;
    }
    const char *found = hit ? "hit" : "miss";
    if (entry->action == SS_NO_ACTION) {
        ss_trace(packet, "table %s:%s: %s, no live member in its group", desc->name, keys, found);
        return;
    }
    const ss_action_desc *action = &desc->actions[entry->action];
    const uint64_t *data = entry->data;
    length = 0;
    for (uint32_t i = 0; i < action->param_count; i++) {
        put_field(params, sizeof params, &length, i ? ", " : "", action->params[i].name, data, action->params[i].width);
        data += action->params[i].width > 64 ? (action->params[i].width + 63) / 64 : 1;
    }
    ss_trace(packet, "table %s:%s%s%s, action %s(%s)", desc->name, keys, *keys ? ": " : " ", found, action->name,
             params);
}

void ss_trace_begin(ss_switch *sw, ss_packet *packet) { packet->trace = sw->tracing ? &sw->trace_text : NULL; }

void ss_trace_end(ss_switch *sw)
{
    ss_text *text = &sw->trace_text;
    if (text->length)
        ss_queue_push(sw->queues[SS_LOG], SS_LOG_TRACE, 0, sw->now_ns / 1000, text->bytes, (uint32_t)text->length, NULL,
                      0);
    text->length = 0;
}
