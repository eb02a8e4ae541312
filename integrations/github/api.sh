# shellcheck shell=bash
# Sourced: a call of GitHub's REST API with the token GH_TOKEN.
api() {
  # the token in a file, as a process's arguments can be read by others
  curl --silent --show-error --fail --max-time 60 --retry 3 \
    --config <(printf 'header = "Authorization: Bearer %s"\n' "$GH_TOKEN") \
    --header "Accept: application/vnd.github+json" \
    --header "X-GitHub-Api-Version: 2022-11-28" "$@"
}
