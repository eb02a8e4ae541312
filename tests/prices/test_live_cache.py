"""The cache of live prices: age, damage, two processes, cancelling; over a cloud in memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from melange_cloud.errors import InvalidInput, OutsideError
from melange_cloud.prices.cache import default_folder
from melange_cloud.prices.clouds import CloudError, Once, RegionState
from melange_cloud.prices.listing import Composed, Listing
from melange_cloud.prices.live import load_live, region_counts
from melange_cloud.prices.tasks import run_all
from melange_cloud.prices.wanted import FETCH_ALL, Wanted

ROOT = Path(__file__).parents[2]
NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


class Cloud:
    """A cloud in memory: each region sells one type, at a price that rises with each fetch."""

    sources = {"memory": "made up"}  # noqa: RUF012

    def __init__(self, name: str = "aws", regions: tuple[str, ...] = ("r1", "r2")) -> None:
        self.name = name
        self.account = "account-1"
        self.names = regions
        self.fetched: list[str] = []
        self.broken: set[str] = set()

    def regions(self) -> list[RegionState]:
        self.fetched.append("regions")
        return [RegionState(name) for name in self.names]

    def fetch(self, region: str, as_of: str) -> Composed:
        if region in self.broken:
            raise CloudError("it is broken", hint="mend it")
        self.fetched.append(region)
        price = 1.0 + self.fetched.count(region)
        return Composed([Listing(self.name, region, "t", "L4", 1, price, as_of=as_of)])


def live(cloud: Cloud, folder: Path, **more: object) -> dict[str, float]:
    wanted = Wanted(**{"folder": folder, "now": NOON, **more})  # type: ignore[arg-type]
    book = load_live(wanted, {cloud.name: lambda: cloud})
    return {offer.region: offer.usd_per_hour for offer in book.offers}


def test_what_is_fresh_is_not_fetched_again(tmp_path: Path) -> None:
    cloud = Cloud()
    assert live(cloud, tmp_path) == {"r1": 2.0, "r2": 2.0}
    assert live(cloud, tmp_path, now=NOON + timedelta(hours=24)) == {"r1": 2.0, "r2": 2.0}
    assert sorted(cloud.fetched) == ["r1", "r2", "regions"]
    later = NOON + timedelta(hours=24, seconds=1)
    assert live(cloud, tmp_path, now=later) == {"r1": 3.0, "r2": 3.0}
    assert live(cloud, tmp_path, now=later, max_age=FETCH_ALL) == {"r1": 4.0, "r2": 4.0}


def test_a_file_from_the_future_is_not_trusted(tmp_path: Path) -> None:
    cloud = Cloud()
    live(cloud, tmp_path)
    assert live(cloud, tmp_path, now=NOON - timedelta(hours=1)) == {"r1": 3.0, "r2": 3.0}


def test_only_the_regions_wanted_are_fetched(tmp_path: Path) -> None:
    cloud = Cloud()
    assert live(cloud, tmp_path, regions=["aws/r2"]) == {"r2": 2.0}
    assert live(cloud, tmp_path, regions=["R1"]) == {"r1": 2.0}
    with pytest.raises(InvalidInput, match='unknown region "r22"; did you mean "r2"'):
        live(cloud, tmp_path, regions=["r22"])
    with pytest.raises(InvalidInput, match='unknown live provider "aw"; did you mean "aws"'):
        live(cloud, tmp_path, providers=["aw"])


def test_the_date_of_the_fetch_is_the_date_of_the_price(tmp_path: Path) -> None:
    cloud = Cloud()
    book = load_live(Wanted(folder=tmp_path, now=NOON), {"aws": lambda: cloud})
    assert {offer.as_of for offer in book.offers} == {"2026-11-22"}
    assert book.source == "live"
    assert region_counts(book) == [
        {"provider": "aws", "region": name, "offers": 1, "left_out": 0} for name in ("r1", "r2")
    ]


def test_accounts_do_not_share_a_cache(tmp_path: Path) -> None:
    cloud = Cloud()
    live(cloud, tmp_path)
    cloud.account = "../account 2"
    assert live(cloud, tmp_path) == {"r1": 3.0, "r2": 3.0}
    assert {path.parent.name for path in tmp_path.rglob("r1.json")} == {
        "account-1",
        ".._account_2",
    }
    assert all(path.is_relative_to(tmp_path / "aws") for path in tmp_path.rglob("r1.json"))


@pytest.mark.parametrize("damage", ["cut", "empty", "binary", "edited", "other schema", "folder"])
def test_a_damaged_file_is_fetched_again_and_said(tmp_path: Path, damage: str) -> None:
    cloud = Cloud()
    live(cloud, tmp_path)
    (path,) = tmp_path.rglob("r1.json")
    text = path.read_text()
    if damage == "folder":
        path.unlink()
        path.mkdir()
        with pytest.raises(OutsideError, match="price cache"):
            live(cloud, tmp_path)
        return
    damaged = {
        "cut": text[: len(text) // 2].encode(),
        "empty": b"",
        "binary": b"\x00\xff" * 99,
        "edited": text.replace("2.0", "1.0").encode(),
        "other schema": text.replace("price-cache/v1", "price-cache/v9").encode(),
    }
    path.write_bytes(damaged[damage])
    said: list[str] = []
    assert live(cloud, tmp_path, say=said.append) == {"r1": 3.0, "r2": 2.0}
    assert len(said) == 1
    assert str(path) in said[0]
    assert "fetching it again" in said[0]
    assert live(cloud, tmp_path, say=said.append) == {"r1": 3.0, "r2": 2.0}
    assert len(said) == 1


def test_what_was_fetched_is_kept_when_another_region_fails(tmp_path: Path) -> None:
    cloud = Cloud()
    cloud.broken = {"r2"}
    with pytest.raises(CloudError, match=r"it is broken \(aws/r2\)\n  mend it"):
        live(cloud, tmp_path)
    cloud.broken = set()
    assert live(cloud, tmp_path) == {"r1": 2.0, "r2": 2.0}
    assert sorted(cloud.fetched) == ["r1", "r2", "regions"]


def test_a_stale_price_is_no_answer_when_fetching_fails(tmp_path: Path) -> None:
    cloud = Cloud()
    live(cloud, tmp_path)
    cloud.broken = {"r1", "r2"}
    with pytest.raises(CloudError):
        live(cloud, tmp_path, now=NOON + timedelta(days=2))


def test_all_that_failed_is_in_one_message(tmp_path: Path) -> None:
    clouds = {name: Cloud(name, tuple(f"r{n}" for n in range(5))) for name in ("aws", "gcp")}
    clouds["gcp"].broken = {"r0", "r1", "r2", "r3", "r4"}
    makers: dict[str, Callable[[], Cloud]] = {
        "aws": lambda: clouds["aws"],
        "gcp": lambda: clouds["gcp"],
    }
    with pytest.raises(CloudError) as error:
        load_live(Wanted(folder=tmp_path), makers)
    assert error.value.message == "it is broken (gcp/r0, gcp/r1, gcp/r2 and 2 more)"
    assert len(list((tmp_path / "aws").rglob("r*.json"))) == 5


def test_a_login_that_is_missing_says_how_to_leave_that_cloud_out(tmp_path: Path) -> None:
    def nobody() -> Cloud:
        raise CloudError("gcp: no credentials", hint="log in")

    with pytest.raises(CloudError) as error:
        load_live(Wanted(folder=tmp_path), {"aws": Cloud, "gcp": nobody})
    assert error.value.hint == "log in\n  or leave it out with --provider aws"
    with pytest.raises(CloudError) as error:
        load_live(Wanted(folder=tmp_path), {"aws": nobody, "gcp": nobody})
    assert (
        error.value.hint == "log in\n  for one cloud alone, give --provider aws or --provider gcp"
    )
    with pytest.raises(CloudError) as error:
        load_live(Wanted(folder=tmp_path), {"gcp": nobody})
    assert error.value.hint == "log in"


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    with pytest.raises(OutsideError, match="the price cache") as error:
        live(Cloud(), blocked)
    assert "MELANGE_CLOUD_CACHE" in (error.value.hint or "")
    assert error.value.exit_code == 4


def test_where_the_cache_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MELANGE_CLOUD_CACHE", str(tmp_path / "mine"))
    assert default_folder() == tmp_path / "mine" / "prices"
    monkeypatch.delenv("MELANGE_CLOUD_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    if sys.platform == "linux":
        assert default_folder() == tmp_path / "xdg" / "melange-cloud" / "prices"


WRITER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from melange_cloud.prices.cache import PriceCache
from melange_cloud.prices.listing import Listing, make_book

who, folder = sys.argv[1], Path(sys.argv[2])
said = []
cache = PriceCache(folder, "aws", "a", said.append)
books = [make_book(who, [Listing("aws", "r", f"t{n}", "L4", 1, 1.0 + n)
                         for n in range(size)]) for size in (1, 400)]
for turn in range(60):
    cache.store_region("r", books[turn % 2], datetime(2026, 1, 1, tzinfo=UTC))
    assert cache.region("r") is not None
assert not said, said
"""


