#!/usr/bin/env bash
# Runs `melange-cloud check` and writes the action's outputs. The exit code becomes an output too, so
# that the comment is written before the job fails.
set -euo pipefail

bin="$RUNNER_TEMP/melange-cloud/bin"
work="$RUNNER_TEMP/melange-cloud-check"
rm -rf "$work"
mkdir -p "$work"

# shellcheck disable=SC2153 # BASELINE is what the action was given, baseline the file compared with
baseline="$BASELINE"
if [ "$BASELINE_REF" != checkout ]; then
  # a shallow checkout does not have the base yet
  if ! git rev-parse --quiet --verify "$BASELINE_REF^{commit}" >/dev/null; then
    git fetch --quiet --depth=1 origin "$BASELINE_REF"
    BASELINE_REF=FETCH_HEAD
  fi
  if git cat-file -e "$BASELINE_REF:./$BASELINE" 2>/dev/null; then
    mkdir -p "$work/base"
    baseline="$work/base/$(basename -- "$BASELINE")"
    git show "$BASELINE_REF:./$BASELINE" >"$baseline"
  else
    printf 'the base has no %q; comparing with the one that is checked out\n' "$BASELINE" >&2
  fi
fi

args=(check "--baseline=$baseline" --format=github "--out=$work/check.json" "--out=$work/check.md")
[ -z "$PRICES" ] || args+=("--prices=$PRICES")
[ -z "$MAX_INCREASE" ] || args+=("--max-increase=$MAX_INCREASE")
[ -z "$WARN_INCREASE" ] || args+=("--warn-increase=$WARN_INCREASE")
[ -z "$BUDGET" ] || args+=("--budget=$BUDGET")
while IFS= read -r word; do
  [ -z "$word" ] || args+=("$word")
done <<<"$MORE_ARGS"
args+=(-- "$SERVICE")

code=0
"$bin/melange-cloud" "${args[@]}" 2>"$work/stderr" || code=$?
# a message may hold names that others chose, and no line of it may become a workflow command
token="$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')"
echo "::stop-commands::$token"
cat "$work/stderr"
echo "::$token::"

if [ ! -e "$work/check.json" ]; then
  message="$(cat "$work/stderr")"
  message="${message//'%'/%25}"
  message="${message//$'\r'/%0D}"
  echo "::error title=melange-cloud::${message//$'\n'/%0A}"
fi

"$bin/python" - "$work" "$code" >>"$GITHUB_OUTPUT" <<'PYTHON'
import json
import sys
from pathlib import Path

work, code = Path(sys.argv[1]), sys.argv[2]
found = {"verdict": "error", "current": None, "change": None}
if (work / "check.json").exists():
    found = json.loads((work / "check.json").read_text(encoding="utf-8"))
    print(f"markdown-file={work / 'check.md'}")
print(f"code={code}")
print(f"verdict={found['verdict']}")
for output, part in (("usd-per-hour", "current"), ("change", "change")):
    print(f"{output}={found[part]['usd_per_hour'] if found[part] else ''}")
PYTHON
