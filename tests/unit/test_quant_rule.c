/* SPDX-License-Identifier: Apache-2.0
 *
 * What the quantization rules claim, held against the operators themselves: nodes of ONNX's cases,
 * and of texts below for what those leave out, run with operands made for each claim.
 */
#include "onnx_cases.h"
#include "ops/op_versions.h"
#include "quant_trial.h"
#include "run_text.h"

/* Per operator, in the order of c2s_op_all. */
typedef struct evidence {
    unsigned probes;   /* nodes that a claim was held against */
    bool left_operand; /* an output that is no element of the operand was seen */
} evidence;

static evidence *seen;

static evidence *evidence_of(const c2s_op *op) {
    size_t count;
    const c2s_op *const *ops = c2s_op_all(&count);
    for (size_t i = 0; i < count; i++)
        if (ops[i] == op)
            return &seen[i];
    return NULL;
}

/* ---- the claims of a node ---- */

static void probe(trial *t) {
    evidence *e = evidence_of(t->node->op);
    bool any = t->rule.operands == 0, empty = false;
    if (!e)
        return;
    if (t->node->op->quant.kind == C2S_QUANT_NONE)
        check_no_floats(t);
    for (unsigned k = 0; k < t->node->formal_count; k++) {
        any |= is_operand(t, k);
        empty |= is_operand(t, k) && t->stored[k]->count == 0;
    }
    if (!any || empty)
        return;
    e->probes++;
    switch ((c2s_quant_kind)t->rule.kind) {
    case C2S_QUANT_LINEAR:
        check_linear(t);
        break;
    case C2S_QUANT_SAME:
    case C2S_QUANT_UNIFY:
        if (!t->rule.results)
            check_scale_is_free(t);
        else if (!outputs_are_elements(t))
            FAIL_TRIAL(t, "an output is no element of the operands");
        break;
    case C2S_QUANT_CLAMP:
        check_clamp(t);
        break;
    case C2S_QUANT_RANGE:
        check_bounds(t, extreme);
        check_bounds(t, normal);
        break;
    case C2S_QUANT_WITHIN:
        check_bounds(t, normal);
        break;
    case C2S_QUANT_OWN:
        e->left_operand |= !outputs_are_elements(t);
        break;
    default:
        break;
    }
}

/* Nodes whose inputs are all at hand: graph inputs and constants. */
static void probe_graph(const c2s_graph *graph, c2s_tensor *const *stored, const char *from) {
    for (const c2s_node *node = graph->first; node; node = node->next) {
        trial t = {.node = node, .from = from, .rule = c2s_node_quant_rule(node)};
        bool at_hand = node->op->eval && !(node->op->flags & C2S_OP_HAS_BODY) &&
                       !c2s_node_is_random(node) && node->formal_count <= MAX_INPUTS &&
                       node->output_count <= MAX_OUTPUTS;
        for (unsigned k = 0; at_hand && k < node->formal_count; k++) {
            const c2s_value *value = c2s_node_in(node, k);
            if (!value)
                continue;
            t.stored[k] = value->constant;
            if (!t.stored[k] && value->def == graph->entry)
                t.stored[k] = stored[value->def_slot];
            at_hand = t.stored[k] != NULL;
        }
        if (at_hand)
            probe(&t);
    }
}

/* ---- ONNX's cases ---- */

static void probe_case(const onnx_case *c) {
    char path[PATH_MAX];
    c2s_model *model = NULL;
    case_data data = {0};
    case_path(path, "%s/model.onnx", c->path);
    if (c2s_model_load(path, &model) == C2S_OK && c2s_model_normalise(model) == C2S_OK &&
        c2s_graph_infer(model->graph) == C2S_OK && case_set_path(path, c->path, 0) &&
        case_load_set(path, model->graph, &data) == C2S_OK)
        probe_graph(model->graph, data.in, c->name);
    case_data_free(&data);
    c2s_model_destroy(model);
}

