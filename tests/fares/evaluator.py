"""An independent reading of how fares are specified.

It follows docs/transit.md and the GTFS Schedule reference, reads the feeds, supplements and tables of this folder on its own, and
shares nothing with the engine: where both say the same of a journey, two readings of the specification agree.

    python3 evaluator.py            reads JSON lines {"feed", "rider", "day", "legs"}, writes for each {"fen", "explanation"}
    python3 evaluator.py --tables   checks the tables of cases and prints what disagrees

Amounts are whole fen, moments whole seconds of Unix time.
"""

import csv
import json
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

HERE = Path(__file__).resolve().parent
CHINA = timezone(timedelta(hours=8))
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
NO_LIMIT = float("inf")

Line = tuple[str, str, str, int]  # key, what it is about, percentage, fen


# ---------------------------------------------------------------------------------------------------------------- reading


def rows(folder: Path, name: str) -> list[dict[str, str]]:
    """The rows of one file of a feed; none where there is no such file."""
    path = folder / f"{name}.txt"
    if not path.exists():
        return []
    with path.open(encoding="utf-8-sig", newline="") as file:
        return [{(key or "").strip(): (value or "").strip() for key, value in row.items()} for row in csv.DictReader(file)]


def has_column(folder: Path, name: str, column: str) -> bool:
    """Whether a file of a feed has a column, be it empty or not."""
    path = folder / f"{name}.txt"
    if not path.exists():
        return False
    with path.open(encoding="utf-8-sig", newline="") as file:
        return column in [field.strip() for field in next(csv.reader(file), [])]


def seconds(text: str) -> int:
    """Seconds since midnight of `8`, `8:00` or `08:00:00`."""
    return sum(int(part) * worth for part, worth in zip(text.split(":"), (3_600, 60, 1)))


def fen(amount: str) -> int:
    """Fen of an amount in yuan."""
    return int(Decimal(amount) * 100)


def yuan(amount: int) -> str:
    """An amount as explanations write it."""
    whole, rest = divmod(abs(amount), 100)
    return f"{'-' if amount < 0 else ''}{whole}.{rest:02}"


# ------------------------------------------------------------------------------------------------------- what a feed holds


@dataclass(frozen=True)
class Stop:
    """A place where a card is shown."""

    id: str
    places: frozenset[str]  # itself and what it is a part of
    station: str  # the outermost of these
    areas: tuple[str, ...]  # in the order of areas.txt
    zone: ZoneInfo


@dataclass(frozen=True)
class Timeframe:
    """Times of day, on the days of a service; the end is not included."""

    start: int
    end: int
    service: str


@dataclass(frozen=True)
class LegRule:
    """A row of fare_leg_rules.txt."""

    group: str
    network: str
    from_area: str
    to_area: str
    from_timeframe: str
    to_timeframe: str
    product: str
    priority: int


@dataclass(frozen=True)
class JoinRule:
    """A row of fare_leg_join_rules.txt."""

    from_network: str
    to_network: str
    from_stop: str
    to_stop: str


@dataclass(frozen=True)
class TransferRule:
    """A row of fare_transfer_rules.txt."""

    from_group: str
    to_group: str
    count: float  # NO_LIMIT where it says nothing, or -1
    limit: int | None
    limit_type: int
    type: int
    product: str
    filter_product: str


@dataclass(frozen=True)
class Product:
    """A fare product, with what is sold on this medium: the lowest price of each category, and without one."""

    name: str
    prices: dict[str, int]


class Calendar:
    """On which days a service runs."""

    def __init__(self, folder: Path) -> None:
        self.weekly = {row["service_id"]: row for row in rows(folder, "calendar")}
        self.dates = {(row["service_id"], row["date"]): row["exception_type"] == "1" for row in rows(folder, "calendar_dates")}

    def runs(self, service: str, day: date) -> bool:
        """Whether a service runs on a day."""
        written = day.strftime("%Y%m%d")
        exception = self.dates.get((service, written))
        if exception is not None:
            return exception
        row = self.weekly.get(service)
        return row is not None and row["start_date"] <= written <= row["end_date"] and row[WEEKDAYS[day.weekday()]] == "1"


