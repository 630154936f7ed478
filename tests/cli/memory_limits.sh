# SPDX-License-Identifier: Apache-2.0
# Models whose shapes ask for more memory than there is: each must end at once with a message that
# says so, and never take more than 100 MB; so must folding, the proof and random inputs.
. "$(dirname "$0")/../shared.sh"
need_program
[ -x /usr/bin/time ] && timer=/usr/bin/time || timer=
[ -n "${C2S_SANITIZE:-}" ] && most_kb=10000000 || most_kb=100000

# NAME GRAPH: a model for the job and for run; both must stay small and end soon. The job succeeds,
# since a model that cannot be run is not proved, or ends with status 6; run ends with 6.
hostile() {
    local name=$1 opset=${3:-21} status=0
    printf '<ir_version: 10, opset_import: ["" : %s, "ai.onnx.ml" : 5]>\n%s\n' "$opset" "$2" >"$scratch/$name.onnxtxt"
    for verb in job run; do
        local words=(run)
        [ "$verb" = run ] || words=(-v)
        local target=()
        [ "$verb" = run ] || target=("$scratch/out.onnx")
        status=0
        ${timer:+"$timer" -f '%M' -o "$scratch/kb"} timeout 20 "$C2S_BIN" "${words[@]}" --threads 1 --max-memory 32M \
            "$scratch/$name.onnxtxt" "${target[@]}" >"$scratch/out" 2>"$scratch/err" || status=$?
        case $verb.$status in
        job.0) ;;
        job.6 | run.6)
            grep -qE 'limit of|at most|exceed|does not fit|take more than' "$scratch/err" ||
                fail "$name, $verb: no clear message: $(cat "$scratch/err")"
            ;;
        *) fail "$name, $verb: status $status: $(cat "$scratch/err" "$scratch/out")" ;;
        esac
        if [ -n "$timer" ]; then
            [ "$(tail -n 1 "$scratch/kb")" -le "$most_kb" ] || fail "$name, $verb: took $(tail -n 1 "$scratch/kb") KB"
        fi
    done
}

hostile constant_of_shape 'g () => (y) <int64[2] s = {1000000, 1000000}> { y = ConstantOfShape(s) }'
hostile constant_overflow 'g () => (y) <int64[3] s = {4000000000, 4000000000, 4000000000}> { y = ConstantOfShape(s) }'
hostile expand 'g (float[1,1] x) => (y) <int64[2] s = {100000, 100000}> { y = Expand(x, s) }'
hostile tile 'g (float[10,10] x) => (y) <int64[2] s = {100000, 100000}> { y = Tile(x, s) }'
hostile range 'g () => (y) <int64 a = {0}, int64 b = {100000000000}, int64 c = {1}> { y = Range(a, b, c) }'
hostile one_hot 'g (int64[1000] x) => (y) <int64 d = {100000000}, float[2] v = {0, 1}> { y = OneHot(x, d, v) }'
hostile pad 'g (float[1,1] x) => (y) <int64[4] p = {0, 0, 100000, 100000}> { y = Pad(x, p) }'
hostile resize 'g (float[1,1,8,8] x) => (y) <int64[4] s = {1, 1, 100000, 100000}> { y = Resize(x, "", "", s) }'
hostile einsum 'g (float[2000] a, float[2000] b, float[2000] c) => (y) { y = Einsum <equation = "i,j,k->ijk"> (a, b, c) }'
hostile gemm_outer 'g (float[50000,1] a, float[1,50000] b) => (y) { y = MatMul(a, b) }'
hostile broadcast 'g (float[50000,1] a, float[1,50000] b) => (y) { y = Add(a, b) }'
hostile conv_transpose 'g (float[1,1,64,64] x) => (y) <float[1,1,1,1] w = {1}> { y = ConvTranspose <strides = [2000, 2000]> (x, w) }'
hostile upsample_twice 'g (float[1,64] x) => (y) <int64[2] s = {64, 1}> { a = Tile(x, s)
 b = Tile(a, s)
 c = Tile(b, s)
 d = Tile(c, s)
 y = Tile(d, s) }'
hostile eye 'g (float[100000,100000] x) => (y) { y = EyeLike(x) }'
hostile input 'g (float[1000000,1000000] x) => (y) { y = Relu(x) }'
hostile strings 'g (string[100000,100000] x) => (y) { y = Identity(x) }'
hostile loop_concat 'g (float[1024,64] x) => (y) <int64 n = {100000}> {
 y = Loop <body = b (int64 i, bool c, v) => (d, w) { d = Identity(c)
 w = Concat <axis = 0> (v, v) }> (n, "", x) }'
