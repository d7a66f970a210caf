"""Accounts with vendors of messages: opened, changed, tried out. Secrets are never shown."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters

from zhike.kernel.errors import Problem
from zhike.messaging import operations, queries
from zhike.organization import queries as organization
from zhike.ui.components.staff import StaffRequest, staff_page
from zhike.ui.console.forms.messaging import FIELD_PREFIX, AccountForm, TestForm
from zhike.ui.console.pages import add_problem, done, fragment, page

MANAGE = "channels.manage"


@staff_page(MANAGE)
def channels(request: StaffRequest) -> HttpResponse:
    gateways = queries.gateways()
    rows = []
    for account in queries.accounts(request.viewer):
        fields = gateways[account.vendor].fields if account.vendor in gateways else ()
        rows.append(
            {
                "account": account,
                "callbacks": _callbacks(account),
                "settings": [(field.label, account.settings.get(field.name, "")) for field in fields],
                "followers": (
                    queries.follower_count(request.viewer, account.id)
                    if account.channel == "wechat"
                    else None
                ),
                "push": queries.push_state(request.viewer, account.id),
                "secrets": [field.label for field in fields if field.name in account.kept_secrets],
            }
        )
    context = {"rows": rows, "vendors": list(gateways.values())}
    return page(request, "console/messaging/channels.html", context, section="channels")


def _callbacks(account: queries.AccountView) -> list[tuple[str, str]]:
    """The addresses to enter at the vendor; none where it calls nobody."""
    found = []
    for name, label in (("reports", _("Delivery reports")), ("replies", _("Replies"))):
        try:
            path = reverse(f"{account.vendor}_{name}", args=[account.id, account.callback_token])
        except NoReverseMatch:
            continue
        found.append((label, settings.PUBLIC_URL + path))
    return found


@sensitive_post_parameters()
@staff_page(MANAGE)
def new_channel(request: StaffRequest, vendor: str) -> HttpResponse:
    gateway = queries.gateway(vendor)
    form = AccountForm(request.POST or None, vendor=vendor, initial={"name": gateway.name, "price": 0})
    return _edit(request, form, vendor, None)


@sensitive_post_parameters()
@staff_page(MANAGE)
def channel(request: StaffRequest, account_id: int) -> HttpResponse:
    known = queries.account(request.viewer, account_id)
    initial: dict[str, Any] = {
        "name": known.name,
        "price": known.price,
        "position": known.position,
        "is_active": known.is_active,
    }
    initial |= {FIELD_PREFIX + name: value for name, value in known.settings.items()}
    form = AccountForm(request.POST or None, vendor=known.vendor, known=known, initial=initial)
    return _edit(request, form, known.vendor, known)


def _edit(
    request: StaffRequest, form: AccountForm, vendor: str, known: queries.AccountView | None
) -> HttpResponse:
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            operations.save_account(
                actor=request.viewer,
                account_id=known.id if known else None,
                group_id=organization.default_group().id,
                vendor=vendor,
                name=data["name"],
                values=form.values,
                price=data["price"],
                position=data["position"],
                is_active=data["is_active"],
                now=request.now,
            )
        except Problem as problem:
            add_problem(form, problem)
        else:
            return done(request, _("The account is saved."), reverse("console:channels"))
    context = {"form": form, "vendor": queries.gateway(vendor), "known": known}
    return page(request, "console/messaging/channel_form.html", context, section="channels")


@staff_page(MANAGE)
def test_channel(request: StaffRequest, account_id: int) -> HttpResponse:
    """A dialog: one message through this account, with what the vendor says of it."""
    known = queries.account(request.viewer, account_id)
    form = TestForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            sent = operations.send_test(
                actor=request.viewer, account_id=known.id, to=form.cleaned_data["to"], now=request.now
            )
        except Problem as problem:
            add_problem(form, problem)
        else:
            sentence = _("The vendor took the test message to %(to)s.") % {"to": sent.masked}
            return done(request, sentence, reverse("console:channels"))
    context = {
        "form": form,
        "title": _("Send a test through %(name)s") % {"name": known.name},
        "lead": _("It says that the code is 000000, which opens nothing, and costs what a message costs."),
        "label": _("Send"),
        "action": request.path,
    }
    return fragment(request, "console/_form_dialog.html", context, status=422 if form.is_bound else 200)
