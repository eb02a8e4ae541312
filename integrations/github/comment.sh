#!/usr/bin/env bash
# Writes the check as a comment on the pull request, or updates the comment it wrote before, which it
# knows by the same first line (a hidden one).
set -euo pipefail
# shellcheck source=integrations/github/api.sh
source "$(dirname "$0")/api.sh"

if [ ! -e "${BODY_FILE:-}" ]; then
  echo "no comment is written, because there is no result of a check" >&2
  exit 0
fi

give_up() {
  # a pull request from a fork has a read-only token
  echo "::warning title=melange-cloud::the comment could not be written: $1"
  exit 0
}

repository="$GITHUB_API_URL/repos/$GITHUB_REPOSITORY"
comments="$repository/issues/$PR_NUMBER/comments"
marker="$(head -n 1 "$BODY_FILE")"
payload="$(mktemp)"
trap 'rm -f "$payload"' EXIT
jq --null-input --rawfile body "$BODY_FILE" '{body: $body}' >"$payload"

id=""
page=1
while [ -z "$id" ]; do
  found="$(api "$comments?per_page=100&page=$page")" || give_up "the comments of the pull request cannot be read"
  id="$(jq --raw-output --arg marker "$marker" \
    'first(.[] | select((.body // "") | startswith($marker)) | .id) // empty' <<<"$found")"
  [ "$(jq length <<<"$found")" = 100 ] || break
  page=$((page + 1))
done

if [ -n "$id" ] && api --request PATCH --data "@$payload" --output /dev/null \
  "$repository/issues/comments/$id"; then
  echo "updated comment $id" >&2
  exit 0
fi
# there is none yet, or someone else wrote one with the same first line
api --request POST --data "@$payload" --output /dev/null "$comments" ||
  give_up "the token may not write comments; the job needs the permission pull-requests: write"
echo "wrote a comment" >&2
