/* SPDX-License-Identifier: Apache-2.0
 *
 * What a saved graph says besides its nodes: inputs, outputs, initializers, types of values,
 * quantization annotations. All in the order of the file that was read; what is new comes last.
 * Entries for values that are gone go too; entries that never named a value of the graph stay.
 */
#ifndef C2S_IO_SAVE_INFO_H
#define C2S_IO_SAVE_INFO_H

#include "base/map.h"
#include "io/save_graph.h"

typedef struct c2s_info_saver {
    c2s_saver *saver;
    const c2s_graph *graph;
    c2s_map values;    /* interned name in the saved file to value */
    c2s_map originals; /* names that the read file defined; filled when first needed */
    bool changed_inputs;
} c2s_info_saver;

void c2s_info_saver_init(c2s_info_saver *info, c2s_saver *saver, const c2s_graph *graph);
void c2s_info_saver_free(c2s_info_saver *info);

/* Each replaces the lists in `proto`, which starts as a copy of the message that was read
 * (`origin`; NULL: none was). */
void c2s_info_save_interface(c2s_info_saver *info, const Onnx__GraphProto *origin,
                             Onnx__GraphProto *proto);
c2s_status c2s_info_save_initializers(c2s_info_saver *info, const Onnx__GraphProto *origin,
                                      Onnx__GraphProto *proto);
void c2s_info_save_values(c2s_info_saver *info, size_t *count, Onnx__ValueInfoProto ***list);
void c2s_info_save_annotations(c2s_info_saver *info, Onnx__GraphProto *proto);

#endif
