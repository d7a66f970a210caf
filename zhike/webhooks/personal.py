"""What webhooks keeps of persons: nothing. What was sent to other systems carries ids, and they are told to forget."""

from __future__ import annotations

from zhike.kernel.personal import Holding, Loose

HOLDINGS: tuple[Holding, ...] = ()
LOOSE = (Loose("webhooks_endpointsecret", "house"),)
