/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a file of rules: they are refused with a message, and the rules up to there run over
 * a small graph, which still verifies. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "c2s.h"
#include "io/text.h"
#include "ops/op.h"
#include "passes/custom/custom.h"
#include "must.h"

enum { MOST_REWRITES = 100 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Something of every kind that rules can bind to. */
static const char graph[] =
    "<ir_version: 10, opset_import: [\"\" : 21, \"my.own\" : 1]>\n"
    "g (float[n,2,4,4] x, float[3,2] m) => (float[] y, float[] z, float[1,3] a, float[1,3] b, "
    "float[] d)\n"
    "<float[2,2,1,1] w = {1.0, 2.0, 3.0, 4.0}, float[2] bias = {0.5, 0.5}, float two = {2.0},\n"
    " int64[1] axis = {1}>\n"
    "{\n"
    "    c = Conv <pads = [0, 0, 0, 0], kernel_shape = [1, 1]> (x, w, bias)\n"
    "    s = Sigmoid (c)\n"
    "    p = Mul (c, s)\n"
    "    r = Relu (p)\n"
    "    q = Div (r, two)\n"
    "    y = ReduceMean <keepdims = 0> (q, axis)\n"
    "    t = Transpose <perm = [1, 0]> (m)\n"
    "    f = MatMul (m, t)\n"
    "    h = Softmax (f)\n"
    "    u = my.own.Thing <k = 1> (h)\n"
    "    z = Add (u, two)\n"
    "    a, b = Split <axis = 0, num_outputs = 2> (t)\n"
    "    d = Clip (m, \"\", two)\n"
    "}\n";

static void run_rules(const c2s_rules *rules) {
    c2s_model *model = NULL;
    must(c2s_text_read(graph, sizeof graph - 1, "graph", &model) == C2S_OK, "the graph");
    must(c2s_graph_infer(model->graph) == C2S_OK, "its types");
    c2s_stats stats = {.limit = MOST_REWRITES};
    if (c2s_rewrite(model->graph, c2s_rules_pass(rules)->rules, &stats) != C2S_OK)
        must(*c2s_error() != '\0', "no message");
    c2s_graph_sweep(model->graph);
    must(c2s_model_verify(model) == C2S_OK, "after the rules");
    c2s_stats_free(&stats);
    c2s_model_destroy(model);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    c2s_rules *rules = NULL;
    if (c2s_rules_read(&rules, (const char *)data, size, "fuzz.rules") != C2S_OK)
        must(*c2s_error() != '\0', "refused without a message");
    run_rules(rules); /* those before the fault, too */
    c2s_rules_free(rules);
    c2s_error_clear();
    return 0;
}
