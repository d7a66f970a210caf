"""Paper receipts in the made mall, photographed by their members: given, refused, waiting, and a copied one."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Sequence
from contextlib import suppress
from random import Random
from typing import TYPE_CHECKING, Any

from django.db import transaction

from zhike.customers.queries import viewer_of_person
from zhike.kernel.access import Viewer
from zhike.kernel.errors import Problem
from zhike.loyalty import operations as loyalty
from zhike.loyalty import queries
from zhike.organization import queries as organization
from zhike.sales import queries as sales
from zhike.simulator.loading import Loader
from zhike.simulator.rhythm import ZONE

if TYPE_CHECKING:
    from PIL import ImageFont

FONTS = ("NotoSansCJK-Regular.ttc", "PingFang.ttc", "msyh.ttc", "wqy-microhei.ttc")
"""Whichever this machine has; without one the sheets carry figures and Latin letters only."""
GOODS = ("经典拿铁", "亲子套餐", "针织开衫", "护手霜", "运动袜", "礼盒装坚果", "儿童绘本", "香薰蜡烛")
WIDTH, HEIGHT = 560, 860
MEMBERS = 8
PAID = (
    ("招牌双人餐", 26_800),
    ("生日聚餐", 38_600),
    ("针织两件", 45_900),
    ("家庭采购", 18_720),
    ("下午茶", 9_800),
)
LARGE_FEN = 368_000


def seed_photos(actor: Viewer, loader: Loader, now: dt.datetime, seed: int) -> None:
    """Once; done before, it does nothing."""
    if queries.photo_claims(actor, "all", limit=1).items:
        return
    rng = Random(f"photos/{seed}")
    members = sorted(member_id for member_id, _balance in loader.holdings.values())
    hired = [organization.viewer_of_staff(one.id) for one in organization.staff_list(actor)]
    reviewers = [
        one for one in hired if one.may("photo_claims.review") and not one.may("photo_claims.approve")
    ]
    today = now.astimezone(ZONE).date()
    unowned = sales.receipts_page(
        actor, kind="sale", has_person=False, date_from=today - dt.timedelta(days=6),
        date_to=today - dt.timedelta(days=2), limit=5,
    ).items  # fmt: skip
    if len(members) < MEMBERS or not reviewers or not unowned:
        return
    with transaction.atomic(), suppress(Problem):
        _Scene(actor, reviewers[0], rng, rng.sample(members, MEMBERS), today, _font()).live(unowned)


class _Scene:
    """The sheets, and who looked at them."""

    def __init__(
        self, actor: Viewer, reviewer: Viewer, rng: Random, members: Sequence[int], today: dt.date, font: Any
    ) -> None:
        self.actor, self.reviewer, self.rng, self.members = actor, reviewer, rng, list(members)
        self.today, self.font, self.number = today, font, 0

    def live(self, unowned: Sequence[sales.ReceiptRow]) -> None:
        first = unowned[0]
        known = loyalty.PaperReceipt(
            first.merchant_id, first.number, first.business_date, first.net_fen, first.till
        )
        self._hand_in(0, known, first.merchant_name, back=1)
        shops = [(one.merchant_id, one.merchant_name) for one in unowned]
        claims = []
        for place, (_what, fen) in enumerate(PAID):
            merchant_id, name = shops[place % len(shops)]
            paper = self._paper(merchant_id, fen)
            claims.append((self._hand_in(1 + place, paper, name, back=1), paper, name))
        (given, paper, _name), (altered, *_rest), (blurred, *_more) = claims[:3]
        corrected = loyalty.PaperReceipt(
            paper.merchant_id, paper.number, paper.business_date, paper.net_fen - 800, "02", dt.time(12, 6)
        )
        loyalty.approve_photo(actor=self.reviewer, claim_id=given, paper=corrected, now=self._at(1, 16))
        loyalty.refuse_photo(
            actor=self.reviewer, claim_id=altered, reason="altered", note="金额处有涂改痕迹，与商户底单不符", now=self._at(1, 16)
        )  # fmt: skip
        loyalty.refuse_photo(
            actor=self.reviewer, claim_id=blurred, reason="unreadable", note="日期被折痕遮住，请展平后重拍", now=self._at(1, 17)
        )  # fmt: skip
        merchant_id, name = shops[-1]
        large = self._hand_in(6, self._paper(merchant_id, LARGE_FEN), name, back=1)
        loyalty.approve_photo(actor=self.reviewer, claim_id=large, now=self._at(1, 17))
        _claim, copied, name = claims[4]
        self._hand_in(7, copied, name, back=1, hour=19)

    def _paper(self, merchant_id: int, fen: int) -> loyalty.PaperReceipt:
        self.number += 1
        day = self.today - dt.timedelta(days=2 + self.number % 4)
        number = f"{day:%m%d}-{self.rng.randrange(1_000, 9_999)}"
        return loyalty.PaperReceipt(merchant_id, number, day, fen, "", dt.time(12, 5 + self.number))

    def _hand_in(self, member: int, paper: loyalty.PaperReceipt, shop: str, back: int, hour: int = 13) -> Any:
        member_id = self.members[member]
        return loyalty.hand_in_photo(
            actor=viewer_of_person(queries.person_id_of(member_id)),
            member_id=member_id,
            picture=draw_receipt(paper, shop, self.font),
            paper=paper,
            now=self._at(back, hour),
        ).claim_id

    def _at(self, back: int, hour: int) -> dt.datetime:
        day = self.today - dt.timedelta(days=back)
        return dt.datetime.combine(day, dt.time(hour, 30), ZONE).astimezone(dt.UTC)


def _font() -> ImageFont.FreeTypeFont | None:
    from PIL import ImageFont

    for name in FONTS:
        with suppress(OSError):
            return ImageFont.truetype(name, 26)
    return None


def draw_receipt(paper: loyalty.PaperReceipt, shop: str, font: ImageFont.FreeTypeFont | None) -> bytes:
    """A sheet of paper on a table, as a telephone sees it. The same paper is drawn alike each time."""
    from PIL import Image, ImageDraw, ImageFont

    rng = Random(f"{paper.merchant_id}/{paper.number}")
    shown: Any = font or ImageFont.load_default(26)
    sheet = Image.new("RGB", (WIDTH, HEIGHT), (252, 251, 246))
    draw = ImageDraw.Draw(sheet)
    names = [shop, "欢迎光临"] if font else ["RECEIPT", ""]
    draw.text((WIDTH // 2, 60), names[0], fill=(20, 20, 20), font=shown, anchor="mm")
    draw.text((WIDTH // 2, 104), names[1], fill=(70, 70, 70), font=shown, anchor="mm")
    left = paper.net_fen
    rows: list[tuple[str, str]] = [
        ("小票号" if font else "No.", paper.number),
        ("日期" if font else "Date", f"{paper.business_date} {paper.bought_at or dt.time(12):%H:%M}"),
    ]
    for part in range(rng.randrange(2, 6)):
        fen = left // 3 // 100 * 100
        left -= fen
        rows.append((rng.choice(GOODS) if font else f"Item {part + 1}", f"{fen / 100:.2f}"))
    rows += [("其他" if font else "Other", f"{left / 100:.2f}"), ("", "")]
    rows += [
        ("合计" if font else "Total", f"¥{paper.net_fen / 100:.2f}"),
        ("微信支付" if font else "Paid", ""),
    ]
    for place, (what, value) in enumerate(rows):
        top = 160 + place * 56
        draw.text((44, top), what, fill=(30, 30, 30), font=shown)
        draw.text((WIDTH - 44, top), value, fill=(30, 30, 30), font=shown, anchor="ra")
    table = Image.new("RGB", (WIDTH + 220, HEIGHT + 240), tuple(rng.randrange(70, 150) for _ in range(3)))
    turned = sheet.rotate(
        rng.uniform(-5, 5), expand=True, fillcolor=table.getpixel((0, 0)), resample=Image.Resampling.BILINEAR
    )
    table.paste(turned, (rng.randrange(30, 110), rng.randrange(30, 110)))
    written = io.BytesIO()
    table.save(written, "JPEG", quality=75)
    return written.getvalue()
