"""What Django itself can tell about the house: relations, templates, migrations, addresses, catalogues."""

import ast
import re
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db.models import ForeignKey, ManyToManyField, Model
from django.template.loader import get_template
from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.exceptions import NoReverseMatch

ROOT = Path(__file__).resolve().parent.parent.parent
PACKAGE = ROOT / "zhike"
FLOORS = [
    "kernel",
    "organization",
    "customers",
    "privacy",
    "messaging",
    "collection",
    "webhooks",
    "sales",
    "loyalty",
    "offers",
    "engagement",
    "rewards",
    "risk",
    "insight",
    "history",
    "service",
    "clienteling",
    "webforms",
    "marketing",
    "intake",
    "rights",
]
"""From the ground up; an import, and so a foreign key, points down."""


def own_models() -> list[type[Model]]:
    return [model for model in apps.get_models() if model.__module__.startswith("zhike.")]


def relations() -> Iterator[tuple[type[Model], ForeignKey | ManyToManyField]]:
    for model in own_models():
        for field in [*model._meta.local_fields, *model._meta.local_many_to_many]:
            if isinstance(field, ForeignKey | ManyToManyField):
                yield model, field


def floor_of(model: type[Model]) -> int:
    return FLOORS.index(model.__module__.split(".")[1])


def test_tables_stand_on_floors():
    strangers = {model.__module__.split(".")[1] for model in own_models()} - set(FLOORS)
    assert not strangers, f"these contexts have tables and no floor: {strangers}"


def test_foreign_keys_point_down():
    wrong = [
        f"{model._meta.label}.{field.name} points up at {field.related_model._meta.label}"
        for model, field in relations()
        if field.related_model in own_models() and floor_of(field.related_model) > floor_of(model)
    ]
    assert wrong == []


def test_foreign_keys_leave_no_name_on_their_target():
    named = [
        f"{model._meta.label}.{field.name} has related_name={field.remote_field.related_name!r}"
        for model, field in relations()
        if field.related_model in own_models() and not str(field.remote_field.related_name).endswith("+")
    ]
    assert named == []


def template_names() -> list[str]:
    found = []
    for folder in PACKAGE.rglob("templates"):
        found += [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]
    return sorted(found)


@pytest.mark.parametrize("name", template_names())
def test_template_compiles(name: str):
    get_template(name)


def test_template_names_are_unique():
    names = template_names()
    assert sorted({name for name in names if names.count(name) > 1}) == []


@pytest.mark.django_db
def test_migrations_are_up_to_date():
    output = StringIO()
    try:
        call_command("makemigrations", "--check", "--dry-run", stdout=output, stderr=output)
    except SystemExit:
        pytest.fail(f"models and migrations differ:\n{output.getvalue()}")


def test_every_context_says_what_it_owns():
    silent = []
    for folder in sorted(path.parent for path in PACKAGE.glob("*/__init__.py")):
        docstring = ast.get_docstring(ast.parse((folder / "__init__.py").read_text(encoding="utf-8"))) or ""
        if len(docstring) < 20:
            silent.append(folder.name)
    assert silent == []


def test_every_package_is_a_package():
    folders = {path.parent for path in PACKAGE.rglob("*.py") if "frontend" not in path.parts}
    assert (
        sorted(str(folder.relative_to(ROOT)) for folder in folders if not (folder / "__init__.py").exists())
        == []
    )


def test_catalogues_lie_where_django_finds_them(settings):
    known = {Path(config.path) / "locale" for config in apps.get_app_configs()} | {
        Path(path) for path in settings.LOCALE_PATHS
    }
    assert [str(path.relative_to(ROOT)) for path in PACKAGE.rglob("locale") if path not in known] == []


def patterns(resolver: URLResolver, namespaces: tuple[str, ...] = ()) -> Iterator[tuple[str, URLPattern]]:
    for entry in resolver.url_patterns:
        if isinstance(entry, URLResolver):
            yield from patterns(entry, (*namespaces, entry.namespace) if entry.namespace else namespaces)
        elif entry.name:
            yield ":".join([*namespaces, entry.name]), entry


def test_every_address_has_a_view_and_a_name_that_leads_back():
    lost = []
    for name, pattern in patterns(get_resolver()):
        assert callable(pattern.callback), name
        candidates, resolver = [], get_resolver()
        *namespaces, last = name.split(":")
        try:
            for namespace in namespaces:
                _prefix, resolver = resolver.namespace_dict[namespace]
            candidates = resolver.reverse_dict.getlist(last)
        except (KeyError, NoReverseMatch):
            pass
        if not candidates:
            lost.append(name)
    assert lost == []


COMPUTED_COLUMN = re.compile(r"ADD COLUMN[^;,]*?\bDEFAULT\s+\w+\s*\(", re.IGNORECASE)


def test_no_column_is_added_with_a_default_that_rewrites_its_table() -> None:
    """A default that is computed for each row rewrites the table, and nobody sells or reads meanwhile."""
    new_tables = {"loyalty/sql/0002_ledger.sql"}
    found = {
        str(path.relative_to(PACKAGE))
        for path in [*PACKAGE.glob("*/sql/*.sql"), *PACKAGE.glob("*/migrations/*.py")]
        if COMPUTED_COLUMN.search(path.read_text(encoding="utf-8"))
    }
    assert found <= new_tables
