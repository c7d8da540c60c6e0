"""Run the benchmarks: ``python -m benchmarks [--quick] [--strict] [--write] [NAME …]``."""

from __future__ import annotations

import argparse
import json
import sys
import time
from importlib import import_module
from pathlib import Path

from benchmarks import report
from benchmarks.harness import Result

HERE = Path(__file__).parent
JSON = HERE.parent / ".cache" / "benchmarks.json"

#: Each is a module with ``run(quick) -> list[Result]``.
NAMES = (
    *("fused", "hand_written", "pandas_run", "grains", "distincts", "percentiles", "history", "active"),
    "many_rows",
    *("dag_import", "one_dag", "lint_many", "lint_one", "cli_help"),
)


def main(arguments: list[str] | None = None) -> int:
    """Run the named benchmarks, or all.

    Returns:
        0; with ``--strict``, 1 where a goal is missed.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"(default: all) {', '.join(NAMES)}")
    parser.add_argument("--quick", action="store_true", help="smaller data, fewer pairs")
    parser.add_argument("--strict", action="store_true", help="exit with 1 where a goal is missed")
    parser.add_argument(
        "--write",
        action="store_true",
        help="write them into benchmarks/RESULTS.md, in place of those of the same command",
    )
    given = parser.parse_args(arguments)
    unknown = [one for one in given.names if one not in NAMES]
    if unknown:
        parser.error(f"there is no benchmark {unknown[0]}; there are {', '.join(NAMES)}")
    results: list[Result] = []
    for name in given.names or NAMES:
        started = time.perf_counter()
        print(f"{name} …", file=sys.stderr, flush=True)
        found = import_module(f"benchmarks.{name}").run(quick=given.quick)
        for one in found:
            print(report.line(one), flush=True)
        print(f"  {time.perf_counter() - started:.0f} s", file=sys.stderr, flush=True)
        results += found
    command = " ".join(["python -m benchmarks", *(["--quick"] if given.quick else []), *given.names])
    JSON.parent.mkdir(exist_ok=True)
    JSON.write_text(json.dumps(report.document(results, given.quick, command), indent=2) + "\n", "utf-8")
    print(f"all figures: {JSON.relative_to(HERE.parent)}", file=sys.stderr)
    if given.write:
        path = HERE / "RESULTS.md"
        path.write_text(report.written(path.read_text("utf-8"), results, command), encoding="utf-8")
    return 1 if given.strict and not all(one.met for one in results) else 0


if __name__ == "__main__":
    raise SystemExit(main())
