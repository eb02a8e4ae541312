"""Live prices: what AWS and GCP charge this account's regions now, through the cache.

What fails is an error. No live price is ever replaced by an older or a bundled one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta

from melange_cloud.errors import InvalidInput
from melange_cloud.names import unknown
from melange_cloud.prices.book import PriceBook
from melange_cloud.prices.cache import PriceCache, default_folder
from melange_cloud.prices.clouds import CLOUDS, Cloud, CloudError, RegionNotEnabled, RegionState
from melange_cloud.prices.listing import Composed, make_book, merge_books, not_sold_on_demand
from melange_cloud.prices.tasks import Outcome, run_all
from melange_cloud.prices.wanted import Wanted

WORKERS = 16
"""Regions fetched at once, of each cloud."""


def load_live(wanted: Wanted, clouds: Mapping[str, Callable[[], Cloud]] | None = None) -> PriceBook:
    """The prices of the regions wanted, none older than ``wanted.max_age``.

    Regions whose cached prices are older are fetched; what was fetched is kept even when other
    regions fail. Raises InvalidInput (no such provider or region) and CloudError, with everything
    that failed in one message.
    """
    accounts = _log_in(_chosen(clouds or CLOUDS, wanted.providers), wanted)
    _list_regions(accounts)
    _check_regions(wanted.regions, accounts)
    books = _fetch(accounts, wanted)
    for account in accounts:
        account.say_skipped()
    return merge_books("live", books)


def lock_of(book: PriceBook) -> PriceBook:
    """What a lock file holds: all but what changes from hour to hour."""
    quotas = [quota.model_copy(update={"used": None}) for quota in book.quotas]
    return book.model_copy(update={"quotas": quotas})


def region_counts(book: PriceBook) -> list[dict[str, str | int]]:
    """How much each region gave: {provider, region, offers, left_out}, in order."""
    counts: dict[tuple[str, str], list[int]] = {}
    for offer in book.offers:
        counts.setdefault((offer.provider, offer.region), [0, 0])[0] += 1
    for item in book.excluded:
        counts.setdefault((item.provider, item.region), [0, 0])[1] += 1
    return [
        {"provider": provider, "region": region, "offers": offers, "left_out": left_out}
        for (provider, region), (offers, left_out) in sorted(counts.items())
    ]


class _Account:
    """One cloud with its cache and its regions."""

    def __init__(self, cloud: Cloud, wanted: Wanted) -> None:
        self.cloud = cloud
        self.wanted = wanted
        folder = wanted.folder or default_folder()
        self.cache = PriceCache(folder, cloud.name, cloud.account, wanted.say)
        self.states: list[RegionState] = []
        self.skipped: list[str] = []

    def is_fresh(self, fetched_at: str) -> bool:
        age = self.wanted.now - datetime.fromisoformat(fetched_at)
        return timedelta(0) <= age <= self.wanted.max_age

    def list_regions(self) -> list[RegionState]:
        """The cloud's regions, from the cache while that is fresh."""
        cached = self.cache.regions()
        if cached is not None and self.is_fresh(cached.fetched_at):
            return [RegionState(name, enabled) for name, enabled in cached.regions.items()]
        states = sorted(self.cloud.regions(), key=lambda state: state.name)
        self.cache.store_regions({state.name: state.enabled for state in states}, self.wanted.now)
        return states

    def chosen(self) -> list[str]:
        """The regions to have prices of; those that are not enabled are noted as skipped."""
        regions = {region.casefold() for region in self.wanted.regions}
        names: list[str] = []
        for state in self.states:
            pair = f"{self.cloud.name}/{state.name}"
            if regions and not {state.name.casefold(), pair.casefold()} & regions:
                continue
            (names if state.enabled else self.skipped).append(state.name)
        return names

    def fetch(self, region: str) -> PriceBook:
        as_of = self.wanted.now.date().isoformat()
        composed = self.cloud.fetch(region, as_of)
        return self._book(composed)

    def _book(self, composed: Composed) -> PriceBook:
        return make_book(
            "live",
            composed.listings,
            sources=self.cloud.sources,
            notes=composed.notes,
            quotas=composed.quotas,
            excluded=composed.excluded,
            not_sold=not_sold_on_demand(),
        )

    def say_skipped(self) -> None:
        if self.skipped:
            names = ", ".join(sorted(self.skipped))
            self.wanted.say(
                f"skipped, because they are not enabled in this {self.cloud.name} account: {names}"
            )


