"""The extension module; what is public of it is in `ledgerauth`."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from os import PathLike
from types import TracebackType
from typing import IO, Any, Literal, Optional, TypedDict, TypeVar, Union, final, overload

from typing_extensions import Self, Unpack, disjoint_base

from ledgerauth.errors import LedgerAuthError

__version__: str
_CREDENTIAL_NAMES: tuple[str, ...]

_Plain = Union[str, int, float, bool, None]
_Pairs = Union[Mapping[str, Union[_Plain, Sequence[_Plain]]], Iterable[tuple[str, _Plain]]]
_Content = Union[str, bytes, bytearray, IO[bytes], Iterable[bytes]]
_Provider = Union[str, PathLike[str], dict[str, Any]]
_Default = TypeVar("_Default")
_ClientAuth = Literal["client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt", "tls_client_auth", "none"]

class _Options(TypedDict, total=False):
    environment: Optional[str]
    base_url: Optional[str]
    token_url: Optional[str]
    client_auth: Optional[_ClientAuth]
    issuer: Optional[str]
    authorization_url: Optional[str]
    device_authorization_url: Optional[str]
    revocation_url: Optional[str]
    discover: Optional[bool]
    scopes: Optional[Union[str, Iterable[str]]]
    permissions: Optional[Union[str, Iterable[str]]]
    allow_redirect_to: Optional[Union[str, Iterable[str]]]
    header: Optional[str]
    scheme: Optional[str]
    integration: Optional[str]
    store: Optional[Union[str, PathLike[str], FileStore, RedisStore]]
    stored: Optional[bool]
    name: Optional[str]
    timeout: Optional[float]
    deadline: Optional[float]
    max_attempts: Optional[int]
    ca_file: Optional[Union[str, PathLike[str]]]
    trust: Optional[Literal["mozilla", "platform"]]
    client_certificate: Optional[Union[str, PathLike[str]]]
    client_key: Optional[Union[str, PathLike[str]]]
    proxy: Optional[Union[str, Literal[False]]]
    user_agent: Optional[str]
    insecure_loopback: Optional[bool]
    on_audit: Optional[Callable[[AuditEvent], object]]
    audit_blocks: Optional[bool]
    max_body: Optional[int]

class _Credential(TypedDict, total=False):
    api_key: Optional[Union[str, Key]]
    api_keys: Optional[Iterable[Union[str, Key, dict[str, Any]]]]
    client_id: Optional[str]
    client_secret: Optional[str]
    refresh_token: Optional[str]
    private_key: Optional[Union[str, PathLike[str]]]
    private_key_id: Optional[str]
    private_key_algorithm: Optional[Literal["RS256", "PS256", "ES256", "EdDSA"]]
    service_account: Optional[str]
    subject: Optional[str]

class _Arguments(_Options, _Credential, total=False): ...

@disjoint_base
class Client:
    """Authenticated calls to one account at one provider.

    ``provider`` is a shipped name (``adaas``, ``finora``, ``numeric``, ``numora``), the path of a profile in TOML, or a profile as a dict. One client may be
    shared by any number of threads: its token is fetched once for all of them and renewed beside them, its connections are kept open.

    The credential, one of:
        api_key: a static key: text, or a :class:`Key` with what is known about it.
        api_keys: several keys of one account; the first is used until it is refused or expires, then the next.
        client_id, client_secret: exchanged for access tokens (RFC 6749 section 4.4).
        private_key: instead of ``client_secret``: PEM, or the path of a file with it; ``private_key_id`` is the server's name for it (``kid``), and
            ``private_key_algorithm`` how it signs (``RS256`` if not said).
        service_account: the issuer of an assertion that is signed with ``private_key``, on behalf of ``subject`` if that is said (RFC 7523 section 2.1).
        refresh_token: of a person's consent, with the client that it was issued to (RFC 6749 section 6).
        stored: the refresh token that :meth:`login` has put into ``store``; with ``client_id``, and ``client_secret`` if there is one.

    Where it may go:
        environment: such as ``"sandbox"``; needed where neither key nor host tells it.
        base_url, token_url: instead of the profile's: a workspace's own, a gateway, a test server; likewise ``authorization_url``,
            ``device_authorization_url``, ``revocation_url`` and ``issuer``, which is asked for what is not said with ``discover=True``.
        allow_redirect_to: hosts whose answers count as the API's where a redirect leads there, such as that of signed downloads: ``["files.example"]``. The
            credential goes to none of them; the answer of any other host is a :class:`RedirectedElsewhere`.
        insecure_loopback: allows http without TLS to this very machine, for tests.

    How it is sent:
        header, scheme, client_auth: instead of the profile's; ``scheme=""`` for none.
        scopes: to ask for with a token: a list, or a text with spaces between them.
        permissions: what the credential may do, in the vendor's words; calls that need more are then refused before they are sent.

    How patient it is, in seconds:
        timeout: how long the server may take to begin its answer, and may pause within it (60).
        deadline: how long a call may take with all its waits and repeats, and with its body unless that is read with ``stream=True`` (90).
        max_attempts: how often a call is sent at most (4).

    How much it reads into memory:
        max_body: the longest body in bytes, counted unpacked (256 MiB, because a MiB of gzip can unpack to a GiB); a longer one is a :class:`BodyError`, one
            that is read with ``stream=True`` has no limit.

    What surrounds it:
        ca_file: PEM with the certificate authorities to trust, and no others.
        trust: ``"platform"`` for the authorities that the operating system trusts, on Linux also ``SSL_CERT_FILE`` and ``SSL_CERT_DIR``; Mozilla's list if
            not said, because it is the same everywhere.
        client_certificate, client_key: paths of a certificate chain and its key (PEM), shown to servers that ask for one (mutual TLS). Both are read again
            when they change; while one does not fit the other, the old pair goes on. Audit events tell both (``identity_replaced``, ``identity_kept``).
        proxy: ``http://user:password@host:port``, ``https://...`` or ``socks5://...``; ``False`` for none.
            Default: ``HTTPS_PROXY`` or ``ALL_PROXY``, but for the hosts in ``NO_PROXY``, as curl and requests read them.
            Plain http is sent to this machine alone, and always directly.
        integration: what audit events say who uses the credential.
        on_audit: called with each :class:`AuditEvent`, in order, on a thread of the client's, so that a slow function holds no call up. 16,384 events wait for
            it at most; how many found no room is an event (``events_dropped``). The exit of the program and a fork wait five seconds for what is left. A
            function that calls its own client gets :class:`Misuse`.
        audit_blocks: ``True`` to call ``on_audit`` in the thread in which an event happens, and to wait for it.
        store: where tokens are kept and shared: the path of a folder, for the processes of one host; ``rediss://...``, for many hosts; a :class:`FileStore` or
            :class:`RedisStore`, to seal them; this process's memory if not said.
        name: with which a shared store's id for the tokens begins, so that a person can read it. A record belongs to provider, environment, client and the
            hosts that the program itself set, so one name may serve several logins; two accounts of one client need names of their own.
        user_agent: ``ledgerauth/VERSION`` if not said.

    Raises:
        KeyFormatError: the key cannot be right; nothing was sent.
        EnvironmentMismatch, ForeignHost, InsecureTransport: key, environment and hosts do not fit together; nothing was sent.
        ProfileError, SettingError, Misuse: an argument cannot be used.

    Pickling names where the credential comes from (variables, file, function), where its tokens are (``store``) and its options, never a secret; a client
    made from a literal secret refuses. A process makes one client of each such name, however often it comes, and keeps it: tasks in a worker share its token
    and connections, and with a shared store all workers share the token. Functions go by module and name, paths as absolute ones. After a fork, the child's
    client is its own, with the parent's access token; one with a refresh token and no store is the parent's alone. The text that a secret came in is
    Python's, and is not wiped.
    """

    @overload
    def __new__(cls, provider: _Provider, **options: Unpack[_Arguments]) -> Self: ...
    @overload
    def __new__(cls, provider: Client) -> Self: ...
    @classmethod
    def from_env(cls, provider: _Provider, *variables: str, **options: Unpack[_Options]) -> Self:
        """A client whose credential stands in environment variables: one for a key, two for a client's id and secret. Without names, ``FINORA_API_KEY`` or
        ``NUMERIC_CLIENT_ID`` and ``NUMERIC_CLIENT_SECRET``, by the provider's name.

        Raises:
            SourceUnavailable: a variable is not set.
        """
    @classmethod
    def from_file(cls, provider: _Provider, path: Union[str, PathLike[str]], **options: Unpack[_Options]) -> Self:
        """A client whose credential stands in a file: one key a line, or JSON with ``client_id``, ``client_secret`` and perhaps ``refresh_token``, or with
        ``keys``. It is read again when the API refuses what it held.

        Raises:
            SourceUnavailable: it cannot be read, is empty, or is neither.
        """
    @classmethod
    def from_callable(cls, provider: _Provider, function: Callable[[], Any], **options: Unpack[_Options]) -> Self:
        """A client whose credential a function gives: a key, a list of keys, or a dict with ``client_id`` and ``client_secret``. It is called now, and again
        when the API refuses what it gave: for secrets managers. It may be called from any thread, but never from two at once.

        Raises:
            Whatever the function raises now. What it raises later counts as having nothing new.
        """
    @classmethod
    def from_config(cls, connection: str, /, *, path: Optional[Union[str, PathLike[str]]] = None, **options: Unpack[_Options]) -> Self:
        """A client of the connection of that name in ``ledgerauth.toml``, which the command line reads, too. The file is ``path``, else the one that the variable
        ``LEDGERAUTH_CONFIG`` names, else ``~/.config/ledgerauth/ledgerauth.toml``. Arguments go before what it says. No secret stands in it::

            [connections.month-end]
            provider = "xero"
            client_id = "my-id"
            stored = true                 # what `ledgerauth login month-end` has put into the store
            store = "~/month-end/tokens"

            [connections.webshop]
            provider = "finora"
            env = "WEBSHOP_FINORA_KEY"    # a variable with a key; two, with a client's id and its secret

        The fields are ``provider``; ``env``, ``file``, or ``client_id`` with ``client_secret_env`` or ``private_key``; ``store`` with ``store_password_env``,
        ``seal_env`` or ``seal_file``; and the client's arguments. Paths are relative to the file's folder.

        Raises:
            SettingError: the file cannot be read or cannot be right, or has no such connection.
        """
    def get(
        self,
        path: str,
        *,
        params: Optional[_Pairs] = None,
        headers: Optional[_Pairs] = None,
        deadline: Optional[float] = None,
        request_id: Optional[str] = None,
        allow_redirect_to: Optional[Union[str, Iterable[str]]] = None,
        stream: bool = False,
    ) -> Response:
        """A GET of a path such as ``/v1/invoices``, or of an absolute URL of the same host.

        ``deadline`` is in seconds, for this call with all its waits and repeats; ``request_id`` is known to both sides;
        ``allow_redirect_to`` as of the client, for this call; with ``stream`` the body is left to :meth:`Response.iter_bytes`. An answer that is not a
        success is a :class:`Response` with a ``failure``.

        Raises:
            LedgerAuthError: there is no answer: refused before sending, no token, no connection, out of time.
        """
    def head(
        self,
        path: str,
        *,
        params: Optional[_Pairs] = None,
        headers: Optional[_Pairs] = None,
        deadline: Optional[float] = None,
        request_id: Optional[str] = None,
        allow_redirect_to: Optional[Union[str, Iterable[str]]] = None,
    ) -> Response:
        """A HEAD; otherwise as :meth:`get`."""
    def post(
        self,
        path: str,
        *,
        json: Any = None,
        data: Optional[Union[_Pairs, _Content]] = None,
        content: Optional[_Content] = None,
        params: Optional[_Pairs] = None,
        headers: Optional[_Pairs] = None,
        deadline: Optional[float] = None,
        request_id: Optional[str] = None,
        allow_redirect_to: Optional[Union[str, Iterable[str]]] = None,
        stream: bool = False,
    ) -> Response:
        """A POST. It is repeated only where that cannot book anything twice.

        The body is one of ``json`` (anything that `json.dumps` takes), ``data`` (a mapping, sent as a form, or what ``content`` takes) and ``content`` (text,
        bytes, an open file or an iterable of bytes; the last two are sent as they are read, once).
        """
    def put(
        self,
        path: str,
        *,
        json: Any = None,
        data: Optional[Union[_Pairs, _Content]] = None,
        content: Optional[_Content] = None,
        params: Optional[_Pairs] = None,
        headers: Optional[_Pairs] = None,
        deadline: Optional[float] = None,
        request_id: Optional[str] = None,
        allow_redirect_to: Optional[Union[str, Iterable[str]]] = None,
        stream: bool = False,
    ) -> Response:
        """A PUT; otherwise as :meth:`post`."""
    def patch(
        self,
        path: str,
        *,
        json: Any = None,
        data: Optional[Union[_Pairs, _Content]] = None,
        content: Optional[_Content] = None,
        params: Optional[_Pairs] = None,
        headers: Optional[_Pairs] = None,
        deadline: Optional[float] = None,
        request_id: Optional[str] = None,
        allow_redirect_to: Optional[Union[str, Iterable[str]]] = None,
        stream: bool = False,
    ) -> Response:
        """A PATCH; otherwise as :meth:`post`."""
    def delete(
        self,
        path: str,
        *,
        params: Optional[_Pairs] = None,
        headers: Optional[_Pairs] = None,
        deadline: Optional[float] = None,
        request_id: Optional[str] = None,
        allow_redirect_to: Optional[Union[str, Iterable[str]]] = None,
        stream: bool = False,
    ) -> Response:
        """A DELETE; otherwise as :meth:`get`."""
    def request(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        data: Optional[Union[_Pairs, _Content]] = None,
        content: Optional[_Content] = None,
        params: Optional[_Pairs] = None,
        headers: Optional[_Pairs] = None,
        deadline: Optional[float] = None,
        request_id: Optional[str] = None,
        allow_redirect_to: Optional[Union[str, Iterable[str]]] = None,
        stream: bool = False,
    ) -> Response:
        """A call of that method: GET, HEAD, POST, PUT, PATCH or DELETE, in capitals."""
    def authorize(self, path: str, /) -> str:
        """The value of the header that authenticates a request to ``path`` (or to an absolute URL of the same host): for those who send by themselves.

        While the token is fresh this takes well under a microsecond. The text's ``repr`` shows nothing.

        Raises:
            LedgerAuthError: the credential may not go there, or no token can be had.
        """
    def check(self) -> Check:
        """Proves the credential with the provider's harmless test call, and says what came of it and what to do."""
    def poll(self, path: str, *, deadline: float = 300.0, first_pause: float = 1.0) -> Response:
        """Asks for a document until it is ready, as the provider says what "not ready" looks like. Both numbers are seconds; pauses grow by half each
        time, to 15.

        Raises:
            DeadlineExceeded: it is still not ready.
            LedgerAuthError: whatever a call failed with.
        """
    def explain(self) -> Explanation:
        """How the credential stands, in one value that can be pasted into a ticket. Reads the store, sends nothing."""
    def login(
        self,
        *,
        show: Optional[Callable[[str, Optional[str], Optional[str]], object]] = None,
        open_browser: bool = True,
        redirect_uri: Optional[str] = None,
        patience: float = 300.0,
        parameters: Optional[Sequence[tuple[str, str]]] = None,
    ) -> None:
        """Lets a person consent in a browser (authorization code with PKCE), and puts the tokens into the client's store. The client has to be made with
        ``stored=True``.

        ``show`` is called with the address, a code to enter there (or ``None``) and an address with the code in it (or ``None``); the address is printed if
        it is not said. ``redirect_uri`` is where the browser comes back to, as the client is registered: an http address of this machine, port 0 for a free
        one. ``patience`` is in seconds.

        Raises:
            LedgerAuthError: the person refused, the time is over, or the server said no.
        """
    def login_on_device(self, *, show: Optional[Callable[[str, Optional[str], Optional[str]], object]] = None) -> None:
        """Lets a person consent on another device (RFC 8628); otherwise as :meth:`login`."""
    def revoke(self) -> None:
        """Ends what was granted: the tokens are revoked at the server (RFC 7009) and taken out of the store."""
    def replace_credential(self, **credential: Unpack[_Credential]) -> None:
        """Takes over another credential of the same kind and account, from the next call on: keys for keys, a client's id and secret for another. So a
        rotation needs neither a restart nor a single 401: hand the new one over, then end the old one at the provider. The arguments are those of the client.

        A token that the old id and secret bought is used no more. What the credential may do stays as it was declared when the client was made. Waits while a
        token is being fetched with the old one. The client is not pickled afterwards, because no source names the new credential.

        Raises:
            KeyFormatError: it is malformed.
            EnvironmentMismatch: it is for another environment than the client.
            Misuse: it is of another kind, or a refresh token, which a login replaces. The client goes on with what it has.
        """
    def reload(self) -> None:
        """Reads the credential's source again now, without waiting for a refusal: the variables, file or function that the client was made from. The next call
        uses what it gave.

        Raises:
            SourceUnavailable: the source cannot be read; the client goes on with what it has.
            Misuse: the credential came as a value.
        """
    @property
    def keys(self) -> list[KeyState]:
        """How each key stands: its age, whether it is in use, when it was last needed. Empty if the client authenticates with tokens."""
    @property
    def rotation_plan(self) -> list[PlanStep]:
        """What to do with the keys, and by when; the most urgent first."""
    @property
    def provider(self) -> str:
        """The provider's short name."""
    @property
    def environment(self) -> str:
        """The environment that the credential is for."""
    @property
    def base_url(self) -> str:
        """Where paths are appended to, without a slash at the end."""
    @property
    def header(self) -> str:
        """The name of the header that carries the credential."""
    def _ahead(self, method: str, url: Any, headers: Any, /) -> Optional[_Exchange]: ...
    def _exchange(self, method: str, url: Any, body: Any, headers: Any, waits: bool, /) -> _Exchange: ...
    def __copy__(self) -> Self: ...
    def __deepcopy__(self, _memo: Any) -> Self: ...
    def __reduce__(self) -> tuple[Any, ...]: ...

