"""The tables that migrations made are the tables of the models: our `migrate` takes a short cut through Django's."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.core.management import get_commands
from django.db import connection
from django.db.models import Model

pytestmark = pytest.mark.django_db


def test_the_short_cut_is_taken() -> None:
    assert get_commands()["migrate"] == "zhike.kernel"


def test_every_model_has_its_columns() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT table_name, column_name, is_nullable = 'YES' FROM information_schema.columns
            WHERE table_schema = current_schema()"""
        )
        there: dict[str, set[tuple[str, bool]]] = {}
        for table, column, is_nullable in cursor.fetchall():
            there.setdefault(table, set()).add((column, is_nullable))
    for model in _ours():
        wanted = {(field.column, field.null) for field in model._meta.local_concrete_fields}
        assert wanted <= there[model._meta.db_table], model


def test_every_model_has_its_indexes_and_constraints() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT conname FROM pg_constraint UNION SELECT indexname FROM pg_indexes")
        there = {name for (name,) in cursor.fetchall()}
    for model in _ours():
        wanted = {one.name for one in (*model._meta.indexes, *model._meta.constraints)}
        assert wanted <= there, (model, wanted - there)


def test_every_foreign_key_points_somewhere() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT conrelid::regclass::text, attname, confrelid::regclass::text FROM pg_constraint
            JOIN pg_attribute ON attrelid = conrelid AND attnum = conkey[1] WHERE contype = 'f' AND conparentid = 0"""
        )
        there = {tuple(row) for row in cursor.fetchall()}
    for model in _ours():
        for field in model._meta.local_concrete_fields:
            if field.remote_field is not None and getattr(field, "db_constraint", False):
                target = field.remote_field.model._meta.db_table
                assert (model._meta.db_table, field.column, target) in there, field


def _ours() -> list[type[Model]]:
    return [
        model
        for model in apps.get_models(include_auto_created=True)
        if model.__module__.startswith("zhike.") and model._meta.managed
    ]
