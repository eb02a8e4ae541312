#!/usr/bin/env bash
# Compares the locked prices of a repository with today's, and pushes a branch with the new prices and
# the plan that follows from them. It is for a scheduled job, which must open the pull or merge request
# itself. Writes what changed, as markdown, to BODY_FILE; when nothing changed, there is no such file.
#
#   SERVICE    the service file             service.yaml
#   BASELINE   its committed plan           plan.json
#   LOCK       its locked prices, which the service names (prices:)   prices.lock.json
#   SOURCE     what to compare with         live
#   BRANCH     the branch that is pushed    melange-cloud/prices
#   BODY_FILE  where the text goes          prices.md
set -euo pipefail

SERVICE="${SERVICE:-service.yaml}"
BASELINE="${BASELINE:-plan.json}"
LOCK="${LOCK:-prices.lock.json}"
SOURCE="${SOURCE:-live}"
BRANCH="${BRANCH:-melange-cloud/prices}"
BODY_FILE="${BODY_FILE:-prices.md}"

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
rm -f "$BODY_FILE"

if [ "$SOURCE" = live ]; then
  melange-cloud prices refresh --lock "$work/new.json" >&2
else
  melange-cloud prices list --prices "$SOURCE" --out "$work/new.json" >/dev/null
fi

melange-cloud prices diff "$LOCK" "$work/new.json" --format json >"$work/diff.json"
if python3 -c 'import json, sys; sys.exit(bool(json.load(open(sys.argv[1]))["changes"]))' "$work/diff.json"; then
  echo "the locked prices are the same as the prices of the source \"$SOURCE\"; nothing to do" >&2
  exit 0
fi

# exit code 1 means that the fleet costs more than its policy allows, which the request is to show
code=0
melange-cloud check "$SERVICE" --baseline "$BASELINE" --prices "$work/new.json" \
  --format markdown >"$work/check.md" || code=$?
if [ "$code" -gt 1 ] && [ "$code" != 3 ]; then
  exit "$code"
fi
melange-cloud prices diff "$LOCK" "$work/new.json" --format markdown >"$work/diff.md"

cp "$work/new.json" "$LOCK"
git switch --quiet --force-create "$BRANCH"
if [ "$code" != 3 ]; then
  melange-cloud check "$SERVICE" --baseline "$BASELINE" --update >/dev/null
  git add -- "$BASELINE"
fi
git add -- "$LOCK"
git commit --quiet --message "Prices of today"
git push --quiet --force origin "HEAD:refs/heads/$BRANCH"

# a description may have 65,536 characters; it is cut at the end of a line
{
  cat "$work/check.md"
  echo
  if [ "$(wc -c <"$work/diff.md")" -le 30000 ]; then
    cat "$work/diff.md"
  else
    head -c 30000 "$work/diff.md" | sed '$d'
    echo
    echo "There are more changes: \`melange-cloud prices diff\` shows them all."
  fi
} >"$BODY_FILE"