static void test_cases(void **state) {
    (void)state;
    for (unsigned f = 0; f < CASE_FOLDERS; f++) {
        onnx_cases cases = {0};
        cases_list(case_folders[f], NULL, &cases);
        for (size_t k = 0; k < cases.count; k++)
            if (!strstr(cases.at[k].name, "_expanded"))
                probe_case(&cases.at[k]);
        cases_free(&cases);
    }
}

/* ---- texts: attributes and operators that the cases leave out ---- */

typedef struct text_case {
    const char *text;
    c2s_quant_kind kind;
} text_case;

#define NO C2S_QUANT_NO_AXIS

static const text_case texts[] = {
    {"g (float[9] x) => (y) <float low = {-0.5}, float high = {0.25}> { y = Clip (x, low, high) }",
     C2S_QUANT_CLAMP},
    {"g (float[9] x) => (y) <float high = {0.25}> { y = Clip (x, \"\", high) }", C2S_QUANT_CLAMP},
    {"g (float[9] x, float low) => (y) { y = Clip (x, low) }", C2S_QUANT_OWN},
    {"g (float[9] x) => (y) <float low = {1}, float high = {-1}> { y = Clip (x, low, high) }",
     C2S_QUANT_OWN},
    {"g (int32[9] x) => (y) { y = Relu (x) }", C2S_QUANT_NONE},
    {"g (int64[9] x) => (y) { y = Add (x, x) }", C2S_QUANT_NONE},
    {"g (float[1,1,3,3] x) => (y) <float[4] s = {1, 1, 2, 2}>"
     "{ y = Resize <mode = \"nearest\"> (x, \"\", s) }",
     C2S_QUANT_SAME},
    {"g (float[1,1,3,3] x) => (y) <float[4] s = {1, 1, 2, 2}>"
     "{ y = Resize <mode = \"linear\"> (x, \"\", s) }",
     C2S_QUANT_WITHIN},
    {"g (float[1,1,3,3] x) => (y) <float[4] s = {1, 1, 2, 2}>"
     "{ y = Resize <mode = \"cubic\"> (x, \"\", s) }",
     C2S_QUANT_OWN},
    {"g (float[1,1,3,3] x) => (y)"
     "<float[4] s = {1, 1, 2, 2}, float[8] roi = {0, 0, -1, 0, 1, 1, 1, 1}>"
     "{ y = Resize <mode = \"linear\", coordinate_transformation_mode = \"tf_crop_and_resize\","
     "extrapolation_value = 5.0> (x, roi, s) }",
     C2S_QUANT_OWN},
    {"g (float[1,1,3,3] x, float[1,4,4,2] at) => (y) { y = GridSample <mode = \"nearest\"> (x, at) "
     "}",
     C2S_QUANT_SAME},
    {"g (float[1,1,3,3] x, float[1,4,4,2] at) => (y) { y = GridSample <mode = \"linear\"> (x, at) "
     "}",
     C2S_QUANT_WITHIN},
    {"g (float[1,1,3,3] x, float[1,4,4,2] at) => (y) { y = GridSample <mode = \"cubic\"> (x, at) }",
     C2S_QUANT_OWN},
    {"g (float[3,3] x, float[1,3] u) => (y) <int64[1,1] at = {1}>"
     "{ y = ScatterND <reduction = \"add\"> (x, at, u) }",
     C2S_QUANT_OWN},
    {"g (float[3,3] x, float[1,3] u) => (y) <int64[1,1] at = {1}>"
     "{ y = ScatterND <reduction = \"max\"> (x, at, u) }",
     C2S_QUANT_UNIFY},
    {"g (float[3,3] x, float v) => (y) <int64[4] by = {1, 0, 0, 2}> { y = Pad (x, by, v) }",
     C2S_QUANT_UNIFY},
    {"g (float[3,3] x) => (y) { y = Dropout (x) }", C2S_QUANT_SAME},
    {"g (float[3,3] x) => (y) <bool train = {1}, float p = {0.5}> { y = Dropout (x, p, train) }",
     C2S_QUANT_FLOAT},
    {"g (float[2,3] a, float[3,4] b) => (y) { y = Einsum <equation = \"ij,jk->ik\"> (a, b) }",
     C2S_QUANT_LINEAR},
    {"g (float[2,3] a) => (y) { y = Einsum <equation = \"ij->i\"> (a) }", C2S_QUANT_FLOAT},
    {"g (float[1,4,5,5] x, float[6,2,3,3] w, float[6] b) => (y)"
     "{ y = Conv <group = 2, pads = [1, 1, 1, 1]> (x, w, b) }",
     C2S_QUANT_LINEAR},
    {"g (float[1,4,5,5] x, float[4,3,3,3] w, float[6] b) => (y)"
     "{ y = ConvTranspose <group = 2, strides = [2, 2]> (x, w, b) }",
     C2S_QUANT_LINEAR},
    {"g (float[1,4,5,5] x, float[6,2,3,3] w, float[6] b, float[1,6,3,3] z) => (y)"
     "{ y = com.microsoft.FusedConv <group = 2, activation = \"Relu\"> (x, w, b, z) }",
     C2S_QUANT_LINEAR},
    {"g (float[2,3] x, float[4,3] w, float[4] b) => (y)"
     "{ y = com.microsoft.FusedGemm <transB = 1, activation = \"Relu\"> (x, w, b) }",
     C2S_QUANT_LINEAR},
    {"g (float[4] x, float[9] z, float[4,3] t) => (y)"
     "<int64[2] at = {0, 3}> { y = ai.onnx.ml.ArrayFeatureExtractor (x, at) }",
     C2S_QUANT_SAME},
    {"g (float[2,2,3] a, float[3] b) => (y) { y = MatMul (a, b) }", C2S_QUANT_LINEAR},
    {"g (float[1,2,3,3] x) => (y) { y = GlobalLpPool (x) }", C2S_QUANT_OWN},
    {"g (float[1,2,3,3] x) => (y) <float[1,5] roi = {0, 0, 0, 2, 2}>"
     "{ y = MaxRoiPool <pooled_shape = [2, 2]> (x, roi) }",
     C2S_QUANT_SAME},
    {"g (float[4] x, float[4] b) => (y) { y = com.microsoft.BiasGelu (x, b) }", C2S_QUANT_OWN},
    {"g (float[4] x, float[4] b) => (y) { y = com.microsoft.FastGelu (x, b) }", C2S_QUANT_OWN},
    {"g (float[4] x) => (y) { y = com.microsoft.Gelu (x) }", C2S_QUANT_OWN},
    {"g (float[4] x) => (y) { y = com.microsoft.QuickGelu (x) }", C2S_QUANT_OWN},
    {"g (float[1,4,4] x, float[4] b, float[1,4,4] s) => (y)"
     "{ y = com.microsoft.BiasAdd (x, b, s) }",
     C2S_QUANT_OWN},
    {"g (float[1,4,4] x, float[1,4,4] y, float[4] v) => (z)"
     "{ z = com.microsoft.GatedAdd (x, y, v) }",
     C2S_QUANT_OWN},
    {"g (float[1,4,8] x, float[8] b) => (y) { y = com.microsoft.BiasSplitGelu (x, b) }",
     C2S_QUANT_OWN},
    {"g (float[3,3] x) => (y) <int32 at = {1}> { y = com.microsoft.ExpandDims (x, at) }",
     C2S_QUANT_SAME},
    {"g (float[3,3] x) => (y) <int32[2,1] at = {2, 0}> { y = com.microsoft.GatherND (x, at) }",
     C2S_QUANT_SAME},
    {"g (float[1,1,3,3] x, float[1,4,4,2] at) => (y) { y = com.microsoft.GridSample (x, at) }",
     C2S_QUANT_WITHIN},
    {"g (float[3,3] x, float[1] v) => (y) <int64[4] by = {1, 0, 0, 2}>"
     "{ y = com.microsoft.Pad (x, by, v) }",
     C2S_QUANT_UNIFY},
    {"g (float[3,3] x) => (y) { y = com.microsoft.Trilu (x) }", C2S_QUANT_SAME},
    {"g (float[9] x) => (y) { y, i, c = com.microsoft.Unique (x) }", C2S_QUANT_SAME},
    {"g (float[2,9] x) => (y) { y = com.microsoft.UnfoldTensor <size = 3> (x) }", C2S_QUANT_SAME},
    {"g (float[1,5,5,4] x, float[6,2,3,3] w, float[6] b) => (y)"
     "{ y = com.microsoft.NhwcConv <group = 2> (x, w, b) }",
     C2S_QUANT_LINEAR},
    {"g (float[1,5,5,4] x, float[6,4,3,3] w, float[6] b, float[1,3,3,6] z) => (y)"
     "{ y = com.microsoft.NhwcFusedConv <activation = \"Relu\"> (x, w, b, z) }",
     C2S_QUANT_LINEAR},
    {"g (float[1,4,5,5] x, float[4,6,3,3] w, float[6] b) => (y) <int64[4] by = {1, 1, 1, 1}>"
     "{ y = com.microsoft.ConvTransposeWithDynamicPads (x, w, by, b) }",
     C2S_QUANT_LINEAR},
    {"g (float[1,2,4,4] x) => (y) <float[1,4] box = {0, 0.1, 0.9, 1}, int32[1] at = {0},"
     "int32[2] size = {3, 5}> { y = com.microsoft.CropAndResize (x, box, at, size) }",
     C2S_QUANT_OWN},
    {"g (float[16,1] x) => (y) <int64[1] n = {9}>"
     "{ y = com.microsoft.RelativePositionBias <max_distance = 20> (x, n, n) }",
     C2S_QUANT_SAME},
};

