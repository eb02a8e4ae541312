#!/usr/bin/env bash
# Opens a pull request from BRANCH to BASE with the text of BODY_FILE, or updates the text of the
# one that is open. Does nothing when there is no such file.
set -euo pipefail
# shellcheck source=integrations/github/api.sh
source "$(dirname "$0")/api.sh"

[ -e "$BODY_FILE" ] || exit 0
pulls="$GITHUB_API_URL/repos/$GITHUB_REPOSITORY/pulls"
payload="$(mktemp)"
trap 'rm -f "$payload"' EXIT

jq --null-input --rawfile body "$BODY_FILE" --arg head "$BRANCH" --arg base "$BASE" \
  '{title: "Prices of today", head: $head, base: $base, body: $body}' >"$payload"
open="$(api --get --data-urlencode "head=${GITHUB_REPOSITORY%%/*}:$BRANCH" --data state=open "$pulls")"
number="$(jq --raw-output '.[0].number // empty' <<<"$open")"
if [ -n "$number" ]; then
  jq '{body}' "$payload" >"$payload.body"
  api --request PATCH --data "@$payload.body" --output /dev/null "$pulls/$number"
  rm -f "$payload.body"
  echo "updated pull request $number" >&2
else
  api --request POST --data "@$payload" --output /dev/null "$pulls"
  echo "opened a pull request" >&2
fi
