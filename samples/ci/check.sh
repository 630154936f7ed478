#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A model in continuous integration: made smaller, held against what it was, and against the last
# release. Copy this folder's files into your repository and set the first three lines.
#
#   ./check.sh            fails (status 7) if the model fell behind its baseline
#   ./check.sh update     writes a new baseline, which you commit
#
# Files are left in $OUT: small.onnx, report.html, check.xml (JUnit), check.md.
set -eu
MODEL=${MODEL:-model.onnx}
DATA=${DATA:-test.npz}      # arrays named as the inputs, and "labels"
CALIB=${CALIB:-calib.npz}   # other samples, for quantization to learn from
BASELINE=${BASELINE:-baseline.json}
PASSES=${PASSES:-cleanup,recompose,fuse,quantize,cleanup}
OUT=${OUT:-out}
ONNX_C2S=${ONNX_C2S:-onnx-c2s}

mkdir -p "$OUT"
small=$OUT/small.onnx

# What passes lose is bounded: more than half a point of top-1, and they are taken back (--strict: 7).
# --no-guard: a shared machine's clock decides nothing, so the same model gives the same bytes.
"$ONNX_C2S" --strict --no-guard --max-drop 0.5 --calib "$CALIB" --data "$DATA" --passes "$PASSES" \
    --report "$OUT/report.html" "$MODEL" "$small"

if [ "${1:-}" = update ]; then
    exec "$ONNX_C2S" check "$small" --baseline "$BASELINE" --update --data "$DATA"
fi

# The whole model, class by class, against what was committed.
exec "$ONNX_C2S" check "$small" --baseline "$BASELINE" --data "$DATA" \
    --fail-if 'top1_drop > 0.5 || class_worst_drop > 5' \
    --fail-if 'sqnr < 20' \
    --fail-if 'bytes > 1.01*ref' \
    --junit "$OUT/check.xml" --markdown "$OUT/check.md"
