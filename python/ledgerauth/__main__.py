"""``python -m ledgerauth`` is the command line ``ledgerauth``."""

from __future__ import annotations

import sys

from ledgerauth.cli import main

if __name__ == "__main__":
    sys.exit(main())
