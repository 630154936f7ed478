/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "base/log.h"
#include "passes/quant/repair.h"

static void report_layer(const c2s_repair_problem *p, const c2s_repair_layer *l, const char *where,
                         c2s_stats *stats) {
    const c2s_remedy remedy = {.what = p->what,
                               .before_db = (double)NAN,
                               .after_db = (double)NAN,
                               .alone_db = -10 * log10(l->noise),
                               .alone_kl = l->divergence,
                               .kept = l->in_float};
    c2s_log(l->in_float ? 1 : 2, "quantize: %s alone leaves %.1f dB, divergence %.2g%s%s", where,
            remedy.alone_db, l->divergence, l->in_float ? ": it " : "", l->in_float ? p->what : "");
    c2s_stats_remedy(stats, &remedy, where);
}

void c2s_repair_report(const c2s_repair_problem *p, const c2s_repair_result *result,
                       const c2s_node *const *nodes, c2s_stats *stats) {
    bool any = false;
    for (size_t i = 0; i < p->count; i++) {
        if (isnan(result->layers[i].noise))
            continue;
        any |= result->layers[i].in_float;
        report_layer(p, &result->layers[i], c2s_node_text(nodes[i]), stats);
    }
    if (any)
        c2s_stats_remedy(stats,
                         &(c2s_remedy){.what = p->what,
                                       .before_db = result->before_db,
                                       .after_db = result->after_db,
                                       .alone_db = (double)NAN,
                                       .alone_kl = (double)NAN,
                                       .kept = true},
                         NULL);
}
