"""Every table that knows a person stands in the catalogue, and every entry of it fits the tables there are."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.db import connection
from django.db.models import ForeignKey, Model

from zhike.kernel import forgetting
from zhike.kernel.personal import faults
from zhike.kernel.reencryption import encrypted_columns
from zhike.rights import queries

pytestmark = pytest.mark.feature("C033")

PERSON, MEMBER = "customers_person", "loyalty_member"
NOBODY = {"person": [-1], "member": [-1], "address": [b"-"]}


def own_models() -> list[type[Model]]:
    return [model for model in apps.get_models() if model.__module__.startswith("zhike.")]


def foreign_keys(model: type[Model]) -> list[ForeignKey]:
    return [field for field in model._meta.local_fields if isinstance(field, ForeignKey)]


def holdings() -> set[tuple[str, str]]:
    return {(one.table, one.column) for context in queries.contexts() for one in context.holdings}


def named_tables() -> set[str]:
    """Tables in the catalogue, one way or the other."""
    contexts = queries.contexts()
    tables = {one.table for context in contexts for one in context.holdings}
    return tables | {one.table for context in contexts for one in context.loose}


def test_every_reference_to_a_person_or_member_is_declared() -> None:
    """By the very column, so that a table with two sides of a pair is erased from both."""
    direct = {
        (model._meta.db_table, field.column)
        for model in own_models()
        for field in foreign_keys(model)
        if field.related_model._meta.db_table in (PERSON, MEMBER)
    }
    bare = {
        (model._meta.db_table, field.column)
        for model in own_models()
        for field in model._meta.local_fields
        if not field.is_relation and field.column in ("person_id", "member_id")
    }
    by_person = {table for table, column in holdings() if column == "person_id"}
    missing = {(table, column) for table, column in direct if (table, column) not in holdings()}
    missing |= {(table, column) for table, column in bare if table not in by_person}
    assert missing == set(), "say in the context's personal.py what erasure does with these"


def test_whatever_hangs_on_a_persons_row_is_declared() -> None:
    """Messages of a conversation, entries of a ticket, lines of a receipt: reached through their parent."""
    known = {table for table, _ in holdings()}
    hanging = {
        model._meta.db_table
        for model in own_models()
        for field in foreign_keys(model)
        if field.related_model._meta.db_table in known - {PERSON, MEMBER}
    }
    assert hanging - named_tables() == set()


def test_every_encrypted_column_is_declared() -> None:
    assert {column.table for column in encrypted_columns()} - named_tables() == set()


def test_declarations_hold_together() -> None:
    for context in queries.contexts():
        assert faults(context.holdings) == [], context.name


@pytest.mark.django_db
def test_every_declared_table_can_be_read_erased_and_purged() -> None:
    """The SQL of each entry runs on the tables as they are; nobody has no rows."""
    import datetime as dt

    for context in queries.contexts():
        for holding in context.holdings:
            assert list(forgetting.rows_of(holding, context.holdings, NOBODY)) == []
        assert all(count == 0 for _, count in forgetting.erase(context.holdings, NOBODY))
        for keeping in context.keepings:
            assert forgetting.purge(keeping, dt.datetime(2000, 1, 1, tzinfo=dt.UTC), 10) == 0


@pytest.mark.django_db
def test_exports_name_columns_that_exist() -> None:
    with connection.cursor() as cursor:
        for context in queries.contexts():
            parents = {one.of for one in context.holdings}
            for holding in context.holdings:
                description = connection.introspection.get_table_description(cursor, holding.table)
                columns = {column.name for column in description}
                row = {holding.row} if holding.encrypted or holding.table in parents else set()
                missing = {holding.column, *row, *holding.export, *holding.blanks} - columns
                assert not missing, holding.table
