# SPDX-License-Identifier: Apache-2.0
# run and compare find extents that a model with dynamic axes can work on; where the caller gave
# extents, those are used or refused.
. "$(dirname "$0")/../shared.sh"
need_program
need_shared models/silero-vad
model="$C2S_SHARED/models/silero-vad/model.onnx" # its convolutions need dozens of samples

"$C2S_BIN" run --samples 3 "$model" >"$scratch/out" 2>&1 || fail "run: $(cat "$scratch/out")"
"$C2S_BIN" compare -q "$model" "$model" >"$scratch/out" 2>&1 || fail "compare: $(cat "$scratch/out")"

status=0
"$C2S_BIN" run --dim unk__2=3 "$model" >"$scratch/out" 2>"$scratch/err" || status=$?
[ $status -eq 3 ] || fail "run on 3 samples: status $status, expected 3: $(cat "$scratch/err")"
[ "$(wc -l <"$scratch/err")" -eq 1 ] || fail "run on 3 samples: expected one line, found $(cat "$scratch/err")"
