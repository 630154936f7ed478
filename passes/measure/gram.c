/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/measure/gram.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "eval/sample_order.h"
#include "ir/convert.h"

#define DEFAULT_MEMORY ((uint64_t)1 << 30)

/* ---- matrices ---- */

static c2s_status zeros(size_t a, size_t b, double **out) {
    C2S_TRY(c2s_scratch(a, b * sizeof **out, out));
    memset(*out, 0, a * b * sizeof **out);
    return C2S_OK;
}

c2s_gram *c2s_gram_ref(c2s_gram *gram) {
    atomic_fetch_add(&gram->refs, 1);
    return gram;
}

void c2s_gram_unref(c2s_gram *gram) {
    if (!gram || atomic_fetch_sub(&gram->refs, 1) != 1)
        return;
    free(gram->moment);
    free(gram->sum);
    free(gram);
}

static c2s_status gram_create(const c2s_linear_site *site, c2s_gram **out) {
    c2s_gram *g = c2s_zalloc(sizeof *g);
    g->groups = site->groups;
    g->k = site->k;
    atomic_init(&g->refs, 1);
    c2s_status status = zeros(g->groups * g->k, g->k, &g->moment);
    if (status == C2S_OK)
        status = zeros(g->groups, g->k, &g->sum);
    *out = g;
    return status;
}

/* Bytes of x^T y for `n` columns of y; UINT64_MAX if that overflows. */
static uint64_t moment_bytes(const c2s_linear_site *site, size_t n) {
    size_t bytes;
    if (!c2s_mul_size(site->groups, site->k, &bytes) || !c2s_mul_size(bytes, n, &bytes) ||
        !c2s_mul_size(bytes, sizeof(double), &bytes))
        return UINT64_MAX;
    return bytes;
}

/* ---- what is collected ---- */

typedef struct consumer {
    c2s_linear_site site;
    const c2s_value *target, *beside;
    const c2s_gram_cutoff *cutoff;
    float *weights; /* [groups, k, n], with `cutoff` */
    float *y;       /* of the sample at hand; NULL: it did not come */
    float *besides; /* the same of `beside` */
    c2s_type y_type;
    c2s_cross cross;
    struct consumer *head; /* the first that reads the same rows: whose gram it is */
    struct consumer *next, *next_target, *next_beside; /* further ones of the same value */
    struct consumer *last;                             /* of its input, in the first one of it */
    c2s_gram *gram;
    bool now; /* collected by this run over the samples */
} consumer;

typedef struct collector {
    const c2s_gram_options *options;
    size_t samples, sample; /* how many there are; the one at hand */
    consumer *consumers;    /* in the order of the requests */
    size_t count;
    consumer **of_input, **of_target, **of_beside; /* by value id: the first */
    /* Of the run at hand, by value id: what is wanted and has not come. When all has, it ends. */
    bool *missing;
    size_t left;
    bool ended;
} collector;

static void free_y(consumer *c) {
    free(c->y);
    free(c->besides);
    c->y = c->besides = NULL;
}

static void consumer_free(consumer *c) {
    free_y(c);
    free(c->weights);
    c->weights = NULL;
    c2s_gram_unref(c->gram);
    free(c->cross.moment);
    free(c->cross.sum);
    c->gram = NULL;
    c->cross = (c2s_cross){0};
}

/* ---- sums ---- */

static void add_sums(const c2s_samples *x, double *sum, double *square) {
    for (size_t v = 0; v < x->n; v++) {
        const float *at = x->at + (x->by_column ? v * x->stride : v);
        const size_t step = x->by_column ? 1 : x->stride;
        double total = 0, squares = 0;
        for (size_t r = 0; r < x->rows; r++) {
            const double value = (double)at[r * step];
            total += value;
            squares += value * value;
        }
        sum[v] += total;
        if (square)
            *square += squares;
    }
}

/* Which part of the rows of a tensor is taken, and from where on in a block. */
typedef struct cut {
    double part;
    uint64_t seed;
} cut;

static size_t rows_of(const c2s_linear_site *s, const c2s_tensor *x) {
    c2s_window w = s->window;
    if (!s->is_conv)
        return x->count / s->k;
    return x->type.rank == w.rank + 2 && c2s_window_resolve(&w, x->type.dim + 2) == C2S_OK
               ? (size_t)x->type.dim[0] * (size_t)c2s_window_out_size(&w)
               : 0;
}