def read_stops(folder: Path) -> dict[str, Stop]:
    """All stops, with their areas and time zones."""
    feed_zone = rows(folder, "agency")[0]["agency_timezone"]
    table = {row["stop_id"]: row for row in rows(folder, "stops")}
    order = {row["area_id"]: number for number, row in enumerate(rows(folder, "areas"))}
    own_areas = defaultdict(set)
    for row in rows(folder, "stop_areas"):
        own_areas[row["stop_id"]].add(row["area_id"])
    platforms = defaultdict(list)
    for stop, row in table.items():
        if row.get("parent_station") and row.get("location_type", "") in ("", "0"):
            platforms[row["parent_station"]].append(stop)

    def parent(stop: str) -> str:
        return table[stop].get("parent_station", "")

    def areas(stop: str) -> set[str]:
        """Its own areas, or those of what it is a part of; the gates of a station of no area lie in those of its platforms."""
        if own_areas[stop]:
            return own_areas[stop]
        kind = table[stop].get("location_type", "")
        if kind == "1":
            return set().union(*(own_areas[platform] for platform in platforms[stop]))
        if not parent(stop):
            return set()
        return own_areas[parent(stop)] if kind in ("", "0") else areas(parent(stop))

    def places(stop: str) -> list[str]:
        return [stop, *(places(parent(stop)) if parent(stop) else [])]

    stops = {}
    for stop in table:
        line = places(stop)
        zone = table[line[-1]].get("stop_timezone") or feed_zone
        in_order = tuple(sorted(areas(stop), key=lambda area: order[area]))
        stops[stop] = Stop(stop, frozenset(line), line[-1], in_order, ZoneInfo(zone))
    return stops


def read_products(folder: Path, medium: str | None) -> dict[str, Product]:
    """All products, with the prices on this medium."""
    products: dict[str, Product] = {}
    for row in rows(folder, "fare_products"):
        product = products.setdefault(row["fare_product_id"], Product(row.get("fare_product_name") or row["fare_product_id"], {}))
        sold_on = row.get("fare_media_id", "")
        if sold_on and sold_on != medium:
            continue
        category = row.get("rider_category_id", "")
        amount = fen(row["amount"])
        product.prices[category] = min(amount, product.prices.get(category, amount))
    return products


def read_medium(folder: Path, supplement: dict) -> str | None:
    """This card: as the supplement says, or the only transit card."""
    if "medium" in supplement:
        return supplement["medium"]
    cards = [row["fare_media_id"] for row in rows(folder, "fare_media") if row["fare_media_type"] == "2"]
    return cards[0] if len(cards) == 1 else None


def leg_rule(row: dict[str, str]) -> LegRule:
    """One row of fare_leg_rules.txt."""
    get = lambda column: row.get(column, "")
    return LegRule(
        get("leg_group_id"),
        get("network_id"),
        get("from_area_id"),
        get("to_area_id"),
        get("from_timeframe_group_id"),
        get("to_timeframe_group_id"),
        get("fare_product_id"),
        int(get("rule_priority") or 0),
    )


def transfer_rule(row: dict[str, str]) -> TransferRule:
    """One row of fare_transfer_rules.txt."""
    get = lambda column: row.get(column, "")
    count = int(get("transfer_count") or -1)
    return TransferRule(
        get("from_leg_group_id"),
        get("to_leg_group_id"),
        NO_LIMIT if count == -1 else count,
        int(get("duration_limit")) if get("duration_limit") else None,
        int(get("duration_limit_type") or 0),
        int(get("fare_transfer_type")),
        get("fare_product_id"),
        get("filter_fare_product_id"),
    )