/* The axes of weights, and whether input 2 is a bias, by attributes and shapes. */
static const struct axis_case {
    const char *text;
    int weight_axis, sum_axis;
    bool bias;
} axis_cases[] = {
    {"g (float[2,3] x, float[3,4] w, float[4] b) => (y) { y = Gemm (x, w, b) }", 1, 0, true},
    {"g (float[2,3] x, float[4,3] w, float[1,4] b) => (y) { y = Gemm <transB = 1> (x, w, b) }", 0,
     1, true},
    {"g (float[2,3] x, float[3,4] w, float[2,4] b) => (y) { y = Gemm (x, w, b) }", 1, 0, false},
    {"g (float[2,3] x, float[3,4] w, float[2,1] b) => (y) { y = Gemm (x, w, b) }", 1, 0, false},
    {"g (float[2,3] x, float[3,4] w, float b) => (y) { y = Gemm (x, w, b) }", 1, 0, false},
    {"g (float[2,3] x, float[3,4] w, float[4] b) => (y) { y = Gemm <beta = 0.5> (x, w, b) }", 1, 0,
     false},
    {"g (float[2,3] x, float[3,4] w, float[4] b) => (y) { y = Gemm <alpha = 2.0> (x, w, b) }", 1, 0,
     false},
    {"g (float[2,3] x, float[3,4] w) => (y) { y = MatMul (x, w) }", 1, 0, false},
    {"g (float[5,2,3] x, float[5,3,4] w) => (y) { y = MatMul (x, w) }", 2, 1, false},
    {"g (float[2,3] x, float[3] w) => (y) { y = MatMul (x, w) }", NO, NO, false},
    {"g (float[2,3] x, float[4,3] w) => (y) { y = com.microsoft.FusedMatMul <transB = 1> (x, w) }",
     0, 1, false},
    {"g (float[2,3] x, float[3,4] w) => (y) { y = com.microsoft.FusedMatMul <alpha = 3.0> (x, w) }",
     1, 0, false},
    {"g (float[5,2,3] x, float[3,5,4] w) => (y)"
     "{ y = com.microsoft.FusedMatMul <transBatchB = 1> (x, w) }",
     2, 0, false},
    {"g (float[5,2,3] x, float[4,5,3] w) => (y)"
     "{ y = com.microsoft.FusedMatMul <transBatchB = 1, transB = 1> (x, w) }",
     0, 2, false},
    {"g (float[5,2,3] x, float[5,4,3] w) => (y)"
     "{ y = com.microsoft.FusedMatMul <transB = 1> (x, w) }",
     1, 2, false},
    {"g (float[2,3] x, float[4,3] w) => (y)"
     "{ y = com.microsoft.TransposeMatMul <transB = 1> (x, w) }",
     0, 1, false},
    {"g (float[2,3] x, float[4,3] w) => (y)"
     "{ y = com.microsoft.FusedMatMulActivation <transB = 1, activation = \"Relu\"> (x, w) }",
     0, 1, false},
    {"g (float[1,4,5] x, float[4,2,3] w, float[2] b) => (y) { y = ConvTranspose (x, w, b) }", 1, 0,
     true},
};

