"""Addresses of the console."""

from __future__ import annotations

from django.urls import URLPattern, include, path

from zhike.ui.console.campaign_urls import CAMPAIGNS
from zhike.ui.console.connector_urls import CONNECTORS
from zhike.ui.console.contact_urls import CONTACTS
from zhike.ui.console.engagement_urls import ENGAGEMENT
from zhike.ui.console.inbox_urls import INBOX
from zhike.ui.console.insight_urls import INSIGHT
from zhike.ui.console.journey_urls import JOURNEYS
from zhike.ui.console.offer_urls import OFFERS
from zhike.ui.console.rate_urls import RATES
from zhike.ui.console.recovery_urls import RECOVERY
from zhike.ui.console.reward_urls import REWARDS
from zhike.ui.console.rights_urls import RIGHTS
from zhike.ui.console.risk_urls import RISK
from zhike.ui.console.views import (
    account,
    adjustments,
    after_sales,
    alerting,
    api_keys,
    associates,
    audit,
    balances,
    channels,
    dashboard,
    finance,
    founding,
    households,
    identity,
    imports,
    ledger,
    listening,
    member,
    member_actions,
    members,
    message_templates,
    organization,
    outbox,
    parked_events,
    photo_claims,
    policy,
    programme,
    quarantine,
    receipts,
    redemptions,
    replays,
    rules,
    sending,
    service,
    service_board,
    service_settings,
    session,
    sources,
    staff,
    tiers,
    webhooks,
)
from zhike.ui.console.webform_urls import FORMS

app_name = "console"

_start = [
    path("", dashboard.dashboard, name="dashboard"),
    path("feed/", dashboard.feed, name="feed"),
    path("search/", dashboard.search, name="search"),
    path("login/", session.log_in, name="log_in"),
    path("logout/", session.log_out, name="log_out"),
    path("mall/<int:mall_id>/", session.choose_mall, name="choose_mall"),
    path("founding/", founding.founding, name="founding"),
    path("founding/<slug:step>/", founding.founding_step, name="founding_step"),
]

_members = [
    path("members/", members.members, name="members"),
    path("members/export/", members.export, name="export_members"),
    path("members/status/", members.bulk_status, name="bulk_status"),
    path("members/<int:member_id>/", member.member, name="member"),
    path("members/<int:member_id>/tier/", tiers.member_tier, name="member_tier"),
    path("members/<int:member_id>/tier/give/", tiers.grant_tier, name="grant_tier"),
    path("members/<int:member_id>/tier/<int:grant_id>/revoke/", tiers.revoke_tier, name="revoke_tier"),
    path("members/<int:member_id>/adjust/", member_actions.adjust, name="adjust"),
    path("members/<int:member_id>/reinstate/", adjustments.reinstate, name="reinstate"),
    path("members/<int:member_id>/redeem/", member_actions.redeem, name="redeem"),
    path(
        "members/<int:member_id>/redemptions/<uuid:redemption_id>/reverse/",
        member_actions.reverse_redemption,
        name="reverse_redemption",
    ),
    path("members/<int:member_id>/household/", households.household, name="household"),
    path(
        "members/<int:member_id>/holds/<uuid:hold_id>/release/",
        member_actions.release_hold,
        name="release_hold",
    ),
    path("members/<int:member_id>/edit/", member_actions.edit_profile, name="edit_profile"),
    path("members/<int:member_id>/status/<slug:status>/", member_actions.set_status, name="member_status"),
    path("members/<int:member_id>/card/", member_actions.replace_card, name="replace_card"),
    path("members/<int:member_id>/identifiers/", member_actions.add_identifier, name="add_identifier"),
    path(
        "members/<int:member_id>/identifiers/<int:identifier_id>/retire/",
        member_actions.retire_identifier,
        name="retire_identifier",
    ),
    path("members/<int:member_id>/reveal/<str:what>/", member_actions.reveal, name="reveal"),
    path("associates/", associates.associates, name="associates"),
    path("associates/reminders/", associates.reminders, name="reminders"),
    path("associates/<int:staff_id>/hand-over/", associates.hand_over, name="hand_over_members"),
    path("members/<int:member_id>/associate/", associates.assign, name="assign_associate"),
    path("members/<int:member_id>/merge/", identity.find_other, name="find_other"),
    path("members/<int:member_id>/<slug:tab>/", member.member, name="member_tab"),
]

