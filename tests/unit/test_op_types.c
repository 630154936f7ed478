/* SPDX-License-Identifier: Apache-2.0
 *
 * Every element type that ONNX allows: each of ONNX's cases of one node is run again with its
 * operands converted to every type that the newest version of the operator takes there
 * (ops/op_versions.h), and with every type that an attribute may ask for. Inference and evaluation
 * must take it, and the results have the types that the version declares.
 *
 *     test_op_types [OPERATOR]      prints every refusal
 */
#include "type_subject.h"

static const char *type_filter;

/* What the types of ONNX allow and is refused with this message, because it has no meaning:
 * arithmetic with text, order of complex numbers, fractions of truth values. What only moves
 * elements (modes nearest, reduction none) takes all types. Sums of complex numbers in these
 * operators have a meaning, but neither ONNX's reference nor ONNX Runtime defines them. */
static const struct {
    const char *type, *dtypes, *message;
} refusals[] = {
    {"Col2Im", "szy", "expected real numbers"},
    {"GridSample", "tszy", "cannot be interpolated"},
    {"Resize", "szy", "cannot be interpolated"},
    {"ScatterElements", "szy", "is not possible"},
    {"ScatterND", "szy", "is not possible"},
    {"TfIdfVectorizer", "s", "for a pool of integers"}, /* the pool is an attribute */
};
static unsigned refused_as_stated[sizeof refusals / sizeof *refusals];

/* Operators whose types are those of their bodies. */
static const char *const with_bodies[] = {"If", "Loop", "Scan", "SequenceMap"};

/* Those that have no case of one node in the suite. */
static const char *const own_cases[] = {
    "g () => (float[1,1,1,1] y) <float[1,1,2,2] x = {1, 2, 3, 4}> { y = GlobalLpPool (x) }",
    ("g () => (float[1,1,1,1] y) <float[1,1,2,2] x = {1, 2, 3, 4}, float[1,5] r = {0, 0, 0, 1, 1}>"
     " { y = MaxRoiPool <pooled_shape = [1, 1]> (x, r) }"),
    "g () => (int32[2,1] y) <float[2,3] x = {0, 1, 0, 1, 0, 0}> { y = Multinomial (x) }",
    "g () => (y) <float[2] x = {1, 2}> { y = Optional (x) }",
    "g () => (float[2] y) { y = RandomNormal <shape = [2]> () }",
    "g () => (float[2] y) <float[2] x = {1, 2}> { y = RandomNormalLike <dtype = 1> (x) }",
    "g () => (float[2] y) { y = RandomUniform <shape = [2]> () }",
    "g () => (float[2] y) <float[2] x = {1, 2}> { y = RandomUniformLike <dtype = 1> (x) }",
    "g (seq(float[2]) s) => (y) { y = ConcatFromSequence <axis = 0> (s) }",
    "g (seq(float[2]) s) => (y) <int64 k = {1}> { y = SequenceAt (s, k) }",
    "g () => (y) <float[2] a = {1, 2}, float[1] b = {3}> { y = SequenceConstruct (a, b) }",
    "g () => (y) { y = SequenceEmpty <dtype = 1> () }",
    "g (seq(float[2]) s) => (y) <int64 k = {1}> { y = SequenceErase (s, k) }",
    "g (seq(float[2]) s) => (y) { y = SequenceLength (s) }",
};

typedef struct covered {
    const c2s_op_versions *versions;
    unsigned runs;
} covered;

static C2S_VEC(covered) tally;

/* Is what was refused, with c2s_error(), in the list? */
static bool is_listed(const subject *s, c2s_dtype dtype) {
    for (size_t k = 0; k < sizeof refusals / sizeof *refusals; k++) {
        uint64_t dtypes = 0;
        for (const char *letter = refusals[k].dtypes; *letter; letter++)
            dtypes |= letter_dtypes(*letter);
        if (strcmp(refusals[k].type, s->node->type) == 0 && (dtypes >> dtype & 1) &&
            strstr(c2s_error(), refusals[k].message)) {
            refused_as_stated[k]++;
            return true;
        }
    }
    return false;
}

static void refused(subject *s, const char *part, c2s_dtype dtype, c2s_dtype result,
                    const char *why) {
    print_message("%s: operand of type %s", s->name, c2s_dtype_name(dtype));
    if (result)
        print_message(", %s wanted", c2s_dtype_name(result));
    print_message(": %s: %s\n", part, why);
    s->refusals++;
}

/* An output has a type that the version declares; `wanted`: what an attribute asks for. */
static bool is_declared(const subject *s, c2s_tensor *const *in, unsigned k, const c2s_type *type,
                        c2s_dtype wanted) {
    const declared_slot *slot = declared_out(&s->types, k);
    const c2s_dtype found = type_dtype(type);
    if (!slot || (k == 0 && wanted && found != wanted))
        return false;
    if (slot->like_first && in[0] && found != type_dtype(&in[0]->type))
        return false;
    return slot->dtypes[type_form(type)] >> found & 1;
}