@final
class Response:
    """The server's answer to a call: success or not, its body unread and unaltered."""

    @property
    def status_code(self) -> int:
        """The status code."""
    @property
    def ok(self) -> bool:
        """Whether it is a success, and the API's: not the answer of a host that the credential was not sent to."""
    @property
    def headers(self) -> Headers:
        """The header fields."""
    @property
    def url(self) -> str:
        """Where the answer came from, with its query: the URL that was asked, or where redirects have led."""
    @property
    def history(self) -> list[tuple[int, str]]:
        """The redirects that were followed on the way, in their order: status and URL."""
    @property
    def request_id(self) -> str:
        """The id under which the call went out, the same on all of its repeats."""
    @property
    def failure(self) -> Optional[LedgerAuthError]:
        """What is wrong and what to do about it, if it is not a success."""
    @property
    def content(self) -> bytes:
        """The body, whatever the status.

        Raises:
            Misuse: it was read in pieces, or closed, before it was read as a whole.
        """
    @property
    def text(self) -> str:
        """The body as text, whatever the status."""
    @property
    def encoding(self) -> str:
        """The charset that the server names, else ``utf-8``."""
    def json(self, **options: Any) -> Any:
        """The body of a success, read as JSON; ``options`` are those of `json.loads`.

        Raises:
            LedgerAuthError: it is no success; so that an error is never taken for the document that was asked for. What the server sent is in ``content``.
            BodyError: it is not JSON.
        """
    def raise_for_status(self) -> Self:
        """The response itself if it is a success; else raises what is wrong."""
    def iter_bytes(self, chunk_size: int = 65536) -> Iterator[bytes]:
        """The body in pieces of at most that many bytes: of a call with ``stream=True`` as they come, once; else of ``content``, as often as wanted.

        Raises:
            Misuse: the stream was closed.
            SettingError: the size is less than 1.
        """
    def close(self) -> None:
        """Gives up what is left of a stream."""
    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: Optional[type[BaseException]], error: Optional[BaseException], traceback: Optional[TracebackType], /
    ) -> None: ...

