/* Text that grows, up to 1 MiB. */
#ifndef SS_TEXT_H
#define SS_TEXT_H

#include <stdarg.h>

#include "core/base.h"

typedef struct ss_text {
    char *bytes;
    size_t length, capacity;
} ss_text;

void ss_text_append(ss_text *text, const char *format, va_list arguments); /* nothing when it would be too long */

#endif
