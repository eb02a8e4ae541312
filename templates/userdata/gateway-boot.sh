#!/bin/bash
# A gateway machine's start (Debian 12): HAProxy, and a timer that keeps its configuration up to date.
# Terraform puts three variables before this script, each in base64, so that no value is ever read
# as shell: SETTINGS (settings.json), UPDATE (gateway_update.py, packed by gzip), PACKAGES (Debian packages).
set -euo pipefail

: "${SETTINGS:?}" "${UPDATE:?}" "${PACKAGES:?}"

root=${MELANGE_ROOT:-} # a folder instead of /, for tests
home=$root/etc/melange-gateway
install -d "$root/etc/default" "$root/etc/systemd/system/haproxy.service.d" "$root/usr/local/sbin"
install -d -m 0700 "$home"
base64 -d <<<"$SETTINGS" >"$home/settings.json"
base64 -d <<<"$UPDATE" | gunzip >"$root/usr/local/sbin/melange-gateway-update"
chmod 0755 "$root/usr/local/sbin/melange-gateway-update"

# HAProxy must not start with Debian's own configuration; the gateway's arrives with the first update.
# The memory of buffers above 128 KiB is kept instead of being given back to the kernel each time.
cat >"$root/etc/default/haproxy" <<'EOF'
CONFIG=/etc/melange-gateway/current
MALLOC_MMAP_THRESHOLD_=16777216
MALLOC_TRIM_THRESHOLD_=268435456
EOF
cat >"$root/etc/systemd/system/haproxy.service.d/melange.conf" <<'EOF'
[Unit]
ConditionPathExists=/etc/melange-gateway/current
[Service]
LimitNOFILE=65536
# Answers that have begun are finished when the machine is stopped.
KillSignal=SIGUSR1
TimeoutStopSec=90
NoNewPrivileges=true
ProtectHome=true
EOF

cat >"$root/etc/systemd/system/melange-gateway-update.service" <<'EOF'
[Unit]
Description=Apply the stored configuration to the gateway
Wants=network-online.target
After=network-online.target
[Service]
Type=oneshot
ExecStart=/usr/local/sbin/melange-gateway-update
EOF
cat >"$root/etc/systemd/system/melange-gateway-update.timer" <<'EOF'
[Unit]
Description=Apply the stored configuration to the gateway every minute
[Timer]
OnBootSec=5s
OnUnitInactiveSec=60s
RandomizedDelaySec=10s
[Install]
WantedBy=timers.target
EOF

export DEBIAN_FRONTEND=noninteractive
read -r -a packages <<<"$(base64 -d <<<"$PACKAGES")"
for attempt in 1 2 3 4 5 6 7 8 9 10; do
  # the network's way to the internet may come up after the machine
  if apt-get update -qq && apt-get install -y -qq --no-install-recommends \
    -o Dpkg::Options::=--force-confold "${packages[@]}"; then
    break
  fi
  [ "$attempt" -lt 10 ] || { echo "the Debian packages could not be installed" >&2; exit 1; }
  sleep 15
done

systemctl daemon-reload
systemctl enable haproxy.service
systemctl enable --now melange-gateway-update.timer
systemctl start melange-gateway-update.service || true  # the timer tries again
