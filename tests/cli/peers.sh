# SPDX-License-Identifier: Apache-2.0
# docs/peers.md: what it says that we have is there.
. "$(dirname "$0")/../shared.sh"
need_program
"$C2S_BIN" --list-rules | sed -n 's/^  \([^ ]*\) .*/\1/p' | sort >"$scratch/rules"
sed -n '/^## /q; s/^| [^|]* | \(.*\) |$/\1/p' "$C2S_SOURCE/docs/peers.md" | grep -o '`[a-z-]*`' | tr -d '`' | grep -v '^--' | sort -u >"$scratch/named"
[ "$(wc -l <"$scratch/named")" -gt 60 ] || fail "names in docs/peers.md: found $(wc -l <"$scratch/named"), expected more than 60"
missing=$(comm -13 "$scratch/rules" "$scratch/named" | tr '\n' ' ')
[ -z "$missing" ] || fail "docs/peers.md names what --list-rules does not: $missing"
