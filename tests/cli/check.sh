# SPDX-License-Identifier: Apache-2.0
# onnx-c2s check: baselines, conditions, reports for CI, a metric of the user's.
. "$(dirname "$0")/../shared.sh"
need_program
cd "$scratch"
model="$C2S_SOURCE/samples/digits/model.onnx"
data="$C2S_SOURCE/samples/digits/test.npz"
calib="$C2S_SOURCE/samples/digits/calib.npz"

# expect STATUS PATTERN ARGUMENT...: the program ends so; what it prints on either stream matches.
expect() {
    local wanted=$1 pattern=$2 status=0
    shift 2
    "$C2S_BIN" "$@" >out 2>err || status=$?
    [ $status -eq "$wanted" ] || fail "onnx-c2s $*: status $status, expected $wanted: $(cat out err)"
    grep -Eqh -- "$pattern" out err || fail "onnx-c2s $*: expected /$pattern/, found: $(cat out err)"
}

# ---- baselines ----

expect 2 'needs --baseline' check "$model"
expect 5 'base.json' check "$model" --baseline base.json
expect 0 'base.json: 120 samples' check "$model" --baseline base.json --update --data "$data" --samples 120 --threads 1
cp base.json again.json
expect 0 . check "$model" --baseline base.json --update --data "$data" --samples 120 --threads 1
cmp base.json again.json || fail "the same model gives another baseline"
expect 0 passed check "$model" --baseline base.json --data "$data" --samples 120 --threads 1
expect 0 passed check "$model" --baseline base.json --data "$data" --samples 120 --fail-if 'top1_drop > 0 || class_worst_drop > 0 || bytes != ref || top1 != ref'
grep -q 'outputs_changed *- *0$' out || fail "the same model has other outputs: $(cat out)"
expect 3 'made on 120 samples, found 110' check "$model" --baseline base.json --data "$data" --samples 110
expect 3 'made on other inputs' check "$model" --baseline base.json --data "$calib" --samples 120
expect 0 'rand.json: 2 samples' check "$model" --baseline rand.json --update
expect 0 passed check "$model" --baseline rand.json
expect 3 'made on other inputs' check "$model" --baseline rand.json --seed 7

# ---- regressions ----

"$C2S_BIN" -q --no-guard --passes 'prune(params=0.25, refit=no)' --calib "$calib" "$model" worse.onnx 2>/dev/null
worse=(check worse.onnx --baseline base.json --data "$data" --samples 120)
expect 7 'FAILED: (top1_drop > 0.5|sqnr < 30)' "${worse[@]}"
expect 7 'FAILED: sqnr < 25 \(sqnr ' "${worse[@]}" --fail-if 'top1_drop > 99 || sqnr < 25 || bytes > 2*ref'
expect 0 'passed: bytes > 1\*ref' "${worse[@]}" --fail-if 'bytes > 1*ref'
expect 7 'class_worst_drop' "${worse[@]}" --fail-if 'class_worst_drop > 1'
expect 7 'outputs_changed' "${worse[@]}" --fail-if 'outputs_changed > 0'
expect 2 'is not the name of a metric; there are ref .*sqnr' "${worse[@]}" --fail-if 'sqrn < 25'
expect 2 'noise_sqnr was not measured' "${worse[@]}" --fail-if 'noise_sqnr < 3'
expect 2 'sqnr has no reference' "${worse[@]}" --fail-if 'sqnr < ref'
expect 0 'latency' "${worse[@]}" --fail-if 'latency > 1000000'
expect 7 'FAILED: sqnr < 30' "${worse[@]}" --against "$model"
expect 0 'passed: sqnr < 100' check "$model" --baseline base.json --data "$data" --samples 120 --against "$model" --fail-if 'sqnr < 100'
# The distance to the probes is that to the model itself: all outputs are small enough to be kept,
# of the samples that are.
"$C2S_BIN" check worse.onnx --baseline base.json --data "$data" --samples 120 --json >probes.json 2>err && fail "the worse model passed"
"$C2S_BIN" check worse.onnx --baseline base.json --data "$data" --samples 120 --json --against "$model" >exact.json 2>err && fail "the worse model passed"
if python3 -c 'import json' 2>/dev/null; then
    python3 - probes.json exact.json <<'PYTHON' || fail "probes: $(cat probes.json exact.json)"