_identity = [
    path("identity/", identity.suggestions, name="suggestions"),
    path("identity/<int:suggestion_id>/", identity.suggestion, name="suggestion"),
    path("identity/merges/", identity.merges, name="merges"),
    path("identity/merges/<int:merge_id>/", identity.merge, name="merge"),
    path("identity/merges/<int:merge_id>/agree/", identity.agree, name="agree_to_merge"),
    path("identity/merges/<int:merge_id>/decline/", identity.decline, name="decline_merge"),
    path("identity/merges/<int:merge_id>/undo/", identity.undo, name="undo_merge"),
    path("identity/compare/", identity.compare, name="compare"),
]

_receipts = [
    path("redemptions/", redemptions.redemptions, name="redemptions"),
    path("receipts/", receipts.receipts, name="receipts"),
    path("receipts/photos/", photo_claims.photo_claims, name="photo_claims"),
    path("receipts/photos/<uuid:claim_id>/", photo_claims.photo_claim, name="photo_claim"),
    path("receipts/photos/<uuid:claim_id>/picture/", photo_claims.picture, name="photo_claim_picture"),
    path("receipts/photos/<uuid:claim_id>/refuse/", photo_claims.refuse, name="refuse_photo_claim"),
    path("receipts/<uuid:receipt_id>/", receipts.receipt, name="receipt"),
    path("receipts/<uuid:receipt_id>/why/", receipts.explanation, name="explanation"),
    path("receipts/<uuid:receipt_id>/return/", receipts.return_lines, name="return_lines"),
]

_programme = [
    path("time-machine/", replays.replays, name="replays"),
    path("time-machine/<uuid:run_id>/", replays.replay, name="replay"),
    path("time-machine/<uuid:run_id>/state/", replays.replay_state, name="replay_state"),
    path("programme/", programme.programme, name="programme"),
    path("programme/edit/", programme.edit_programme, name="edit_programme"),
    path("programme/return-windows/", programme.return_windows, name="return_windows"),
    path("tiers/", programme.tiers, name="tiers"),
    path("tiers/exceptions/", tiers.exceptions, name="tier_exceptions"),
    path("tiers/exceptions/<int:grant_id>/approve/", tiers.approve_exception, name="approve_tier_exception"),
    path("tiers/exceptions/<int:grant_id>/refuse/", tiers.refuse_exception, name="refuse_tier_exception"),
    path("tiers/new/", programme.tier, name="new_tier"),
    path("tiers/<int:tier_id>/", programme.tier, name="tier"),
    path("tiers/<int:tier_id>/remove/", programme.remove_tier, name="remove_tier"),
    path("rules/", rules.rules, name="rules"),
    path("rules/new/", rules.edit_rule, name="new_rule"),
    path("rules/new/preview/", rules.preview_rule, name="preview_new_rule"),
    path("rules/<int:rule_id>/", rules.rule, name="rule"),
    path("rules/<int:rule_id>/edit/", rules.edit_rule, name="edit_rule"),
    path("rules/<int:rule_id>/preview/", rules.preview_rule, name="preview_rule"),
    path("rules/<int:rule_id>/end/", rules.retire_rule, name="retire_rule"),
]

_policy = [
    path("policy/", policy.policy, name="policy"),
    path("policy/new/", policy.new_policy, name="new_policy"),
]

_finance = [
    path("liability/", finance.liability, name="liability"),
    path("liability/journal/", finance.journal_file, name="journal_file"),
    path("liability/valuation/", finance.provision, name="provision"),
]

