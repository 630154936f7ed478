/* SPDX-License-Identifier: Apache-2.0
 *
 * RegexFullMatch.
 */
#include "ops/regex.h"
#include "ops/utf8.h"

static c2s_status match_infer(c2s_infer *i) {
    const c2s_type *type = c2s_infer_type(i, 0);
    if (c2s_type_is_tensor(type) && type->dtype != C2S_STRING && type->dtype != C2S_UNDEFINED)
        return c2s_fail(C2S_ERR_INVALID, "input 0 is no tensor of strings");
    i->out[0] = c2s_type_tensor(C2S_BOOL, type->rank, type->dim);
    return C2S_OK;
}

static c2s_status match_eval(c2s_eval *e) {
    const c2s_attr *pattern = c2s_attr_find(e->node, "pattern");
    if (!pattern || pattern->kind != C2S_ATTR_STRING)
        return c2s_fail(C2S_ERR_INVALID, "attribute \"pattern\" is missing");
    c2s_regex *regex;
    C2S_TRY(c2s_regex_compile(pattern->s, &regex));
    const c2s_string *text = c2s_tensor_text(e->in[0]);
    uint8_t *y = c2s_tensor_mutable(e->out[0]);
    for (size_t k = 0; k < e->in[0]->count; k++)
        y[k] = c2s_regex_full_match(regex, text[k]);
    c2s_regex_free(regex);
    return C2S_OK;
}

const c2s_op c2s_op_regex_full_match = {
    .type = "RegexFullMatch",
    .domain = "",
    .inputs = {1, 1},
    .outputs = {1, 1},
    .quant = C2S_QUANT_ONLY(NONE),
    .flags = C2S_OP_ELEMENTWISE,
    .attrs = (const c2s_attr_spec[]){{"pattern", C2S_ATTR_STRING, true}, {0}},
    .infer = match_infer,
    .eval = match_eval,
};
