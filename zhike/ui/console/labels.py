"""Names that people read for the codes of the program: roles, permissions, levels, kinds."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from zhike.ui.console import insight_labels as insight
from zhike.ui.console import reward_labels as rewards
from zhike.ui.console.after_sale_labels import AFTER_SALE_ACTIONS
from zhike.ui.console.connector_labels import CONNECTOR_ACTIONS, CONNECTOR_SUBJECTS
from zhike.ui.console.engagement_labels import AWARDS, ENGAGEMENT_ACTIONS
from zhike.ui.console.marketing_labels import MARKETING_ACTIONS, MARKETING_PERMISSIONS
from zhike.ui.console.recovery_labels import RECOVERY_ACTIONS
from zhike.ui.console.rights_text import RIGHTS_ACTIONS, RIGHTS_PERMISSIONS
from zhike.ui.console.risk_labels import RISK_ACTIONS, RISK_PERMISSIONS
from zhike.ui.console.webform_labels import FORM_ACTIONS, FORM_PERMISSIONS

ROLES = {
    "admin": _("Administrator"),
    "group_manager": _("Group manager"),
    "mall_manager": _("Mall manager"),
    "operations": _("Operations"),
    "marketer": _("Marketer"),
    "service_agent": _("Service agent"),
    "merchant_manager": _("Merchant manager"),
    "cashier": _("Cashier"),
    "sales_associate": _("Sales associate"),
    "auditor": _("Auditor"),
}

LEVELS = {
    "all": _("Everywhere"),
    "mall": _("Mall"),
    "floor": _("Floor"),
    "merchant": _("Merchant"),
    "own": _("Own customers"),
}

PERMISSIONS = {
    "dashboard.view": _("See the dashboard"),
    "members.lookup": _("Find a member by phone, card or code"),
    "members.view": _("See members"),
    "members.enroll": _("Enrol members"),
    "members.edit": _("Change profiles"),
    "members.identity": _("Change identifiers and cards"),
    "members.merge": _("Merge records of one person"),
    "members.reveal": _("Open personal data (audited)"),
    "members.export": _("Export members (audited)"),
    "receipts.view": _("See receipts"),
    "receipts.record": _("Record receipts"),
    "receipts.return": _("Record returns"),
    "receipts.claim": _("Claim receipts"),
    "points.view": _("See points"),
    "points.redeem": _("Redeem points"),
    "points.adjust": _("Adjust points"),
    "points.waive": _("Ask for waivers of debt"),
    "waivers.approve": _("Decide small waivers"),
    "waivers.approve_any": _("Decide all waivers"),
    "tiers.grant": _("Lend tiers, ask for exceptions"),
    "tiers.approve": _("Decide exceptions of tiers"),
    "adjustments.approve": _("Decide corrections of points"),
    "adjustments.approve_any": _("Decide all corrections of points"),
    "ledger.verify": _("Verify the ledger"),
    "finance.view": _("See the points liability"),
    "finance.edit": _("Value points in the books"),
    "programme.view": _("See programme and rules"),
    "programme.edit": _("Change programme and rules"),
    "segments.view": _("See segments"),
    "tags.give": _("Give tags by hand"),
    "follow_ups.view": _("See follow-ups of members"),
    "follow_ups.work": _("Work off follow-ups, write notes and contacts"),
    "follow_ups.edit": _("Set the rules of reminders"),
    "segments.edit": _("Change segments"),
    "segments.export": _("Export segments (audited)"),
    "offers.view": _("See coupons and promotions"),
    "offers.edit": _("Change coupons and promotions"),
    "coupons.issue": _("Hand out coupons"),
    "coupons.claim": _("Claim coupons"),
    "coupons.use": _("Use coupons at a till"),
    "engagement.view": _("See check-ins, invitations and missions"),
    "engagement.edit": _("Change check-ins, invitations and missions"),
    "engagement.take_part": _("Check members in"),
    "rewards.view": _("See the points mall and its orders"),
    "rewards.edit": _("Change the points mall"),
    "rewards.exchange": _("Exchange points for members"),
    "rewards.serve": _("Prepare, hand over and cancel exchange orders"),
    "imports.view": _("See imports"),
    "imports.run": _("Run imports"),
    "collection.view": _("See what web sites and apps send"),
    "collection.edit": _("Manage sources and what they set aside"),
    "events.view": _("See events"),
    "events.replay": _("Replay parked events"),
    "webhooks.manage": _("Manage webhooks"),
    "audit.view": _("Search the audit trail"),
    "organization.view": _("See malls and merchants"),
    "organization.edit": _("Change malls and merchants"),
    "staff.manage": _("Manage staff"),
    "apikeys.manage": _("Manage API keys"),
    "outbox.view": _("See sent messages"),
    "keys.manage": _("Change encryption keys"),
    "messages.view": _("See sending and its figures"),
    "messages.send": _("Send messages"),
    "templates.edit": _("Write and approve wordings"),
    **MARKETING_PERMISSIONS,
    **FORM_PERMISSIONS,
    **RIGHTS_PERMISSIONS,
    **RISK_PERMISSIONS,
    "channels.manage": _("Manage accounts with vendors of messages"),
    "quality.view": _("See reviews of conversations"),
    "quality.review": _("Review conversations, decide appeals"),
    "quality.edit": _("Change checklists and sampling plans"),
    "tickets.view": _("See tickets"),
    "tickets.open": _("Open tickets"),
    "tickets.answer": _("Answer for a merchant"),
    "tickets.handle": _("Deal with tickets"),
    "tickets.manage": _("Change service hours and promises"),
    "compensation.approve": _("Agree to amends"),
}

TENDERS = {
    "cash": _("Cash"),
    "wechat": _("WeChat Pay"),
    "alipay": _("Alipay"),
    "card": _("Bank card"),
    "stored_value": _("Stored value"),
    "voucher": _("Voucher"),
    "points": _("Points"),
    "other": _("Other"),
}

SOURCES = {
    "api": _("API"),
    "file": _("File import"),
    "counter": _("Counter"),
    "console": _("Console"),
    "member": _("Member app"),
    "simulator": _("Simulator"),
    "collection": _("Web site or app"),
}

MEMBER_STATUSES = {"active": _("Active"), "frozen": _("Frozen"), "closed": _("Closed")}
MEMBER_STATUS_TONES = {"active": "success", "frozen": "warning", "closed": ""}

SEXES = {"unknown": _("Not given"), "female": _("Female"), "male": _("Male")}

IDENTIFIERS = {
    "phone": _("Phone"),
    "card": _("Card"),
    "email": _("E-mail"),
    "openid": _("WeChat openid"),
    "unionid": _("WeChat unionid"),
    "plate": _("Number plate"),
    "account": _("Online account"),
}

SOURCE_KINDS = {
    "web": _("Web site"),
    "app": _("App or mini program"),
    "server": _("Server"),
    "kiosk": _("Screen or kiosk used by everybody"),
}

USER_ID_KINDS = {
    "account": _("Its own accounts"),
    "phone": _("Phone numbers"),
    "card": _("Card numbers"),
    "email": _("E-mail addresses"),
    "unionid": _("WeChat unionids"),
    "openid": _("WeChat openids"),
}

MESSAGE_OUTCOMES = {
    "taken": _("Taken in"),
    "anonymised": _("Made anonymous"),
    "refused": _("Refused by the visitor"),
    "duplicate": _("Duplicate"),
    "set_aside": _("Set aside"),
}
MESSAGE_TONES = {"taken": "success", "anonymised": "info", "refused": "warning", "set_aside": "error"}

TIMELINE_KINDS = {
    "behaviour": _("Behaviour online"),
    "receipts": _("Receipts"),
    "points": _("Points"),
    "engagement": _("Check-ins and missions"),
    "coupons": _("Coupons"),
    "messages": _("Messages"),
    "service": _("Service"),
    "profile": _("Profile"),
}

JOURNEY_MARKS = {
    "first_touch": _("First touch"),
    "interaction": _("Interaction"),
    "purchase": _("First purchase"),
    "repurchase": _("Repurchase"),
}
JOURNEY_TONES = {"first_touch": "info", "interaction": "", "purchase": "success", "repurchase": "primary"}

BEHAVIOUR = {
    "products_searched": _("Searched for products"),
    "product_list_viewed": _("Looked through a list"),
    "product_list_filtered": _("Filtered a list"),
    "promotion_viewed": _("Saw a promotion"),
    "promotion_clicked": _("Followed a promotion"),
    "product_clicked": _("Opened a product"),
    "product_viewed": _("Looked at a product"),
    "product_added": _("Put into the cart"),
    "product_removed": _("Took out of the cart"),
    "cart_viewed": _("Looked into the cart"),
    "checkout_started": _("Began to check out"),
    "checkout_step_viewed": _("Saw a step of the checkout"),
    "checkout_step_completed": _("Finished a step of the checkout"),
    "payment_info_entered": _("Entered payment details"),
    "order_completed": _("Ordered online"),
    "order_updated": _("Changed an online order"),
    "order_refunded": _("An online order was refunded"),
    "order_cancelled": _("Cancelled an online order"),
    "coupon_entered": _("Entered a coupon"),
    "coupon_applied": _("Used a coupon online"),
    "coupon_denied": _("A coupon was refused"),
    "coupon_removed": _("Removed a coupon"),
    "product_added_to_wishlist": _("Put on the wish list"),
    "product_removed_from_wishlist": _("Took off the wish list"),
    "wishlist_product_added_to_cart": _("Moved from wish list to cart"),
    "product_shared": _("Shared a product"),
    "cart_shared": _("Shared the cart"),
    "product_reviewed": _("Reviewed a product"),
    "page_viewed": _("Viewed a page"),
    "screen_viewed": _("Viewed a screen"),
    "group_joined": _("Joined a group"),
}

CONSENT_PURPOSES = {
    "membership": _("Membership"),
    "marketing": _("Offers and news"),
    "personalisation": _("Personal recommendations"),
    "sharing": _("Sharing with merchants"),
}

CONSENT_CHANNELS = {
    "any": _("Any channel"),
    "sms": _("Text message"),
    "email": _("E-mail"),
    "wechat": _("WeChat"),
    "phone": _("Phone call"),
    "push": _("App notification"),
}


CONSENT_DECISIONS = {"granted": _("Granted"), "refused": _("Refused"), "withdrawn": _("Withdrawn")}
CONSENT_TONES = {"granted": "success", "refused": "", "withdrawn": "warning"}

DATA_CATEGORIES = {"phone": _("Phone number"), "name": _("Name"), "purchases": _("Purchases")}

PROFILE_FIELDS = {
    "name": _("Name"),
    "sex": _("Sex"),
    "birthday": _("Birthday"),
    "birthday_calendar": _("Celebrated by"),
    "occupation": _("Occupation"),
    "address": _("Address"),
    "language": _("Language"),
}

ENTRY_REASONS = {
    "earn": _("Earned"),
    "clawback": _("Taken back"),
    "redeem": _("Redeemed"),
    "restore": _("Given back"),
    "expire": _("Expired"),
    "forfeit": _("Lapsed when the membership ended"),
    "adjust": _("Corrected"),
    "grant": _("Given by us"),
    "revoke": _("Taken back by us"),
    "undo": _("Import undone"),
    "release": _("Can be spent"),
    "hold": _("Points set aside"),
    "unhold": _("No longer set aside"),
    **AWARDS,
    "pool_in": _("Shared at home"),
    "pool_out": _("Back from sharing at home"),
    "merge": _("Memberships joined"),
    "unmerge": _("Memberships parted"),
    "check_in": _("Daily check-in"),
    "birthday": _("Birthday gift"),
    "referral": _("Friend invited"),
    "mission": _("Mission accomplished"),
    "prize": _("Won in a draw"),
    "take_back": _("Taken back"),
    "waive": _("Debt waived"),
}

ROUNDINGS = {"down": _("are dropped"), "half_up": _("are rounded to the nearest"), "up": _("are rounded up")}

EXPIRIES = {
    "rolling_months": _("some months after they were earned"),
    "end_of_year": _("at the end of the year in which some months have passed"),
    "fixed_date": _("on a fixed day of the year, when some months have passed"),
    "never": _("never"),
}

RULE_EXPIRIES = EXPIRIES | {"on_date": _("on a certain day")}

SHORTFALLS = {
    "debt": _("the member owes them"),
    "block": _("the return is refused"),
    "deduct_cash": _("their worth is deducted from the refund"),
    "waive": _("they are waived"),
}

TIER_PERIODS = {
    "at_once": _("not held: the night's review moves at once"),
    "anniversary": _("for a year from the day they are reached"),
    "year": _("to the end of the calendar year"),
    "quarter": _("to the end of the quarter"),
}
TIER_FALLS = {
    "one_step": _("one step down"),
    "to_spend": _("down to the tier that the spend would have kept"),
}
TIER_GRANT_STATES = {
    "asked": _("waits for a decision"),
    "coming": _("begins later"),
    "running": _("in force"),
    "over": _("over"),
    "refused": _("refused"),
    "revoked": _("taken back"),
}

TIER_BASES = {
    "spend": _("spend"),
    "visits": _("visits (days with a purchase)"),
    "growth": _("growth value"),
}

TIER_WINDOWS = {
    "rolling_12_months": _("of the last twelve months"),
    "calendar_year": _("of the calendar year"),
    "lifetime": _("of all time"),
}

COLOURS = {
    "slate": _("Slate"),
    "silver": _("Silver"),
    "gold": _("Gold"),
    "platinum": _("Platinum"),
    "diamond": _("Diamond"),
    "rose": _("Rose"),
    "emerald": _("Emerald"),
    "sky": _("Sky"),
    "violet": _("Violet"),
    "amber": _("Amber"),
}

IMPORT_STATES = {
    "uploaded": _("Uploaded"),
    "checking": _("Dry run under way"),
    "checked": _("Tried"),
    "queued": _("Waiting"),
    "running": _("Under way"),
    "done": _("Imported"),
    "failed": _("Stopped"),
    "undoing": _("Being undone"),
    "undone": _("Undone"),
}
IMPORT_STATE_TONES = {
    "checking": "info",
    "checked": "info",
    "queued": "info",
    "running": "info",
    "done": "success",
    "failed": "error",
    "undoing": "warning",
    "undone": "warning",
}

IMPORT_STAGES = {
    "": _("Waiting for the worker"),
    "reading": _("Reading the rows"),
    "planning": _("Putting receipts together"),
    "members": _("Enrolling members"),
    "recording": _("Recording receipts"),
    "undoing": _("Taking receipts out"),
}

REPLAY_STATES = {
    "queued": _("Waiting"),
    "running": _("Under way"),
    "done": _("Ready"),
    "failed": _("Stopped"),
}
REPLAY_STATE_TONES = {"queued": "info", "running": "info", "done": "success", "failed": "error"}

JOURNAL_ENTRIES = {
    "earned": _("Points given"),
    "spent": _("Points spent"),
    "expired": _("Points lapsed"),
    "estimate": _("Change of the estimate"),
}
FUNDERS = {"mall": _("Mall"), "merchant": _("Merchant"), "brand": _("Brand")}


AUDIT_ACTIONS = {
    **insight.AUDIT_ACTIONS,
    **rewards.AUDIT_ACTIONS,
    **MARKETING_ACTIONS,
    **FORM_ACTIONS,
    **RIGHTS_ACTIONS,
    **RISK_ACTIONS,
    **CONNECTOR_ACTIONS,
    "mission.save": _("Mission published"),
    "deed.withdraw": _("Deed withdrawn"),
    **ENGAGEMENT_ACTIONS,
    "coupon.void": _("Coupon made void"),
    "coupon_batch.change": _("Batch of coupons changed"),
    "coupon_batch.codes": _("Codes added to a batch"),
    "coupon_batch.export": _("Codes of a batch exported"),
    "coupon_batch.open": _("Batch of coupons opened"),
    "coupon_batch.push": _("Coupons sent to a list"),
    "coupon_template.retire": _("Coupon template retired"),
    "promotion.end": _("Promotion ended"),
    "promotion.publish": _("Promotion published"),
    "coupon_template.save": _("Coupon template saved"),
    "api_key.create": _("API key created"),
    "api_key.revoke": _("API key revoked"),
    "alert.see": _("Alert noted"),
    "alert_chain.save": _("Chain of alerts saved"),
    "alert_contact.save": _("Address for alerts saved"),
    "verbatim.decide": _("Comment decided on"),
    "brand.create": _("Brand created"),
    "calendar.publish": _("Calendar published"),
    "card.hand_out_secrets": _("Card secrets handed to a till"),
    "channel_account.save": _("Channel account saved"),
    "channel_account.test": _("Test message sent"),
    "cause.save": _("Cause saved"),
    "consent.record": _("Consent recorded"),
    "contact.suppress": _("Address suppressed"),
    "create_category": _("Product category created"),
    "deadlines.call": _("Deadlines called"),
    "department.save": _("Department saved"),
    "events.discard": _("Event discarded"),
    "events.rebuild": _("Derived tables rebuilt"),
    "events.replay": _("Event replayed"),
    "floor.create": _("Floor created"),
    "group.create": _("Group created"),
    "group.update": _("Group changed"),
    "holidays.load": _("Holidays loaded"),
    "identifier.add": _("Identifier added"),
    "identifier.retire": _("Identifier retired"),
    "import.check_file": _("Dry run started"),
    "import.correct_row": _("Row corrected"),
    "import.discard_rows": _("Rows discarded"),
    "import.load_file": _("Import started"),
    "import.replay_rows": _("Rows replayed"),
    "import.run": _("File imported"),
    "import.set_mapping": _("Mapping set"),
    "import.undo": _("Import undone"),
    "import.undo_file": _("Undoing an import started"),
    "import.upload": _("File uploaded"),
    "keys.reencrypt": _("Personal data re-encrypted"),
    "keys.retire": _("Encryption key retired"),
    "keys.rotate": _("Encryption key added"),
    "load_products": _("Articles loaded"),
    "mall.create": _("Mall created"),
    "mapping.delete": _("Mapping forgotten"),
    "mapping.save": _("Mapping kept"),
    "member.enroll": _("Member enrolled"),
    "member.enroll_many": _("Many members enrolled"),
    "member.replace_card": _("Card replaced"),
    "member.status": _("Membership status changed"),
    "members.export": _("Members exported"),
    "merchant.create": _("Merchant created"),
    "merchant.update": _("Merchant changed"),
    "message.queue": _("Message queued"),
    "message.reply": _("Reply received"),
    "message_template.approve": _("Wording approved"),
    "message_template.create": _("Message template created"),
    "message_template.vendor": _("Number of a wording at a vendor kept"),
    "message_template.write": _("Wording written"),
    "one_time_code.fail": _("Wrong one-time code"),
    "one_time_code.verify": _("One-time code accepted"),
    "organization.load": _("Malls and merchants loaded"),
    "person.assign_associate": _("Sales associate assigned"),
    "reminders.publish": _("Rules of reminders published"),
    "follow_up.open": _("Own reminder set"),
    "follow_up.snooze": _("Follow-up put off"),
    "follow_up.done": _("Follow-up done"),
    "follow_up.skipped": _("Follow-up left be"),
    "follow_up.try": _("Member not reached"),
    "contact.record": _("Contact written down"),
    "care_note.write": _("Note of an associate written"),
    "proposal.decide": _("Proposed tag decided"),
    "associate.hand_over": _("Members handed over to a colleague"),
    "balances.import": _("Balances of another system brought in"),
    "journal.export": _("Journal of points exported"),
    "ledger.export": _("Ledger exported"),
    "ledger.sign": _("Day of the ledger signed"),
    "person.create": _("Person created"),
    "person.create_many": _("Many persons created"),
    "person.reveal": _("Personal data opened"),
    "person.update": _("Profile changed"),
    "points.adjust": _("Points corrected"),
    "points.reinstate": _("Expired points reinstated"),
    "adjustment.ask": _("Correction of points asked for"),
    "adjustment.approved": _("Correction of points approved"),
    "adjustment.refused": _("Correction of points refused"),
    "adjustment.lapsed": _("Correction of points not decided in time"),
    "policy.publish": _("Privacy policy published"),
    "program.create": _("Programme created"),
    "program.update": _("Programme changed"),
    "provision.publish": _("Valuation of points published"),
    "tier_policy.begin": _("Terms of the tiers began"),
    "tier_policy.notice": _("Members told of new terms of the tiers"),
    "tier_policy.publish": _("Terms of the tiers published"),
    "tier_policy.withdraw": _("Terms of the tiers withdrawn"),
    "rates.notice": _("Members told of new redemption rates"),
    "rates.publish": _("Redemption rates published"),
    "rates.withdraw": _("Redemption rates withdrawn"),
    "receipt.claim": _("Receipt claimed"),
    "receipt.scan": _("Receipt claimed by its QR"),
    "receipt.return": _("Return recorded"),
    "redemption.reverse": _("Redemption reversed"),
    "replay.begin": _("Replay begun"),
    "rule.publish": _("Rule version published"),
    "rule.retire": _("Rule ended"),
    "quiet_hours.set": _("Own quiet hours set"),
    "contact.allow": _("Address allowed again"),
    "sending_policy.save": _("Sending policy changed"),
    "service_policy.publish": _("Service promises published"),
    "session.end": _("Session ended"),
    "session.revoke": _("Sessions ended"),
    "source.create": _("Source created"),
    "source.key_make": _("Write key made"),
    "source.key_revoke": _("Write key revoked"),
    "source.message_discard": _("Message given up"),
    "source.message_open": _("Message opened"),
    "source.message_replay": _("Message tried again"),
    "source.update": _("Source changed"),
    "staff.begin_totp": _("Second factor begun"),
    "staff.confirm_totp": _("Second factor turned on"),
    "staff.create": _("Account created"),
    "staff.deactivate": _("Account closed"),
    "staff.disable_totp": _("Second factor turned off"),
    "staff.grant_role": _("Role given"),
    "staff.log_in": _("Logged in"),
    "staff.log_in_failed": _("Log-in failed"),
    "staff.revoke_role": _("Role taken back"),
    "staff.set_language": _("Language chosen"),
    "staff.set_password": _("Password set"),
    "task.finish": _("Task finished"),
    "task.open": _("Task given"),
    "task.try": _("Call tried"),
    **AFTER_SALE_ACTIONS,
    **RECOVERY_ACTIONS,
    "ticket.answer": _("Ticket answered"),
    "ticket.assign": _("Ticket handed over"),
    "ticket.classify": _("Ticket graded"),
    "ticket.close": _("Ticket closed"),
    "ticket.hold": _("Ticket held"),
    "ticket.merge": _("Tickets merged"),
    "ticket.open": _("Ticket opened"),
    "ticket.reopen": _("Ticket reopened"),
    "ticket.resolve": _("Ticket solved"),
    "tier_exception.approve": _("Exception of a tier approved"),
    "tier_exception.ask": _("Exception of a tier asked for"),
    "tier_exception.refuse": _("Exception of a tier refused"),
    "tier_grant.give": _("Tier lent"),
    "tier_grant.revoke": _("Lent tier taken back"),
    "tier.remove": _("Tier removed"),
    "tier.save": _("Tier saved"),
    "tradecategory.create": _("Trade category created"),
    "unit.create": _("Unit created"),
    "webhook.create": _("Webhook endpoint made"),
    "webhook.discard": _("Dead letters given up"),
    "webhook.replay": _("Dead letters sent again"),
    "webhook.rotate": _("Webhook secret rotated"),
    "webhook.try_now": _("Webhook tried at once"),
    "webhook.update": _("Webhook endpoint changed"),
    "zone.create": _("Zone created"),
}

AUDIT_SUBJECTS = {
    "form": _("Form"),
    **CONNECTOR_SUBJECTS,
    **insight.AUDIT_SUBJECTS,
    **rewards.AUDIT_SUBJECTS,
    "coupon": _("Coupon"),
    "coupon_batch": _("Batch of coupons"),
    "promotion": _("Promotion"),
    "coupon_template": _("Coupon template"),
    "api_key": _("API key"),
    "brand": _("Brand"),
    "digest": _("Signed day"),
    "channel_account": _("Channel account"),
    "alert": _("Alert"),
    "calendar": _("Calendar"),
    "cause": _("Cause"),
    "department": _("Department"),
    "holidays": _("Holidays"),
    "floor": _("Floor"),
    "group": _("Group"),
    "import": _("Import"),
    "ledger": _("Points ledger"),
    "mall": _("Mall"),
    "mapping": _("Mapping"),
    "member": _("Member"),
    "members": _("Members"),
    "merchant": _("Merchant"),
    "message": _("Message"),
    "message_template": _("Message template"),
    "parked_event": _("Parked event"),
    "person": _("Person"),
    "policy": _("Privacy policy"),
    "program": _("Programme"),
    "receipt": _("Receipt"),
    "replay": _("Replay"),
    "rule": _("Earning rule"),
    "set_aside": _("Message set aside"),
    "source": _("Source"),
    "staff": _("Staff"),
    "task": _("Task"),
    "ticket": _("Ticket"),
    "tickets": _("Tickets"),
    "tier": _("Tier"),
    "tradecategory": _("Trade category"),
    "unknown_staff": _("Unknown account"),
    "webhook": _("Webhook"),
}