_organization = [
    path("merchants/", organization.merchants, name="merchants"),
    path("merchants/new/", organization.new_merchant, name="new_merchant"),
    path("merchants/<int:merchant_id>/", organization.merchant, name="merchant"),
    path("merchants/<int:merchant_id>/edit/", organization.edit_merchant, name="edit_merchant"),
    path("malls/", organization.structure_page, name="structure"),
    path("malls/new/<slug:kind>/", organization.new_place, name="new_place"),
    path("group/", organization.edit_group, name="edit_group"),
]

_imports = [
    path("imports/", imports.imports, name="imports"),
    path("imports/upload/", imports.upload, name="upload"),
    path("imports/balances/", balances.balances, name="balances"),
    path("imports/balances/upload/", balances.upload, name="upload_balances"),
    path("imports/balances/<uuid:move_id>/", balances.move, name="balance_move"),
    path("imports/balances/<uuid:move_id>/progress/", balances.progress, name="balance_progress"),
    path("imports/balances/<uuid:move_id>/bring-in/", balances.bring_in, name="bring_in_balances"),
    path("imports/balances/<uuid:move_id>/discard/", balances.discard, name="discard_balances"),
    path("imports/rows/<int:row_id>/", quarantine.edit_row, name="quarantined_row"),
    path("imports/<uuid:run_id>/", imports.import_run, name="import"),
    path("imports/<uuid:run_id>/mapping/", imports.mapping, name="import_mapping"),
    path("imports/<uuid:run_id>/mapping.toml", imports.mapping_file, name="mapping_file"),
    path("imports/<uuid:run_id>/mapping/keep/", imports.save_mapping, name="save_mapping"),
    path("imports/<uuid:run_id>/mapping/forget/", imports.delete_mapping, name="delete_mapping"),
    path("imports/<uuid:run_id>/progress/", imports.progress, name="import_progress"),
    path("imports/<uuid:run_id>/check/", imports.check, name="check_import"),
    path("imports/<uuid:run_id>/start/", imports.start, name="start_import"),
    path("imports/<uuid:run_id>/undo/", imports.undo, name="undo_import"),
    path("imports/<uuid:run_id>/quarantine/", quarantine.quarantine, name="quarantine"),
    path("imports/<uuid:run_id>/quarantine.csv", quarantine.quarantine_file, name="quarantine_file"),
    path("imports/<uuid:run_id>/quarantine/replay/", quarantine.replay, name="replay_rows"),
    path("imports/<uuid:run_id>/quarantine/discard/", quarantine.discard, name="discard_rows"),
]

_data = [
    path("parked-events/", parked_events.parked_events, name="parked_events"),
    path("parked-events/<int:parked_id>/", parked_events.parked_event, name="parked_event"),
    path("parked-events/<int:parked_id>/replay/", parked_events.replay, name="replay_event"),
    path("parked-events/<int:parked_id>/discard/", parked_events.discard, name="discard_event"),
    path("ledger/", ledger.ledger, name="ledger"),
    path("ledger/export/", ledger.export, name="export_ledger"),
    path("ledger/digests/<slug:day>/", ledger.digest, name="ledger_digest"),
    path("audit/", audit.audit, name="audit"),
    path("outbox/", outbox.outbox, name="outbox"),
]

_sources = [
    path("sources/", sources.sources, name="sources"),
    path("sources/new/", sources.new_source, name="new_source"),
    path("sources/<int:source_id>/", sources.source, name="source"),
    path("sources/<int:source_id>/live/", sources.debugger, name="source_debugger"),
    path("sources/<int:source_id>/edit/", sources.edit_source, name="edit_source"),
    path("sources/<int:source_id>/key/", sources.rotate_key, name="rotate_key"),
    path("sources/keys/<int:key_id>/revoke/", sources.revoke_key, name="revoke_write_key"),
    path("sources/<int:source_id>/set-aside/", sources.set_aside, name="set_aside"),
    path("sources/set-aside/<int:set_aside_id>/", sources.mend, name="mend_message"),
    path("sources/set-aside/<int:set_aside_id>/replay/", sources.replay, name="replay_message"),
    path("sources/set-aside/<int:set_aside_id>/discard/", sources.discard, name="discard_message"),
]

