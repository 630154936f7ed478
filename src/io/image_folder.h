/* SPDX-License-Identifier: Apache-2.0
 *
 * A folder of pictures: samples are decoded when they are asked for.
 */
#ifndef C2S_IO_IMAGE_FOLDER_H
#define C2S_IO_IMAGE_FOLDER_H

#include "io/image_recipe.h"
#include "ir/tensor.h"

typedef struct c2s_image_folder c2s_image_folder;

/* Does the name end as those of JPEG and PNG files do? */
bool c2s_image_is_named(const char *name);

/* The files that labels.txt names ("file<TAB>class" a line), in its order; without one all JPEG and
 * PNG files, by name. Failures name the file, and the line. */
c2s_status c2s_image_folder_open(const char *path, const c2s_image_recipe *recipe,
                                 c2s_image_folder **out);
void c2s_image_folder_close(c2s_image_folder *folder); /* NULL is allowed */

size_t c2s_image_folder_count(const c2s_image_folder *folder); /* samples: whole batches */
const c2s_tensor *c2s_image_folder_labels(const c2s_image_folder *folder); /* borrowed; or NULL */
/* Names and sizes of the files, and the recipe. */
uint64_t c2s_image_folder_digest(const c2s_image_folder *folder);
/* C2S_ERR_INVALID: no picture, or a damaged one. */
c2s_status c2s_image_folder_sample(const c2s_image_folder *folder, size_t index, c2s_tensor **out);

#endif