static cut cut_of(const collector *all, const c2s_linear_site *s, const c2s_tensor *x) {
    const double most = (double)all->options->rows, least = 8.0 * (double)s->k;
    const double rows = (double)rows_of(s, x), wanted = most > least ? most : least;
    const bool some = most > 0 && rows * (double)all->samples > wanted;
    return (cut){some ? wanted / (double)all->samples / rows : 1, all->sample + 1};
}

/* The same rows of x and of y: it depends on the place of the block alone. */
static c2s_linear_block cut_block(const cut *c, const c2s_linear_block *block) {
    c2s_linear_block b = *block;
    if (c->part >= 1)
        return b;
    c2s_random random = {c->seed * 1000003 + b.image * 8191 + b.first};
    const size_t rows = (size_t)((double)b.x.rows * c->part) + 1;
    b.x.rows = rows < b.x.rows ? rows : b.x.rows;
    const size_t skip = (size_t)c2s_random_integer(&random, 0, (int64_t)(block->x.rows - b.x.rows));
    b.first += skip;
    b.x.at += skip * (b.x.by_column ? 1 : b.x.stride);
    return b;
}

typedef struct gram_rows {
    c2s_gram *gram;
    cut cut;
} gram_rows;

static c2s_status add_gram(void *user, const c2s_linear_block *whole) {
    const gram_rows *r = user;
    c2s_gram *g = r->gram;
    const c2s_linear_block block = cut_block(&r->cut, whole);
    add_sums(&block.x, g->sum + block.group * g->k, NULL);
    if (block.group == 0)
        g->rows += block.x.rows;
    return c2s_gram_add(&block.x, g->moment + block.group * g->k * g->k);
}

/* The rows of y beside those of x. */
typedef struct target_rows {
    consumer *consumer;
    size_t positions;
    double *squares; /* by group */
    cut cut;
} target_rows;

/* See c2s_gram_cutoff. `y`: rows of consumer->y. */
static c2s_status cut_off(consumer *c, const c2s_linear_block *block, const c2s_samples *y) {
    const c2s_linear_site *s = &c->site;
    const c2s_samples *x = &block->x;
    const size_t from = (size_t)(y->at - c->y);
    const float low = c->cutoff->low, high = c->cutoff->high, *added = c->cutoff->added;
    const c2s_product shape = {.transpose_a = x->by_column, .m = x->rows, .n = s->n, .k = s->k};
    float *products;
    C2S_TRY(c2s_scratch(x->rows, s->n * sizeof *products, &products));
    c2s_float_multiply(&shape, (c2s_float_part){x->at, x->stride},
                       (c2s_float_part){c->weights + block->group * s->k * s->n, s->n}, products,
                       s->n);
    for (size_t j = 0; j < s->n; j++)
        for (size_t row = 0; row < x->rows; row++) {
            const size_t at = from + (y->by_column ? j * y->stride + row : row * y->stride + j);
            const float beside = c->beside ? c->besides[at] : 0, wanted = c->y[at] + beside;
            const float gives =
                products[row * s->n + j] + (added ? added[block->group * s->n + j] : 0) + beside;
            if (wanted <= low)
                c->y[at] = fminf(gives, low) - beside;
            else if (wanted >= high)
                c->y[at] = fmaxf(gives, high) - beside;
        }
    free(products);
    return C2S_OK;
}

static c2s_status add_cross(void *user, const c2s_linear_block *whole) {
    const target_rows *t = user;
    const c2s_linear_site *s = &t->consumer->site;
    c2s_cross *cross = &t->consumer->cross;
    const c2s_linear_block block = cut_block(&t->cut, whole);
    const c2s_samples y = c2s_linear_outputs(s, &block, t->consumer->y, t->positions);
    if (t->consumer->cutoff)
        C2S_TRY(cut_off(t->consumer, &block, &y));
    add_sums(&y, cross->sum + block.group * s->n, &t->squares[block.group]);
    return c2s_cross_add(&block.x, &y, cross->moment + block.group * s->k * s->n);
}