@final
class Headers(Mapping[str, str]):
    """Header fields; names are compared without case. A field that came several times is joined by commas."""

    def __getitem__(self, name: str, /) -> str: ...
    def __iter__(self) -> Iterator[str]: ...
    def __len__(self) -> int: ...
    @overload
    def get(self, name: str, default: None = None, /) -> Optional[str]: ...
    @overload
    def get(self, name: str, default: str, /) -> str: ...
    @overload
    def get(self, name: str, default: _Default, /) -> Union[str, _Default]: ...
    def get_list(self, name: str) -> list[str]:
        """The values of a field, one by one."""

@final
class Key:
    """A static key with what its owner knows about it. ``repr`` shows the name and not the key; it refuses to be pickled.

    ``name`` and ``id`` are the vendor's, ``created`` is what its age is counted from (a `datetime`, a `date`, ISO 8601 or seconds since 1970 UTC),
    ``integration`` who uses it, ``permissions`` what it may do in the vendor's words; ``relaxed`` accepts a form that the profile does not know.
    """

    def __new__(
        cls,
        key: str,
        *,
        name: Optional[str] = None,
        id: Optional[str] = None,
        created: Optional[Union[datetime, date, str, float]] = None,
        integration: Optional[str] = None,
        permissions: Optional[Iterable[str]] = None,
        relaxed: bool = False,
    ) -> Self: ...
    @property
    def name(self) -> Optional[str]:
        """The name it was given."""
    def __reduce__(self) -> Any: ...

