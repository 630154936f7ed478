/* SPDX-License-Identifier: Apache-2.0
 *
 * The forms of low rank. Include with C2S_LOWRANK_FORM(symbol) defined; the struct is
 * c2s_lowrank_form_<symbol>.
 */
C2S_LOWRANK_FORM(pair)
C2S_LOWRANK_FORM(channel)
C2S_LOWRANK_FORM(echelon)
C2S_LOWRANK_FORM(spatial)
C2S_LOWRANK_FORM(spatial_turned)
C2S_LOWRANK_FORM(tucker)
C2S_LOWRANK_FORM(decoupled)
C2S_LOWRANK_FORM(cp)
