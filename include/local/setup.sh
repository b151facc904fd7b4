#!/bin/sh
# Creates or repairs the environment: setup.sh FOLDER STAMP. The Makefile calls it when the stamp is missing.
set -eu
folder=$1
stamp=$2

fail() {
    echo "set-up: $*" >&2
    exit 1
}

works() { # a shim of a version manager may be there and yet run nothing
    "$@" >/dev/null 2>&1
}

# Two commands at once: the second one waits and finds the work done. Whatever a killed set-up has left running
# holds the lock as well.
exec 9<requirements.txt
if works flock --version; then
    flock 9
    if [ -e "$stamp" ]; then exit 0; fi
fi

base=
for name in python3.13 python3.12 python3.11 python3; do
    if works "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
        base=$(command -v "$name")
        break
    fi
done
[ -n "$base" ] || fail "Python 3.11 or newer is missing: install it (Debian, Ubuntu: apt-get install python3 python3-venv)"

# Only an environment that was complete once is brought up to date; anything else is made anew.
if ! ls "$folder"/.lock-* >/dev/null 2>&1 || ! works "$folder/bin/python" -c ''; then
    rm -rf "$folder"
fi
rm -f "$folder"/.lock-* "$folder/failed"

if works uv --version; then
    uv=uv
    [ -d "$folder" ] || {
        echo "set-up: creating $folder with $base"
        uv venv --quiet --python "$base" "$folder" || fail "uv could not create $folder (see above)"
    }
else
    uv=$folder/bin/uv
    [ -d "$folder" ] || {
        version=$("$base" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
        works "$base" -c 'import venv, ensurepip' ||
            fail "Python's venv is missing: apt-get install python$version-venv (or install uv)"
        echo "set-up: creating $folder with $base"
        "$base" -m venv "$folder" || fail "$base -m venv $folder failed (see above)"
    }
    works "$uv" --version || {
        echo "set-up: installing uv into $folder"
        "$folder/bin/python" -m pip install --quiet --disable-pip-version-check uv || fail "pip could not install uv (see above)"
    }
fi

echo "set-up: installing the packages of requirements.txt (up to a minute or two)"
# Compiled once, here: otherwise each process of Airflow would spend its first seconds on it.
unset PYTHONDONTWRITEBYTECODE
{
    "$uv" pip install --python "$folder/bin/python" --compile-bytecode -r requirements.txt 2>&1 ||
        touch "$folder/failed"
} | grep -v '^ [-+~] ' || true
[ ! -e "$folder/failed" ] || fail "the packages could not be installed (see above)"
touch "$stamp"
