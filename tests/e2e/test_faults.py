"""What breaks, and what is lost by it: nothing."""

import http
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
import urllib3
import yaml

from tests.e2e.live import Json, Live, measured, of, until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

SCALE = 60


def scrapes(live: Live, since: float) -> list[float]:
    """When kube-state-metrics was scraped, in whichever Pod it ran."""
    found = live.query('up{job="kube-state-metrics"}[15m]')
    return sorted(moment for one in found for moment, _ in one["values"] if moment >= since)


def pending(live: Live, alert: str, severity: str) -> Json | None:
    """An alert that waits or fires, as Prometheus has it."""
    wanted = {"alertname": alert, "severity": severity}
    found = [
        one for one in live.get("/api/v1/alerts")["data"]["alerts"] if wanted.items() <= one["labels"].items()
    ]
    return found[0] if found else None


def active_at(alert: Json) -> float:
    """Since when an alert's condition holds."""
    # Go writes nanoseconds.
    return datetime.fromisoformat(alert["activeAt"][:19] + "+00:00").timestamp()


def test_a_killed_prometheus_loses_no_sample_and_a_waiting_alert_keeps_its_age(live: Live) -> None:
    live.incident("gpu-overheat")
    try:
        before, _ = until(lambda: pending(live, "GpuTemperatureHigh", "warning"), bool, 120)
        assert before
        # It fires after five minutes; by then it has to have waited for most of them.
        time.sleep(max(0, active_at(before) + 200 - time.time()))
        began = active_at(before)
        earlier = scrapes(live, began - 60)
        killed = time.time()
        was = live.pid("prometheus-0")
        live.kill("prometheus-0")
        until(lambda: live.pid("prometheus-0") != was and live.alive("prometheus-0"), bool, 30)
        until(lambda: answers(live), bool, 60)
        away = time.time() - killed
        # The first evaluation begins a new wait; the one after it takes up what was remembered.
        again, _ = until(
            lambda: pending(live, "GpuTemperatureHigh", "warning"),
            lambda alert: alert is not None and active_at(alert) < killed,
            200,
        )
        assert again
        kept = [moment for moment in scrapes(live, began - 60) if moment < killed]
        assert kept == earlier
        shift = active_at(again) - began
        # What counts as away: from its last evaluation to the second one after the start.
        assert 0 <= shift <= away + 60 + 120 + 5
        measured(
            f"Prometheus was away for {away:.0f} s: none of {len(earlier)} samples lost, "
            f"a waiting alert's age shifted by {shift:.0f} s"
        )
    finally:
        live.recover()


def answers(live: Live) -> bool:
    """Whether Prometheus answers."""
    try:
        return (
            urllib3.request("GET", f"{live.url('prometheus')}/-/ready", retries=False, timeout=2).status
            == 200
        )
    except urllib3.exceptions.HTTPError:
        return False


def api_server(live: Live) -> int:
    """The process of the API server."""
    return json.loads((live.state / "cluster" / "kube-apiserver.pid").read_text())["pid"]


def test_while_the_api_server_is_away_for_two_minutes_all_targets_are_kept(live: Live) -> None:
    until(live.targets, lambda found: all(one["health"] == "up" for one in found), 120)
    before = {one["scrapeUrl"] for one in live.targets()}
    began = time.time()
    os.kill(api_server(live), signal.SIGSTOP)
    try:
        time.sleep(120)
        during = live.targets()
    finally:
        os.kill(api_server(live), signal.SIGCONT)
    assert {one["scrapeUrl"] for one in during} == before
    assert all(one["health"] == "up" for one in during)
    assert len(scrapes(live, began)) >= 3
    measured(
        f"the API server was away for {time.time() - began:.0f} s: {len(before)} targets kept and scraped"
    )


def test_a_target_that_exposes_ten_times_its_limit_harms_no_other(live: Live) -> None:
    began = time.time()
    series_before = live.value("prometheus_tsdb_head_series") or 0
    live.incident("label-explosion")
    try:
        refused, _ = until(
            lambda: [one for one in live.targets() if "sample limit exceeded" in one["lastError"]], bool, 60
        )
        until(lambda: len(scrapes(live, began)), lambda count: count >= 2, 90)
        others = [one for one in live.targets() if one["scrapeUrl"] != refused[0]["scrapeUrl"]]
        assert all(one["health"] == "up" for one in others)
        series = live.value("prometheus_tsdb_head_series")
        assert series is not None
        # The platform itself may have been young, and have grown by some ten thousand.
        assert series - series_before < 100_000, "a flood of 200,000 reached the database"
    finally:
        live.recover()
    until(live.targets, lambda found: all(one["health"] == "up" for one in found), 90)
    measured(f"{len(others)} other targets unharmed by one that was refused for its size")


