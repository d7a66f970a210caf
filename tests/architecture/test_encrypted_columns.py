"""No encrypted column may be forgotten: a key is retired when the listed ones no longer need it."""

import pytest
from django.apps import apps
from django.db.models import BinaryField

from zhike.kernel.reencryption import encrypted_columns, reencrypt_batch, rows_by_key

NOT_ENCRYPTED = {
    ("service_heard", "key"),  # the fingerprint of a message's name at its vendor
    ("insight_segmentsnapshot", "members"),  # ids
    ("marketing_journey", "seen"),  # ids
    ("insight_recommenditem", "neighbours"),  # ids and weights
    ("rewards_rewardpicture", "content"),  # for everybody to see
    ("messaging_staffbinding", "way_picture"),  # for everybody to see
    ("engagement_welcomemark", "mark"),  # a keyed index of what is stored nowhere
    ("kernel_idempotency", "request_hash"),
    ("organization_apikey", "digest"),
    ("service_attachment", "digest"),
    ("service_messagefile", "digest"),
    ("service_surveyanswer", "device"),  # of a random cookie, a place and a day
    ("service_botmodel", "content"),
    ("service_verbatimmodel", "content"),
    ("insight_modelrun", "model"),
    ("collection_writekey", "digest"),
    ("intake_tillcredential", "digest"),
    ("intake_tillcredential", "previous_digest"),
    # Of ids that are random, or of user ids nobody is known by yet: what a retired key forgets is only that.
    ("collection_visitor", "digest"),
    ("loyalty_growthtransfer", "mark"),
    ("loyalty_growthaccount", "head"),
    ("loyalty_seal", "previous"),
    ("loyalty_seal", "digest"),
    ("loyalty_seal", "fingerprints"),
    ("rights_compliancereport", "digest"),
    ("rights_certificate", "digest"),
    ("rights_certificate", "public_key"),
    ("rights_certificate", "signature"),
    ("loyalty_dailydigest", "digest"),
    ("loyalty_dailydigest", "public_key"),
    ("loyalty_dailydigest", "signature"),
    # Blind indexes of things that live for minutes; a look-up knows the old versions that long.
    ("organization_loginattempt", "account"),
    ("messaging_deliveryreport", "address"),
    ("messaging_onetimecode", "index"),
    ("messaging_onetimecode", "digest"),
}


def test_every_binary_column_is_listed_or_known_to_be_something_else() -> None:
    binary = {
        (model._meta.db_table, field.column)
        for model in apps.get_models()
        for field in model._meta.concrete_fields
        if isinstance(field, BinaryField)
    }
    columns = encrypted_columns()
    listed = {(column.table, column.column) for column in columns}
    indexes = {(column.table, column.index_column) for column in columns if column.index_column}
    assert binary == listed | indexes | NOT_ENCRYPTED


@pytest.mark.django_db
def test_every_listed_column_can_be_counted_and_renewed() -> None:
    for column in encrypted_columns():
        assert rows_by_key(column) == {}
        assert reencrypt_batch(column).changed == 0
