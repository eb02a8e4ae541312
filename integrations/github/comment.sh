#!/usr/bin/env bash
# Writes the check as a comment on the pull request, or updates the comment that it wrote before: one
# by the token's own user whose first line, a hidden one, is that of this service. Anyone may write a
# comment with such a first line, so the author decides.
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

# The login that comments of the token bear: of a person for a personal access token, "NAME[bot]" for
# that of an app and of Actions. GET /user answers to the first alone, GraphQL's viewer to all.
own_login() {
  local query='{"query": "query { viewer { login } }"}'
  local login=""
  login="$(api --data "$query" "${GITHUB_GRAPHQL_URL:-$GITHUB_API_URL/graphql}" 2>/dev/null |
    jq --raw-output '.data.viewer.login // empty' 2>/dev/null)" || login=""
  [ -n "$login" ] ||
    login="$(api "$GITHUB_API_URL/user" 2>/dev/null | jq --raw-output '.login // empty' 2>/dev/null)" ||
    login=""
  # what remains is the token of Actions where GraphQL cannot be reached
  echo "${login:-github-actions[bot]}"
}

repository="$GITHUB_API_URL/repos/$GITHUB_REPOSITORY"
comments="$repository/issues/$PR_NUMBER/comments"
marker="$(head -n 1 "$BODY_FILE")"
login="$(own_login)"
payload="$(mktemp)"
trap 'rm -f "$payload"' EXIT
jq --null-input --rawfile body "$BODY_FILE" '{body: $body}' >"$payload"

id=""
page=1
while [ -z "$id" ]; do
  found="$(api "$comments?per_page=100&page=$page")" || give_up "the comments of the pull request cannot be read"
  id="$(jq --raw-output --arg marker "$marker" --arg login "$login" \
    'first(.[] | select(.user.login == $login)
      | select((.body // "") | split("\n")[0] | rtrimstr("\r") == $marker) | .id) // empty' <<<"$found")"
  [ "$(jq length <<<"$found")" = 100 ] || break
  page=$((page + 1))
done

if [ -n "$id" ] && api --request PATCH --data "@$payload" --output /dev/null \
  "$repository/issues/comments/$id"; then
  echo "updated comment $id" >&2
  exit 0
fi
# there is none yet, or it may not be changed
api --request POST --data "@$payload" --output /dev/null "$comments" ||
  give_up "the token may not write comments; the job needs the permission pull-requests: write"
echo "wrote a comment" >&2
