"""The command line: real processes against the sandbox."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import datetime, timedelta, timezone

import pytest

from ledgerauth.cli import account
from ledgerauth.cli.parser import Parser
from ledgerauth.testing import Sandbox

CLEAN = {name: value for name, value in os.environ.items() if not name.endswith(("_API_KEY", "_CLIENT_ID", "_CLIENT_SECRET"))}


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox(limits=False) as sandbox:
        yield sandbox


@pytest.fixture(autouse=True)
def as_new(sandbox):
    sandbox.clear_faults()
    sandbox.clear_log()


def cli(*arguments, stdin="", expect=0, **environment):
    """Runs the command line; what it printed, as JSON if that was asked for, and its standard error."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "ledgerauth", *map(str, arguments)],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        env={**CLEAN, **environment},
    )
    assert done.returncode == expect, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    out = json.loads(done.stdout) if "--json" in arguments and done.stdout else done.stdout
    return out, done.stderr


def at(sandbox, provider):
    """The arguments that point a command at the sandbox."""
    options = sandbox.options(provider, credential=False)
    place = ["--base-url", options["base_url"], "--environment", options["environment"], "--ca-file", options["ca_file"], "--no-proxy"]
    return place + (["--token-url", options["token_url"]] if "token_url" in options else [])


@pytest.fixture
def key(sandbox):
    return sandbox.keys["finora_test"]


@pytest.fixture
def pair(sandbox):
    return sandbox.keys["numeric"]


def test_help_teaches_everywhere():
    text, _ = cli("--help")
    for word in ("check", "keys", "explain", "login", "token", "redact", "providers", "sandbox", "demo", "exit status", "examples"):
        assert word in text
    for command in ("check", "keys", "explain", "login", "token", "redact", "providers"):
        text, _ = cli(command, "--help")
        assert f"  ledgerauth {command}" in text and "--json" in text, command
    for command in ("sandbox", "demo"):
        text, _ = cli(command, "--help")
        assert f"ledgerauth {command}" in text and "--json" in text
    version, _ = cli("--version")
    assert version.startswith("ledgerauth 0.")


def test_check_says_who_one_is(sandbox, key, pair):
    text, _ = cli("check", "finora", *at(sandbox, "finora"), FINORA_API_KEY=key)
    assert text.startswith("ok  Finora Business (staging)") and "accepted" in text and "\033" not in text
    told, _ = cli(
        "check", "numeric", "--json", *at(sandbox, "numeric"), "--env", "A", "--env", "B", A=pair["client_id"], B=pair["client_secret"]
    )
    assert (told["ok"], told["provider"], told["environment"], told["status"]) == (True, "numeric", "production", 200)
    assert sandbox.token_requests() == 1


@pytest.mark.parametrize(
    ("status", "fault", "kind"),
    [
        (4, {"status": {"code": 401, "body": '{"error": {"code": "INVALID_API_KEY", "message": "no"}}'}}, "key_refused"),
        (5, {"status": {"code": 403, "body": '{"error": {"code": "FORBIDDEN", "message": "no"}}'}}, "permission_denied"),
        (6, {"too_many_requests": {"style": {"retry_after_seconds": 3_600}}}, "rate_limited"),
        (7, {"status": {"code": 503}}, "server_error"),
        (7, "reset_before_acting", "transport"),
        (1, {"status": {"code": 418}}, "request_refused"),
    ],
)
def test_the_exit_status_tells_the_kind(sandbox, key, status, fault, kind):
    sandbox.fault(fault, service="finora", times=9)
    arguments = ("check", "finora", *at(sandbox, "finora"), "--deadline", "5")
    told, complaint = cli(*arguments, "--json", expect=status, FINORA_API_KEY=key)
    assert told["ok"] is False and told["error"]["kind"] == kind and complaint == ""
    assert told["error"].get("advice") or kind == "request_refused"
    text, _ = cli(*arguments, expect=status, FINORA_API_KEY=key)
    assert text.startswith("FAILED  ") and key[8:] not in text


def test_what_never_leaves_has_its_own_statuses(sandbox, key):
    place = at(sandbox, "finora")
    told, _ = cli("check", "finora", "--json", *place, expect=3)
    assert told["error"]["kind"] == "source_unavailable" and "FINORA_API_KEY" in told["error"]["message"]
    told, _ = cli("check", "finora", "--json", *place, expect=3, FINORA_API_KEY=key[:-1])
    assert told["error"]["kind"] == "key_format"
    told, _ = cli("check", "finora", "--json", *place, expect=9, FINORA_API_KEY=sandbox.keys["finora_live"])
    assert told["error"]["kind"] == "environment_mismatch"
    _, complaint = cli("check", "finorra", expect=2, FINORRA_API_KEY=key)
    assert "finora" in complaint and "Traceback" not in complaint
    _, complaint = cli("check", "finora", *place, "--ca-file", "/no/such/file", expect=2, FINORA_API_KEY=key)
    assert "/no/such/file" in complaint
    assert sandbox.log() == []


