#include "core/text.h"

#include <stdio.h>

#define MAX_TEXT (1u << 20)

void ss_text_append(ss_text *text, const char *format, va_list arguments)
{
    va_list again;
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    size_t need = text->length + (size_t)(length > 0 ? length : 0) + 1;
    if (length >= 0 && need <= MAX_TEXT) {
        if (need > text->capacity) {
            size_t capacity = need < 2048 ? 4096 : 2 * need;
            char *bytes = realloc(text->bytes, capacity);
            if (!bytes) {
                va_end(again);
                return;
            }
            text->bytes = bytes;
            text->capacity = capacity;
        }
        vsnprintf(text->bytes + text->length, text->capacity - text->length, format, again);
        text->length += (size_t)length;
    }
    va_end(again);
}
