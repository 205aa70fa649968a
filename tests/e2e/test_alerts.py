"""Every alert and severity: its incident makes it fire, somebody gets one message, and one when it is over.

How time is dealt with: three alerts fire at their true durations. For the others alerts are looked at, wait
and fire on 60 times faster (`make up TIME_SCALE=60`), a change to the mirrored rules that no stack file can
make; what their windows look back on is not compressed: the past is filled in anew with incidents that began
as long ago as they take (`Live.travel`).
"""

import re
import time
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from dashboards.parameters import Parameters
from dashboards.render import alerts as declared_alerts
from local.simulator.incidents import Happening
from tests.e2e.live import Json, Live, measured, of, title_of, until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1200)]

SCALE = 60
HOUR = 3600.0
Fired = set[tuple[str, str]]

SEEN: dict[tuple[str, str], tuple[str, float]] = {}
"""Each alert and severity that fired: by what, and how many seconds after that its message came."""

WITHOUT_A_MESSAGE = {
    ("NoAlertmanager", "critical"): "Prometheus knows no way to send it",
    ("AlertsNotDelivered", "critical"): "there is nobody to send it to",
}
"""What is seen in Prometheus only, since it is about messages that can't be sent."""

NOT_HERE = {
    ("RemoteWriteBehind", "warning"): "dev writes to no store: test_prod and test_remote_write see it",
    ("Watchdog", "none"): "it always fires",
}


def ago(name: str, hours: float, until_hours: float | None = None) -> Happening:
    """An incident that began some hours ago, and lasts, or ended some hours ago."""
    now = time.time()
    ends = None if until_hours is None else now - until_hours * HOUR
    return Happening(name=name, begins=now - hours * HOUR, ends=ends)


def hours_of_dear_traffic(dollars: float) -> float:
    """How long $600 an hour have to flow within a day for the month's projection to grow by so much."""
    now = datetime.now(UTC)
    next_month = (now.replace(day=1, hour=0, minute=0, second=0) + timedelta(days=32)).replace(day=1)
    left = (next_month - now).total_seconds() / HOUR
    # What was spent, and the same share of each hour to come.
    return dollars / (600 + 600 / 24 * left)


def warnings() -> list[Happening]:
    """What brings each alert that has one to a warning, and no further."""
    cost = hours_of_dear_traffic(9_000)
    return [
        # Half an hour of a day is two per cent.
        ago("api-outage", 3, 2.5),
        ago("api-errors", 6.5),
        *(ago(name, 0.4) for name in ("disk-fills", "volume-fills", "queue-grows", "gpu-warm")),
        *(ago(name, 0.6) for name in ("gpu-saturated", "model-falters", "inference-slow", "metrics-lost")),
        ago("prometheus-volume-fills", 7),
        *(ago(name, 1.6) for name in ("jobs-falter", "gpu-idle", "stage-slow")),
        *(ago(name, 25) for name in ("users-leave", "payments-fail", "subscribers-leave")),
        ago("cost-run-away", cost + 1, 1),
        ago("exporter-gone", 0.4),
    ]


def criticals() -> list[Happening]:
    """What brings each alert that has one to critical."""
    cost = hours_of_dear_traffic(15_000)
    return [
        ago("api-outage", 2),
        *(ago(name, 0.4) for name in ("disk-full", "volume-full", "queue-backs-up", "gpu-overheat")),
        *(ago(name, 0.4) for name in ("database-dies", "redis-dies", "label-explosion")),
        ago("jobs-fail", 1.6),
        ago("bad-model-release", 0.6),
        ago("cost-run-away", min(cost, 22.5) + 1, 1),
    ]


WARNING_ROUND: Fired = {
    (name, "warning")
    for name in (
        "ApiUptimeLow",
        "ApiErrorBudgetSlowBurn",
        "NodeDiskUsageHigh",
        "VolumeUsageHigh",
        "PrometheusVolumeFilling",
        "QueueDepthHigh",
        "JobFailureRateHigh",
        "ProcessingTimeHigh",
        "GpuUtilizationHigh",
        "GpuTemperatureHigh",
        "GpuUnderutilized",
        "ModelErrorRateHigh",
        "InferenceLatencyHigh",
        "DailyActiveUsersFalling",
        "SubscriptionCancellationRateHigh",
        "NewSubscriptionsLow",
        "MonthlyCostProjectionHigh",
        "CostPerJobHigh",
        "TargetDown",
        "ApplicationMetricsGone",
    )
}
CRITICAL_ROUND: Fired = {
    (name, "critical")
    for name in (
        "ApiUptimeLow",
        "ApiErrorBudgetFastBurn",
        "DatabaseDown",
        "RedisDown",
        "NodeDiskUsageHigh",
        "VolumeUsageHigh",
        "QueueDepthHigh",
        "JobFailureRateHigh",
        "GpuTemperatureHigh",
        "ModelErrorRateHigh",
        "MonthlyCostProjectionHigh",
    )
} | {("BudgetUtilizationHigh", "warning"), ("ScrapeOverLimit", "warning")}


