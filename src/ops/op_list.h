/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of contents: one line per operator, sorted by domain, then type. The symbol is
 * c2s_op_<symbol>, defined in the file of its family under src/ops. Include with C2S_OP defined.
 */
