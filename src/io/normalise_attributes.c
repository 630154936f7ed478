/* SPDX-License-Identifier: Apache-2.0 */
#include "io/raise_rows.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

/* Opset 1 named the type in capitals: "FLOAT16". */
c2s_status c2s_raise_cast(c2s_raise *r, c2s_node *node) {
    (void)r;
    const char *to = c2s_attr_string(node, "to", NULL);
    if (!to)
        return C2S_OK; /* an integer, as it is now */
    char name[16] = "";
    for (size_t i = 0; i < sizeof name - 1 && to[i]; i++)
        name[i] = (char)tolower((unsigned char)to[i]);
    c2s_dtype dtype = strlen(to) < sizeof name ? c2s_dtype_from_name(name) : C2S_UNDEFINED;
    if (dtype == C2S_UNDEFINED)
        return c2s_fail(C2S_ERR_INVALID, "to is \"%s\", expected an element type", to);
    c2s_attr_set_int(node, "to", dtype);
    return C2S_OK;
}

c2s_status c2s_raise_concat(c2s_raise *r, c2s_node *node) {
    (void)r;
    if (!c2s_attr_has(node, "axis"))
        c2s_attr_set_int(node, "axis", 1);
    return C2S_OK;
}

c2s_status c2s_raise_selu(c2s_raise *r, c2s_node *node) {
    (void)r;
    if (!c2s_attr_has(node, "alpha"))
        c2s_attr_set_float(node, "alpha", 1.6732f);
    if (!c2s_attr_has(node, "gamma"))
        c2s_attr_set_float(node, "gamma", 1.0507f);
    return C2S_OK;
}

/* The order p of the norm was a float. */
c2s_status c2s_raise_lp_order(c2s_raise *r, c2s_node *node) {
    (void)r;
    const c2s_attr *p = c2s_attr_find(node, "p");
    if (!p || p->kind != C2S_ATTR_FLOAT)
        return C2S_OK;
    if (!(p->f >= 1 && p->f < 1e6f) || p->f != floorf(p->f))
        return c2s_fail(C2S_ERR_UNSUPPORTED, "p is %g, expected a whole number", (double)p->f);
    c2s_attr_set_int(node, "p", (int64_t)p->f);
    return C2S_OK;
}

/* Whether there is a sequence output shows in the list of outputs. */
c2s_status c2s_raise_rnn(c2s_raise *r, c2s_node *node) {
    (void)r;
    c2s_attr_remove(node, "output_sequence");
    return C2S_OK;
}

c2s_status c2s_raise_scatter(c2s_raise *r, c2s_node *node) {
    (void)r;
    c2s_node_set_type(node, "", "ScatterElements");
    return C2S_OK;
}

/* Opset 16 shifted the sampling grid by half a pixel by default; the old grid has to be asked for
 * by an attribute that older opsets do not have. */
c2s_status c2s_raise_roi_align(c2s_raise *r, c2s_node *node) {
    if (!c2s_attr_has(node, "coordinate_transformation_mode"))
        c2s_attr_set_string(node, "coordinate_transformation_mode", "output_half_pixel");
    if (r->needs < 16)
        r->needs = 16;
    return C2S_OK;
}

/* The axis was an attribute with default 1; as an input it has default -2. */
c2s_status c2s_raise_dft(c2s_raise *r, c2s_node *node) {
    (void)r;
    if (!c2s_attr_has(node, "axis"))
        c2s_attr_set_int(node, "axis", 1);
    return C2S_OK;
}

/* The experimental form chose its axes by a switch, and could leave out the division. */
c2s_status c2s_raise_mvn(c2s_raise *r, c2s_node *node) {
    C2S_TRY(c2s_raise_need(node, 1));
    static const int64_t axes[] = {0, 1, 2, 3}, per_channel[] = {0, 2, 3};
    bool across = c2s_attr_int(node, "across_channels", 0) != 0;
    bool divide = c2s_attr_int(node, "normalize_variance", 1) != 0;
    c2s_value *x = c2s_node_in(node, 0), *mean = NULL;
    c2s_node *reduction = node;
    if (divide) {
        c2s_raise_become(node, "MeanVarianceNormalization", &x, 1);
    } else {
        mean = c2s_raise_node(r, node, "ReduceMean", &x, 1);
        reduction = mean->def;
        c2s_raise_become(node, "Sub", (c2s_value *[]){x, mean}, 2);
    }
    c2s_attr_set_ints(reduction, "axes", across ? axes : per_channel, across ? 4 : 3);
    return C2S_OK;
}
