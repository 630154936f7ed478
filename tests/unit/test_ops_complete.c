/* SPDX-License-Identifier: Apache-2.0
 *
 * No operator of ONNX lacks anything: ai.onnx up to the newest opset, ai.onnx.ml, and the previews.
 * Deprecated operators are no exception: they are either operators here, too, or rewritten when a
 * model is read.
 */
#include "catalogue.h"
#include "run_text.h"

static void nothing_is_missing(void **state) {
    (void)state;
    size_t count, standard = 0;
    unsigned lacking = 0;
    c2s_catalogue_entry *entries = c2s_catalogue(&count);
    for (size_t i = 0; i < count; i++) {
        const c2s_catalogue_entry *e = &entries[i];
        standard += e->versions != NULL;
        for (int topic = 0; e->versions && topic < C2S_TOPIC_COUNT; topic++)
            if (c2s_catalogue_lacks(e, (c2s_catalogue_topic)topic)) {
                print_message("%s %s lacks %s\n", e->domain, e->type,
                              c2s_catalogue_topic_name((c2s_catalogue_topic)topic));
                lacking++;
            }
    }
    free(entries);
    size_t wanted;
    c2s_op_versions_all(&wanted);
    assert_int_equal(standard, wanted);
    assert_int_equal(lacking, 0);
}

/* Operators beyond ONNX's own have to say how they behave, too. */
static void others_are_executable(void **state) {
    (void)state;
    size_t count;
    c2s_catalogue_entry *entries = c2s_catalogue(&count);
    for (size_t i = 0; i < count; i++)
        for (int topic = 0; !entries[i].versions && topic < C2S_TOPIC_COUNT; topic++)
            if (topic != C2S_TOPIC_CASES &&
                c2s_catalogue_lacks(&entries[i], (c2s_catalogue_topic)topic))
                fail_msg("%s %s lacks %s", entries[i].domain, entries[i].type,
                         c2s_catalogue_topic_name((c2s_catalogue_topic)topic));
    free(entries);
}

/* What is marked so leaves no trace in a model that was read. */
static void rewritten_operators_are_gone(void **state) {
    (void)state;
    static const struct {
        int opset;
        const char *type, *text;
    } models[] = {
        {7, "Upsample",
         "g (float[1,1,2,2] x) => (y) { y = Upsample <scales = [1.0, 1.0, 2.0, 2.0]> (x) }"},
        {9, "Upsample",
         "g (float[1,1,2,2] x) => (y) <float[4] s = {1, 1, 2, 2}> { y = Upsample (x, s) }"},
        {17, "Gradient",
         "g (float[2] x) => (d) { y = Mul (x, x)"
         "d = ai.onnx.preview.training.Gradient <xs = [\"x\"], y = \"y\"> (x) }"},
    };
    size_t count;
    c2s_catalogue_entry *entries = c2s_catalogue(&count);
    for (size_t i = 0; i < count; i++) {
        bool shown = !entries[i].rewritten;
        for (size_t m = 0; m < sizeof models / sizeof *models; m++)
            shown |= strcmp(models[m].type, entries[i].type) == 0;
        if (!shown)
            fail_msg("no model below shows that %s is rewritten", entries[i].type);
    }
    free(entries);
    for (size_t m = 0; m < sizeof models / sizeof *models; m++) {
        c2s_model *model = model_of_text(models[m].opset, models[m].text);
        assert_int_equal(c2s_model_normalise(model), C2S_OK);
        for (const c2s_node *node = model->graph->first; node; node = node->next)
            if (node->op == &c2s_op_opaque)
                fail_msg("%s is left in\n%s", node->type, models[m].text);
        c2s_model_destroy(model);
    }
}

/* Number of operands in "a,b>c" (see op_versions.h); C2S_VARIADIC behind a '*'. */
static unsigned operands_of(const char *types, bool output) {
    const char *arrow = strchr(types, '>');
    const char *part = output ? arrow + 1 : types, *end = output ? part + strlen(part) : arrow;
    unsigned number = part < end;
    int depth = 0;
    for (const char *c = part; c < end; c++) {
        depth += strchr("[(", *c) ? 1 : strchr("])", *c) ? -1 : 0;
        number += *c == ',' && depth == 0;
    }
    return end > part && end[-1] == '*' ? C2S_VARIADIC : number;
}

/* Our operators take as many operands as the newest version does. */
static void operands_are_those_of_the_standard(void **state) {
    (void)state;
    size_t count;
    c2s_catalogue_entry *entries = c2s_catalogue(&count);
    for (size_t i = 0; i < count; i++) {
        const c2s_catalogue_entry *e = &entries[i];
        if (!e->op || !e->versions || e->deprecated)
            continue;
        const char *types = e->versions->versions[e->versions->count - 1].types;
        for (int output = 0; output < 2; output++) {
            const unsigned most = output ? e->op->outputs[1] : e->op->inputs[1];
            if (most != operands_of(types, output))
                fail_msg("%s %s takes %u %s, in the standard \"%s\"", e->domain, e->type, most,
                         output ? "outputs" : "inputs", types);
        }
    }
    free(entries);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_missing),
        cmocka_unit_test(others_are_executable),
        cmocka_unit_test(rewritten_operators_are_gone),
        cmocka_unit_test(operands_are_those_of_the_standard),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
