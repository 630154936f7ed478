/* SPDX-License-Identifier: Apache-2.0 */
#include "ir/swap.h"

/* Every graph has an entry node, so the table of nodes reaches every graph. */
static void adopt(c2s_model *model) {
    for (size_t i = 0; i < model->nodes.count; i++)
        if (model->nodes.at[i])
            model->nodes.at[i]->graph->model = model;
}

void c2s_model_swap(c2s_model *a, c2s_model *b) {
    c2s_model keep = *a;
    *a = *b;
    *b = keep;
    adopt(a);
    adopt(b);
}