@final
class KeyState:
    """How one key stands. Nothing in it is secret."""

    @property
    def name(self) -> Optional[str]:
        """The name it was given in the vendor's dashboard."""
    @property
    def id(self) -> Optional[str]:
        """The vendor's own id of it."""
    @property
    def prefix(self) -> str:
        """The prefix that everybody's keys of this form share."""
    @property
    def integrations(self) -> list[str]:
        """The integrations that use it."""
    @property
    def in_use(self) -> bool:
        """Whether the next call is sent with it."""
    @property
    def age(self) -> str:
        """Where it stands in its life, in words."""
    @property
    def ends(self) -> Optional[datetime]:
        """When it ends, or ended, if that is known."""
    @property
    def expires(self) -> bool:
        """Whether keys of this kind end at all."""
    @property
    def days_left(self) -> Optional[float]:
        """How many days are left, if that is known; 0 after its end."""
    @property
    def refused(self) -> Optional[str]:
        """Why the API refused it, if it did."""
    @property
    def last_needed(self) -> Optional[datetime]:
        """When a call was last sent with it."""

@final
class PlanStep:
    """One thing to do about a client's keys."""

    @property
    def by(self) -> datetime:
        """By when."""
    @property
    def what(self) -> str:
        """What, in one sentence."""

@final
class Check:
    """What came of a credential's test call; true if the credential was accepted. ``str()`` is one line for a person."""

    @property
    def ok(self) -> bool:
        """Whether the credential was accepted."""
    @property
    def status(self) -> Optional[int]:
        """The status of the answer, if there was one."""
    @property
    def advice(self) -> Optional[str]:
        """What to do, if it was not."""
    @property
    def error(self) -> Optional[LedgerAuthError]:
        """What is wrong, if it was not."""
    def __bool__(self) -> bool: ...

