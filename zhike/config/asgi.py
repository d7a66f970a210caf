"""The live process: `zhike live` serves this beside the web; see `zhike.ui.live`."""

from __future__ import annotations

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "zhike.config.settings")
django.setup()

from zhike.ui.live.app import LiveStream  # noqa: E402  this needs Django set up

application = LiveStream()
