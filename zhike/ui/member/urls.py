"""Addresses of the member app. The service worker lies at /m/ so that it may serve everything below."""

from django.urls import path

from zhike.ui.member.views import (
    account,
    app,
    card,
    check_in,
    coupons,
    messages,
    points,
    receipts,
    tickets,
    visitor,
)

app_name = "member"
urlpatterns = [
    path("m/", card.home, name="home"),
    path("m/card/", card.live, name="live"),
    path("m/login/", visitor.log_in, name="log_in"),
    path("m/login/code/", visitor.code, name="code"),
    path("m/join/", visitor.join, name="join"),
    path("m/logout/", visitor.log_out, name="log_out"),
    path("m/check-in/", check_in.check_in, name="check_in"),
    path("m/check-in/make-up/", check_in.make_up, name="make_up"),
    path("m/points/", points.statement, name="points"),
    path("m/points/lots/", points.lots, name="lots"),
    path("m/coupons/", coupons.coupons, name="coupons"),
    path("m/coupons/<int:coupon_id>/", coupons.coupon, name="coupon"),
    path("m/offers/", coupons.offers, name="offers"),
    path("m/receipts/", receipts.receipts, name="receipts"),
    path("m/receipts/claim/", receipts.claim, name="claim"),
    path("m/receipts/<uuid:receipt_id>/", receipts.receipt, name="receipt"),
    path("m/me/", account.profile, name="profile"),
    path("m/me/edit/", account.edit, name="edit"),
    path("m/me/history/", account.history, name="history"),
    path("m/me/consents/", account.consents, name="consents"),
    path("m/me/quiet/", messages.quiet_hours, name="quiet_hours"),
    path("m/inbox/", messages.inbox, name="inbox"),
    path("m/inbox/<int:message_id>/", messages.message, name="message"),
    path("m/no/<str:token>/", messages.refuse, name="refuse"),
    path("m/help/", tickets.tickets, name="help"),
    path("m/help/new/", tickets.new, name="help_new"),
    path("m/help/<slug:number>/", tickets.ticket, name="help_ticket"),
    path("m/help/<slug:number>/close/", tickets.close, name="help_close"),
    path("m/help/<slug:number>/files/<int:file_id>/", tickets.file, name="help_file"),
    path("m/policy/", app.policy, name="policy"),
    path("m/about/", app.about, name="about"),
    path("m/offline/", app.offline, name="offline"),
    path("m/sw.js", app.service_worker, name="service_worker"),
    path("m/manifest.webmanifest", app.manifest, name="manifest"),
]
