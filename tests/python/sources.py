"""Functions that credentials come from, in a module that a worker can import."""

from __future__ import annotations

import json
import os
from typing import Any


def from_environment() -> dict[str, Any]:
    """A client of Numeric's, out of a variable."""
    pair: dict[str, Any] = json.loads(os.environ["SOURCE_OF_NUMERIC"])
    return pair


class Vault:
    """What a program may have instead of a function."""

    @classmethod
    def of_the_class(cls) -> dict[str, Any]:
        return from_environment()

    def of_an_object(self) -> dict[str, Any]:
        return from_environment()

    def __call__(self) -> dict[str, Any]:
        return from_environment()


def heard(event: Any) -> None:
    """A listener to audit events."""
