/* SPDX-License-Identifier: Apache-2.0 */
#include "base/vnni.h"

bool c2s_has_vnni(void) {
#if defined(__x86_64__)
    return __builtin_cpu_supports("avx512vnni") != 0;
#else
    return false;
#endif
}