_messaging = [
    path("sending/", sending.sending, name="sending"),
    path("sending/messages/", sending.sent_messages, name="sent_messages"),
    path("message-templates/", message_templates.message_templates, name="message_templates"),
    path("message-templates/new/", message_templates.new_message_template, name="new_message_template"),
    path("message-templates/<int:template_id>/", message_templates.message_template, name="message_template"),
    path("message-templates/<int:template_id>/write/", message_templates.new_version, name="new_version"),
    path(
        "message-templates/<int:template_id>/preview/",
        message_templates.preview_version,
        name="preview_version",
    ),
    path("wordings/<int:version_id>/approve/", message_templates.approve_version, name="approve_version"),
    path(
        "wordings/<int:version_id>/vendors/<int:account_id>/",
        message_templates.vendor_number,
        name="vendor_number",
    ),
    path("sending/policy/", sending.edit_policy, name="sending_policy"),
    path("channels/", channels.channels, name="channels"),
    path("channels/new/<slug:vendor>/", channels.new_channel, name="new_channel"),
    path("channels/<int:account_id>/", channels.channel, name="channel"),
    path("channels/<int:account_id>/test/", channels.test_channel, name="test_channel"),
]

_webhooks = [
    path("webhooks/", webhooks.webhooks, name="webhooks"),
    path("webhooks/new/", webhooks.new_webhook, name="new_webhook"),
    path("webhooks/<int:endpoint_id>/", webhooks.webhook, name="webhook"),
    path("webhooks/<int:endpoint_id>/edit/", webhooks.edit_webhook, name="edit_webhook"),
    path("webhooks/<int:endpoint_id>/secret/", webhooks.rotate_secret, name="rotate_webhook_secret"),
    path("webhooks/<int:endpoint_id>/try/", webhooks.try_now, name="try_webhook"),
    path("webhooks/<int:endpoint_id>/letters/replay/", webhooks.replay_letters, name="replay_letters"),
    path("webhooks/<int:endpoint_id>/letters/discard/", webhooks.discard_letters, name="discard_letters"),
]

_service = [
    path("service/after-sales/", after_sales.sheets, name="after_sales"),
    path("service/after-sales/terms/", after_sales.terms, name="after_sales_terms"),
    path("service/after-sales/report/", after_sales.report, name="after_sales_report"),
    path("service/after-sales/<slug:number>/plan/", after_sales.plan, name="repair_plan"),
    path("service/after-sales/<slug:number>/<slug:act>/", after_sales.step, name="after_sale_step"),
    path("service/", service.desk, name="service"),
    path("service/live/", service.desk_live, name="service_live"),
    path("service/new/", service.new_ticket, name="new_ticket"),
    path("service/board/", service_board.board, name="service_board"),
    path("service/board/live/", service_board.board_live, name="service_board_live"),
    path("service/alerts/", alerting.alerts, name="alerts"),
    path("service/alerts/contact/", alerting.contact, name="alert_contact"),
    path("service/alerts/<int:mall_id>/<slug:role>/", alerting.chain, name="alert_chain"),
    path("service/alerts/<int:alert_id>/see/", service_board.see_alert, name="see_alert"),
    path("service/tasks/", service_board.tasks, name="service_tasks"),
    path("service/tasks/<int:task_id>/finish/", service_board.finish_task, name="finish_task"),
    path("service/settings/", service_settings.overview, name="service_settings"),
    path("service/settings/found/", service_settings.found, name="found_service"),
    path("service/settings/policy/", service_settings.policy, name="service_policy"),
    path("service/settings/calendars/new/", service_settings.calendar, name="new_calendar"),
    path("service/settings/calendars/<slug:code>/", service_settings.calendar, name="calendar"),
    path("service/settings/holidays/", service_settings.holidays, name="load_holidays"),
    path("service/settings/holidays/<int:year>/", service_settings.holiday_year, name="holiday_year"),
    path("service/settings/cause/", service_settings.cause, name="edit_cause"),
    path("service/settings/department/", service_settings.department, name="edit_department"),
    path("service/<slug:number>/", service.ticket, name="ticket"),
    path("service/<slug:number>/files/<int:file_id>/", service.ticket_file, name="ticket_file"),
    path("service/<slug:number>/reply/", service.reply, name="reply"),
    path("service/<slug:number>/take/", service.take, name="take_ticket"),
    path("service/<slug:number>/assign/", service.assign, name="assign_ticket"),
    path("service/<slug:number>/classify/", service.classify, name="classify_ticket"),
    path("service/<slug:number>/hold/", service.hold, name="hold_ticket"),
    path("service/<slug:number>/resolve/", service.resolve, name="resolve_ticket"),
    path("service/<slug:number>/close/", service.close, name="close_ticket"),
    path("service/<slug:number>/reopen/", service.reopen, name="reopen_ticket"),
    path("service/<slug:number>/merge/", service.merge, name="merge_ticket"),
    path("service/<slug:number>/task/", service.add_task, name="add_task"),
]

