# SPDX-License-Identifier: Apache-2.0
# A rewrite that is right but makes the model slower is found and left out, unless --no-guard says that it is wanted.
. "$(dirname "$0")/../shared.sh"
need_program
cat >"$scratch/slow.rules" <<'END'
rule slow-relu "Relu -> a product with the unit matrix, and Max" {
    pattern (X) => (Y) { Y = Relu (X) }
    replace {
        E = EyeLike (X)
        M = MatMul (X, E)
        Z = Sub (M, M)
        Y = Max (M, Z)
    }
}
END
cat >"$scratch/in.onnxtxt" <<'END'
<ir_version: 8, opset_import: ["" : 17]>
g (float[256,256] x) => (float[256,256] y) {
    [first] a = Relu (x)
    [second] b = Sin (a)
    i = Identity (b)
    [third] y = Relu (i)
}
END
# job STATUS OPTION...
job() {
    local want=$1 status=0
    shift
    "$C2S_BIN" --rules "$scratch/slow.rules" "$@" "$scratch/in.onnxtxt" "$scratch/out.onnxtxt" >"$scratch/out" 2>"$scratch/err" || status=$?
    [ "$status" -eq "$want" ] || fail "$*: status $status: $(cat "$scratch/err")"
}
products() { grep -c '= MatMul' "$scratch/out.onnxtxt" || true; }

job 0
[ "$(products)" -eq 0 ] || fail "kept: $(cat "$scratch/out" "$scratch/err")"
! grep -q Identity "$scratch/out.onnxtxt" || fail "what is not slower went, too: $(cat "$scratch/out")"
grep -q 'slow-relu at node "first" (Relu) is left out: a run takes .* times as long' "$scratch/err" || fail "not named: $(cat "$scratch/err")"
grep -q 'rolled back: slow-relu at node "third" (Relu)' "$scratch/out" || fail "not reported: $(cat "$scratch/out")"
job 7 --strict
job 0 --no-guard
[ "$(products)" -eq 2 ] || fail "--no-guard: $(cat "$scratch/out" "$scratch/err")"
job 0 --no-prove
[ "$(products)" -eq 2 ] || fail "--no-prove: $(cat "$scratch/out" "$scratch/err")"
