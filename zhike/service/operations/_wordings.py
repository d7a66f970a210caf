"""Wordings that the service desk needs, approved as they come; the house may write better ones."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

from zhike.kernel.access import Viewer
from zhike.messaging import operations as messaging

Words = tuple[str, str, str, Mapping[str, tuple[str, str]]]
"""(code, name, kind, language → (title, body))"""


def ensure_wordings(
    actor: Viewer, group_id: int, wanted: Sequence[Words], channels: Sequence[str], now: dt.datetime
) -> None:
    """Each template with the same words on every channel, where there is none under its code."""
    for code, name, kind, words in wanted:
        try:
            template_id = messaging.create_template(
                actor=actor, group_id=group_id, code=code, name=name, kind=kind, fallback=channels, now=now
            )
        except messaging.TemplateCodeTaken:
            continue
        for channel in channels:
            for language, (title, body) in words.items():
                version_id = messaging.write_version(
                    actor=actor,
                    template_id=template_id,
                    channel=channel,
                    language=language,
                    title="" if channel == "sms" else title,
                    body=body,
                    now=now,
                )
                messaging.approve_version(actor=actor, version_id=version_id, now=now)
