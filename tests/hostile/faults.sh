# SPDX-License-Identifier: Apache-2.0
# The main job while its nth allocation or system call fails, or while it gets a signal just before that call: exit
# status 5 or 6 and one line, the input unchanged, the output whole or as it was, nothing left behind. Where the job does without what
# failed it must give the same output. A proof that has no memory takes its pass back, with status 7.
#   C2S_FAULTS=all tests/hostile/faults.sh    every call that matters to files, and 3000 allocations of each job
. "$(dirname "$0")/../shared.sh"
. "$(dirname "$0")/victim.sh"
need_program
shim="$C2S_BUILD/tests/preload_faults.so"
[ -e "$shim" ] || skip "$shim is not built"
[ -z "${C2S_SANITIZE:-}" ] || skip "the sanitizers have allocators of their own"

# One run. Sets $status.
with_fault() { # FAULT
    happened="$1, ${job[*]}"
    victim_reset
    status=0
    timeout 60 env C2S_FAULT="$1" C2S_FAULT_COUNT="$scratch/count" LD_PRELOAD="$shim" \
        "$C2S_BIN" "${job[@]}" "$scratch/in/in.onnx" "$scratch/out/out.onnx" >"$scratch/stdout" 2>"$scratch/err" || status=$?
}

# Numbers up to the count, all or about MOST of them: dense at both ends, where files are opened and moved.
numbers() { # COUNT MOST
    awk -v count="$1" -v most="$2" 'BEGIN {
        for (n = 1; n <= count; n++) {
            edge = n < count - n ? n : count - n + 1
            if (count <= most || edge <= most / 4 || int(n * most / count / 2) != int((n - 1) * most / count / 2)) print n
        }
    }'
}

walk() { # KIND MOST STATUSES [ACTION]
    local n count
    with_fault "$1:0"
    [ "$status" -ne 77 ] || skip "$(cat "$scratch/err")"
    [ "$status" -eq 0 ] || fail "$happened: status $status without a fault: $(cat "$scratch/err")"
    count=$(cat "$scratch/count")
    [ "$count" -gt 0 ] || fail "$happened: no such call was seen"
    for n in $(numbers "$count" "$2"); do
        with_fault "$1:$n${4:+:$4}"
        if [[ ${4:-} =~ ^[0-9]+$ ]]; then victim_judge "$status" "$3" signal; else victim_judge "$status" "$3"; fi
    done
}

if [ "${C2S_FAULTS:-}" = all ]; then
    calls=100000 allocations=3000
else
    calls=40 allocations=50
fi

quick=(-q --no-prove --threads 1 --external-data=64)
proved=(-q --strict --no-guard --threads 1 --samples 1 --external-data=64 --data "$C2S_SOURCE/samples/digits/calib.npz")
for kind in open write sync rename map; do
    statuses=5
    [ $kind != map ] || statuses='5|6'
    victim_job "${quick[@]}"
    walk $kind $calls "$statuses"
    victim_row "nth $kind fails"
done
for kind in write sync; do
    walk $kind $calls 5 rest
    victim_row "every $kind from the nth on fails"
done
for kind in write sync rename unlink; do
    walk $kind $calls 143 15
    walk $kind $calls 130 2
    victim_row "signal before the nth $kind"
done
walk alloc $allocations 6
victim_row "nth allocation fails"
walk alloc $allocations 6 rest
victim_row "no memory from the nth allocation on"
victim_job "${proved[@]}"
walk read $calls '5|3'
walk alloc $allocations '6|7'
victim_row "the same with a proof on data"
exit $verdict
