# shellcheck shell=bash
# To be sourced: calls GitHub's REST API with the token GH_TOKEN.
api() {
  # the token is in a file, because other processes can read the arguments of this one
  curl --silent --show-error --fail --max-time 60 --retry 3 \
    --config <(printf 'header = "Authorization: Bearer %s"\n' "$GH_TOKEN") \
    --header "Accept: application/vnd.github+json" \
    --header "X-GitHub-Api-Version: 2022-11-28" "$@"
}
