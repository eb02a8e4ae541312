#!/usr/bin/env bash
# Measures the server of this machine as profile.json says, puts the results into the bucket, and
# ends the machine. Nothing in here is templated: whatever a setting holds, it is data and never code.
set -euo pipefail

root=${MELANGE_ROOT:-}
settings=$root/etc/melange/profile.json
results=$root/var/lib/melange/profile
program=$root/var/lib/melange/program
pause=${MELANGE_PAUSE:-30} # seconds between two looks; tests make it shorter

# Prints a value of profile.json; for a list, each item followed by a NUL.
setting() {
  python3 -X utf8 -c '
import json, sys
value = json.load(open(sys.argv[1], encoding="utf-8"))[sys.argv[2]]
items = value if isinstance(value, list) else [value]
sys.stdout.write("".join(f"{item}\0" for item in items) if isinstance(value, list) else str(value))
' "$settings" "$1"
}

copy() { # SOURCE TARGET
  case $(setting cloud) in
    aws) aws s3 cp --only-show-errors --region "$(setting bucket_region)" "$1" "$2" ;;
    gcp) gcloud storage cp --quiet --no-user-output-enabled "$1" "$2" ;;
  esac
}

upload() {
  local path
  # first the profile, then the log, so that the log never promises a profile that is not there
  for path in "$results"/*.json "$results"/*.log; do
    if [[ -e $path ]]; then
      copy "$path" "$(setting results)/${path##*/}" || echo "${path##*/} could not be uploaded" >&2
    fi
  done
}

# Ends on SIGTERM, but never in the middle of an upload, so that no older profile is uploaded last.
upload_from_time_to_time() {
  trap 'exit 0' TERM
  while true; do
    sleep "$pause" &
    wait $!
    upload
  done
}

end_machine() {
  case $(setting cloud) in
    aws) shutdown -P now ;; # terminates: the launch template says so
    gcp)
      # It must not only shut down: a stopped machine is not deleted at its limit, and its disk costs.
      local attempt
      for attempt in 1 2 3 4 5; do
        gcloud compute instances delete "$(setting machine)" --zone "$(setting zone)" --quiet && return
        echo "this machine could not be deleted (attempt $attempt)" >&2
        sleep "$pause"
      done
      ;;
  esac
}

finish() {
  local code=$?
  if [[ -n ${uploader:-} ]]; then
    kill "$uploader" 2>/dev/null || true
    wait "$uploader" || true
  fi
  if [[ $code == 0 ]]; then
    echo "the measurement finished"
  else
    echo "the measurement failed with exit code $code; the server's last log lines are:"
    journalctl --unit melange-vllm.service --no-pager --lines 200 || true
  fi
  upload
  end_machine
}

wait_for_server() {
  local until=$((SECONDS + $(setting load_seconds)))
  until curl -fsS --max-time 5 -o /dev/null "http://127.0.0.1:$(setting port)/health" 2>/dev/null; do
    if ((SECONDS >= until)); then
      echo "the server did not answer within $(setting load_seconds) s" >&2
      return 1
    fi
    sleep "$pause"
  done
}

install -d "$results" "$program"
name=$(setting name)
exec >>"$results/$name.log" 2>&1
trap finish EXIT
echo "$(date -u +%FT%TZ) waiting for the server"
upload_from_time_to_time &
uploader=$!
wait_for_server

# `terraform apply` put melange-cloud itself into the bucket. Its requirements come from PyPI, in the
# versions and with the hashes that it holds, so that the machine runs what was tested. It runs in
# vLLM's image, which has a Python that is new enough, on the machine's own network.
wheel=$(setting wheel)
copy "$(setting program)" "$program/wheel.base64"
echo "$(setting program_sha256)  $program/wheel.base64" | sha256sum --check --quiet
base64 -d "$program/wheel.base64" >"$program/$wheel"
in_image() {
  docker run --rm --network host --env PYTHONPATH=/program/lib --volume "$program:/program" \
    --volume "$results:/results" --entrypoint python3 "$(setting image)" "$@"
}
in_image -m zipfile -e "/program/$wheel" /program/wheel
in_image -m pip install --quiet --disable-pip-version-check --target /program/lib \
  --require-hashes --requirement /program/wheel/melange_cloud/bundled/requirements/run.txt
in_image -m pip install --quiet --disable-pip-version-check --target /program/lib --no-deps \
  "/program/$wheel"
# continue from what an earlier machine measured, if there is any
copy "$(setting results)/$name.json" "$results/$name.json" 2>/dev/null || true
mapfile -d '' -t arguments < <(setting arguments)
echo "$(date -u +%FT%TZ) measuring"
in_image -m melange_cloud profile run --url "http://127.0.0.1:$(setting port)" \
  --out "/results/$name.json" --resume "${arguments[@]}"