static c2s_quant_rule probe_text(const char *text) {
    c2s_model *model = model_of_text(21, text);
    c2s_tensor *stored[8] = {NULL};
    assert_int_equal(c2s_graph_infer(model->graph), C2S_OK);
    for (unsigned k = 0; k < c2s_graph_input_count(model->graph); k++) {
        const c2s_type *type = &c2s_graph_input(model->graph, k)->type;
        assert_int_equal(c2s_tensor_create(type->dtype, type->rank, type->dim, &stored[k]), C2S_OK);
        memset(c2s_tensor_mutable(stored[k]), 0, c2s_tensor_size(stored[k]));
    }
    const c2s_quant_rule rule = c2s_node_quant_rule(model->graph->last);
    probe_graph(model->graph, stored, text);
    release(stored, 8);
    c2s_model_destroy(model);
    return rule;
}

static void test_texts(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const c2s_quant_rule rule = probe_text(texts[i].text);
        if (rule.kind != texts[i].kind)
            fail_msg("%s\nis %s, expected %s", texts[i].text, c2s_quant_kind_name(rule.kind),
                     c2s_quant_kind_name(texts[i].kind));
    }
    for (size_t i = 0; i < sizeof axis_cases / sizeof *axis_cases; i++) {
        const struct axis_case *c = &axis_cases[i];
        const c2s_quant_rule rule = probe_text(c->text);
        if (rule.kind != C2S_QUANT_LINEAR || rule.weight_axis != c->weight_axis ||
            rule.sum_axis != c->sum_axis || (rule.bias == 3) != c->bias)
            fail_msg("%s\nweight axis %d, sum axis %d, bias %d", c->text, rule.weight_axis,
                     rule.sum_axis, rule.bias);
    }
}