/* The output that the site gives for this input has the type of the target. */
static c2s_status check_target(const consumer *c, const c2s_tensor *x, size_t *positions) {
    const c2s_linear_site *s = &c->site;
    const c2s_type *y = &c->y_type;
    size_t count, images = 1, wanted;
    *positions = 1;
    bool fits = c->y && c2s_type_elements(y, &count) && (!c->beside || c->besides);
    if (fits && s->is_conv) {
        fits = y->rank == x->type.rank && y->dim[0] == x->type.dim[0];
        images = fits ? (size_t)y->dim[0] * s->groups : 0;
        for (int k = 2; fits && k < y->rank; k++)
            *positions *= (size_t)y->dim[k];
        c2s_window w = s->window;
        fits = fits && c2s_window_resolve(&w, x->type.dim + 2) == C2S_OK &&
               (size_t)c2s_window_out_size(&w) == *positions;
    } else {
        images = x->count / s->k;
    }
    if (!fits || !c2s_mul_size(images, s->n, &wanted) ||
        !c2s_mul_size(wanted, *positions, &wanted) || wanted != count)
        return c2s_fail(C2S_ERR_INVALID,
                        "%s: the reference, or what is added behind it, does not give its output",
                        c2s_node_text(s->node));
    return C2S_OK;
}

static void subtract_beside(consumer *c) {
    size_t count = 0;
    if (c->beside && c2s_type_elements(&c->y_type, &count))
        for (size_t i = 0; i < count; i++)
            c->y[i] -= c->besides[i];
}

static c2s_status take_target(const collector *all, consumer *c, const c2s_tensor *x) {
    target_rows t = {c, 0, NULL, cut_of(all, &c->site, x)};
    C2S_TRY(check_target(c, x, &t.positions));
    subtract_beside(c);
    C2S_TRY(zeros(c->site.groups, 1, &t.squares));
    c2s_status status = c2s_linear_rows(&c->site, x, add_cross, &t);
    for (size_t g = 0; g < c->site.groups; g++)
        c->cross.square += t.squares[g];
    free(t.squares);
    free(c->besides);
    c->besides = NULL;
    return status;
}

/* ---- observers ---- */

static void begin_run(collector *all, const c2s_graph *graph, const bool *wanted) {
    const size_t values = graph->model->values.count;
    memcpy(all->missing, wanted, values * sizeof *wanted);
    all->ended = false;
    all->left = 0;
    for (size_t id = 0; id < values; id++)
        all->left += wanted[id];
}

/* What comes behind the last value that is wanted need not be computed: a failure ends the run. */
static c2s_status end_run(collector *all, const c2s_value *value) {
    all->left -= all->missing[value->id];
    all->missing[value->id] = false;
    all->ended = all->left == 0;
    return all->ended ? c2s_fail(C2S_ERR_UNSUPPORTED, "nothing more is wanted") : C2S_OK;
}

static c2s_status copy_floats(const c2s_tensor *tensor, float **out) {
    free(*out);
    *out = NULL;
    C2S_TRY(c2s_scratch(tensor->count, sizeof **out, out));
    c2s_load_f32(tensor->type.dtype, c2s_tensor_data(tensor), 0, tensor->count, *out);
    return C2S_OK;
}

static c2s_status observe_input(void *user, const c2s_value *value, const c2s_tensor *tensor) {
    collector *all = user;
    for (consumer *c = all->of_beside[value->id]; c; c = c->next_beside)
        if (c->now && c->y && c2s_type_equal(&tensor->type, &c->y_type))
            C2S_TRY(copy_floats(tensor, &c->besides));
    for (consumer *c = all->of_input[value->id]; c; c = c->next) {
        gram_rows rows = {c->gram, cut_of(all, &c->site, tensor)};
        if (c->now && c->head == c)
            C2S_TRY(c2s_linear_rows(&c->site, tensor, add_gram, &rows));
        if (c->now && c->target)
            C2S_TRY(take_target(all, c, tensor));
    }
    return end_run(all, value);
}

static c2s_status observe_target(void *user, const c2s_value *value, const c2s_tensor *tensor) {
    collector *all = user;
    for (consumer *c = all->of_target[value->id]; c; c = c->next_target) {
        if (!c->now)
            continue;
        C2S_TRY(copy_floats(tensor, &c->y));
        c->y_type = tensor->type;
    }
    return end_run(all, value);
}

/* ---- runs ---- */

static c2s_status run_sample(collector *all, const c2s_graph *graph, const bool *wanted,
                             c2s_session *session, size_t index) {
    const c2s_gram_options *o = all->options;
    const unsigned inputs = c2s_graph_input_count(graph), outputs = c2s_graph_output_count(graph);
    c2s_tensor **in = c2s_zalloc((inputs + outputs + 1u) * sizeof(c2s_tensor *)),
               **out = in + inputs;
    c2s_status status = o->feed->get(o->feed, graph, index, in);
    begin_run(all, graph, wanted);
    if (status == C2S_OK)
        status = o->evaluator->run(session, (const c2s_tensor *const *)in, out);
    if (status != C2S_OK && all->ended) {
        c2s_error_clear();
        status = C2S_OK;
    }
    for (unsigned k = 0; k < inputs + outputs; k++)
        c2s_tensor_unref(in[k]);
    free(in);
    return status;
}