def test_two_processes_at_once_leave_whole_files(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WRITER]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    writers = [
        subprocess.Popen([*command, who, str(tmp_path)], env=environment, stderr=subprocess.PIPE)
        for who in ("one", "two")
    ]
    for writer in writers:
        _, errors = writer.communicate(timeout=60)
        assert writer.returncode == 0, errors.decode()
    (path,) = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(json.loads(path.read_text())["book"]["offers"]) in (1, 400)


def test_tasks_run_at_once_and_a_slow_group_does_not_hold_up_another() -> None:
    def slow() -> str:
        time.sleep(0.2)
        return "slow"

    start = time.monotonic()
    groups = [{f"s{n}": slow for n in range(8)}, {f"f{n}": lambda: "fast" for n in range(20)}]
    outcomes = list(run_all(groups, workers=4))
    assert time.monotonic() - start < 1.0
    assert [outcome.get() for outcome in outcomes[:20]] == ["fast"] * 20
    assert sorted(outcome.key for outcome in outcomes) == sorted({**groups[0], **groups[1]})


def test_leaving_early_starts_no_further_task() -> None:
    started: list[int] = []

    def task(n: int) -> Callable[[], int]:
        def run() -> int:
            started.append(n)
            time.sleep(0.01)
            return n

        return run

    results = run_all([{str(n): task(n) for n in range(200)}], workers=2)
    next(results)
    results.close()  # type: ignore[attr-defined]
    time.sleep(0.1)
    count = len(started)
    time.sleep(0.1)
    assert len(started) == count < 200


def test_an_error_of_a_task_is_its_outcome() -> None:
    def fail() -> None:
        raise ValueError("no")

    (outcome,) = run_all([{"a": fail}], workers=1)
    with pytest.raises(ValueError, match="no"):
        outcome.get()


def test_what_is_shared_is_fetched_once_and_fails_once() -> None:
    calls: list[int] = []

    def fetch() -> int:
        calls.append(1)
        time.sleep(0.05)
        raise CloudError("down")

    once = Once(fetch)
    failed: list[str] = []

    def ask() -> None:
        try:
            once()
        except CloudError as error:
            failed.append(error.message)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == ["down"] * 8
    assert len(calls) == 1
