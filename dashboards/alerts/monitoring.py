"""Alerts of the monitoring itself: what watches, is heard, and has something to say."""

from collections.abc import Mapping

from dashboards.alert import Alert, Severity
from dashboards.alert_rules import EVALUATED_EVERY
from dashboards.contract import Metric
from dashboards.firing import FIRING
from dashboards.metrics import exporters, monitoring
from dashboards.model import Thresholds
from dashboards.parameters import Parameters
from dashboards.promql import (
    Query,
    Selector,
    either,
    increase,
    matches,
    max_by,
    min_by,
    minus,
    positive,
    select,
    sum_by,
    where,
)
from dashboards.promql_conditions import ALWAYS, above, absent, below, is_zero
from dashboards.promql_time import age, predicted, seconds_left
from dashboards.recordings import presence
from dashboards.recordings.subjects import group_name, intervals
from dashboards.system_health import API_UPTIME, DISK_USAGE

DAY = 24 * 3600
SERVER = ("cluster", "pod")
GONE_AFTER = 15 * 60
REMEMBERED = 7 * DAY


def alerts(parameters: Parameters) -> tuple[Alert, ...]:
    """All of them."""
    return (*_the_servers(parameters), *_the_targets(), *_sources(parameters), *_the_applications())


def _failing_rules(parameters: Parameters) -> Query:
    """Groups whose rules fail; a slow group is looked at over more than two of its intervals.

    What fails at every evaluation never leaves its window; what fails once leaves it before the alert fires,
    but where it is evaluated once an hour.
    """
    failing = _failures(select(monitoring.RULE_FAILURES), "5m")
    for every, minutes in intervals(parameters).items():
        if every != EVALUATED_EVERY:
            # The interval ends the group's name.
            slow = select(monitoring.RULE_FAILURES, rule_group=matches(group_name(".*", every)))
            failing = either(failing, _failures(slow, f"{2 * minutes + 2}m"))
    return failing


def _failures(groups: Selector, window: str) -> Query:
    return positive(sum_by(increase(groups, window), *SERVER, "rule_group"))