class Feed:
    """A city's feed and its supplement."""

    def __init__(self, folder: Path) -> None:
        supplement = tomllib.loads((folder / "supplement.toml").read_text(encoding="utf-8"))
        self.read_supplement(supplement)
        self.read_places(folder)
        self.calendar = Calendar(folder)
        self.timeframes = defaultdict(list)
        for row in rows(folder, "timeframes"):
            frame = Timeframe(seconds(row.get("start_time") or "0"), seconds(row.get("end_time") or "24"), row["service_id"])
            self.timeframes[row["timeframe_group_id"]].append(frame)
        self.read_fares(folder, read_medium(folder, supplement))
        self.lookups: dict[tuple, list[LegRule]] = {}

    def read_supplement(self, supplement: dict) -> None:
        """What GTFS has no file for."""
        self.day_starts = seconds(supplement.get("day_starts", "0"))
        self.change_s = supplement.get("change_s", 4 * 3_600)
        self.join_s = supplement.get("join_s", 1_800)
        self.networks = {network["id"]: network for network in supplement.get("network", [])}
        self.caps = supplement.get("cap", [])
        self.discounts = supplement.get("discount", [])
        self.concessions = supplement.get("concession", [])
        self.windows = supplement.get("window", [])
        self.passes = supplement.get("pass", [])

    def read_places(self, folder: Path) -> None:
        """Stops, areas and the networks of routes."""
        self.stops = read_stops(folder)
        self.area_names = {row["area_id"]: row.get("area_name") or row["area_id"] for row in rows(folder, "areas")}
        self.routes = {row["route_id"]: row.get("network_id", "") for row in rows(folder, "routes")}
        for row in rows(folder, "route_networks"):
            self.routes[row["route_id"]] = row["network_id"]

    def read_fares(self, folder: Path, medium: str | None) -> None:
        """Products and the three tables of rules."""
        self.products = read_products(folder, medium)
        self.ordinary = {""}
        self.ordinary |= {
            row["rider_category_id"] for row in rows(folder, "rider_categories") if row.get("is_default_fare_category") == "1"
        }
        rules = [leg_rule(row) for row in rows(folder, "fare_leg_rules")]
        self.has_priority = has_column(folder, "fare_leg_rules", "rule_priority")
        self.named_networks = {rule.network for rule in rules}
        self.named_from = {rule.from_area for rule in rules}
        self.named_to = {rule.to_area for rule in rules}
        self.leg_rules = defaultdict(list)
        for rule in rules:
            self.leg_rules[rule.network, rule.from_area, rule.to_area].append(rule)
        self.join_rules = [
            JoinRule(*(row.get(column, "") for column in ("from_network_id", "to_network_id", "from_stop_id", "to_stop_id")))
            for row in rows(folder, "fare_leg_join_rules")
        ]
        transfers = [transfer_rule(row) for row in rows(folder, "fare_transfer_rules")]
        self.named_from_groups = {rule.from_group for rule in transfers}
        self.named_to_groups = {rule.to_group for rule in transfers}
        self.transfer_rules = defaultdict(list)
        for rule in transfers:
            self.transfer_rules[rule.from_group, rule.to_group].append(rule)

    def is_within(self, group: str, at: int, stop: Stop) -> bool:
        """Whether a moment at a stop lies in a group of timeframes; an empty group is always."""
        if not group:
            return True
        local = datetime.fromtimestamp(at, stop.zone)
        time = local.hour * 3_600 + local.minute * 60 + local.second
        return any(
            frame.start <= time < frame.end and self.calendar.runs(frame.service, local.date())
            for frame in self.timeframes[group]
        )

    def price(self, product: str, categories: frozenset[str]) -> int | None:
        """The lowest price that a rider may claim."""
        prices = self.products[product].prices
        return min((amount for category, amount in prices.items() if category in self.ordinary or category in categories), default=None)


@cache
def feed_named(name: str) -> Feed:
    """A feed, read once."""
    return Feed(HERE / "feeds" / name)


# ------------------------------------------------------------------------------------------------------------------- cases


@dataclass(frozen=True)
class Leg:
    """What somebody did: where and when a card was shown, and where and when again, if it was."""

    network: str
    on: Stop
    on_at: int
    off: Stop | None
    off_at: int
    is_missing: bool = False  # it should have been shown at the end


@dataclass(frozen=True)
class Right:
    """What a rider was granted, first and last day included."""

    name: str
    first: date
    last: date


def written_out(text: str) -> list[tuple[int, str]]:
    """What stands between semicolons, with repetitions written out, and the number of the day of each."""
    written, day = [], 0
    for part in map(str.strip, text.split(";")):
        times, one, days = repetition(part)
        for _ in range(times):
            written.append((day, one))
            day += days
    return written


