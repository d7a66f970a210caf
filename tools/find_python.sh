#!/bin/sh
# Prints the path of a working Python 3.11 or newer. Every candidate is run, because a shim may exist and not work.
is_new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11) or sys.version_info >= (4,))' >/dev/null 2>&1
}

if [ -n "$PYTHON" ]; then
    is_new_enough "$PYTHON" && command -v "$PYTHON" && exit 0
    echo "PYTHON=$PYTHON is not a working Python 3.11 or newer" >&2
    exit 1
fi
for name in python3.13 python3.12 python3.11 python3.14 python3 python; do
    old_ifs=$IFS
    IFS=:
    for directory in $PATH; do
        if [ -x "$directory/$name" ] && is_new_enough "$directory/$name"; then
            echo "$directory/$name"
            exit 0
        fi
    done
    IFS=$old_ifs
done
found=$(python3 --version 2>/dev/null || true)
cat >&2 <<MESSAGE
Zhike needs Python 3.11 or newer; this machine has: ${found:-none}.
Install one (Debian, Ubuntu: apt install python3; macOS: brew install python; anywhere: https://www.python.org/downloads/)
or say where it is: make setup PYTHON=/path/to/python3
MESSAGE
exit 1