@final
class Explanation:
    """How a credential stands. Nothing in it is secret; ``str()`` is a few lines for a person."""

    @property
    def ok(self) -> bool:
        """Whether calls can be sent as things stand, with a token that is here or that they get themselves."""
    @property
    def advice(self) -> Optional[str]:
        """What to do; ``None`` if there is nothing to do."""
    @property
    def state(self) -> str:
        """``empty``, ``fresh``, ``stale``, ``refreshing``, ``unsaved`` or ``dead``."""
    @property
    def provider(self) -> str:
        """The provider's short name."""
    @property
    def environment(self) -> str:
        """The environment."""
    @property
    def integration(self) -> Optional[str]:
        """The integration, as its owner named it."""
    @property
    def credential(self) -> str:
        """What the credential is, such as ``2 keys``."""
    @property
    def generation(self) -> int:
        """The generation of the token that this process holds; 0 for none, and for keys."""
    @property
    def stored_generation(self) -> Optional[int]:
        """The generation in the store."""
    @property
    def store_error(self) -> Optional[str]:
        """Why the store could not be read: it is down, or what stands there is damaged, sealed with another key or of another
        place. ``None`` if it was read."""
    @property
    def stored_token_ends(self) -> Optional[datetime]:
        """Until when the token in the store is good; in the past if it has ended. ``None`` if none was found there."""
    @property
    def token_ends(self) -> Optional[datetime]:
        """Until when the token in use is sent."""
    @property
    def next_renewal(self) -> Optional[datetime]:
        """When the next token is asked for at the earliest."""
    @property
    def paused_until(self) -> Optional[datetime]:
        """Until when all calls pause."""
    @property
    def needs_consent(self) -> bool:
        """Whether a person has to log in first: neither this process nor the store has a refresh token. ``False`` if the store
        could not be read, because nobody knows then."""
    @property
    def needs_store(self) -> bool:
        """Whether no token can be had before the store is back."""
    @property
    def refused_since(self) -> Optional[datetime]:
        """Since when the stored refresh token counts as refused, for every process that shares the store; ``None`` if it does not."""
    @property
    def next_probe(self) -> Optional[datetime]:
        """When a refused refresh token is sent again to see whether it still is; ``None`` if it is not refused, or not sent any more."""
    @property
    def last_error(self) -> Optional[str]:
        """What went wrong last."""
    @property
    def keys(self) -> list[KeyState]:
        """How each key stands."""
    @property
    def skew_millis(self) -> Optional[int]:
        """How far the server's clock is ahead of this machine's."""
    def as_dict(self) -> dict[str, Any]:
        """The same for a program; moments as text."""

