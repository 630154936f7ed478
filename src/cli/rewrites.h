/* SPDX-License-Identifier: Apache-2.0
 *
 * What the default job tells of single rewrites: those there are, those it did, why not.
 */
#ifndef C2S_CLI_REWRITES_H
#define C2S_CLI_REWRITES_H

#include <jansson.h>
#include <stdio.h>

#include "cli/arguments.h"

/* --rules: the rules of all files; NULL if there are none. Free them, also after a failure. */
c2s_status cli_load_rules(const cli_arguments *arguments, c2s_rules **rules);

/* --list-rules: every rewrite of every pass, to standard output. */
c2s_status cli_list_rules(const cli_arguments *arguments);

/* --explain NODE: what is remembered of the node before the job changes the model. */
typedef struct cli_question {
    const char *name; /* as asked */
    char text[512];   /* as messages call it */
    const struct c2s_op *op;
} cli_question;

/* C2S_ERR_USAGE if no node, and no output of a node, has that name. */
c2s_status cli_question_ask(c2s_model *model, const char *name, cli_question *out);
/* Which rewrites looked at it, which changed it, why others did not. */
void cli_question_answer(const cli_question *question, const c2s_rules *rules,
                         const c2s_report *report, FILE *stream);

/* --log-rewrites FILE: a line for each that was done, with what it removed. Atomically. */
c2s_status cli_log_rewrites(const char *path, const c2s_report *report);
/* The same as an array of objects. */
json_t *cli_rewrites_json(const c2s_report *report);

#endif
