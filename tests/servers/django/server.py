"""A second authorization server for tests, independent of the first: django-oauth-toolkit in several processes over one database, on loopback only.

Run as a program it reads one line of JSON from stdin (see DEFAULTS; `folder` is an empty folder for the database), prints one line of JSON when it is ready
({issuer}), and ends when stdin is closed, so that it never outlives the test that started it. Beside the toolkit's own endpoints below /o it has
  GET  /api/ledger     a resource: 200 with the token's facts, 401 with a challenge
  GET  /__stats        every request to the token and revocation endpoints, with the process that took it
  POST /__seed         {client, count}: refresh tokens as if a person had consented
  POST /__device       {user_code, allow}: a person's answer to a device
  POST /__end_access   every access token ends now
"""

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import urllib.request
import uuid
from datetime import timedelta
from pathlib import Path

DEFAULTS = {
    "access_token_seconds": 300,
    "refresh_token_seconds": 3600,
    "grace_seconds": 0,
    "rotate": True,
    "workers": 2,
    "device_interval": 5,
}
SECRET = "test-only-secret-of-32-characters"

if __name__ == "__main__":
    OPTIONS = {**DEFAULTS, **json.loads(sys.stdin.readline())}
    LISTENER = socket.create_server(("127.0.0.1", 0))
    OPTIONS["issuer"] = f"http://127.0.0.1:{LISTENER.getsockname()[1]}/o"
    os.environ["LEDGERAUTH_TEST_SERVER"] = json.dumps(OPTIONS)
    # Django and its workers load this file as a module.
    sys.modules["server"] = sys.modules["__main__"]
else:
    OPTIONS = json.loads(os.environ["LEDGERAUTH_TEST_SERVER"])
os.environ["DJANGO_SETTINGS_MODULE"] = "server"

# Django's settings.
SECRET_KEY = "loopback-test-only"
ALLOWED_HOSTS = ["127.0.0.1"]
ROOT_URLCONF = "server"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
# A client's secret is hashed; the strength of a real hash would only cost time here.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions", "oauth2_provider"]
MIDDLEWARE = [
    "server.record",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "server.sign_in",
]
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": f"{OPTIONS['folder']}/db.sqlite3",
        "OPTIONS": {"timeout": 30, "transaction_mode": "IMMEDIATE", "init_command": "PRAGMA journal_mode=WAL"},
    }
}
OAUTH2_PROVIDER = {
    "SCOPES": {"ledger.read": "read", "ledger.write": "write"},
    "ACCESS_TOKEN_EXPIRE_SECONDS": OPTIONS["access_token_seconds"],
    "REFRESH_TOKEN_EXPIRE_SECONDS": OPTIONS["refresh_token_seconds"],
    "REFRESH_TOKEN_GRACE_PERIOD_SECONDS": OPTIONS["grace_seconds"],
    "ROTATE_REFRESH_TOKEN": OPTIONS["rotate"],
    "REFRESH_TOKEN_REUSE_PROTECTION": True,
    "PKCE_REQUIRED": True,
    "COMPLIANT_BCP_RFC9700_AUTHZ_RESPONSE_ISS": True,
    "COMPLIANT_BCP_RFC9700_PKCE_METHOD": True,
    "OIDC_ISS_ENDPOINT": OPTIONS["issuer"],
    "OAUTH_DEVICE_VERIFICATION_URI": f"{OPTIONS['issuer']}/device/",
    "OAUTH_DEVICE_USER_CODE_GENERATOR": lambda: secrets.token_hex(4).upper(),
    "DEVICE_FLOW_INTERVAL": OPTIONS["device_interval"],
}

import django  # noqa: E402
from django.apps import apps  # noqa: E402

if not apps.ready:
    django.setup()

from django.contrib.auth import get_user_model  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.http import HttpResponse, JsonResponse  # noqa: E402
from django.urls import include, path  # noqa: E402
from django.utils import timezone  # noqa: E402
from django.views.decorators.csrf import csrf_exempt  # noqa: E402
from oauth2_provider.models import AccessToken, Application, DeviceGrant, RefreshToken  # noqa: E402

JOURNAL = Path(OPTIONS["folder"]) / "requests.jsonl"


def record(get_response):
    """What came to the token and revocation endpoints: one line each, appended at once, so that no two processes mix theirs."""

    def middleware(request):
        response = get_response(request)
        if request.path in ("/o/token/", "/o/revoke_token/"):
            try:
                error = json.loads(response.content or b"{}").get("error")
            except ValueError:
                error = "no JSON"
            form = request.POST
            line = {
                "endpoint": request.path.split("/")[2],
                "grant": form.get("grant_type"),
                "client": form.get("client_id"),
                "hint": form.get("token_type_hint"),
                "auth": "header" if "Authorization" in request.headers else "body" if "client_secret" in form else "none",
                "status": response.status_code,
                "error": error,
                "process": os.getpid(),
            }
            with JOURNAL.open("ab", buffering=0) as journal:
                journal.write(json.dumps(line).encode() + b"\n")
        return response

    return middleware


def sign_in(get_response):
    """The person at the browser is always alice."""

    def middleware(request):
        request.user = get_user_model().objects.get(username="alice")
        return get_response(request)

    return middleware


