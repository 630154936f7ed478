/* SPDX-License-Identifier: Apache-2.0 */
#include "job_samples.h"

#include <stdlib.h>

#include "eval/sample_order.h"

enum { DATA_SAMPLES = 4 }; /* if nothing else is asked for */

void c2s_samples_free(c2s_samples *s) {
    for (unsigned i = 0; i < s->count; i++) {
        for (unsigned k = 0; s->sets[i] && k < s->inputs; k++)
            c2s_tensor_unref(s->sets[i][k]);
        free(s->sets[i]);
    }
    free(s->sets);
    c2s_dataset_close(s->data);
}

c2s_status c2s_samples_load(const c2s_model *model, const c2s_run_options *o, c2s_samples *s) {
    C2S_TRY(c2s_dataset_open(o->data, model->graph, o->image, &s->data));
    size_t count;
    size_t *taken = c2s_samples_list(c2s_dataset_count(s->data),
                                     o->samples ? o->samples : DATA_SAMPLES, &count);
    s->count = (unsigned)count;
    s->inputs = c2s_graph_input_count(model->graph);
    s->sets = c2s_zalloc((count + 1) * sizeof *s->sets);
    c2s_status status = C2S_OK;
    for (unsigned i = 0; i < s->count && status == C2S_OK; i++) {
        s->sets[i] = c2s_zalloc((s->inputs + 1) * sizeof **s->sets);
        status = c2s_dataset_sample(s->data, taken[i], s->sets[i]);
    }
    free(taken);
    return status;
}
