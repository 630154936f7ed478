/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/lowrank/cp_decomposition.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/linear_algebra.h"
#include "base/memory.h"
#include "base/random.h"

/* Starts, while steps are left of those that take so many multiply-accumulates; steps from one. */
enum { STARTS = 4, MOST_STEPS = 1000, LEAST_STEPS = 8, SEED = 1412 };
#define WORK 1e9
/* Looked at after so many steps: no more come where the error shrinks by less than this part, or is
 * this part of all. */
enum { LOOK = 10 };
#define LEAST_GAIN 1e-3
#define EXACT      1e-14
/* Of normal equations, as part of the mean of their diagonal: in every step; at first, towards the
 * last solution; how much of that stays from step to step. */
#define DAMPING     1e-13
#define INERTIA     1e-2
#define INERTIA_FOR 0.7

typedef struct fitting {
    const c2s_cp_shape *shape;
    const double *values;
    double *const *factors;
    size_t others;    /* elements for one place on the first axis */
    double *products; /* [rank, others]: of vectors; then of the first axis's and the values */
    double *row;      /* [others] */
    double *normal;   /* [rank, rank] */
    double *square;   /* likewise */
    double *right;    /* [rank, greatest extent] */
    double energy, inertia;
} fitting;

void c2s_cp_product(const c2s_cp_shape *s, double *const *factors, size_t r, unsigned first,
                    unsigned last, unsigned skip, double *out) {
    size_t count = 1;
    out[0] = 1;
    for (unsigned a = first; a <= last; a++) {
        const double *v = factors[a] + r * s->extent[a];
        for (size_t i = count; i-- > 0;) /* from behind: in place */
            for (size_t j = s->extent[a]; j-- > 0;)
                out[i * s->extent[a] + j] = out[i] * (a == skip ? 1 : v[j]);
        count *= s->extent[a];
    }
}

/* out [rank, rank]: products of the vectors of all axes but `skip`. */
static c2s_status multiply_grams(const fitting *f, unsigned skip, double *out) {
    const size_t r = f->shape->rank;
    for (size_t i = 0; i < r * r; i++)
        out[i] = 1;
    for (unsigned a = 0; a < f->shape->axes; a++) {
        if (a == skip)
            continue;
        C2S_TRY(c2s_matrix_multiply(
            &(c2s_product){.transpose_b = true, .m = r, .n = r, .k = f->shape->extent[a]},
            f->factors[a], f->factors[a], f->square));
        for (size_t i = 0; i < r * r; i++)
            out[i] *= f->square[i];
    }
    return C2S_OK;
}

/* The vectors of an axis, from `right`: the values against the products of all others. */
static c2s_status solve_axis(const fitting *f, unsigned axis) {
    const size_t r = f->shape->rank, extent = f->shape->extent[axis];
    double trace = 0, damping = DAMPING;
    C2S_TRY(multiply_grams(f, axis, f->normal));
    for (size_t i = 0; i < r; i++)
        trace += f->normal[i * (r + 1)];
    const double inertia = f->inertia * trace / (double)r;
    for (size_t i = 0; i < r; i++)
        f->normal[i * (r + 1)] += inertia;
    C2S_TRY(c2s_cholesky(r, f->normal, &damping));
    for (size_t i = 0; i < r * extent; i++)
        f->factors[axis][i] = f->right[i] + inertia * f->factors[axis][i];
    return c2s_cholesky_solve(r, extent, f->normal, f->factors[axis]);
}

static c2s_status update_first(const fitting *f) {
    const c2s_cp_shape *s = f->shape;
    for (size_t r = 0; r < s->rank; r++)
        c2s_cp_product(s, f->factors, r, 1, s->axes - 1, C2S_CP_AXES, f->products + r * f->others);
    C2S_TRY(c2s_matrix_multiply(
        &(c2s_product){.transpose_b = true, .m = s->rank, .n = s->extent[0], .k = f->others},
        f->products, f->values, f->right));
    C2S_TRY(solve_axis(f, 0));
    return c2s_matrix_multiply(&(c2s_product){.m = s->rank, .n = f->others, .k = s->extent[0]},
                               f->factors[0], f->values, f->products);
}

static c2s_status update_other(const fitting *f, unsigned axis) {
    const c2s_cp_shape *s = f->shape;
    const size_t extent = s->extent[axis];
    size_t inner = 1;
    for (unsigned a = axis + 1; a < s->axes; a++)
        inner *= s->extent[a];
    memset(f->right, 0, s->rank * extent * sizeof *f->right);
    for (size_t r = 0; r < s->rank; r++) {
        c2s_cp_product(s, f->factors, r, 1, s->axes - 1, axis, f->row);
        for (size_t i = 0; i < f->others; i++)
            f->right[r * extent + i / inner % extent] += f->products[r * f->others + i] * f->row[i];
    }
    return solve_axis(f, axis);
}

/* Vectors of a product get the same length. */
static void balance(const fitting *f) {
    for (size_t r = 0; r < f->shape->rank; r++) {
        double length[C2S_CP_AXES], all = 1;
        for (unsigned a = 0; a < f->shape->axes; a++) {
            const double *v = f->factors[a] + r * f->shape->extent[a];
            length[a] = 0;
            for (size_t i = 0; i < f->shape->extent[a]; i++)
                length[a] += v[i] * v[i];
            length[a] = sqrt(length[a]);
            all *= length[a];
        }
        const double wanted = pow(all, 1.0 / f->shape->axes);
        for (unsigned a = 0; all > 0 && a < f->shape->axes; a++)
            for (size_t i = 0; i < f->shape->extent[a]; i++)
                f->factors[a][r * f->shape->extent[a] + i] *= wanted / length[a];
    }
}

