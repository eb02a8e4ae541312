#!/usr/bin/env bash
# Installs melange-cloud into a virtual environment of its own: the version of this action, or
# MELANGE_VERSION of PyPI.
set -euo pipefail

venv="$RUNNER_TEMP/melange-cloud"
python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
  echo "::error title=melange-cloud::Python 3.11 or newer is needed; run actions/setup-python before this action"
  exit 2
}
python3 -m venv "$venv"
if [ -n "${MELANGE_VERSION:-}" ]; then
  package="melange-cloud==$MELANGE_VERSION"
else
  package="$(cd "$(dirname "$0")/../.." && pwd)"
fi
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check "$package"
