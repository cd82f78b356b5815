#!/bin/sh
# Makes .venv, installs the pinned packages and builds the Rust module. Each step remembers a hash of what it was made
# from, so a repeat does nothing but compare. Run by `make setup`, from the project's root.
set -eu

venv=.venv
stamps=$venv/stamps

fail() {
    printf '%s\n' "$*" >&2
    exit 1
}

hash_of() { # of the contents and names of files and folders
    find "$@" -type f -not -path '*/target/*' -not -name '*.so' -not -path '*/__pycache__/*' -print | LC_ALL=C sort |
        while IFS= read -r file; do printf '%s ' "$file" && cksum <"$file"; done | cksum
}

fresh() { # step, hash
    [ -f "$stamps/$1" ] && [ "$(cat "$stamps/$1")" = "$2" ]
}

stamp() { # step, hash
    mkdir -p "$stamps" && printf '%s\n' "$2" >"$stamps/$1"
}

python_find() {
    for candidate in ${PYTHON:-} python3 python3.14 python3.13 python3.12 python3.11; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            printf '%s\n' "$candidate"
            return
        fi
    done
    fail "Python 3.11 or newer is missing: install it (Debian, Ubuntu: apt-get install python3 python3-venv)."
}

if ! [ -x $venv/bin/python ] || ! $venv/bin/python -c 'import pip' 2>/dev/null; then
    python=$(python_find)
    "$python" -c 'import ensurepip, venv' 2>/dev/null ||
        fail "Python's venv is missing: install it (Debian, Ubuntu: apt-get install python3-venv)."
    printf 'making %s\n' $venv
    rm -rf $venv
    "$python" -m venv $venv
fi

packages=$(hash_of requirements/dev.txt)
if ! fresh packages "$packages"; then
    printf 'installing the pinned packages\n'
    $venv/bin/python -m pip install --quiet --disable-pip-version-check --requirement requirements/dev.txt
    stamp packages "$packages"
fi

engine="$(hash_of matching_rs/Cargo.toml matching_rs/Cargo.lock matching_rs/core/Cargo.toml matching_rs/core/src matching_rs/py) $packages"
if ! fresh engine "$engine"; then
    command -v cargo >/dev/null 2>&1 ||
        fail "cargo is missing: install Rust 1.88 or newer, from https://rustup.rs or your distribution."
    command -v cc >/dev/null 2>&1 ||
        fail "a C linker (cc) is missing: install it (Debian, Ubuntu: apt-get install gcc libc6-dev)."
    printf 'building the engine (the first time takes a minute or two)\n'
    rm -rf $venv/wheels
    log=$($venv/bin/maturin build --release --locked --manifest-path matching_rs/py/Cargo.toml \
        --interpreter $venv/bin/python --out $venv/wheels 2>&1) || fail "$log"
    $venv/bin/python -m pip install --quiet --disable-pip-version-check --force-reinstall --no-deps $venv/wheels/*.whl
    stamp engine "$engine"
fi
