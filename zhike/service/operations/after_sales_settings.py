"""The terms of goods that come back: published in versions, never edited."""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from zhike.kernel import audit, events
from zhike.kernel.access import Viewer, require_touch
from zhike.kernel.errors import Invalid
from zhike.sales import queries as sales
from zhike.service.events import AfterSalesPublished
from zhike.service.models import AfterSalesPolicy
from zhike.service.operations import _after_sales_notices as notices
from zhike.service.operations.settings import MANAGE
from zhike.service.queries import after_sales as queries
from zhike.service.rules import after_sales as rules


class TermsInvalid(Invalid):
    code = "after-sales-terms-invalid"
    title = _("Row %(row)s: %(what)s")


TERMS_FAULTS = {
    "rows": _("there must be between 1 and 60 rows."),
    "amount": _("an amount lies between 0 and a million."),
    "any": _("one row must hold for all other goods."),
    "twice": _("it stands there twice."),
    "category": _("there is no such category of goods."),
    "days": _("a time has between 0 and 3,650 days."),
    "order": _("with a fault there cannot be less time than without one."),
    "key": _("there is no such tier or benefit."),
}


@transaction.atomic
def publish_after_sales(
    *, actor: Viewer, group_id: int, policy: rules.Policy, note: str = "", now: dt.datetime
) -> int:
    """New terms for what is asked for from now on; the version. The same terms again make none.

    Sheets keep the version they were decided by. Raises TermsInvalid, NotAllowed.
    """
    require_touch(actor, MANAGE)
    known = {ref.code for ref in sales.product_categories(group_id)}
    try:
        rules.checked(policy, known, set(queries.standing_keys(group_id)))
    except rules.BadTerms as fault:
        raise TermsInvalid(row=fault.place, what=TERMS_FAULTS[fault.code]) from fault
    stored = rules.stored(policy)
    rows = AfterSalesPolicy.objects.select_for_update(of=("self",)).filter(group_id=group_id)
    newest = rows.order_by("-version").first()
    if newest is not None and newest.definition == stored:
        return newest.version
    version = newest.version + 1 if newest else 1
    AfterSalesPolicy.objects.create(
        group_id=group_id,
        version=version,
        definition=stored,
        note=note.strip()[:200],
        published_at=now,
        published_by=actor.label,
    )
    notices.begin_templates(group_id, now)
    audit.record(
        actor=actor,
        action="after_sales.publish",
        subject=("group", group_id),
        after={"version": version, "rows": len(policy.terms), "extensions": len(policy.extensions)},
        reason=note.strip()[:200],
        now=now,
    )
    events.publish(AfterSalesPublished(group_id, version), actor=actor, now=now)
    return version


def found_after_sales(*, actor: Viewer, group_id: int, now: dt.datetime) -> None:
    """The usual terms for the categories there are, where nothing was published. Raises NotAllowed."""
    if queries.after_sales_terms(group_id) is not None:
        return
    usual = queries.usual_terms(group_id)
    publish_after_sales(actor=actor, group_id=group_id, policy=usual, now=now)
