/* SPDX-License-Identifier: Apache-2.0
 *
 * Data to run a model on. A path is one of
 *   file.npz       arrays named as graph inputs; further ones (labels) are found by name
 *   file.npy       for a model with one input
 *   folder         of .npz or .npy files: <input>.npy each, or .npz files one after the other
 *   folder         with input_0.pb, input_1.pb, ... (an ONNX test_data_set): one sample
 *   folder         with test_data_set_* folders: one sample each
 *   folder         of JPEG and PNG pictures, and labels.txt, if there is one (io/image_folder.h)
 *
 * The first axis of an array counts samples. If the model's input has a first extent d > 1, d rows
 * are one sample; if the array has one axis more than the input, each item is a sample; an array of
 * exactly the input's static shape serves all samples.
 *
 * Pictures are decoded and large arrays of archives decompressed when a sample is asked for, best
 * in ascending order; .npy files are mapped. The rest is in memory: test_data_sets and small
 * arrays.
 */
#ifndef C2S_IO_DATASET_H
#define C2S_IO_DATASET_H

#include "ir/graph.h"

typedef struct c2s_dataset c2s_dataset;

/* Checks names, element types and shapes against the graph's inputs; afterwards it knows nothing of
 * the graph but the number of its inputs. Inputs with initializers need no data. `image`: how
 * pictures become inputs, a text of io/image_recipe.h; NULL: pictures are refused. Failures name
 * the file and the input. */
c2s_status c2s_dataset_open(const char *path, const c2s_graph *graph, const char *image,
                            c2s_dataset **out);
void c2s_dataset_close(c2s_dataset *data); /* NULL is allowed */

size_t c2s_dataset_count(const c2s_dataset *data); /* samples */
/* Tells data sets apart: by checksums, sizes and names, or parts of the contents. */
uint64_t c2s_dataset_digest(const c2s_dataset *data);
/* Inputs of one sample: one reference per graph input (NULL: its initializer serves). */
c2s_status c2s_dataset_sample(const c2s_dataset *data, size_t index, c2s_tensor **in);
/* An array that is no input, such as "labels"; borrowed, NULL if there is none. */
const c2s_tensor *c2s_dataset_array(const c2s_dataset *data, const char *name);

#endif
