/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/random_source.h"

#include <math.h>
#include <string.h>

#include "base/map.h"

c2s_random c2s_random_of(const c2s_node *node) {
    c2s_random random = {0};
    const c2s_attr *seed = c2s_attr_find(node, "seed");
    if (seed && seed->kind == C2S_ATTR_FLOAT) {
        random.state = c2s_hash_bytes(&seed->f, sizeof seed->f, 1);
    } else if (seed && seed->kind == C2S_ATTR_INT) { /* of Dropout */
        random.state = c2s_hash_bytes(&seed->i, sizeof seed->i, 1);
    } else if (c2s_node_out(node, 0)) {
        const char *name = c2s_node_out(node, 0)->name;
        random.state = c2s_hash_bytes(name, strlen(name), 2);
    }
    return random;
}

static uint64_t next(c2s_random *random) {
    uint64_t z = random->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

double c2s_random_uniform(c2s_random *random) {
    return ldexp((double)(next(random) >> 11), -53);
}

double c2s_random_normal(c2s_random *random) {
    if (random->has_spare) {
        random->has_spare = false;
        return random->spare;
    }
    double radius = sqrt(-2 * log(1 - c2s_random_uniform(random)));
    double angle = 2 * 3.14159265358979323846 * c2s_random_uniform(random);
    random->spare = radius * sin(angle);
    random->has_spare = true;
    return radius * cos(angle);
}
