/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files that read rule files share.
 */
#ifndef C2S_PASSES_CUSTOM_READER_H
#define C2S_PASSES_CUSTOM_READER_H

#include "passes/custom/custom_rule.h"

typedef struct c2s_custom_reader {
    c2s_lexer lexer;
    struct c2s_rules *rules;
    c2s_custom_rule *rule; /* the one that is being read */
    c2s_dims *dims;        /* for types of constants */
    int opset;             /* of ai.onnx, that the file asks for */
    c2s_expr_names names;
} c2s_custom_reader;

/* "file:line:column" of `start`: found, expected. */
#define c2s_custom_wrong(reader, start, ...)                                                       \
    ((reader)->lexer.at = (start), c2s_lex_expected(&(reader)->lexer, __VA_ARGS__))
/* Where the next word or mark starts. */
const char *c2s_custom_place(c2s_custom_reader *reader);

/* The letter of a name; false if the pattern has none of it. */
bool c2s_custom_find_letter(const c2s_custom_rule *rule, const char *name, unsigned *letter);
/* A new letter; `name` may be NULL. C2S_ERR_INVALID: the name is taken, or there are too many. */
c2s_status c2s_custom_new_letter(c2s_custom_reader *reader, const char *start, const char *name,
                                 unsigned *letter);
c2s_expr_names c2s_custom_names(c2s_custom_rule *rule);

/* Takes this word, or says that it is expected. */
c2s_status c2s_custom_need_word(c2s_custom_reader *reader, const char *word);

/* ---- nodes: "Y, Z = domain.Type <attributes> (operands)" ---- */

typedef struct c2s_custom_name {
    const char *start, *name;
} c2s_custom_name;

/* What stands before the operands. */
typedef struct c2s_custom_head {
    C2S_VEC(c2s_custom_name) outputs;
    C2S_VEC(c2s_custom_attr) attrs;
    c2s_custom_node node;
    const char *type_start;
} c2s_custom_head;

c2s_status c2s_custom_read_names(c2s_custom_reader *reader, c2s_custom_head *head);
c2s_status c2s_custom_read_operator(c2s_custom_reader *reader, c2s_custom_head *head);
/* If they are next. In a pattern new variables are bound. */
c2s_status c2s_custom_read_attrs(c2s_custom_reader *reader, c2s_custom_head *head, bool pattern);
/* A bare name, "" for an operand that is left out, or (*name NULL) an expression is next. */
c2s_status c2s_custom_read_operand_name(c2s_custom_reader *reader, const char **name);
/* The operator takes so many inputs, and makes so many outputs. */
c2s_status c2s_custom_check_counts(c2s_custom_reader *reader, const c2s_custom_head *head);
/* Moves the attributes to head->node. */
void c2s_custom_keep_attrs(c2s_custom_reader *reader, c2s_custom_head *head);

/* ---- parts of a rule ---- */

c2s_status c2s_custom_read_pattern(c2s_custom_reader *reader);
c2s_status c2s_custom_read_replacement(c2s_custom_reader *reader);
/* "float[N,3]" or "any[]" if a type is next, for the value of `letter` to come. */
bool c2s_custom_is_type(c2s_custom_reader *reader);
c2s_status c2s_custom_read_type(c2s_custom_reader *reader, c2s_custom_type *type);

#endif
