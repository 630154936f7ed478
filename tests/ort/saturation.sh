# SPDX-License-Identifier: Apache-2.0
# Sums of 8-bit products on x86 without VNNI: what ONNX Runtime computes here, `--emulate avx2` gives, bit
# for bit; without it we give what ONNX Runtime gives where it is exact.
. "$(dirname "$0")/../shared.sh"
need_program
need_onnxruntime
grep -qw avx2 /proc/cpuinfo || skip "this processor has no AVX2"
! grep -qwE 'avx512_vnni|avx_vnni|amx_int8' /proc/cpuinfo || skip "this processor has VNNI and does not saturate"
node "$C2S_SOURCE/tests/ort/saturation.js" "$C2S_BIN" "$scratch"
