"""Wordings as they stand: versions, approvals here and at the vendors."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings

from zhike.customers import queries as customers
from zhike.kernel.access import Viewer, require
from zhike.kernel.errors import NotFound
from zhike.messaging.models import ChannelAccount, MessageTemplate, TemplateVersion, VendorTemplate
from zhike.messaging.queries.vendor_accounts import gateways
from zhike.messaging.rules import wording
from zhike.organization import queries as organization

VIEW = "messages.view"


@dataclass(frozen=True, slots=True)
class Wording:
    """One approved version."""

    id: int
    template_id: int
    code: str
    kind: str
    channel: str
    language: str
    title: str
    body: str


@dataclass(frozen=True, slots=True)
class VendorState:
    """What one account of the channel says of a version: its number and state, and what its rules object to."""

    account_id: int
    account_name: str
    vendor: str
    vendor_code: str
    state: str
    note: str
    faults: tuple[str, ...]
    length: wording.Length


@dataclass(frozen=True, slots=True)
class VersionView:
    id: int
    template_id: int
    channel: str
    language: str
    number: int
    title: str
    body: str
    state: str
    author: str
    created_at: dt.datetime
    approved_by: str
    approved_at: dt.datetime | None
    variables: tuple[str, ...]
    faults: tuple[str, ...]
    vendors: tuple[VendorState, ...]


@dataclass(frozen=True, slots=True)
class TemplateView:
    """``approved`` lists (channel, language) that can be sent today."""

    id: int
    code: str
    name: str
    kind: str
    fallback: tuple[str, ...]
    approved: tuple[tuple[str, str], ...]
    drafts: int


def signature() -> str:
    """Whom a message comes from, as it stands in front of it."""
    try:
        return organization.default_group().name
    except NotFound:
        return "Zhike"


def approved_wording(code: str, channel: str, language: str) -> Wording | None:
    """The wording in the nearest language, or None when none is approved for the channel."""
    found = wordings(code).get(channel, {})
    best = wording.best_language(language, list(found), settings.LANGUAGE_CODE)
    return found[best] if best else None


def wordings(code: str) -> dict[str, dict[str, Wording]]:
    """Every approved wording of a template, by channel and language."""
    rows = TemplateVersion.objects.filter(
        template__code=code, state=TemplateVersion.State.APPROVED
    ).select_related("template")
    found: dict[str, dict[str, Wording]] = defaultdict(dict)
    for row in rows.order_by("id"):
        found[row.channel][row.language] = Wording(
            row.pk,
            row.template_id,
            row.template.code,
            row.template.kind,
            row.channel,
            row.language,
            row.title,
            row.body,
        )
    return found


def values_said(code: str) -> set[str] | None:
    """The names of the values that the approved wordings of a template say; None when none is approved."""
    found = wordings(code)
    if not found:
        return None
    return {
        name
        for offered in found.values()
        for one in offered.values()
        for name in wording.variables(one.title + one.body)
    }


def told_wording(vendor: str, vendor_code: str) -> str | None:
    """The wording that a vendor knows under this number, for its emulator."""
    row = VendorTemplate.objects.filter(account__vendor=vendor, vendor_code=vendor_code).select_related(
        "version"
    )
    found = row.order_by("-id").first()
    return found.version.body if found else None


def templates(viewer: Viewer) -> list[TemplateView]:
    """All of them, by name. Raises NotAllowed."""
    require(viewer, VIEW)
    rows = MessageTemplate.objects.order_by("name", "id")
    versions: dict[int, list[TemplateVersion]] = defaultdict(list)
    for version in TemplateVersion.objects.exclude(state=TemplateVersion.State.RETIRED).defer("body"):
        versions[version.template_id].append(version)
    return [_template_view(row, versions[row.pk]) for row in rows]


def template(viewer: Viewer, template_id: int) -> TemplateView:
    """Raises NotAllowed, NotFound."""
    found = next((one for one in templates(viewer) if one.id == template_id), None)
    if found is None:
        raise NotFound
    return found


def versions(viewer: Viewer, template_id: int) -> list[VersionView]:
    """Drafts and approved ones first, then what they replaced; by channel and language. Raises NotAllowed, NotFound."""
    found = template(viewer, template_id)
    rows = TemplateVersion.objects.filter(template_id=found.id).order_by("channel", "language", "-number")
    accounts = list(ChannelAccount.objects.filter(is_active=True).order_by("position", "id"))
    told: dict[int, dict[int, VendorTemplate]] = defaultdict(dict)
    for one in VendorTemplate.objects.filter(version__template_id=found.id):
        told[one.version_id][one.account_id] = one
    order = {"draft": 0, "approved": 1, "retired": 2}
    views = [_version_view(row, found.kind, accounts, told[row.pk]) for row in rows]
    return sorted(views, key=lambda view: order[view.state])


def version(viewer: Viewer, version_id: int) -> VersionView:
    """Raises NotAllowed, NotFound."""
    require(viewer, VIEW)
    row = TemplateVersion.objects.filter(pk=version_id).first()
    if row is None:
        raise NotFound
    return next(view for view in versions(viewer, row.template_id) if view.id == version_id)


@dataclass(frozen=True, slots=True)
class Preview:
    """A wording as a member would read it, its length, what is wrong with it, and what each account would charge and refuse."""

    channel: str
    title: str
    text: str
    length: wording.Length
    faults: tuple[str, ...]
    unfilled: tuple[str, ...]
    costs: tuple[tuple[str, wording.Length, tuple[str, ...]], ...]
    reader: str


def preview(
    viewer: Viewer, template_id: int, *, channel: str, title: str, body: str, phone: str = ""
) -> Preview:
    """Nothing is kept. ``phone`` names the member to read as, within the viewer's scope. Raises NotAllowed, NotFound."""
    found = template(viewer, template_id)
    values = {} if not phone else _values_of(viewer, phone)
    text = wording.render(body, values)
    if channel == "sms":
        text = f"【{signature()}】{text}"
    known = gateways()
    accounts = ChannelAccount.objects.filter(is_active=True, channel=channel).order_by("position", "id")
    return Preview(
        channel=channel,
        title=wording.render(title, values),
        text=text,
        length=wording.length(text, 0),
        faults=tuple(wording.faults(body, channel, found.kind)) if body.strip() else (),
        unfilled=wording.missing(title + body, values),
        costs=tuple(
            (
                account.name,
                wording.length(text, account.price),
                tuple(known[account.vendor].lint(body, found.kind)) if account.vendor in known else (),
            )
            for account in accounts
        ),
        reader=values.get("name", ""),
    )