/* Behind the update of the last axis, whose `right` is still there. */
static c2s_status error_of(const fitting *f, double *error) {
    const size_t r = f->shape->rank;
    const unsigned last = f->shape->axes - 1;
    double own = 0, common = 0;
    C2S_TRY(multiply_grams(f, C2S_CP_AXES, f->normal));
    for (size_t i = 0; i < r * r; i++)
        own += f->normal[i];
    for (size_t i = 0; i < r * f->shape->extent[last]; i++)
        common += f->right[i] * f->factors[last][i];
    *error = fmax(0, f->energy - 2 * common + own);
    return C2S_OK;
}

static c2s_status fit_from(fitting *f, uint64_t seed, unsigned *left, double *error) {
    const unsigned steps = *left < MOST_STEPS ? *left : MOST_STEPS;
    c2s_random random = {seed};
    double before = f->energy;
    for (unsigned a = 0; a < f->shape->axes; a++)
        for (size_t i = 0; i < f->shape->rank * f->shape->extent[a]; i++)
            f->factors[a][i] = c2s_random_normal(&random);
    f->inertia = INERTIA;
    *error = f->energy;
    for (unsigned step = 1; step <= steps; step++) {
        --*left;
        C2S_TRY(update_first(f));
        for (unsigned a = 1; a < f->shape->axes; a++)
            C2S_TRY(update_other(f, a));
        if (step % LOOK == 0 || step == steps) {
            C2S_TRY(error_of(f, error));
            if (*error <= EXACT * f->energy || *error > before * (1 - LEAST_GAIN))
                return C2S_OK;
            before = *error;
        }
        balance(f);
        f->inertia *= INERTIA_FOR;
    }
    return C2S_OK;
}

static unsigned count_steps(const fitting *f) {
    const double r = (double)f->shape->rank;
    const double work = 2 * r * (double)f->shape->extent[0] * (double)f->others +
                        (double)f->shape->axes * r * r * r;
    return (unsigned)fmax(LEAST_STEPS, fmin(STARTS * MOST_STEPS, WORK / work));
}

static c2s_status fit(fitting *f) {
    const c2s_cp_shape *s = f->shape;
    unsigned left = count_steps(f);
    double *best[C2S_CP_AXES] = {0}, least = INFINITY, error;
    c2s_status status = C2S_OK;
    for (unsigned a = 0; a < s->axes && status == C2S_OK; a++)
        status = c2s_scratch(s->rank, s->extent[a] * sizeof(double), &best[a]);
    for (unsigned start = 0; start < STARTS && left > 0 && status == C2S_OK; start++) {
        status = fit_from(f, SEED + start, &left, &error);
        for (unsigned a = 0; status == C2S_OK && error < least && a < s->axes; a++)
            memcpy(best[a], f->factors[a], s->rank * s->extent[a] * sizeof(double));
        least = status == C2S_OK && error < least ? error : least;
        if (least <= EXACT * f->energy)
            break;
    }
    for (unsigned a = 0; a < s->axes; a++) {
        if (status == C2S_OK && least < INFINITY)
            memcpy(f->factors[a], best[a], s->rank * s->extent[a] * sizeof(double));
        free(best[a]);
    }
    return status;
}

/* One product for each place on all axes but the longest, which has what is there: exact. */
static void copy_all(const c2s_cp_shape *s, unsigned longest, const double *values,
                     double *const *factors) {
    size_t inner = 1, places = 1;
    for (unsigned a = 0; a < s->axes; a++) {
        memset(factors[a], 0, s->rank * s->extent[a] * sizeof(double));
        inner *= a > longest ? s->extent[a] : 1;
        places *= a != longest ? s->extent[a] : 1;
    }
    for (size_t r = 0; r < places; r++) {
        size_t rest = r;
        for (unsigned a = s->axes; a-- > 0;) {
            if (a == longest)
                continue;
            factors[a][r * s->extent[a] + rest % s->extent[a]] = 1;
            rest /= s->extent[a];
        }
        const double *from = values + r / inner * inner * s->extent[longest] + r % inner;
        for (size_t i = 0; i < s->extent[longest]; i++)
            factors[longest][r * s->extent[longest] + i] = from[i * inner];
    }
}

c2s_status c2s_cp_fit(const c2s_cp_shape *s, const double *values, double *const *factors) {
    fitting f = {.shape = s, .values = values, .factors = factors, .others = 1};
    unsigned longest = 0;
    for (unsigned a = 1; a < s->axes; a++) {
        f.others *= s->extent[a]; /* cannot overflow: the values exist */
        longest = s->extent[a] > s->extent[longest] ? a : longest;
    }
    const size_t most = s->extent[longest];
    if (s->rank >= s->extent[0] * f.others / most) {
        copy_all(s, longest, values, factors);
        return C2S_OK;
    }
    for (size_t i = 0; i < s->extent[0] * f.others; i++)
        f.energy += values[i] * values[i];
    c2s_status status = c2s_scratch(s->rank, f.others * sizeof(double), &f.products);
    if (status == C2S_OK)
        status = c2s_scratch(f.others, sizeof(double), &f.row);
    if (status == C2S_OK)
        status = c2s_scratch(s->rank, s->rank * sizeof(double), &f.normal);
    if (status == C2S_OK)
        status = c2s_scratch(s->rank, s->rank * sizeof(double), &f.square);
    if (status == C2S_OK)
        status = c2s_scratch(s->rank, most * sizeof(double), &f.right);
    if (status == C2S_OK)
        status = fit(&f);
    free(f.products);
    free(f.row);
    free(f.normal);
    free(f.square);
    free(f.right);
    return status;
}
