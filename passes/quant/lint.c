/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/quant/lint.h"

/* Of the quantizer itself and of each DequantizeLinear that reads its codes. */
static void count_pair(c2s_lint *lint, const c2s_node *quantizer, bool maker) {
    unsigned readers = 0, fused = 0;
    c2s_value_each_use(use, quantizer->outputs[0]) {
        if (use->user == lint->judge.graph->exit || !c2s_is_dequantizer(use->user)) {
            readers++; /* reads the codes as they are */
            fused++;
            continue;
        }
        c2s_value_each_use(inner, use->user->outputs[0]) {
            readers++;
            fused += c2s_judge_fuses_reader(&lint->judge, inner);
        }
    }
    lint->pairs++;
    lint->fused += maker && fused == readers;
    lint->converts += maker ? fused < readers : fused > 0;
    lint->useless += !maker && fused == 0;
}

void c2s_lint_run(const c2s_target *target, const c2s_graph *graph, int64_t opset, c2s_lint *out) {
    *out = (c2s_lint){0};
    c2s_code_judge_open(target, graph, opset, &out->judge);
    for (const c2s_node *node = graph->first; node; node = node->next) {
        if (c2s_is_quantizer(node)) {
            const c2s_node *maker = node->inputs[0].value->def;
            const bool fuses = c2s_judge_fuses_maker(&out->judge, node);
            c2s_vec_push(&out->items,
                         (c2s_lint_item){node, maker == graph->entry ? NULL : maker, fuses});
            count_pair(out, node, fuses);
        } else if (c2s_is_dequantizer(node)) {
            c2s_value_each_use(use, node->outputs[0]) {
                c2s_vec_push(&out->items,
                             (c2s_lint_item){node, use->user == graph->exit ? NULL : use->user,
                                             c2s_judge_fuses_reader(&out->judge, use)});
            }
        }
    }
}

void c2s_lint_free(c2s_lint *lint) {
    c2s_code_judge_close(&lint->judge);
    c2s_vec_free(&lint->items);
}
