"""What campaigns and journeys share: steps that need no words, and drafts made with one click."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from zhike.kernel.errors import NotFound, Problem
from zhike.organization import queries as organization
from zhike.ui.components.staff import StaffRequest
from zhike.ui.console.pages import done, malls_of, refused

Steps = Mapping[str, tuple[Callable[..., Any], Any]]
"""By the step's name in the address: the operation, and what is said when it is done."""


def take(request: StaffRequest, steps: Steps, name: str, url: str, **of: int) -> HttpResponse:
    """Take a step. The operation decides who may take it. Raises NotFound when there is no such step."""
    if name not in steps:
        raise NotFound
    operation, sentence = steps[name]
    try:
        operation(actor=request.viewer, now=request.now, **of)
    except Problem as problem:
        return refused(request, problem, url)
    return done(request, str(sentence), url)


def draft(request: StaffRequest, make: Callable[..., int], code: str, one: str, several: str) -> HttpResponse:
    """A whole draft made by ``make`` from what ``code`` names; then its page (address ``one``), to be looked over."""
    try:
        made = make(
            actor=request.viewer,
            group_id=organization.default_group().id,
            code=code,
            mall_id=malls_of(request).chosen_id,
            now=request.now,
        )
    except Problem as problem:
        return refused(request, problem, reverse(several))
    return done(request, _("A draft was made. Everything in it can be changed."), reverse(one, args=[made]))
