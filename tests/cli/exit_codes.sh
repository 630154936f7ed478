# SPDX-License-Identifier: Apache-2.0
# Every failure: the documented exit status, one line that names the culprit, OUT and its folder as
# they were.
. "$(dirname "$0")/../shared.sh"
need_program
model="$C2S_SOURCE/samples/digits/model.onnx"
work="$scratch/work"
mkdir "$work"

# expect STATUS PATTERN ARGUMENT...: the program ends so, and its one line on stderr matches.
expect() {
    local wanted=$1 pattern=$2 status=0
    shift 2
    "$C2S_BIN" "$@" >"$scratch/out" 2>"$scratch/err" || status=$?
    [ $status -eq "$wanted" ] || fail "onnx-c2s $*: status $status, expected $wanted: $(cat "$scratch/err")"
    [ "$(wc -l <"$scratch/err")" -eq 1 ] || fail "onnx-c2s $*: expected one line, found: $(cat "$scratch/err")"
    grep -Eq -- "$pattern" "$scratch/err" || fail "onnx-c2s $*: expected /$pattern/, found: $(cat "$scratch/err")"
}
# The same for the default job into a file that is there already.
expect_untouched() {
    local wanted=$1 pattern=$2
    shift 2
    echo before >"$work/out.onnx"
    expect "$wanted" "$pattern" "$@" "$work/out.onnx"
    [ "$(cat "$work/out.onnx")" = before ] || fail "onnx-c2s $*: OUT was changed"
    [ "$(ls -A "$work")" = out.onnx ] || fail "onnx-c2s $*: files left behind: $(ls -A "$work")"
}

# 2: usage
expect 2 'usage'
expect 2 'usage' "$model"
expect 2 'usage' "$model" "$work/a" "$work/b"
expect 2 '--nonsense' --nonsense "$model" "$work/a"
expect 2 '--dim' --dim batch "$model" "$work/a"
expect 2 '--tolerance' --tolerance -1 "$model" "$work/a"
expect 2 '--emulate sse9' run --emulate sse9 "$model"
expect_untouched 2 'expected float16 or bfloat16' --passes 'half(type=float8)' "$model"
expect_untouched 2 'sharpen' --passes sharpen "$model"

# 0: help, however it is asked for
for verb in '' info lint; do
    "$C2S_BIN" help $verb >"$scratch/out"
    "$C2S_BIN" $verb --help | cmp -s - "$scratch/out" || fail "help $verb is not $verb --help"
done
expect 5 'help: No such file' help "$scratch/nowhere"

# 3: invalid
head -c 1000 "$model" >"$scratch/cut.onnx"
expect_untouched 3 'cut\.onnx' "$scratch/cut.onnx"
echo 'not a model' >"$scratch/text.onnx"
expect_untouched 3 'text\.onnx' "$scratch/text.onnx"
: >"$scratch/empty.onnx"
expect_untouched 3 'empty\.onnx' "$scratch/empty.onnx"
head -c 300 "$C2S_SOURCE/samples/digits/test.npz" >"$scratch/cut.npz"
expect_untouched 3 'cut\.npz' --data "$scratch/cut.npz" "$model"

cat >"$scratch/left_out.onnxtxt" <<'EOF'
<ir_version: 8, opset_import: ["" : 17]>
g (float[2] x) => (float[2] y)
<int64 trips = {0}>
{
    y = Loop <body = b (int64 i, bool c, float[2] s) => (bool c, float[2] s) {}> (trips, "", "")
}
EOF
expect_untouched 3 'Loop.*input 2 is left out' "$scratch/left_out.onnxtxt"

