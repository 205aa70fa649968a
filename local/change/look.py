"""Looks at a change: fills a history for each side, counts what it records, and takes pictures."""

import shutil
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import yaml

from local.change import pictures
from local.change.rendered import Change, Json
from local.change.targets import discover, discoverable
from local.errors import PlatformError
from local.history.fill import AHEAD, clear, fill
from local.history.server import prometheus
from local.history.targets import Target
from local.inventory import Inventory
from local.progress import step
from local.simulator.incidents import Schedule
from local.simulator.series import Simulated
from local.simulator.targets import exposed
from local.viewer.pictures import chromium
from local.viewer.servers import Prometheus
from review.seen import BOTH, Seen
from stacks.settings import GpuMetrics

BEFORE, AFTER = "before", "after"


def look(change: Change, gpus: GpuMetrics, *, work: Path, out: Path) -> Seen:
    """Return what is seen of a change, and write pictures of each dashboard that differs.

    Without Chromium there are no pictures, which is told.

    Args:
        change: The two renderings.
        gpus: Who exposes the metrics of GPUs.
        work: A folder that nothing else uses; `tidy` tidies it.
        out: Where the pictures go, in `before` and `after`.

    Raises:
        PlatformError: The history cannot be filled.
        ViewerError: Prometheus refuses a query.
    """
    if not (change.boards or change.added or change.removed):
        return Seen()
    sides = {BEFORE: change.before, AFTER: change.after}
    platforms = {name: discoverable(side, gpus) for name, side in sides.items()}
    rules = {name: side.recording(change.names) for name, side in sides.items()}
    same = platforms[BEFORE] == platforms[AFTER]
    # A discovery does little but wait five seconds.
    with ThreadPoolExecutor() as pool:
        waiting = {
            name: pool.submit(discover, platforms[name], _discovery(work / name))
            for name in ((AFTER,) if same else (BEFORE, AFTER))
        }
    targets = {name: waiting.get(name, waiting[AFTER]).result() for name in sides}
    ends = int(time.time())
    with ExitStack() as running:
        servers: dict[str, Prometheus] = {}
        for name in (AFTER,) if same and rules[BEFORE] == rules[AFTER] else (BEFORE, AFTER):
            step(f"Change: what the simulated platform has of it, {name} it")
            platform = platforms[name].inventory
            _fill(targets[name], platform, rules[name], change, work=work / name, ends=ends)
            url = running.enter_context(prometheus(work / name / "data", folder=work / name))
            servers[name] = Prometheus(url)
        servers.setdefault(BEFORE, servers[AFTER])
        return Seen(
            series=_series(change, servers, ends),
            active=_active(change.added, servers[AFTER], ends),
            pictures=_pictures(change, servers, ends, work=work, out=out),
        )


def tidy(work: Path) -> None:
    """Remove what a look leaves, and end the processes that one leaves which was killed.

    Raises:
        PlatformError: One does not end.
    """
    for name in (BEFORE, AFTER):
        clear(_discovery(work / name))
        clear(work / name)
    shutil.rmtree(work)


def _discovery(work: Path) -> Path:
    return work.with_name(f"{work.name}-discovery")


def _fill(
    targets: tuple[Target, ...],
    platform: Inventory,
    groups: list[Json],
    change: Change,
    *,
    work: Path,
    ends: int,
) -> None:
    rules = work.with_name(f"{work.name}-rules")
    rules.mkdir()
    (rules / "rules.yaml").write_text(yaml.safe_dump({"groups": groups}))

    def exposes(address: str, path: str) -> list[Simulated] | None:
        found = exposed(platform, address, path, Schedule())
        return None if found is None else [one for one in found if one.name in change.names]

    fill(targets, exposes, rules=rules, work=work, now=ends - AHEAD, shallow=change.shallow)


def _series(change: Change, servers: Mapping[str, Prometheus], ends: int) -> dict[str, tuple[int, int]]:
    """How many series each name has that is recorded otherwise than before."""

    def of(name: str, rules: list[Json], server: Prometheus) -> int:
        return sum(_count(rule, server, ends) for rule in rules if rule.get("record") == name)

    return {
        name: (of(name, change.before.rules, servers[BEFORE]), of(name, change.after.rules, servers[AFTER]))
        for name in sorted({one["record"] for one in (*change.removed, *change.added) if "record" in one})
    }


def _active(rules: Iterable[Json], server: Prometheus, ends: int) -> tuple[str, ...]:
    return tuple(sorted({one["alert"] for one in rules if "alert" in one and _count(one, server, ends)}))


def _count(rule: Json, server: Prometheus, ends: int) -> int:
    found = server.query(f"count({rule['expr']})", ends)
    return int(found[0].last) if found else 0


def _pictures(
    change: Change, servers: Mapping[str, Prometheus], ends: int, *, work: Path, out: Path
) -> dict[str, str]:
    """Take them, and return which there are by the dashboards' titles."""
    taken: dict[str, str] = {}
    if change.boards:
        try:
            with chromium() as browser:
                for name, side in ((BEFORE, change.before), (AFTER, change.after)):
                    boards = {uid: side.boards[uid] for uid in change.boards if uid in side.boards}
                    step(f"Change: pictures of {', '.join(boards) or 'nothing'}, {name} it")
                    shown = pictures.take(
                        browser,
                        boards,
                        prometheus=servers[name].url,
                        ends=ends,
                        work=work / f"{name}-dashboards",
                        out=out / name,
                    )
                    taken |= {uid: BOTH if uid in taken else name for uid in shown}
        except PlatformError as error:
            step(f"Change: no more pictures. {error}")
    boards = {**change.before.boards, **change.after.boards}
    return {str(boards[uid]["title"]): sides for uid, sides in taken.items()}