def check(live: Live, message: Json, severity: str) -> None:
    """A message that a person can act on: channel, colour, a sentence, and links that lead on."""
    alert, _ = title_of(message)
    assert message["kind"] == "slack"
    assert message["channel"] == "#alerts"
    assert message["severity"] == severity
    text: str = message["text"]
    assert severity.upper() in text
    assert f"docs/runbooks/{alert}.md" in text
    (dashboard, *_) = re.findall(r"Dashboard: (\S+)", text)
    url = urlsplit(dashboard)
    uid = url.path.rpartition("/")[2]
    (panel,) = parse_qs(url.query)["viewPanel"]
    assert (live.state / "dashboards" / f"{uid}.json").exists()
    assert re.fullmatch(r"panel-\d+", panel)
    assert "/alerting/silence/new?" in text


def wait_for(live: Live, since: int, expected: Fired, by: str, seconds: float = 240) -> list[Json]:
    """Wait until each of these alerts fires and its message is there; exactly one of each."""
    began = time.monotonic()
    until(live.alerts, lambda firing: expected <= firing, seconds)

    def told() -> Fired:
        return {title_of(one) for one in live.messages()[since:]}

    until(told, lambda titles: expected <= titles, 60)
    took = time.monotonic() - began
    for fired in expected:
        SEEN.setdefault(fired, (by, took))
    # Long enough for a second message of the same, were there one.
    time.sleep(25)
    messages = live.messages()[since:]
    for alert, severity in sorted(expected):
        (one,) = of(messages, alert, severity)
        check(live, one, severity)
    return messages


def test_three_alerts_fire_at_their_true_durations(live: Live) -> None:
    live.recover()
    since = len(live.messages())
    names = {
        "database-dies": ("DatabaseDown", "critical"),
        "redis-dies": ("RedisDown", "critical"),
        "gpu-overheat": ("GpuTemperatureHigh", "critical"),
    }
    began = time.monotonic()
    live.incident(*names)
    for incident, (alert, severity) in names.items():
        _, _ = until(lambda: of(live.messages()[since:], alert, severity), bool, 300)  # noqa: B023
        took = time.monotonic() - began
        SEEN[alert, severity] = (f"{incident}, at its true duration", took)
        # A scrape, a rule's evaluation, two minutes of waiting, a group's wait: and what they have to spare.
        assert 120 <= took <= 120 + 30 + 60 + 60 + 10 + 15
    messages = live.messages()[since:]
    for alert, severity in names.values():
        (one,) = of(messages, alert, severity)
        check(live, one, severity)
    live.recover()
    live.up(SCALE)
    for alert, _ in names.values():
        until(lambda: of(live.messages()[since:], alert, "resolved"), bool, 180)  # noqa: B023
        assert len(of(live.messages()[since:], alert, "resolved")) == 1


def test_every_warning_fires_and_is_told_once(live: Live) -> None:
    since = len(live.messages())
    live.travel(warnings(), SCALE)
    messages = wait_for(live, since, WARNING_ROUND, "the round of warnings")
    assert live.alerts() == WARNING_ROUND
    assert len(messages) == len(WARNING_ROUND), [one["title"] for one in messages]


def test_every_critical_alert_fires_is_told_once_and_silences_its_warning(live: Live) -> None:
    since = len(live.messages())
    live.travel(criticals(), SCALE)
    messages = wait_for(live, since, CRITICAL_ROUND, "the round of critical alerts")
    both = {alert for alert, severity in CRITICAL_ROUND if severity == "critical"} & {
        alert for alert, _ in WARNING_ROUND
    }
    for alert in both:
        assert (alert, "warning") in live.alerts()
        assert of(messages, alert, "warning") == []


def test_when_all_is_well_again_each_is_told_to_be_over_once(live: Live) -> None:
    fired = {alert for alert, _ in WARNING_ROUND | CRITICAL_ROUND}
    since = len(live.messages())
    live.travel([], SCALE)
    # Prometheus starts with no alert in mind, so Alertmanager has to see for itself that none comes: after 4
    # times the delay of a minute after which an alert is sent again.
    until(
        lambda: {title_of(one) for one in live.messages()},
        lambda all_: fired <= {a for a, w in all_ if w == "resolved"},
        420,
    )
    time.sleep(25)
    assert live.alerts() == set()
    messages = live.messages()[since:]
    twice = [alert for alert in fired if len(of(messages, alert, "resolved")) > 1]
    assert twice == []