import json, sys
p, e = (json.load(open(f)) for f in sys.argv[1:])
assert not p["passed"] and not e["passed"] and p["samples"] == 120
value = lambda r, name: r["metrics"][name]["value"]
assert abs(value(p, "sqnr") - value(e, "sqnr")) < 2  # 64 of the 120 samples
assert abs(value(p, "top1_drop") - value(e, "top1_drop")) < 1e-9
assert abs(value(p, "class_worst_drop") - value(e, "class_worst_drop")) < 1e-9
assert p["metrics"]["top1"]["reference"] > p["metrics"]["top1"]["value"]
PYTHON
fi

# An output of another name or shape is a failure, whatever the conditions.
cat >a.onnxtxt <<'MODEL'
<ir_version: 10, opset_import: ["" : 21]>
g (float[2,3] x) => (float[2,3] y) { y = Relu(x) }
MODEL
sed 's/ y)/ z)/; s/y = /z = /' a.onnxtxt >renamed.onnxtxt
sed 's/float\[2,3\] y/float[3,2] y/; s/Relu/Transpose/' a.onnxtxt >turned.onnxtxt
expect 0 . check a.onnxtxt --baseline a.json --update
expect 7 'output 0 is "z", expected "y"' check renamed.onnxtxt --baseline a.json --fail-if 'bytes < 0'
expect 7 'output "y" has another shape' check turned.onnxtxt --baseline a.json --fail-if 'bytes < 0'

sed 's/float\[2,3\] y/double[2,3] y/; s/y = Relu(x)/r = Relu(x) y = Cast<to = 11>(r)/' a.onnxtxt >double.onnxtxt
expect 7 'output "y" has another shape or type' check double.onnxtxt --baseline a.json --fail-if 'bytes < 0'

# Texts are the same or others; of a sequence the items are measured.
cat >texts.onnxtxt <<'MODEL'
<ir_version: 10, opset_import: ["" : 21]>
g (float[2,3] x) => (string[2] y) <string[3] names = {"ant", "bee", "cat"}> { i = ArgMax<axis = 1, keepdims = 0>(x) y = Gather(names, i) }
MODEL
sed 's/"ant", "bee", "cat"/"bee", "cat", "ant"/' texts.onnxtxt >other_texts.onnxtxt
expect 0 . check texts.onnxtxt --baseline texts.json --update
expect 0 'passed: texts_changed > 0' check texts.onnxtxt --baseline texts.json
expect 7 'FAILED: texts_changed > 0' check other_texts.onnxtxt --baseline texts.json
expect 7 'FAILED: texts_changed > 0' check other_texts.onnxtxt --baseline texts.json --against texts.onnxtxt
expect 7 'failed: texts_changed > 0' compare texts.onnxtxt other_texts.onnxtxt --fail-if 'texts_changed > 0'
expect 0 . compare texts.onnxtxt texts.onnxtxt --fail-if 'texts_changed > 0'
cat >items.onnxtxt <<'MODEL'
<ir_version: 10, opset_import: ["" : 21]>
g (float[2,3] x) => (seq(float[1,3]) y) <float s = {1}> { m = Mul(x, s) y = SplitToSequence<axis = 0>(m) }
MODEL
sed 's/s = {1}/s = {1.0001}/' items.onnxtxt >near_items.onnxtxt
sed 's/s = {1}/s = {1.5}/' items.onnxtxt >far_items.onnxtxt
expect 0 . check items.onnxtxt --baseline items.json --update
expect 0 'passed: sqnr < 30' check near_items.onnxtxt --baseline items.json
expect 7 'FAILED: sqnr < 30' check far_items.onnxtxt --baseline items.json
expect 7 'FAILED: sqnr < 30' check far_items.onnxtxt --baseline items.json --against items.onnxtxt

# What the baseline can judge and these data cannot is no pass.
if python3 -c 'import numpy' 2>/dev/null; then
    python3 - "$data" plain.npz <<'PYTHON'
import numpy, sys
data = dict(numpy.load(sys.argv[1]))
del data["labels"]
numpy.savez(sys.argv[2], **data)
PYTHON
    expect 2 'the baseline has top1, which was not measured now' check "$model" --baseline base.json --data plain.npz --samples 120
    expect 0 'passed: sqnr < 30' check "$model" --baseline base.json --data plain.npz --samples 120 --fail-if 'sqnr < 30'
fi
expect 2 'metric was measured, which the baseline lacks' check a.onnxtxt --baseline a.json --metric-cmd 'echo {model} 3'

# Classes that have all moved by one are not the labels of a model with another first class.
if python3 -c 'import numpy' 2>/dev/null; then
    cat >classes.onnxtxt <<'MODEL'
