"""Wordings: written, approved, told to vendors. What was approved is never edited, only replaced."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence

from django.conf import settings
from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext_lazy as _

from zhike.kernel import audit, events
from zhike.kernel.access import Viewer, require_touch
from zhike.kernel.errors import Conflict, Invalid, NotFound
from zhike.messaging.events import TemplateChanged
from zhike.messaging.models import ChannelAccount, MessageTemplate, TemplateVersion, VendorTemplate
from zhike.messaging.queries.vendor_accounts import CHANNELS
from zhike.messaging.rules import wording

EDIT = "templates.edit"
LANGUAGES = tuple(code for code, _name in settings.LANGUAGES)
_CODE = re.compile(r"[a-z][a-z0-9_]{1,59}")
UNTITLED = ("sms", "wechat", "mini", "wecom")
ONE_TIME_CODE = "one_time_code"

FAULTS = {
    "empty": _("The wording is empty."),
    "malformed_variable": _("A value is written ${name}, with small letters, digits and underscores."),
    "too_long": _("A text message has at most 500 characters."),
    "signature_in_text": _("The signature is put in front by itself; leave 【】 out."),
    "no_way_to_refuse": _("Offers by text message must end with “拒收请回复R”."),
}


class TemplateUnusable(Invalid):
    code = "message-template-unusable"
    title = _("The template cannot be kept like this.")


class TemplateCodeTaken(Conflict):
    code = "message-template-code-taken"
    title = _("There is another template with this code.")


class NotADraft(Conflict):
    code = "message-template-not-a-draft"
    title = _("Only a draft can be approved.")


def create_template(
    *,
    actor: Viewer,
    group_id: int,
    code: str,
    name: str,
    kind: str,
    fallback: Sequence[str],
    now: dt.datetime,
) -> int:
    """The template's id. ``fallback``: its channels in the order in which they are tried.

    Raises NotAllowed, TemplateUnusable, TemplateCodeTaken.
    """
    require_touch(actor, EDIT)
    if (
        not _CODE.fullmatch(code)
        or not name.strip()
        or kind not in MessageTemplate.Kind.values
        or not fallback
        or len(set(fallback)) != len(fallback)
        or not set(fallback) <= set(CHANNELS)
    ):
        raise TemplateUnusable
    with transaction.atomic():
        row, is_new = MessageTemplate.objects.get_or_create(
            group_id=group_id,
            code=code,
            defaults={"name": name.strip(), "kind": kind, "fallback": list(fallback), "created_at": now},
        )
        if not is_new:
            raise TemplateCodeTaken(fields={"code": [TemplateCodeTaken.title]})
        _note(actor, row.pk, 0, "create", {"code": code, "kind": kind, "channels": list(fallback)}, now)
    return row.pk


@transaction.atomic
def begin_inbox_template(
    *,
    actor: Viewer,
    group_id: int,
    code: str,
    name: str,
    wordings: Mapping[str, tuple[str, str]],
    now: dt.datetime,
) -> bool:
    """A service template for the member app's inbox with the wordings we begin with, (title, text) by language; False when
    there is one of this code: whoever runs the mall may have written others. Raises NotAllowed, TemplateUnusable."""
    try:
        template_id = create_template(
            actor=actor, group_id=group_id, code=code, name=name, kind="service", fallback=["inbox"], now=now
        )
    except TemplateCodeTaken:
        return False
    for language, (title, body) in wordings.items():
        version_id = write_version(
            actor=actor, template_id=template_id, channel="inbox", language=language, title=title, body=body, now=now
        )  # fmt: skip
        approve_version(actor=actor, version_id=version_id, now=now)
    return True


def write_version(
    *,
    actor: Viewer,
    template_id: int,
    channel: str,
    language: str,
    title: str = "",
    body: str,
    now: dt.datetime,
) -> int:
    """A new draft; its id. Raises NotAllowed, NotFound, TemplateUnusable with what is wrong at ``body``."""
    require_touch(actor, EDIT)
    with transaction.atomic():
        template = MessageTemplate.objects.select_for_update().filter(pk=template_id).first()
        if template is None:
            raise NotFound
        if channel not in template.fallback or language not in LANGUAGES:
            raise TemplateUnusable
        faults = wording.faults(body, channel, template.kind)
        if faults:
            raise TemplateUnusable(fields={"body": [FAULTS[fault] for fault in faults]})
        if channel not in UNTITLED and not title.strip():
            raise TemplateUnusable(fields={"title": [_("It needs a title.")]})
        return _write(actor, template, channel, language, title.strip(), body.strip(), now).pk


def approve_version(*, actor: Viewer, version_id: int, now: dt.datetime) -> None:
    """From now on this wording is sent; the one before it is retired. Raises NotAllowed, NotFound, NotADraft."""
    require_touch(actor, EDIT)
    with transaction.atomic():
        row = _locked(version_id)
        if row.state != TemplateVersion.State.DRAFT:
            raise NotADraft
        _approve(actor, row, now)


def tell_vendor(
    *,
    actor: Viewer,
    version_id: int,
    account_id: int,
    vendor_code: str,
    state: str,
    note: str = "",
    now: dt.datetime,
) -> None:
    """The number of a wording at a vendor, and whether the vendor approved it.

    Raises NotAllowed, NotFound, TemplateUnusable.
    """
    require_touch(actor, EDIT)
    if state not in VendorTemplate.State.values or not vendor_code.strip():
        raise TemplateUnusable
    with transaction.atomic():
        row = _locked(version_id)
        account = ChannelAccount.objects.filter(pk=account_id, channel=row.channel).first()
        if account is None:
            raise NotFound
        kept = {
            "vendor_code": vendor_code.strip()[:60],
            "state": state,
            "note": note.strip()[:200],
            "updated_at": now,
        }
        VendorTemplate.objects.update_or_create(version=row, account=account, defaults=kept)
        after = {"account": account.name, "vendor_code": kept["vendor_code"], "state": state}
        _note(actor, row.template_id, row.pk, "vendor", after, now)


def ensure_built_in(actor: Viewer, group_id: int, channel: str, now: dt.datetime) -> None:
    """In the open transaction: the wording of one-time codes for a channel, approved, unless somebody wrote one."""
    from zhike.messaging.operations.codes import built_in_wording

    if channel not in ("sms", "email"):
        return
    template, _new = MessageTemplate.objects.get_or_create(
        group_id=group_id,
        code=ONE_TIME_CODE,
        defaults={"name": "验证码", "kind": "code", "fallback": ["sms", "email"], "created_at": now},
    )
    for language in LANGUAGES:
        known = TemplateVersion.objects.filter(template=template, channel=channel, language=language)
        if not known.exists():
            title = "" if channel == "sms" else template.name
            row = _write(actor, template, channel, language, title, built_in_wording(language), now)
            _approve(actor, row, now)


def _write(
    actor: Viewer,
    template: MessageTemplate,
    channel: str,
    language: str,
    title: str,
    body: str,
    now: dt.datetime,
) -> TemplateVersion:
    same = TemplateVersion.objects.filter(template=template, channel=channel, language=language)
    number = (same.aggregate(newest=Max("number"))["newest"] or 0) + 1
    row = TemplateVersion.objects.create(
        template=template,
        channel=channel,
        language=language,
        number=number,
        title=title,
        body=body,
        author=actor.label[:80],
        created_at=now,
    )
    after = {"channel": channel, "language": language, "number": number}
    _note(actor, template.pk, row.pk, "write", after, now)
    return row


def _approve(actor: Viewer, row: TemplateVersion, now: dt.datetime) -> None:
    TemplateVersion.objects.filter(
        template_id=row.template_id,
        channel=row.channel,
        language=row.language,
        state=TemplateVersion.State.APPROVED,
    ).update(state=TemplateVersion.State.RETIRED)
    row.state, row.approved_by, row.approved_at = TemplateVersion.State.APPROVED, actor.label[:80], now
    row.save(update_fields=["state", "approved_by", "approved_at"])
    _note(actor, row.template_id, row.pk, "approve", {"number": row.number}, now)


def _locked(version_id: int) -> TemplateVersion:
    row = (
        TemplateVersion.objects.select_for_update(of=("self",))
        .select_related("template")
        .filter(pk=version_id)
        .first()
    )
    if row is None:
        raise NotFound
    return row


def _note(
    actor: Viewer, template_id: int, version_id: int, change: str, after: dict[str, object], now: dt.datetime
) -> None:
    subject = ("message_template", template_id)
    audit.record(actor=actor, action=f"message_template.{change}", subject=subject, after=after, now=now)
    events.publish(TemplateChanged(template_id, version_id, change), actor=actor, now=now)
