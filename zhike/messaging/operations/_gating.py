"""Gathers what the gates must know of many messages at once, in a handful of queries."""

from __future__ import annotations

import datetime as dt
import functools
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Count, Q

from zhike.customers import queries as customers
from zhike.kernel import crypto
from zhike.kernel.errors import NotFound
from zhike.messaging.models import (
    ChannelAccount,
    OutboundMessage,
    OwnQuietHours,
    PushDevice,
    SendingPolicy,
    Spending,
    StaffContact,
    SubscriptionAnswer,
    Suppression,
    TemplateVersion,
    VendorTemplate,
    WechatFollower,
)
from zhike.messaging.operations import _contacts, _credits
from zhike.messaging.ports import Gateway
from zhike.messaging.queries import sent
from zhike.messaging.queries.vendor_accounts import gateways
from zhike.messaging.rules import gates
from zhike.organization import queries as organization
from zhike.privacy import queries as privacy

DAY = dt.timedelta(days=1)
MONTH = dt.timedelta(days=30)
CONSENT_CHANNEL = {
    "sms": "sms",
    "email": "email",
    "push": "push",
    "inbox": "push",
    "wechat": "wechat",
    "mini": "wechat",
    "wecom": "wechat",
}
"""Under which channel of the consent a message is covered; the inbox of the app counts as its notifications."""
RETRIABLE: frozenset[str] = frozenset(("address", "consent", "suppressed", "template", "account"))
"""Gates at which another channel may be open."""
OWN_ADDRESSES = ("push", "wechat", "mini", "wecom")
"""Channels in which each account has addresses of its own for a person."""
COUNTED = ("sending", "tasked", "sent", "delivered", "unknown")


