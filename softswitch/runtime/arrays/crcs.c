#include "arrays/crcs.h"

#include "core/error.h"
#include "core/safe_point.h"
#include "include/crcs.h"

static const uint32_t standard_16[SS_CRC_WORDS] = {0x8005, 0, 0, true, true};
static const uint32_t standard_32[SS_CRC_WORDS] = {0x04C11DB7, UINT32_MAX, UINT32_MAX, true, true};

static void set(ss_crc *crc, const uint32_t *parameters)
{
    uint32_t mask = UINT32_MAX >> (32 - crc->width);
    crc->polynomial = parameters[0] & mask;
    crc->initial = parameters[1] & mask;
    crc->final_xor = parameters[2] & mask;
    crc->data_reflected = parameters[3];
    crc->remainder_reflected = parameters[4];
    ss_crc_fill(crc);
}

ss_crc *ss_crcs_create(const ss_program *program)
{
    ss_crc *crcs = calloc(program->crc_count + 1, sizeof *crcs);
    for (uint32_t i = 0; crcs && i < program->crc_count; i++) {
        crcs[i].width = program->crcs[i].width;
        set(&crcs[i], crcs[i].width == 16 ? standard_16 : standard_32);
    }
    return crcs;
}

static ss_crc *find(ss_instance *instance, uint32_t index)
{
    if (index < instance->pipeline.program->crc_count)
        return &instance->pipeline.crcs[index];
    ss_fail(SS_INDEX, "the program has no hash %u with parameters", index);
    return NULL;
}

int ss_pipeline_set_crc(ss_instance *instance, uint32_t index, const uint32_t *parameters)
{
    ss_crc *crc = find(instance, index);
    if (!crc)
        return SS_INDEX;
    ss_instance_lock(instance);
    set(crc, parameters);
    crc->configured = true;
    ss_instance_unlock(instance);
    return SS_OK;
}

int ss_pipeline_get_crc(ss_instance *instance, uint32_t index, uint32_t *parameters)
{
    const ss_crc *crc = find(instance, index);
    if (!crc)
        return SS_INDEX;
    ss_instance_lock(instance);
    const uint32_t found[SS_CRC_WORDS] = {crc->polynomial, crc->initial, crc->final_xor, crc->data_reflected,
                                          crc->remainder_reflected};
    memcpy(parameters, found, sizeof found);
    ss_instance_unlock(instance);
    return SS_OK;
}