def repetition(part: str) -> tuple[int, str, int]:
    """How often, what, and how many days further each time."""
    if part.endswith(")"):
        for sign, days in (("x(", 1), ("*(", 0)):
            times, found, one = part[:-1].partition(sign)
            if found:
                return int(times), one, days
    return 1, part, 0


def read_leg(feed: Feed, midnight: int, text: str) -> Leg:
    """A leg as it is written: `route:stop@8:00>stop@8:25`, `>-` or `>?`."""

    def shown(text: str) -> tuple[Stop, int]:
        stop, _, time = text.partition("@")
        return feed.stops[stop], midnight + seconds(time)

    route, _, rest = text.partition(":")
    start, _, end = rest.partition(">")
    network = feed.routes[route]
    on, on_at = shown(start)
    if end in ("-", "?"):
        is_missing = end == "?" and feed.networks[network]["validation"] == "on_off"
        return Leg(network, on, on_at, None, on_at, is_missing)
    return Leg(network, on, on_at, *shown(end))


def read_legs(feed: Feed, day: date, text: str) -> Iterator[Leg]:
    """All legs of a case."""
    midnight = int(datetime(day.year, day.month, day.day, tzinfo=CHINA).timestamp())
    for days, leg in written_out(text):
        yield read_leg(feed, midnight + days * 86_400, leg)


def read_rider(feed: Feed, day: date, text: str) -> list[Right]:
    """A rider as it is written: `adult`, or rights joined by `+`, good the whole year where no days are written."""
    known = {what["id"] for what in (*feed.concessions, *feed.passes)}
    rights = []
    for right in text.split("+"):
        name, _, range_ = right.partition("@")
        if name == "adult":
            continue
        if name not in known:
            raise ValueError(f"no right {name}")
        first, _, last = (range_ or f"{day.year:04}-01-01..{day.year:04}-12-31").partition("..")
        rights.append(Right(name, date.fromisoformat(first), date.fromisoformat(last)))
    return rights


# ---------------------------------------------------------------------------------------------------------------- journeys


@dataclass(frozen=True)
class Span:
    """A leg, or several that are one."""

    networks: frozenset[str]
    last_network: str
    on: Stop
    on_at: int
    off: Stop | None
    off_at: int

    def longer(self, leg: Leg) -> "Span":
        """With one leg more."""
        return Span(self.networks | {leg.network}, leg.network, self.on, self.on_at, leg.off, leg.off_at)


@dataclass(frozen=True)
class Run:
    """Transfers by rules between the same groups, one after the other in one journey: times of the first leg, and the number of the next."""

    groups: tuple[str, str]
    on_at: int
    off_at: int
    length: int


@dataclass(frozen=True)
class Journey:
    """A journey that may go on, as it stood after its last leg."""

    span: Span
    group: str
    product: str
    run: Run | None  # none after its first leg
    transfers: int
    asked: int  # of the whole journey, by the feed
    charged: int  # of the whole journey
    own_asked: int  # of its last leg, with all parts
    own_charged: int
    before: "Journey | None"  # what was before the first part of its last leg, of the same journey or not


@dataclass(frozen=True)
class Choice:
    """What the feed says of a leg."""

    rule: LegRule
    price: int
    transfer: TransferRule | None
    asked: int


@dataclass
class Standing:
    """What is remembered of a rider."""

    journey: Journey | None = None
    sums: dict[tuple[str, str, date], int] = field(default_factory=lambda: defaultdict(int))
    latest: dict[tuple[str, str], date] = field(default_factory=dict)  # the first day of the last period of each sum


def span_of(leg: Leg) -> Span:
    """A leg on its own."""
    return Span(frozenset({leg.network}), leg.network, leg.on, leg.on_at, leg.off, leg.off_at)


def network_keys(feed: Feed, span: Span) -> list[str]:
    """Under which networks to look for leg rules. Legs of several networks have none that a rule could name."""
    keys = [network for network in span.networks if network] if len(span.networks) == 1 else []
    if feed.has_priority or not any(network and network in feed.named_networks for network in span.networks):
        keys.append("")
    return keys