/* ---- rules against each other, and against the types of the standard ---- */

static void test_rules_are_consistent(void **state) {
    (void)state;
    size_t count;
    const c2s_op *const *ops = c2s_op_all(&count);
    for (size_t i = 0; i < count; i++) {
        const c2s_quant_rule *rule = &ops[i]->quant;
        const unsigned operands = (unsigned)__builtin_popcount(rule->operands);
        bool good = rule->kind != C2S_QUANT_UNSTATED && (rule->weights & ~rule->operands) == 0;
        for (unsigned k = 0; k < 15; k++) {
            good &= !c2s_quant_has(rule->operands, k) || k < ops[i]->inputs[1] ||
                    rule->operands == C2S_ALL_SLOTS;
            good &= !c2s_quant_has(rule->results, k) || k < ops[i]->outputs[1] ||
                    rule->results == C2S_ALL_SLOTS;
        }
        switch ((c2s_quant_kind)rule->kind) {
        case C2S_QUANT_NONE:
        case C2S_QUANT_CODES:
            good &= operands == 0 && rule->results == 0;
            break;
        case C2S_QUANT_FLOAT:
            good &= (operands == 0) == (rule->results == 0);
            break;
        case C2S_QUANT_LINEAR:
            good &= operands >= 2 && rule->results != 0;
            break;
        case C2S_QUANT_SAME:
            good &= operands == 1;
            break;
        case C2S_QUANT_UNIFY:
            good &= operands >= 2;
            break;
        case C2S_QUANT_CLAMP:
        case C2S_QUANT_RANGE:
            good &= rule->operands == 1 && rule->results == 1 && rule->low < rule->high;
            break;
        default:
            good &= operands >= 1 && rule->results != 0;
        }
        if (!good)
            fail_msg("%s %s: the rule contradicts itself, or there is none", ops[i]->domain,
                     ops[i]->type);
    }
}

