# SPDX-License-Identifier: Apache-2.0
# The input is mapped. If someone cuts it short while the job runs: one line, status 5, no output. The job is held at
# --print-after, which fills a pipe that nobody reads.
. "$(dirname "$0")/../shared.sh"
need_program
[ -z "${C2S_SANITIZE:-}" ] || skip "the sanitizer has a handler of its own"

{
    printf '<ir_version: 8, opset_import: ["" : 17]>\ng (float[4,256] x) => (float[4,256] y) <float[256,256] w = {'
    for ((i = 1; i < 65536; i++)); do printf '%d, ' $((i % 97)); done
    printf '1}, float two = {2}> {\n r0 = Mul(x, two)\n r1 = MatMul(r0, w)\n'
    for ((i = 1; i < 3000; i++)); do printf ' r%d = Sin(r%d)\n' $((i + 1)) "$i"; done
    printf ' y = Sin(r3000)\n}\n'
} >"$scratch/text.onnxtxt"


# FILE PIPELINE: FILE of the model is emptied before the second pass, or the writing, begins.
cut_short() {
    mkfifo "$scratch/err"
    "$C2S_BIN" --no-prove --passes "$2" --print-after cleanup "$scratch/in.onnx" "$scratch/out.onnx" >"$scratch/out" 2>"$scratch/err" &
    local job=$! status=0
    exec 3<"$scratch/err"
    read -r first <&3
    truncate -s 0 "$scratch/$1"
    cat <&3 >"$scratch/rest"
    exec 3<&-
    rm "$scratch/err"
    wait "$job" || status=$?
    [ "$status" -eq 5 ] || fail "$1, $2: status $status after \"$first\": $(tail -n 1 "$scratch/rest")"
    tail -n 1 "$scratch/rest" | grep -q 'onnx-c2s: ' || fail "$1, $2: no message: $(tail -n 1 "$scratch/rest")"
    [ -z "$(find "$scratch" -name 'out.onnx*')" ] || fail "$1, $2: an output is left: $(ls "$scratch")"
}

"$C2S_BIN" -q --passes none --external-data "$scratch/text.onnxtxt" "$scratch/in.onnx"
cut_short in.onnx.data cleanup,fuse # the weight is read, to scale it
rm "$scratch"/in.onnx*
"$C2S_BIN" -q --passes none "$scratch/text.onnxtxt" "$scratch/in.onnx"
cut_short in.onnx cleanup # the weight is only written