def area_keys(feed: Feed, stop: Stop | None, named: set[str]) -> list[str]:
    """Under which areas to look for leg rules on one side."""
    areas = list(stop.areas) if stop else []
    if feed.has_priority or not any(area in named for area in areas):
        areas.append("")
    return areas


def rules_of_places(feed: Feed, span: Span) -> list[LegRule]:
    """All leg rules that match by networks and areas, in the order in which they are looked up."""
    key = span.networks, span.on.id, span.off.id if span.off else None
    if key not in feed.lookups:
        feed.lookups[key] = [
            rule
            for network in network_keys(feed, span)
            for from_area in area_keys(feed, span.on, feed.named_from)
            for to_area in area_keys(feed, span.off, feed.named_to)
            for rule in feed.leg_rules.get((network, from_area, to_area), ())
        ]
    return feed.lookups[key]


def matching_rules(feed: Feed, span: Span, categories: frozenset[str]) -> list[LegRule]:
    """The leg rules of the highest priority that match, and whose product is sold here."""
    matching = [
        rule
        for rule in rules_of_places(feed, span)
        if feed.is_within(rule.from_timeframe, span.on_at, span.on)
        and feed.is_within(rule.to_timeframe, span.off_at, span.off or span.on)
        and feed.price(rule.product, categories) is not None
    ]
    highest = max((rule.priority for rule in matching), default=0)
    return [rule for rule in matching if rule.priority == highest]


def run_before(journey: Journey, rule: TransferRule) -> Run:
    """From where limits count: a rule from a group to the same counts from the first leg that such a rule matched, others from the last."""
    groups = rule.from_group, rule.to_group
    if journey.run and journey.run.groups == groups and rule.from_group == rule.to_group:
        return journey.run
    return Run(groups, journey.span.on_at, journey.span.off_at, 1)


def is_in_time(rule: TransferRule, run: Run, span: Span) -> bool:
    """Whether a transfer is within the limit of a rule, its last second included."""
    if rule.limit is None:
        return True
    since = run.on_at if rule.limit_type in (0, 1) else run.off_at
    until = span.off_at if rule.limit_type in (0, 3) else span.on_at
    return until - since <= rule.limit


def matching_transfers(
    feed: Feed, journey: Journey, group: str, span: Span, categories: frozenset[str]
) -> list[TransferRule]:
    """The transfer rules that match and are sold here, of those with the smallest count that is enough."""
    if not (journey.group and group):
        return []
    from_key = journey.group if journey.group in feed.named_from_groups else ""
    to_key = group if group in feed.named_to_groups else ""

    def matches(rule: TransferRule) -> bool:
        run = run_before(journey, rule)
        is_sold = not rule.product or feed.price(rule.product, categories) is not None
        is_paid_with = rule.filter_product in ("", journey.product)
        return is_sold and is_paid_with and run.length <= rule.count and is_in_time(rule, run, span)

    matching = [rule for rule in feed.transfer_rules.get((from_key, to_key), ()) if matches(rule)]
    smallest = min((rule.count for rule in matching), default=NO_LIMIT)
    return [rule for rule in matching if rule.count == smallest]


def asked_with(rule: TransferRule, journey: Journey, price: int, transfer_price: int) -> int:
    """What a leg adds to a journey with a transfer rule."""
    if rule.type == 1:
        return transfer_price + price
    if rule.type == 2 and journey.transfers == 0:
        return transfer_price - journey.asked
    return transfer_price


def choices(feed: Feed, journey: Journey | None, span: Span, categories: frozenset[str]) -> Iterator[Choice]:
    """What a leg may cost by the feed."""
    for rule in matching_rules(feed, span, categories):
        price = feed.price(rule.product, categories)
        transfers = []
        for transfer in matching_transfers(feed, journey, rule.group, span, categories) if journey else ():
            transfer_price = feed.price(transfer.product, categories) if transfer.product else 0
            transfers.append(Choice(rule, price, transfer, asked_with(transfer, journey, price, transfer_price)))
        yield from transfers or [Choice(rule, price, None, price)]


