#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# run.sh: fuzzes the decoders with libFuzzer, AddressSanitizer and UBSan.
# usage: tests/fuzz/run.sh [SECONDS] [BUILD-DIRECTORY]   (seconds for all targets together)
set -eu
seconds=${1:-60}
root=$(cd "$(dirname "$0")/../.." && pwd)
build=${2:-$root/build-fuzz}
if [ ! -f "$build/build.ninja" ]; then
    CC=clang meson setup "$build" "$root" -Db_sanitize=address,undefined -Db_lundef=false \
        -Dc_args=-fsanitize=fuzzer-no-link -Dc_link_args=-fsanitize=fuzzer-no-link >/dev/null
fi
ninja -C "$build" fuzz >/dev/null
python3 "$root/tests/fuzz/corpus.py" "$build/corpus/fuzz_whole_message" "$root/tests/data/vectors"
python3 "$root/tests/fuzz/certs/seeds.py" "$build/corpus" "$root/tests/data/vectors"
python3 "$root/tests/fuzz/ice/seeds.py" "$build/corpus/fuzz_stun"
for seeds in "$root"/tests/fuzz/usages/seeds/*; do
    mkdir -p "$build/corpus/fuzz_${seeds##*/}"
    cp "$seeds"/* "$build/corpus/fuzz_${seeds##*/}/"
done
targets=$(cd "$build/tests/fuzz" && find . -maxdepth 2 -name 'fuzz_*' -type f -perm -u+x | sort)
count=$(echo "$targets" | wc -l)
each=$((seconds / count > 0 ? seconds / count : 1))
for target in $targets; do
    name=$(basename "$target")
    mkdir -p "$build/corpus/$name"
    echo "fuzz $name: $each s"
    if ! "$build/tests/fuzz/$target" -max_total_time="$each" -max_len=8192 -timeout=5 -verbosity=0 \
        -print_final_stats=1 -artifact_prefix="$build/" "$build/corpus/$name" \
        >"$build/$name.log" 2>&1; then
        tail -40 "$build/$name.log"
        echo "fuzz $name: failed; the input is in $build" >&2
        exit 1
    fi
    sed -n 's/^stat::number_of_executed_units: */  inputs: /p' "$build/$name.log"
done
