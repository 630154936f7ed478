/* SPDX-License-Identifier: Apache-2.0
 *
 * Regular expressions in RE2's syntax, matched in time linear in the text (a set of states moves
 * over it, as in Thompson's construction), so that no pattern can be made to take forever.
 */
#ifndef C2S_OPS_REGEX_H
#define C2S_OPS_REGEX_H

#include "ir/tensor.h"

typedef struct c2s_regex c2s_regex;

/* C2S_ERR_INVALID names what is wrong with the pattern; C2S_ERR_UNSUPPORTED: rare scripts of Unicode
 * and patterns that expand to more than 65536 states. */
c2s_status c2s_regex_compile(c2s_string pattern, c2s_regex **out);
void c2s_regex_free(c2s_regex *regex); /* NULL is allowed */
/* The whole text matches. */
bool c2s_regex_full_match(const c2s_regex *regex, c2s_string text);

#endif