# 4: an operator that nobody knows passes through, but cannot be run
sed 's/MaxPool/MaxPoem/g' "$model" >"$scratch/unknown.onnx"
expect 4 'emulates no processor' run --emulate avx2 --simulate-quantized "$model"
expect 4 'MaxPoem' run "$scratch/unknown.onnx"
"$C2S_BIN" "$scratch/unknown.onnx" "$work/out.onnx" >"$scratch/out" 2>&1 || fail "an unknown operator: $(cat "$scratch/out")"
grep -q MaxPoem "$scratch/out" || fail "the report does not name the unknown operator"
rm "$work/out.onnx"

# 5: the system says no
expect_untouched 5 'nowhere\.onnx' "$scratch/nowhere.onnx"
expect_untouched 5 'work' "$work"
expect_untouched 5 'there\.npz' --data "$scratch/there.npz" "$model"
expect 5 'no-such-folder' "$model" "$scratch/no-such-folder/out.onnx"
if [ -e /dev/full ]; then
    status=0
    "$C2S_BIN" info "$model" >/dev/full 2>"$scratch/err" || status=$?
    [ $status -eq 5 ] || fail "a full disk under standard output: status $status, expected 5"
fi

# 6: more memory than there is. The sanitizers' allocator has a report of its own for that.
[ -n "${C2S_SANITIZE:-}" ] || expect 6 '.' run --dim batch=4000000000000 "$model"

# 7: other weights, other results
middle=$(($(stat -c %s "$model") / 2))
cp "$model" "$scratch/weights.onnx"
printf '%64s' '' | tr ' ' '\100' | dd of="$scratch/weights.onnx" bs=1 seek=$middle conv=notrunc status=none
expect 7 'scores' compare "$model" "$scratch/weights.onnx"

# 2: nor do reports and the like replace what else the command line names
expect_untouched 2 '--report .*another file' --report "$work/out.onnx" "$model"
cp "$model" "$scratch/kept.onnx"
for option in --report --log-rewrites --calib-cache; do
    expect_untouched 2 "$option .*another file" $option "$scratch/kept.onnx" "$scratch/kept.onnx"
done
expect 2 '--baseline .*another file' check "$scratch/kept.onnx" --baseline "$scratch/kept.onnx" --update
expect 2 '--junit .*another file' check "$scratch/kept.onnx" --baseline "$scratch/b" --junit "$scratch/./kept.onnx"
expect 2 '--markdown .*another file' check "$model" --baseline "$scratch/b" --junit "$scratch/j" --markdown "$scratch/j"
cmp -s "$model" "$scratch/kept.onnx" || fail "a model was written over"

# 2: files that IN reads its data from are not written over, unless IN itself is
"$C2S_BIN" -q --passes none --external-data=64 "$model" "$work/new.onnx"
mv "$work/new.onnx" "$work/old.onnx"
cp "$work/new.onnx.data" "$scratch/data"
expect 2 'new\.onnx\.data: the data of the model that was read is in it' "$work/old.onnx" "$work/new.onnx"
expect 2 'new\.onnx\.data' extract "$work/old.onnx" "$work/new.onnx"
expect 2 'new\.onnx\.data' merge --parallel "$model" "$work/old.onnx" "$work/new.onnx.data"
cmp -s "$scratch/data" "$work/new.onnx.data" || fail "the data of IN was written over"
[ "$(ls "$work" | tr '\n' ' ')" = "new.onnx.data old.onnx out.onnx " ] || fail "files left behind: $(ls "$work")"
mv "$work/old.onnx" "$work/new.onnx"
"$C2S_BIN" -q --external-data=64 "$work/new.onnx" "$work/../work/new.onnx"
"$C2S_BIN" compare -q "$model" "$work/new.onnx"
rm "$work"/new.onnx*

# 0, also onto itself
rm "$work/out.onnx"
cp "$model" "$work/same.onnx"
"$C2S_BIN" -q "$work/same.onnx" "$work/same.onnx"
"$C2S_BIN" compare -q "$model" "$work/same.onnx"
[ "$(ls -A "$work")" = same.onnx ] || fail "files left behind: $(ls -A "$work")"
