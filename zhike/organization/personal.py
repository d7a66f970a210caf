"""What organization keeps of those who are no staff: nothing."""

from __future__ import annotations

from zhike.kernel.personal import Keeping, Loose

HOLDINGS = ()
LOOSE = (Loose("organization_staff", "staff"), Loose("organization_loginattempt", "staff"))

KEEPINGS = (Keeping("log_in_attempts", "organization_loginattempt", "attempted_at", 180, days_min=180),)
