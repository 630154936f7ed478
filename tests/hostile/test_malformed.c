/* SPDX-License-Identifier: Apache-2.0 */
/* Models that are wrong: every field of a few small models in turn (wrong_fields.h), and what the
 * format forbids by name (wrong_models.h). The library refuses them with a documented status and
 * one line of text, or what it made of them is sound: it verifies, is saved, and loads again. None
 * takes longer than a second.
 *
 *   test_malformed --write FOLDER    writes the models of wrong_models.h and then all others, for
 *                                    tests/hostile/refused.sh; prints NAME <tab> STATUS (? if
 * several are right) */
#include "unit/make_proto.h"

#include <sys/stat.h>
#include <time.h>

#include "hostile/seed_models.h"
#include "hostile/wrong_fields.h"
#include "hostile/wrong_models.h"
#include "io/text.h"

/* ---- what is true of every model ---- */

static double processor_seconds(void) {
    return (double)clock() / CLOCKS_PER_SEC;
}

static void must_be_sound(c2s_model *model, const char *name) {
    void *data;
    size_t size;
    c2s_model *again = NULL;
    if (c2s_model_verify(model) != C2S_OK)
        fail_msg("%s: not refused, but %s", name, c2s_error());
    if (c2s_model_save_memory(model, &data, &size) != C2S_OK)
        fail_msg("%s: not refused, but cannot be saved: %s", name, c2s_error());
    if (c2s_model_load_memory(data, size, "again.onnx", &again) != C2S_OK)
        fail_msg("%s: not refused, but what it is saved as is: %s", name, c2s_error());
    c2s_model_free(again);
}

/* The main job without a proof, on `data`, which it takes. */
static c2s_status whole_job(const char *name, void *data, size_t size, bool passes) {
    static const c2s_run_options options = {
        .no_prove = true, .memory_limit = 32 << 20, .threads = 1};
    static const c2s_run_options nothing = {
        .passes = "none", .opset = 17, .threads = 1, .no_prove = true};
    c2s_model *model = NULL;
    const double before = processor_seconds();
    c2s_error_clear();
    c2s_status status = c2s_model_load_memory(data, size, "test.onnx", &model);
    if (status == C2S_OK)
        status = c2s_model_optimize(model, passes ? &options : &nothing, NULL);
    if (status == C2S_OK)
        must_be_sound(model, name);
    c2s_model_free(model);
    const double seconds = processor_seconds() - before;
    if (status != C2S_OK && status != C2S_ERR_INVALID && status != C2S_ERR_UNSUPPORTED &&
        status != C2S_ERR_MEMORY && status != C2S_ERR_IO)
        fail_msg("%s: status %d: %s", name, (int)status, c2s_error());
    if (status != C2S_OK && (!*c2s_error() || strchr(c2s_error(), '\n')))
        fail_msg("%s: status %d with the message \"%s\", expected one line", name, (int)status,
                 c2s_error());
    if (seconds > 1)
        fail_msg("%s: took %.1f seconds", name, seconds);
    return status;
}

/* ---- fields ---- */

/* One of so many goes through the passes; with C2S_MALFORMED all do. */
enum { EACH = 8 };

typedef struct tally {
    unsigned seen, by_status[8];
    const char *folder; /* NULL: the models are tried, not written */
} tally;

static void look(wrong_fields *w) {
    tally *t = w->user;
    size_t size;
    void *data = proto_pack(w->root, &size);
    t->seen++;
    if (t->folder) {
        char path[1200];
        snprintf(path, sizeof path, "%s/field_%05u.onnx", t->folder, t->seen);
        FILE *file = fopen(path, "wb");
        assert_non_null(file);
        assert_int_equal(fwrite(data, 1, size, file), size);
        assert_int_equal(fclose(file), 0);
        printf("field_%05u\t?\t%s\n", t->seen, w->place);
        free(data);
        return;
    }
    t->by_status[whole_job(w->place, data, size, t->seen % EACH == 0 || getenv("C2S_MALFORMED"))]++;
}

static Onnx__StringStringEntryProto *entry(const char *key, const char *value) {
    Onnx__StringStringEntryProto *made = new_string_string_entry_proto();
    made->key = proto_text(key);
    made->value = proto_text(value);
    return made;
}

/* What text has no place for. */
static void complete(Onnx__ModelProto *m) {
    Onnx__GraphProto *g = m->graph;
    Onnx__SparseTensorProto *sparse = new_sparse_tensor_proto();
    sparse->values = proto_raw("thin", C2S_FLOAT, 1, 4);
    sparse->indices = proto_raw("", C2S_INT64, 1, 8);
    memset(sparse->indices->raw_data.data, 0, 8);
    PROTO_ADD(sparse->n_dims, sparse->dims, 3);
    PROTO_ADD(g->n_sparse_initializer, g->sparse_initializer, sparse);
    Onnx__TensorAnnotation *annotation = new_tensor_annotation();
    annotation->tensor_name = proto_text("y");
    PROTO_ADD(annotation->n_quant_parameter_tensor_names, annotation->quant_parameter_tensor_names,
              entry("SCALE_TENSOR", "y"));
    PROTO_ADD(g->n_quantization_annotation, g->quantization_annotation, annotation);
    PROTO_ADD(g->n_value_info, g->value_info, proto_info("unheard", 4));
    PROTO_ADD(g->n_metadata_props, g->metadata_props, entry("key", "value"));
    PROTO_ADD(m->n_metadata_props, m->metadata_props, entry("key", "value"));
    Onnx__TrainingInfoProto *training = new_training_info_proto();
    training->algorithm = proto_small_model()->graph;
    PROTO_ADD(training->n_update_binding, training->update_binding, entry("w", "y"));
    PROTO_ADD(m->n_training_info, m->training_info, training);
    Onnx__TensorProto *typed = new_tensor_proto();
    typed->name = proto_text("typed");
    typed->has_data_type = 1;
    typed->data_type = C2S_FLOAT;
    PROTO_ADD(typed->n_dims, typed->dims, 1);
    PROTO_ADD(typed->n_float_data, typed->float_data, 1.0f);
    PROTO_ADD(g->n_initializer, g->initializer, typed);
}

