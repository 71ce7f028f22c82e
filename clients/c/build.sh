#!/bin/sh
# Builds libheliograph_oort.a into a directory: sh build.sh DIRECTORY
# For another machine, say its compiler: CC=aarch64-linux-gnu-gcc AR=aarch64-linux-gnu-ar
set -eu
from=$(dirname "$0")
to=${1:?the directory that the library goes to}
mkdir -p "$to"
set --
for name in agent bus exchange items json sending uploads; do
    ${CC:-cc} -std=c99 -Wall -Wextra -Werror -pedantic ${CFLAGS:--O2} \
        -c "$from/$name.c" -o "$to/oort_$name.o"
    set -- "$@" "$to/oort_$name.o"
done
${AR:-ar} rcs "$to/libheliograph_oort.a" "$@"
rm "$@"
