"""The mall lives on: sales, returns, enrolments and redemptions through the REST API, as a till would send them."""

from __future__ import annotations

import datetime as dt
import http.client
import itertools
import json
import threading
import time
import uuid
from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import accumulate
from random import Random
from typing import Any
from urllib.parse import urlsplit

from zhike.simulator.browsing import session
from zhike.simulator.catalogue import Catalogue, Shop
from zhike.simulator.history import SimReceipt, one_purchase
from zhike.simulator.people import PHONE_STEP, PHONES, PHONES_FROM, Person, draw_name
from zhike.simulator.rhythm import OPENS, ZONE, hour_weights

TIMEOUT_S = 20.0
TRIES = 5
PAUSE_MAX_S = 30.0
REMEMBERED_SALES = 200
NEW_PHONES_FROM = 5_000_000
"""Phones of people who join live are taken from the upper half of the range, so that they are nobody's yet."""

BROWSE = 0.4
"""How often, beside every event, somebody opens the mini program."""

ANONYMOUS, ENROL, RETURN, REDEEM, TWICE = 0.22, 0.03, 0.02, 0.03, 0.01
"""Of all events, how many are sales to strangers, enrolments, returns, redemptions; of sales, how many come twice."""

HELD_FIRST, FORGOTTEN, PAID_OTHERWISE = 0.5, 0.03, 0.1
"""Of redemptions, how many are in two phases; of these, how many are never ended and how many are given up."""

Clock = Callable[[], dt.datetime]


@dataclass(slots=True)
class LiveReport:
    """What was done, by kind, and what was refused, by status and code."""

    done: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    points: int = 0


