# SPDX-License-Identifier: Apache-2.0
# The main job is interrupted a hundred times, at moments from a fixed seed: the input is unchanged, the output is whole
# or what it was, no temporary file is left.
. "$(dirname "$0")/../shared.sh"
. "$(dirname "$0")/../damage.sh"
. "$(dirname "$0")/victim.sh"
[ "${C2S_SANITIZE:-}" != thread ] || skip "the thread sanitizer holds signals back"
need_program
victim_job -q --no-guard --external-data=64

milliseconds() { echo $(($(date +%s%N) / 1000000)); }
before=$(milliseconds)
victim_reset
"$C2S_BIN" "${job[@]}" "$scratch/in/in.onnx" "$scratch/out/out.onnx"
whole=$(($(milliseconds) - before + 5))
damage_seed=9 ended=0
for ((i = 0; i < 100; i++)); do
    signal=$((i % 2 ? 15 : 2))
    next_random "$whole"
    happened="signal $signal after $random of $whole ms"
    victim_reset
    # Without job control bash starts background jobs with SIGINT ignored, which the program respects.
    # What bash would do at its own end is not for its child, before that has become the program.
    trap - EXIT
    set -m
    "$C2S_BIN" "${job[@]}" "$scratch/in/in.onnx" "$scratch/out/out.onnx" >"$scratch/stdout" 2>"$scratch/err" &
    job_id=$!
    set +m
    trap 'rm -rf "$scratch"' EXIT
    sleep "$(printf '%d.%03d' $((random / 1000)) $((random % 1000)))"
    kill -$signal $job_id 2>/dev/null || true
    status=0
    wait $job_id 2>/dev/null || status=$?
    [ $status -eq 0 ] || ended=$((ended + 1))
    victim_judge $status "$((128 + signal))" signal
done
[ $ended -ge 30 ] || fail "only $ended of 100 jobs were interrupted"
victim_row "SIGINT, SIGTERM at random moments"
exit $verdict