static Onnx__ModelProto *seed(unsigned k) {
    c2s_model *model = NULL;
    void *data = NULL;
    size_t size = 0;
    if (c2s_text_read(seed_texts[k], strlen(seed_texts[k]), "seed", &model) != C2S_OK ||
        c2s_model_save_memory(model, &data, &size) != C2S_OK)
        fail_msg("seed %u: %s", k, c2s_error());
    c2s_model_free(model);
    ProtobufCAllocator allocator = proto_allocator();
    Onnx__ModelProto *proto = onnx__model_proto__unpack(&allocator, size, data);
    free(data);
    assert_non_null(proto);
    if (k == 0)
        complete(proto);
    return proto;
}

static void each_field(tally *t) {
    for (unsigned k = 0; k < SEEDS; k++) {
        c2s_arena *outer = proto_arena;
        proto_arena = c2s_arena_create();
        Onnx__ModelProto *proto = seed(k);
        wrong_fields w = {.seen = look, .root = &proto->base, .user = t};
        wrong_message(&w, &proto->base);
        c2s_arena_destroy(proto_arena);
        proto_arena = outer;
    }
}

/* The models are right before anything is changed. */
static void test_seeds(void **state) {
    (void)state;
    for (unsigned k = 0; k < SEEDS; k++) {
        size_t size;
        void *data = proto_pack(&seed(k)->base, &size);
        if (whole_job("seed", data, size, true) != C2S_OK)
            fail_msg("seed %u: %s", k, c2s_error());
    }
}

static void test_fields(void **state) {
    (void)state;
    tally t = {0};
    each_field(&t);
    print_message("%u models: %u go through, %u invalid, %u unsupported, %u too large\n", t.seen,
                  t.by_status[C2S_OK], t.by_status[C2S_ERR_INVALID],
                  t.by_status[C2S_ERR_UNSUPPORTED], t.by_status[C2S_ERR_MEMORY]);
    assert_true(t.seen > 3000);
    assert_true(t.by_status[C2S_ERR_INVALID] > t.seen / 4);
}

/* ---- rules ---- */

static void test_rules(void **state) {
    (void)state;
    size_t size;
    const char *name;
    void *data;
    unsigned wrong = 0;
    for (unsigned k = 0; (data = wrong_model_make(k, &size, &name)); k++) {
        const c2s_status status = whole_job(name, data, size, true);
        if (status == C2S_ERR_INVALID)
            continue;
        print_message("%s: status %d (%s), expected %d\n", name, (int)status, c2s_error(),
                      (int)C2S_ERR_INVALID);
        wrong++;
    }
    assert_int_equal(wrong, 0);
}

/* Sound, however odd: without anything that could be zero, or deep, but not nested. */
static void test_odd(void **state) {
    enum { LINKS = 10000 };
    (void)state;
    Onnx__ModelProto *m = proto_model();
    size_t size;
    void *data = proto_pack(&m->base, &size);
    assert_int_equal(whole_job("no nodes", data, size, true), C2S_OK);
    add_input(m->graph, "x", 0);
    add_initializer(m->graph, "w", 0);
    add_node(m->graph, "Add", "x,w", "y");
    add_output(m->graph, "y", 0);
    data = proto_pack(&m->base, &size);
    assert_int_equal(whole_job("no elements", data, size, true), C2S_OK);
    m = proto_small_model();
    for (int k = 0; k < LINKS; k++) {
        char name[16], callee[16];
        snprintf(name, sizeof name, "f%d", k);
        snprintf(callee, sizeof callee, "f%d", k + 1);
        if (k == 0)
            m->functions = c2s_arena_array(proto_arena, LINKS, sizeof *m->functions);
        Onnx__FunctionProto **all = m->functions;
        const size_t count = m->n_functions;
        m->n_functions = 0;
        m->functions = NULL;
        wrong_function(m, name, callee);
        all[count] = m->functions[0];
        m->functions = all;
        m->n_functions = count + 1;
    }
    data = proto_pack(&m->base, &size);
    assert_int_equal(whole_job("a chain of functions", data, size, true), C2S_ERR_UNSUPPORTED);
}

static int write_all(const char *folder) {
    size_t size;
    const char *name;
    void *data;
    for (unsigned k = 0; (data = wrong_model_make(k, &size, &name)); k++) {
        char path[1200];
        snprintf(path, sizeof path, "%s/%s.onnx", folder, name);
        FILE *file = fopen(path, "wb");
        if (!file || fwrite(data, 1, size, file) != size || fclose(file) != 0) {
            perror(path);
            return 1;
        }
        printf("%s\t%d\t\n", name, (int)C2S_ERR_INVALID);
        free(data);
    }
    tally t = {.folder = folder};
    each_field(&t);
    return 0;
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_seeds),
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_rules),
        cmocka_unit_test(test_odd),
    };
    if (argc == 3 && strcmp(argv[1], "--write") == 0) {
        proto_setup(NULL);
        const int status = write_all(argv[2]);
        proto_teardown(NULL);
        return status;
    }
    return cmocka_run_group_tests(tests, proto_setup, proto_teardown);
}
