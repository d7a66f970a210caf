"""Names that people read for the codes of messages and their wordings."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

CHANNELS = {
    "sms": _("Text message"),
    "email": _("E-mail"),
    "push": _("Notification"),
    "wechat": _("WeChat official account"),
    "mini": _("Mini-program"),
    "wecom": _("WeCom"),
    "inbox": _("Inbox of the member app"),
}
MESSAGE_KINDS = {
    "code": _("One-time code"),
    "service": _("Service message"),
    "marketing": _("Offer"),
}
WORDING_STATES = {"draft": _("Draft"), "approved": _("Approved"), "retired": _("Retired")}
WORDING_STATE_TONES = {"draft": "warning", "approved": "success"}
VENDOR_STATES = {
    "unknown": _("No number yet"),
    "not_needed": _("Needs no number"),
    "pending": _("Being looked at"),
    "approved": _("Approved"),
    "rejected": _("Rejected"),
}
VENDOR_STATE_TONES = {"unknown": "warning", "pending": "warning", "approved": "success", "rejected": "error"}
WORDING_LANGUAGES = {"zh-hans": "简体中文", "zh-hant": "繁體中文", "en": "English"}
WORDING_FAULTS = {
    "empty": _("The wording is empty"),
    "malformed_variable": _("A value is written ${name}"),
    "too_long": _("More than 500 characters"),
    "signature_in_text": _("Leave 【】 out, the signature is put in front"),
    "no_way_to_refuse": _("An offer by text message ends with “拒收请回复R”"),
}
BUILT_IN_TEMPLATES = {"one_time_code": _("One-time code")}
GATES = {
    "expired": _("Too late"),
    "address": _("Address"),
    "consent": _("Consent"),
    "minor": _("Minors"),
    "suppressed": _("Refusals"),
    "frequency": _("Frequency"),
    "quiet": _("Quiet hours"),
    "template": _("Wording"),
    "account": _("Account"),
    "budget": _("Budget"),
}
REFUSALS = {
    "expired": _("Its moment was over"),
    "no_address": _("No address for this channel"),
    "person_gone": _("The person is restricted or gone"),
    "not_a_member": _("Offers go to members only"),
    "no_consent": _("No consent to offers on this channel"),
    "minor": _("Under 18"),
    "refused_by_reply": _("Said stop"),
    "channel_per_day": _("Enough on this channel today"),
    "channel_per_month": _("Enough on this channel in 30 days"),
    "total_per_day": _("Enough today"),
    "total_per_month": _("Enough in 30 days"),
    "quiet_hours": _("Quiet hours"),
    "holiday": _("Holiday"),
    "postponed_too_long": _("It would have been postponed too long"),
    "no_wording": _("No approved wording"),
    "not_approved": _("The wording is a draft"),
    "not_approved_by_vendor": _("The vendor has not approved the wording"),
    "banned_content": _("The vendor bans what it offers"),
    "adjacent_variables": _("Values side by side"),
    "variable_link": _("A link made of a value"),
    "link_in_code": _("A link in a code"),
    "no_account": _("Nobody carries this channel"),
    "budget_spent": _("The month’s budget is spent"),
    "notification_too_long": _("Too long for a notification"),
    "wechat_no_offers": _("WeChat sends service notices in this way, no offers"),
    "wechat_lines": _("Write one line for each keyword: “thing1：…”"),
    "no_credit": _("No acceptance of this template is left"),
    "wecom_same_for_all": _("A WeCom task has one text for all: no values"),
    "vendor_cap": _("As many as WeCom lets one customer get"),
    "unconfirmed": _("The associate did not confirm it in time"),
    "not_a_contact": _("No contact of theirs any more"),
    "no_device": _("No browser of theirs is left"),
    "no_answer": _("The vendor never answered"),
}
DEVICE_ENDS = {
    "member": _("The member removed it"),
    "log_out": _("The member logged out there"),
    "moved": _("Somebody else uses the browser now"),
    "crowded": _("The member has many others"),
    "gone": _("The push service says that it is no more"),
}
MESSAGE_STATUSES = {
    "queued": _("Waiting"),
    "sending": _("On its way"),
    "tasked": _("Waits for a colleague"),
    "sent": _("Sent"),
    "delivered": _("Delivered"),
    "failed": _("Failed"),
    "refused": _("Not sent"),
    "expired": _("Too late"),
    "unknown": _("Unknown"),
}
MESSAGE_STATUS_TONES = {
    "sending": "info",
    "tasked": "warning",
    "sent": "info",
    "delivered": "success",
    "failed": "error",
    "refused": "warning",
    "expired": "warning",
    "unknown": "error",
}
SUBSCRIPTION_ANSWERS = {
    "accept": _("Said yes"),
    "reject": _("Said no"),
    "ban": _("Template banned by WeChat"),
    "withdrawn": _("Refused in the settings"),
}
CREDIT_STATES = {
    "open": _("To be used"),
    "held": _("Being sent"),
    "used": _("Used up"),
    "lost": _("Written off"),
    "none": _("Gives nothing"),
}
CREDIT_TONES = {"open": "success", "held": "info", "lost": "warning"}
EVIDENCE = {"both": _("Mini-program and WeChat"), "app": _("Mini-program"), "vendor": _("WeChat")}
CREDIT_LOSSES = {"member": _("refused in the settings"), "vendor": _("WeChat knows of none")}
