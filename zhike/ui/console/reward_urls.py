"""Addresses of the console's pages of rewards."""

from __future__ import annotations

from django.urls import URLPattern, path

from zhike.ui.console.views import auctions, benefits, draws, exchange_orders, rewards

REWARDS: list[URLPattern] = [
    path("rewards/", rewards.rewards, name="rewards"),
    path("rewards/new/", rewards.new_reward, name="new_reward"),
    path("rewards/pictures/<slug:digest>/", rewards.picture, name="reward_picture"),
    path("rewards/categories/", rewards.categories, name="reward_categories"),
    path("rewards/categories/new/", rewards.edit_category, name="new_reward_category"),
    path("rewards/categories/<int:category_id>/", rewards.edit_category, name="reward_category"),
    path(
        "rewards/categories/<int:category_id>/retire/",
        rewards.retire_category,
        name="retire_reward_category",
    ),
    path("rewards/orders/", exchange_orders.orders, name="exchange_orders"),
    path("rewards/orders/export/", exchange_orders.export, name="export_exchange_orders"),
    path("rewards/orders/ready/", exchange_orders.mark_ready, name="mark_orders_ready"),
    path("rewards/orders/<int:order_id>/", exchange_orders.order, name="exchange_order"),
    path("rewards/orders/<int:order_id>/cancel/", exchange_orders.cancel, name="cancel_exchange_order"),
    path("rewards/orders/<int:order_id>/extend/", exchange_orders.extend, name="extend_exchange_order"),
    path("rewards/orders/<int:order_id>/back/", exchange_orders.take_back, name="take_back_exchange_order"),
    path("benefits/", benefits.benefits, name="benefits"),
    path("benefits/uses/", benefits.uses, name="benefit_uses"),
    path("benefits/uses/<int:use_id>/cancel/", benefits.cancel_use, name="cancel_benefit_use"),
    path("benefits/new/", benefits.edit_benefit, name="new_benefit"),
    path("benefits/<int:benefit_id>/", benefits.edit_benefit, name="benefit"),
    path("benefits/<int:benefit_id>/retire/", benefits.retire_benefit, name="retire_benefit"),
    path("rewards/auctions/", auctions.auctions, name="auctions"),
    path("rewards/auctions/new/", auctions.edit_auction, name="new_auction"),
    path("rewards/auctions/<int:auction_id>/", auctions.auction, name="auction"),
    path("rewards/auctions/<int:auction_id>/edit/", auctions.edit_auction, name="edit_auction"),
    path("rewards/auctions/<int:auction_id>/publish/", auctions.publish, name="publish_auction"),
    path("rewards/auctions/<int:auction_id>/cancel/", auctions.cancel, name="cancel_auction"),
    path("rewards/auctions/<int:auction_id>/record/", auctions.record, name="auction_record"),
    path("rewards/draws/", draws.draws, name="draws"),
    path("rewards/draws/new/", draws.edit_draw, name="new_draw"),
    path("rewards/draws/<int:draw_id>/", draws.draw, name="draw"),
    path("rewards/draws/<int:draw_id>/edit/", draws.edit_draw, name="edit_draw"),
    path("rewards/draws/<int:draw_id>/publish/", draws.publish, name="publish_draw"),
    path("rewards/draws/<int:draw_id>/record/", draws.record, name="draw_record"),
    path("rewards/<int:reward_id>/", rewards.reward, name="reward"),
    path("rewards/<int:reward_id>/edit/", rewards.edit_reward, name="edit_reward"),
    path("rewards/<int:reward_id>/status/", rewards.set_status, name="set_reward_status"),
    path("rewards/<int:reward_id>/stock/", rewards.set_stock, name="set_reward_stock"),
    path("rewards/<int:reward_id>/codes/", rewards.add_codes, name="add_reward_codes"),
    path("rewards/<int:reward_id>/picture/", rewards.set_picture, name="set_reward_picture"),
]
