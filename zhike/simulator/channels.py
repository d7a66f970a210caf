"""The demonstration's way to the outside: an emulated vendor, wordings, and when we write."""

from __future__ import annotations

import datetime as dt

from zhike.kernel.access import system_viewer
from zhike.messaging import operations, queries
from zhike.organization import queries as organization

ACTOR = system_viewer("simulator")
NAME = "阿里云短信（演示）"


def open_demo_channels(emulator: str, now: dt.datetime) -> None:
    """Called at every start: the emulator's address changes, the rest stays."""
    known = next((one for one in queries.accounts(ACTOR) if one.name == NAME), None)
    account_id = operations.save_account(
        actor=ACTOR,
        account_id=known.id if known else None,
        group_id=organization.default_group().id,
        vendor="aliyun_sms",
        name=NAME,
        values={
            "key_id": "demo-key",
            "key_secret": "demo-secret",
            "sign_name": organization.default_group().name,
            "endpoint": emulator,
        },
        price=4_500,
        position=0,
        is_active=True,
        now=now,
    )
    if known is None:
        _tell(account_id, now)


def _tell(account_id: int, now: dt.datetime) -> None:
    """The vendor's numbers of all wordings for text messages."""
    for template in queries.templates(ACTOR):
        for version in queries.versions(ACTOR, template.id):
            if version.channel == "sms" and version.state == "approved":
                operations.tell_vendor(
                    actor=ACTOR,
                    version_id=version.id,
                    account_id=account_id,
                    vendor_code=f"SMS_{100_000 + version.id}",
                    state="approved",
                    now=now,
                )