static c2s_status open_session(const c2s_gram_options *o, const c2s_graph *graph, bool *values,
                               c2s_observer observe, collector *all, c2s_session **session) {
    c2s_eval_options eval = o->eval;
    eval.observe = observe;
    eval.observe_user = all;
    eval.observe_value = values;
    return o->evaluator->open(graph, &eval, session);
}

static size_t most_values(const c2s_graph *graph, const c2s_graph *reference) {
    const size_t own = graph->model->values.count,
                 other = reference ? reference->model->values.count : 0;
    return own > other ? own : other;
}

static c2s_status run_all(const c2s_graph *graph, collector *all) {
    const c2s_gram_options *o = all->options;
    const c2s_graph *reference = NULL;
    bool *values = c2s_zalloc(graph->model->values.count + 1), *targets = NULL;
    if (o->reference)
        targets = c2s_zalloc(o->reference->model->values.count + 1);
    for (size_t i = 0; i < all->count; i++) {
        const consumer *c = &all->consumers[i];
        values[c->site.input->id] |= c->now;
        if (c->now && c->beside)
            values[c->beside->id] = true;
        if (c->now && c->target) {
            reference = o->reference;
            targets[c->target->id] = true;
        }
    }
    c2s_session *session = NULL, *other = NULL;
    all->missing = c2s_zalloc(most_values(graph, o->reference) + 1);
    c2s_status status = open_session(o, graph, values, observe_input, all, &session);
    if (status == C2S_OK && reference)
        status = open_session(o, reference, targets, observe_target, all, &other);
    size_t count, *taken = c2s_samples_list(o->feed->count, o->samples, &count);
    all->samples = count;
    for (size_t k = 0; k < count && status == C2S_OK; k++) {
        all->sample = taken[k];
        if (reference)
            status = run_sample(all, reference, targets, other, taken[k]);
        if (status == C2S_OK)
            status = run_sample(all, graph, values, session, taken[k]);
    }
    free(taken);
    if (session)
        o->evaluator->close(session);
    if (other)
        o->evaluator->close(other);
    free(all->missing);
    free(values);
    free(targets);
    return status;
}

/* ---- order and memory ---- */

static c2s_status read_weights(consumer *c) {
    const c2s_linear_site *s = &c->site;
    C2S_TRY(c2s_scratch(s->groups * s->k, s->n * sizeof *c->weights, &c->weights));
    for (size_t g = 0, at = 0; g < s->groups; g++)
        for (size_t i = 0; i < s->k; i++)
            for (size_t j = 0; j < s->n; j++)
                c->weights[at++] = (float)c2s_tensor_f64_at(
                    s->weight->constant, g * s->group_step + i * s->k_step + j * s->n_step);
    return C2S_OK;
}

static c2s_status begin_consumer(consumer *c) {
    const c2s_linear_site *s = &c->site;
    if (c->head == c)
        C2S_TRY(gram_create(s, &c->gram));
    else
        c->gram = c2s_gram_ref(c->head->gram);
    if (c->target) {
        C2S_TRY(zeros(s->groups * s->k, s->n, &c->cross.moment));
        C2S_TRY(zeros(s->groups, s->n, &c->cross.sum));
    }
    c->now = true;
    return c->cutoff ? read_weights(c) : C2S_OK;
}

