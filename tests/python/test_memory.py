"""Nothing is kept: objects, memory, file descriptors, threads."""

from __future__ import annotations

import gc
import logging
import os
import sys
import threading
import time
import weakref

import pytest

import ledgerauth

KEY = "test_sk_" + "0a" * 24


@pytest.fixture(autouse=True)
def no_log():
    # The test runner keeps every record.
    logger = logging.getLogger("ledgerauth")
    logger.setLevel(logging.CRITICAL)
    yield
    logger.setLevel(logging.NOTSET)


def test_clients_in_cycles_are_collected(sandbox):
    options = sandbox.options("finora")

    def cycle():
        events = []
        client = ledgerauth.Client("finora", on_audit=events.append, **options)
        events.append(client)
        return weakref.ref(client)

    def cycle_by_source():
        holder = {}
        options = sandbox.options("finora", credential=False)
        holder["client"] = ledgerauth.Client.from_callable("finora", lambda: holder and KEY or KEY, **options)
        return weakref.ref(holder["client"])

    living = [cycle() for _ in range(200)] + [cycle_by_source() for _ in range(200)]
    gc.collect()
    assert not any(reference() for reference in living)


def test_every_class_of_ours_is_collected_after_ten_thousand_calls(sandbox):
    client = sandbox.client("finora")

    def count():
        gc.collect()
        return sum(str(type(thing).__module__).startswith("ledgerauth") for thing in gc.get_objects())

    client.get("/v1/invoices").json()
    client.authorize("/v1/invoices")
    # A client keeps the text that it puts on requests.
    client._ahead("GET", client.base_url + "/v1/invoices", {})
    before = count()
    for _ in range(10_000):
        client.authorize("/v1/invoices")
        client._ahead("GET", client.base_url + "/v1/invoices", {})
    references = [weakref.ref(client.get("/v1/invoices")) for _ in range(50)]
    assert count() <= before and not any(reference() for reference in references)


def resident() -> int:
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
@pytest.mark.parametrize("work", ["calls", "clients", "failures", "events", "exchanges"])
def test_memory_does_not_grow(sandbox, work):
    client, options = sandbox.client("finora"), sandbox.options("finora")
    audited = sandbox.client("finora", on_audit=lambda event: event.as_dict())

    def once():
        if work == "calls":
            client.get("/v1/invoices", params={"page": 1}, headers={"X-Own": "1"}).json()
        elif work == "clients":
            ledgerauth.Client("finora", **options).authorize("/v1/invoices")
        elif work == "failures":
            with pytest.raises(ledgerauth.ForeignHost):
                client.get("https://example.com/")
        elif work == "events":
            audited.get("/v1/invoices")
        else:
            exchange = client._ahead("GET", client.base_url + "/v1/invoices", {})
            exchange.answered(503, [("a", "b")], b"body" * 100, b"sent")
            exchange.on_wake(lambda: None)

    def many(count):
        for _ in range(count):
            once()
        sandbox.clear_log()
        gc.collect()

    many(400)
    before = resident()
    many(1_200)
    # A leak of a hundred bytes each would be in the noise, a leak of the object would not: 1,200 of them.
    assert resident() - before < 1_500_000, f"{(resident() - before) / 1_200:.0f} bytes each"


@pytest.mark.skipif(sys.platform != "linux", reason="descriptors are read from /proc")
def test_descriptors_and_threads_are_given_back(sandbox):
    options = sandbox.options("numeric")
    ledgerauth.Client("numeric", **options).get("/v1/health")

    def now():
        gc.collect()
        return len(os.listdir("/proc/self/fd")), len(os.listdir("/proc/self/task")), threading.active_count()

    time.sleep(0.2)
    before = now()
    for _ in range(30):
        ledgerauth.Client("numeric", **options).get("/v1/health")
    for _ in range(100):
        after = now()
        if after <= before:
            break
        time.sleep(0.05)
    # The sandbox's own threads and sockets for these connections go a moment later.
    assert all(new <= old + 2 for new, old in zip(after, before)), (before, after)


def test_reference_counts_of_what_is_handed_out(sandbox):
    client = sandbox.client("finora")
    value = client.authorize("/v1/invoices")
    before = sys.getrefcount(value)
    for _ in range(1_000):
        client.authorize("/v1/invoices")
    assert sys.getrefcount(value) == before
    with pytest.raises(ledgerauth.Misuse):
        client.authorize("")
    with pytest.raises(TypeError):
        client.authorize(7)
    assert sys.exc_info() == (None, None, None)
