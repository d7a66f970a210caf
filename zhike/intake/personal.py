"""What intake keeps of persons: rows of files that could not be used, as they came."""

from __future__ import annotations

from zhike.kernel.personal import Keeping, Loose

HOLDINGS = ()
LOOSE = (
    Loose("intake_quarantinedrow", "swept"),
    Loose("intake_importrun", "nobody"),
    Loose("intake_balancemove", "nobody"),
    Loose("intake_quarantinedupload", "swept"),
    Loose("intake_connector", "house"),
    Loose("intake_tillcredential", "house"),
    Loose("intake_tillday", "nobody"),
    Loose("intake_fetchedpart", "nobody"),
)

KEEPINGS = (
    Keeping(
        "quarantined_rows", "intake_quarantinedrow",
        "(SELECT r.created_at FROM intake_importrun r WHERE r.id = run_id)", 180, days_min=7, also="status <> 'open'",
    ),
    Keeping("quarantined_uploads", "intake_quarantinedupload", "last_at", 180, days_min=7, also="status <> 'open'"),
)  # fmt: skip