static uint64_t sum_bytes(uint64_t a, uint64_t b) {
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static uint64_t consumer_bytes(const consumer *c) {
    return sum_bytes(c->head == c ? moment_bytes(&c->site, c->site.k) : 0,
                     c->target ? moment_bytes(&c->site, c->site.n) : 0);
}

/* With all that read the same rows. */
static uint64_t family_bytes(const consumer *head) {
    uint64_t bytes = 0;
    for (const consumer *c = head; c; c = c->next)
        if (c->head == head)
            bytes = sum_bytes(bytes, consumer_bytes(c));
    return bytes;
}

/* As many families as the memory holds, at least one. *next: the first that is left. */
static c2s_status begin_some(collector *all, uint64_t memory, size_t *next) {
    uint64_t used = 0;
    for (; *next < all->count; ++*next) {
        consumer *head = &all->consumers[*next];
        if (head->head != head)
            continue;
        used = sum_bytes(used, family_bytes(head));
        if (used > memory && used > family_bytes(head))
            break;
        for (consumer *c = head; c; c = c->next)
            if (c->head == head)
                C2S_TRY(begin_consumer(c));
    }
    return C2S_OK;
}

static c2s_status hand_over(collector *all) {
    const c2s_gram_options *o = all->options;
    for (size_t i = 0; i < all->count; i++) {
        consumer *c = &all->consumers[i];
        if (c->now && c->head == c)
            for (size_t g = 0; g < c->gram->groups; g++)
                c2s_symmetric_fill(c->gram->k, c->gram->moment + g * c->gram->k * c->gram->k);
    }
    for (size_t i = 0; i < all->count; i++) {
        consumer *c = &all->consumers[i];
        if (!c->now)
            continue;
        C2S_TRY(o->take(o->user, &c->site, c->gram, c->target ? &c->cross : NULL));
    }
    for (size_t i = 0; i < all->count; i++) {
        consumer *c = &all->consumers[i];
        if (c->now)
            consumer_free(c);
        c->now = false;
    }
    return C2S_OK;
}

/* Puts it behind those of the same input, and finds one that reads the same rows: of the first few
 * different ones, since a file may have any number. */
static void link_consumer(collector *all, consumer *c) {
    enum { MOST_HEADS = 64 };
    consumer **end = &all->of_input[c->site.input->id];
    unsigned heads = 0;
    c->head = c;
    for (consumer *other = *end; other && c->head == c && heads < MOST_HEADS; other = other->next) {
        heads += other->head == other;
        if (other->head == other && c2s_linear_site_shares(&other->site, &c->site))
            c->head = other;
    }
    /* The last one is where the first one says. */
    if (*end) {
        (*end)->last->next = c;
        (*end)->last = c;
    } else {
        *end = c;
        c->last = c;
    }
    if (c->target) {
        c->next_target = all->of_target[c->target->id];
        all->of_target[c->target->id] = c;
    }
    if (c->beside) {
        c->next_beside = all->of_beside[c->beside->id];
        all->of_beside[c->beside->id] = c;
    }
}

static void make_consumers(const c2s_gram_request *requests, size_t count, uint64_t memory,
                           collector *all) {
    for (size_t i = 0; i < count; i++) {
        consumer *c = &all->consumers[all->count];
        const char *reason = c2s_linear_site_of(requests[i].node, &c->site);
        c->target = requests[i].target;
        c->beside = requests[i].target ? requests[i].beside : NULL;
        c->cutoff = requests[i].target ? requests[i].cutoff : NULL;
        c->head = c;
        if (!reason && consumer_bytes(c) > memory)
            reason = "its matrix of moments would take more memory than there is for it";
        if (!reason) {
            link_consumer(all, c);
            all->count++;
            continue;
        }
        *c = (consumer){0};
        if (all->options->refuse)
            all->options->refuse(all->options->user, requests[i].node, reason);
    }
}

static void collector_free(collector *all) {
    for (size_t i = 0; i < all->count; i++)
        consumer_free(&all->consumers[i]);
    free(all->consumers);
    free(all->of_input);
    free(all->of_target);
    free(all->of_beside);
}

c2s_status c2s_gram_collect(const c2s_graph *graph, const c2s_gram_request *requests, size_t count,
                            const c2s_gram_options *options) {
    const uint64_t memory = options->memory ? options->memory : DEFAULT_MEMORY;
    const c2s_graph *reference = options->reference ? options->reference : graph;
    if (graph->model->functions.count > 0 || reference->model->functions.count > 0)
        return c2s_fail(C2S_ERR_UNSUPPORTED, "a model with functions: expand them first (cleanup)");
    collector all = {.options = options};
    all.consumers = c2s_zalloc((count + 1) * sizeof *all.consumers);
    all.of_input = c2s_zalloc((graph->model->values.count + 1) * sizeof(consumer *));
    all.of_beside = c2s_zalloc((graph->model->values.count + 1) * sizeof(consumer *));
    all.of_target = c2s_zalloc((reference->model->values.count + 1) * sizeof(consumer *));
    make_consumers(requests, count, memory, &all);
    c2s_status status = C2S_OK;
    for (size_t next = 0; next < all.count && status == C2S_OK;) {
        status = begin_some(&all, memory, &next);
        if (status == C2S_OK)
            status = run_all(graph, &all);
        if (status == C2S_OK)
            status = hand_over(&all);
    }
    collector_free(&all);
    return status;
}
