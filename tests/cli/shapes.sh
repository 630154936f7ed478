# SPDX-License-Identifier: Apache-2.0
# --dim and --shape of the default job: what they change, what they refuse.
. "$(dirname "$0")/../shared.sh"
need_program

# Reshape goes by a shape that is computed from the input's; the body sees N and L as well.
cat >"$scratch/chain.onnxtxt" <<'TEXT'
<ir_version: 9, opset_import: ["" : 17]>
chain (float[N,L,6] x, float[N] scale, bool c) => (float[N,M,2] y)
<int64 zero = {0}, int64[1] first = {0}, int64[1] two = {2}, int64[1] rest = {-1}, int64[2] tail = {1, 2}>
{
  shape = Shape(x)
  n = Gather <axis = 0> (shape, zero)
  n1 = Unsqueeze(n, first)
  target = Concat <axis = 0> (n1, rest, two)
  t = If <then_branch = a () => (float[N,L,6] p) { p = Neg(x) },
          else_branch = b () => (float[N,L,6] q) { q = Identity(x) }> (c)
  r = Reshape(t, target)
  s = Unsqueeze(scale, tail)
  y = Mul(r, s)
}
TEXT
model="$scratch/chain.onnxtxt"
out="$scratch/out.onnx"

shown() { # TEXT: a line of info must say it
    "$C2S_BIN" info "$out" >"$scratch/info"
    grep -qF -- "$1" "$scratch/info" || fail "expected '$1', found: $(cat "$scratch/info")"
}
change() { # ARGUMENTS: the job succeeds
    "$C2S_BIN" "$@" "$model" "$out" >"$scratch/log" 2>&1 || fail "$*: status $?: $(cat "$scratch/log")"
}
refuse() { # STATUS MESSAGE ARGUMENTS: it ends with that status and says so in one line
    local expected=$1 message=$2 status=0
    shift 2
    rm -f "$out"
    "$C2S_BIN" "$@" "$model" "$out" >/dev/null 2>"$scratch/err" || status=$?
    [ "$status" -eq "$expected" ] || fail "$*: status $status, expected $expected: $(cat "$scratch/err")"
    [ "$(wc -l <"$scratch/err")" -eq 1 ] || fail "$*: more than one line: $(cat "$scratch/err")"
    grep -qF -- "$message" "$scratch/err" || fail "$*: expected '$message', found: $(cat "$scratch/err")"
    [ ! -e "$out" ] || fail "$*: a file was written"
}
same_results() { # ARGUMENTS: the model as it was computes the same on such inputs
    "$C2S_BIN" compare "$@" "$model" "$out" >"$scratch/log" 2>&1 || fail "$*: $(cat "$scratch/log")"
}

# A name becomes a number: inputs, outputs, bodies; the shape arithmetic is folded.
change --dim N=4 --dim L=8
shown 'x: float[4,8,6]'
shown 'scale: float[4]'
shown 'y: float[4,24,2]'
! grep -qE 'Shape |Gather|Concat' "$scratch/info" || fail "shape arithmetic is left: $(cat "$scratch/info")"
same_results --dim N=4 --dim L=8

# One of two; by way of an input; both ways to say it agree.
change --dim N=4
shown 'x: float[4,L,6]'
same_results --dim N=4
change --shape x=3,?,6
shown 'x: float[3,L,6]'
shown 'scale: float[3]'
same_results --dim N=3
change --dim N=3 --shape x=3,5,? --shape scale=3
shown 'x: float[3,5,6]'

# Another name; none at all.
change --shape 'x=batch, ?, ?'
shown 'scale: float[batch]'
change --shape 'x=?,?,?'
shown 'x: float[N,L,6]'

# Nothing but the shapes.
change --passes none --dim N=4 --dim L=8
shown 'x: float[4,8,6]'
shown 'Gather'
"$C2S_BIN" -q --passes none "$out" "$scratch/out.onnxtxt"
grep -qF 'float[4,8,6] p' "$scratch/out.onnxtxt" || fail "outputs of bodies: $(cat "$scratch/out.onnxtxt")"
same_results --dim N=4 --dim L=8

