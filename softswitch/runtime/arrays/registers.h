/* Register arrays: plain storage accessed directly by generated code, and whole-range access for controllers.
 */
#ifndef SS_REGISTERS_H
#define SS_REGISTERS_H

#include "core/base.h"
#include "core/instance.h"

ss_array *ss_array_create(ss_instance *instance, const ss_array_desc *desc);
void ss_array_destroy(ss_array *array);
void ss_array_clear(ss_array *array);
uint64_t ss_array_bytes(const ss_array *array);
/* Writes one cell (it must be there) with a big-endian value of a register of `width` bits, truncated or extended as
 * needed. The caller holds the lock. */
void ss_array_put(ss_array *array, uint64_t index, const uint8_t *value, uint32_t bytes, uint32_t width,
                  bool is_signed);
/* First touches of fresh pages cost more than the copy itself: done before the data plane is held. */
void ss_touch_pages(void *out, uint64_t bytes);

#endif