def test_credentials_come_from_everywhere_but_the_arguments(sandbox, key, pair, tmp_path):
    (tmp_path / "key").write_text(key)
    (tmp_path / "client.json").write_text(json.dumps(pair))
    finora, numeric = at(sandbox, "finora"), at(sandbox, "numeric")
    cli("check", "finora", *finora, "--file", tmp_path / "key")
    cli("check", "finora", *finora, "--stdin", stdin=key + "\n")
    cli("check", "finora", *finora, "--env", "OWN", OWN=key)
    cli("check", "numeric", *numeric, "--file", tmp_path / "client.json")
    cli("check", "numeric", *numeric, "--client-id", pair["client_id"], "--stdin", stdin=pair["client_secret"])
    cli("check", "numeric", *numeric, "--client-id", pair["client_id"], "--env", "SECRET", SECRET=pair["client_secret"])
    assert "empty" in cli("check", "finora", *finora, "--stdin", expect=3)[1]
    assert "terminal" in cli("check", "numeric", *numeric, "--client-id", pair["client_id"], expect=3)[1]
    told, _ = cli("check", "finora", "--json", *finora, "--stored", expect=2)
    assert told["error"]["advice"] == "say which: --client-id"
    told, _ = cli("check", "numeric", "--json", *numeric, "--client-id", pair["client_id"], "--file", tmp_path / "client.json", expect=2)
    assert told["error"]["kind"] == "misuse" and told["error"]["advice"].startswith("leave --client-id out")
    assert "--store-password-env" in cli("check", "finora", *finora, "--store", "redis://:pw@localhost", expect=2, FINORA_API_KEY=key)[1]


@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "finora", "KEY"),
        ("check", "KEY"),
        ("KEY",),
        ("check", "finora", "--api-key=KEY"),
        ("check", "finora", "--deadline", "KEY"),
    ],
)
def test_a_secret_that_was_given_as_an_argument_is_not_repeated(key, arguments):
    out, complaint = cli(*(argument.replace("KEY", key) for argument in arguments), expect=2)
    assert key[8:] not in out + complaint and complaint


@pytest.mark.skipif(sys.platform == "win32", reason="there is no pty")
def test_on_a_terminal_it_asks_shows_nothing_and_has_colours(sandbox, key):
    import pty
    import select

    command = [sys.executable, "-m", "ledgerauth", "check", "finora", *at(sandbox, "finora")]
    for colourless in (False, True):
        parent, child = pty.openpty()
        environment = {**CLEAN, "TERM": "xterm", **({"NO_COLOR": "1"} if colourless else {})}
        running = subprocess.Popen(
            command, stdin=child, stdout=child, stderr=child, env=environment, start_new_session=True, close_fds=True
        )
        os.close(child)
        shown, asked = b"", False
        while running.poll() is None or select.select([parent], [], [], 0)[0]:
            if select.select([parent], [], [], 0.1)[0]:
                try:
                    shown += os.read(parent, 65_536)
                except OSError:
                    break
            if b"finora key: " in shown and not asked:
                os.write(parent, key.encode() + b"\n")
                asked = True
        os.close(parent)
        assert running.wait(20) == 0 and asked and b"accepted" in shown and key[8:].encode() not in shown
        assert (b"\033[32m" in shown) is not colourless


