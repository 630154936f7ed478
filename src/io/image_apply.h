/* SPDX-License-Identifier: Apache-2.0
 *
 * A picture becomes an input, as a recipe says.
 */
#ifndef C2S_IO_IMAGE_APPLY_H
#define C2S_IO_IMAGE_APPLY_H

#include "io/image_recipe.h"

/* Height and width that a picture is given, and the part of it that is taken. C2S_ERR_INVALID: the
 * part is not inside; C2S_ERR_MEMORY: too large. */
c2s_status c2s_image_recipe_fit(const c2s_image_recipe *recipe, int64_t width, int64_t height,
                                int64_t size[2], c2s_image_box *box);

/* The elements of a picture, of the recipe's dtype: channels * height * width. */
void c2s_image_recipe_write(const c2s_image_recipe *recipe, const c2s_image *image, void *out);

#endif
