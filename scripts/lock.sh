#!/usr/bin/env bash
# Renews uv.lock and the hashed requirements that pip installs. Options go to `uv lock`, as
# --upgrade or --upgrade-package highspy; without any, only what pyproject.toml now demands changes.
set -euo pipefail
cd "$(dirname "$0")/.."

uv=${UV:-uv}
options=("$@")
"$uv" lock --quiet "${options[@]}"

export_locked() {
  "$uv" export --quiet --frozen --no-default-groups --no-emit-project --output-file "$@" >/dev/null
}
export_locked requirements/run.txt --group build
export_locked requirements/dev.txt --group dev --extra gpuhunt --extra plots

# what needs an environment of its own, as its pins contradict the project's
compile() {
  UV_CUSTOM_COMPILE_COMMAND="make lock" "$uv" pip compile --quiet --universal \
    --python-version 3.11 --generate-hashes "${options[@]}" --output-file "requirements/$1.txt" "${@:2}" \
    "requirements/$1.in" >/dev/null
}
compile checkov
compile terraform-protocol --no-deps
