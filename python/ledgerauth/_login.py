"""What a person sees who logs in, unless the program says it in its own way."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Optional


def show(url: str, user_code: Optional[str], url_with_code: Optional[str]) -> None:
    """Prints where to go, and what to enter there."""
    if user_code is None:
        print(f"Open this address in a browser of this machine:\n\n  {url}\n", file=sys.stderr)
    else:
        print(f"Open {url} on any device and enter the code {user_code}", file=sys.stderr)
        if url_with_code:
            print(f"(or open {url_with_code})", file=sys.stderr)