def _values_of(viewer: Viewer, phone: str) -> dict[str, str]:
    person_id = customers.person_id_by("phone", phone)
    if person_id is None or person_id not in customers.visible_ids([person_id], viewer, "members.view"):
        return {}
    return {"name": customers.contact_cards([person_id])[person_id].name}


def _template_view(row: MessageTemplate, versions: Sequence[TemplateVersion]) -> TemplateView:
    approved = sorted((v.channel, v.language) for v in versions if v.state == TemplateVersion.State.APPROVED)
    drafts = sum(v.state == TemplateVersion.State.DRAFT for v in versions)
    return TemplateView(row.pk, row.code, row.name, row.kind, tuple(row.fallback), tuple(approved), drafts)


def _version_view(
    row: TemplateVersion, kind: str, accounts: Sequence[ChannelAccount], told: dict[int, VendorTemplate]
) -> VersionView:
    return VersionView(
        id=row.pk,
        template_id=row.template_id,
        channel=row.channel,
        language=row.language,
        number=row.number,
        title=row.title,
        body=row.body,
        state=row.state,
        author=row.author,
        created_at=row.created_at,
        approved_by=row.approved_by,
        approved_at=row.approved_at,
        variables=wording.variables(row.title + row.body),
        faults=tuple(wording.faults(row.body, row.channel, kind)),
        vendors=tuple(
            _vendor_state(account, row, kind, told.get(account.pk))
            for account in accounts
            if account.channel == row.channel
        ),
    )


def _vendor_state(
    account: ChannelAccount, row: TemplateVersion, kind: str, told: VendorTemplate | None
) -> VendorState:
    known = gateways().get(account.vendor)
    needs = known is not None and known.needs_template
    text = f"【{signature()}】{row.body}" if row.channel == "sms" else row.body
    return VendorState(
        account_id=account.pk,
        account_name=account.name,
        vendor=account.vendor,
        vendor_code=told.vendor_code if told else "",
        state=told.state if told else ("unknown" if needs else "not_needed"),
        note=told.note if told else "",
        faults=tuple(known.lint(row.body, kind)) if known else (),
        length=wording.length(text, account.price),
    )
