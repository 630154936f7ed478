/* SPDX-License-Identifier: Apache-2.0
 *
 * The passes that a pipeline can name, in the order in which a full pipeline would use them.
 * Include with C2S_PASS(symbol) defined; the struct is c2s_pass_<symbol>.
 */
C2S_PASS(cleanup)
C2S_PASS(custom)
C2S_PASS(single)
C2S_PASS(recompose)
C2S_PASS(fuse)
C2S_PASS(prune)
C2S_PASS(sparsify)
C2S_PASS(quantized_form)
C2S_PASS(lowrank)
C2S_PASS(quantize)
C2S_PASS(equalize)
C2S_PASS(quantize_dynamic)
C2S_PASS(quantize_weights)
C2S_PASS(share_weights)
C2S_PASS(cluster_weights)
C2S_PASS(half)