def test_one_of_two_alertmanagers_is_killed_while_alerts_fire_and_people_get_one_message(live: Live) -> None:
    with (live.checkout.folder / "Pulumi.dev.yaml").open("a") as file:
        # The file ends with the notifications.
        file.write("    grouping: {interval: 20s}\n  dubbing-monitoring:alertmanager: {replicas: 2}\n")
    try:
        live.up(SCALE)
        addresses = [run.addresses["web"] for run in live.runs() if run.program == "alertmanager"]
        assert len(addresses) == 2
        for address in addresses:
            until(lambda: peers(address), lambda found: found == 2, 60)  # noqa: B023
        since = len(live.messages())
        live.incident("redis-dies")
        until(live.alerts, lambda firing: ("RedisDown", "critical") in firing, 120)
        live.kill("alertmanager-0")
        until(lambda: of(live.messages()[since:], "RedisDown", "critical"), bool, 60)
        time.sleep(45)
        assert len(of(live.messages()[since:], "RedisDown", "critical")) == 1
        until(lambda: peers(addresses[0]), lambda found: found == 2, 90)
        # The one that told it; the other has to tell what is new.
        live.kill("alertmanager-1")
        live.incident("database-dies")
        until(lambda: of(live.messages()[since:], "DatabaseDown", "critical"), bool, 120)
        time.sleep(30)
        for alert in ("RedisDown", "DatabaseDown"):
            assert len(of(live.messages()[since:], alert, "critical")) == 1
        live.recover()
        for alert in ("RedisDown", "DatabaseDown"):
            until(lambda: of(live.messages()[since:], alert, "resolved"), bool, 240)  # noqa: B023
        time.sleep(45)
        for alert in ("RedisDown", "DatabaseDown"):
            assert len(of(live.messages()[since:], alert, "resolved")) == 1
        measured("one of two Alertmanagers killed, then the other: one message of each alert, one of its end")
    finally:
        live.recover()
        live.checkout.restore()
        live.up()


def peers(address: str) -> int:
    """How many peers an Alertmanager sees, itself included; 0 where it does not answer."""
    try:
        reply = urllib3.request("GET", f"http://{address}/api/v2/status", retries=False, timeout=5)
    except urllib3.exceptions.HTTPError:
        return 0
    return len(reply.json()["cluster"].get("peers") or ())


def test_rights_that_are_withdrawn_are_noticed_and_the_targets_kept(live: Live) -> None:
    live.up(SCALE)
    since, before = len(live.messages()), {one["scrapeUrl"] for one in live.targets()}
    live.incident("rights-withdrawn")
    # Watches that run go on; those that begin anew are refused.
    os.kill(api_server(live), signal.SIGKILL)
    live.up(SCALE)
    try:
        until(live.alerts, lambda firing: ("DiscoveryFailing", "warning") in firing, 400)
        until(lambda: of(live.messages()[since:], "DiscoveryFailing", "warning"), bool, 60)
        assert {one["scrapeUrl"] for one in live.targets()} >= before
    finally:
        live.recover()
    until(lambda: of(live.messages()[since:], "DiscoveryFailing", "resolved"), bool, 600)
    live.up()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = shutil.which("mount")
    made = (
        mount is not None
        and subprocess.run(
            [mount, "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(folder)], check=False, capture_output=True
        ).returncode
        == 0
    )
    if not made:
        pytest.skip("not run: mounting a small file system needs rights that are missing here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_volume_stops_recording_and_nothing_else_and_ends_when_there_is_room(
    live: Live, small_disk: Path, tmp_path: Path
) -> None:
    config = tmp_path / "prometheus.yml"
    server = live.url("prometheus").removeprefix("http://")
    job = {"job_name": "itself", "scrape_interval": "1s", "static_configs": [{"targets": [server]}]}
    config.write_text(yaml.safe_dump({"scrape_configs": [job]}))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    changed = {
        "--config.file": str(config),
        "--storage.tsdb.path": str(small_disk / "data"),
        "--web.listen-address": address,
    }
    command = [
        f"{flag}={changed[flag]}" if (flag := argument.partition("=")[0]) in changed else argument
        for argument in live.run("prometheus-0").command
    ]
    with (tmp_path / "log").open("w") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            last = lambda: newest(address)  # noqa: E731
            until(last, lambda moment: moment > 0, 60)
            time.sleep(10)
            filler = small_disk / "filler"
            with filler.open("wb") as file:
                try:
                    while file.write(bytes(65536)):
                        file.flush()
                except OSError:
                    pass
            time.sleep(10)
            full = newest(address)
            time.sleep(10)
            assert newest(address) == full, "nothing more can be recorded"
            assert process.poll() is None
            assert "no space left on device" in (tmp_path / "log").read_text()
            filler.unlink()
            _, took = until(last, lambda moment: moment > full, 90)
            measured(
                f"a full volume: queries are answered, recording goes on {took:.0f} s after there is room"
            )
        finally:
            process.terminate()
            process.wait(timeout=30)


def newest(address: str) -> float:
    """When the newest sample was taken; 0 while there is none, or nobody answers or is ready."""
    try:
        reply = urllib3.request(
            "GET",
            f"http://{address}/api/v1/query",
            fields={"query": 'timestamp(prometheus_build_info{job="itself"})'},
            retries=False,
            timeout=5,
        )
    except urllib3.exceptions.HTTPError:
        return 0
    if reply.status == http.HTTPStatus.SERVICE_UNAVAILABLE:
        return 0
    result = reply.json()["data"]["result"]
    return float(result[0]["value"][1]) if result else 0
