/* SPDX-License-Identifier: Apache-2.0
 *
 * A oneDNN primitive bound to the slots of a step: memory objects, work space, reorders, packed
 * constants. Kernels build their primitives with this, and never handle memory objects themselves.
 */
#ifndef C2S_RUNTIME_DNNL_PRIMITIVE_H
#define C2S_RUNTIME_DNNL_PRIMITIVE_H

#include "runtime/dnnl_compat.h"
#include "runtime/kernel.h"

/* What the primitives of one session share: engine, stream, work space, packed constants. */
typedef struct c2s_dnnl c2s_dnnl;
c2s_status c2s_dnnl_create(c2s_dnnl **out);
void c2s_dnnl_destroy(c2s_dnnl *dnnl); /* NULL is allowed */
/* Drops the packed forms of constants that nobody else holds any more. */
void c2s_dnnl_forget(c2s_dnnl *dnnl);
dnnl_engine_t c2s_dnnl_engine(const c2s_dnnl *dnnl);
/* Attributes that every primitive must be created with: scratchpads are ours. */
dnnl_primitive_attr_t c2s_dnnl_attr(const c2s_dnnl *dnnl);
/* A fresh set of such attributes with post-operations; the caller destroys it. */
c2s_status c2s_dnnl_attr_with(dnnl_post_ops_t ops, dnnl_primitive_attr_t *out);
/* The same for sums of products of a step. Where its operands are declared float16 or bfloat16,
 * processors that multiply those (AVX-512 BF16 and FP16, AMX) may do so: sums stay float. */
c2s_status c2s_dnnl_attr_of(const c2s_step *step, dnnl_post_ops_t ops, dnnl_primitive_attr_t *out);

/* c [m, n] = a [m, k] times the transpose of b [n, k]; rows of b and c lie so far apart. */
c2s_status c2s_dnnl_multiply(int64_t m, int64_t n, int64_t k, const float *a, const float *b,
                             int64_t b_row, float *c, int64_t c_row);

/* C2S_OK, else a failure that names `what` and oneDNN's reason. */
c2s_status c2s_dnnl_check(dnnl_status_t status, const char *what);

/* A constant in a form of the caller's own: made at the first call, kept for the session. *out
 * receives a reference. What lies in a file is not kept in memory for it: kernels that have packed
 * a constant read no tensor data of it any more. */
typedef struct c2s_pack_form {
    const char *name; /* a literal */
    int64_t number[5];
} c2s_pack_form;
typedef c2s_status c2s_pack_maker(const c2s_tensor *tensor, const void *how, c2s_bytes **out);
c2s_status c2s_dnnl_pack_as(c2s_dnnl *dnnl, const c2s_tensor *tensor, const c2s_pack_form *form,
                            c2s_pack_maker *make, const void *how, c2s_bytes **out);
/* Work space of at least `size` bytes, valid until a primitive of the session runs. */
c2s_status c2s_dnnl_work_space(c2s_dnnl *dnnl, size_t size, void **out);

/* A static, non-empty float tensor that is small enough for every counter inside the library. */
bool c2s_dnnl_accepts(const c2s_type *type);

/* The library's element type for float, uint8, int8 and int32; else undefined. */
dnnl_data_type_t c2s_dnnl_type(c2s_dtype dtype);
/* Row-major descriptor of float elements, and of a type's. */
c2s_status c2s_md_plain(c2s_md *out, int rank, const int64_t *dims);
c2s_status c2s_md_of(c2s_md *out, const c2s_type *type);

typedef struct c2s_primitive c2s_primitive;

/* Destroys `pd`, also on failure. */
c2s_status c2s_primitive_create(c2s_dnnl *dnnl, dnnl_primitive_desc_t pd, c2s_primitive **out);
/* The layout in which it wants an argument: borrowed from the primitive. */
c2s_const_md c2s_primitive_layout(const c2s_primitive *primitive, int arg);
void c2s_primitive_destroy(c2s_primitive *primitive); /* NULL is allowed */

/* Binds argument `arg` (DNNL_ARG_...) to an input or output slot that `md` describes as row-major,
 * or to numbers that the primitive keeps (`count` floats, copied). Where the primitive wants
 * another layout: a constant input is packed now; if `md` has the slot's own axes, the step takes
 * or gives the form in that layout; else a reorder goes before or behind the primitive in every
 * run. All descriptors are borrowed. */
c2s_status c2s_primitive_input(c2s_primitive *primitive, c2s_step *step, int arg, unsigned input,
                               c2s_const_md md);
c2s_status c2s_primitive_output(c2s_primitive *primitive, c2s_step *step, int arg, unsigned output,
                                c2s_const_md md);
/* The same for a slot whose bytes are laid out as `md` says, which is what the primitive wants. */
c2s_status c2s_primitive_form(c2s_primitive *primitive, int arg, bool output, unsigned slot,
                              c2s_const_md md);
c2s_status c2s_primitive_numbers(c2s_primitive *primitive, int arg, const float *numbers,
                                 size_t count, c2s_const_md md);
/* Binds an argument to bytes of layout `md` that do not move; references them. */
c2s_status c2s_primitive_bytes(c2s_primitive *primitive, int arg, c2s_bytes *bytes,
                               c2s_const_md md);
/* Binds an argument to part of the work space; *offset serves c2s_primitive_work at run time. */
c2s_status c2s_primitive_temporary(c2s_primitive *primitive, int arg, c2s_const_md md,
                                   size_t *offset);

/* Computes outputs from the slots' tensors. */
c2s_status c2s_primitive_run(c2s_primitive *primitive, const c2s_step *step);
/* Work space at an offset; valid until another primitive of the session runs. */
void *c2s_primitive_work(const c2s_primitive *primitive, size_t offset);
/* Makes the work space available before the run, for kernels that fill temporaries first. */
c2s_status c2s_primitive_begin(c2s_primitive *primitive);

/* Makes input 0 -> output 0 of a descriptor, which it takes over, and gives it to the step as its
 * state. `src` and `dst` say how the tensors are laid out. */
c2s_status c2s_primitive_unary(c2s_step *step, dnnl_primitive_desc_t pd, c2s_const_md src,
                               c2s_const_md dst);
/* True if the library would run its slow, plain code: then ours is as good. */
bool c2s_pd_is_plain(const_dnnl_primitive_desc_t pd);

/* True if the library would copy the input into a matrix and multiply: slower than its own code. */
bool c2s_pd_is_gemm(const_dnnl_primitive_desc_t pd);

/* A release for families whose state is one primitive, and its run. */
void c2s_primitive_release(c2s_step *step);
c2s_status c2s_primitive_run_state(c2s_step *step);

#endif
