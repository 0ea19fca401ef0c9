/* Lines for people: log_msg of programs, and what the switch itself has to say about its ports. */
#ifndef SS_LOG_FILE_H
#define SS_LOG_FILE_H

#include "core/switch.h"

void ss_notice(ss_switch *sw, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
