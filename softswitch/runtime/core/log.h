/* Human-readable log lines: log_msg of programs, and the switch's own messages about its ports. */
#ifndef SS_LOG_FILE_H
#define SS_LOG_FILE_H

#include "core/switch.h"

void ss_notice(ss_switch *sw, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
