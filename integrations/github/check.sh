#!/usr/bin/env bash
# Runs `melange-cloud check` and writes the action's outputs. The exit code becomes an output too, so
# that the comment is written before the job fails.
set -euo pipefail

bin="$RUNNER_TEMP/melange-cloud/bin"
work="$RUNNER_TEMP/melange-cloud-check"
rm -rf "$work"
mkdir -p "$work"

# Sets $commit to a commit, fetched where a shallow checkout does not have it. Not to be called in a
# condition, where a fetch that fails would go unnoticed.
find_commit() {
  commit="$1"
  git rev-parse --quiet --verify "$commit^{commit}" >/dev/null && return
  git fetch --quiet --depth=1 origin "$commit"
  commit=FETCH_HEAD
}

# Writes a file of $commit to $2; false where that has none.
file_of_commit() {
  git cat-file -e "$commit:./$1" 2>/dev/null || return 1
  mkdir -p "$(dirname -- "$2")"
  git show "$commit:./$1" >"$2"
}

# shellcheck disable=SC2153 # BASELINE is what the action was given, baseline the file compared with
baseline="$BASELINE"
if [ "$BASELINE_REF" != checkout ]; then
  find_commit "$BASELINE_REF"
  base="$work/base/$(basename -- "$BASELINE")"
  if file_of_commit "$BASELINE" "$base"; then
    baseline="$base"
  else
    printf 'the base has no %q; comparing with the one that is checked out\n' "$BASELINE" >&2
  fi
fi

# the plan that is checked out is the one that will be applied
args=(check "--baseline=$baseline" "--committed=$BASELINE" --format=github "--out=$work/check.json" "--out=$work/check.md")
if [ "$POLICY_REF" != checkout ]; then
  # a pull request does not choose the policy that judges it; where the base has no service, there is
  # no such file, which allows no increase
  find_commit "$POLICY_REF"
  file_of_commit "$SERVICE" "$work/policy/service.yaml" || true
  args+=("--policy=$work/policy/service.yaml")
fi
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
committed = found.get("committed")
print(f"stale={str(committed['stale']).lower() if committed else ''}")
for output, part in (("usd-per-hour", "current"), ("change", "change")):
    print(f"{output}={found[part]['usd_per_hour'] if found[part] else ''}")
PYTHON
