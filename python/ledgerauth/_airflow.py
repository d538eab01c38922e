"""What Airflow learns of the package when it looks for its providers. Nothing of Airflow's is imported for it."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def provider_info() -> dict[str, Any]:
    """The connection type that the package brings."""
    fields = {
        "relabeling": {
            "schema": "Provider",
            "login": "Client id (none for a key)",
            "password": "Key, or client secret",
            "host": "Base URL",
        },
        "placeholders": {
            "schema": "finora",
            "host": "the provider's own",
            "extra": '{"environment": "production", "store": "/var/lib/airflow/ledgerauth"}',
        },
    }
    hook = "ledgerauth.airflow.LedgerAuthHook"
    return {
        "package-name": "ledgerauth",
        "name": "ledgerauth",
        "description": "Authentication to accounting and finance APIs.",
        "connection-types": [{"connection-type": "ledgerauth", "hook-class-name": hook, "ui-field-behaviour": fields}],
    }
