"""`khma bench`: measure the count, pages, casting, the roll, sign-in, a whole vote; what is measured is in bench/."""

import argparse
from importlib import import_module


def bench(argv: list[str]) -> int:
    """Run one of the measurements with its own options. Returns 1 when a limit is not kept."""
    parser = argparse.ArgumentParser(prog="khma bench", description="Measure, each figure beside its limit or peer.")
    parser.add_argument("what", choices=["cast", "city", "count", "pages", "roll", "sign-in"])
    options = parser.parse_args(argv[:1])
    code: int = import_module(f"bench.{options.what.replace('-', '_')}").main(argv[1:])
    return code