def test_what_somebody_does_by_hand_is_noticed_and_over_when_it_is_put_back(live: Live) -> None:
    expected: Fired = {
        ("SourceAbsent", "warning"),
        ("RuleEvaluationFailing", "warning"),
        ("AlertmanagerConfigReloadFailed", "warning"),
    }
    since = len(live.messages())
    live.incident("exporter-removed", "rules-failing", "alertmanager-misconfigured")
    wait_for(live, since, expected, "hands on the cluster", 400)
    live.recover()
    for alert, _ in expected:
        until(lambda: of(live.messages()[since:], alert, "resolved"), bool, 900)  # noqa: B023
        assert len(of(live.messages()[since:], alert, "resolved")) == 1


def test_a_broken_rule_file_is_noticed_and_the_old_rules_stay(live: Live) -> None:
    def rules() -> int:
        return sum(len(group["rules"]) for group in live.get("/api/v1/rules")["data"]["groups"])

    before, since = rules(), len(live.messages())
    live.incident("rules-broken")
    wait_for(live, since, {("ConfigReloadFailed", "warning")}, "rules-broken")
    assert rules() == before
    assert live.value('prometheus_config_last_reload_successful{pod="prometheus-0"}') == 0
    live.recover()
    until(lambda: of(live.messages()[since:], "ConfigReloadFailed", "resolved"), bool, 180)


def test_a_receiver_that_is_away_gets_everything_when_it_is_back(live: Live) -> None:
    since = len(live.messages())
    live.incident("receiver-down", "redis-dies")
    until(live.alerts, lambda firing: ("NotificationsFailing", "critical") in firing, 400)
    assert live.messages()[since:] == []
    away = time.monotonic()
    live.checkout.succeed("recover", "NAME=receiver-down")
    until(lambda: of(live.messages()[since:], "RedisDown", "critical"), bool, 120)
    until(lambda: of(live.messages()[since:], "NotificationsFailing", "critical"), bool, 120)
    SEEN["NotificationsFailing", "critical"] = ("receiver-down", time.monotonic() - away)
    live.recover()
    until(lambda: of(live.messages()[since:], "RedisDown", "resolved"), bool, 180)
    time.sleep(25)
    assert len(of(live.messages()[since:], "RedisDown", "critical")) == 1
    measured("a receiver that was away for minutes lost no message and got none twice")


def test_prometheus_notices_that_its_alerts_reach_nobody(live: Live) -> None:
    for incident, alert in (
        ("alertmanager-gone", "AlertsNotDelivered"),
        ("alertmanager-forgotten", "NoAlertmanager"),
    ):
        began = time.monotonic()
        live.incident(incident)
        until(live.alerts, lambda firing: (alert, "critical") in firing, 400)  # noqa: B023
        SEEN[alert, "critical"] = (f"{incident}, in Prometheus", time.monotonic() - began)
        live.recover()
        until(live.alerts, lambda firing: (alert, "critical") not in firing, 600)  # noqa: B023


def test_a_certificate_that_ends_soon_is_told_and_its_renewal_too(live: Live) -> None:
    live.checkout.edit("Pulumi.dev.yaml", "http://api.dubbing", "https://api.dubbing")
    try:
        live.up(SCALE)
        for incident, severity in (
            ("certificate-expires-soon", "warning"),
            ("certificate-expires", "critical"),
        ):
            since = len(live.messages())
            live.incident(incident)
            wait_for(live, since, {("CertificateExpiring", severity)}, f"{incident}, on an HTTPS probe")
            live.recover()
            until(lambda: of(live.messages()[since:], "CertificateExpiring", "resolved"), bool, 240)  # noqa: B023
            assert len(of(live.messages()[since:], "CertificateExpiring", "resolved")) == 1
    finally:
        live.recover()
        live.checkout.restore()
        live.up(SCALE)


def test_every_alert_and_severity_was_seen(live: Live) -> None:
    declared = {
        (alert.name, str(rule.severity))
        for those in declared_alerts(Parameters()).values()
        for alert in those
        for rule in alert.rules
    }
    # Seen with the faults: it takes an API server that comes back and refuses.
    expected = declared - NOT_HERE.keys() - {("DiscoveryFailing", "warning")}
    rows = [
        f"| {alert} | {severity} | {SEEN[alert, severity][0]} | {SEEN[alert, severity][1]:.0f} s |"
        for alert, severity in sorted(SEEN)
    ]
    path = live.checkout.folder / "rendered" / "alerts-seen.md"
    path.parent.mkdir(exist_ok=True)
    path.write_text(
        "\n".join(["| alert | severity | by | message after |", "|---|---|---|---|", *rows]) + "\n"
    )
    for row in rows:
        measured(row)
    assert SEEN.keys() == expected
