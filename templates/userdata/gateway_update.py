#!/usr/bin/env python3
"""Applies the configuration that Terraform stored to this gateway; a timer runs it every minute.

It reads /etc/melange-gateway/settings.json, fetches the configuration, the hashes of the API keys
and the TLS certificate with the cloud's own command, checks all of them with `haproxy -c`, and puts
them in place together. New weights and keys go into the running HAProxy; anything else needs a
reload. Neither drops a request. Files that do not pass the check change nothing.

It needs only Python's standard library, and HAProxy 2.6 or newer.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

HOME = Path("/etc/melange-gateway")
ADMIN_SOCKET = Path("/run/haproxy/admin.sock")
RELOAD = ("systemctl", "reload-or-restart", "haproxy")

RUNTIME_MAPS = {"weights.map", "keys.map"}
"""Each of these may change alone in a running HAProxy; the other maps only make sense together."""

KEY_LINE = re.compile(r"([0-9a-fA-F]{64})(?:[ \t]+([A-Za-z0-9_.@-]{1,64}))?[ \t]*")
FILE_NAME = re.compile(r"[a-z0-9_]+\.(cfg|map)")


class Refused(Exception):
    """The files that were fetched cannot be used; the gateway stays as it is."""


class NotLoaded(Exception):
    """The files are in place, but HAProxy did not load them; the next run tries again."""


def main() -> None:
    settings = json.loads((HOME / "settings.json").read_text(encoding="utf-8"))
    try:
        print(install(wanted_files(settings), HOME, ADMIN_SOCKET, RELOAD))
    except Refused as error:
        sys.exit(f"nothing was changed: {error}")
    except NotLoaded as error:
        sys.exit(f"HAProxy may still have the old keys and weights: {error}")


def wanted_files(settings: dict[str, str]) -> dict[str, str]:
    """File name -> text of all that HAProxy reads."""
    fetch = CLOUDS[settings["cloud"]]
    configuration = json.loads(fetch(settings, "configuration"))
    for name in configuration:
        if not FILE_NAME.fullmatch(name):
            raise Refused(f"{name!r} is not the name of a gateway's file")
    files = {**configuration, "keys.map": keys_map(fetch(settings, "api_key_secret"))}
    if settings.get("tls_secret"):
        files["tls.pem"] = fetch(settings, "tls_secret").strip() + "\n"
    return files


def keys_map(secret: str) -> str:
    """The secret's lines, `<SHA-256 of a key in hex> [client's name]`, as HAProxy's map."""
    lines = [line for line in secret.splitlines() if line.strip() and not line.startswith("#")]
    found = [KEY_LINE.fullmatch(line.strip()) for line in lines]
    if not found or not all(found):
        raise Refused("the API key secret must hold lines of `<SHA-256 in hex> [client name]`")
    return "".join(f"{match[1].upper()} {match[2] or 'client'}\n" for match in found if match)


def install(files: dict[str, str], home: Path, admin_socket: Path, reload: tuple[str, ...]) -> str:
    """Make ``home``/current hold ``files``, and have HAProxy load them. Returns what was done.

    ``home``/loaded has the digest of what HAProxy loaded: the link alone does not say, since the
    reload after it may fail, or this program may die in between. It is gone during the load.
    """
    digest = hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()[:16]
    current, loaded = home / "current", home / "loaded"
    in_place = current.resolve().name if current.exists() else ""
    known = in_place != "" and loaded.exists() and loaded.read_text(encoding="utf-8") == in_place
    if known and in_place == digest:
        return "no change"
    before = read_folder(current)
    release = home / "releases" / digest
    if in_place != digest or before != files:  # else: checked, and HAProxy may be reading it
        write_folder(release, files)
        checked = subprocess.run(
            ["haproxy", "-c", "-f", str(release)], capture_output=True, text=True, check=False
        )
        if checked.returncode != 0:
            shutil.rmtree(release)
            raise Refused(f"`haproxy -c` refuses the files:\n{checked.stderr.strip()}")
    loaded.unlink(missing_ok=True)
    switch(current, release)
    changed = {name for name in {*before, *files} if before.get(name) != files.get(name)}
    if known and changed <= RUNTIME_MAPS:
        try:
            for name in sorted(changed):
                swap_map(admin_socket, name, files[name])
            done = f"updated in the running HAProxy: {', '.join(sorted(changed))}"
        except (OSError, Refused) as error:
            print(f"reloading, because the admin socket failed: {error}", file=sys.stderr)
            done = run_reload(reload)
    else:
        done = run_reload(reload)
    loaded.write_text(digest, encoding="utf-8")
    for old in release.parent.iterdir():
        if old != release:
            shutil.rmtree(old)
    return done


def run_reload(reload: tuple[str, ...]) -> str:
    try:
        subprocess.run(reload, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise NotLoaded(str(error)) from None
    return "reloaded"


def swap_map(admin_socket: Path, name: str, text: str) -> None:
    """Replace a map of the running HAProxy in one step: every request sees the old or the new."""
    said = ask(admin_socket, f"prepare map {name}")
    version = re.search(r"New version created: (\d+)", said)
    if not version:
        raise Refused(said.strip())
    lines = text.splitlines()
    for start in range(0, len(lines), 100):  # one command must fit HAProxy's buffer
        payload = "\n".join(lines[start : start + 100])
        said = ask(admin_socket, f"add map @{version[1]} {name} <<\n{payload}\n")
        if said.strip():
            raise Refused(said.strip())
    said = ask(admin_socket, f"commit map @{version[1]} {name}")
    if said.strip():
        raise Refused(said.strip())


def ask(admin_socket: Path, command: str) -> str:
    """HAProxy's answer to a command; it is empty when a command that changes something succeeds."""
    with socket.socket(socket.AF_UNIX) as admin:
        admin.settimeout(10)
        admin.connect(str(admin_socket))
        admin.sendall(command.encode() + b"\n")
        return b"".join(iter(lambda: admin.recv(65536), b"")).decode()


def read_folder(folder: Path) -> dict[str, str]:
    if not folder.is_dir():
        return {}
    return {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}


def write_folder(folder: Path, files: dict[str, str]) -> None:
    """Readable by root alone: a private key may be among them."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, mode=0o700)
    for name, text in files.items():
        path = folder / name
        path.touch(mode=0o600)
        path.write_text(text, encoding="utf-8")


def switch(link: Path, target: Path) -> None:
    """Point ``link`` at ``target`` atomically."""
    fresh = link.with_name(f".{link.name}.new")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(target)
    fresh.replace(link)


def from_aws(settings: dict[str, str], what: str) -> str:
    region = ["--region", settings["region"], "--output", "json"]
    if what == "configuration":
        path = ["--path", settings["configuration"]]
        found = json.loads(output_of("aws", "ssm", "get-parameters-by-path", *region, *path))
        return unpacked({item["Name"]: item["Value"] for item in found["Parameters"]})
    secret = ["--secret-id", settings[what]]
    found = json.loads(output_of("aws", "secretsmanager", "get-secret-value", *region, *secret))
    return str(found["SecretString"])


def unpacked(parameters: dict[str, str]) -> str:
    """The configuration from the parameters `…/machine`, `…/files-000`, `…/files-001` and so on,
    each of at most 4 KB. They change one after another; the digest shows when all have."""
    parts = {name.rsplit("/", 1)[-1]: value for name, value in parameters.items()}
    machine = json.loads(parts.pop("machine", "{}"))
    packed = "".join(parts[name] for name in sorted(parts))
    if hashlib.sha256(packed.encode()).hexdigest() != machine.get("sha256"):
        raise Refused("the parameters are being changed; the next run reads them again")
    files = json.loads(gzip.decompress(base64.b64decode(packed)))
    return json.dumps({**files, "base.cfg": machine["base.cfg"]})


def from_gcp(settings: dict[str, str], what: str) -> str:
    if what == "configuration":
        return output_of("gcloud", "storage", "cat", settings["configuration"])
    project = ["--project", settings["project"], "--secret", settings[what]]
    return output_of("gcloud", "secrets", "versions", "access", "latest", *project)


def output_of(*command: str) -> str:
    try:
        ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Refused(str(error)) from None
    if ran.returncode != 0:
        raise Refused(f"`{command[0]} {command[1]}` failed: {ran.stderr.strip()}")
    return ran.stdout


CLOUDS = {"aws": from_aws, "gcp": from_gcp}

if __name__ == "__main__":
    main()
