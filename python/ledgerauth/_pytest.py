"""The pytest plugin: the fixture ``ledgerauth_sandbox``."""

from __future__ import annotations

import pytest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ledgerauth.testing import Sandbox


@pytest.fixture
def ledgerauth_sandbox() -> Iterator[Sandbox]:
    """Accounting APIs on this machine, fresh for each test, without request limits: see `ledgerauth.testing`."""
    from ledgerauth.testing import Sandbox

    with Sandbox(limits=False) as sandbox:
        yield sandbox
