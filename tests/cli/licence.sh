# SPDX-License-Identifier: Apache-2.0
# Every source file names its licence in its first lines.
. "$(dirname "$0")/../shared.sh"
cd "$C2S_SOURCE"

# Folders of the build and of npm are not ours.
find . \( -path './build*' -o -path ./.git -o -name node_modules \) -prune -o -type f \
    \( -name '*.[ch]' -o -name '*.sh' -o -name '*.js' -o -name '*.py' -o -name '*.proto' \
    -o -name '*.cmake' -o -name CMakeLists.txt -o -name bootstrap -o -path ./.ci/run \) -print >"$scratch/files"
[ "$(wc -l <"$scratch/files")" -gt 10 ] || fail "only $(wc -l <"$scratch/files") source files were found"

missing=0
while read -r file; do
    head -n 3 "$file" | grep -q 'SPDX-License-Identifier: Apache-2.0' && continue
    echo "$file: no SPDX-License-Identifier in its first three lines"
    missing=$((missing + 1))
done <"$scratch/files"
[ $missing -eq 0 ]