def _chosen(
    clouds: Mapping[str, Callable[[], Cloud]], providers: Collection[str]
) -> dict[str, Callable[[], Cloud]]:
    names = {provider.casefold() for provider in providers} or set(clouds)
    problems = [unknown("live provider", name, clouds) for name in sorted(names - set(clouds))]
    if problems:
        raise InvalidInput("\n".join(problems))
    return {name: clouds[name] for name in clouds if name in names}


def _log_in(clouds: Mapping[str, Callable[[], Cloud]], wanted: Wanted) -> list[_Account]:
    accounts = []
    failures: list[tuple[str, CloudError]] = []
    for name, make in clouds.items():
        try:
            accounts.append(_Account(make(), wanted))
        except CloudError as error:
            failures.append((name, error))
    _raise(failures, clouds)
    return accounts


def _list_regions(accounts: list[_Account]) -> None:
    tasks = {account.cloud.name: account.list_regions for account in accounts}
    by_name = {account.cloud.name: account for account in accounts}
    failures: list[tuple[str, Exception]] = []
    for outcome in run_all([tasks], WORKERS):
        if outcome.error is None:
            by_name[outcome.key].states = outcome.get()
        else:
            failures.append((outcome.key, outcome.error))
    _raise(failures, tasks)


def _check_regions(regions: Collection[str], accounts: list[_Account]) -> None:
    known = [(account.cloud.name, state.name) for account in accounts for state in account.states]
    names = {name for _, name in known}
    pairs = {f"{cloud}/{name}" for cloud, name in known}
    folded = {name.casefold() for name in names | pairs}
    problems = [
        unknown("region", region, pairs if "/" in region else names)
        for region in sorted(regions)
        if region.casefold() not in folded
    ]
    if problems:
        raise InvalidInput("\n".join(problems))


def _fetch(accounts: list[_Account], wanted: Wanted) -> list[PriceBook]:
    """Cached books where they are fresh, fetched ones elsewhere; each is stored as it comes."""
    books: list[PriceBook] = []
    groups = []
    for account in accounts:
        stale = {}
        for region in account.chosen():
            cached = account.cache.region(region)
            if cached is not None and account.is_fresh(cached.fetched_at):
                books.append(cached.book)
            else:
                stale[f"{account.cloud.name}/{region}"] = _task(account, region)
        groups.append(stale)
    failures: list[tuple[str, Exception]] = []
    total = sum(map(len, groups))
    if total:
        wanted.progress(0, total)
    for done, outcome in enumerate(run_all(groups, WORKERS), start=1):
        book = _keep(outcome, accounts, failures)
        if book is not None:
            books.append(book)
        wanted.progress(done, total)
    _raise(failures)
    return books


def _task(account: _Account, region: str) -> Callable[[], PriceBook]:
    return lambda: account.fetch(region)


def _keep(
    outcome: Outcome[PriceBook], accounts: list[_Account], failures: list[tuple[str, Exception]]
) -> PriceBook | None:
    """Store what a region gave; only the main thread writes."""
    cloud, _, region = outcome.key.partition("/")
    account = next(account for account in accounts if account.cloud.name == cloud)
    if isinstance(outcome.error, RegionNotEnabled):
        account.skipped.append(region)
        return None
    if outcome.error is not None:
        failures.append((outcome.key, outcome.error))
        return None
    book = outcome.get()
    account.cache.store_region(region, book, account.wanted.now)
    return book


def _raise(failures: Sequence[tuple[str, Exception]], clouds: Collection[str] = ()) -> None:
    """One error for all that failed: each thing that went wrong once, with the places it hit.

    ``clouds`` are those that were asked, where a whole one may have failed.
    """
    places: dict[str, list[str]] = {}
    hints: list[str] = []
    for place, error in sorted(failures, key=lambda item: item[0]):
        if not isinstance(error, CloudError):
            raise error
        places.setdefault(error.message, []).append(place)
        if error.hint and error.hint not in hints:
            hints.append(error.hint)
    if not places:
        return
    others = [name for name in clouds if name not in dict(failures)]
    if others:
        hints.append("or leave it out with " + " ".join(f"--provider {name}" for name in others))
    elif len(clouds) > 1:
        hints.append(f"for one cloud alone, give --provider {' or --provider '.join(clouds)}")
    lines = [f"{message}{_some(where)}" for message, where in places.items()]
    raise CloudError("\n".join(lines), hint="\n  ".join(hints) or None)


def _some(places: list[str], shown: int = 3) -> str:
    """The regions hit, in brackets; nothing for what is not about a region."""
    regions = [place for place in places if "/" in place]
    more = f" and {len(regions) - shown} more" if len(regions) > shown else ""
    return f" ({', '.join(regions[:shown])}{more})" if regions else ""
