# SPDX-License-Identifier: Apache-2.0
# Sourced after shared.sh: jobs to which something happens while they run, and what must be true afterwards.
#
#   $scratch/in     the input; never changes
#   $scratch/old    what stands at the output's place before
#   $scratch/new    what the job makes if nothing happens to it
#   $scratch/out    where the job writes

tried=0 crashes=0 hangs=0 wrong=0 leftovers=0

# Sets up the four folders. JOB's arguments are all but the two files.
victim_job() { # ARGUMENT...
    job=("$@")
    rm -rf "$scratch/in" "$scratch/old" "$scratch/new" "$scratch/out"
    mkdir -p "$scratch/in" "$scratch/old" "$scratch/new" "$scratch/out"
    "$C2S_BIN" -q --passes none --external-data=64 "$C2S_SOURCE/samples/digits/model.onnx" "$scratch/in/in.onnx"
    printf '<ir_version: 8, opset_import: ["" : 17]>\ng (float[64] x) => (float[64] y) <float[64] w = {%s1}> { y = Mul(x, w) }\n' \
        "$(printf '%d, ' {1..63})" >"$scratch/old.onnxtxt"
    "$C2S_BIN" -q --passes none --external-data=64 "$scratch/old.onnxtxt" "$scratch/old/out.onnx"
    "$C2S_BIN" "${job[@]}" "$scratch/in/in.onnx" "$scratch/new/out.onnx"
    rm -rf "$scratch/kept"
    cp -r "$scratch/in" "$scratch/kept"
}

victim_reset() {
    rm -rf "$scratch/out"
    cp -r "$scratch/old" "$scratch/out"
}

victim_fails() { # COUNTER WHAT
    printf -v "$1" %d $((${!1} + 1))
    echo "FOUND $happened: $2: $(head -c 600 "$scratch/err")"
}

same_folder() { # A B
    diff -r "$1" "$2" >"$scratch/diff" 2>&1
}

# Of a job with --strict that took a pass back: it says so, and its model, with the same files, computes what the input does.
judge_taken_back() {
    [ "$(ls -A "$scratch/out")" = "$(ls -A "$scratch/new")" ] || victim_fails leftovers "status 7, with $(ls -A "$scratch/out")"
    grep -q 'rolled back' "$scratch/err" || victim_fails wrong "status 7 without a pass that was rolled back"
    "$C2S_BIN" compare "$scratch/in/in.onnx" "$scratch/out/out.onnx" --fail-if 'sqnr < 100' >/dev/null 2>"$scratch/err" ||
        victim_fails wrong "status 7, but another model"
}

# After the job has ended with STATUS. Statuses that mean failure: PATTERN, an extended regular expression; with
# `signal` as third argument either state of the output is right, and there is no message.
victim_judge() { # STATUS PATTERN [signal]
    tried=$((tried + 1))
    same_folder "$scratch/in" "$scratch/kept" || victim_fails leftovers "the input was changed: $(cat "$scratch/diff")"
    if [ "$1" -eq 124 ]; then
        victim_fails hangs "no end"
    elif [ "$1" -eq 0 ]; then
        same_folder "$scratch/out" "$scratch/new" || victim_fails leftovers "status 0, but $(cat "$scratch/diff")"
    elif ! [[ $1 =~ ^($2)$ ]]; then
        if [ "$1" -ge 128 ]; then victim_fails crashes "status $1"; else victim_fails wrong "status $1"; fi
        return
    elif [ "$1" -eq 7 ]; then
        judge_taken_back
    elif [ "${3:-}" = signal ]; then
        same_folder "$scratch/out" "$scratch/old" || same_folder "$scratch/out" "$scratch/new" ||
            victim_fails leftovers "neither the old files nor the new ones: $(ls -A "$scratch/out")"
    else
        same_folder "$scratch/out" "$scratch/old" || victim_fails leftovers "status $1, but $(cat "$scratch/diff")"
        # OpenMP's library puts an empty line before its own.
        [ "$(grep -c . "$scratch/err")" -eq 1 ] || victim_fails wrong "expected one line of message"
    fi
}

# The row of the table that docs/testing.md shows, and the verdict of the test.
victim_row() { # NAME
    printf '%-34s %6s tried %4s crashes %4s hangs %4s wrong exits %4s leftovers\n' \
        "$1" $tried $crashes $hangs $wrong $leftovers
    [ $((crashes + hangs + wrong + leftovers)) -eq 0 ] || verdict=1
    tried=0 crashes=0 hangs=0 wrong=0 leftovers=0
}
verdict=0