def cheapest(feed: Feed, journey: Journey | None, span: Span, categories: frozenset[str]) -> Choice | None:
    """What adds least, the first of equals; nothing where the fare is unknown."""
    return min(choices(feed, journey, span, categories), key=lambda choice: choice.asked, default=None)


def joins(feed: Feed, journey: Journey, leg: Leg) -> bool:
    """Whether a join rule makes the last leg longer by this one."""
    off = journey.span.off
    if off is None:
        return False
    return any(
        rule.from_network in ("", journey.span.last_network)
        and rule.to_network in ("", leg.network)
        and (not rule.from_stop or rule.from_stop in off.places)
        and (not rule.to_stop or rule.to_stop in leg.on.places)
        and (bool(rule.from_stop and rule.to_stop) or off.station == leg.on.station)
        for rule in feed.join_rules
    )


# ------------------------------------------------------------------------------------------------------------ what is paid


@dataclass
class Trip:
    """A rider's leg on a day of service, and what is known for it."""

    feed: Feed
    rights: frozenset[str]  # those that are good on this day
    standing: Standing
    leg: Leg
    day: date

    def charge(self) -> tuple[int, list[Line]]:
        """What is paid, and why."""
        network = self.feed.networks[self.leg.network]
        for pass_ in self.feed.passes:
            if pass_["id"] in self.rights and self.leg.network in pass_["networks"]:
                self.standing.journey = None
                return 0, [("pass", pass_["id"], "", 0)]
        if self.leg.is_missing:
            self.standing.journey = None
            asked = network["maximum_fen"]
            amount, lines = self.reduced(asked)
            return self.counted(amount), [("maximum", "", "", asked), *lines]
        if self.is_left_at_once(network):
            return 0, [("same-stop", "", "", 0)]
        return self.charge_by_feed()

    def is_left_at_once(self, network: dict) -> bool:
        """Whether the station is left where one came in, in time."""
        leg = self.leg
        if leg.off is None or network["validation"] != "on_off" or "grace_s" not in network:
            return False
        return leg.off.station == leg.on.station and leg.off_at - leg.on_at <= network["grace_s"]

    def categories(self) -> frozenset[str]:
        """The categories whose prices the rider may claim."""
        return frozenset(
            concession["rider_category"]
            for concession in self.feed.concessions
            if concession["id"] in self.rights and "rider_category" in concession
        )

    def charge_by_feed(self) -> tuple[int, list[Line]]:
        """Leg rule, join rule, transfer rule or window, and what then is paid less."""
        if self.standing.journey and self.leg.on_at - self.standing.journey.span.off_at > self.feed.change_s:
            self.standing.journey = None
        last = self.standing.journey
        is_joining = last is not None and self.leg.on_at - last.span.off_at <= self.feed.join_s and joins(self.feed, last, self.leg)
        choice = None
        if is_joining:
            part, span, before = last, last.span.longer(self.leg), last.before
            choice = cheapest(self.feed, before, span, self.categories())
        if choice is None:
            part, span, before = None, span_of(self.leg), last
            choice = cheapest(self.feed, before, span, self.categories())
        if choice is None:
            self.standing.journey = None
            return 0, [("unknown", "", "", 0)]
        goes_on = before if choice.transfer else None
        amount, lines = self.paid(choice, goes_on, part)
        self.standing.journey = journey_after(choice, span, before, goes_on, part, amount)
        return self.counted(amount), [*feed_lines(self.feed, choice, part), *lines]

    def paid(self, choice: Choice, goes_on: Journey | None, part: Journey | None) -> tuple[int, list[Line]]:
        """What is paid of what the feed asks for, and why it is not the same."""
        asked = choice.asked - (part.own_asked if part else 0)
        if asked < 0:
            asked_before = (goes_on.asked if goes_on else 0) + (part.own_asked if part else 0)
            charged_before = (goes_on.charged if goes_on else 0) + (part.own_charged if part else 0)
            amount = -refund(-asked, asked_before, charged_before)
            return amount, [("paid", "", "", amount - asked)] if amount != asked else []
        lines = self.window(asked) if part is None and goes_on is None else []
        amount, more = self.reduced(asked + sum(line[3] for line in lines))
        return amount, [*lines, *more]

    def window(self, asked: int) -> list[Line]:
        """What going on in time takes off: the window that takes most."""
        last = self.standing.journey
        best: list[Line] = []
        for window in self.feed.windows if last else ():
            is_there = last.span.last_network in window["from"] and self.leg.network in window["to"]
            if not is_there or self.leg.on_at - last.span.on_at > window["within_s"]:
                continue
            off = min(window.get("off_fen", asked), asked)
            if off > (-best[0][3] if best else 0):
                best = [("window", window["id"], "", -off)]
        return best

    def reduced(self, amount: int) -> tuple[int, list[Line]]:
        """An amount after concessions, discounts and caps."""
        lines: list[Line] = []
        for step in (self.concession, self.discounted, self.capped):
            for line in step(amount):
                amount += line[3]
                lines.append(line)
        return amount, lines

    def concession(self, amount: int) -> Iterator[Line]:
        """The lowest percentage of all concessions that are good here."""
        good = [
            concession
            for concession in self.feed.concessions
            if concession["id"] in self.rights
            and "percent" in concession
            and self.leg.network in concession.get("networks", [self.leg.network])
        ]
        if good:
            lowest = min(good, key=lambda concession: concession["percent"])
            yield percent_line("concession", lowest["id"], lowest["percent"], amount)

    def discounted(self, amount: int) -> Iterator[Line]:
        """The discounts in the order of the file, each of what the one before left; nothing of those that a right of this day excludes."""
        for discount in self.feed.discounts:
            if self.leg.network not in discount["networks"] or not self.rights.isdisjoint(discount.get("except", ())):
                continue
            paid = self.standing.sums[self.sum_key("discount", discount)]
            reached = [step for step in discount["steps"] if step["from_fen"] <= paid]
            percent = max(reached, key=lambda step: step["from_fen"])["percent"] if reached else 100
            if percent != 100:
                line = percent_line("discount", discount["id"], percent, amount)
                amount += line[3]
                yield line

    def capped(self, amount: int) -> Iterator[Line]:
        """The cap that leaves the least, where it is less than the amount."""
        rooms = [
            (max(0, cap["fen"] - self.standing.sums[self.sum_key("cap", cap)]), cap["id"])
            for cap in self.feed.caps
            if self.leg.network in cap["networks"]
        ]
        room, id_ = min(rooms, key=lambda room: room[0], default=(amount, ""))
        if room < amount:
            yield "cap", id_, "", room - amount

    def sum_key(self, kind: str, what: dict) -> tuple[str, str, date]:
        """Under which key a cap's or discount's sum of this day, week or month stands, or that of the last one if it is later."""
        periods = {"day": self.day, "week": self.day - timedelta(days=self.day.weekday()), "month": self.day.replace(day=1)}
        period = periods[what["period"]]
        latest = max(period, self.standing.latest.get((kind, what["id"]), period))
        self.standing.latest[kind, what["id"]] = latest
        return kind, what["id"], latest

    def counted(self, amount: int) -> int:
        """The amount, after it was counted for every cap and discount of the network."""
        for kind, all_ in (("cap", self.feed.caps), ("discount", self.feed.discounts)):
            for what in all_:
                if self.leg.network in what["networks"]:
                    self.standing.sums[self.sum_key(kind, what)] += amount
        return amount


