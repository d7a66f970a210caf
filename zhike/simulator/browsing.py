"""What members do in the mini program, as its server tells it in Segment's words."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Sequence
from random import Random
from typing import Any

from zhike.collection import operations as collection
from zhike.collection import queries as sources
from zhike.kernel.access import Viewer, system_viewer
from zhike.organization import queries as organization
from zhike.simulator.catalogue import Article, Catalogue, Shop
from zhike.simulator.people import Person

SOURCE_NAME = "星河城小程序"
DAYS = 21
SESSIONS_MAX = 2_500
BATCH = 500


def session(
    rng: Random, catalogue: Catalogue, person: Person, at: dt.datetime, name: str
) -> list[dict[str, Any]]:
    """One visit: the start page, a list, some articles, now and then a search, a wish, a cart, an order."""
    shop = catalogue.shops[rng.choice(person.favourites)]
    steps: list[dict[str, Any]] = [{"type": "screen", "name": "首页"}]
    if rng.random() < 0.3:
        query = rng.choice(shop.articles).name
        steps.append(_track("Products Searched", {"query": query}))
    steps.append(
        _track("Product List Viewed", {"list_id": shop.code, "category": shop.trade.name, "name": shop.name})
    )
    seen = [rng.choice(shop.articles) for _ in range(rng.randint(1, 4))]
    steps += [_track("Product Viewed", _product(shop, article)) for article in seen]
    chance = rng.random()
    if chance < 0.2:
        steps.append(_track("Product Added to Wishlist", _product(shop, seen[-1])))
    elif chance < 0.45:
        steps += [_track("Product Added", _product(shop, seen[-1])), _track("Checkout Started", {})]
        if chance < 0.3:
            order = {
                "order_id": f"{name}-1",
                "total": seen[-1].price_fen / 100,
                "products": [_product(shop, seen[-1])],
            }
            steps.append(_track("Order Completed", order))
    for number, step in enumerate(steps):
        moment = at + dt.timedelta(seconds=number * rng.randint(8, 40))
        step |= {"userId": person.phone, "messageId": f"{name}-{number}", "timestamp": moment.isoformat()}
    return steps


def _track(event: str, properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "track", "event": event, "properties": properties}


def _product(shop: Shop, article: Article) -> dict[str, Any]:
    return {
        "product_id": article.sku, "sku": article.sku, "name": article.name, "brand": shop.name,
        "category": article.category, "price": article.price_fen / 100, "currency": "CNY", "quantity": 1,
    }  # fmt: skip


def history(
    seed: int, catalogue: Catalogue, people: Sequence[Person], now: dt.datetime
) -> Iterator[dict[str, Any]]:
    """The sessions of the last weeks, in order of time; the same seed and moment give the same."""
    rng = Random(f"browsing/{seed}")
    count = min(SESSIONS_MAX, len(people))
    moments = sorted(now - dt.timedelta(seconds=rng.randrange(600, DAYS * 86_400)) for _ in range(count))
    pulls = [person.pull for person in people]
    visitors = rng.choices(people, pulls, k=count)
    for number, (at, person) in enumerate(zip(moments, visitors, strict=True)):
        yield from session(rng, catalogue, person, at, f"sim-{seed}-{number}")


def ensure_source(actor: Viewer, now: dt.datetime) -> sources.SourceRef:
    """The mini program's server as a source: members log in with their phone, and agree before anything is sent."""
    for known in sources.sources(actor, now):
        if known.ref.name == SOURCE_NAME:
            return known.ref
    group = organization.default_group()
    malls = organization.malls(actor, "organization.view")
    source_id = collection.create_source(
        actor=actor, group_id=group.id, name=SOURCE_NAME, kind="server", mall_id=malls[0].id if malls else None,
        user_id_kind="phone", is_trusted=True, consent_assumed=True, now=now,
    )  # fmt: skip
    return sources.source(actor, source_id, now).ref


def load_history(
    actor: Viewer, seed: int, catalogue: Catalogue, people: Sequence[Person], now: dt.datetime
) -> int:
    """The sessions into the database, in batches; what is there already is recognised by its message ids. How many."""
    source = ensure_source(actor, now)
    messages = [json.dumps(one, ensure_ascii=False).encode() for one in history(seed, catalogue, people, now)]
    for start in range(0, len(messages), BATCH):
        collection.take_messages(
            actor=system_viewer(source.audit_label),
            source=source,
            messages=messages[start : start + BATCH],
            library="simulator",
            now=now,
        )
    return len(messages)
