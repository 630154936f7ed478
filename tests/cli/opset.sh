# SPDX-License-Identifier: Apache-2.0
# --opset on whole models: raised ones compute the same; lowered ones do, too, and satisfy
# onnx.checker; what cannot be lowered is refused with status 4 and leaves no file.
. "$(dirname "$0")/../shared.sh"
need_program
out="$scratch/out.onnx"

cat >"$scratch/new.onnxtxt" <<'END'
<ir_version: 13, opset_import: ["" : 26]>
g (float[4] x) => (float[4] y) <int64 a = {0}> { y = CumProd (x, a) }
END
status=0
"$C2S_BIN" --opset 25 "$scratch/new.onnxtxt" "$out" >"$scratch/log" 2>&1 || status=$?
[ "$status" = 4 ] || fail "CumProd in opset 25: status $status, expected 4"
grep -q 'node "y" (CumProd): the operator came with opset 26' "$scratch/log" ||
    fail "CumProd in opset 25: $(cat "$scratch/log")"
[ ! -e "$out" ] || fail "a model that was refused was written"
for wrong in 6 29; do
    status=0
    "$C2S_BIN" --opset $wrong "$scratch/new.onnxtxt" "$out" 2>/dev/null || status=$?
    [ "$status" = 2 ] || fail "--opset $wrong: status $status, expected 2"
done
"$C2S_BIN" --opset 28 --json "$scratch/new.onnxtxt" "$out" | tr -d ' \n' | grep -q '"opset":{"before":26,"after":28}' ||
    fail "--json does not tell the opsets"

# A target raises what is older than it needs, and no more.
opset_with() { "$C2S_BIN" -q "$@" "$scratch/target.onnx" && "$C2S_BIN" info --json "$scratch/target.onnx" | tr -d ' \n'; }
sed 's/: 26/: 17/; s/CumProd/CumSum/' "$scratch/new.onnxtxt" >"$scratch/old.onnxtxt"
opset_with --target ort "$scratch/old.onnxtxt" | grep -q '"ai.onnx":23' || fail "--target ort does not raise opset 17 to 23"
opset_with --target ort "$scratch/new.onnxtxt" | grep -q '"ai.onnx":26' || fail "--target ort changes opset 26"
opset_with --target ort --opset 18 "$scratch/old.onnxtxt" | grep -q '"ai.onnx":18' || fail "--opset 18 does not win"
status=0
"$C2S_BIN" --target phone "$scratch/old.onnxtxt" "$out" 2>"$scratch/log" || status=$?
[ "$status" = 2 ] && grep -q 'expected ort' "$scratch/log" || fail "--target phone: status $status, $(cat "$scratch/log")"

need_shared models
python=/usr/bin/python3
"$python" -c 'import onnx.checker' 2>/dev/null || python=
lowered=0
models=0
for model in "$C2S_SHARED"/models/*/model.onnx; do
    [ "$(stat -c %s "$model")" -lt 400000 ] || continue
    models=$((models + 1))
    for opset in 21 28; do
        "$C2S_BIN" --passes none --no-prove --opset $opset "$model" "$out" >"$scratch/log" 2>&1 ||
            fail "$model in opset $opset: $(cat "$scratch/log")"
        "$C2S_BIN" compare --samples 1 "$model" "$out" >"$scratch/log" 2>&1 ||
            fail "$model, raised to opset $opset: $(cat "$scratch/log")"
    done
    for opset in 13 9; do
        status=0
        "$C2S_BIN" --samples 1 --opset $opset "$model" "$out" >"$scratch/log" 2>&1 || status=$?
        [ "$status" = 0 ] || [ "$status" = 4 ] || fail "$model in opset $opset: $(cat "$scratch/log")"
        [ "$status" = 0 ] || continue
        lowered=$((lowered + 1))
        [ -z "$python" ] || "$python" - "$out" $opset <<'END' || fail "$model in opset $opset: onnx.checker"
import sys, onnx
model = onnx.load(sys.argv[1])
onnx.checker.check_model(model, full_check=True)
sys.exit([o.version for o in model.opset_import if o.domain == ""] != [int(sys.argv[2])])
END
    done
done
[ "$lowered" -gt "$models" ] || fail "$lowered of $models models could be lowered to opset 13 or 9"