def _the_servers(parameters: Parameters) -> tuple[Alert, ...]:
    free = predicted(
        select(exporters.KUBELET_VOLUME_AVAILABLE, persistentvolumeclaim=matches("data-prometheus-.*")),
        "6h",
        4 * DAY,
    )
    return (
        Alert(
            name="Watchdog",
            panel=FIRING,
            query=ALWAYS,
            severity=Severity.NONE,
            lasts="0s",
            keeps_firing="0s",
            because="it always fires",
            summary="Alerts reach this far.",
            description=(
                "It always fires. A receiver outside the cluster notices when it stops: then no alert "
                "reaches anyone."
            ),
        ),
        Alert(
            name="ConfigReloadFailed",
            panel=FIRING,
            query=is_zero(min_by(select(monitoring.PROMETHEUS_RELOADED), *SERVER)),
            lasts="5m",
            keeps_firing="0s",
            because="a half-written volume is complete by the next reload, half a minute later",
            summary="{{ $labels.pod }} does not take its configuration or rules.",
            description=(
                "It goes on with the last ones that were right. Run promtool check config over what "
                "`make render` writes, and look who changed the ConfigMap by hand."
            ),
        ),
        Alert(
            name="RuleEvaluationFailing",
            panel=FIRING,
            query=_failing_rules(parameters),
            lasts="15m",
            keeps_firing="5m",
            because="a failure at a restart is over at the next evaluation, and out of the window in time",
            summary="Rules of {{ $labels.rule_group }} fail when they are evaluated.",
            description=(
                "What they record or alert on is missing. Look at the Rules page of Prometheus for the "
                "error; many-to-many matching is a series that exists twice."
            ),
        ),
        Alert(
            name="NoAlertmanager",
            panel=FIRING,
            query=is_zero(min_by(select(monitoring.ALERTMANAGERS), *SERVER)),
            severity=Severity.CRITICAL,
            lasts="10m",
            keeps_firing="5m",
            because="a restart of Alertmanager takes minutes",
            summary="{{ $labels.pod }} knows no Alertmanager.",
            description="No alert reaches anyone. Look at Alertmanager's pods and its headless Service.",
        ),
        Alert(
            name="AlertsNotDelivered",
            panel=FIRING,
            query=positive(sum_by(increase(select(monitoring.NOTIFICATIONS_DROPPED), "5m"), *SERVER)),
            severity=Severity.CRITICAL,
            lasts="10m",
            keeps_firing="5m",
            because="a restart of Alertmanager takes minutes",
            summary="{{ $labels.pod }} could not hand over <value> alerts in five minutes.",
            description=(
                "Alertmanager is gone or overloaded. Look at its pods, its logs and the network policies "
                "between the two."
            ),
        ),
        Alert(
            name="NotificationsFailing",
            panel=FIRING,
            query=positive(
                sum_by(increase(select(monitoring.NOTIFICATIONS_FAILED), "20m"), "cluster", "integration")
            ),
            severity=Severity.CRITICAL,
            lasts="0s",
            keeps_firing="10m",
            because=(
                "each one counted was given up after all of its tries; a group's next is up to its interval "
                "later, which the window outlasts"
            ),
            summary="Notifications by {{ $labels.integration }} fail: <value> in 20 minutes.",
            description=(
                "People do not hear of alerts. Look at Alertmanager's log for the answer it got: a webhook "
                "that was revoked, a channel that was renamed, a firewall."
            ),
        ),
        Alert(
            name="AlertmanagerConfigReloadFailed",
            panel=FIRING,
            query=is_zero(min_by(select(monitoring.ALERTMANAGER_RELOADED), *SERVER)),
            lasts="5m",
            keeps_firing="0s",
            because="a half-written volume is complete by the next reload",
            summary="{{ $labels.pod }} does not take its configuration.",
            description="Run amtool check-config over what `make render` writes.",
        ),
        Alert(
            name="RemoteWriteBehind",
            panel=FIRING,
            query=minus(
                max_by(select(monitoring.REMOTE_WRITE_NEWEST), *SERVER, "remote_name"),
                max_by(select(monitoring.REMOTE_WRITE_SENT), *SERVER, "remote_name"),
            ),
            thresholds=Thresholds(warning=120),
            lasts="15m",
            keeps_firing="5m",
            because="after an outage it catches up within minutes",
            summary=(
                "{{ $labels.pod }} is <value> behind in writing to its remote storage, more than <threshold>."
            ),
            shown="humanizeDuration",
            description=(
                "What is two hours behind is lost to it. Look at Prometheus' log for refused requests, then "
                "at the network."
            ),
        ),
        Alert(
            name="PrometheusVolumeFilling",
            panel=DISK_USAGE,
            query=max_by(below(free, 0), "cluster", "persistentvolumeclaim"),
            lasts="1h",
            keeps_firing="30m",
            because="compaction frees in an hour what the hours before took",
            summary="The volume {{ $labels.persistentvolumeclaim }} will be full within four days.",
            description=(
                "A full Prometheus stops recording and alerting. Look which job brought more series "
                "(topk(10, scrape_samples_scraped)), enlarge the volume or shorten the retention."
            ),
        ),
    )


def _the_targets() -> tuple[Alert, ...]:
    return (
        Alert(
            name="TargetDown",
            panel=FIRING,
            query=is_zero(min_by(select(exporters.UP), "cluster", "namespace", "job", "instance")),
            lasts="10m",
            keeps_firing="5m",
            because="a rollout replaces a pod within minutes",
            summary="{{ $labels.instance }} of {{ $labels.job }} can't be scraped.",
            description=(
                "Its panels show nothing new and its alerts can't fire. Look at the Targets page of "
                "Prometheus for the error."
            ),
        ),
        Alert(
            name="ScrapeOverLimit",
            panel=FIRING,
            query=positive(sum_by(increase(select(monitoring.SCRAPES_OVER_LIMIT), "5m"), *SERVER)),
            lasts="5m",
            keeps_firing="10m",
            because="a target over its limit is over it at every scrape",
            summary="{{ $labels.pod }} threw away <value> scrapes in five minutes: too many samples.",
            description=(
                "A target exposes more series than its job allows, mostly for a label such as an id; see "
                "docs/metrics.md. All of its figures are missing; the other targets are unharmed."
            ),
        ),
        Alert(
            name="DiscoveryFailing",
            panel=FIRING,
            query=positive(sum_by(increase(select(monitoring.DISCOVERY_FAILURES), "5m"), *SERVER)),
            lasts="15m",
            keeps_firing="5m",
            because="the API server is replaced within minutes",
            summary="{{ $labels.pod }} can't list pods or nodes: <value> failures in five minutes.",
            description=(
                "New pods are not scraped, gone ones show as down. Look whether the API server answers and "
                "whether the rights of the ServiceAccount prometheus are still there."
            ),
        ),
        Alert(
            name="CertificateExpiring",
            panel=API_UPTIME,
            query=min_by(seconds_left(select(monitoring.CERTIFICATE_EXPIRY)), "cluster", "probe"),
            thresholds=Thresholds(warning=14 * DAY, critical=3 * DAY, low_is_bad=True),
            lasts="1h",
            keeps_firing="0s",
            because="it ends on a day, not in a minute",
            summary="The certificate of {{ $labels.probe }} ends in <value>, sooner than <threshold>.",
            shown="humanizeDuration",
            description="Browsers will refuse the address. Look why it was not renewed: DNS or its issuer.",
        ),
    )


