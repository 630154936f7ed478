# SPDX-License-Identifier: Apache-2.0
# The program has what cmake/hardening.cmake asks for: a random address, tables that become read-only before main, no
# executable stack, canaries, checked calls of the C library.
. "$(dirname "$0")/../shared.sh"
need_program
command -v readelf >/dev/null || skip "readelf is not installed"
[ -z "${C2S_SANITIZE:-}" ] || skip "the sanitizers replace it"
! grep -q '^C2S_HARDEN:BOOL=OFF\|^C2S_COVERAGE:BOOL=ON' "$C2S_BUILD/CMakeCache.txt" || skip "this build leaves it out"
grep -q '^CMAKE_C_FLAGS:.*-O[1-3]\|^CMAKE_BUILD_TYPE:.*=Release' "$C2S_BUILD/CMakeCache.txt" || skip "this build is not optimized"

readelf -hlWd --dyn-syms "$C2S_BIN" >"$scratch/elf"
has() { # PATTERN WHAT
    grep -Eq "$1" "$scratch/elf" || fail "no $2 in $C2S_BIN"
}
has 'Type: +DYN' 'random address (PIE)'
has 'GNU_RELRO' 'tables that become read-only (RELRO)'
has '\(FLAGS(_1)?\).*NOW' 'binding before main (BIND_NOW)'
has 'GNU_STACK .* RW ' 'stack without code'
has '__stack_chk_fail' 'canaries'
has '__(sn?printf|memcpy|memmove|fprintf|vsnprintf)_chk' 'checked calls'
