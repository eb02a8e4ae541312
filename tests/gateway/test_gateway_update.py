"""What a gateway's machine does with what it fetched: all of it, or nothing when it is wrong."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import os
import stat
from pathlib import Path

import gateway_update
import pytest
from gateway_rig import KEY, Rig, hashed
from gateway_update import NotLoaded, Refused, install, keys_map, unpacked, wanted_files
from sample_plans import three_pools

H = "ab" * 32


def test_keys_map_takes_hashes_alone() -> None:
    text = f"# clients\n{H} search-team\n\n  {H.upper()}  \r\n"
    assert keys_map(text) == f"{H.upper()} search-team\n{H.upper()} client\n"


@pytest.mark.parametrize(
    "text", ["", "# none\n", "sk-a-key-itself", f"{H} two names", f"{H}0", f"{H} a'b", f"{H}\nno"]
)
def test_keys_map_refuses_what_is_no_hash(text: str) -> None:
    with pytest.raises(Refused) as refused:
        keys_map(text)
    assert "sk-a-key" not in str(refused.value)


def packed(files: dict[str, str], **wrong: str) -> dict[str, str]:
    text = base64.b64encode(gzip.compress(json.dumps(files).encode())).decode()
    machine = {"sha256": hashlib.sha256(text.encode()).hexdigest(), "base.cfg": "global\n", **wrong}
    pieces = {f"/m/files-{n:03}": text[n * 10 : n * 10 + 10] for n in range(len(text) // 10 + 1)}
    return {"/m/machine": json.dumps(machine), **dict(reversed(pieces.items()))}


def test_parameters_are_put_together_again() -> None:
    assert json.loads(unpacked(packed({"a.map": "x"}))) == {"a.map": "x", "base.cfg": "global\n"}


def test_parameters_of_two_configurations_are_refused() -> None:
    for parameters in ({}, packed({"a.map": "x"}, sha256="0"), packed({}) | {"/m/files-000": "x"}):
        with pytest.raises(Refused):
            unpacked(parameters)


@pytest.fixture
def stand_ins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """`aws` and `gcloud` that record their arguments and print what a file of that name says."""
    for name in ("aws", "gcloud"):
        program = tmp_path / name
        program.write_text(
            f'#!/bin/sh\necho "$@" >>{tmp_path}/{name}.log\n'
            f'case "$*" in *keys*) cat {tmp_path}/keys;; *tls*) cat {tmp_path}/tls;;'
            f" *) cat {tmp_path}/configuration;; esac\n"
        )
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return tmp_path


def test_aws_is_asked_for_parameters_and_secrets(stand_ins: Path) -> None:
    found = [{"Name": name, "Value": text} for name, text in packed({"a.map": "x"}).items()]
    (stand_ins / "configuration").write_text(json.dumps({"Parameters": found}))
    (stand_ins / "keys").write_text(json.dumps({"SecretString": f"{H} me"}))
    (stand_ins / "tls").write_text(json.dumps({"SecretString": "PEM"}))
    settings = {"cloud": "aws", "region": "eu-west-1", "configuration": "/m"}
    files = wanted_files({**settings, "api_key_secret": "the-keys", "tls_secret": "the-tls"})
    assert files == {
        "a.map": "x",
        "base.cfg": "global\n",
        "keys.map": f"{H.upper()} me\n",
        "tls.pem": "PEM\n",
    }
    assert (stand_ins / "aws.log").read_text().splitlines() == [
        "ssm get-parameters-by-path --region eu-west-1 --output json --path /m",
        "secretsmanager get-secret-value --region eu-west-1 --output json --secret-id the-keys",
        "secretsmanager get-secret-value --region eu-west-1 --output json --secret-id the-tls",
    ]


def test_google_is_asked_for_an_object_and_secrets(stand_ins: Path) -> None:
    (stand_ins / "configuration").write_text('{"haproxy.cfg": "x"}')
    (stand_ins / "keys").write_text(H)
    settings = {"cloud": "gcp", "project": "p", "configuration": "gs://b/gateway.json"}
    files = wanted_files({**settings, "api_key_secret": "the-keys", "tls_secret": ""})
    assert files == {"haproxy.cfg": "x", "keys.map": f"{H.upper()} client\n"}
    assert (stand_ins / "gcloud.log").read_text().splitlines() == [
        "storage cat gs://b/gateway.json",
        "secrets versions access latest --project p --secret the-keys",
    ]


@pytest.mark.parametrize("name", ["../x.cfg", "/etc/x.cfg", "x", "tls.pem", ".cfg", "a b.cfg"])
def test_files_with_other_names_are_refused(stand_ins: Path, name: str) -> None:
    (stand_ins / "configuration").write_text(json.dumps({name: "x"}))
    (stand_ins / "keys").write_text(H)
    settings = {"cloud": "gcp", "project": "p", "configuration": "gs://b/o"}
    with pytest.raises(Refused):
        wanted_files({**settings, "api_key_secret": "the-keys", "tls_secret": ""})


def test_a_command_that_fails_changes_nothing(stand_ins: Path) -> None:
    (stand_ins / "gcloud").write_text("#!/bin/sh\necho no such bucket >&2\nexit 1\n")
    settings = {"cloud": "gcp", "project": "p", "configuration": "gs://b/o"}
    with pytest.raises(Refused, match="no such bucket"):
        wanted_files({**settings, "api_key_secret": "k", "tls_secret": ""})


@pytest.mark.gateway
def test_what_haproxy_refuses_changes_nothing(tmp_path: Path, haproxy: str) -> None:  # noqa: ARG001
    with Rig(tmp_path, three_pools(), released=True) as rig:
        before = (rig.home / "current").resolve()
        assert install(rig.files(), rig.home, rig.socket, ("false",)) == "no change"
        wrong = rig.files() | {"haproxy.cfg": "nonsense\n"}
        with pytest.raises(Refused, match="nonsense"):
            install(wrong, rig.home, rig.socket, ("false",))
        assert (rig.home / "current").resolve() == before
        assert [path.name for path in (rig.home / "releases").iterdir()] == [before.name]
        assert stat.S_IMODE(before.stat().st_mode) == 0o700
        assert {stat.S_IMODE(path.stat().st_mode) for path in before.iterdir()} == {0o600}


@pytest.mark.gateway
def test_a_revoked_key_is_refused_at_once(tmp_path: Path, haproxy: str) -> None:  # noqa: ARG001
    with Rig(tmp_path, three_pools(), released=True) as rig:
        assert rig.ask().status == 200
        keys = {"keys.map": f"{hashed('another')} other\n"}
        said = install(rig.files() | keys, rig.home, rig.socket, ("false",))
        assert said == "updated in the running HAProxy: keys.map"
        assert rig.ask(key=KEY).status == 401
        assert rig.ask(key="another").status == 200


@pytest.mark.gateway
def test_without_an_admin_socket_it_reloads(tmp_path: Path, haproxy: str) -> None:  # noqa: ARG001
    with Rig(tmp_path, three_pools(), released=True) as rig:
        keys = {"keys.map": f"{hashed('another')} other\n"}
        command = ("touch", str(tmp_path / "reloaded"))
        said = install(rig.files() | keys, rig.home, tmp_path / "no.sock", command)
        assert (said, (tmp_path / "reloaded").exists()) == ("reloaded", True)


@pytest.fixture
def haproxy_agrees(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A `haproxy` that passes every check: what is told here needs no real one."""
    (tmp_path / "haproxy").write_text("#!/bin/sh\nexit 0\n")
    (tmp_path / "haproxy").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return tmp_path