/* Symbolic inference: the graph as it is with these types. */
static c2s_status infer(subject *s, c2s_tensor *const *in) {
    const c2s_type unknown = c2s_type_unknown();
    for (unsigned k = 0; k < s->node->formal_count; k++) {
        c2s_value *value = s->node->inputs[k].value;
        if (value && value->constant)
            c2s_value_set_constant(value, in[k]);
        if (value)
            c2s_value_set_type(value, &in[k]->type);
    }
    for (unsigned k = 0; k < s->node->output_count; k++)
        if (s->node->outputs[k])
            c2s_value_set_type(s->node->outputs[k], &unknown);
    return c2s_node_infer(s->node);
}

static void try_types(subject *s, c2s_tensor *const *in, c2s_dtype dtype, c2s_dtype wanted) {
    c2s_tensor *out[CASE_VALUES] = {NULL};
    c2s_node *node = s->node;
    char text[160], why[400];
    s->runs++;
    if (infer(s, in) != C2S_OK) {
        refused(s, "inference", dtype, wanted, c2s_error());
        return;
    }
    if (c2s_node_eval(node, (const c2s_tensor *const *)in, out, NULL, 0) != C2S_OK) {
        if (!is_listed(s, dtype))
            refused(s, "evaluation", dtype, wanted, c2s_error());
        return;
    }
    for (unsigned k = 0; k < node->output_count; k++) {
        if (!node->outputs[k])
            continue;
        const c2s_type *inferred = &node->outputs[k]->type;
        if (!is_declared(s, in, k, &out[k]->type, wanted) ||
            (inferred->kind != C2S_KIND_UNKNOWN && type_dtype(inferred) &&
             type_dtype(inferred) != type_dtype(&out[k]->type))) {
            snprintf(why, sizeof why, "output %u is %s", k,
                     c2s_type_text(s->model->dims, &out[k]->type, text, sizeof text));
            refused(s, "result", dtype, wanted, why);
        }
        c2s_tensor_unref(out[k]);
    }
}

/* ---- what an attribute decides ---- */

static const char *const dtype_attributes[] = {"to", "dtype", "output_datatype", "output_dtype"};

static const char *dtype_attribute(const subject *s) {
    const c2s_op_version *version = c2s_op_version_at(s->versions, C2S_OPSET_NEWEST);
    c2s_op_attribute found;
    for (size_t k = 0; k < sizeof dtype_attributes / sizeof *dtype_attributes; k++)
        if (c2s_op_attribute_find(s->versions, version, dtype_attributes[k], &found))
            return dtype_attributes[k];
    return NULL;
}

/* The results that may be asked for, of operands whose first has type `dtype`. */
static bool can_ask(const subject *s, c2s_tensor *const *in, c2s_dtype wanted) {
    const c2s_dtype dtype = in[0] ? type_dtype(&in[0]->type) : C2S_UNDEFINED;
    if (strcmp(s->node->type, "BitCast") == 0)
        return c2s_dtype_bits(dtype) == c2s_dtype_bits(wanted);
    if (strcmp(s->node->type, "QuantizeLinear") == 0)
        return !c2s_node_in(s->node, 2);
    if (strcmp(s->node->type, "DequantizeLinear") == 0)
        return wanted || in[1]->type.dtype != C2S_FLOAT8E8M0;
    return true;
}

/* The content of ConstantOfShape and Constant. */
static void try_contents(subject *s, c2s_tensor *const *in) {
    c2s_tensor *before = c2s_tensor_ref(c2s_attr_tensor(s->node, "value"));
    for (unsigned wanted = 1; wanted < C2S_DTYPE_COUNT; wanted++) {
        if (!(s->types.out[0].dtypes[TYPE_TENSOR] >> wanted & 1))
            continue;
        c2s_tensor *value = value_as(before, wanted);
        c2s_attr_set_tensor(s->node, "value", value);
        try_types(s, in, C2S_UNDEFINED, wanted);
        c2s_tensor_unref(value);
    }
    c2s_attr_set_tensor(s->node, "value", before);
    c2s_tensor_unref(before);
}

static void try_attributes(subject *s, c2s_tensor *const *in, c2s_dtype dtype) {
    const char *name = dtype_attribute(s);
    const uint64_t *dtypes = s->types.out[0].dtypes;
    const uint64_t results = dtypes[TYPE_TENSOR] | dtypes[TYPE_SEQUENCE];
    if (c2s_attr_tensor(s->node, "value")) {
        try_contents(s, in);
        return;
    }
    if (!name) {
        try_types(s, in, dtype, C2S_UNDEFINED);
        return;
    }
    const bool had = c2s_attr_has(s->node, name);
    const int64_t before = c2s_attr_int(s->node, name, 0);
    if (can_ask(s, in, (c2s_dtype)before))
        try_types(s, in, dtype, C2S_UNDEFINED);
    for (unsigned wanted = 1; wanted < C2S_DTYPE_COUNT; wanted++) {
        if (!(results >> wanted & 1) || !can_ask(s, in, wanted))
            continue;
        c2s_attr_set_int(s->node, name, wanted);
        try_types(s, in, dtype, wanted);
    }
    if (had)
        c2s_attr_set_int(s->node, name, before);
    else
        c2s_attr_remove(s->node, name);
}

