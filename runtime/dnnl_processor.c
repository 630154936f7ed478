/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/dnnl_processor.h"

#include <stdatomic.h>

#include "runtime/dnnl_compat.h"

#if defined(__x86_64__)

/* Instruction sets are numbers whose bits include those of the sets below them. */
static bool allows(dnnl_cpu_isa_t isa) {
    return ((unsigned)dnnl_get_effective_cpu_isa() & (unsigned)isa) == (unsigned)isa;
}

static bool has_avx2(void) {
    return __builtin_cpu_supports("avx2") && allows(dnnl_cpu_isa_avx2);
}

static bool has_avx512(void) {
    return allows(dnnl_cpu_isa_avx512_core);
}

/* Loops ask for each tile: the library is asked once. `known`: 0 until then. */
static bool ask_once(atomic_int *known, bool (*ask)(void)) {
    int has = atomic_load_explicit(known, memory_order_relaxed);
    if (has == 0) {
        has = ask() ? 1 : -1;
        atomic_store_explicit(known, has, memory_order_relaxed);
    }
    return has > 0;
}

bool c2s_processor_has_avx2(void) {
    static atomic_int known;
    return ask_once(&known, has_avx2);
}

bool c2s_processor_has_fma(void) {
    return c2s_processor_has_avx2() && __builtin_cpu_supports("fma");
}

bool c2s_processor_has_avx512(void) {
    static atomic_int known;
    return ask_once(&known, has_avx512);
}

#else

bool c2s_processor_has_avx2(void) {
    return false;
}

bool c2s_processor_has_fma(void) {
    return false;
}

bool c2s_processor_has_avx512(void) {
    return false;
}

#endif