OLD = {"haproxy.cfg": "x\n", "keys.map": f"{H} revoked\n"}
NEW = {**OLD, "keys.map": f"{'cd' * 32} other\n"}


def reloads(folder: Path) -> tuple[str, ...]:
    return ("sh", "-c", f"echo reload >>{folder}/reloads")


def count_reloads(folder: Path) -> int:
    return (folder / "reloads").read_text().count("reload")


def test_a_reload_that_failed_is_tried_again(haproxy_agrees: Path) -> None:
    home, no_socket = haproxy_agrees / "home", haproxy_agrees / "no.sock"
    assert install(OLD, home, no_socket, reloads(haproxy_agrees)) == "reloaded"
    for _ in range(2):
        with pytest.raises(NotLoaded, match="false"):
            install(NEW, home, no_socket, ("false",))
    assert install(NEW, home, no_socket, reloads(haproxy_agrees)) == "reloaded"
    assert install(NEW, home, no_socket, reloads(haproxy_agrees)) == "no change"
    assert count_reloads(haproxy_agrees) == 2
    assert (home / "current" / "keys.map").read_text() == NEW["keys.map"]
    assert len(list((home / "releases").iterdir())) == 1


def test_going_back_after_a_reload_that_failed_reloads(haproxy_agrees: Path) -> None:
    """HAProxy may have taken the new one all the same."""
    home, no_socket = haproxy_agrees / "home", haproxy_agrees / "no.sock"
    install(OLD, home, no_socket, reloads(haproxy_agrees))
    with pytest.raises(NotLoaded):
        install(NEW, home, no_socket, ("no-such-program",))
    assert install(OLD, home, no_socket, reloads(haproxy_agrees)) == "reloaded"


def test_a_run_that_died_after_the_switch_is_made_good(
    haproxy_agrees: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, no_socket = haproxy_agrees / "home", haproxy_agrees / "no.sock"
    install(OLD, home, no_socket, reloads(haproxy_agrees))

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as dying:
        dying.setattr(gateway_update, "swap_map", die)
        with pytest.raises(KeyboardInterrupt):
            install(NEW, home, no_socket, ("false",))
    assert (home / "current" / "keys.map").read_text() == NEW["keys.map"]
    # not by the admin socket: nobody knows what HAProxy has
    assert install(NEW, home, no_socket, reloads(haproxy_agrees)) == "reloaded"
    assert count_reloads(haproxy_agrees) == 2


def test_the_program_needs_only_the_standard_library() -> None:
    text = Path(gateway_update.__file__).read_text()
    assert {line.split()[1] for line in text.splitlines() if line.startswith("import ")} <= set(
        __import__("sys").stdlib_module_names
    )
