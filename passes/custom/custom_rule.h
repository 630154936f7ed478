/* SPDX-License-Identifier: Apache-2.0
 *
 * A rule of a rule file: what c2s_rule says of it, and what only its own checks and builder read.
 * Names of the pattern's values are letters, as in rewrite/pattern.h. Everything lives in the arena
 * of the c2s_rules that it belongs to.
 */
#ifndef C2S_PASSES_CUSTOM_RULE_H
#define C2S_PASSES_CUSTOM_RULE_H

#include "base/vec.h"
#include "passes/custom/custom_expr.h"
#include "passes/pass.h"

enum {
    C2S_CUSTOM_LOCALS = 64,   /* values of a replacement */
    C2S_CUSTOM_OPERANDS = 32, /* of one of its nodes */
};

typedef struct c2s_custom_attr {
    const char *name;
    const c2s_expr *value; /* NULL, in patterns: whatever it is */
} c2s_custom_attr;

typedef struct c2s_custom_operand {
    enum {
        C2S_OPERAND_NONE,   /* left out */
        C2S_OPERAND_LETTER, /* a value of the pattern */
        C2S_OPERAND_LOCAL,  /* one of the replacement */
        C2S_OPERAND_NEW     /* a new constant */
    } kind;
    unsigned index;
    const c2s_expr *value;
} c2s_custom_operand;

/* Of a pattern or of a replacement. */
typedef struct c2s_custom_node {
    const char *domain, *type;
    const c2s_op *op;
    const c2s_custom_attr *attrs;
    unsigned attr_count;
    bool open;  /* pattern: attributes beside these may be there */
    int spread; /* replacement: the row whose attributes beside those named there it gets; or -1 */
    const c2s_custom_operand *in; /* replacement; those of patterns are in the row */
    unsigned in_count;
    unsigned out[1 + C2S_PATTERN_FURTHER]; /* letters, 0: not named; or locals */
    unsigned out_count;
} c2s_custom_node;

/* An attribute, or all that the pattern does not name (`name` NULL), that a variable stands for. */
typedef struct c2s_custom_variable {
    const char *variable, *name;
    unsigned row;
} c2s_custom_variable;

/* A named extent: where it stands first. */
typedef struct c2s_custom_extent {
    const char *name;
    unsigned letter;
    int axis;
} c2s_custom_extent;

typedef struct c2s_custom_type {
    unsigned letter;
    c2s_dtype dtype; /* C2S_UNDEFINED: any */
    int rank;        /* -1: any */
    struct {
        enum { C2S_AXIS_ANY, C2S_AXIS_KNOWN, C2S_AXIS_NAMED } kind;
        int64_t extent;
        unsigned name; /* index of a c2s_custom_extent */
    } axis[C2S_MAX_RANK];
} c2s_custom_type;

/* A constant that the pattern writes out. */
typedef struct c2s_custom_literal {
    unsigned letter;
    const c2s_expr *value;
} c2s_custom_literal;

typedef struct c2s_custom_rule {
    c2s_rule rule;                        /* the first member: the driver knows nothing else */
    const char *letter[C2S_LETTER_COUNT]; /* their names; NULL: none */
    unsigned letter_count, input_count;   /* inputs of the pattern are the first letters */
    c2s_pattern_row rows[C2S_PATTERN_ROWS];
    c2s_custom_node nodes[C2S_PATTERN_ROWS];
    C2S_VEC(c2s_custom_variable) variables;
    C2S_VEC(c2s_custom_extent) extents;
    C2S_VEC(c2s_custom_type) types;
    C2S_VEC(c2s_custom_literal) literals;
    C2S_VEC(const c2s_expr *) conditions;
    /* The replacement: its first locals are constants. */
    const c2s_tensor *constants[C2S_CUSTOM_LOCALS];
    const char *local[C2S_CUSTOM_LOCALS];
    unsigned constant_count, local_count;
    C2S_VEC(c2s_custom_node) built;
} c2s_custom_rule;

struct c2s_rules {
    c2s_pass pass; /* "custom", with these rules */
    c2s_arena *arena;
    C2S_VEC(c2s_custom_rule *) all;
    C2S_VEC(const c2s_rule *) list; /* the same; ends with NULL */
};

/* The scene of conditions and values at a match of this rule. */
c2s_expr_scene c2s_custom_scene(const c2s_match *match);
/* Unknown if it is neither number nor text nor a list of them. */
void c2s_custom_term_of(const c2s_attr *attr, c2s_term *out);
/* The standard's default; unknown if it has none. */
void c2s_custom_default_term(const c2s_node *node, const char *name, c2s_term *out);
/* An attribute of a matched node, or its default. */
void c2s_custom_attr_term(const c2s_node *node, const char *name, c2s_term *out);
/* False: a term of that kind is nothing for the attribute. A number serves where a list is wanted.
 */
bool c2s_custom_set_attr(c2s_node *node, const char *name, const c2s_term *term);
/* True if some attribute of the row's pattern has this name. */
bool c2s_custom_names_attr(const c2s_custom_node *node, const char *name);

/* The rule's `refuse` and `build`. */
const char *c2s_custom_refuse(const c2s_match *match);
c2s_value *c2s_custom_build(c2s_builder *builder, const c2s_match *match);

#endif
