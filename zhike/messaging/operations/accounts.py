"""Accounts with vendors. Their secrets go in and never come out again."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass

from django.conf import settings
from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from zhike.customers import queries as customers
from zhike.kernel import audit, crypto, events
from zhike.kernel.access import Viewer, require_touch
from zhike.kernel.errors import Conflict, Invalid, NotFound
from zhike.kernel.ids import uuid7
from zhike.messaging import ports
from zhike.messaging.events import ChannelAccountChanged
from zhike.messaging.models import ChannelAccount, PushDevice, StaffContact, VendorTemplate, WechatFollower
from zhike.messaging.operations._contacts import opened_outside
from zhike.messaging.operations._devices import opened_device, opened_openid
from zhike.messaging.operations.templates import ensure_built_in
from zhike.messaging.queries import vendor_accounts as queries
from zhike.messaging.queries import wordings
from zhike.messaging.queries.sent import SECRET_FIELD
from zhike.messaging.rules import wording

MANAGE = queries.MANAGE


class AccountIncomplete(Invalid):
    code = "channel-account-incomplete"
    title = _("The vendor needs more than this.")


class AccountNameTaken(Conflict):
    code = "channel-account-name-taken"
    title = _("There is another account of this name.")


class TestRefused(Invalid):
    code = "channel-test-refused"
    title = _("The vendor did not take the test message: %(reason)s")


class TestUnsure(Invalid):
    code = "channel-test-unsure"
    title = _("The vendor did not answer. Look into its own list before you try again.")


@dataclass(frozen=True, slots=True)
class TestSent:
    reference: str
    masked: str


def save_account(
    *,
    actor: Viewer,
    account_id: int | None,
    group_id: int,
    vendor: str,
    name: str,
    values: Mapping[str, str],
    price: int,
    position: int,
    is_active: bool,
    now: dt.datetime,
) -> int:
    """The account's id. ``values`` by the names of the vendor's fields; an empty secret keeps the one that is there.

    ``price`` is fen for a thousand parts. Raises NotAllowed, NotFound, AccountIncomplete, AccountNameTaken.
    """
    require_touch(actor, MANAGE)
    gateway = queries.gateway(vendor)
    with transaction.atomic():
        row = None
        if account_id is not None:
            row = ChannelAccount.objects.select_for_update().filter(pk=account_id, vendor=vendor).first()
            if row is None:
                raise NotFound
        plain, secrets = _split(gateway, values, dict(queries.opened(row).secrets) if row else {})
        if ChannelAccount.objects.filter(group_id=group_id, name=name).exclude(pk=account_id or 0).exists():
            raise AccountNameTaken(fields={"name": [AccountNameTaken.title]})
        pk = row.pk if row else _next_id()
        kept = {
            "vendor": vendor,
            "channel": gateway.channel,
            "name": name,
            "settings": plain,
            "secret": crypto.encrypt(json.dumps(secrets), field=SECRET_FIELD, row=pk),
            "price": price,
            "position": position,
            "is_active": is_active,
            "updated_at": now,
        }
        if row is None:
            ChannelAccount.objects.create(pk=pk, group_id=group_id, created_at=now, **kept)
        else:
            ChannelAccount.objects.filter(pk=pk).update(**kept)
        after = {"vendor": vendor, "name": name, "active": is_active, "settings": plain, "price": price}
        audit.record(
            actor=actor, action="channel_account.save", subject=("channel_account", pk), after=after, now=now
        )
        events.publish(ChannelAccountChanged(pk, vendor, is_active), actor=actor, now=now)
        ensure_built_in(actor, group_id, gateway.channel, now)
    return pk


def send_test(*, actor: Viewer, account_id: int, to: str, now: dt.datetime) -> TestSent:
    """Send the wording of one-time codes, with a code that opens nothing, through this account and no gate but it.

    A notification goes to the browsers of the member whose phone ``to`` is, and says that it is a test. The vendor is called
    outside any transaction, after the intent is in the audit trail.
    Raises NotAllowed, NotFound, AccountIncomplete, TestRefused, TestUnsure.
    """
    require_touch(actor, MANAGE)
    row = ChannelAccount.objects.filter(pk=account_id).first()
    if row is None:
        raise NotFound
    gateway = queries.gateway(row.vendor)
    kind = "email" if row.channel == "email" else "phone"
    normal = customers.normalised(kind, to)
    if normal is None:
        raise AccountIncomplete(fields={"to": [_("This is no address for this channel.")]})
    subject = ("channel_account", row.pk)
    after = {"to": customers.masked(kind, normal)}
    with transaction.atomic():
        audit.record(actor=actor, action="channel_account.test", subject=subject, after=after, now=now)
    letter = _TESTS.get(row.channel, _test_letter)(actor, row, gateway, normal)
    try:
        [answer] = gateway.send(queries.opened(row), uuid7().hex, [letter])
    except ports.Refused as problem:
        raise TestRefused(reason=problem.text or problem.code) from problem
    except ports.TryLater as problem:
        raise TestRefused(reason=problem.code) from problem
    except ports.Unsure as problem:
        raise TestUnsure from problem
    if not answer.is_taken:
        raise TestRefused(reason=answer.text or answer.code)
    return TestSent(answer.reference, after["to"])


def _test_notice(actor: Viewer, row: ChannelAccount, gateway: ports.Gateway, phone: str) -> ports.Letter:
    """To the browsers of the member with this phone, within the actor's scope."""
    devices = PushDevice.objects.filter(account_id=row.pk, person_id__in=_seen_by_phone(actor, phone))
    found = tuple(map(opened_device, devices.order_by("id")))
    if not found:
        raise AccountIncomplete(fields={"to": [_("This member asked for notifications in no browser.")]})
    return ports.Letter(
        message_id=0,
        to="",
        title=wordings.signature(),
        text=str(_("This is a test of notifications.")),
        kind="service",
        seconds=600,
        path="/m/",
        devices=found,
    )


