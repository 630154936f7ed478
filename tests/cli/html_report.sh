# SPDX-License-Identifier: Apache-2.0
# --report: one HTML file that is well-formed, complete, needs nothing else and runs nothing; drawn by
# a browser where there is one.
. "$(dirname "$0")/../shared.sh"
need_program
cd "$scratch"
digits="$C2S_SOURCE/samples/digits"

"$C2S_BIN" -q --data "$digits/test.npz" --samples 32 --calib "$digits/calib.npz" --report report.html \
    --passes 'cleanup,recompose,fuse,quantize_weights(bits=4),cleanup' "$digits/model.onnx" small.onnx 2>err || fail "$(cat err)"
[ -s small.onnx ] || fail "the model was not written"
command -v python3 >/dev/null || skip "python3 is not installed"
python3 "$C2S_SOURCE/tests/cli/html_report.py" report.html

# Without data, it is measured on what the passes learnt from, and says so.
"$C2S_BIN" -q --samples 8 --calib "$digits/calib.npz" --report learnt.html --passes cleanup "$digits/model.onnx" small.onnx 2>err || fail "$(cat err)"
grep -q "Measured on 8 samples that the passes could learn from" learnt.html || fail "what it is measured on: $(grep 'Measured on' learnt.html)"

# Names are text, whatever they hold.
cat >hostile.onnxtxt <<'MODEL'
<ir_version: 10, opset_import: ["" : 21]>
g (float[1,4] x) => (float[1,4] y)
<float[4] w = {1, 2, 3, 4}>
{ NAME1 = Identity(x)
  NAME2 = Mul(NAME1, w)
  NAME3 = Relu(NAME2)
  y = Add(NAME3, w) }
MODEL
"$C2S_BIN" -q --passes none hostile.onnxtxt hostile.onnx
# Names of the same length, in the binary form: no text syntax has such.
python3 - hostile.onnx <<'PYTHON'
import sys
data = open(sys.argv[1], "rb").read()
for old, new in ((b"NAME1", b'"\'<!-'), (b"NAME2", b"</p>&"), (b"NAME3", b"<x>\xff\x01")):
    assert old in data
    data = data.replace(old, new)
open(sys.argv[1], "wb").write(data)
PYTHON
name='<b onclick="x()">&amp;\ --> ]]>.onnx'
cp hostile.onnx "$name"
status=0
"$C2S_BIN" -q --report hostile.html "$name" small.onnx 2>err || status=$?
if [ $status -eq 0 ]; then
    python3 "$C2S_SOURCE/tests/cli/html_report.py" hostile.html "$name"
else # a name that is no UTF-8 makes the model invalid
    [ $status -eq 3 ] || fail "hostile names: status $status: $(cat err)"
fi

# A model that cannot be run: the report says so.
sed 's/MaxPool/MaxPoem/g' "$digits/model.onnx" >unknown.onnx
"$C2S_BIN" -q --report unknown.html unknown.onnx small.onnx 2>err || fail "an unknown operator: $(cat err)"
grep -q 'were not run: .*MaxPoem' unknown.html || fail "the report does not say why nothing was measured"

# A report that cannot be written.
status=0
"$C2S_BIN" -q --report no/such/report.html "$digits/model.onnx" small.onnx 2>err || status=$?
[ $status -eq 5 ] || fail "a report that cannot be written: status $status, expected 5"

# In a browser, light and dark: something is drawn, and the two differ.
for browser in chromium chromium-browser google-chrome; do
    ! command -v $browser >/dev/null || break
done
command -v $browser >/dev/null || {
    echo "no browser is installed: the report was not drawn"
    exit 0
}
draw() { # OUT OPTION...
    local out=$1
    shift
    timeout 120 "$browser" --headless --no-sandbox --disable-gpu --hide-scrollbars --window-size=1200,2400 \
        --user-data-dir="$scratch/profile" "$@" --screenshot="$scratch/$out" "file://$scratch/report.html" >browser.log 2>&1 ||
        fail "$browser: $(tail -n 5 browser.log)"
    [ -s "$out" ] || fail "$browser drew nothing: $(tail -n 5 browser.log)"
}
draw light.png
draw dark.png --blink-settings=preferredColorScheme=0
cmp -s light.png dark.png && fail "light and dark look alike"
[ "$(stat -c %s light.png)" -gt 20000 ] || fail "the page is nearly empty: $(stat -c %s light.png) bytes"
