"""The command line: list what the dashboards show, check them, and audit them on a running Prometheus."""

import argparse
import json
import signal
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from dashboards.custom_files import CustomDashboardError, CustomDashboards, adopted, custom_dashboards
from dashboards.metrics_page import page
from dashboards.parameters import Parameters
from dashboards.recordings.subjects import recordings
from dashboards.render import TooLargeError, dashboards, declared, refuse_too_large


def main(arguments: Sequence[str]) -> int:
    """Run one command.

    Returns:
        0 on success, 1 where something must be mended.
    """
    parser = argparse.ArgumentParser(prog="python -m dashboards", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="print each dashboard's panels, their queries and what they read")
    check = commands.add_parser(
        "check", help="check the dashboards, dashboards/custom and dashboards/archive, or only FILEs"
    )
    check.add_argument("files", metavar="FILE", type=Path, nargs="*", help="dashboard JSON to be dropped in")
    commands.add_parser("metrics", help="print docs/metrics.md, which is made from the metric contract")
    audit = commands.add_parser(
        "audit",
        help="list panels without data, alerts that never or always fire, and thresholds beside p95",
        description=(
            "Asks a Prometheus for the past: panels that had no data, alerts that never or always fired, and "
            "each threshold beside the p95 (p5 where low is bad) of the series that is the worst. It only "
            "reads; docs/maintenance.md says what to do about each."
        ),
    )
    audit.add_argument(
        "--prometheus",
        metavar="URL",
        required=True,
        help="the server that evaluates the rules, such as http://127.0.0.1:9090 behind "
        "kubectl -n monitoring port-forward svc/prometheus 9090:9090",
    )
    audit.add_argument("--days", type=_days, default=30, help="how many days up to now (default: 30)")
    parsed = parser.parse_args(arguments)
    if parsed.command == "audit":
        return _audit(parsed.prometheus, parsed.days)
    if parsed.command == "metrics":
        sys.stdout.write(page())
        return 0
    try:
        _print_lines(_catalogue() if parsed.command == "list" else [_check(parsed.files)])
    except (CustomDashboardError, TooLargeError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _audit(url: str, days: int) -> int:
    # What asks a server is loaded only where one is asked.
    from dashboards.audit import AuditError, report  # noqa: PLC0415

    try:
        _print_lines(report(url, days))
    except AuditError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _catalogue() -> Iterator[str]:
    dropped_in = custom_dashboards()
    for dashboard in declared(Parameters()):
        yield f"{dashboard.title} ({dashboard.uid})"
        for panel in dashboard.panels:
            yield f"  {panel.title}"
            for target in panel.targets:
                yield f"    {target.query}"
                yield f"      reads {', '.join(sorted(target.query.series))}"
    for kind, files in (("Custom", dropped_in.files), ("Archived", dropped_in.archived)):
        for file, text in files.items():
            dashboard = json.loads(text)
            yield f"{kind}: {dashboard['title']} ({dashboard['uid']}), {file}"
    for subject, rules in recordings(Parameters()).items():
        yield f"Recording rules: {subject}"
        for recording in rules:
            yield f"  {recording.name} = {recording.query}"
            yield f"    every {recording.every}: {recording.meaning}"


def _check(files: Sequence[Path]) -> str:
    if files:
        _judge(adopted(files))
        return f"{len(files)} file{'s' if len(files) > 1 else ''}: no mistakes"
    built_in, custom = dashboards(Parameters()), custom_dashboards()
    refuse_too_large("grafana-dashboards", built_in)
    _judge(custom)
    dropped_in = f"{len(custom.files)} custom and {len(custom.archived)} archived"
    return f"{len(built_in)} built-in, {dropped_in} dashboards: no mistakes"


def _judge(custom: CustomDashboards) -> None:
    for name, text in custom.all.items():
        refuse_too_large(name, {name: text})
    for warning in custom.warnings:
        sys.stderr.write(f"warning: {warning}\n")


def _days(text: str) -> int:
    days = int(text)
    if days < 1:
        raise argparse.ArgumentTypeError(f"{days}: one day at least")
    return days


def _print_lines(lines: Sequence[str] | Iterator[str]) -> None:
    for line in lines:
        sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    # What reads this may have seen enough, as `head` has.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    sys.exit(main(sys.argv[1:]))
