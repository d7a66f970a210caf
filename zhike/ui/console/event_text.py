"""Events of the log as lines for people: what happened, in one title and one sentence."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from zhike.insight import queries as insight
from zhike.ui.components import classes, stages
from zhike.ui.components import tags as tag_words
from zhike.ui.components.formatting import day as day_text
from zhike.ui.components.formatting import grouped, points_text, signed, yuan
from zhike.ui.components.photo_claims import REASONS as PHOTO_REASONS
from zhike.ui.components.rights_labels import RIGHTS_KINDS
from zhike.ui.console import identity_labels, journey_labels, labels, message_labels
from zhike.ui.console.care_event_text import CARE_TELLERS
from zhike.ui.console.contact_labels import CONTACT_TELLERS
from zhike.ui.console.engagement_event_text import ENGAGEMENT_TELLERS
from zhike.ui.console.engagement_labels import REFERRAL_REFUSALS
from zhike.ui.console.journey_labels import cause_name
from zhike.ui.console.offer_event_text import OFFER_TELLERS
from zhike.ui.console.rate_event_text import RATE_TELLERS
from zhike.ui.console.risk_event_text import RISK_TELLERS
from zhike.ui.console.service_event_text import SERVICE_TELLERS
from zhike.ui.console.told import Data, Names, Teller, Told, merchant, receipt_url
from zhike.ui.console.webform_labels import FORM_TELLERS


def tell(event_type: str, data: Data, tiers: Names) -> Told:
    """`event_type` without its "zhike." prefix. An event nobody has words for is shown by its name."""
    teller = _TELLERS.get(event_type)
    return teller(data, tiers) if teller else Told(event_type, icon="circle")


def _receipt(data: Data, tiers: Names) -> Told:
    is_return = data.get("kind") == "return"
    return Told(
        title=(_("Return of %(amount)s") if is_return else _("Purchase of %(amount)s"))
        % {"amount": yuan(data["net_fen"])},
        detail=merchant(data),
        icon="undo-2" if is_return else "receipt-text",
        tone="warning" if is_return else "primary",
        url=receipt_url(data.get("receipt_id")),
    )


def _earned(data: Data, tiers: Names) -> Told:
    title = _("Earned %(points)s") % {"points": points_text(data["points"])}
    day = data.get("available_on")
    detail = _("can be spent from %(day)s") % {"day": day_text(dt.date.fromisoformat(day))} if day else ""
    return Told(title, detail, icon="coins", tone="success", url=receipt_url(data.get("receipt_id")))


def _released(data: Data, tiers: Names) -> Told:
    title = _("%(points)s can be spent now") % {"points": points_text(data["points"])}
    detail = _("The return window of the purchase has closed.")
    return Told(title, detail, icon="coins", tone="success", url=receipt_url(data.get("receipt_id")))


def _held(data: Data, tiers: Names) -> Told:
    title = _("%(points)s set aside for a purchase") % {"points": points_text(data["points"])}
    return Told(title, icon="hand-coins", tone="accent")


def _hold_ended(data: Data, tiers: Names) -> Told:
    titles = {
        "confirmed": _("Points set aside were spent: %(used)s"),
        "released": _("Points set aside were given back: %(back)s"),
        "expired": _("Points set aside too long were given back: %(back)s"),
    }
    title = titles[data["status"]] % {
        "used": points_text(data["used_points"]),
        "back": points_text(data["returned_points"]),
    }
    return Told(title, icon="hand-coins", tone="info")


def _redeemed(data: Data, tiers: Names) -> Told:
    title = _("Redeemed %(points)s") % {"points": points_text(data["points"])}
    return Told(
        title, _("worth %(amount)s") % {"amount": yuan(data["value_fen"])}, icon="gift", tone="accent"
    )


def _clawed(data: Data, tiers: Names) -> Told:
    title = _("%(points)s taken back after a return") % {"points": points_text(data["points"])}
    debt = data.get("debt_points") or 0
    detail = _("of which %(points)s became debt") % {"points": points_text(debt)} if debt else ""
    return Told(title, detail, icon="undo-2", tone="warning", url=receipt_url(data.get("return_id")))


def _restored(data: Data, tiers: Names) -> Told:
    title = _("A redemption was reversed: %(points)s given back") % {"points": points_text(data["points"])}
    return Told(title, icon="rotate-ccw", tone="info")


def _adjusted(data: Data, tiers: Names) -> Told:
    title = _("Points corrected by hand: %(points)s") % {"points": signed(data["points"])}
    return Told(title, data.get("reason", ""), icon="pencil-line", tone="info")


def _awarded(data: Data, tiers: Names) -> Told:
    title = _("Got %(points)s") % {"points": points_text(data["points"])}
    return Told(title, str(labels.ENTRY_REASONS.get(data["reason"], "")), icon="gift", tone="success")


def _award_taken_back(data: Data, tiers: Names) -> Told:
    title = _("%(points)s taken back") % {"points": points_text(data["points"])}
    return Told(title, str(labels.ENTRY_REASONS.get(data["reason"], "")), icon="undo-2", tone="warning")


def _checked_in(data: Data, tiers: Names) -> Told:
    title = _("Made up for a missed day") if data["made_up"] else _("Checked in")
    row = ngettext("%(count)s day in a row", "%(count)s days in a row", data["streak"])
    return Told(title, row % {"count": data["streak"]}, icon="calendar-check", tone="success")


def _birthday_given(data: Data, tiers: Names) -> Told:
    return Told(_("Birthday gift"), points_text(data["points"]), icon="cake", tone="success")


def _invited(data: Data, tiers: Names) -> Told:
    refusal = str(REFERRAL_REFUSALS.get(data["refusal"], ""))
    url = reverse("console:member", args=[data["inviter_id"]])
    tone = "warning" if refusal else "info"
    return Told(_("Came by a member's invitation"), refusal, "user-round-plus", tone, url)


def _invitation_rewarded(data: Data, tiers: Names) -> Told:
    invited = data["side"] == "invitee"
    title = _("Rewarded for coming by an invitation") if invited else _("Rewarded for inviting somebody")
    url = reverse("console:member", args=[data["other_id"]])
    return Told(title, points_text(data["points"]), "gift", "success", url)


def _invitation_taken_back(data: Data, tiers: Names) -> Told:
    title = _("The reward of an invitation went back with the goods")
    return Told(title, points_text(data["points"]), icon="undo-2", tone="warning")


def _waiver_asked(data: Data, tiers: Names) -> Told:
    points = points_text(data["points"])
    return Told(_("A waiver of debt was asked for"), points, "scale", "warning", reverse("console:waivers"))


def _waiver_decided(data: Data, tiers: Names) -> Told:
    if data["approved"]:
        return Told(_("Debt waived"), points_text(data["points"]), icon="scale", tone="success")
    return Told(_("A waiver of debt was refused"), icon="scale")


def _photo_handed_in(data: Data, tiers: Names) -> Told:
    url = reverse("console:photo_claim", args=[data["claim_id"]])
    tone = "warning" if data["suspicions"] else ""
    return Told(_("Photographed receipt handed in"), yuan(data["net_fen"]), "camera", tone, url)


def _photo_decided(data: Data, tiers: Names) -> Told:
    url = reverse("console:photo_claim", args=[data["claim_id"]])
    if data["approved"]:
        return Told(_("Photographed receipt given"), points_text(data["points"]), "camera", "success", url)
    reason = str(PHOTO_REASONS.get(data["reason"], ""))
    return Told(_("Photographed receipt refused"), reason, "camera", "error", url)


def _forfeited(data: Data, tiers: Names) -> Told:
    points = points_text(data["points"])
    return Told(
        _("The membership ended, %(points)s lapsed") % {"points": points}, icon="hourglass", tone="warning"
    )


def _rights(title: Any, icon: str) -> Callable[[Data, Names], Told]:
    def tell(data: Data, tiers: Names) -> Told:
        kind = str(RIGHTS_KINDS.get(data["kind"], data["kind"]))
        return Told(
            str(title), kind, icon=icon, url=reverse("console:rights_request", args=[data["request_id"]])
        )

    return tell


def _expired(data: Data, tiers: Names) -> Told:
    return Told(_("%(points)s expired") % {"points": points_text(data["points"])}, icon="hourglass")


def _tier(data: Data, tiers: Names) -> Told:
    before, after = (tiers.get(data.get(f"{side}_id", 0), "–") for side in ("before", "after"))
    return Told(
        _("Tier changed: %(before)s → %(after)s") % {"before": before, "after": after},
        icon="gem",
        tone="accent",
    )


def _growth_moved(data: Data, names: Names) -> Told:
    growth = int(data.get("growth", 0))
    text = _("Growth value gained: %(growth)s") if growth > 0 else _("Growth value taken back: %(growth)s")
    return Told(
        text % {"growth": f"{abs(growth):,}"}, icon="sprout", tone="success" if growth > 0 else "warning"
    )


def _tier_kept(data: Data, tiers: Names) -> Told:
    words = {"tier": tiers.get(data.get("tier_id", 0), "–"), "day": data.get("until", "")}
    return Told(_("Kept the tier %(tier)s until %(day)s") % words, icon="gem", tone="success")


def _tier_granted(data: Data, tiers: Names) -> Told:
    words = {"tier": tiers.get(data.get("tier_id", 0), "–")}
    ends = dt.datetime.fromisoformat(str(data["ends_at"])) if data.get("ends_at") else None
    detail = _("Ends on %(day)s") % {"day": day_text(ends - dt.timedelta(seconds=1))} if ends else ""
    title = (
        _("Exception: the tier %(tier)s")
        if data.get("kind") == "exception"
        else _("Was lent the tier %(tier)s")
    )
    return Told(title % words, detail, "gem", "accent")


def _tier_grant_ended(data: Data, tiers: Names) -> Told:
    return Told(
        _("The lent tier %(tier)s was taken back") % {"tier": tiers.get(data.get("tier_id", 0), "–")},
        icon="gem",
    )


def _lifecycle(data: Data, tiers: Names) -> Told:
    before, after = (stages.STAGES.get(data[side], data[side]) for side in ("before", "after"))
    tone, icon = stages.STAGE_TONES.get(data["after"], ""), stages.STAGE_ICONS.get(data["after"], "radar")
    return Told(_("Stage: %(before)s → %(after)s") % {"before": before, "after": after}, icon=icon, tone=tone)


def _rfm(data: Data, tiers: Names) -> Told:
    before, after = (stages.RFM.get(data[side], data[side]) for side in ("before", "after"))
    return Told(_("RFM group: %(before)s → %(after)s") % {"before": before, "after": after}, icon="radar")


def _class(data: Data, tiers: Names) -> Told:
    names = classes.NAMES.get(data["kind"], {})
    before, after = (names.get(data[side], data[side]) for side in ("before", "after"))
    kind = classes.KINDS.get(data["kind"], _("Classifications"))
    return Told(
        _("%(kind)s: %(before)s → %(after)s") % {"kind": kind, "before": before, "after": after},
        icon="list-tree",
    )


def _tag(title: Any, icon: str, tone: str = "") -> Callable[[Data, Names], Told]:
    def told(data: Data, tiers: Names) -> Told:
        ref = insight.tag_ref(data["tag_id"])
        name = tag_words.name_of(ref) if ref else "–"
        source = tag_words.SOURCES.get(data.get("source", ""), "")
        url = reverse("console:tag", args=[ref.id]) if ref else ""
        return Told(str(title) % {"name": name}, str(source), icon=icon, tone=tone, url=url)

    return told


def _suggested(data: Data, tiers: Names) -> Told:
    return Told(_("Staff noted something in their own words"), icon="message-square-plus", tone="info")


def _enrolled(data: Data, tiers: Names) -> Told:
    source = str(labels.SOURCES.get(data.get("source", ""), data.get("source", "")))
    detail = " · ".join(part for part in (merchant(data), source) if part)
    return Told(_("Became a member"), detail, icon="user-plus", tone="success")


def _status(data: Data, tiers: Names) -> Told:
    title = _("Membership is now: %(status)s") % {
        "status": labels.MEMBER_STATUSES.get(data["after"], data["after"])
    }
    return Told(title, icon="snowflake" if data["after"] == "frozen" else "circle-check", tone="warning")


def _card(data: Data, tiers: Names) -> Told:
    return Told(_("A new card was issued"), data.get("number", ""), icon="id-card", tone="info")


def _claimed(data: Data, tiers: Names) -> Told:
    return Told(
        _("Claimed a receipt"), icon="receipt-text", tone="info", url=receipt_url(data.get("receipt_id"))
    )


def _created(data: Data, tiers: Names) -> Told:
    return Told(_("First known to us"), icon="sparkles")


def _profile(data: Data, tiers: Names) -> Told:
    fields = _(", ").join(str(labels.PROFILE_FIELDS.get(name, name)) for name in data.get("fields", ()))
    return Told(_("Profile changed"), fields, icon="pencil")


def _identifier_added(data: Data, tiers: Names) -> Told:
    return Told(_("Identifier added"), str(labels.IDENTIFIERS.get(data["kind"], data["kind"])), icon="link")


def _identifier_retired(data: Data, tiers: Names) -> Told:
    kind = str(labels.IDENTIFIERS.get(data["kind"], data["kind"]))
    return Told(_("Identifier retired"), kind, icon="unlink", tone="warning")


def _conflict(data: Data, tiers: Names) -> Told:
    kind = str(labels.IDENTIFIERS.get(data["kind"], data["kind"]))
    return Told(_("Two people came with the same identifier"), kind, icon="users", tone="warning")


def _merged(data: Data, tiers: Names) -> Told:
    return Told(_("Joined with another record of the same person"), icon="merge", tone="info")


def _parted(data: Data, tiers: Names) -> Told:
    return Told(_("Parted from another record again"), icon="split", tone="warning")


def _merge_proposed(data: Data, tiers: Names) -> Told:
    reasons = _(", ").join(str(identity_labels.MERGE_GUARDS.get(one, one)) for one in data.get("guards", ()))
    return Told(_("A merge waits for a second person"), reasons, icon="users", tone="warning")


def _merge_declined(data: Data, tiers: Names) -> Told:
    return Told(_("A merge was declined"), icon="circle-x")


def _members_merged(data: Data, tiers: Names) -> Told:
    title = _("Memberships joined: %(points)s") % {"points": signed(data["points"])}
    return Told(title, icon="merge", tone="info")


def _members_parted(data: Data, tiers: Names) -> Told:
    title = _("Memberships parted: %(points)s") % {"points": signed(-data["points"])}
    return Told(title, icon="split", tone="warning")


def _associate(data: Data, tiers: Names) -> Told:
    return Told(_("The sales associate changed"), icon="contact-round")


def _revealed(data: Data, tiers: Names) -> Told:
    what = str(data.get("what", "")).partition(":")[0]
    known = labels.IDENTIFIERS | labels.PROFILE_FIELDS
    shown = str(known.get(what, what))
    return Told(_("Personal data was opened"), shown, icon="eye")


def _consent(data: Data, tiers: Names) -> Told:
    parts = [
        _("%(name)s: %(value)s")
        % {
            "name": labels.CONSENT_PURPOSES.get(purpose, purpose),
            "value": labels.CONSENT_DECISIONS.get(decision, decision),
        }
        for purpose, _channel, decision in data.get("decisions", ())
    ]
    return Told(_("Consent recorded"), _(", ").join(parts), icon="file-check")


def behaviour_named(text: str) -> list[str]:
    """The behaviour that people call by this text, or by words that hold it."""
    wanted = text.strip().casefold()
    return [name for name, label in labels.BEHAVIOUR.items() if wanted and wanted in str(label).casefold()]


def _behaviour(data: Data, tiers: Names) -> Told:
    name, said, properties = data["name"], data["said"], data.get("properties") or {}
    title = str(labels.BEHAVIOUR.get(name, name))
    fen = properties.get("total_fen", properties.get("revenue_fen"))
    product = properties.get("name") or properties.get("query") or properties.get("order_id")
    page = (data.get("context") or {}).get("page") or {}
    what = (
        product
        or (said if name not in labels.BEHAVIOUR or data["kind"] != "track" else "")
        or page.get("title")
    )
    parts = (str(what or ""), yuan(fen) if isinstance(fen, int) else "")
    return Told(
        title,
        " · ".join(part for part in parts if part and part != title),
        icon=_BEHAVIOUR_ICONS.get(name, "mouse-pointer-click"),
    )


def _stitched(data: Data, tiers: Names) -> Told:
    return Told(
        _("Recognised on a device"),
        _("What was done there before belongs here now."),
        icon="link-2",
        tone="info",
    )


def _shared(data: Data, tiers: Names) -> Told:
    detail = _("Somebody else signed in there; what was done before sign-in is nobody's again.")
    return Told(_("A device turned out to be shared"), detail, icon="users", tone="warning")


_BEHAVIOUR_ICONS = {
    "page_viewed": "eye",
    "screen_viewed": "smartphone",
    "product_viewed": "eye",
    "product_list_viewed": "layout-grid",
    "products_searched": "search",
    "product_added": "shopping-cart",
    "product_removed": "shopping-cart",
    "cart_viewed": "shopping-cart",
    "product_added_to_wishlist": "heart",
    "checkout_started": "credit-card",
    "order_completed": "package-check",
    "order_cancelled": "package-x",
    "order_refunded": "undo-2",
    "coupon_applied": "ticket",
    "product_shared": "share-2",
    "product_reviewed": "star",
}


def _message(data: Data, title: str, icon: str, tone: str = "") -> Told:
    channel = str(message_labels.CHANNELS.get(data.get("channel", ""), data.get("channel", "")))
    return Told(title, channel, icon=icon, tone=tone)


def _message_queued(data: Data, tiers: Names) -> Told:
    return _message(data, _("A message was written"), "mail-plus")


def _message_sent(data: Data, tiers: Names) -> Told:
    return _message(data, _("A message was sent"), "send", "info")


def _message_delivered(data: Data, tiers: Names) -> Told:
    return _message(data, _("A message arrived"), "mail-check", "success")


def _message_failed(data: Data, tiers: Names) -> Told:
    told = _message(data, _("A message did not arrive"), "mail-x", "error")
    return Told(told.title, f"{told.detail} · {data.get('code', '')}", told.icon, told.tone)


def _message_refused(data: Data, tiers: Names) -> Told:
    told = _message(data, _("A message was not sent"), "shield-ban", "warning")
    reason = str(message_labels.REFUSALS.get(data.get("reason", ""), data.get("reason", "")))
    return Told(told.title, f"{told.detail} · {reason}", told.icon, told.tone)


def _device_added(data: Data, tiers: Names) -> Told:
    return Told(_("Notifications were switched on in a browser"), icon="bell-ring", tone="success")


def _device_removed(data: Data, tiers: Names) -> Told:
    why = str(message_labels.DEVICE_ENDS.get(data.get("why", ""), data.get("why", "")))
    return Told(_("Notifications were switched off in a browser"), why, icon="bell-off")


def _wechat_following(data: Data, tiers: Names) -> Told:
    if data.get("is_following"):
        return Told(_("Follows our official account in WeChat"), icon="user-check", tone="success")
    return Told(_("Follows our official account in WeChat no more"), icon="user-minus")


def _message_read(data: Data, tiers: Names) -> Told:
    return _message(data, _("A message was opened"), "mail-open", "success")


def _recommended(title: Any) -> Callable[[Data, Names], Told]:
    def told(data: Data, tiers: Names) -> Told:
        return Told(str(title), icon="sparkles", tone="info")

    return told


def _campaign_link(data: Data, tiers: Names) -> Told:
    url = reverse("console:campaign", args=[data["campaign_id"]])
    return Told(_("Followed the link of a campaign"), icon="mouse-pointer-click", tone="success", url=url)


def _journey_entered(data: Data, tiers: Names) -> Told:
    url = reverse("console:journey_path", args=[data["journey_id"], data["entry_id"]])
    title = _("Entered a journey") if data["arm"] == "walk" else _("Held out of a journey, to compare with")
    return Told(title, cause_name(data["cause"]), icon="route", tone="info", url=url)


def _journey_left(data: Data, tiers: Names) -> Told:
    url = reverse("console:journey_path", args=[data["journey_id"], data["entry_id"]])
    detail = str(journey_labels.ENDINGS.get(data["how"], data["how"]))
    tone = "success" if data["how"] == "goal" else ""
    return Told(_("Left a journey"), detail, icon="flag", tone=tone, url=url)


def _journey_signalled(data: Data, tiers: Names) -> Told:
    url = reverse("console:journey_path", args=[data["journey_id"], data["entry_id"]])
    return Told(_("A journey told other systems"), data["name"], icon="webhook", url=url)


def _contact_refused(data: Data, tiers: Names) -> Told:
    return Told(_("Wants no more offers"), icon="bell-off", tone="warning")


def _taken_out(data: Data, tiers: Names) -> Told:
    count = data["receipts"]
    title = ngettext(
        "%(count)s receipt was taken out again", "%(count)s receipts were taken out again", count
    )
    return Told(title % {"count": grouped(count)}, _("An import was undone"), icon="undo-2", tone="warning")


_TELLERS: dict[str, Teller] = {
    "sales.receipt_recorded": _receipt,
    "sales.receipt_claimed": _claimed,
    "sales.receipts_taken_out": _taken_out,
    "loyalty.points_earned": _earned,
    "loyalty.points_released": _released,
    "loyalty.points_held": _held,
    "loyalty.hold_ended": _hold_ended,
    "loyalty.points_redeemed": _redeemed,
    "loyalty.points_clawed_back": _clawed,
    "loyalty.points_restored": _restored,
    "loyalty.points_adjusted": _adjusted,
    "loyalty.points_awarded": _awarded,
    "loyalty.points_taken_back": _award_taken_back,
    "engagement.checked_in": _checked_in,
    "engagement.birthday_given": _birthday_given,
    "loyalty.photo_claim_handed_in": _photo_handed_in,
    "loyalty.photo_claim_decided": _photo_decided,
    "loyalty.points_waiver_asked": _waiver_asked,
    "loyalty.points_waiver_decided": _waiver_decided,
    "engagement.invitation_accepted": _invited,
    "engagement.invitation_rewarded": _invitation_rewarded,
    "engagement.invitation_taken_back": _invitation_taken_back,
    "loyalty.points_expired": _expired,
    "loyalty.points_forfeited": _forfeited,
    "rights.rights_requested": _rights(gettext_lazy("Asked about their data"), "shield-user"),
    "rights.request_decided": _rights(gettext_lazy("A request about data was decided"), "shield-check"),
    "rights.request_cancelled": _rights(gettext_lazy("A request about data was called off"), "undo-2"),
    "rights.data_handed_out": _rights(gettext_lazy("Took a copy of their data"), "download"),
    "rights.person_restricted": _rights(
        gettext_lazy("What their data may be used for changed"), "shield-ban"
    ),
    "rights.person_erased": _rights(gettext_lazy("Their data were erased"), "eraser"),
    "loyalty.tier_changed": _tier,
    "loyalty.tier_kept": _tier_kept,
    "loyalty.growth_moved": _growth_moved,
    "loyalty.tier_granted": _tier_granted,
    "loyalty.tier_grant_ended": _tier_grant_ended,
    "loyalty.member_enrolled": _enrolled,
    "loyalty.member_status_changed": _status,
    "loyalty.card_replaced": _card,
    "customers.person_created": _created,
    "customers.profile_changed": _profile,
    "customers.identifier_added": _identifier_added,
    "customers.identifier_retired": _identifier_retired,
    "customers.identifiers_conflicted": _conflict,
    "customers.associate_assigned": _associate,
    "customers.personal_data_revealed": _revealed,
    "privacy.consent_recorded": _consent,
    "customers.persons_merged": _merged,
    "customers.persons_parted": _parted,
    "customers.merge_proposed": _merge_proposed,
    "customers.merge_declined": _merge_declined,
    "loyalty.members_merged": _members_merged,
    "loyalty.members_parted": _members_parted,
    "collection.behaviour_observed": _behaviour,
    "collection.visitor_stitched": _stitched,
    "collection.visitor_shared": _shared,
    "messaging.message_queued": _message_queued,
    "messaging.message_sent": _message_sent,
    "messaging.message_delivered": _message_delivered,
    "messaging.message_failed": _message_failed,
    "messaging.message_refused": _message_refused,
    "messaging.message_read": _message_read,
    "messaging.wechat_following_changed": _wechat_following,
    "messaging.push_device_added": _device_added,
    "messaging.push_device_removed": _device_removed,
    "messaging.contact_refused": _contact_refused,
    "insight.lifecycle_changed": _lifecycle,
    "insight.rfm_changed": _rfm,
    "insight.class_changed": _class,
    "insight.member_tagged": _tag(gettext_lazy("Has the tag “%(name)s”"), "tag", "accent"),
    "insight.member_untagged": _tag(gettext_lazy("Has the tag “%(name)s” no longer"), "tag"),
    "insight.tag_suggested": _suggested,
    "insight.recommendation_chosen": _recommended(gettext_lazy("Opened a recommendation")),
    "insight.recommendation_refused": _recommended(gettext_lazy("Sent a recommendation away")),
    "marketing.campaign_link_opened": _campaign_link,
    "marketing.journey_entered": _journey_entered,
    "marketing.journey_left": _journey_left,
    "marketing.journey_signalled": _journey_signalled,
    **CARE_TELLERS,
    **CONTACT_TELLERS,
    **FORM_TELLERS,
    **ENGAGEMENT_TELLERS,
    **OFFER_TELLERS,
    **RATE_TELLERS,
    **RISK_TELLERS,
    **SERVICE_TELLERS,
}
