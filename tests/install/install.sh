# SPDX-License-Identifier: Apache-2.0
# What `cmake --install` gives is complete: samples/embed builds against it through find_package and
# through pkg-config, and runs.
. "$(dirname "$0")/../shared.sh"
[ -z "${C2S_SANITIZE:-}" ] || skip "this build needs the sanitizers' runtime"

need_program
cc=${C2S_CC:-cc}
cmake=${C2S_CMAKE:-cmake}
prefix="$scratch/prefix"
"$cmake" --install "$C2S_BUILD" --prefix "$prefix" >"$scratch/log" || fail "$(cat "$scratch/log")"

for file in bin/onnx-c2s include/c2s.h share/man/man1/onnx-c2s.1; do
    [ -f "$prefix/$file" ] || fail "$file was not installed"
done
[ "$(find "$prefix/include" -type f | wc -l)" -eq 1 ] || fail "more than one header was installed"
libraries=$(dirname "$(find "$prefix" -name libc2s.a)")
[ -e "$libraries/libc2s.so" ] || fail "libc2s.so is not beside libc2s.a"

# Only the interface is visible.
foreign=$(nm -D --defined-only "$libraries/libc2s.so" | awk '$2 == "T" { print $3 }' | grep -v '^c2s_' || true)
[ -z "$foreign" ] || fail "libc2s.so exports $foreign"
declared=$(grep -c '^C2S_API' "$prefix/include/c2s.h")
exported=$(nm -D --defined-only "$libraries/libc2s.so" | grep -c ' T c2s_')
[ "$declared" -eq "$exported" ] || fail "c2s.h declares $declared functions, libc2s.so exports $exported"

run() { # PROGRAM
    LD_LIBRARY_PATH="$libraries" "$1" "$C2S_SOURCE/samples/digits/model.onnx" "$scratch/out.onnx" >"$scratch/out" ||
        fail "$1 ended with status $?"
    grep -q '^after' "$scratch/out" || fail "$1 printed no report"
    [ -s "$scratch/out.onnx" ] || fail "$1 wrote no model"
    rm "$scratch/out.onnx"
}

generator=$(sed -n 's/^CMAKE_GENERATOR:INTERNAL=//p' "$C2S_BUILD/CMakeCache.txt") # make may be missing
"$cmake" -G "$generator" -S "$C2S_SOURCE/samples/embed" -B "$scratch/embed" \
    -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_C_COMPILER="$cc" >"$scratch/log" 2>&1 || fail "$(cat "$scratch/log")"
"$cmake" --build "$scratch/embed" >"$scratch/log" 2>&1 || fail "$(cat "$scratch/log")"
run "$scratch/embed/shrink"
run "$scratch/embed/shrink-static"
cat "$scratch/out"

export PKG_CONFIG_PATH="$libraries/pkgconfig"
source="$C2S_SOURCE/samples/embed/shrink.c"
# shellcheck disable=SC2046 # flags are words
"$cc" "$source" $(pkg-config --cflags --libs c2s) -lm -o "$scratch/shrink-pc"
run "$scratch/shrink-pc"
# shellcheck disable=SC2046
"$cc" "$source" $(pkg-config --static --cflags --libs c2s | sed 's/-lc2s\b/-l:libc2s.a/') -o "$scratch/shrink-pc-static"
run "$scratch/shrink-pc-static"

# The header stands on its own, in C and C++.
echo '#include <c2s.h>' >"$scratch/alone.c"
"$cc" -std=c11 -Wall -Wextra -Wpedantic -Werror -I"$prefix/include" -fsyntax-only "$scratch/alone.c"
if command -v c++ >/dev/null; then
    c++ -x c++ -std=c++11 -Wall -Wextra -Wpedantic -Werror -I"$prefix/include" -fsyntax-only "$scratch/alone.c"
fi