def _sources(parameters: Parameters) -> tuple[Alert, ...]:
    """What the settings declare to be there."""
    jobs = {
        "kube-state-metrics": "Nothing is known of pods and nodes.",
        "node-exporter": "Nothing is known of the nodes' disks.",
        "kubelet": "Nothing is known of containers and volumes.",
        "postgres-exporter": "Nothing is known of PostgreSQL.",
        "redis-exporter": "Nothing is known of Redis.",
        "opencost": "Nothing is known of cost.",
    }
    servers = {
        "postgres-exporter": parameters.postgres_servers,
        "redis-exporter": parameters.redis_servers,
    }
    up = [
        _source(parameters, exporters.UP, meaning, job=job, **server)
        for job, meaning in jobs.items()
        if job not in parameters.switched_off
        # Each server has an exporter of its own: one that is gone is not hidden by the others.
        for server in ([{"instance": name} for name in servers.get(job, ())] or [{}])
    ]
    replicas = [
        _source(parameters, exporters.UP, "The others work on without it.", job=job, pod=pod)
        for job, pods in parameters.replicas.items()
        # A single one that is gone is nobody's to miss: without it no rule is evaluated, or nobody is told.
        if len(pods) > 1
        for pod in pods
    ]
    probes = () if "blackbox" in parameters.switched_off else parameters.probes
    asked = [
        _source(parameters, exporters.PROBE_SUCCESS, "Nothing is known of its uptime.", probe=probe)
        for probe in probes
    ]
    if "dcgm-exporter" in parameters.switched_off:
        return (*up, *replicas, *asked)
    gpus = max_by(select(monitoring.NODE_ALLOCATABLE, resource="nvidia_com_gpu"), "cluster")
    dcgm = {"job": "dcgm-exporter"}
    silent = where(positive(gpus), absent(select(exporters.UP, **dcgm), **dcgm))
    return (*up, *replicas, *asked, _absent(dcgm, silent, "Nothing is known of GPUs."))


def _source(parameters: Parameters, metric: Metric, meaning: str, **labels: str) -> Alert:
    chosen = {"cluster": parameters.cluster, **labels}
    return _absent(labels, absent(select(metric, **chosen), **chosen), meaning)


def _absent(labels: Mapping[str, str], condition: Query, meaning: str) -> Alert:
    named = " of ".join(f"{label} {name}" for label, name in reversed(list(labels.items())))
    return Alert(
        name="SourceAbsent",
        panel=FIRING,
        query=condition,
        lasts="15m",
        keeps_firing="0s",
        because="a quarter of an hour is more than any rollout takes",
        summary=f"The {named} exposes nothing.",
        description=(
            f"{meaning} Its panels are empty and its alerts can't fire. Look whether its pods run and carry "
            "the labels that the scrape job selects."
        ),
        instance=labels,
    )


def _the_applications() -> tuple[Alert, ...]:
    return tuple(
        Alert(
            name="ApplicationMetricsGone",
            panel=FIRING,
            query=below(above(age(select(recording.series)), GONE_AFTER), REMEMBERED),
            lasts="0s",
            keeps_firing="0s",
            because="the quarter of an hour is in the condition",
            summary=(
                f"The {group} metrics of {{{{ $labels.namespace }}}} are gone since <value>; they were there "
                "within the week."
            ),
            shown="humanizeDuration",
            description=(
                "Their panels show nothing and their alerts can't fire. Look whether the service runs, and "
                "whether its last release still exposes them (docs/metrics.md). It ends after a week."
            ),
            instance={"metrics": group},
        )
        for group, recording in presence.LAST_SEEN.items()
    )
