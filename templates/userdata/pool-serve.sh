#!/usr/bin/env bash
# Runs vLLM in its container as pool.json says; systemd starts it, and restarts it when it ends.
# Nothing in here is templated: whatever a setting holds, it is data and never code.
set -euo pipefail

settings=${MELANGE_ROOT:-}/etc/melange/pool.json

# Prints a value of pool.json; for a list, each item followed by a NUL.
setting() {
  python3 -X utf8 -c '
import json, sys
value = json.load(open(sys.argv[1], encoding="utf-8"))[sys.argv[2]]
items = value if isinstance(value, list) else [value]
sys.stdout.write("".join(f"{item}\0" for item in items) if isinstance(value, list) else str(value))
' "$settings" "$1"
}

# Prints the value of a secret, by its name in the cloud's secret store.
secret() {
  case $(setting cloud) in
    aws)
      aws secretsmanager get-secret-value --region "$(setting region)" --secret-id "$1" \
        --query SecretString --output text
      ;;
    gcp)
      local token
      token=$(curl -fsS -H 'Metadata-Flavor: Google' \
        'http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/default/token' |
        python3 -c 'import json, sys; print(json.load(sys.stdin)["access_token"])')
      # the token goes by stdin: arguments are visible to every process of the machine
      printf 'header = "Authorization: Bearer %s"\n' "$token" |
        curl -fsS --config - "https://secretmanager.googleapis.com/v1/$1/versions/latest:access" |
        python3 -c '
import base64, json, sys
sys.stdout.buffer.write(base64.b64decode(json.load(sys.stdin)["payload"]["data"]))'
      ;;
  esac
}

environment=()
hf_token_secret=$(setting hf_token_secret)
if [[ -n $hf_token_secret ]]; then
  HF_TOKEN=$(secret "$hf_token_secret")
  export HF_TOKEN
  environment+=(--env HF_TOKEN) # by name only: the value stays out of the arguments
fi
api_key_secret=$(setting api_key_secret)
if [[ -n $api_key_secret ]]; then
  VLLM_API_KEY=$(secret "$api_key_secret")
  export VLLM_API_KEY
  environment+=(--env VLLM_API_KEY)
fi

mapfile -d '' -t arguments < <(setting arguments)
docker rm --force melange-vllm >/dev/null 2>&1 || true
# --ipc host: tensor parallel workers talk through shared memory
# --log-driver none: the journal has the log already
exec docker run --rm --name melange-vllm --gpus all --ipc host --log-driver none \
  --publish "$(setting port):8000" \
  --volume /var/lib/melange/huggingface:/root/.cache/huggingface \
  "${environment[@]}" --entrypoint vllm "$(setting image)" serve "${arguments[@]}"
