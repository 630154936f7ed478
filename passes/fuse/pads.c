/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/fuse/pads.h"

#include <string.h>

#include "base/memory.h"

const char *c2s_pads_of_pad(const c2s_node *pad, c2s_pads *out) {
    const c2s_value *x = c2s_node_in(pad, 0);
    int rank = x->type.rank;
    c2s_ints pads, axes;
    bool given;
    if (strcmp(c2s_attr_string(pad, "mode", "constant"), "constant") != 0)
        return "Pad fills with other values than a constant";
    if (x->type.kind != C2S_KIND_TENSOR || rank < 3)
        return "the rank is not known or there is no spatial axis";
    if (!c2s_constant_ints(c2s_node_in(pad, 1), &pads) ||
        !c2s_node_axes(pad, 3, rank, &axes, &given))
        return "pads or axes are computed";
    if (!given) {
        axes.count = (unsigned)rank;
        for (int i = 0; i < rank; i++)
            axes.at[i] = i;
    }
    if (pads.count != 2 * axes.count)
        return "the pads do not fit the axes";
    *out = (c2s_pads){.spatial = rank - 2};
    for (unsigned i = 0; i < axes.count; i++) {
        int64_t begin = pads.at[i], end = pads.at[axes.count + i];
        if (begin < 0 || end < 0)
            return "Pad crops";
        if (axes.at[i] < 2 && (begin || end))
            return "Pad changes batch or channels";
        if (axes.at[i] >= 2) {
            out->at[axes.at[i] - 2] = begin;
            out->at[axes.at[i] - 2 + out->spatial] = end;
        }
    }
    return NULL;
}

bool c2s_pad_value(const c2s_node *pad, double *out) {
    *out = 0;
    const c2s_value *value = c2s_node_in(pad, 2);
    return !value || c2s_constant_scalar(value, out);
}

const char *c2s_pads_add_window(const c2s_node *window, c2s_pads *pads) {
    const char *mode = c2s_attr_string(window, "auto_pad", "NOTSET");
    c2s_ints own = {0};
    if (strcmp(mode, "NOTSET") != 0 && strcmp(mode, "VALID") != 0)
        return "the window pads by auto_pad";
    if (strcmp(mode, "VALID") == 0 || !c2s_attr_has(window, "pads"))
        return NULL;
    if (!c2s_attr_int_list(window, "pads", &own) || own.count != 2 * (unsigned)pads->spatial)
        return "the window's pads do not fit its rank";
    for (unsigned i = 0; i < own.count; i++)
        if (!c2s_add_i64(pads->at[i], own.at[i], &pads->at[i]))
            return "the pads overflow";
    return NULL;
}

void c2s_pads_write(const c2s_pads *pads, c2s_node *window) {
    c2s_attr_remove(window, "auto_pad");
    c2s_attr_set_ints(window, "pads", pads->at, 2 * (size_t)pads->spatial);
}
