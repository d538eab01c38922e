"""For your own tests: accounting APIs on this machine that behave as they are documented to, with a clock, a log and faults.

::

    def test_invoices_survive_a_limit(ledgerauth_sandbox):
        ledgerauth_sandbox.fault({"too_many_requests": {"style": {"retry_after_seconds": 1}}}, service="finora")
        client = ledgerauth_sandbox.client("finora")
        assert client.get("/v1/invoices").ok

The fixture ``ledgerauth_sandbox`` is there as soon as this package is installed. Without pytest: ``with ledgerauth.testing.Sandbox() as sandbox: ...``.

Services are ``numeric_api``, ``numeric_sandbox_api``, ``numeric_auth``, ``numora``, ``adaas_api``, ``adaas_auth``, ``finora`` and ``stranger``, a host
that belongs to nobody. All keys are made up; send it no real ones, because its log shows them.
"""

from __future__ import annotations

import json
import os
import tempfile

from ledgerauth import Client
from ledgerauth._ledgerauth import _Sandbox, _shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any, Optional

__all__ = ["Entry", "Sandbox"]

# How each shipped provider's client is pointed at the sandbox: service of the API, environment, service and path of the token endpoint, its credential.
_CLIENTS: dict[str, tuple[str, str, Optional[str], str]] = {
    "finora": ("finora", "staging", None, "finora_test"),
    "numora": ("numora", "production", None, "numora"),
    "numeric": ("numeric_api", "production", "numeric_auth/oauth/token", "numeric"),
    "adaas": ("adaas_api", "production", "adaas_auth/getAccess", "adaas"),
}


class Entry:
    """One request as the sandbox saw it: ``number``, ``at_millis``, ``service``, ``method``, ``path``, ``query``, ``headers`` (pairs, as they came), ``body``
    (text), ``status`` (``None`` if the connection was cut), ``decision`` (why), ``acted`` (whether anything was changed), ``request_id``, ``kind``."""

    number: int
    at_millis: int
    service: str
    method: str
    path: str
    query: str
    headers: list[tuple[str, str]]
    body: str
    status: Optional[int]
    decision: str
    acted: bool
    request_id: Optional[str]
    kind: str

    def __init__(self, fields: dict[str, Any]) -> None:
        self.__dict__.update(fields)

    def header(self, name: str) -> Optional[str]:
        """The first value of a header, whatever its case."""
        return next((value for known, value in self.headers if known.lower() == name.lower()), None)

    def __repr__(self) -> str:
        return f"<{self.service} {self.method} {self.path} -> {self.status}: {self.decision}>"


