"""Forms in the audit trail, among permissions and on the timeline."""

from __future__ import annotations

from django.urls import reverse
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from zhike.ui.components import webforms as words
from zhike.ui.console.told import Data, Names, Teller, Told

FORM_PERMISSIONS = {
    "forms.view": _("See forms and their figures"),
    "forms.answers": _("Read what people answered in forms"),
    "forms.edit": _("Build and publish forms"),
    "forms.export": _("Export answers of forms"),
    "forms.submit": _("Send in answers of forms for others"),
}
FORM_ACTIONS = {
    "form.create": _("Made a form"),
    "form.edit": _("Changed a form"),
    "form.settle": _("Changed how a form takes answers"),
    "form.publish": _("Published a form"),
    "form.close": _("Closed a form"),
    "form.reveal": _("Looked at the phone of a lead"),
    "form.export": _("Exported the answers of a form"),
    "form.settle_lead": _("Settled a lead of a form"),
}


def _published(data: Data, tiers: Names) -> Told:
    url = reverse("console:form", args=[data["form_id"]])
    return Told(_now("A form was published: version %(version)s") % data, icon="clipboard-list", url=url)


def _closed(data: Data, tiers: Names) -> Told:
    return Told(
        _now("A form was closed"), icon="clipboard-list", url=reverse("console:form", args=[data["form_id"]])
    )


def _answered(data: Data, tiers: Names) -> Told:
    url = reverse("console:form_answer", args=[data["form_id"], data["answer_id"]])
    channel = str(words.CHANNELS.get(data["channel"], data["channel"]))
    return Told(_now("Filled in “%(name)s”") % data, channel, icon="clipboard-check", tone="primary", url=url)


def _settled(data: Data, tiers: Names) -> Told:
    url = reverse("console:form_answer", args=[data["form_id"], data["answer_id"]])
    outcome = str(words.LEADS.get(data["outcome"], data["outcome"]))
    return Told(_now("A lead of a form was settled"), outcome, icon="phone", url=url)


FORM_TELLERS: dict[str, Teller] = {
    "webforms.form_published": _published,
    "webforms.form_closed": _closed,
    "webforms.form_answered": _answered,
    "webforms.lead_settled": _settled,
}
