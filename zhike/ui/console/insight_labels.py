"""What the audit trail says of segments and of where members stand."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

AUDIT_ACTIONS = {
    "segment.save": _("Segment saved"),
    "segment.freeze": _("Segment frozen"),
    "segment.export": _("Segment exported"),
    "segment.archive": _("Segment put away"),
    "tag.save": _("Tag saved"),
    "tag.publish": _("Rule of a tag published"),
    "tag.retire": _("Tag put away"),
    "tag.mark": _("Tag given or refused by hand"),
    "tag.unmark": _("Tag given by hand taken back"),
    "tag.suggest": _("Tag suggested"),
    "tag.suggestion_taken": _("Suggestion made a tag"),
    "tag.suggestion_declined": _("Suggestion declined"),
    "lifetime.fit": _("Model of future value fitted"),
    "churn.fit": _("Members scored for the risk of leaving"),
    "report.export": _("Report exported"),
    "standing.classes": _("Settings of the classifications published"),
    "clusters.fit": _("Members put into clusters"),
    "clusters.rename": _("Cluster named"),
    "standing.churn": _("Horizon of leaving published"),
    "recommendations.fit": _("Recommendations fitted"),
    "basket.offer": _("Coupon made of a basket rule"),
    "standing.stages": _("Thresholds of the stages published"),
    "standing.rfm": _("Settings of RFM published"),
    "history.ask": _("Columnar history brought up to date"),
}
AUDIT_SUBJECTS = {
    "tag": _("Tag"),
    "tag_suggestion": _("Suggestion of a tag"),
    "segment": _("Segment"),
    "lifetime_run": _("Fit"),
    "recommend_run": _("Fit"),
    "model_run": _("Run of a model"),
    "cluster": _("Cluster"),
    "report": _("Descriptive report"),
    "basket_offer": _("Coupon made of a basket rule"),
    "history": _("Columnar history"),
}

BASKET_LEVELS = {
    "merchant": _("Merchants"),
    "category": _("Product categories"),
    "product": _("Articles sold"),
}
BASKET_UNITS = {"visit": _("A member's visit"), "receipt": _("A receipt")}
BASKET_STATES = {"waiting": _("searching"), "done": _("done"), "failed": _("failed")}
BASKET_ORDERS = {
    "leverage": _("Greatest leverage first"),
    "lift": _("Highest lift first"),
    "confidence": _("Highest confidence first"),
    "support": _("Most baskets first"),
}
BASKET_LIFTS = {
    "0": _("Any lift"),
    "110": _("Lift from 1.1"),
    "150": _("Lift from 1.5"),
    "200": _("Lift from 2"),
    "300": _("Lift from 3"),
}
"""The lift in hundredths."""

RECOMMEND_METHODS = {
    "popular": _("What everybody buys"),
    "personal": _("What each bought before"),
    "together": _("What goes with it (EASE^R)"),
    "blend": _("All together"),
}
RECOMMEND_PLACES = {
    "member_home": _("Member app, card"),
    "member_page": _("Member app, page"),
    "counter": _("Counter"),
    "api": _("API"),
    "lab": _("Console"),
}
