"""The household of a member: who shares, what the pool holds and what became of it; disputes are settled here."""

from __future__ import annotations

from django import forms
from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from zhike.kernel.errors import Problem
from zhike.loyalty import operations, queries
from zhike.ui.components.staff import StaffRequest, staff_page
from zhike.ui.console.pages import add_problem, done, page, permissions

VIEW, EDIT = "members.view", "members.edit"


class VerdictForm(forms.Form):
    dispute_id = forms.IntegerField(widget=forms.HiddenInput)
    verdict = forms.CharField(
        max_length=500, label=gettext_lazy("How it was settled"), widget=forms.Textarea(attrs={"rows": 2})
    )


@staff_page(VIEW)
def household(request: StaffRequest, member_id: int) -> HttpResponse:
    file = queries.member_file(request.viewer, member_id, request.now)
    found = queries.household_of(request.viewer, member_id)
    open_one = next((one for one in found.disputes if one.settled_at is None), None) if found else None
    form = VerdictForm(request.POST or None, initial={"dispute_id": open_one.id if open_one else None})
    if request.method == "POST" and form.is_valid():
        try:
            operations.settle_dispute(
                actor=request.viewer,
                dispute_id=form.cleaned_data["dispute_id"],
                verdict=form.cleaned_data["verdict"],
                now=request.now,
            )
        except Problem as problem:
            add_problem(form, problem)
        else:
            where = reverse("console:household", args=[member_id])
            return done(request, _("Settled; the pool can be spent from again."), where)
    context = {
        "file": file,
        "household": found,
        "dispute": open_one,
        "form": form,
        "may": permissions(request, edit=EDIT),
    }
    status = 422 if form.is_bound and form.errors else 200
    return page(request, "console/members/household.html", context, section="members", status=status)
