/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/utf8.h"

#include <locale.h>
#include <pthread.h>
#include <wctype.h>

enum { RAW_BYTES = 0xDC80 };

uint32_t c2s_utf8_next(const char *data, size_t size, size_t *at) {
    const unsigned char *p = (const unsigned char *)data + *at;
    size_t left = size - *at;
    unsigned count = p[0] < 0x80 ? 0 : p[0] >= 0xF0 ? 3 : p[0] >= 0xE0 ? 2 : 1;
    static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
    uint32_t code = count ? p[0] & (0x3Fu >> count) : p[0];
    bool valid = p[0] < 0x80 || (p[0] >= 0xC2 && p[0] <= 0xF4 && left > count);
    for (unsigned i = 1; valid && i <= count; i++) {
        valid = (p[i] & 0xC0) == 0x80;
        code = code << 6 | (p[i] & 0x3Fu);
    }
    if (!valid || code < least[count] || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) {
        *at += 1;
        return RAW_BYTES + p[0] - 0x80u;
    }
    *at += count + 1;
    return code;
}

size_t c2s_utf8_put(uint32_t code, char *out) {
    unsigned char *p = (unsigned char *)out;
    if (code < 0x80) {
        p[0] = (unsigned char)code;
        return 1;
    }
    if (code >= RAW_BYTES && code < RAW_BYTES + 0x80) {
        p[0] = (unsigned char)(code - RAW_BYTES + 0x80);
        return 1;
    }
    unsigned count = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    for (unsigned i = count; i > 0; i--, code >>= 6)
        p[i] = (unsigned char)(0x80 | (code & 0x3F));
    p[0] = (unsigned char)((0xFF00u >> (count + 1) & 0xFF) | code);
    return count + 1;
}

/* The C library's tables for a locale that knows all of Unicode; ASCII without it. */
static locale_t unicode;
static pthread_once_t opened = PTHREAD_ONCE_INIT;

static void open_locale(void) {
    unicode = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
}

static uint32_t map_case(uint32_t code, bool upper) {
    if (code < 0x80) {
        bool letter = upper ? code >= 'a' && code <= 'z' : code >= 'A' && code <= 'Z';
        return letter ? code ^ 0x20 : code;
    }
    pthread_once(&opened, open_locale);
    if (unicode == (locale_t)0)
        return code;
    return (uint32_t)(upper ? towupper_l((wint_t)code, unicode)
                            : towlower_l((wint_t)code, unicode));
}

uint32_t c2s_code_lower(uint32_t code) {
    return map_case(code, false);
}

uint32_t c2s_code_upper(uint32_t code) {
    return map_case(code, true);
}

void c2s_text_list_free(c2s_text_list *list) {
    c2s_vec_free(&list->items);
    c2s_arena_destroy(list->arena);
    list->arena = NULL;
}

char *c2s_text_list_add(c2s_text_list *list, size_t size) {
    if (!list->arena)
        list->arena = c2s_arena_create();
    char *text = c2s_arena_alloc(list->arena, size + 1);
    c2s_vec_push(&list->items, (c2s_string){text, size});
    return text;
}

const c2s_string *c2s_tensor_text(const c2s_tensor *tensor) {
    return c2s_tensor_data(tensor);
}
