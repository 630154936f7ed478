/* SPDX-License-Identifier: Apache-2.0 */
/* The library has no state that threads share: eight of them load, transform, run and save
 * different models at the same time, and the same model makes the same bytes each time, and the
 * bytes that it makes alone. The preset tsan sees what happens by luck. */
#include "unit/make_graph.h"

#include <pthread.h>
#include <unistd.h>

#include "hostile/seed_models.h"
#include "io/load.h"
#include "io/save.h"
#include "io/text.h"

enum { THREADS = 8, ROUNDS = 3 };

typedef struct result {
    void *data;
    size_t size;
    c2s_status status;
    char error[256];
} result;

static const char *const pipelines[] = {NULL, "cleanup,recompose,fuse,quantize_weights",
                                        "half(sqnr=0)"};

/* The model of that number through the main job. */
static void transform(unsigned number, result *out) {
    const char *text = seed_texts[number % SEEDS];
    const c2s_run_options options = {
        .passes = pipelines[number / SEEDS % 3], .threads = 1, .samples = 1, .no_guard = true};
    c2s_model *model = NULL;
    c2s_report *report = NULL;
    *out = (result){0};
    out->status = c2s_text_read(text, strlen(text), "seed", &model);
    if (out->status == C2S_OK)
        out->status = c2s_model_optimize(model, &options, &report);
    if (out->status == C2S_OK)
        out->status = c2s_model_save_memory(model, &out->data, &out->size);
    if (out->status != C2S_OK)
        snprintf(out->error, sizeof out->error, "%s", c2s_error());
    c2s_report_free(report);
    c2s_model_free(model);
}

typedef struct worker {
    pthread_t thread;
    unsigned number;
    result results[ROUNDS];
} worker;

static void *work(void *user) {
    worker *w = user;
    for (unsigned round = 0; round < ROUNDS; round++)
        transform(w->number + round, &w->results[round]);
    return NULL;
}

static void check(const result *found, unsigned number) {
    result alone;
    transform(number, &alone);
    if (found->status != alone.status || strcmp(found->error, alone.error) != 0)
        fail_msg("model %u: status %d (%s), alone %d (%s)", number, (int)found->status,
                 found->error, (int)alone.status, alone.error);
    assert_int_equal(found->size, alone.size);
    if (alone.size)
        assert_memory_equal(found->data, alone.data, alone.size);
    free(alone.data);
}

static void test_different_models(void **state) {
    (void)state;
    static worker workers[THREADS];
    for (unsigned k = 0; k < THREADS; k++) {
        workers[k].number = k * 2;
        assert_int_equal(pthread_create(&workers[k].thread, NULL, work, &workers[k]), 0);
    }
    for (unsigned k = 0; k < THREADS; k++)
        assert_int_equal(pthread_join(workers[k].thread, NULL), 0);
    unsigned good = 0;
    for (unsigned k = 0; k < THREADS; k++)
        for (unsigned round = 0; round < ROUNDS; round++) {
            const result *found = &workers[k].results[round];
            good += found->status == C2S_OK;
            check(found, workers[k].number + round);
            free(found->data);
        }
    assert_int_equal(good, THREADS * ROUNDS);
}

/* ---- failures and files ---- */

static char folder[] = "/tmp/c2s-threads-XXXXXX";

/* A message belongs to its thread; a file of its own is whole. */
static void *fail_and_save(void *user) {
    const unsigned number = *(unsigned *)user;
    char path[64], name[32];
    snprintf(path, sizeof path, "%s/%u.onnx", folder, number);
    snprintf(name, sizeof name, "nowhere-%u.onnx", number);
    for (unsigned round = 0; round < 20; round++) {
        c2s_model *model = NULL;
        if (c2s_model_load(name, &model) != C2S_ERR_IO || !strstr(c2s_error(), name))
            return "the message is of another thread";
        const char *text = seed_texts[number % SEEDS];
        const c2s_save_options options = {.external_data = true, .external_threshold = 16};
        if (c2s_text_read(text, strlen(text), "seed", &model) != C2S_OK ||
            c2s_model_save(model, path, &options) != C2S_OK)
            return "it was not saved";
        c2s_model_free(model);
        if (c2s_model_load(path, &model) != C2S_OK)
            return "it cannot be loaded again";
        c2s_model_free(model);
    }
    return NULL;
}

static void test_files(void **state) {
    (void)state;
    pthread_t threads[THREADS];
    unsigned numbers[THREADS];
    assert_non_null(mkdtemp(folder));
    for (unsigned k = 0; k < THREADS; k++) {
        numbers[k] = k;
        assert_int_equal(pthread_create(&threads[k], NULL, fail_and_save, &numbers[k]), 0);
    }
    for (unsigned k = 0; k < THREADS; k++) {
        void *wrong = NULL;
        assert_int_equal(pthread_join(threads[k], &wrong), 0);
        if (wrong)
            fail_msg("thread %u: %s", k, (const char *)wrong);
    }
    char command[64];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    assert_int_equal(system(command), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_different_models),
        cmocka_unit_test(test_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
