# SPDX-License-Identifier: Apache-2.0
# The sample model through the default job, proved with its test pictures: ONNX Runtime must agree.
. "$(dirname "$0")/../shared.sh"
need_program
need_onnxruntime
model="$C2S_SOURCE/samples/digits/model.onnx"
"$C2S_BIN" -q --data "$C2S_SOURCE/samples/digits/test.npz" "$model" "$scratch/digits.onnx"
node "$C2S_SOURCE/tests/ort/agree.js" --dim batch=32 "$model" "$scratch/digits.onnx"
