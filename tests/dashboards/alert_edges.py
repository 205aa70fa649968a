"""What lies just on either side of an alert's edges, by hand: windows, slow failures, things that add up."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.dashboards.alert_case import CLUSTER, MAIL, SCOPE, SERVER, Values
from tests.dashboards.alert_cases import CASES

Json = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Edge:
    """Series, and whether an alert fires on them at a moment.

    Attributes:
        alert: Its name.
        severity: Which of its rules.
        what: What it shows.
        series: Series to their values, one a minute, as promtool writes them.
        at: The minute.
        fires: Whether it fires then.
    """

    alert: str
    severity: str = "warning"
    what: str
    series: dict[str, str]
    at: int
    fires: bool

    @property
    def test(self) -> Json:
        """The edge as a test of promtool."""
        chosen = f'alertname="{self.alert}", severity="{self.severity}", alertstate="firing"'
        return {
            "interval": "1m",
            "name": f"{self.alert}: {self.what}",
            "input_series": [{"series": name, "values": values} for name, values in self.series.items()],
            "promql_expr_test": [
                {
                    "expr": f"count(ALERTS{{{chosen}}})",
                    "eval_time": f"{self.at}m",
                    "exp_samples": [{"labels": "{}", "value": 1}] if self.fires else [],
                }
            ],
        }


def steps(every: int, count: int, first: int = 0) -> str:
    """A counter that rises by one so often, in minutes, for the first time after some."""
    return " ".join([f"0x{first + every - 1}", *(f"{step}x{every - 1}" for step in range(1, count))])


def burning(share: float, minutes: int, then: float = 0, for_minutes: int = 0) -> dict[str, str]:
    """Requests of which a share fails, and then another one."""
    return {
        f"cluster:http_server_errors:rate5m{{{CLUSTER}}}": (
            f"{10 * share}x{minutes - 1} {10 * then}x{for_minutes}"
        ),
        f"cluster:http_server_requests:rate5m{{{CLUSTER}}}": f"10x{minutes + for_minutes}",
    }


def stage(now: str, average: str) -> dict[str, str]:
    labels = f'{SCOPE}, stage="asr"'
    return {
        f"stage:dubbing_stage_duration_seconds:mean1h{{{labels}}}": now,
        f"stage:dubbing_stage_duration_seconds:avg7d{{{labels}}}": average,
    }


def job_cost(now: str, average: str) -> dict[str, str]:
    return {
        f"cluster:cost_dollars_per_job:ratio24h{{{CLUSTER}}}": now,
        f"cluster:cost_dollars_per_job:avg7d{{{CLUSTER}}}": average,
    }


def probes(**uptime_and_answers: tuple[float, int]) -> dict[str, str]:
    series = dict[str, str]()
    for name, (uptime, answers) in uptime_and_answers.items():
        series[f'probe:probe_success:avg24h{{{CLUSTER}, probe="{name}"}}'] = f"{uptime}x30"
        series[f'probe:probe_success:count24h{{{CLUSTER}, probe="{name}"}}'] = f"{answers}x30"
    return series


def rules_of(group: str) -> str:
    return f'prometheus_rule_evaluation_failures_total{{{SERVER}, rule_group="/etc/rules/{group}"}}'


def volume(name: str) -> str:
    claim = f'{CLUSTER}, namespace="monitoring", persistentvolumeclaim="{name}"'
    return f"kubelet_volume_stats_available_bytes{{{claim}}}"


FAILED = f'alertmanager_notifications_failed_total{{{MAIL}, integration="slack", reason="other"}}'
TMPFS = 'instance="n1:9100", mountpoint="/run", fstype="tmpfs"'
USERS = f'tier:dubbing_active_users_1d:max{{{SCOPE}, tier="pro"}}'
BEGAN = f'tier:dubbing_subscriptions_started_1d:max{{{SCOPE}, tier="pro"}}'
WEEK = 7 * 24 * 60


def failing(per_second: float) -> Values:
    """Requests that all fail."""
    return {
        'cluster:http_server_errors:rate5m{cluster="dev"}': per_second,
        'cluster:http_server_requests:rate5m{cluster="dev"}': per_second,
    }


def ended_jobs(count: float) -> Values:
    """Jobs of an hour, half of which failed."""
    name = f"outcome:dubbing_jobs:increase1h{{{SCOPE}"
    return {f'{name}, outcome="failure"}}': count / 2, f'{name}, outcome="success"}}': count / 2}


def inferences_in_15_minutes(count: float) -> Values:
    """A rate that makes so many inferences, half of which failed."""
    name = f'model_outcome:dubbing_model_inferences:rate5m{{{SCOPE}, model="whisper"'
    rate = count / 15 / 60
    return {f'{name}, outcome="failure"}}': rate / 2, f'{name}, outcome="success"}}': rate / 2}


def failed_jobs_of_20(count: float) -> dict[str, str]:
    name = f"outcome:dubbing_jobs:increase1h{{{SCOPE}"
    return {f'{name}, outcome="failure"}}': f"{count}x60", f'{name}, outcome="success"}}': f"{20 - count}x60"}


def failed_inferences_of_55(count: float) -> dict[str, str]:
    """In 15 minutes."""
    name = f'model_outcome:dubbing_model_inferences:rate5m{{{SCOPE}, model="whisper"'
    failed, other = (share / 15 / 60 for share in (count, 55 - count))
    return {f'{name}, outcome="failure"}}': f"{failed}x60", f'{name}, outcome="success"}}': f"{other}x60"}


FEW_AND_ENOUGH: dict[str, tuple[Values, Values]] = {
    "ApiUptimeLow": (
        {'probe:probe_success:count24h{cluster="dev", probe="api"}': 119},
        {'probe:probe_success:count24h{cluster="dev", probe="api"}': 120},
    ),
    "ApiErrorBudgetFastBurn": (failing(0.0499), failing(0.05)),
    "ApiErrorBudgetSlowBurn": (failing(0.0499), failing(0.05)),
    "JobFailureRateHigh": (ended_jobs(9.9), ended_jobs(10)),
    "ModelErrorRateHigh": (inferences_in_15_minutes(49.9), inferences_in_15_minutes(50.1)),
    "InferenceLatencyHigh": (
        {f'model:dubbing_model_inference_duration_seconds_count:rate5m{{{SCOPE}, model="tts"}}': 0.0299},
        {f'model:dubbing_model_inference_duration_seconds_count:rate5m{{{SCOPE}, model="tts"}}': 0.03},
    ),
    "MonthlyCostProjectionHigh": (
        {'cluster:cost_dollars_per_hour:count24h{cluster="dev"}': 359},
        {'cluster:cost_dollars_per_hour:count24h{cluster="dev"}': 360},
    ),
    "BudgetUtilizationHigh": (
        {'cluster:cost_dollars_per_hour:count24h{cluster="dev"}': 359},
        {'cluster:cost_dollars_per_hour:count24h{cluster="dev"}': 360},
    ),
}
"""What a case's series are instead where there is just too little to judge, and just enough."""


