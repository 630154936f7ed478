/* SPDX-License-Identifier: Apache-2.0
 *
 * A metric of the user's: a command that is given a model and prints a number, the last one of
 * which counts. The text is split into words as a shell does (blanks separate, '...' and "..."
 * quote, a backslash takes the next character as it is); nothing else of a shell is there. {model}
 * stands for the path of the model, which never becomes more than (a part of) one word.
 */
#ifndef C2S_METRIC_COMMAND_H
#define C2S_METRIC_COMMAND_H

#include "ir/graph.h"

#define C2S_METRIC_SECONDS 600.0 /* unless told otherwise */

typedef struct c2s_metric_command {
    const char *text;
    double seconds; /* that it may take; 0: C2S_METRIC_SECONDS */
    bool less;      /* a smaller number is better */
} c2s_metric_command;

/* C2S_ERR_USAGE: a quote is not closed, there is no word, or no {model}. */
c2s_status c2s_metric_command_check(const char *text);
/* Failures are those of base/process.h; C2S_ERR_INVALID: it printed no number. */
c2s_status c2s_metric_command_file(const c2s_metric_command *command, const char *model_path,
                                   double *out);
/* The same for the model of a main graph, as a temporary file, in its opset. */
c2s_status c2s_metric_command_graph(const c2s_metric_command *command, const c2s_graph *graph,
                                    double *out);

#endif