@final
class FileStore:
    """Tokens in a folder that only this user can open, shared by the processes of one host. ``seal_env`` or ``seal_file`` names where the key is that seals
    them: 32 bytes in base64 or hex."""

    def __new__(
        cls, path: Union[str, PathLike[str]], *, seal_env: Optional[str] = None, seal_file: Optional[Union[str, PathLike[str]]] = None
    ) -> Self: ...
    def __reduce__(self) -> Any: ...

@final
class RedisStore:
    """Tokens in a Redis server, shared by any number of hosts: ``rediss://host:port/database`` with TLS, ``redis://...`` without it
    on this machine, ``redis+insecure://...`` without it on another, ``redis+unix:///path`` for a local
    socket. ``password_env`` names the variable that holds the password: one in the URL works, but then the store is not pickled."""

    def __new__(
        cls,
        url: str,
        *,
        password_env: Optional[str] = None,
        ca_file: Optional[Union[str, PathLike[str]]] = None,
        prefix: Optional[str] = None,
        seal_env: Optional[str] = None,
        seal_file: Optional[Union[str, PathLike[str]]] = None,
    ) -> Self: ...
    def __reduce__(self) -> Any: ...

@final
class AuditEvent:
    """One thing that happened with a credential: who used it where, what came of it, what was decided. Nothing in it is secret."""

    @property
    def at(self) -> datetime:
        """When."""
    @property
    def what(self) -> str:
        """``sent``, ``answered``, ``repeating``, ``pausing``, ``replaced``, ``refused``, ``source_asked``, ``token_asked``, ``refresh_token_resent``,
        ``token_granted``, ``token_unusual``, ``token_adopted``, ``token_denied``, ..."""
    @property
    def decision(self) -> str:
        """What was decided and why, in one clause."""
    @property
    def provider(self) -> str:
        """The provider's short name."""
    @property
    def environment(self) -> str:
        """The environment."""
    @property
    def integration(self) -> Optional[str]:
        """The integration, as its owner named it."""
    @property
    def method(self) -> Optional[str]:
        """The method of the request, if it is about one."""
    @property
    def path(self) -> Optional[str]:
        """Its path, without the query."""
    @property
    def status(self) -> Optional[int]:
        """The status of the answer, if it is about one."""
    @property
    def request_id(self) -> Optional[str]:
        """The id under which we know the request."""
    @property
    def server_request_id(self) -> Optional[str]:
        """The id under which the server knows it."""
    @property
    def fingerprint(self) -> Optional[str]:
        """Which credential it was: a keyed hash, the same for one process."""
    def as_dict(self) -> dict[str, Any]:
        """All of it, for a structured log; moments as text."""

