#!/usr/bin/env bash
# Installs melange-cloud into its own virtual environment: the version of this action with the
# dependencies that are locked in it, or MELANGE_VERSION from PyPI.
set -euo pipefail

venv="$RUNNER_TEMP/melange-cloud"
python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
  echo "::error title=melange-cloud::Python 3.11 or newer is needed; run actions/setup-python before this action"
  exit 2
}
python3 -m venv "$venv"
pip() { "$venv/bin/python" -m pip --quiet --disable-pip-version-check "$@"; }
if [ -n "${MELANGE_VERSION:-}" ]; then
  echo "::notice title=melange-cloud::version $MELANGE_VERSION comes from PyPI with the newest dependencies; without the input \"version\" they are the locked ones"
  pip install "melange-cloud==$MELANGE_VERSION"
else
  source="$(cd "$(dirname "$0")/../.." && pwd)"
  pip install --require-hashes --requirement "$source/requirements/run.txt"
  pip install --no-deps --no-build-isolation "$source"
fi
