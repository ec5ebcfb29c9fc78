"""`python -m bench`: measure, write build/bench.json and build/bench.svg, show a table.

The exit status is 0 also when a figure is far from its aim: this reports, it does not judge. It is
1 when a bench could not be run.
"""

import argparse
import signal
import sys
import time
from pathlib import Path

from rich.console import Console

from bench import chart, report
from bench.benches import BENCHES, Bench
from bench.environment import Environment
from bench.figures import Figure

PROJECT = Path(__file__).resolve().parent.parent
RUNS = 3  # the least of which a median says more than one run


def main(words: list[str]) -> int:
    """Measure what the command line asks for; return the exit status."""
    arguments = _parser().parse_args(words)
    chosen = [b for b in BENCHES if not arguments.only or b.name in arguments.only]
    if arguments.list:
        print("\n".join(f"{b.name:12} {b.title}" for b in chosen))
        return 0
    # Ended from outside is ended like an interrupt: the environment is taken down.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    figures, failures = _measure(chosen, arguments.runs, console)
    report.write(PROJECT / "build" / "bench.json", figures, failures)
    if figures:
        (PROJECT / "build" / "bench.svg").write_text(chart.draw(figures))
    report.print_all(figures, failures, Console(highlight=False))
    return 1 if failures else 0


def _measure(
    chosen: list[Bench], runs: int, console: Console
) -> tuple[list[Figure], dict[str, str]]:
    """All figures that could be had, and why the others could not."""
    began = time.monotonic()

    def say(text: str) -> None:
        console.print(f"  [dim]{time.monotonic() - began:5.0f} s[/]  {text}")

    environment = Environment(PROJECT, say)
    figures: list[Figure] = []
    failures: dict[str, str] = {}
    try:
        environment.prepare()
        for number, bench in enumerate(chosen, 1):
            console.print(f"[bold]{number}/{len(chosen)} {bench.name}[/]: {bench.title}")
            try:
                figures += bench.measure(environment, runs)
            except (RuntimeError, OSError, LookupError, ValueError) as error:
                failures[bench.name] = str(error)
                console.print(f"  [yellow]![/] {bench.name} failed", markup=True)
                console.print(str(error), markup=False)
    except KeyboardInterrupt:
        failures["all that follows"] = "interrupted"
    finally:
        try:
            environment.take_down()
        except RuntimeError as error:  # the figures are kept all the same
            failures["taking the environment down"] = str(error)
    return figures, failures


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    names = [b.name for b in BENCHES]
    parser.add_argument(
        "--only", action="append", choices=names, metavar="NAME", help=f"one of {', '.join(names)}"
    )
    parser.add_argument("--runs", type=_positive, default=RUNS, help=f"default: {RUNS}")
    parser.add_argument("--list", action="store_true", help="say what there is to measure")
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
