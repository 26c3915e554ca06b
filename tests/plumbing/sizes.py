"""How much a run tries: the quick form samples what the whole one goes through (`khma test --full`, `--faults`)."""

import os

FULL = os.environ.get("KHMA_TEST_FULL") == "1"
FAULTS = os.environ.get("KHMA_TEST_FAULTS") == "1"


def tries(quick: int, whole: int) -> int:
    """Say how often something is tried: `whole` times with --faults."""
    return whole if FAULTS else quick
