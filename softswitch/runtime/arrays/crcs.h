/* The CRCs of a pipeline whose parameters controllers set (include/crcs.h). */
#ifndef SS_PIPELINE_CRCS_H
#define SS_PIPELINE_CRCS_H

#include "core/instance.h"

ss_crc *ss_crcs_create(const ss_program *program); /* as the standard ones; NULL: no memory */

#endif