/* ---- what operands decide ---- */

/* Does operand k change with the operands of slot `group`? */
static bool in_group(const subject *s, unsigned k, const declared_slot *group) {
    const declared_slot *slot = declared_in(&s->types, k), *first = declared_in(&s->types, 0);
    if (group != first)
        return slot != first && !slot->like_first && strcmp(slot->key, group->key) == 0;
    const bool wraps = slot->dtypes[TYPE_SEQUENCE] || first->dtypes[TYPE_SEQUENCE];
    return slot == first || slot->like_first || (wraps && strcmp(slot->key, group->key) == 0);
}

static void try_group(subject *s, unsigned slot) {
    const declared_slot *group = declared_in(&s->types, slot);
    const uint64_t dtypes = group->dtypes[type_form(&s->in[slot]->type)];
    for (unsigned dtype = 1; dtype < C2S_DTYPE_COUNT; dtype++) {
        c2s_tensor *in[CASE_VALUES] = {NULL};
        if (!(dtypes >> dtype & 1))
            continue;
        for (unsigned k = 0; k < s->node->formal_count; k++)
            if (s->in[k])
                in[k] =
                    in_group(s, k, group) ? value_as(s->in[k], dtype) : c2s_tensor_ref(s->in[k]);
        try_attributes(s, in, dtype);
        for (unsigned k = 0; k < CASE_VALUES; k++)
            c2s_tensor_unref(in[k]);
    }
}

static void try_all(subject *s) {
    c2s_tensor *none[CASE_VALUES] = {NULL};
    const unsigned count = s->node->formal_count;
    if (count == 0)
        try_attributes(s, none, C2S_UNDEFINED);
    for (unsigned k = 0; k < count; k++) {
        bool is_seen = s->in[k] == NULL;
        for (unsigned before = 0; before < k && !is_seen; before++)
            is_seen = s->in[before] && in_group(s, k, declared_in(&s->types, before));
        if (!is_seen)
            try_group(s, k);
    }
}

/* ---- all of it ---- */

static void count(const c2s_op_versions *versions, unsigned runs) {
    for (size_t k = 0; k < tally.count; k++)
        if (tally.at[k].versions == versions)
            tally.at[k].runs += runs;
}

static void run_subject(subject *s, bool is_open, unsigned *runs, unsigned *found) {
    if (is_open) {
        try_all(s);
        count(s->versions, s->runs);
    }
    *runs += s->runs;
    *found += s->refusals;
    subject_close(s);
}

static void allowed_types_are_taken(void **state) {
    (void)state;
    onnx_cases cases = {0};
    unsigned found = 0, runs = 0;
    subject s;
    cases_list("node", NULL, &cases);
    for (size_t k = 0; k < cases.count; k++)
        run_subject(&s, subject_of_case(&cases.at[k], type_filter, &s), &runs, &found);
    cases_free(&cases);
    for (size_t k = 0; k < sizeof own_cases / sizeof *own_cases; k++)
        run_subject(&s, subject_of_text(own_cases[k], type_filter, &s), &runs, &found);
    print_message("%u runs, %u refused\n", runs, found);
    assert_int_equal(found, 0);
    for (size_t k = 0; k < sizeof refusals / sizeof *refusals && !type_filter; k++)
        if (!refused_as_stated[k])
            fail_msg("%s is not refused: take it out of the list", refusals[k].type);
}

static void all_operators_are_covered(void **state) {
    (void)state;
    char path[PATH_MAX];
    unsigned missing = 0;
    shared_need(path, sizeof path, "onnx-cases/node");
    for (size_t k = 0; k < tally.count; k++) {
        const char *type = tally.at[k].versions->type;
        bool listed = false;
        for (size_t u = 0; u < sizeof with_bodies / sizeof *with_bodies; u++)
            listed |= strcmp(with_bodies[u], type) == 0;
        if (listed == (tally.at[k].runs > 0)) {
            print_message(listed ? "%s is covered: take it out of the list\n"
                                 : "%s: no case could be run with other types\n",
                          type);
            missing++;
        }
    }
    assert_true(missing == 0 || type_filter);
}

static int start(void **state) {
    (void)state;
    size_t count_all;
    const c2s_op_versions *all = c2s_op_versions_all(&count_all);
    for (size_t k = 0; k < count_all; k++)
        if (!all[k].domain[0] && c2s_op_version_at(&all[k], C2S_OPSET_NEWEST))
            c2s_vec_push(&tally, ((covered){.versions = &all[k]}));
    return 0;
}

static int end(void **state) {
    (void)state;
    c2s_vec_free(&tally);
    return 0;
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(allowed_types_are_taken),
                                       cmocka_unit_test(all_operators_are_covered)};
    type_filter = argc > 1 ? argv[1] : NULL;
    return cmocka_run_group_tests(tests, start, end);
}
