"""`python -m tests.bench.storming SEED`: random business in a process of its own, until it is killed.

After each act a line on its output says how many operations that was, so that whoever kills it has not to ask it.
"""

from __future__ import annotations

import logging
import os
import sys


def tell(operations: int) -> None:
    os.write(1, b"%d\n" % operations)


if __name__ == "__main__":
    import django

    django.setup()
    logging.getLogger("psycopg.pool").setLevel(logging.ERROR)  # a server that was killed is away for a while
    from tests.loyalty.storm import known_crowd, rage

    rage(known_crowd(), int(sys.argv[1]), lambda step: True, tell)
