/* Why a call failed: the status and text that ss_error_text gives, each thread its own. */
#ifndef SS_ERROR_H
#define SS_ERROR_H

#include "core/base.h"
#include "include/api.h"

/* keeps the text; returns status */
int ss_fail(int status, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