@dataclass(slots=True)
class Situation:
    """What holds for all messages of a batch; the counts grow as messages of the batch are let through."""

    now: dt.datetime
    policy: gates.Policy
    zone: dt.tzinfo
    skips_holidays: bool
    accounts: dict[str, list[tuple[ChannelAccount, Gateway]]]
    paused: dict[str, dt.datetime]
    approvals: dict[tuple[int, int], VendorTemplate]
    bodies: dict[int, TemplateVersion]
    cards: dict[int, customers.ContactCard]
    consents: dict[str, set[int]]
    suppressed: set[bytes]
    own_quiet: dict[int, tuple[dt.time, dt.time]]
    sendings: dict[tuple[int, str], list[int]]
    zones: dict[int | None, dt.tzinfo]
    devices: dict[int, dict[int, list[PushDevice]]]
    followers: dict[int, dict[int, WechatFollower]]
    contacts: dict[int, dict[int, StaffContact]]
    allowed: _contacts.Allowed
    acceptances: _credits.Credits
    spent: int
    spent_now: Counter[str] = field(default_factory=Counter)

    def facts(self, row: OutboundMessage, account: ChannelAccount | None, fault: str) -> gates.Facts:
        card = self.cards.get(row.person_id or 0)
        local = self.now.astimezone(self.zones.get(card.mall_id if card else None, self.zone))
        return gates.Facts(
            kind=row.kind,
            channel=row.channel,
            local=local,
            created_at=row.created_at,
            expires_at=row.expires_at,
            has_address=self._has_address(row),
            address_fault="no_credit" if row.channel == _credits.CHANNEL else "no_address",
            is_member=card is not None,
            has_consent=row.person_id in self.consents.get(row.channel, ()),
            birthday=card.birthday if card else None,
            is_gone=card is not None and card.is_gone,
            is_suppressed=row.address is not None and bytes(row.address) in self.suppressed,
            sendings=self._sendings(row),
            own_quiet=self.own_quiet.get(row.person_id or 0),
            holidays=holidays_near(local.date()) if self.skips_holidays else frozenset(),
            wording_fault=fault,
            has_account=account is not None or row.channel == "inbox",
            spent=self.spent,
            cost=row.parts * account.price if account else 0,
            vendor_sent=self.allowed.got.get((row.channel, row.person_id or 0), 0),
            vendor_cap=self.allowed.caps.get(account.pk if account else 0, 0),
        )

    def _has_address(self, row: OutboundMessage) -> bool:
        """The inbox is everybody's own; a browser or an official account must be known to an account in use."""
        if row.channel not in OWN_ADDRESSES:
            return row.channel == "inbox" or row.address is not None
        accounts = self.accounts.get(row.channel)
        return not accounts or any(self.is_known_to(row, account.pk) for account, _gateway in accounts)

    def is_known_to(self, row: OutboundMessage, account_id: int) -> bool:
        """Whether this account has an address of its own for the person: a browser, an openid."""
        if row.channel == "wechat":
            return self.follower_of(row, account_id) is not None
        if row.channel == _credits.CHANNEL:
            is_told = (row.version_id or 0, account_id) in self.approvals
            return not is_told or self.credit_of(row, account_id) is not None
        if row.channel == "wecom":
            return self.contact_of(row, account_id) is not None
        return bool(self.devices_of(row, account_id))

    def follower_of(self, row: OutboundMessage, account_id: int) -> WechatFollower | None:
        return self.followers.get(row.person_id or 0, {}).get(account_id)

    def credit_of(self, row: OutboundMessage, account_id: int) -> SubscriptionAnswer | None:
        """What this very message holds, or what it would."""
        if row.pk in self.acceptances.taken:
            return self.acceptances.taken[row.pk]
        told = self.approvals.get((row.version_id or 0, account_id))
        return self.acceptances.first(row.person_id or 0, account_id, told.vendor_code) if told else None

    def contact_of(self, row: OutboundMessage, account_id: int) -> StaffContact | None:
        return self.contacts.get(row.person_id or 0, {}).get(account_id)

    def devices_of(self, row: OutboundMessage, account_id: int) -> list[PushDevice]:
        return self.devices.get(row.person_id or 0, {}).get(account_id, [])

    def _sendings(self, row: OutboundMessage) -> gates.Sendings:
        pk = row.person_id or 0
        per_channel = self.sendings.get((pk, row.channel), [0, 0])
        total = self.sendings.get((pk, ""), [0, 0])
        return gates.Sendings(per_channel[0], per_channel[1], total[0], total[1])

    def let_through(self, row: OutboundMessage, account_id: int = 0) -> None:
        """Count it, for the next one to the same person in this very batch; ``account_id`` carries it."""
        told = self.approvals.get((row.version_id or 0, account_id))
        if row.channel == _credits.CHANNEL and told:
            self.acceptances.take(row.pk, row.person_id or 0, account_id, told.vendor_code)
        self.allowed.got[row.channel, row.person_id or 0] += 1
        if row.kind != gates.MARKETING or row.person_id is None:
            return
        for channel in (row.channel, ""):
            counts = self.sendings.setdefault((row.person_id, channel), [0, 0])
            counts[0] += 1
            counts[1] += 1
        self.spent += row.cost
        self.spent_now[""] += row.cost


def situation(
    rows: Sequence[OutboundMessage], now: dt.datetime, addresses: Mapping[int, str] | None = None
) -> Situation:
    """Read everything for these rows; about a dozen queries however many there are.

    ``addresses`` of rows that were never written, by their made-up ids.
    """
    persons = sorted({row.person_id for row in rows if row.person_id is not None})
    asked_by = _sides(persons)
    marketing = [row for row in rows if row.kind == gates.MARKETING]
    policy_row = SendingPolicy.objects.order_by("id").first()
    cards = customers.contact_cards(persons)
    zones = _zones({card.mall_id for card in cards.values()})
    house = next((zone for key, zone in zones.items() if key is not None), ZoneInfo(settings.TIME_ZONE))
    versions = {row.version_id for row in rows if row.version_id is not None}
    accounts, paused = _accounts(now)
    return Situation(
        now=now,
        policy=policy_of(policy_row),
        zone=house,
        skips_holidays=policy_row is not None and policy_row.skips_holidays,
        accounts=accounts,
        paused=paused,
        approvals={
            (one.version_id, one.account_id): one
            for one in VendorTemplate.objects.filter(version_id__in=versions)
        },
        bodies=TemplateVersion.objects.in_bulk(versions),
        cards=cards,
        consents=_consents(marketing),
        suppressed=_suppressed(marketing, addresses),
        own_quiet={
            person_id: (one.quiet_from, one.quiet_until)
            for one in OwnQuietHours.objects.filter(person_id__in=sorted(asked_by)).order_by("updated_at")
            for person_id in asked_by[one.person_id]
        },
        sendings=_counted(marketing, now),
        zones=zones,
        devices=_devices([row for row in rows if row.channel == "push"]),
        followers=_followers([row for row in rows if row.channel == "wechat"]),
        contacts=_contacts.of_persons(_sides(_persons(rows, "wecom"))),
        acceptances=_credits.of_persons(
            _sides(_persons(rows, _credits.CHANNEL)), is_to_be_held=addresses is None
        ),
        allowed=_contacts.allowed(
            {channel: _sides(_persons(rows, channel)) for channel in ("wecom",)}, accounts, COUNTED, now
        ),
        spent=_spent(now.astimezone(house).date()),
    )


