# SPDX-License-Identifier: Apache-2.0
# What oneDNN and our own kernels give under smaller instruction sets than this machine's, held against
# the plain evaluator. (Where the machine has no AVX2, the sets are the same, and so are the tests.)
. "$(dirname "$0")/../shared.sh"
[ -z "${C2S_SANITIZE:-}" ] || skip "the sanitizers have seen these tests already"

for isa in SSE41 AVX AVX2; do
    export DNNL_MAX_CPU_ISA=$isa ONEDNN_MAX_CPU_ISA=$isa
    DNNL_VERBOSE=1 ONEDNN_VERBOSE=1 "$C2S_BUILD/tests/test_session" >"$scratch/log" 2>&1 ||
        fail "test_session under $isa: $(tail -n 5 "$scratch/log")"
    used=$(sed -n 's/.*verbose,.*isa:\(Intel \)\?\([A-Za-z0-9.]*\).*/\2/p' "$scratch/log" | head -n 1)
    case "$used" in
    SSE4.1 | AVX | AVX2) ;;
    *) fail "oneDNN uses $used although $isa is the limit" ;;
    esac
    for name in byte_table kernels layouts posts models saturating; do
        status=0
        "$C2S_BUILD/tests/test_$name" >"$scratch/log" 2>&1 || status=$?
        [ $status -eq 0 ] || fail "test_$name under $isa: $(grep -v '^\[' "$scratch/log" | tail -n 5)"
    done
    echo "$isa: $used"
done
