# SPDX-License-Identifier: Apache-2.0
# samples/ci does what it says: a baseline is made, the same model passes, a worse one does not.
. "$(dirname "$0")/../shared.sh"
need_program
cd "$scratch"
digits="$C2S_SOURCE/samples/digits"
cp "$C2S_SOURCE/samples/ci/check.sh" .
cp "$digits/test.npz" "$digits/calib.npz" .
cp "$digits/model.onnx" model.onnx
export ONNX_C2S="$C2S_BIN" PASSES='cleanup,recompose,fuse,quantize_weights,cleanup'

sh check.sh update >log 2>&1 || fail "update: $(cat log)"
[ -s baseline.json ] || fail "no baseline was written: $(cat log)"
sh check.sh >log 2>&1 || fail "the same model: $(cat log)"
for file in small.onnx report.html check.xml check.md; do
    [ -s out/$file ] || fail "out/$file was not written: $(cat log)"
done
grep -q 'passed' out/check.md || fail "check.md does not say 'passed': $(cat out/check.md)"
grep -q '<testsuite tests="[1-9][0-9]*" failures="0"' out/check.xml || fail "check.xml: $(cat out/check.xml)"

# Fewer bits than the job may lose by, unless nobody looks: --max-drop holds the passes back.
status=0
PASSES='cleanup,quantize_weights(bits=2,method=nearest)' sh check.sh >log 2>&1 || status=$?
[ $status -eq 7 ] || fail "weights of 2 bits: status $status, expected 7: $(cat log)"

# Another model in the place of the first: the check finds it.
"$C2S_BIN" -q --no-guard --passes 'prune(params=0.3, refit=no)' --calib calib.npz "$digits/model.onnx" model.onnx 2>log || fail "$(cat log)"
status=0
PASSES=cleanup sh check.sh >log 2>&1 || status=$?
[ $status -eq 7 ] || fail "a worse model: status $status, expected 7: $(cat log)"
grep -q FAILED out/check.md || fail "check.md does not say 'FAILED': $(cat out/check.md)"
grep -q '<failure message=' out/check.xml || fail "check.xml names no failure: $(cat out/check.xml)"

# The workflow is YAML that runs this script, with the packages that the build needs.
workflow="$C2S_SOURCE/samples/ci/model-check.yml"
grep -q 'run: ./check.sh' "$workflow" || fail "the workflow does not run check.sh"
for package in $(sed -n '/^build_packages=(/,/)/p' "$C2S_SOURCE/bootstrap" | tr -d '()' | sed 's/build_packages=//'); do
    [ "$package" = libc6-dev ] || grep -qw -- "$package" "$workflow" || fail "the workflow does not install $package"
done
! python3 -c 'import yaml' 2>/dev/null || python3 -c 'import sys, yaml; yaml.safe_load(open(sys.argv[1]))["jobs"]["check"]' "$workflow" ||
    fail "the workflow is no YAML"
