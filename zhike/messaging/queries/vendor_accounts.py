"""Vendors, and the accounts that a group has with them."""

from __future__ import annotations

import datetime as dt
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass

from django.conf import settings
from django.utils.crypto import salted_hmac
from django.utils.module_loading import import_string

from zhike.kernel import crypto
from zhike.kernel.access import Viewer, require_touch
from zhike.kernel.errors import NotFound
from zhike.messaging.models import ChannelAccount
from zhike.messaging.ports import Account, Gateway
from zhike.messaging.queries.sent import SECRET_FIELD

MANAGE = "channels.manage"
CHANNELS = ("sms", "email", "push", "wechat", "mini", "wecom", "inbox")
"""What can carry a message; the inbox of the member app is our own and needs no vendor."""


@dataclass(frozen=True, slots=True)
class AccountView:
    """``callback_token`` is the secret part of the addresses that the vendor calls. Secrets are only said to be there."""

    id: int
    vendor: str
    vendor_name: str
    channel: str
    name: str
    settings: Mapping[str, str]
    kept_secrets: tuple[str, ...]
    price: int
    position: int
    is_active: bool
    paused_until: dt.datetime | None
    callback_token: str


def gateways() -> dict[str, Gateway]:
    """The vendors this installation knows, by name."""
    found: dict[str, Gateway] = import_string(settings.MESSAGE_GATEWAYS)()
    return found


def gateway(vendor: str) -> Gateway:
    """Raises NotFound."""
    found = gateways().get(vendor)
    if found is None:
        raise NotFound
    return found


def accounts(viewer: Viewer) -> list[AccountView]:
    """In the order in which they are tried. Raises NotAllowed."""
    require_touch(viewer, MANAGE)
    return [_view(row) for row in ChannelAccount.objects.order_by("channel", "position", "id")]


def account(viewer: Viewer, account_id: int) -> AccountView:
    """Raises NotAllowed, NotFound."""
    require_touch(viewer, MANAGE)
    row = ChannelAccount.objects.filter(pk=account_id).first()
    if row is None:
        raise NotFound
    return _view(row)


def account_of_callback(vendor: str, account_id: int, token: str) -> Account:
    """The account that a vendor's call is about. Raises NotFound for any that does not know the token."""
    row = ChannelAccount.objects.filter(pk=account_id, vendor=vendor).first()
    if row is None or not hmac.compare_digest(callback_token(row.pk).encode(), token.encode()):
        raise NotFound
    return opened(row)


def account_for_lines(account_id: int) -> Account:
    """An account with its secrets, for a context whose conversations go through it. Raises NotFound."""
    row = ChannelAccount.objects.filter(pk=account_id).first()
    if row is None:
        raise NotFound
    return opened(row)


def accounts_of_vendor(vendor: str) -> list[tuple[int, str]]:
    """(id, name) of the accounts in use with a vendor, in their order."""
    rows = ChannelAccount.objects.filter(vendor=vendor, is_active=True).order_by("position", "id")
    return list(rows.values_list("id", "name"))


def callback_token(account_id: int) -> str:
    """Unguessable and always the same; vendors that sign nothing are known by it."""
    return salted_hmac("zhike.messaging.callback", str(account_id), algorithm="sha256").hexdigest()[:40]


def opened(row: ChannelAccount) -> Account:
    """An account with its secrets, for the vendor's client only."""
    secrets: dict[str, str] = json.loads(
        crypto.decrypt(bytes(row.secret), field=SECRET_FIELD, row=row.pk) or "{}"
    )
    return Account(row.pk, row.settings, secrets)


def _view(row: ChannelAccount) -> AccountView:
    known = gateways().get(row.vendor)
    return AccountView(
        id=row.pk,
        vendor=row.vendor,
        vendor_name=known.name if known else row.vendor,
        channel=row.channel,
        name=row.name,
        settings=row.settings,
        kept_secrets=tuple(sorted(name for name, value in opened(row).secrets.items() if value)),
        price=row.price,
        position=row.position,
        is_active=row.is_active,
        paused_until=row.paused_until,
        callback_token=callback_token(row.pk),
    )