def percent_line(key: str, id_: str, percent: int, amount: int) -> Line:
    """What a percentage takes off; what it leaves is rounded down."""
    return key, id_, f"{percent}%", amount * percent // 100 - amount


def refund(less: int, asked: int, charged: int) -> int:
    """What goes back: of what was charged the part that is asked less, rounded up, and not more than was charged."""
    if asked <= 0 or charged <= 0:
        return 0
    return min(charged, -(-charged * less // asked))


def journey_after(
    choice: Choice, span: Span, before: Journey | None, goes_on: Journey | None, part: Journey | None, amount: int
) -> Journey:
    """The journey with the leg that was just charged; a new one where none goes on."""
    group = choice.rule.group
    run = None
    if goes_on:
        matched = run_before(goes_on, choice.transfer)
        run = Run(matched.groups, matched.on_at, matched.off_at, matched.length + 1)
    own_charged = amount + (part.own_charged if part else 0)
    return Journey(
        span=span,
        group=group,
        product=choice.rule.product,
        run=run,
        transfers=goes_on.transfers + 1 if goes_on else 0,
        asked=choice.asked + (goes_on.asked if goes_on else 0),
        charged=own_charged + (goes_on.charged if goes_on else 0),
        own_asked=choice.asked,
        own_charged=own_charged,
        before=before,
    )


def feed_lines(feed: Feed, choice: Choice, part: Journey | None) -> Iterator[Line]:
    """What the feed asks for: the fare, the transfer, and what was asked before for the earlier part."""
    rule, transfer = choice.rule, choice.transfer
    what = feed.products[rule.product].name
    if rule.from_area or rule.to_area:
        what += f" {feed.area_names.get(rule.from_area, '*')}→{feed.area_names.get(rule.to_area, '*')}"
    yield "fare", what, "", choice.price
    if transfer:
        yield "transfer", f"{transfer.from_group or '*'}→{transfer.to_group or '*'}", "", choice.asked - choice.price
    if part:
        yield "joined", "", "", -part.own_asked


def day_of_service(feed: Feed, leg: Leg) -> date:
    """The day at the stop where a leg begins, or the one before until days of service begin."""
    local = datetime.fromtimestamp(leg.on_at, leg.on.zone)
    is_before = local.hour * 3_600 + local.minute * 60 + local.second < feed.day_starts
    return local.date() - timedelta(days=1) if is_before else local.date()


def explanation(lines: list[Line]) -> str:
    """Lines as the tables write them."""
    return ", ".join(" ".join(filter(None, (key, what, percent, yuan(amount)))) for key, what, percent, amount in lines)


def evaluate(case: dict[str, str]) -> tuple[list[int], list[str]]:
    """What each leg of a case costs, and why."""
    feed = feed_named(case["feed"])
    first_day = date.fromisoformat(case["day"])
    granted = read_rider(feed, first_day, case["rider"])
    standing = Standing()
    amounts, reasons = [], []
    for leg in read_legs(feed, first_day, case["legs"]):
        day = day_of_service(feed, leg)
        rights = frozenset(right.name for right in granted if right.first <= day <= right.last)
        amount, lines = Trip(feed, rights, standing, leg, day).charge()
        assert amount == sum(line[3] for line in lines), f"the lines do not add up: {case}"
        amounts.append(amount)
        reasons.append(explanation(lines))
    return amounts, reasons


# ------------------------------------------------------------------------------------------------------------ how it is run


def table_rows() -> Iterator[dict[str, str]]:
    """All rows of all tables."""
    for path in sorted((HERE / "cases").glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file, delimiter="|"):
                yield {key.strip(): value.strip() for key, value in row.items()}


def disagreement(row: dict[str, str]) -> str | None:
    """How a row of a table and this reading differ."""
    wanted = [int(amount) for _, amount in written_out(row["fen"])]
    because = [why for _, why in written_out(row["explanation"])]
    amounts, reasons = evaluate(row)
    if (amounts, reasons) == (wanted, because):
        return None
    return f"{row['feed']} / {row['case']}:\n  wants {wanted} because {because}\n  is    {amounts} because {reasons}"


def check_tables() -> int:
    """Checks all tables; the exit code."""
    found = [disagreement(row) for row in table_rows()]
    wrong = [text for text in found if text]
    print(*wrong, f"{len(found)} rows, {len(wrong)} disagree", sep="\n")
    return 1 if wrong else 0


def answer_lines() -> int:
    """Answers JSON lines; the exit code."""
    for line in filter(str.strip, sys.stdin):
        amounts, reasons = evaluate(json.loads(line))
        print(json.dumps({"fen": amounts, "explanation": reasons}, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    for stream in (sys.stdin, sys.stdout):
        stream.reconfigure(encoding="utf-8")
    sys.exit(check_tables() if "--tables" in sys.argv[1:] else answer_lines())