@final
class Redactor:
    """Takes secrets out of text and bytes: credentials in headers, fields, forms and URLs, keys of the shipped providers, tokens; and leaves look-alikes
    alone.

    ``secrets`` are texts to be taken out wherever they stand, ``headers`` names of headers whose values are secret, ``providers`` profiles that are not
    shipped.
    """

    def __new__(
        cls,
        *,
        secrets: Optional[Iterable[str]] = None,
        headers: Optional[Iterable[str]] = None,
        providers: Optional[Iterable[_Provider]] = None,
    ) -> Self: ...
    @overload
    def redact(self, text: str) -> str:
        """The text, or the bytes, without secrets."""
    @overload
    def redact(self, text: Union[bytes, bytearray]) -> bytes: ...
    def stream(self) -> RedactStream:
        """The same for text that comes in pieces."""
    def copy(self, source: int, target: int, *, progress: Optional[Callable[[int], object]] = None) -> int:
        """Copies one open file into another without the secrets, by their numbers (``fileno()``); returns how many bytes were read. ``progress`` is called
        with the bytes so far, five times a second.

        Raises:
            OSError: one of the files cannot be read or written.
        """

@final
class RedactStream:
    """Takes secrets out of text that comes in pieces, wherever it was cut."""

    def push(self, piece: bytes) -> bytes:
        """Takes the next piece, and gives what can be written already."""
    def finish(self) -> bytes:
        """Gives the rest. The stream takes nothing more."""

