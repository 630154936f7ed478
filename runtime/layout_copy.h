/* SPDX-License-Identifier: Apache-2.0
 *
 * Copying from one layout to another without the library: slow, for when it fails.
 */
#ifndef C2S_RUNTIME_LAYOUT_COPY_H
#define C2S_RUNTIME_LAYOUT_COPY_H

#include "runtime/dnnl_compat.h"

/* What fills up blocks becomes 0. C2S_ERR_UNSUPPORTED: the two differ in more than the order of
 * their elements, or a layout is not made of strides and blocks. */
c2s_status c2s_layout_copy(c2s_const_md from, const void *source, c2s_const_md to, void *target);

#endif