class ApiClient:
    """One connection that is kept; a request that got no answer is sent again with the same idempotency key."""

    def __init__(self, base_url: str, key: str, stop: threading.Event) -> None:
        parts = urlsplit(base_url)
        self._class = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._address = parts.netloc
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        self._connection: http.client.HTTPConnection | None = None
        self._stop = stop

    def post(self, path: str, body: dict[str, Any], key: str) -> tuple[int, dict[str, Any]]:
        """(status, answer). Raises ConnectionError when nobody answers for long."""
        pause = 0.5
        for attempt in range(TRIES):
            try:
                return self._once(path, json.dumps(body, ensure_ascii=False).encode(), key)
            except (OSError, http.client.HTTPException):
                self.close()
                if attempt == TRIES - 1 or self._stop.wait(pause):
                    break
                pause = min(PAUSE_MAX_S, pause * 2)
        raise ConnectionError(f"no answer from {self._address}")

    def _once(self, path: str, body: bytes, key: str) -> tuple[int, dict[str, Any]]:
        if self._connection is None:
            self._connection = self._class(self._address, timeout=TIMEOUT_S)
        self._connection.request("POST", path, body, self._headers | {"Idempotency-Key": key})
        answer = self._connection.getresponse()
        text = answer.read()
        if answer.status >= 500:
            raise http.client.HTTPException(f"{answer.status}")
        return answer.status, json.loads(text) if text else {}

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class LiveMall:
    """Chooses what happens next, and tells the API."""

    def __init__(
        self,
        client: ApiClient,
        catalogue: Catalogue,
        people: list[Person],
        rng: Random,
        clock: Clock,
        write_key: str = "",
    ) -> None:
        self.write_key = write_key
        self.client, self.catalogue, self.people, self.rng, self.clock = client, catalogue, people, rng, clock
        self.report = LiveReport()
        self._pulls = list(accumulate(person.pull for person in people))
        self._numbers = itertools.count(1)
        self._sold: deque[tuple[str, int]] = deque(maxlen=REMEMBERED_SALES)
        self._holdings: dict[int, int] = {}

    def step(self) -> None:
        """One event, and perhaps a visit to the mini program."""
        if self.write_key and self.rng.random() < BROWSE:
            self._browse()
        chance = self.rng.random()
        if chance < ENROL:
            self._enrol()
        elif chance < ENROL + RETURN and self._sold:
            self._return()
        elif chance < ENROL + RETURN + REDEEM and self._holdings:
            self._redeem()
        else:
            self._sell(None if self.rng.random() < ANONYMOUS else self._somebody())

    def _browse(self) -> None:
        now = self.clock()
        visit = session(self.rng, self.catalogue, self._somebody(), now, uuid.uuid4().hex)
        body = {"writeKey": self.write_key, "batch": visit}
        self._post("/v1/batch", body, uuid.uuid4().hex, "visits")

    def _sell(self, person: Person | None) -> None:
        now = self.clock()
        shop = self._open_shop(person, now)
        purchase = one_purchase(self.rng, shop, person)
        body = self._receipt(shop, purchase, now)
        if person is not None:
            body["member"] = {"phone": person.phone}
        key = uuid.uuid4().hex
        status, answer = self._post("/api/v1/receipts", body, key, "receipts")
        if status >= 300:
            return
        self._sold.append((answer["receipt_id"], len(purchase.lines)))
        self.report.points += answer["points"]
        if answer.get("member_id"):
            self._holdings[answer["member_id"]] = answer["balance"]
        if self.rng.random() < TWICE:
            self._post("/api/v1/receipts", body, key, "repeated")

    def _receipt(self, shop: Shop, purchase: SimReceipt, now: dt.datetime) -> dict[str, Any]:
        lines = [
            {
                "sku": shop.articles[line.article].sku,
                "name": shop.articles[line.article].name,
                "quantity": line.quantity,
                "unit_price_fen": line.unit_price_fen,
                "discount_fen": line.discount_fen,
                "net_fen": line.net_fen,
                "category_code": shop.articles[line.article].category,
            }
            for line in purchase.lines
        ]
        return {
            "merchant_code": shop.code,
            "till": "T1",
            "number": f"{now:%y%m%d%H%M%S}{next(self._numbers) % 10_000:04d}",
            "occurred_at": now.isoformat(),
            "cashier": f"{shop.code}-1",
            "lines": lines,
            "tenders": [{"kind": kind, "amount_fen": fen} for kind, fen in purchase.tenders],
        }

    def _return(self) -> None:
        receipt_id, lines = self.rng.choice(self._sold)
        now = self.clock()
        body = {
            "till": "T1",
            "number": f"R{now:%y%m%d%H%M%S}{next(self._numbers) % 10_000:04d}",
            "occurred_at": now.isoformat(),
            "lines": [{"line_no": self.rng.randint(1, lines)}],
        }
        self._post(f"/api/v1/receipts/{receipt_id}/returns", body, uuid.uuid4().hex, "returns")

    def _enrol(self) -> None:
        index = self.rng.randrange(NEW_PHONES_FROM, PHONES)
        sex = self.rng.choice(("female", "male"))
        body = {
            "name": draw_name(self.rng, sex),
            "phone": str(PHONES_FROM + index * PHONE_STEP % PHONES),
            "sex": sex,
            "merchant_code": self.rng.choice(self.catalogue.shops).code,
            "method": "counter_tick",
        }
        self._post("/api/v1/members", body, uuid.uuid4().hex, "enrolments")

    def _redeem(self) -> None:
        member_id, balance = self.rng.choice(list(self._holdings.items()))
        points = min(balance // 100 * 100, self.rng.choice((100, 200, 500, 1000)))
        if points < 100:
            self._holdings.pop(member_id)
            return
        body = {"points": points, "merchant_code": self.rng.choice(self.catalogue.shops).code}
        if self.rng.random() < HELD_FIRST:
            answer = self._hold(member_id, body)
        else:
            path = f"/api/v1/members/{member_id}/redemptions"
            _status, answer = self._post(path, body, uuid.uuid4().hex, "redemptions")
        if "balance" in answer:
            self._holdings[member_id] = answer["balance"]

    def _hold(self, member_id: int, body: dict[str, Any]) -> dict[str, Any]:
        """A till of the other kind: points are set aside, then most of them spent, some given back, a few forgotten."""
        status, held = self._post(f"/api/v1/members/{member_id}/holds", body, uuid.uuid4().hex, "holds")
        chance = self.rng.random()
        if status >= 300 or chance < FORGOTTEN:
            return held
        act, kind = (
            ("release", "releases") if chance < FORGOTTEN + PAID_OTHERWISE else ("confirm", "redemptions")
        )
        status, answer = self._post(f"/api/v1/holds/{held['hold_id']}/{act}", {}, uuid.uuid4().hex, kind)
        return answer if status < 300 else held

    def _post(self, path: str, body: dict[str, Any], key: str, kind: str) -> tuple[int, dict[str, Any]]:
        status, answer = self.client.post(path, body, key)
        if status < 300:
            self.report.done[kind] += 1
        else:
            self.report.refused[f"{kind} {status} {answer.get('code', '')}".strip()] += 1
        return status, answer

    def _somebody(self) -> Person:
        return self.people[bisect_left(self._pulls, self.rng.random() * self._pulls[-1])]

    def _open_shop(self, person: Person | None, now: dt.datetime) -> Shop:
        """A favourite most of the time; kinds of business that are quiet at this hour are passed over more often."""
        hour = min(max(now.astimezone(ZONE).hour - OPENS, 0), 11)
        for _ in range(5):
            index = self.rng.choice(person.favourites) if person and self.rng.random() < 0.7 else None
            shop = self.catalogue.shops[index] if index is not None else self.rng.choice(self.catalogue.shops)
            weights = hour_weights(shop.trade.hours)
            share = (weights[hour] - (weights[hour - 1] if hour else 0)) / weights[-1]
            if self.rng.random() < share * 8:
                return shop
        return shop


def live(
    mall: LiveMall,
    *,
    rate: float,
    stop: threading.Event,
    count: int | None = None,
    tell: Callable[[LiveReport], None] | None = None,
) -> LiveReport:
    """About `rate` events a second, evenly, until told to stop or `count` have happened."""
    due = time.monotonic()
    done = 0
    while not stop.is_set() and (count is None or done < count):
        try:
            mall.step()
        except ConnectionError:
            if stop.is_set():  # the server was stopped first
                break
            raise
        done += 1
        if tell:
            tell(mall.report)
        due = max(due + 1 / rate, time.monotonic() - 5)
        if (pause := due - time.monotonic()) > 0:
            stop.wait(pause)
    return mall.report