/* The types of operand `slot` in "a,b>c,d" (see op_versions.h), by the place in `part`. */
static bool takes_floats(const char *types, bool output, unsigned slot) {
    const char *part = types, *first = types;
    if (output)
        part = strchr(types, '>') + 1;
    for (unsigned k = 0; k < slot; k++) {
        const size_t length = strcspn(part, ",>");
        if (part[length] != ',')
            return part[length ? length - 1 : 0] == '*'; /* variadic: as the last */
        part += length + 1;
    }
    if (*part == '=')
        part = first;
    for (int depth = 0; *part && !(depth == 0 && strchr(",>", *part)); part++) {
        depth += strchr("[(", *part) ? 1 : strchr("])", *part) ? -1 : 0;
        if (strchr("fdhbRA8ex", *part))
            return true;
    }
    return false;
}

/* NONE where no version since opset 13 takes or gives a float, and only there; operands and results
 * are floats. */
static void test_rules_fit_the_types(void **state) {
    (void)state;
    size_t count;
    const c2s_op *const *ops = c2s_op_all(&count);
    for (size_t i = 0; i < count; i++) {
        const c2s_op_versions *known = c2s_op_versions_of(ops[i]->domain, ops[i]->type);
        const c2s_quant_rule *rule = &ops[i]->quant;
        const c2s_op_version *newest = known ? &known->versions[known->count - 1] : NULL;
        if (!newest || newest->flags & C2S_OP_DEPRECATED)
            continue;
        const bool any = strpbrk(newest->types, "fdhbRA8ex") != NULL;
        if (!any != (rule->kind == C2S_QUANT_NONE) && rule->kind != C2S_QUANT_CODES)
            fail_msg("%s is %s, its types are %s", ops[i]->type, c2s_quant_kind_name(rule->kind),
                     newest->types);
        for (unsigned k = 0; k < 15; k++) {
            if (k < ops[i]->inputs[1] && c2s_quant_has(rule->operands, k) &&
                !takes_floats(newest->types, false, k) && ops[i]->inputs[1] != C2S_VARIADIC)
                fail_msg("%s: operand %u is no float: %s", ops[i]->type, k, newest->types);
            if (k < ops[i]->outputs[1] && c2s_quant_has(rule->results, k) &&
                !takes_floats(newest->types, true, k) && ops[i]->outputs[1] != C2S_VARIADIC)
                fail_msg("%s: result %u is no float: %s", ops[i]->type, k, newest->types);
        }
        if (rule->operands && !rule->results && takes_floats(newest->types, true, 0))
            fail_msg("%s: the output is a float: %s", ops[i]->type, newest->types);
    }
}

/* ---- what was seen ---- */

/* Every claim was held against a node; and what is OWN would not have been SAME. */
static void test_evidence(void **state) {
    (void)state;
    char path[PATH_MAX];
    shared_need(path, sizeof path, "onnx-cases/node");
    size_t count;
    unsigned bad = 0;
    const c2s_op *const *ops = c2s_op_all(&count);
    for (size_t i = 0; i < count; i++) {
        const c2s_quant_kind kind = ops[i]->quant.kind;
        const c2s_op_versions *known = c2s_op_versions_of(ops[i]->domain, ops[i]->type);
        if (known && known->versions[known->count - 1].flags & C2S_OP_DEPRECATED)
            continue; /* raised to another operator */
        if (kind == C2S_QUANT_NONE || kind == C2S_QUANT_CODES || kind == C2S_QUANT_FLOAT)
            continue;
        if (!seen[i].probes || (kind == C2S_QUANT_OWN && !seen[i].left_operand)) {
            print_message("%s %s (%s): %s\n", ops[i]->domain, ops[i]->type,
                          c2s_quant_kind_name(kind),
                          seen[i].probes ? "might be same" : "not held against any node");
            bad++;
        }
    }
    assert_int_equal(bad, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rules_are_consistent),
        cmocka_unit_test(test_rules_fit_the_types),
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_evidence),
    };
    size_t count;
    c2s_op_all(&count);
    seen = calloc(count, sizeof *seen);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(seen);
    return failed;
}