def carrier_of(row: OutboundMessage, known: Situation) -> tuple[tuple[ChannelAccount, Gateway] | None, str]:
    """The first account that may carry a message, and what is wrong with its wording when none may."""
    if row.channel == "inbox":
        return None, "" if row.version_id or row.kind == "code" else "no_wording"
    fault = "no_wording" if row.version_id is None and row.kind == gates.MARKETING else ""
    for account, gateway in known.accounts.get(row.channel, ()):
        if account.pk in row.tried or (
            row.channel in OWN_ADDRESSES and not known.is_known_to(row, account.pk)
        ):
            continue
        found = _wording_fault(row, account, gateway, known)
        if not found:
            return (account, gateway), ""
        fault = fault or found
    return None, fault


def _wording_fault(row: OutboundMessage, account: ChannelAccount, gateway: Gateway, known: Situation) -> str:
    version = known.bodies.get(row.version_id or 0)
    if version is None:
        return "no_wording" if gateway.needs_template or row.kind == gates.MARKETING else ""
    if version.state == "draft":
        return "not_approved"
    if gateway.needs_template:
        told = known.approvals.get((version.pk, account.pk))
        if told is None or told.state != "approved":
            return "not_approved_by_vendor"
    return next(iter(gateway.lint(version.body, row.kind)), "")


def policy_of(row: SendingPolicy | None) -> gates.Policy:
    """The policy of the group, or the one we begin with."""
    if row is None:
        return gates.Policy(channel_per_day={"sms": 1}, channel_per_month={"sms": 4})
    return gates.Policy(
        quiet_from=row.quiet_from,
        quiet_until=row.quiet_until,
        when_quiet=row.when_quiet,
        total_per_day=row.total_per_day,
        total_per_month=row.total_per_month,
        channel_per_day=row.channel_per_day,
        channel_per_month=row.channel_per_month,
        budget=None if row.budget_fen is None else row.budget_fen * 1_000,
    )


@functools.lru_cache(maxsize=64)
def _calendar(year: int) -> frozenset[dt.date]:
    import holidays

    calendar = holidays.country_holidays("CN", years=[year, year + 1])
    return frozenset(calendar.keys())


def holidays_near(day: dt.date) -> frozenset[dt.date]:
    """The public holidays of mainland China of this year and the next."""
    return _calendar(day.year)


def _zones(mall_ids: Iterable[int | None]) -> dict[int | None, dt.tzinfo]:
    found: dict[int | None, dt.tzinfo] = {}
    for mall_id in mall_ids:
        if mall_id is not None:
            try:
                found[mall_id] = ZoneInfo(organization.mall(mall_id).time_zone)
            except NotFound:
                continue
    return found


def _accounts(
    now: dt.datetime,
) -> tuple[dict[str, list[tuple[ChannelAccount, Gateway]]], dict[str, dt.datetime]]:
    """The accounts by channel, and when the first that the vendor asked to wait may go on."""
    known = gateways()
    found: dict[str, list[tuple[ChannelAccount, Gateway]]] = defaultdict(list)
    paused: dict[str, dt.datetime] = {}
    for row in ChannelAccount.objects.filter(is_active=True).order_by("position", "id"):
        if row.vendor not in known:
            continue
        if row.paused_until is None or row.paused_until <= now:
            found[row.channel].append((row, known[row.vendor]))
        else:
            paused[row.channel] = min(row.paused_until, paused.get(row.channel, row.paused_until))
    return found, paused


