"""Addresses of connectors."""

from __future__ import annotations

from django.urls import URLPattern, path

from zhike.ui.console.views import connectors, fetching

CONNECTORS: list[URLPattern] = [
    path("connectors/", connectors.connectors, name="connectors"),
    path("connectors/new/", connectors.new_connector, name="new_connector"),
    path("connectors/new/folder/", fetching.new_folder, name="new_folder_connector"),
    path("connectors/new/database/", fetching.new_database, name="new_database_connector"),
    path("connectors/<int:connector_id>/fetch/", fetching.start, name="start_fetch"),
    path("connectors/<int:connector_id>/", connectors.connector, name="connector"),
    path("connectors/<int:connector_id>/settings/", connectors.edit_connector, name="edit_connector"),
    path("connectors/<int:connector_id>/credentials/new/", connectors.new_credential, name="new_credential"),
    path("connectors/<int:connector_id>/waiting/", connectors.waiting, name="waiting_uploads"),
    path("connectors/<int:connector_id>/waiting/replay/", connectors.replay, name="replay_uploads"),
    path("connectors/<int:connector_id>/waiting/discard/", connectors.discard, name="discard_uploads"),
    path("connectors/credentials/<int:credential_id>/tills/", connectors.edit_tills, name="credential_tills"),
    path("connectors/credentials/<int:credential_id>/rotate/", connectors.rotate, name="rotate_credential"),
    path("connectors/credentials/<int:credential_id>/revoke/", connectors.revoke, name="revoke_credential"),
]