<ir_version: 10, opset_import: ["" : 21]>
g (float[N,4] x) => (float[N,5] y) <int64[4] pads = {0, 0, 0, 1}> { y = Pad(x, pads) }
MODEL
    sed 's/{0, 0, 0, 1}/{0, 1, 0, 0}/' classes.onnxtxt >moved.onnxtxt
    python3 - <<'PYTHON'
import numpy
x = 1 + numpy.random.RandomState(1).rand(40, 4).astype("float32")
numpy.savez("rows.npz", x=x, labels=x.argmax(1))
PYTHON
    for base in classes moved; do
        other=$([ $base = classes ] && echo moved || echo classes)
        expect 0 . check $base.onnxtxt --baseline rows.json --data rows.npz --update
        expect 0 'top1 *100 % *100 %' check $base.onnxtxt --baseline rows.json --data rows.npz --fail-if 'top1_drop > 0.5'
        expect 7 'FAILED: top1_drop > 0.5' check $other.onnxtxt --baseline rows.json --data rows.npz --fail-if 'top1_drop > 0.5'
        sed 's/"offset": [01]/"offset": 2/' rows.json >broken.json
        expect 3 'offset' check $base.onnxtxt --baseline broken.json --data rows.npz
    done
fi

# ---- broken baselines ----

broken() { # PATTERN SED_SCRIPT
    sed "$2" a.json >broken.json
    cmp -s a.json broken.json && fail "sed '$2' changes nothing"
    expect 3 "broken.json.*$1" check a.onnxtxt --baseline broken.json
}
broken 'line [0-9]*: ' 's/{/[/'
broken 'onnx_c2s_baseline' 's/"onnx_c2s_baseline": 1/"onnx_c2s_baseline": 2/'
broken 'samples' 's/"samples": 2/"samples": -2/'
broken 'inputs' 's/"inputs": "./"inputs": "g/'
broken 'metrics' 's/"metrics": {/"metrix": {/'
broken 'output' 's/"name"/"nom"/'
broken 'digest' 's/"digest": "./"digest": "/'
broken 'shape' 's/"shape": "2 3"/"shape": "9223372036854775807 9223372036854775807"/'
broken 'shape' 's/"shape": "2 3"/"shape": "2 -3"/'
broken 'shape' 's/"shape": "2 3"/"shape": "1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 2 3"/'
broken 'values' 's/"shape": "2 3"/"shape": "2 4"/'
broken 'values' 's/"values": "/"values": "x /'
: >empty.json
expect 3 'empty.json' check a.onnxtxt --baseline empty.json

# ---- reports ----

# The model's name is hostile: all of it is text in the reports.
name='a<script>alert(1)</script>|`$(touch pwned)`"&.onnxtxt'
mkdir -p "${name%/*}"
cp renamed.onnxtxt "$name"
status=0
"$C2S_BIN" check "$name" --baseline a.json --junit r.xml --markdown r.md >out 2>err || status=$?
[ $status -eq 7 ] || fail "a hostile name: status $status, expected 7: $(cat err)"
! grep -q '<script' r.xml r.md || fail "markup in a name is markup in a report: $(cat r.xml r.md)"
grep -q '&lt;script&gt;' r.xml || fail "the name is not in the XML: $(cat r.xml)"
if command -v python3 >/dev/null; then
    python3 - r.xml "$name" <<'PYTHON' || fail "JUnit: $(cat r.xml)"
import sys, xml.etree.ElementTree as tree
suite = tree.parse(sys.argv[1]).getroot().find("testsuite")
assert suite.get("name") == sys.argv[2], suite.get("name")
cases = suite.findall("testcase")
failed = [c for c in cases if c.find("failure") is not None]
assert int(suite.get("tests")) == len(cases) and int(suite.get("failures")) == len(failed) == 1
assert 'expected "y"' in failed[0].find("failure").get("message")
assert any(p.get("name") == "bytes" for p in suite.find("properties"))
PYTHON
fi
expect 5 'no/such' check a.onnxtxt --baseline a.json --junit no/such/r.xml

# ---- a metric of the user's ----

