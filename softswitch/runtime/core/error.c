#include "core/error.h"

#include <stdarg.h>
#include <stdio.h>

static _Thread_local char error_text[512];
static _Thread_local int error_status;

int ss_fail(int status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error_text, sizeof error_text, format, arguments);
    va_end(arguments);
    error_status = status;
    return status;
}

const char *ss_error_text(void) { return error_text; }

int ss_error_code(void) { return error_status; }
