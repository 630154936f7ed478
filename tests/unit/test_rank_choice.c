/* SPDX-License-Identifier: Apache-2.0
 *
 * The knapsack of ranks against all choices there are.
 */
#include <math.h>

#include "shared.h"

#include "base/random.h"
#include "passes/lowrank/rank_choice.h"

enum { ITEMS = 4, POINTS = 5 };

typedef struct instance {
    c2s_rank_item items[ITEMS];
    c2s_rank_point points[ITEMS][POINTS];
} instance;

/* Errors fall with cost, but not along a convex curve. */
static void make(instance *in, c2s_random *random) {
    for (size_t i = 0; i < ITEMS; i++) {
        double error = 0.02 * c2s_random_uniform(random);
        const double cost = 50 + 100 * c2s_random_uniform(random);
        for (size_t p = 0; p < POINTS; p++) {
            in->points[i][p] = (c2s_rank_point){cost * (1 - 0.15 * (double)(p + 1)), error};
            error += 0.2 * c2s_random_uniform(random);
        }
        in->items[i] = (c2s_rank_item){cost, 1 + c2s_random_uniform(random), in->points[i], POINTS};
    }
}

static void sum(const instance *in, const size_t *chosen, double *cost, double *error) {
    *cost = *error = 0;
    for (size_t i = 0; i < ITEMS; i++) {
        const c2s_rank_item *item = &in->items[i];
        const bool as_is = chosen[i] == C2S_RANK_AS_IS;
        *cost += as_is ? item->cost : item->at[chosen[i]].cost;
        *error += as_is ? 0 : item->weight * item->at[chosen[i]].error;
    }
}

static double least_error(const instance *in, double budget) {
    double least = INFINITY;
    size_t all = 1;
    for (size_t i = 0; i < ITEMS; i++)
        all *= POINTS + 1;
    for (size_t code = 0; code < all; code++) {
        size_t chosen[ITEMS], rest = code;
        double cost, error;
        for (size_t i = 0; i < ITEMS; i++, rest /= POINTS + 1)
            chosen[i] = rest % (POINTS + 1) == POINTS ? C2S_RANK_AS_IS : rest % (POINTS + 1);
        sum(in, chosen, &cost, &error);
        if (cost <= budget)
            least = fmin(least, error);
    }
    return least;
}

static void is_near_the_best(void **state) {
    double found_sum = 0, best_sum = 0;
    c2s_random random = {7};
    (void)state;
    for (int trial = 0; trial < 50; trial++) {
        instance in;
        make(&in, &random);
        double whole = 0, cost, error;
        size_t chosen[ITEMS];
        for (size_t i = 0; i < ITEMS; i++)
            whole += in.items[i].cost;
        const double budget = (0.4 + 0.5 * c2s_random_uniform(&random)) * whole;
        const double total = c2s_rank_choose(in.items, ITEMS, budget, chosen);
        sum(&in, chosen, &cost, &error);
        assert_true(fabs(cost - total) < 1e-9 && cost <= budget);
        found_sum += error;
        best_sum += least_error(&in, budget);
    }
    assert_true(found_sum >= best_sum - 1e-9);
    if (found_sum > 1.25 * best_sum)
        fail_msg("error %g, the best is %g", found_sum, best_sum);
}

static void leaves_alone_what_needs_not(void **state) {
    instance in;
    size_t chosen[ITEMS];
    c2s_random random = {3};
    (void)state;
    make(&in, &random);
    c2s_rank_choose(in.items, ITEMS, 1e9, chosen);
    for (size_t i = 0; i < ITEMS; i++)
        assert_true(chosen[i] == C2S_RANK_AS_IS);
}

static void says_when_it_is_too_much(void **state) {
    instance in;
    size_t chosen[ITEMS];
    c2s_random random = {3};
    (void)state;
    make(&in, &random);
    for (size_t p = 0; p < POINTS; p++)
        in.points[1][p].cost = INFINITY; /* what is out of the question */
    const double total = c2s_rank_choose(in.items, ITEMS, 1, chosen);
    assert_true(total > 1);
    for (size_t i = 0; i < ITEMS; i++)
        assert_true(chosen[i] == (i == 1 ? C2S_RANK_AS_IS : POINTS - 1));
}

static void takes_the_cheap_error_first(void **state) {
    /* The first item loses nothing where the second loses much. */
    const c2s_rank_point easy[] = {{50, 0.001}}, hard[] = {{50, 0.5}, {10, 0.6}};
    const c2s_rank_item items[] = {{100, 1, easy, 1}, {100, 1, hard, 2}};
    size_t chosen[2];
    (void)state;
    assert_true(c2s_rank_choose(items, 2, 150, chosen) == 150);
    assert_true(chosen[0] == 0 && chosen[1] == C2S_RANK_AS_IS);
    /* (10, 0.6) is on the hull, (50, 0.5) is not; but it is enough */
    assert_true(c2s_rank_choose(items, 2, 110, chosen) == 100);
    assert_true(chosen[0] == 0 && chosen[1] == 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_near_the_best), cmocka_unit_test(leaves_alone_what_needs_not),
        cmocka_unit_test(says_when_it_is_too_much), cmocka_unit_test(takes_the_cheap_error_first)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