@final
class Pieces(Iterator[bytes]):
    def __iter__(self) -> Self: ...
    def __next__(self) -> bytes: ...

@final
class _Exchange:
    @property
    def sending(self) -> bool: ...
    @property
    def url(self) -> Optional[str]: ...
    @property
    def foreign(self) -> bool: ...
    @property
    def failure(self) -> Optional[LedgerAuthError]: ...
    def poll(self) -> Optional[float]: ...
    def step(self) -> None: ...
    def put(self, headers: Any) -> None: ...
    def finish(self, status: int) -> bool: ...
    def answered(self, status: int, headers: Sequence[tuple[str, str]], body: bytes, sent: Any) -> None: ...
    def give_up(self) -> None: ...
    def on_wake(self, waker: Callable[[], object]) -> None: ...

@final
class _Sandbox:
    def __new__(cls, *, tls: bool, seed: Optional[int], ports: int, client_auth: bool, limits: bool, control: bool) -> Self: ...
    def urls(self) -> list[tuple[str, str]]: ...
    def ca_pem(self) -> str: ...
    def control_url(self) -> Optional[str]: ...
    def steer(self, method: str, target: str, body: str) -> str: ...
    def close(self) -> None: ...

def _run_sandbox(arguments: list[str]) -> int: ...
def _run_demo(arguments: list[str]) -> int: ...
def provider_names() -> list[str]: ...
def provider_text(name: str) -> str: ...
def provider_facts(provider: _Provider) -> dict[str, Any]: ...
def _at_exit() -> None: ...
def _shown(text: str, looks: str) -> str: ...
def profile_page() -> str: ...
def _read_toml(text: str) -> dict[str, Any]: ...
def _is_idempotent(method: str) -> bool: ...
def _command_line(runs: bool) -> bool: ...
def _before_fork() -> None: ...
def _after_fork_in_parent() -> None: ...
def _after_fork_in_child() -> None: ...
