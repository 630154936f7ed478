/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mapping.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/vec.h"

typedef struct mapping {
    uintptr_t start;
    size_t size;
} mapping;

/* All of them by address. A model may have a file for each of its tensors. */
static C2S_VEC(mapping) mappings;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* Index of the first mapping that starts behind `address`. */
static size_t behind(uintptr_t address) {
    size_t low = 0, high = mappings.count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (mappings.at[middle].start > address)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

const void *c2s_mapping_create(int descriptor, size_t size) {
    void *data = mmap(NULL, size, PROT_READ, MAP_PRIVATE, descriptor, 0);
    if (data == MAP_FAILED)
        return NULL;
    const mapping made = {(uintptr_t)data, size};
    pthread_mutex_lock(&lock);
    const size_t at = behind(made.start);
    c2s_vec_push(&mappings, made);
    memmove(&mappings.at[at + 1], &mappings.at[at], (mappings.count - 1 - at) * sizeof made);
    mappings.at[at] = made;
    pthread_mutex_unlock(&lock);
    return data;
}

void c2s_mapping_destroy(const void *data) {
    if (!data)
        return;
    pthread_mutex_lock(&lock);
    const size_t at = behind((uintptr_t)data) - 1;
    munmap((void *)mappings.at[at].start, mappings.at[at].size);
    mappings.count--;
    memmove(&mappings.at[at], &mappings.at[at + 1], (mappings.count - at) * sizeof(mapping));
    if (mappings.count == 0)
        c2s_vec_free(&mappings);
    pthread_mutex_unlock(&lock);
}

/* What the system makes of the advice is its business: it is about speed and memory alone. */
static void advise(const void *data, size_t size, int advice) {
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), at = (uintptr_t)data;
    pthread_mutex_lock(&lock);
    const size_t next = behind(at);
    const bool mapped =
        size && next && at - mappings.at[next - 1].start < mappings.at[next - 1].size;
    pthread_mutex_unlock(&lock);
    const uintptr_t start = at / page * page;
    if (mapped)
        madvise((void *)start, at + size - start, advice);
}

void c2s_mapping_prepare(const void *data, size_t size) {
#ifdef MADV_POPULATE_READ
    advise(data, size, MADV_POPULATE_READ);
#else
    (void)data, (void)size;
#endif
}

void c2s_mapping_forget(const void *data, size_t size) {
    advise(data, size, MADV_DONTNEED);
}
