"""Addresses of the counter: what a cashier or the service desk does for the customer in front of them."""

from django.urls import path

from zhike.ui.counter.views import (
    benefits,
    claims,
    coupons,
    enrol,
    find,
    history,
    orders,
    places,
    prices,
    receipts,
    redemptions,
    returns,
    tickets,
)

app_name = "counter"
urlpatterns = [
    path("counter/", find.home, name="home"),
    path("counter/find/", find.find, name="find"),
    path("counter/till/", places.choose, name="till"),
    path("counter/done/<uuid:token>/", find.done, name="done"),
    path("counter/enrol/", enrol.phone, name="enrol"),
    path("counter/enrol/code/", enrol.code, name="enrol_code"),
    path("counter/enrol/details/", enrol.details, name="enrol_details"),
    path("counter/members/<int:member_id>/", find.member, name="member"),
    path("counter/members/<int:member_id>/receipt/", receipts.record, name="record_for"),
    path("counter/members/<int:member_id>/redeem/", redemptions.redeem, name="redeem"),
    path("counter/members/<int:member_id>/points/", history.points, name="points"),
    path("counter/members/<int:member_id>/receipts/", history.purchases, name="purchases"),
    path("counter/members/<int:member_id>/claim/", claims.claim, name="claim"),
    path("counter/members/<int:member_id>/ticket/", tickets.new, name="ticket"),
    path("counter/members/<int:member_id>/redemptions/", redemptions.redemptions, name="redemptions"),
    path(
        "counter/members/<int:member_id>/redemptions/<uuid:redemption_id>/reverse/",
        redemptions.reverse_redemption,
        name="reverse",
    ),
    path("counter/price/", prices.price, name="price"),
    path("counter/coupons/", coupons.find, name="coupons"),
    path("counter/coupons/<int:coupon_id>/", coupons.use, name="coupon"),
    path("counter/members/<int:member_id>/coupons/", coupons.of_member, name="member_coupons"),
    path("counter/members/<int:member_id>/benefits/", benefits.of_member, name="benefits"),
    path("counter/members/<int:member_id>/benefits/<int:use_id>/cancel/", benefits.cancel, name="cancel_use"),
    path("counter/orders/", orders.find, name="orders"),
    path("counter/prizes/<int:ticket_id>/", orders.prize, name="prize"),
    path("counter/orders/<int:order_id>/", orders.order, name="order"),
    path("counter/members/<int:member_id>/orders/", orders.of_member, name="member_orders"),
    path("counter/receipt/", receipts.record, name="record"),
    path("counter/receipts/", receipts.search, name="receipts"),
    path("counter/receipts/<uuid:receipt_id>/", receipts.receipt, name="receipt"),
    path("counter/receipts/<uuid:receipt_id>/return/", returns.give_back, name="return"),
    path("counter/receipts/<uuid:receipt_id>/give/", claims.give, name="give"),
]
