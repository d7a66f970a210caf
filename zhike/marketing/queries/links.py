"""The link of a campaign: it names campaign and person and cannot be guessed from another one."""

from __future__ import annotations

import hmac

from django.conf import settings
from django.utils.crypto import salted_hmac

from zhike.kernel.errors import NotFound

_DIGEST = 10


def link_token(campaign_id: int, person_id: int) -> str:
    """Short, because a text message is paid by its length."""
    name = f"{campaign_id:x}.{person_id:x}"
    digest = salted_hmac("zhike.marketing.link", name, algorithm="sha256").hexdigest()[:_DIGEST]
    return f"{name}.{digest}"


def read_link(token: str) -> tuple[int, int]:
    """(campaign, person). Raises NotFound for a link that is not ours."""
    try:
        campaign, person, _digest = token.split(".")
        campaign_id, person_id = int(campaign, 16), int(person, 16)
    except ValueError:
        raise NotFound from None
    if len(token) > 60 or not hmac.compare_digest(
        link_token(campaign_id, person_id).encode(), token.encode()
    ):
        raise NotFound
    return campaign_id, person_id


def link_of(campaign_id: int, person_id: int) -> str:
    """The whole address that a wording says as ${link}."""
    return f"{settings.PUBLIC_URL}/m/go/{link_token(campaign_id, person_id)}/"
