# SPDX-License-Identifier: Apache-2.0
# The judge itself: agree.js must accept an equal model and reject changed weights and interfaces.
. "$(dirname "$0")/../shared.sh"
need_onnxruntime
agree="$C2S_SOURCE/tests/ort/agree.js"
model="$C2S_SOURCE/samples/digits/model.onnx"

node "$agree" "$model" "$model" || fail "a model does not agree with itself"

# Sixty-four bytes in the middle of the weights become 0x40: floats of about 3.
middle=$(($(stat -c %s "$model") / 2))
cp "$model" "$scratch/weights.onnx"
printf '%64s' '' | tr ' ' '\100' | dd of="$scratch/weights.onnx" bs=1 seek=$middle conv=notrunc status=none
status=0
node "$agree" "$model" "$scratch/weights.onnx" >"$scratch/out" || status=$?
cat "$scratch/out"
[ $status -eq 1 ] && grep -q '^DIFFERS' "$scratch/out" || fail "changed weights were not noticed"

sed 's/scores/scared/g' "$model" >"$scratch/renamed.onnx"
status=0
node "$agree" "$model" "$scratch/renamed.onnx" >"$scratch/out" || status=$?
cat "$scratch/out"
[ $status -eq 1 ] && grep -q '^FAILED.*interface' "$scratch/out" || fail "a renamed output was not noticed"

status=0
node "$agree" "$model" 2>"$scratch/out" || status=$?
[ $status -eq 2 ] || fail "status $status for a missing argument, expected 2"