def _consents(rows: Sequence[OutboundMessage]) -> dict[str, set[int]]:
    wanted: dict[str, set[int]] = defaultdict(set)
    for row in rows:
        if row.person_id is not None:
            wanted[row.channel].add(row.person_id)
    return {
        channel: privacy.who_may_be_contacted(sorted(ids), "marketing", CONSENT_CHANNEL[channel])
        for channel, ids in wanted.items()
        if channel in CONSENT_CHANNEL
    }


def _suppressed(rows: Sequence[OutboundMessage], addresses: Mapping[int, str] | None) -> set[bytes]:
    """The stored indexes of the rows whose address said stop, under whichever key that was noted."""
    by_index: dict[bytes, bytes] = {}
    for row in rows:
        if row.address is not None:
            address = (
                crypto.decrypt(bytes(row.recipient), field=sent.RECIPIENT_FIELD, row=row.pk)
                if addresses is None
                else addresses[row.pk]
            )
            by_index |= dict.fromkeys(sent.address_indexes(address), bytes(row.address))
    found = Suppression.objects.filter(address__in=list(by_index), lifted_at=None)
    return {by_index[bytes(address)] for address in found.values_list("address", flat=True)}


def _counted(rows: Sequence[OutboundMessage], now: dt.datetime) -> dict[tuple[int, str], list[int]]:
    """Marketing messages that went to these persons, as [in a day, in 30 days] by channel, and by "" for all."""
    asked_by = _sides({row.person_id for row in rows if row.person_id is not None})
    rows_sent = OutboundMessage.objects.filter(
        person_id__in=sorted(asked_by), kind=gates.MARKETING, sent_at__gt=now - MONTH, status__in=COUNTED
    )
    counts: dict[tuple[int, str], list[int]] = defaultdict(lambda: [0, 0])
    grouped = rows_sent.values_list("person_id", "channel").annotate(
        day=Count("id", filter=Q(sent_at__gt=now - DAY)), month=Count("id")
    )
    for side_id, channel, day, month in grouped:
        for person_id in asked_by[side_id or 0]:
            for key in (channel, ""):
                counts[person_id, key][0] += day
                counts[person_id, key][1] += month
    return counts


def _devices(rows: Sequence[OutboundMessage]) -> dict[int, dict[int, list[PushDevice]]]:
    """The browsers of persons, by account; a merged person has those of every side."""
    asked_by = _sides({row.person_id for row in rows if row.person_id is not None})
    found: dict[int, dict[int, list[PushDevice]]] = defaultdict(lambda: defaultdict(list))
    for device in PushDevice.objects.filter(person_id__in=sorted(asked_by)).order_by("id"):
        for person_id in asked_by[device.person_id]:
            found[person_id][device.account_id].append(device)
    return found


def _followers(rows: Sequence[OutboundMessage]) -> dict[int, dict[int, WechatFollower]]:
    """Who follows which official account; of a merged person's sides the one that was heard of last."""
    asked_by = _sides({row.person_id for row in rows if row.person_id is not None})
    found: dict[int, dict[int, WechatFollower]] = defaultdict(dict)
    following = WechatFollower.objects.filter(person_id__in=sorted(asked_by), is_following=True)
    for follower in following.order_by("told_at", "id"):
        for person_id in asked_by[follower.person_id]:
            found[person_id][follower.account_id] = follower
    return found


def _persons(rows: Sequence[OutboundMessage], channel: str) -> set[int]:
    return {row.person_id for row in rows if row.channel == channel and row.person_id is not None}


def _sides(person_ids: Collection[int]) -> dict[int, list[int]]:
    """Every id by which these persons are known, with those of them that it means."""
    found: dict[int, list[int]] = defaultdict(list)
    for person_id, sides in customers.sides(sorted(person_ids)).items():
        for side in sides:
            found[side.person_id].append(person_id)
    return found


def _spent(today: dt.date) -> int:
    row = Spending.objects.filter(month=today.replace(day=1)).order_by("id").first()
    return row.cost if row else 0