_listening = [
    path("listening/", listening.report, name="listening"),
    path("listening/export/", listening.export, name="export_listening"),
    path("listening/<int:verbatim_id>/decide/", listening.decide, name="decide_verbatim"),
]

_account = [
    path("account/", account.account, name="account"),
    path("account/language/", account.set_language, name="set_language"),
    path("account/password/", account.change_password, name="change_password"),
    path("account/totp/", account.begin_totp, name="begin_totp"),
    path("account/totp/confirm/", account.confirm_totp, name="confirm_totp"),
    path("account/totp/off/", account.disable_totp, name="disable_totp"),
    path("account/sessions/<int:session_id>/end/", account.revoke_session, name="revoke_session"),
    path("account/sessions/end/", account.revoke_other_sessions, name="revoke_other_sessions"),
]

_staff = [
    path("staff/", staff.staff_list, name="staff"),
    path("staff/new/", staff.new_staff, name="new_staff"),
    path("staff/<int:staff_id>/", staff.staff_member, name="staff_member"),
    path("staff/<int:staff_id>/roles/", staff.grant_role, name="grant_role"),
    path("staff/<int:staff_id>/roles/<int:grant_id>/revoke/", staff.revoke_role, name="revoke_role"),
    path("staff/<int:staff_id>/close/", staff.deactivate, name="deactivate_staff"),
    path("staff/<int:staff_id>/password/", staff.set_password, name="set_staff_password"),
    path("staff/<int:staff_id>/totp/off/", staff.disable_totp, name="disable_staff_totp"),
    path(
        "staff/<int:staff_id>/sessions/<int:session_id>/end/",
        staff.revoke_session,
        name="revoke_staff_session",
    ),
    path("api-keys/", api_keys.api_keys, name="api_keys"),
    path("api-keys/new/", api_keys.new_api_key, name="new_api_key"),
    path("api-keys/<int:key_id>/revoke/", api_keys.revoke_api_key, name="revoke_api_key"),
]

_pages: list[URLPattern] = [
    *CAMPAIGNS, *JOURNEYS, *RIGHTS, *FORMS,
    *_start, *_members, *_identity, *_receipts, *_programme, *_finance, *_policy, *_organization, *_imports, *_data, *_sources,
    *_webhooks, *_account, *_staff,
    *RECOVERY, *_service, *_listening, *_messaging, *CONTACTS, *OFFERS, *ENGAGEMENT, *REWARDS, *RATES,
    *INBOX, *RISK, *CONNECTORS,
]  # fmt: skip

urlpatterns = [path("console/", include([*_pages, *INSIGHT]))]
