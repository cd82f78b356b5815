#!/bin/sh
# Installs pinned requirements into an environment, which is made if there is none: VENV FILE... A hash of the files is
# remembered, so a repeat does nothing but compare.
set -eu

venv=$1
shift
wanted=$(cksum "$@")
stamp=$venv/stamps/$(printf '%s' "$*" | tr '/ ' '__')

[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
if ! [ -f "$stamp" ] || [ "$(cat "$stamp")" != "$wanted" ]; then
    for file in "$@"; do set -- "$@" --requirement "$file" && shift; done
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check "$@"
    mkdir -p "$venv/stamps" && printf '%s\n' "$wanted" >"$stamp"
fi