def ledger(request):
    token = request.headers.get("Authorization", "").removeprefix("Bearer ")
    found = AccessToken.objects.filter(token=token).select_related("application", "user").first() if token else None
    if not found or not found.is_valid():
        challenge = 'Bearer realm="ledger", error="invalid_token"' if token else 'Bearer realm="ledger"'
        return HttpResponse(status=401, headers={"WWW-Authenticate": challenge})
    account = found.user.username if found.user else None
    return JsonResponse({"client": found.application.client_id, "account": account, "scope": found.scope})


def stats(_request):
    lines = JOURNAL.read_text().splitlines() if JOURNAL.exists() else []
    requests = [json.loads(line) for line in lines]
    refreshes = [one for one in requests if one["grant"] == "refresh_token"]
    counts = {
        "refreshes": sum(not one["error"] for one in refreshes),
        "refused_refreshes": sum(bool(one["error"]) for one in refreshes),
        "invalid_grants": sum(one["error"] == "invalid_grant" for one in requests),
        "processes": len({one["process"] for one in requests}),
    }
    return JsonResponse({"requests": requests, **counts})


@csrf_exempt
def seed(request):
    asked = json.loads(request.body)
    application, person = Application.objects.get(client_id=asked["client"]), get_user_model().objects.get(username="alice")
    tokens = []
    for _ in range(asked["count"]):
        ended = timezone.now() - timedelta(seconds=1)
        access = AccessToken.objects.create(
            user=person, application=application, token=secrets.token_urlsafe(24), expires=ended, scope="ledger.read"
        )
        token = secrets.token_urlsafe(24)
        # Without a family, the toolkit does not detect reuse.
        RefreshToken.objects.create(user=person, application=application, token=token, access_token=access, token_family=uuid.uuid4())
        tokens.append(token)
    return JsonResponse({"refresh_tokens": tokens})


@csrf_exempt
def device(request):
    asked = json.loads(request.body)
    found = DeviceGrant.objects.filter(user_code=asked["user_code"]).first()
    if found:
        found.user = get_user_model().objects.get(username="alice")
        found.status = found.AUTHORIZED if asked["allow"] else found.DENIED
        found.save()
    return JsonResponse({"known": bool(found)})


@csrf_exempt
def end_access(_request):
    # Removed, an access token would take its refresh token along.
    now = timezone.now()
    return JsonResponse({"ended": AccessToken.objects.filter(expires__gt=now).update(expires=now)})


from oauth2_provider.urls import metadata_urlpatterns  # noqa: E402

urlpatterns = [
    path("api/ledger", ledger),
    path("__stats", stats),
    path("__seed", seed),
    path("__device", device),
    path("__end_access", end_access),
    path("o/", include("oauth2_provider.urls", namespace="oauth2_provider")),
    # The metadata of an issuer with a path stands before the path (RFC 8414 section 3.1).
    path("", include((metadata_urlpatterns, "metadata"))),
]
application = get_wsgi_application()


def prepare():
    """The database, the person and the clients."""
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    get_user_model().objects.create(username="alice")
    redirect = "http://127.0.0.1/callback http://[::1]/callback"
    code = {"authorization_grant_type": Application.GRANT_AUTHORIZATION_CODE, "redirect_uris": redirect, "skip_authorization": True}
    confidential, public = Application.CLIENT_CONFIDENTIAL, Application.CLIENT_PUBLIC
    for client_id, kind, secret, facts in [
        ("basic", confidential, SECRET, {"authorization_grant_type": Application.GRANT_CLIENT_CREDENTIALS}),
        # Every character that form-encoding (RFC 6749 section 2.3.1) has to change.
        ("cc:odd id", confidential, 'a:b%c+d/e=f &g"h\\i~', {"authorization_grant_type": Application.GRANT_CLIENT_CREDENTIALS}),
        ("web", confidential, SECRET, code),
        ("native", public, "", code),
        ("device", public, "", {"authorization_grant_type": Application.GRANT_DEVICE_CODE}),
    ]:
        Application.objects.create(client_id=client_id, client_type=kind, client_secret=secret, name=client_id, **facts)


def main():
    prepare()
    descriptor = LISTENER.fileno()
    command = [sys.executable, "-m", "gunicorn", "--workers", str(OPTIONS["workers"]), "--threads", "4", "--bind", f"fd://{descriptor}"]
    command += ["--chdir", str(Path(__file__).parent), "--log-level", "error", "--keep-alive", "30", "server:application"]
    workers = subprocess.Popen(command, pass_fds=[descriptor], stdout=sys.stderr)
    LISTENER.close()
    root = OPTIONS["issuer"].removesuffix("/o")
    for _ in range(300):
        try:
            # The listener is open before anybody serves, so this waits for the first worker.
            urllib.request.build_opener(urllib.request.ProxyHandler({})).open(f"{root}/__stats", timeout=30).read()
            break
        except OSError:
            if workers.poll() is not None:
                sys.exit("gunicorn ended before it served")
    print(json.dumps({"issuer": OPTIONS["issuer"]}), flush=True)
    sys.stdin.read()
    workers.send_signal(signal.SIGTERM)
    workers.wait()


if __name__ == "__main__":
    main()