metric() { # STATUS PATTERN COMMAND ARGUMENT...
    local wanted=$1 pattern=$2 command=$3
    shift 3
    expect "$wanted" "$pattern" check a.onnxtxt --baseline m.json --metric-cmd "$command" "$@"
}
metric 0 . 'printf "top-1 of v2: 0.91 (n=3)\nacc = 0.875%% {model}"' --update
grep -q '"metric": 0.875' m.json || fail "the last number does not count: $(cat m.json)"
metric 0 'passed: metric_drop > 0' 'echo {model} 0.875'
metric 7 'FAILED: metric_drop > 0' 'echo {model} 0.87'
metric 0 'passed: metric_drop > 0' 'echo {model} 0.9'
metric 7 'FAILED: metric_drop > 0' 'echo {model} 0.9' --metric-less
metric 2 'lacks \{model\}' 'echo 0.9'
metric 2 'not closed' "echo '{model}"
metric 2 'no-such-program: cannot be started' 'no-such-program {model}'
expect 2 'the baseline has metric, which was not measured now' check a.onnxtxt --baseline m.json
metric 3 'printed no number' 'echo {model} v2'
metric 3 'printed nan as its last number' 'echo {model} of 3 samples: nan'
metric 3 'printed -inf as its last number' 'echo {model} 3 -Infinity.'
metric 3 'printed inf as its last number' 'echo {model} 3 1e999'
metric 0 'passed: metric_drop > 0' 'echo {model} nan 0.9 info inf_1 nano'
metric 5 'exit status 3' 'sh -c "exit 3" {model}'
start=$(date +%s)
metric 5 'still running after 0.3 s' "sh -c 'sleep 60 & sleep 60' {model}" --metric-timeout 0.3
[ $(($(date +%s) - start)) -lt 30 ] || fail "a command was not killed in time"

# The path is one argument, whatever it holds; no shell sees it.
nasty='; touch pwned; $(touch pwned) `touch pwned` "{model}" .onnxtxt'
cp a.onnxtxt "$nasty"
expect 0 . check "$nasty" --baseline n.json --update --metric-cmd 'sh -c "test -f \"\$1\" && echo 5" x {model}'
[ ! -e pwned ] || fail "a name was run"
grep -q '"metric": 5' n.json || fail "the command did not see the file: $(cat n.json)"

# The budget of lossy passes: a command that counts how often it is asked, and falls with it.
cat >eval.sh <<'EVAL'
[ -s "$1" ] || exit 9
echo asked >>asked
size=$(stat -c %s "$1")
echo "bytes $size"
EVAL
rm -f asked
mkdir tmp
export TMPDIR="$scratch/tmp"
job=(-v --calib "$calib" --data "$data" --passes 'cleanup,quantize_weights' --metric-cmd 'sh eval.sh {model}')
expect 0 'metric [0-9.]+, was [0-9.]+' "${job[@]}" --max-drop 200000 "$model" q.onnx
[ "$(wc -l <asked)" -ge 2 ] || fail "the command was asked $(wc -l <asked) times"
expect 7 'the metric is worse by' "${job[@]}" --strict --max-drop 5 "$model" q.onnx
expect 0 'metric' "${job[@]}" --strict --metric-less --max-drop 5 "$model" q.onnx
expect 5 'exit status 9' --calib "$calib" --passes quantize_weights --max-drop 5 --metric-cmd 'sh -c "exit 9" {model}' "$model" q.onnx
# Every lossy pass asks it.
for pass in 'quantize(force=yes)' 'quantize_weights(bits=4)' 'prune(macs=0.9)' 'lowrank(params=0.9)' half cluster_weights; do
    rm -f asked
    expect 0 'metric 7, was 7' --calib "$calib" --calib-samples 8 --no-guard --passes "cleanup,fuse,$pass" --max-drop 1 --metric-cmd \
        'sh -c "echo asked >>asked; echo 7" {model}' "$model" q.onnx
    [ "$(wc -l <asked)" -ge 2 ] || fail "$pass asked $(wc -l <asked) times"
done
sed 's/MaxPool/MaxPoem/g' "$model" >unknown.onnx
expect 4 'needs a model that can be run here' --calib "$calib" --passes quantize_weights --max-drop 1 --metric-cmd 'echo {model} 7' unknown.onnx q.onnx
# A signal ends the command, too, and leaves nothing behind.
"$C2S_BIN" --calib "$calib" --passes quantize_weights --metric-cmd 'sh -c "echo \$\$ >started; exec sleep 600" {model}' "$model" q.onnx >out 2>err &
job=$!
for ((i = 0; i < 600; i++)); do
    [ ! -s started ] || break
    sleep 0.05
done
[ -s started ] || fail "the command was not started: $(cat out err)"
kill -TERM $job
wait $job && fail "SIGTERM: expected a status other than 0"
for ((i = 0; i < 100; i++)); do
    kill -0 "$(cat started)" 2>/dev/null || break
    sleep 0.1
done
kill "$(cat started)" 2>/dev/null && fail "the command goes on without the program"
[ -z "$(ls tmp)" ] || fail "folders were left behind: $(ls tmp)"

# ---- the catalogue ----

expect 0 '^sqnr *dB *higher' check --list-metrics
expect 0 '"name": "latency"' check --list-metrics --json
