"""Each rule of the house finds what it is for, and lets the good way pass."""

from pathlib import Path

import pytest

from lint.__main__ import find_all
from lint.rules import RULES
from lint.source import Source

LONG = "def work():\n" + "    step()\n" * 70
CASES = {
    # code: (name of the module or template, bad, good)
    "ZK001": ("zhike.loyalty.rules", LONG, LONG.removesuffix("    step()\n")),
    "ZK002": ("zhike.loyalty.rules", "x = 1\n" * 701, "x = 1\n" * 500),
    "ZK003": (
        "zhike.ui.console.members",
        "def page(member):\n    member.save()\n",
        (
            "from zhike.loyalty import operations\n"
            "def page(request, qr, buffer, params):\n    qr.save(buffer)\n    params.update(page=2)\n"
            "    operations.create()\n    request.session.save()\n"
        ),
    ),
    "ZK004": (
        "zhike.ui.console.members",
        "members = Person.objects.all()\n",
        "members = queries.members(viewer=viewer)\n",
    ),
    "ZK005": (
        "zhike.loyalty.queries",
        "rows = Account.objects.filter(mall_id__in=viewer.mall_ids)\n",
        "rows = visible(Account.objects.filter(mall_id=mall_id), viewer=viewer)\n",
    ),
    "ZK006": (
        "zhike.loyalty.handlers",
        "from django.db.models.signals import post_save\n",
        "from zhike.sales.events import ReceiptRecorded\n",
    ),
    "ZK007": (
        "zhike.loyalty.queries",
        "Person = apps.get_model('customers', 'Person')\n",
        "from zhike.customers import queries\n",
    ),
    "ZK008": (
        "zhike.loyalty.rules",
        "from datetime import datetime\nnow = datetime.now()\n",
        "def is_due(now):\n    return now > limit\n",
    ),
    "ZK009": (
        "zhike.shop.operations.selling",
        "def earn_points(person_id, *, actor):\n    ...\n",
        "def earn_points(*, actor, person_id):\n    ...\ndef _lock(person_id):\n    ...\n",
    ),
    "ZK010": (
        "zhike.loyalty.operations",
        "raise Problem(_(f'no points for {name}'))\n",
        "raise Problem(_('no points for %(name)s') % {'name': name})\n",
    ),
    "ZK011": (
        "zhike.loyalty.models",
        "person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name='lots')\n",
        "person = models.ForeignKey('customers.Person', on_delete=models.PROTECT, related_name='+')\n",
    ),
    "ZK012": (
        "zhike/loyalty/__init__.py",
        "from zhike.loyalty import operations\n",
        '"""Points and tiers."""\n',
    ),
    "ZK013": (
        "zhike.loyalty.models",
        "class Lot:\n    def save(self):\n        ...\n",
        "class Lot:\n    def __str__(self):\n        return ''\n",
    ),
    "ZK014": (
        "zhike.ui.api.receipts",
        "from django.db import transaction\n",
        "from django.db.models import QuerySet\n",
    ),
    "ZK015": (
        "zhike/ui/console/templates/page.html",
        "<p>\n<button onclick='go()'>Go</button>\n",
        "<script src='{% static \"app.js\" %}'></script><button @click='go'></button><!-- style= -->\n",
    ),
}


def source(place: str, text: str) -> Source:
    if "/" not in place:
        return Source(Path(place.replace(".", "/") + ".py"), text, place)
    path = Path(place)
    name = ".".join(path.with_suffix("").parts).removesuffix(".__init__") if path.suffix == ".py" else ""
    return Source(path, text, name)


def codes(place: str, text: str) -> list[str]:
    return [rule.code for rule, finding in find_all(source(place, text)) if not finding.is_warning]


def test_every_rule_has_a_case_and_a_code_of_its_own():
    assert [rule.code for rule in RULES] == sorted(CASES)


@pytest.mark.parametrize("code", sorted(CASES))
def test_rule_finds_the_bad(code: str):
    place, bad, _good = CASES[code]
    assert set(codes(place, bad)) == {code}


@pytest.mark.parametrize("code", sorted(CASES))
def test_rule_lets_the_good_pass(code: str):
    place, _bad, good = CASES[code]
    assert codes(place, good) == []


def test_a_finding_is_excused_by_a_reason_only():
    bad = "members = Person.objects.all()"
    place = "zhike.ui.console.members"
    assert codes(place, f"{bad}  # lint-skip: ZK004 the log-in page knows its staff\n") == []
    assert codes(place, f"{bad}  # lint-skip: ZK004\n") == ["ZK004"]
    assert codes(place, f"{bad}  # lint-skip: ZK003 another rule\n") == ["ZK004"]


def test_a_file_is_excused_by_a_reason_only():
    place, bad, _good = CASES["ZK009"]
    assert codes(place, f"# lint-skip-file: ZK009 steps of operations of the contexts above\n\n\n{bad}") == []
    assert codes(place, f"# lint-skip-file: ZK009\n\n\n{bad}") == ["ZK009"]


def test_rules_for_doors_leave_contexts_alone():
    assert codes("zhike.customers.operations._people", "Person.objects.create()\nperson.save()\n") == []


def test_migrations_may_ask_for_a_model():
    path = Path("zhike/loyalty/migrations/0002_fill.py")
    text = "def fill(apps, editor):\n    apps.get_model('loyalty', 'Lot')\n"
    found = list(find_all(Source(path, text, "zhike.loyalty.migrations.0002_fill")))
    assert found == []
