# SPDX-License-Identifier: Apache-2.0
# Weights beside a model stay where they are: a job that only cleans up, without a proof, looks at a few bytes of most
# and streams them to the output. Of 256 MB no more than a quarter may ever be in memory: two pairs of
# 32 MB are compared.
. "$(dirname "$0")/../shared.sh"
need_program
python=/usr/bin/python3
"$python" -c 'import onnx' 2>/dev/null || skip "python3-onnx is not installed"
[ -x /usr/bin/time ] || skip "/usr/bin/time is not installed"
[ -n "${C2S_SANITIZE:-}" ] && most_kb=10000000 || most_kb=110000

"$python" "$C2S_SOURCE/tests/cli/mapped_weights.py" make "$scratch"
for passes in none cleanup cleanup,recompose,fuse; do
    /usr/bin/time -f '%M' -o "$scratch/kb" "$C2S_BIN" -q --no-prove --passes "$passes" "$scratch/in.onnx" "$scratch/out.onnx" ||
        fail "$passes: status $?"
    [ "$(tail -n 1 "$scratch/kb")" -le "$most_kb" ] || fail "$passes: took $(tail -n 1 "$scratch/kb") KB, at most $most_kb"
    [ "$passes" = none ] || "$python" "$C2S_SOURCE/tests/cli/mapped_weights.py" check "$scratch" ||
        fail "$passes: the weights are not what they were"
done