hostile loop_scan 'g (float[1024,64] x) => (y) <int64 n = {100000}> {
 y = Loop <body = b (int64 i, bool c) => (d, w) { d = Identity(c)
 w = Neg(x) }> (n, "") }'
hostile loop_sequence 'g (float[1024,64] x) => (y) <int64 n = {100000}> {
 s = SequenceEmpty()
 y = Loop <body = b (int64 i, bool c, v) => (d, w) { d = Identity(c)
 t = Neg(x)
 w = SequenceInsert(v, t) }> (n, "", s) }'
hostile string_growth 'g (string[64] x) => (y) <int64 n = {40}> {
 y = Loop <body = b (int64 i, bool c, v) => (d, w) { d = Identity(c)
 w = StringConcat(v, v) }> (n, "", x) }'
hostile string_split 'g () => (y, z) <int64[1] many = {200000}, string text = {"a b"}, int64[1] one = {1}> {
 row = Expand(text, many)
 long = Constant <value_string = "'"$(printf 'a %.0s' $(seq 20000))"'"> ()
 first = Reshape(long, one)
 all = Concat <axis = 0> (row, first)
 y, z = StringSplit(all) }'
hostile split_nothing 'g (float[1000000000000,0] x) => (y) { y = SplitToSequence(x) }'
hostile non_zero 'g () => (y) <int64[2] s = {4000, 500}, float[1] one = {1}> {
 x = ConstantOfShape <value = float[1] {1}> (s)
 y = NonZero(x) }'
hostile composite 'g (float[1,1,2000,8] q, float[1,1,2000,8] k) => (y) {
 a = Transpose <perm = [0, 1, 3, 2]> (k)
 b = MatMul(q, a)
 c = MatMul(b, b)
 y = Softmax(c) }'
hostile center_crop 'g (float[1,1] x) => (y) <int64[2] s = {1000000, 1000000}> { y = CenterCropPad(x, s) }'
hostile affine_grid 'g (float[1,2,3] x) => (y) <int64[4] s = {1, 1, 100000, 100000}> { y = AffineGrid(x, s) }'
hostile window 'g () => (y) <int64 n = {100000000000}> { y = HannWindow(n) }'
hostile max_unpool 'g (float[1,1,1,1] x, int64[1,1,1,1] i) => (y) <int64[4] s = {1, 1, 1000000, 1000000}> {
 y = MaxUnpool <kernel_shape = [1, 1]> (x, i, s) }'
hostile random 'g () => (y) { y = RandomNormal <shape = [1000000, 1000000]> () }'
hostile dft 'g (float[1,4,1] x) => (y) <int64 n = {10000000000}> { y = DFT(x, n) }'

# No extent that the file names, but one that the user gives.
printf '<ir_version: 10, opset_import: ["" : 21]>\ng (float[N,4] x) => (y) { y = Relu(x) }\n' >"$scratch/named.onnxtxt"
status=0
"$C2S_BIN" run --dim N=4000000000000 "$scratch/named.onnxtxt" >/dev/null 2>"$scratch/err" || status=$?
[ "$status" -eq 6 ] && grep -q 'limit of' "$scratch/err" || fail "run --dim: status $status: $(cat "$scratch/err")"
"$C2S_BIN" -q --dim N=4000000000000 "$scratch/named.onnxtxt" "$scratch/out.onnx" >"$scratch/out" 2>&1 ||
    fail "--dim: status $?: $(cat "$scratch/out")"

# A trillion steps over nothing.
printf '<ir_version: 10, opset_import: ["" : 21]>\ng (float[1000000000000,0] x) => (y) {\n%s\n%s\n}\n' \
    ' y = Scan <num_scan_inputs = 1, body = b (v) => (w) { w = Neg(v)' ' }> (x)' >"$scratch/steps.onnxtxt"
status=0
timeout 20 "$C2S_BIN" run "$scratch/steps.onnxtxt" >/dev/null 2>"$scratch/err" || status=$?
[ "$status" -eq 4 ] && grep -q 'steps, at most' "$scratch/err" || fail "steps: status $status: $(cat "$scratch/err")"
