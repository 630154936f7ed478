/* SPDX-License-Identifier: Apache-2.0
 *
 * Interned strings: equal text has one address, so names are compared with ==.
 */
#ifndef C2S_BASE_NAMES_H
#define C2S_BASE_NAMES_H

#include <stddef.h>

typedef struct c2s_names c2s_names;
c2s_names *c2s_names_create(void);
/* The same texts at the same addresses; what either one takes in later, the other does not know. */
c2s_names *c2s_names_copy(const c2s_names *from);
void c2s_names_destroy(c2s_names *names);

const char *c2s_name_intern(c2s_names *names, const char *text);
const char *c2s_name_intern_n(c2s_names *names, const char *text, size_t length);
/* The interned string if there is one, else NULL. */
const char *c2s_name_find(const c2s_names *names, const char *text);
/* `hint` itself if that text was never interned, else hint_1, hint_2, ...: amortised O(1). */
const char *c2s_name_fresh(c2s_names *names, const char *hint);

#endif
