/* SPDX-License-Identifier: Apache-2.0
 *
 * Types and tensor contents in the ONNX text syntax.
 */
#ifndef C2S_IO_TEXT_TENSOR_H
#define C2S_IO_TEXT_TENSOR_H

#include "io/text_lexer.h"

bool c2s_text_is_type(c2s_lexer *lexer); /* the name of a type is next */
/* "float[N,3]", "seq(int64)"; element types live in the lexer's arena. */
c2s_status c2s_text_read_type(c2s_lexer *lexer, c2s_dims *dims, c2s_type *out);
/* "{1.0, 2.0}" of a static tensor type; counts and ranges are checked. */
c2s_status c2s_text_read_content(c2s_lexer *lexer, const c2s_type *type, c2s_tensor **out);

#endif
