/* SPDX-License-Identifier: Apache-2.0
 *
 * What the text syntax calls the kinds of attributes.
 */
#ifndef C2S_IO_TEXT_KINDS_H
#define C2S_IO_TEXT_KINDS_H

#include "ir/attr.h"

/* NULL: a reference whose kind nobody said. */
static const char *const c2s_text_kinds[C2S_ATTR_TYPES + 1] = {
    NULL,         "float",   "int",     "string", "tensor",        "graph",          "floats",
    "ints",       "strings", "tensors", "graphs", "sparse_tensor", "sparse_tensors", "type_proto",
    "type_protos"};

#endif