def _guarded() -> Iterator[Edge]:
    """Bad values of which there are just too few to judge, and just enough."""
    for case in CASES:
        for severity, bad in case.bad.items() if case.name in FEW_AND_ENOUGH else ():
            series = case.series(bad)
            for events, fires in zip(FEW_AND_ENOUGH[case.name], (False, True), strict=True):
                assert events.keys() <= series.keys(), case.name
                yield Edge(
                    alert=case.name,
                    severity=severity,
                    what=f"{'enough' if fires else 'too little'} to judge",
                    series={name: f"{value}x120" for name, value in (series | events).items()},
                    at=119,
                    fires=fires,
                )


EDGES = (
    *_guarded(),
    # A single failure of few is a large share.
    *(
        Edge(
            alert=alert,
            severity=severity,
            what=f"{count} failures of few",
            series=series(count),
            at=50,
            fires=fires,
        )
        for alert, series in (
            ("JobFailureRateHigh", failed_jobs_of_20),
            ("ModelErrorRateHigh", failed_inferences_of_55),
        )
        for severity in ("warning", "critical")
        for count, fires in ((2.95, False), (3.01, True))
    ),
    # What is counted once per notification of a group, every five minutes in prod.
    *(
        Edge(
            alert="NotificationsFailing",
            severity="critical",
            what=f"a failure every five minutes, from minute {first} on",
            series={FAILED: steps(5, 30, first)},
            at=at,
            fires=True,
        )
        for first in (0, 2, 4)
        for at in (first + 6, 60, 118, 139)
    ),
    Edge(
        alert="NotificationsFailing",
        severity="critical",
        what="one failure is one message that nobody got",
        series={FAILED: "0x9 1x90"},
        at=10,
        fires=True,
    ),
    Edge(
        alert="NotificationsFailing",
        severity="critical",
        what="and over half an hour later",
        series={FAILED: "0x9 1x90"},
        at=41,
        fires=False,
    ),
    # Groups that are evaluated seldom.
    *(
        Edge(
            alert="RuleEvaluationFailing",
            what=f"{group} fails at every evaluation, from minute {first} on",
            series={rules_of(group): steps(every, 360 // every, first)},
            at=at,
            fires=True,
        )
        for group, every in (("jobs.yaml;jobs-4m", 4), ("jobs.yaml;jobs-5m", 5), ("cost.yaml;cost-1h", 60))
        for first in (0, 1, 3)
        for at in (every + first + 20, 3 * 60, 4 * 60 + 7)
    ),
    *(
        Edge(
            alert="RuleEvaluationFailing",
            what=f"{group} failed once, at a restart",
            series={rules_of(group): "0x9 1x90"},
            at=at,
            fires=False,
        )
        for group in ("api.yaml;api-1m", "jobs.yaml;jobs-4m", "jobs.yaml;jobs-5m", "alerts.yaml;alerts-api")
        for at in (20, 26, 40)
    ),
    Edge(
        alert="RuleEvaluationFailing",
        what="two failures half an hour apart of a group of each minute",
        series={rules_of("api.yaml;api-1m"): "0x9 1x29 2x60"},
        at=56,
        fires=False,
    ),
    # Both windows must be above, each by itself.
    Edge(
        alert="ApiErrorBudgetFastBurn",
        severity="critical",
        what="little below in the hour, far above in the minutes",
        series=burning(0.136, 115, 0.2, 5),
        at=119,
        fires=False,
    ),
    Edge(
        alert="ApiErrorBudgetFastBurn",
        severity="critical",
        what="little below in the minutes, far above in the hour",
        series=burning(0.2, 100, 0.143, 20),
        at=119,
        fires=False,
    ),
    Edge(
        alert="ApiErrorBudgetFastBurn",
        severity="critical",
        what="little above in both",
        series=burning(0.145, 120),
        at=119,
        fires=True,
    ),
    Edge(
        alert="ApiErrorBudgetSlowBurn",
        what="far below for half a day, above for the last minutes",
        series=burning(0.03, 700, 0.1, 40),
        at=739,
        fires=False,
    ),
    Edge(
        alert="RuleEvaluationFailing",
        what="an hourly rule failed once",
        series={rules_of("cost.yaml;cost-1h"): "0x9 1x300"},
        at=100,
        fires=True,
    ),
    Edge(
        alert="RuleEvaluationFailing",
        what="an hourly rule failed once, two hours ago",
        series={rules_of("cost.yaml;cost-1h"): "0x9 1x300"},
        at=140,
        fires=False,
    ),
    # What is recorded every five minutes is not taken for today's for ever.
    *(
        Edge(alert=alert, what=f"{side} is gone", series=series, at=at, fires=False)
        for alert, times, at in (("ProcessingTimeHigh", stage, 60), ("CostPerJobHigh", job_cost, 475))
        for side, series in (
            ("what is compared", times(f"90x{at - 30 if at == 60 else 100} _x{at}", f"40x{2 * at}")),
            ("the average", times(f"90x{2 * at}", f"40x{at - 30 if at == 60 else 100} _x{at}")),
        )
    ),
    Edge(
        alert="GpuUnderutilized",
        what="half an hour of figures in this hour, more in the one before",
        series={f'service:dcgm_utilization:avg{{{SCOPE}, service="asr"}}': "0.1x39 _x39 0.1x29"},
        at=108,
        fires=False,
    ),
    *(
        Edge(
            alert="NodeDiskUsageHigh",
            severity=severity,
            what="a file system in memory",
            series={
                f"node_filesystem_{part}_bytes{{{CLUSTER}, {TMPFS}}}": f"{size}x30"
                for part, size in (("avail", 1), ("size", 1000))
            },
            at=30,
            fires=False,
        )
        for severity in ("warning", "critical")
    ),
    # A thousandth of a gigabyte a minute less.
    Edge(
        alert="PrometheusVolumeFilling",
        what="full in 3.9 days",
        series={volume("data-prometheus-0"): f"{3.9 * 1440 * 1e6 + 70e6}-1000000x70"},
        at=70,
        fires=True,
    ),
    Edge(
        alert="PrometheusVolumeFilling",
        what="full in 4.1 days",
        series={volume("data-prometheus-0"): f"{4.1 * 1440 * 1e6 + 70e6}-1000000x70"},
        at=70,
        fires=False,
    ),
    Edge(
        alert="PrometheusVolumeFilling",
        what="somebody else's volume",
        series={volume("videos"): "1000000000-10000000x90"},
        at=90,
        fires=False,
    ),
    Edge(
        alert="PrometheusVolumeFilling",
        what="it fell, and has not fallen for six hours",
        series={volume("data-prometheus-0"): "860000000-1000000x360 500000000x450"},
        at=810,
        fires=False,
    ),
    Edge(
        alert="DailyActiveUsersFalling",
        what="50 users are a handful",
        series={USERS: f"50x{WEEK} 30x90"},
        at=WEEK + 80,
        fires=False,
    ),
    Edge(
        alert="DailyActiveUsersFalling",
        what="51 are not",
        series={USERS: f"51x{WEEK} 30x90"},
        at=WEEK + 80,
        fires=True,
    ),
    Edge(
        alert="NewSubscriptionsLow",
        what="nobody subscribes on a platform's first day",
        series={BEGAN: "0x1500"},
        at=24 * 60 + 59,
        fires=False,
    ),
    Edge(
        alert="NewSubscriptionsLow",
        what="nobody subscribed in a whole day",
        series={BEGAN: "0x1501"},
        at=25 * 60,
        fires=True,
    ),
    *(
        Edge(
            alert="ApiUptimeLow",
            severity=severity,
            what=what,
            series=series,
            at=30,
            fires=fires,
        )
        for severity in ("warning", "critical")
        for what, series, fires in (
            ("another probe fails", probes(api=(1, 2880), site=(0.5, 2880)), False),
            ("another probe is new", probes(api=(0.5, 2880), site=(0.5, 3)), True),
        )
    ),
)
