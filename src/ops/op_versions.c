/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/op_versions.h"

#include <string.h>

#include "ir/dtype.h"

/* S fills in what is left out behind the types. */
#define S_(since, types, flags, attributes, ...)                                                   \
    { since, flags, types, attributes }
#define S(...) S_(__VA_ARGS__, 0, NULL, 0)
#define V(domain, type, ...)                                                                       \
    {domain, type, (const c2s_op_version[]){__VA_ARGS__},                                          \
     sizeof((const c2s_op_version[]){__VA_ARGS__}) / sizeof(c2s_op_version)},
#define F    C2S_OP_FUNCTION
#define GONE C2S_OP_DEPRECATED
static const c2s_op_versions all[] = {
#include "ops/op_version_list.h"
};
#undef S_
#undef S
#undef V
#undef F
#undef GONE

const c2s_op_versions *c2s_op_versions_all(size_t *count) {
    *count = sizeof all / sizeof all[0];
    return all;
}

static int compare(const c2s_op_versions *op, const char *domain, const char *type) {
    int order = strcmp(op->domain, domain);
    return order ? order : strcmp(op->type, type);
}

const c2s_op_versions *c2s_op_versions_of(const char *domain, const char *type) {
    size_t low = 0, high = sizeof all / sizeof all[0];
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare(&all[middle], domain, type);
        if (order == 0)
            return &all[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

const c2s_op_version *c2s_op_version_at(const c2s_op_versions *versions, int64_t opset) {
    const c2s_op_version *found = NULL;
    for (unsigned i = 0; i < versions->count && versions->versions[i].since <= opset; i++)
        found = &versions->versions[i];
    return found && !(found->flags & C2S_OP_DEPRECATED) ? found : NULL;
}

/* ---- attributes ---- */

/* One word of an attribute list; false if it is about another name. */
static bool read_word(const char *word, size_t size, const char *name, bool *has,
                      c2s_op_attribute *out) {
    const size_t length = strlen(name);
    const bool gone = word[0] == '-';
    if (gone)
        word++, size--;
    if (size < length || memcmp(word, name, length) != 0)
        return false;
    const char *rest = word + length, *end = word + size;
    if (rest < end && *rest != '=' && *rest != '!')
        return false;
    *has = !gone;
    *out = (c2s_op_attribute){.required = rest < end && *rest == '!'};
    if (rest < end && *rest == '=') {
        out->text = rest + 1;
        out->size = (size_t)(end - rest - 1);
    }
    return true;
}

bool c2s_op_attribute_find(const c2s_op_versions *versions, const c2s_op_version *version,
                           const char *name, c2s_op_attribute *out) {
    bool has = false;
    for (const c2s_op_version *v = versions->versions; v <= version; v++)
        for (const char *word = v->attributes; word && *word;) {
            const size_t size = strcspn(word, " ");
            if (read_word(word, size, name, &has, out))
                break;
            word += size + (word[size] == ' ');
        }
    return has;
}

/* ---- operands ---- */

#define BIT(dtype) (UINT32_C(1) << (dtype))

static uint32_t types_of(char letter) {
    static const uint32_t reals = BIT(C2S_FLOAT16) | BIT(C2S_FLOAT) | BIT(C2S_DOUBLE),
                          integers = BIT(C2S_INT8) | BIT(C2S_INT16) | BIT(C2S_INT32) |
                                     BIT(C2S_INT64) | BIT(C2S_UINT8) | BIT(C2S_UINT16) |
                                     BIT(C2S_UINT32) | BIT(C2S_UINT64);
    static const struct {
        char letter;
        uint32_t types;
    } table[] = {
        {'f', BIT(C2S_FLOAT)},
        {'d', BIT(C2S_DOUBLE)},
        {'h', BIT(C2S_FLOAT16)},
        {'b', BIT(C2S_BFLOAT16)},
        {'i', BIT(C2S_INT32)},
        {'l', BIT(C2S_INT64)},
        {'w', BIT(C2S_INT16)},
        {'c', BIT(C2S_INT8)},
        {'I', BIT(C2S_UINT32)},
        {'L', BIT(C2S_UINT64)},
        {'W', BIT(C2S_UINT16)},
        {'C', BIT(C2S_UINT8)},
        {'t', BIT(C2S_BOOL)},
        {'s', BIT(C2S_STRING)},
        {'z', BIT(C2S_COMPLEX64)},
        {'y', BIT(C2S_COMPLEX128)},
        {'e', BIT(C2S_FLOAT4E2M1)},
        {'x', BIT(C2S_FLOAT8E8M0)},
        {'R', reals},
        {'N', integers},
        {'A', reals | integers | BIT(C2S_BOOL) | BIT(C2S_STRING) | BIT(C2S_COMPLEX64) |
                  BIT(C2S_COMPLEX128)},
        {'8', BIT(C2S_FLOAT8E4M3FN) | BIT(C2S_FLOAT8E4M3FNUZ) | BIT(C2S_FLOAT8E5M2) |
                  BIT(C2S_FLOAT8E5M2FNUZ)},
        {'4', BIT(C2S_INT4) | BIT(C2S_UINT4)},
        {'2', BIT(C2S_INT2) | BIT(C2S_UINT2)},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (table[i].letter == letter)
            return table[i].types;
    return 0;
}

/* Reads an operand up to a comma or the end of its side. */
static void read_operand(const char *text, c2s_op_operand *out) {
    bool sequence = false, optional = false;
    for (; *text && *text != ',' && *text != '>'; text++) {
        if (*text == '[' || *text == ']')
            sequence = *text == '[';
        else if (*text == '(' || *text == ')')
            optional = *text == '(';
        else if (*text == 'm')
            out->map = true;
        else {
            uint32_t *set = optional   ? sequence ? &out->optional_sequence : &out->optional
                            : sequence ? &out->sequence
                                       : &out->tensor;
            *set |= types_of(*text);
        }
    }
}

/* `text`: a side of a signature; `first`: the first operand of the whole. */
static bool find_operand(const char *text, unsigned slot, const char *first, c2s_op_operand *out) {
    *out = (c2s_op_operand){0};
    if (!*text || *text == '>')
        return false;
    for (; slot > 0; slot--) {
        const size_t size = strcspn(text, ",>");
        if (text[size] == ',')
            text += size + 1;
        else if (text[size - 1] == '*')
            break; /* any number of the last */
        else
            return false;
    }
    out->like_first = *text == '=';
    read_operand(*text == '=' ? first : text, out);
    return true;
}

static const char *first_operand(const c2s_op_version *version) {
    return version->types[0] == '>' ? version->types + 1 : version->types;
}

/* A version without the operator has no operands. */
bool c2s_op_input(const c2s_op_version *version, unsigned slot, c2s_op_operand *out) {
    return version->types && find_operand(version->types, slot, first_operand(version), out);
}

bool c2s_op_output(const c2s_op_version *version, unsigned slot, c2s_op_operand *out) {
    return version->types &&
           find_operand(strchr(version->types, '>') + 1, slot, first_operand(version), out);
}