class Sandbox:
    """Four accounting systems on loopback ports, running until it is closed. Any thread may use it.

    ``limits=False`` leaves out the documented request limits; ``seed`` makes keys repeat from run to run; ``tls=False`` serves plain http.
    """

    def __init__(
        self,
        *,
        tls: bool = True,
        seed: Optional[int] = None,
        port: int = 0,
        client_auth: bool = False,
        limits: bool = True,
        control: bool = False,
    ) -> None:
        self._started = _Sandbox(tls=tls, seed=seed, ports=port, client_auth=client_auth, limits=limits, control=control)
        self._owner = os.getpid()
        self._ca: Optional[str] = None
        self.urls: dict[str, str] = dict(self._started.urls())
        """The base URL of each service."""
        self.keys: dict[str, Any] = self.ask("GET", "/keys")
        """The ready-made credentials: ``finora_live``, ``finora_test``, ``numora``, ``adaas``, ``adaas_sandbox``, ``numeric``, ``numeric_sandbox``,
        ``numeric_static``; a text, or a dict with ``client_id`` and ``client_secret`` (``secret`` at ADaaS)."""
        self.tls = tls

    def client(self, provider: str, **options: Any) -> Client:
        """A client of one of the shipped providers, pointed here, with a ready-made credential; ``options`` are those of :class:`ledgerauth.Client`."""
        return Client(provider, **{**self.options(provider), **options})

    def options(self, provider: str, *, credential: bool = True) -> dict[str, Any]:
        """The arguments that point a :class:`ledgerauth.Client` here; without ``credential``, for ``Client.from_env`` and its kin."""
        if provider not in _CLIENTS:
            raise ValueError(f"the sandbox has no {_shown(str(provider), 'word')}; there are {', '.join(_CLIENTS)}")
        service, environment, token, key = _CLIENTS[provider]
        options: dict[str, Any] = {"base_url": self.urls[service], "environment": environment, "proxy": False}
        if self.tls:
            options["ca_file"] = self.ca_file
        else:
            options["insecure_loopback"] = True
        if token:
            name, _, path = token.partition("/")
            options["token_url"] = f"{self.urls[name]}/{path}"
        if credential and isinstance(self.keys[key], str):
            options["api_key"] = self.keys[key]
        elif credential:
            pair = self.keys[key]
            options.update(client_id=pair["client_id"], client_secret=pair.get("client_secret") or pair["secret"])
        return options

    @property
    def ca_pem(self) -> str:
        """The certificate authority of this start, as PEM."""
        return self._started.ca_pem()

    @property
    def ca_file(self) -> str:
        """The same as a file, for ``verify=`` and ``ca_file=``; it is removed at the end."""
        if self._ca is None:
            handle, self._ca = tempfile.mkstemp(prefix="ledgerauth-sandbox-", suffix=".pem")
            with open(handle, "w", encoding="ascii") as file:
                file.write(self.ca_pem)
        return self._ca

    @property
    def control_url(self) -> Optional[str]:
        """Where other processes steer the sandbox; ``None`` unless it was started with ``control=True``."""
        return self._started.control_url()

    def ask(self, method: str, target: str, body: Any = None) -> Any:
        """What the control service does with such a request; ``GET /`` lists what there is."""
        return json.loads(self._started.steer(method, target, "" if body is None else json.dumps(body)))

    def log(self, service: Optional[str] = None, *, kind: Optional[str] = None, since: int = 0) -> list[Entry]:
        """What arrived, oldest first: of one service, of one kind (``token``, ``api``, ``stranger``, ``malformed``, ``handshake``), after a number."""
        entries = (Entry(fields) for fields in self.ask("GET", f"/log?since={since}")["entries"])
        return [entry for entry in entries if service in (None, entry.service) and kind in (None, entry.kind)]

    def clear_log(self) -> None:
        """Forgets all entries; numbers go on."""
        self.ask("DELETE", "/log")

    def token_requests(self) -> int:
        """How many requests token endpoints have seen."""
        return len(self.log(kind="token"))

    def advance(self, seconds: float) -> None:
        """Moves the server's clock; back, if ``seconds`` is negative. It drives key ages, tokens' ends and limits."""
        self.ask("POST", "/clock", {"advance_seconds": seconds})

    def fault(
        self,
        kind: Any,
        *,
        service: Optional[str] = None,
        method: Optional[str] = None,
        path: Optional[str] = None,
        times: int = 1,
        after: int = 0,
    ) -> None:
        """Makes something go wrong: ``"reset_after_acting"``, ``{"status": {"code": 503}}``, ``{"slow": {"millis": 500}}``, ...; see ``ask("GET", "/")``."""
        fault = {"kind": kind, "times": times, "after": after, "service": service, "method": method, "path_prefix": path}
        self.ask("POST", "/faults", {name: value for name, value in fault.items() if value is not None})

    def clear_faults(self) -> None:
        """Takes all faults back."""
        self.ask("DELETE", "/faults")

    def settings(self, **changes: Any) -> Any:
        """Changes how the systems behave: ``token_delay_ms=200``, ``numeric_token_lifetime=2``, ``rotate_refresh_tokens=True``, ...; see ``ask("GET", "/")``."""
        return self.ask("POST", "/settings", changes)

    def issue(self, what: str, **facts: Any) -> Any:
        """Issues a credential: ``issue("finora", age_days=89)``, ``issue("refresh_token", client_id=...)``; the credential, as in :attr:`keys`."""
        issued = self.ask("POST", "/keys", {what: facts})
        return issued.get("key", issued.get("refresh_token", issued)) if isinstance(issued, dict) else issued

    def revoke(self, key: str) -> bool:
        """Revokes a key or a token at once; ``False`` if it is not known."""
        return bool(self.ask("POST", "/keys", {"revoke": {"key": key}})["revoked"])

    def revoke_tokens(self, service: str) -> int:
        """Ends every token minted so far by ``numeric_auth`` or ``adaas_auth``; how many there were."""
        return int(self.settings(revoke_tokens=service)["revoked_tokens"])

    def close(self) -> None:
        """Closes every connection and stops."""
        self._started.close()
        if self._ca is not None and os.getpid() == self._owner:
            os.unlink(self._ca)
            self._ca = None

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<ledgerauth.testing.Sandbox {self.urls['finora']} and {len(self.urls) - 1} more>"
