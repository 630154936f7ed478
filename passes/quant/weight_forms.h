/* SPDX-License-Identifier: Apache-2.0
 *
 * Codes of weights go into the graph, in the form that was planned.
 */
#ifndef C2S_PASSES_QUANT_WEIGHT_FORMS_H
#define C2S_PASSES_QUANT_WEIGHT_FORMS_H

#include "passes/quant/weight_plan.h"

/* Where nodes that make the weight go: in front of its first reader, or of everything if bodies
 * read it, too, since those may come earlier. */
c2s_node *c2s_planned_place(const c2s_planned_weight *p);
/* p->codes are given. All readers of the weight read the codes after it; types are inferred. */
c2s_status c2s_weight_write(const c2s_planned_weight *p);

#endif
