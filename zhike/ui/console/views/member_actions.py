"""What staff do to a member: each a dialog with one form, and one operation."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.utils.translation import gettext as _

from zhike.customers import operations as customers
from zhike.kernel.errors import NotFound, Problem
from zhike.loyalty import operations, queries
from zhike.loyalty.queries import MemberFile
from zhike.organization import queries as organization
from zhike.ui.components import formatting
from zhike.ui.components.staff import StaffRequest, staff_page
from zhike.ui.console.forms import members as member_forms
from zhike.ui.console.labels import IDENTIFIERS, PROFILE_FIELDS
from zhike.ui.console.once import OnceForm, run_once
from zhike.ui.console.pages import add_problem, fragment
from zhike.ui.console.pages import carry_out as _carry_out
from zhike.ui.console.views.adjustments import said
from zhike.ui.console.views.member import tab_url

VIEW = "members.view"


def _file(request: StaffRequest, member_id: int) -> MemberFile:
    return queries.member_file(request.viewer, member_id, request.now)


@staff_page("points.adjust")
def adjust(request: StaffRequest, member_id: int) -> HttpResponse:
    file = _file(request, member_id)
    form = member_forms.AdjustForm(request.POST or None)

    outcomes: list[operations.AdjustmentOutcome] = []

    def act() -> None:
        run_once(request, "adjust", form, lambda: outcomes.append(_adjust(request, member_id, form)))

    def success() -> str:
        return said(outcomes[0]) if outcomes else _("The points are corrected.")

    lead = _("%(name)s can spend %(points)s now.") % {
        "name": file.person.name,
        "points": formatting.points_text(file.balance - file.debt),
    }
    return _carry_out(
        request, form, act, success=success, url=tab_url(member_id, "points"),
        title=_("Adjust points"), lead=lead, label=_("Adjust"),
    )  # fmt: skip


def _adjust(
    request: StaffRequest, member_id: int, form: member_forms.AdjustForm
) -> operations.AdjustmentOutcome:
    values = form.cleaned_data
    part = operations.AdjustmentPart(member_id, values["points"], values["expires_on"])
    return operations.ask_adjustment(
        actor=request.viewer, parts=[part], reason=values["reason"], now=request.now
    )


@staff_page("points.redeem")
def redeem(request: StaffRequest, member_id: int) -> HttpResponse:
    file = _file(request, member_id)
    merchants = organization.merchants(request.viewer, file.mall_id, "points.redeem")
    form = member_forms.RedeemForm(request.POST or None, merchants=merchants)

    def act() -> None:
        values = {name: form.cleaned_data[name] for name in ("points", "merchant_id", "reference")}
        run_once(request, "redeem", form, lambda: _redeem(request, file, values))

    worth = queries.points_worth(member_id, None, request.now)
    rate = worth.terms.rate.as_list() if worth else [file.programme.redeem_points, file.programme.redeem_fen]
    lead = _("%(name)s can spend %(points)s; %(rate)s are worth %(amount)s.") % {
        "name": file.person.name,
        "points": formatting.points_text(file.balance),
        "rate": formatting.points_text(rate[0]),
        "amount": formatting.yuan(rate[1]),
    }
    return _carry_out(
        request, form, act, success=_("The points are redeemed."), url=tab_url(member_id, "points"),
        title=_("Redeem points"), lead=lead, label=_("Redeem"),
    )  # fmt: skip


def _redeem(request: StaffRequest, file: MemberFile, values: dict[str, Any]) -> None:
    operations.redeem_points(actor=request.viewer, member_id=file.member_id, now=request.now, **values)


@staff_page("points.redeem")
def reverse_redemption(request: StaffRequest, member_id: int, redemption_id: UUID) -> HttpResponse:
    _file(request, member_id)
    found = next(
        (
            one
            for one in queries.redemptions(request.viewer, member_id, limit=200)
            if one.redemption_id == redemption_id
        ),
        None,
    )
    if found is None or found.bought:
        raise NotFound
    form = member_forms.ReverseForm(request.POST or None, left=found.left)

    def act() -> None:
        values = {name: form.cleaned_data[name] for name in ("points", "reason")}
        run_once(request, "reverse", form, lambda: _reverse(request, redemption_id, values))

    return _carry_out(
        request, form, act, success=_("The points are back where they came from."), url=tab_url(member_id, "points"),
        title=_("Reverse the redemption"), label=_("Give back"),
    )  # fmt: skip


@staff_page("points.redeem")
def release_hold(request: StaffRequest, member_id: int, hold_id: UUID) -> HttpResponse:
    file = _file(request, member_id)
    found = next((one for one in file.holds if one.hold_id == hold_id), None)
    if found is None:
        raise NotFound
    form = OnceForm(request.POST or None)

    def act() -> None:
        run_once(request, "release", form, lambda: _release(request, member_id, hold_id))

    lead = _(
        "%(points)s go back to the lots they came from; a till that still waits for them will be refused."
    ) % {"points": formatting.points_text(found.points)}
    return _carry_out(
        request, form, act, success=_("The points are back where they came from."), url=tab_url(member_id, "points"),
        title=_("Give points set aside back"), lead=lead, label=_("Give back"),
    )  # fmt: skip


def _release(request: StaffRequest, member_id: int, hold_id: UUID) -> None:
    operations.release_hold(actor=request.viewer, hold_id=hold_id, member_id=member_id, now=request.now)


def _reverse(request: StaffRequest, redemption_id: UUID, values: dict[str, Any]) -> None:
    operations.reverse_redemption(
        actor=request.viewer, redemption_id=redemption_id, now=request.now, **values
    )


@staff_page("members.edit")
def edit_profile(request: StaffRequest, member_id: int) -> HttpResponse:
    person = _file(request, member_id).person
    initial = {
        "name": person.name,
        "sex": person.sex,
        "birthday_calendar": person.celebrates,
        "occupation": person.occupation,
        "language": person.language,
    }
    form = member_forms.ProfileForm(
        request.POST or None,
        initial=initial,
        may_change_identity=request.viewer.may("members.identity"),
        masked={"birthday": person.masked_birthday, "address": "******" if person.has_address else ""},
    )

    def act() -> None:
        reason = form.cleaned_data["reason"]
        customers.update_profile(
            actor=request.viewer, person_id=person.id, changes=form.changes, reason=reason, now=request.now
        )

    return _carry_out(
        request, form, act, success=_("The profile is saved."), url=tab_url(member_id, "profile"),
        title=_("Edit profile"), wide=True,
    )  # fmt: skip


@staff_page("members.edit")
def set_status(request: StaffRequest, member_id: int, status: str) -> HttpResponse:
    titles = {
        "frozen": (_("Freeze the membership"), _("Freeze"), _("The membership is frozen.")),
        "active": (_("Reopen the membership"), _("Reopen"), _("The membership is open again.")),
        "closed": (_("Close the membership"), _("Close"), _("The membership is closed.")),
    }
    if status not in titles:
        raise NotFound
    _file(request, member_id)
    form = member_forms.StatusForm(request.POST or None)

    def act() -> None:
        reason = form.cleaned_data["reason"]
        operations.set_member_status(
            actor=request.viewer, member_id=member_id, status=status, reason=reason, now=request.now
        )

    title, label, success = titles[status]
    lead = (
        _("Points stay; nothing is earned or spent until the membership is open.")
        if status != "active"
        else ""
    )
    return _carry_out(
        request,
        form,
        act,
        success=success,
        url=tab_url(member_id, "overview"),
        title=title,
        label=label,
        lead=lead,
    )


@staff_page("members.edit")
def replace_card(request: StaffRequest, member_id: int) -> HttpResponse:
    file = _file(request, member_id)
    form = member_forms.CardForm(request.POST or None)

    def act() -> None:
        reason = form.cleaned_data["reason"]
        run_once(request, "card", form, lambda: _replace_card(request, member_id, reason))

    lead = _("The card %(number)s stops working at once; points and tier stay.") % {"number": file.number}
    return _carry_out(
        request, form, act, success=_("A new card is issued."), url=tab_url(member_id, "profile"),
        title=_("Issue a new card"), lead=lead, label=_("Issue"),
    )  # fmt: skip


def _replace_card(request: StaffRequest, member_id: int, reason: str) -> None:
    operations.replace_card(actor=request.viewer, member_id=member_id, reason=reason, now=request.now)


@staff_page("members.identity")
def add_identifier(request: StaffRequest, member_id: int) -> HttpResponse:
    person = _file(request, member_id).person
    form = member_forms.IdentifierForm(request.POST or None)

    def act() -> None:
        new = customers.NewIdentifier(form.cleaned_data["kind"], form.cleaned_data["value"])
        customers.add_identifier(
            actor=request.viewer,
            person_id=person.id,
            identifier=new,
            reason=form.cleaned_data["reason"],
            now=request.now,
        )

    return _carry_out(
        request, form, act, success=_("The identifier is added."), url=tab_url(member_id, "profile"),
        title=_("Add an identifier"), label=_("Add"),
    )  # fmt: skip


@staff_page("members.identity")
def retire_identifier(request: StaffRequest, member_id: int, identifier_id: int) -> HttpResponse:
    person = _file(request, member_id).person
    found = next((one for one in person.identifiers if one.id == identifier_id), None)
    if found is None:
        raise NotFound
    form = member_forms.RetireForm(request.POST or None)

    def act() -> None:
        customers.retire_identifier(
            actor=request.viewer,
            person_id=person.id,
            identifier_id=identifier_id,
            reason=form.cleaned_data["reason"],
            now=request.now,
        )

    lead = _("%(kind)s %(masked)s no longer finds this member.") % {
        "kind": IDENTIFIERS.get(found.kind, found.kind),
        "masked": found.masked,
    }
    return _carry_out(
        request, form, act, success=_("The identifier is retired."), url=tab_url(member_id, "profile"),
        title=_("Retire an identifier"), lead=lead, label=_("Retire"),
    )  # fmt: skip


@staff_page("members.reveal")
def reveal(request: StaffRequest, member_id: int, what: str) -> HttpResponse:
    """Asks for the reason, then shows the value in the same dialog; closing it hides the value again."""
    person = _file(request, member_id).person
    form = member_forms.RevealForm(request.POST or None)
    title = str(_label_of(person, what))
    if request.method == "POST" and form.is_valid():
        try:
            reason = form.cleaned_data["reason"]
            value = customers.reveal(
                actor=request.viewer, person_id=person.id, what=what, reason=reason, now=request.now
            )
        except Problem as problem:
            add_problem(form, problem)
        else:
            return fragment(request, "console/members/_revealed.html", {"title": title, "value": value})
    context = {"form": form, "title": title, "action": request.path, "label": _("Show")}
    return fragment(request, "console/_form_dialog.html", context, status=422 if form.is_bound else 200)


def _label_of(person: Any, what: str) -> Any:
    kind, _colon, number = what.partition(":")
    if kind == "identifier":
        found = next((one for one in person.identifiers if str(one.id) == number), None)
        kind = found.kind if found else kind
    return IDENTIFIERS.get(kind) or PROFILE_FIELDS.get(kind, kind)