def ring(sandbox, tmp_path, days):
    path = tmp_path / "keys.json"
    created = (datetime.now(timezone.utc) - timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")
    keys = [{"key": sandbox.keys["finora_test"], "name": "spring", "created": created}]
    path.write_text(json.dumps({"keys": keys}))
    return "--file", path


def test_keys_are_a_table_and_a_watchman(sandbox, key, tmp_path):
    place = at(sandbox, "finora")
    young, old, dead = (ring(sandbox, tmp_path, days) for days in (10, 80, 95))
    ring(sandbox, tmp_path, 10)
    text, _ = cli("keys", "finora", *place, *young, "--warn-days", "14")
    head, row = text.splitlines()[:2]
    assert head.split()[0] == "KEY" and row.split()[:2] == ["spring", "yes"] and "79." in row or "80.0" in row
    ring(sandbox, tmp_path, 80)
    told, _ = cli("keys", "finora", "--json", *place, *old, "--warn-days", "14", expect=8)
    assert told["ok"] is False and 9.9 < told["keys"][0]["days_left"] < 10.1 and any("spring" in step["what"] for step in told["plan"])
    cli("keys", "finora", *place, *old, "--warn-days", "9")
    cli("keys", "finora", *place, *old)
    ring(sandbox, tmp_path, 95)
    cli("keys", "finora", *place, *dead, "--warn-days", "0", expect=8)
    cli("keys", "finora", *place, "--warn-days", "1", expect=8, FINORA_API_KEY=key)
    text, _ = cli("keys", "numora", *at(sandbox, "numora"), "--warn-days", "14", NUMORA_API_KEY=sandbox.keys["numora"])
    assert "sk_live_" in text and sandbox.keys["numora"][12:] not in text
    assert sandbox.log() == []


def test_keys_of_a_client_with_tokens_are_none(sandbox, pair):
    text, _ = cli(
        "keys", "numeric", *at(sandbox, "numeric"), NUMERIC_CLIENT_ID=pair["client_id"], NUMERIC_CLIENT_SECRET=pair["client_secret"]
    )
    assert "tokens" in text


def test_explain_reads_the_store_and_sends_nothing(sandbox, pair, tmp_path):
    refresh = sandbox.issue("refresh_token", client_id=pair["client_id"])
    (tmp_path / "client.json").write_text(json.dumps({**pair, "refresh_token": refresh}))
    arguments = (*at(sandbox, "numeric"), "--file", tmp_path / "client.json", "--store", tmp_path / "tokens")
    told, _ = cli("explain", "numeric", "--json", *arguments)
    assert (told["state"], told["stored_generation"]) == ("empty", None)
    cli("check", "numeric", *arguments)
    sandbox.clear_log()
    text, _ = cli("explain", "numeric", *arguments)
    assert "generation: 0 here, 1 in the store" in text and refresh not in text and sandbox.log() == []
    assert "store: its token is good until " in text


def test_explain_tells_a_store_that_cannot_be_read_from_a_lost_consent(sandbox, pair, tmp_path):
    stored = (*at(sandbox, "numeric"), "--client-id", pair["client_id"], "--stored")
    absent = (*stored, "--store", "redis://127.0.0.1:1")
    told, _ = cli("explain", "numeric", "--json", *absent, expect=1)
    assert (told["needs_consent"], told["needs_store"], told["ok"]) == (False, True, False)
    assert "redis at 127.0.0.1:1" in told["store_error"] and "nobody has to log in" in told["advice"]
    text, _ = cli("explain", "numeric", *absent, expect=1)
    assert "the store that has it cannot be read" in text and "log in once" not in text
    told, _ = cli("explain", "numeric", "--json", *stored, "--store", tmp_path / "empty", expect=1)
    assert (told["needs_consent"], told["needs_store"], told["store_error"]) == (True, False, None)


def test_a_token_is_printed_only_if_it_is_to_be_shown(sandbox, pair):
    arguments = ("token", "numeric", *at(sandbox, "numeric"))
    environment = {"NUMERIC_CLIENT_ID": pair["client_id"], "NUMERIC_CLIENT_SECRET": pair["client_secret"]}
    token, _ = cli(*arguments, "--show", **environment)
    field, _ = cli(*arguments, "--show", "--header", **environment)
    hidden, _ = cli(*arguments, **environment)
    told, _ = cli(*arguments, "--json", **environment)
    assert len(token.split()) == 1 and field.startswith("Authorization: Bearer ") and "[hidden], good until" in hidden
    assert "token" not in told and "value" not in told and told["header"] == "Authorization" and datetime.fromisoformat(told["ends"])
    # What was printed is good.
    kept = subprocess.run(
        ["curl", "-sS", "--cacert", sandbox.ca_file, "-H", "@-", sandbox.urls["numeric_api"] + "/v1/health"],
        input=field,
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert json.loads(kept.stdout) and sandbox.log("numeric_api")[-1].status == 200


def test_redact_is_a_filter(tmp_path, key):
    text = f"GET /v1 Authorization: Bearer {key}\nX-Own: abcdef\nplain words own-profile-secret\n" * 1_000
    clean, _ = cli("redact", "--header", "X-Own", "--secret-env", "EXTRA", stdin=text, EXTRA="own-profile-secret")
    assert key[8:] not in clean and "abcdef" not in clean and "own-profile-secret" not in clean and clean.count("\n") == 3_000
    done = subprocess.run(
        [sys.executable, "-m", "ledgerauth", "redact", "--json"],
        input=b"a plain line\n\xff\xfe",
        capture_output=True,
        env=CLEAN,
        timeout=60,
    )
    assert done.stdout == b"a plain line\n\xff\xfe" and json.loads(done.stderr)["bytes"] == 15
    assert "NO_SUCH" in cli("redact", "--secret-env", "NO_SUCH", expect=3)[1]


@pytest.mark.skipif(sys.platform == "win32", reason="there is no pty")
def test_redact_tells_a_terminal_how_far_it_is(tmp_path, key):
    import pty

    source, target = tmp_path / "in", tmp_path / "out"
    source.write_bytes(f"Bearer {key}\n".encode() * 300_000)
    parent, child = pty.openpty()
    with open(source, "rb") as read, open(target, "wb") as write:
        done = subprocess.run(
            [sys.executable, "-m", "ledgerauth", "redact"], stdin=read, stdout=write, stderr=child, env=CLEAN, timeout=120
        )
    os.close(child)
    shown = os.read(parent, 65_536).decode()
    os.close(parent)
    assert done.returncode == 0 and "MB (100%)" in shown and "MB/s" in shown and key[8:] not in target.read_text()


@pytest.mark.skipif(sys.platform == "win32", reason="there is no bash")
def test_a_reader_that_goes_away_ends_it_quietly(tmp_path):
    (tmp_path / "in").write_bytes(b"x" * 20_000_000)
    pipeline = f"set -o pipefail; {sys.executable} -W error -m ledgerauth redact < {tmp_path}/in | head -c 10"
    done = subprocess.run(["bash", "-c", pipeline], capture_output=True, timeout=60, env=CLEAN)
    assert (done.returncode, done.stdout, done.stderr) == (141, b"x" * 10, b"")


def test_providers_are_listed_shown_and_validated(tmp_path):
    text, _ = cli("providers")
    assert text == cli("providers", "list")[0] and {"finora", "numora", "numeric", "adaas", "xero"} <= {
        line.split()[0] for line in text.splitlines()[1:]
    }
    told, _ = cli("providers", "--json")
    assert {provider["name"] for provider in told} >= {"finora", "xero"} and all(provider["environments"] for provider in told)
    profile, _ = cli("providers", "show", "finora")
    path = tmp_path / "own.toml"
    path.write_text(profile)
    assert "Finora Business" in cli("providers", "validate", path)[0]
    assert cli("providers", "show", path, "--json")[0]["name"] == "finora"
    path.write_text(profile.replace("means = ", "moans = ", 1))
    told, _ = cli("providers", "validate", path, "--json", expect=2)
    assert told["error"]["kind"] == "profile" and "line" in told["error"]["message"] and "moans" in told["error"]["message"]
    assert "no-such.toml" in cli("providers", "validate", "no-such.toml", expect=2)[1]


def test_the_sandbox_runs_until_it_is_told_to_stop():
    with subprocess.Popen(
        [sys.executable, "-m", "ledgerauth", "sandbox", "--json", "--quiet", "--until-stdin-closes"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=CLEAN,
    ) as running:
        started = json.loads(running.stdout.readline())
        place = ["--base-url", started["urls"]["finora"], "--environment", "staging", "--ca-file", started["ca_file"], "--no-proxy"]
        cli("check", "finora", *place, FINORA_API_KEY=started["keys"]["finora_test"])
        running.stdin.close()
        assert running.wait(10) == 0 and not os.path.exists(started["ca_file"])
    assert cli("sandbox", "--no-such-option", expect=2)[1]


def test_the_demo_closes_the_month_and_can_fail():
    told, _ = cli("demo", "--json", "--sabotage", expect=1)
    broken = [found["expectation"] for chapter in told["chapters"] for found in chapter["expectations"] if not found["holds"]]
    assert not told["ok"] and len(told["chapters"]) == 8 and "its result is read" in broken


@pytest.mark.skipif(sys.platform == "win32", reason="signals are Unix's")
def test_ctrl_c_ends_it_without_a_traceback(sandbox, key):
    import signal
    import time

    sandbox.fault({"slow": {"millis": 20_000}}, service="finora", times=9)
    command = [sys.executable, "-m", "ledgerauth", "check", "finora", *at(sandbox, "finora")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**CLEAN, "FINORA_API_KEY": key}) as running:
        while sandbox.ask("GET", "/faults")["left"] == 9 and running.poll() is None:
            time.sleep(0.02)
        time.sleep(0.1)
        running.send_signal(signal.SIGINT)
        assert running.wait(10) == 130 and running.stdout.read() == running.stderr.read() == b""


def test_where_an_answer_may_come_from_and_how_long_it_may_be_are_handed_on():
    parser = Parser()
    account.add_place(parser)
    given = ["--allow-redirect-to", "a.example", "--allow-redirect-to", "b.example", "--max-body", "1024"]
    assert account.place(parser.parse_args(given)) == {"allow_redirect_to": ["a.example", "b.example"], "max_body": 1024}
    assert account.place(parser.parse_args([])) == {}


def test_json_may_stand_anywhere(sandbox, key):
    for arguments in (("--json", "check", "finora"), ("check", "--json", "finora"), ("check", "finora", "--json")):
        told, _ = cli(*arguments, *at(sandbox, "finora"), FINORA_API_KEY=key)
        assert told["ok"]


def test_the_help_says_what_is_in_the_json(sandbox, key, pair, tmp_path):
    place, store = at(sandbox, "finora"), tmp_path / "tokens"
    shapes = {
        "check": cli("check", "finora", "--json", *place, FINORA_API_KEY=key)[0],
        "keys": cli("keys", "finora", "--json", *place, FINORA_API_KEY=key)[0],
        "token": cli("token", "finora", "--json", "--show", *place, FINORA_API_KEY=key)[0],
        "explain": cli("explain", "finora", "--json", *place, "--store", store, FINORA_API_KEY=key)[0],
        "providers": cli("providers", "list", "--json")[0][0],
    }
    for command, told in shapes.items():
        text, _ = cli(command, "--help")
        assert "with --json" in text
        missing = [name for name in told if name not in text.partition("with --json")[2]]
        assert not missing, (command, missing)


def run(*command, **options):
    return subprocess.run(command, capture_output=True, timeout=60, env=CLEAN, check=False, **options)


@pytest.mark.parametrize(
    "arguments", ["providers list", "providers show finora", "--help", "check finora", "demo --help", "sandbox --help"]
)
def test_closed_streams_and_pipes_make_no_traceback(arguments):
    program = f"{sys.executable} -m ledgerauth {arguments}"
    for ends in (">&-", "2>&-", ">&- 2>&- <&-", "<&-", "| true", "2>&1 | true", "> /dev/full", "2> /dev/full"):
        done = run("bash", "-c", f"{program} {ends}")
        said = (done.stdout + done.stderr).decode()
        assert "Traceback" not in said and "Exception" not in said and "panicked" not in said, (ends, said)


def test_an_argument_that_is_no_utf_8_is_told_and_not_shown():
    done = run(sys.executable.encode(), b"-m", b"ledgerauth", b"check", b"finora", b"--env", b"NAME\xff\xfe")
    assert done.returncode == 2 and b"argument 4 is not in UTF-8" in done.stderr and b"Traceback" not in done.stderr


def test_a_shell_is_told_what_completes_a_command():
    for name in ("bash", "zsh", "fish"):
        text, _ = cli("completion", name)
        assert "client-id" in text and "providers" in text
    script = f"source <({sys.executable} -m ledgerauth completion bash)"
    for words in ("ledgerauth che", "ledgerauth check finora --stor"):
        script += f"; COMP_WORDS=({words}); COMP_CWORD={words.count(' ')}; _ledgerauth; echo ${{COMPREPLY[@]}}"
    lines = [sorted(line.split()) for line in run("bash", "-c", script).stdout.decode().splitlines()]
    assert lines == [["check"], ["--store", "--store-password-env", "--stored"]]


def test_the_manual_has_every_command_and_argument():
    text, _ = cli("man")
    assert text.startswith(".TH LEDGERAUTH 1")
    for word in ("check", "providers", "completion", "\\-\\-warn\\-days", "EXIT STATUS", "LEDGERAUTH_CONFIG", "10 another host answered"):
        assert word in text, word


def test_a_profile_of_ones_own_begins_with_a_file_that_can_be_read(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    told, _ = cli("providers", "new", "own-books", "--json")
    assert told == {"ok": True, "path": "own-books.toml"}
    text, _ = cli("providers", "validate", "own-books.toml")
    assert "Own Books, production" in text
    assert "own-books.toml" in cli("providers", "new", "own-books", expect=2)[1], "nothing is overwritten"
    for name in ("finora", "Own", "../x"):
        assert "choose another" in cli("providers", "new", name, expect=2)[1]
    page, _ = cli("providers", "fields")
    assert "## `[[key.format]]`" in page and "| `alphabet` |" in page
