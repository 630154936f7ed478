/* SPDX-License-Identifier: Apache-2.0 */
#include "metric_command.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/process.h"

/* ---- words ---- */

typedef struct words {
    C2S_VEC(char *) at; /* ends with NULL */
    C2S_VEC(char) word; /* that is being read */
    bool inside;        /* there is one, be it empty */
    unsigned models;
} words;

static void put(words *w, const char *text, size_t size) {
    w->inside = true;
    for (size_t i = 0; i < size; i++)
        c2s_vec_push(&w->word, text[i]);
}

static void end_word(words *w) {
    if (!w->inside)
        return;
    c2s_vec_push(&w->word, '\0');
    c2s_vec_push(&w->at, c2s_strdup(w->word.at));
    c2s_vec_clear(&w->word);
    w->inside = false;
}

/* A character, or {model}, in front of `*at`, which moves behind it. */
static void put_next(words *w, const char **at, const char *model) {
    static const char place[] = "{model}";
    const size_t length = sizeof place - 1;
    if (strncmp(*at, place, length) == 0) {
        put(w, model, strlen(model));
        w->models++;
        *at += length;
    } else {
        put(w, (*at)++, 1);
    }
}

static c2s_status split(const char *text, const char *model, words *w) {
    char quote = '\0';
    for (const char *at = text; *at;) {
        if (*at == '\\' && quote != '\'' && at[1]) {
            put(w, at + 1, 1);
            at += 2;
        } else if (quote ? *at == quote : *at == '\'' || *at == '"') {
            quote = quote ? '\0' : *at;
            put(w, at++, 0);
        } else if (!quote && isspace((unsigned char)*at)) {
            end_word(w);
            at++;
        } else {
            put_next(w, &at, model);
        }
    }
    end_word(w);
    if (quote)
        return c2s_fail(C2S_ERR_USAGE, "the command \"%s\" has a %c that is not closed", text,
                        quote);
    if (w->at.count == 0 || w->models == 0)
        return c2s_fail(
            C2S_ERR_USAGE,
            "the command \"%s\" lacks {model}, expected such as 'python3 eval.py {model}'", text);
    c2s_vec_push(&w->at, NULL);
    return C2S_OK;
}

static void free_words(words *w) {
    for (size_t i = 0; i < w->at.count; i++)
        free(w->at.at[i]);
    c2s_vec_free(&w->at);
    c2s_vec_free(&w->word);
}

c2s_status c2s_metric_command_check(const char *text) {
    words w = {0};
    const c2s_status status = split(text, "", &w);
    free_words(&w);
    return status;
}

/* ---- running ---- */

/* The beginning of nan, inf or infinity. */
static bool may_not_be_finite(const char *text) {
    return strchr("nNiI", *text) != NULL;
}

/* A number that stands alone: "top-1" and "v2" hold none, "0.91," and "acc=0.91%" do; "nan" and
 * "inf", and what is too large, are such that are not finite. */
static bool last_number(const char *text, double *out) {
    bool found = false;
    for (const char *at = text; *at;) {
        const char before = at == text ? ' ' : at[-1];
        char *end = (char *)(uintptr_t)at;
        const bool starts =
            (isdigit((unsigned char)*at) || strchr("+-.", *at) || may_not_be_finite(at)) &&
            !isalnum((unsigned char)before) && !strchr("_.-+", before);
        const double number = starts ? strtod(at, &end) : 0;
        if (end > at && !isalnum((unsigned char)*end) && *end != '_') {
            *out = number;
            found = true;
        }
        at = end > at ? end : at + 1;
    }
    return found;
}

c2s_status c2s_metric_command_file(const c2s_metric_command *command, const char *path,
                                   double *out) {
    /* A path that looks like an option is none. */
    char *model = c2s_zalloc(strlen(path) + 3);
    snprintf(model, strlen(path) + 3, "%s%s", path[0] == '-' ? "./" : "", path);
    words w = {0};
    char *printed = NULL;
    c2s_status status = split(command->text, model, &w);
    if (status == C2S_OK)
        status =
            c2s_process_run((const char *const *)w.at.at,
                            command->seconds > 0 ? command->seconds : C2S_METRIC_SECONDS, &printed);
    if (status == C2S_OK && !last_number(printed, out))
        status = c2s_fail(C2S_ERR_INVALID, "%s: printed no number", w.at.at[0]);
    else if (status == C2S_OK && !isfinite(*out))
        status = c2s_fail(C2S_ERR_INVALID, "%s: printed %g as its last number", w.at.at[0], *out);
    if (status != C2S_OK)
        c2s_note("metric command");
    free(printed);
    free_words(&w);
    free(model);
    return status;
}

/* ---- of a graph ---- */

/* A folder of its own for the model and its external data; a signal removes all three. */
typedef struct place {
    char folder[3072], model[3200], data[3300];
} place;

static c2s_status make_place(place *p) {
    const char *base = getenv("TMPDIR");
    if (!base || !base[0] || strlen(base) > sizeof p->folder - 32)
        base = "/tmp";
    snprintf(p->folder, sizeof p->folder, "%s/onnx-c2s-XXXXXX", base);
    if (!mkdtemp(p->folder))
        return c2s_fail(C2S_ERR_IO, "%s: cannot make a folder for the model: %s", base,
                        strerror(errno));
    snprintf(p->model, sizeof p->model, "%s/model.onnx", p->folder);
    snprintf(p->data, sizeof p->data, "%s/model.onnx.data", p->folder);
    c2s_temporary_remember(p->model);
    c2s_temporary_remember(p->data);
    c2s_temporary_remember(p->folder);
    return C2S_OK;
}

static void remove_place(place *p) {
    unlink(p->model);
    unlink(p->data);
    rmdir(p->folder);
    c2s_temporary_forget(p->model);
    c2s_temporary_forget(p->data);
    c2s_temporary_forget(p->folder);
}

c2s_status c2s_metric_command_graph(const c2s_metric_command *command, const c2s_graph *graph,
                                    double *out) {
    place p;
    C2S_TRY(make_place(&p));
    c2s_model *copy = c2s_model_copy(graph->model);
    c2s_status status = c2s_model_save(copy, p.model, NULL);
    c2s_model_destroy(copy);
    if (status == C2S_OK)
        status = c2s_metric_command_file(command, p.model, out);
    remove_place(&p);
    return status;
}
