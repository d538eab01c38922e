"""For Airflow: a hook that makes a client of a Connection (``pip install 'ledgerauth[airflow]'``)::

    hook = LedgerAuthHook("finora")
    invoices = hook.get_conn().get("/v1/invoices").json()

The Connection has the type ``ledgerauth``. Its fields:

========  ==========================================================================================================
schema    the provider: a shipped name, or the path of a profile
login     the client's id; empty if the password is a key
password  the key, or the client's secret
host      the base URL, if it is not the profile's; with the port, if that is not 443
extra     any other argument of :class:`ledgerauth.Client`: ``environment``, ``token_url``, ``scopes``, ``store``, ...
========  ==========================================================================================================

As a variable: ``AIRFLOW_CONN_FINORA='ledgerauth://:live_sk_...@/finora?integration=close'``. Tasks are processes of their own: with ``store`` among the extra
fields they share a token. When the API refuses the credential, the Connection is read again, so that one which was changed meanwhile needs no restart.
"""

from __future__ import annotations

try:
    from airflow.sdk.bases.hook import BaseHook
except ImportError:  # before Airflow 3
    from airflow.hooks.base import BaseHook

from ledgerauth import Client, LedgerAuthError, Misuse
from ledgerauth._ledgerauth import _CREDENTIAL_NAMES, _shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Optional

    import requests

__all__ = ["LedgerAuthHook"]


class LedgerAuthHook(BaseHook):
    """Makes a :class:`ledgerauth.Client` of a Connection, once for each hook. ``options`` are arguments of the client, before those of the Connection."""

    conn_name_attr = "ledgerauth_conn_id"
    default_conn_name = "ledgerauth_default"
    conn_type = "ledgerauth"
    hook_name = "ledgerauth"

    def __init__(self, ledgerauth_conn_id: str = default_conn_name, **options: Any) -> None:
        super().__init__()
        self.ledgerauth_conn_id = ledgerauth_conn_id
        self.options = options
        self._client: Optional[Client] = None

    def get_conn(self) -> Client:
        """The client. It is made at the first call.

        Raises:
            LedgerAuthError: the Connection's fields do not make a client; the text says which and why.
        """
        if self._client is None:
            try:
                self._client = self._made()
            except LedgerAuthError as refused:
                # Tracebacks show local variables, and a field of the Connection may hold a secret in the wrong place.
                raise refused.with_traceback(None) from None
        return self._client

    def get_session(self) -> requests.Session:
        """A session of `requests` that authenticates with the client: for code that has one already."""
        import requests

        from ledgerauth.requests import Auth

        session = requests.Session()
        session.auth = Auth(self.get_conn())
        return session

    def test_connection(self) -> tuple[bool, str]:
        """Whether the credential is good, and what to do if not: the provider's harmless test call."""
        try:
            check = self.get_conn().check()
        except Exception as refused:
            return False, str(refused)
        return check.ok, str(check)

    def _made(self) -> Client:
        connection = self.get_connection(self.ledgerauth_conn_id)
        if not connection.schema:
            advice = "put the provider's name into its schema"
            raise Misuse(f"the Airflow connection {_shown(self.ledgerauth_conn_id, 'word')!r} names no provider; {advice}", advice=advice)
        options = {name: value for name, value in connection.extra_dejson.items() if name not in _CREDENTIAL_NAMES}
        if connection.host:
            options["base_url"] = _base_url(connection.host, connection.port)
        return Client.from_callable(connection.schema, self._credential, **{**options, **self.options})

    def _credential(self) -> dict[str, Any]:
        connection = self.get_connection(self.ledgerauth_conn_id)
        extra = connection.extra_dejson
        credential = {name: extra[name] for name in _CREDENTIAL_NAMES if name in extra}
        if connection.login:
            credential["client_id"] = connection.login
            if connection.password:
                credential["client_secret"] = connection.password
        elif connection.password:
            credential["api_key"] = connection.password
        return credential

    def __getstate__(self) -> dict[str, Any]:
        # In another process the Connection is read there.
        return {**self.__dict__, "_client": None}


def _base_url(host: str, port: Optional[int]) -> str:
    url = host if "://" in host else f"https://{host}"
    return f"{url}:{port}" if port else url
