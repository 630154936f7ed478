/* SPDX-License-Identifier: Apache-2.0
 *
 * General categories and scripts of Unicode.
 */
#ifndef C2S_OPS_UNICODE_CLASSES_H
#define C2S_OPS_UNICODE_CLASSES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef void (*c2s_code_sink)(void *user, uint32_t first, uint32_t last);

/* Gives the ranges of a category ("L", "Lu", ...), of a script ("Greek", ...) or of "Any", in
 * order; false if the name is not known. Of the scripts the common ones are. */
bool c2s_unicode_class(const char *name, size_t size, c2s_code_sink sink, void *user);

#endif
