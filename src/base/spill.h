/* SPDX-License-Identifier: Apache-2.0
 *
 * Large results that are not needed before the end, in a file without a name instead of in memory.
 */
#ifndef C2S_BASE_SPILL_H
#define C2S_BASE_SPILL_H

#include <stddef.h>

/* A copy of the bytes (more than 0) as a mapping (mapping.h), which the caller destroys; its file,
 * in $TMPDIR or else /var/tmp, is gone with it. NULL if there is no room or no such folder: then the
 * bytes stay where they are. */
const void *c2s_spill(const void *data, size_t size);

#endif