def _test_wechat(actor: Viewer, row: ChannelAccount, gateway: ports.Gateway, phone: str) -> ports.Letter:
    """In a wording that the account may send, with dashes for its values, to the member with this phone who follows it."""
    followers = WechatFollower.objects.filter(
        account_id=row.pk, person_id__in=_seen_by_phone(actor, phone), is_following=True
    )
    follower = followers.order_by("-told_at", "-id").first()
    if follower is None:
        raise AccountIncomplete(fields={"to": [_("This member does not follow the account.")]})
    told = VendorTemplate.objects.filter(account_id=row.pk, state="approved").select_related("version")
    found = told.order_by("-id").first()
    if found is None:
        raise AccountIncomplete(
            fields={"to": [_("Give a wording its number at this account first, and approve it.")]}
        )
    values = dict.fromkeys(wording.variables(found.version.body), "0")
    text = wording.render(found.version.body, values)
    return ports.Letter(0, opened_openid(follower), text, template=found.vendor_code, kind="service")


def _test_wecom(actor: Viewer, row: ChannelAccount, gateway: ports.Gateway, phone: str) -> ports.Letter:
    """To the member with this phone, through who of us they have as a contact; it goes when that one confirms it."""
    contacts = StaffContact.objects.filter(
        binding__account_id=row.pk,
        binding__ended_at=None,
        person_id__in=_seen_by_phone(actor, phone),
        state="linked",
    )
    contact = contacts.select_related("binding").order_by("-began_at", "-id").first()
    if contact is None:
        raise AccountIncomplete(fields={"to": [_("This member has none of us as a contact.")]})
    text = str(_("This is a test message. You need not answer."))
    return ports.Letter(0, opened_outside(contact), text, kind="service", sender=contact.binding.userid)


def _test_mini(actor: Viewer, row: ChannelAccount, gateway: ports.Gateway, phone: str) -> ports.Letter:
    raise AccountIncomplete(
        fields={
            "to": [_("A test would use up an acceptance of the member, so there is none on this channel.")]
        }
    )


def _seen_by_phone(actor: Viewer, phone: str) -> list[int]:
    """Every side of the member with this phone, if the actor may see them."""
    person_id = customers.person_id_by("phone", phone)
    if person_id is None or person_id not in customers.visible_ids([person_id], actor, MANAGE):
        return []
    return list(customers.family(person_id))


def _test_letter(actor: Viewer, row: ChannelAccount, gateway: ports.Gateway, to: str) -> ports.Letter:
    values = {"code": "000000", "minutes": "10"}
    found = wordings.approved_wording("one_time_code", row.channel, settings.LANGUAGE_CODE)
    if found is None:
        raise AccountIncomplete
    told = VendorTemplate.objects.filter(version_id=found.id, account_id=row.pk).first()
    if gateway.needs_template and told is None:
        raise AccountIncomplete(
            fields={
                "to": [
                    _("Give the wording “%(name)s” its number at the vendor first.") % {"name": found.code}
                ]
            }
        )
    return ports.Letter(
        message_id=0,
        to=to,
        text=f"【{wordings.signature()}】" + wording.render(found.body, values),
        title=found.title,
        template=told.vendor_code if told else "",
        values=wording.ordered(found.body, values),
    )


_TESTS = {"push": _test_notice, "wechat": _test_wechat, "wecom": _test_wecom, "mini": _test_mini}


def _split(
    gateway: ports.Gateway, values: Mapping[str, str], kept: dict[str, str]
) -> tuple[dict[str, str], dict[str, str]]:
    plain: dict[str, str] = {}
    missing = {}
    for field in gateway.fields:
        value = values.get(field.name, "").strip()
        if field.is_secret:
            kept[field.name] = value or kept.get(field.name, "") or (field.make() if field.make else "")
        else:
            plain[field.name] = value or field.default
        if field.is_required and not (kept if field.is_secret else plain)[field.name]:
            missing[field.name] = [_("The vendor needs this.")]
        elif value and field.is_usable is not None and not field.is_usable(value):
            missing[field.name] = [_("This cannot be right.")]
    if missing:
        raise AccountIncomplete(fields=missing)
    names = {field.name for field in gateway.fields if field.is_secret}
    return plain, {name: value for name, value in kept.items() if name in names}


def _next_id() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence('messaging_channelaccount', 'id'))")
        return int(cursor.fetchone()[0])