# An extent that the file fixes: another number is noted, and every operator must agree.
change --shape x=?,?,12
shown 'x: float[N,L,12]'
grep -qF 'input "x": axis 2 was 6, is 12 now' "$scratch/log" || fail "no note: $(cat "$scratch/log")"

refuse 2 'no input has a dimension named "batch"; there are N, L' --dim batch=4
refuse 2 'the model has no input "z"; its inputs: x, scale, c' --shape z=1
refuse 2 '2 extents, the input has rank 3' --shape x=1,2
refuse 2 'dimension "N" would be 5, by --dim N=4 it is 4' --dim N=4 --shape x=5,?,?
refuse 2 'dimension "N" would be 3, by --shape x=2,?,? it is 2' --shape x=2,?,? --shape scale=3
refuse 2 '"-3" is no extent' --shape x=-3,?,?
refuse 2 'expected INPUT=DIMS' --shape 3,4
refuse 3 'the model is not made for these shapes: node "r" (Reshape)' --shape x=1,1,5

# Shapes that a model has built in.
cat >"$scratch/fixed.onnxtxt" <<'TEXT'
<ir_version: 9, opset_import: ["" : 17]>
fixed (float[1,4,6] x) => (float[1,24] y, float[1,4,3] z)
<int64[2] flat = {1, 24}>
{
  y = Reshape(x, flat)
  z, rest = Split <axis = 2> (x)
}
TEXT
model="$scratch/fixed.onnxtxt"
change --shape x=1,4,6
refuse 3 'node "y" (Reshape): 36 elements cannot take a shape of 24' --shape x=1,6,6
refuse 3 'with N = 8: node "y" (Reshape)' --shape x=1,N,6
# The batch is no part of what Reshape is told: samples stay apart.
change --shape x=5,4,6
shown 'y: float[5,24]'
grep -qF 'node "y" (Reshape): the shape takes the batch over' "$scratch/log" || fail "no note: $(cat "$scratch/log")"
change --shape x=N,4,6
shown 'y: float[N,24]'
same_results
refuse 3 'node "y" (Reshape): 60 elements cannot take a shape of 24' --shape x=2,5,6
change --passes none --shape x=1,6,4
shown 'z: float[1,6,2]'

# Nor is a first extent of as many that is not the batch; a shape that others read stays what it is.
cat >"$scratch/turned.onnxtxt" <<'TEXT'
<ir_version: 9, opset_import: ["" : 17]>
turned (float[1,4,6] x) => (float[1,24] y, int64[2] z) <int64[2] flat = {1, 24}>
{
  t = Transpose <perm = [1, 0, 2]> (x)
  y = Reshape(t, flat)
  z = Identity(flat)
}
TEXT
model="$scratch/turned.onnxtxt"
refuse 3 'node "y" (Reshape): 48 elements cannot take a shape of 24' --shape x=2,4,6
sed 's/(t, flat)/(x, flat)/' "$scratch/turned.onnxtxt" >"$scratch/shared.onnxtxt"
model="$scratch/shared.onnxtxt"
change --shape x=N,4,6
shown 'y: float[N,24]'
same_results

# A branch that the new shapes make impossible goes, since others would refuse the model for it.
cat >"$scratch/branches.onnxtxt" <<'TEXT'
<ir_version: 9, opset_import: ["" : 17]>
branches (float[N,6] x, bool c) => (float[N,6] y) <int64[2] four = {4, 6}>
{
  y = If <then_branch = a () => (float[N,6] p) { p = Reshape(x, four) },
          else_branch = b () => (float[N,6] q) { q = Neg(x) }> (c)
}
TEXT
model="$scratch/branches.onnxtxt"
change --dim N=4
shown 'If'
change --dim N=3
shown 'y: float[3,6]'
shown 'Neg'
! grep -qw 'If' "$scratch/info" || fail "the branch is still there: $(cat "$scratch/info")"
