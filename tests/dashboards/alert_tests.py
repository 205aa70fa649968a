"""Turn the cases of alerts into tests of promtool: when each fires, with which text, and when it ends."""

import json
import re
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from dashboards.alert import AlertRule
from dashboards.parameters import Parameters
from dashboards.render import alerts, rules
from dashboards.render import declared as declared_dashboards
from tests.dashboards.alert_case import AlertCase, Ramp, Rising, Values

Json = dict[str, Any]
Phase = tuple[float | None, int]
"""A value, or none for no data, and for how many minutes."""

PARAMETERS = Parameters(cluster="dev")
DASHBOARDS = declared_dashboards(PARAMETERS)
RULE_FILES: dict[str, Json] = {
    name: yaml.safe_load(text) for name, text in rules(PARAMETERS).items() if name.startswith("alerts-")
}
RULES: dict[str, list[tuple[str, AlertRule]]] = {}
for uid, declared in alerts(PARAMETERS).items():
    for alert in declared:
        RULES.setdefault(alert.name, []).extend((uid, rule) for rule in alert.rules)

_MINUTES = {"s": 1 / 60, "m": 1, "h": 60, "d": 1440}


def minutes(duration: str) -> int:
    """Minutes of a duration such as `5m`."""
    found = re.fullmatch(r"(\d+)([smhd])", duration)
    assert found
    return int(int(found[1]) * _MINUTES[found[2]])


def rule_of(case: AlertCase, severity: str) -> tuple[str, AlertRule]:
    """The dashboard and the rule that a case is about."""
    (found,) = [one for one in RULES[case.name] if one[1].severity == severity]
    return found


def input_series(case: AlertCase, *phases: Phase) -> list[Json]:
    """The case's series over consecutive phases, a value each minute."""
    texts: dict[str, list[str]] = {}
    count: dict[str, float] = {}
    start = 0
    for value, length in phases:
        series: Values = case.series(case.good if value is None else value)
        for name, kind in series.items():
            text = texts.setdefault(name, [])
            if value is None:
                text.append(f"_x{length}")
            elif isinstance(kind, Rising):
                first = count.get(name, 0.0) + kind.per_minute
                text.append(f"{first:.15g}+{kind.per_minute:.15g}x{length - 1}")
                count[name] = first + kind.per_minute * (length - 1)
            elif isinstance(kind, Ramp):
                text.append(
                    f"{kind.start + kind.per_minute * start:.15g}{kind.per_minute:+.15g}x{length - 1}"
                )
            else:
                text.append(f"{kind:.15g}x{length - 1}")
        start += length
    return [{"series": name, "values": " ".join(parts)} for name, parts in texts.items()]


def fires_at(case: AlertCase, severity: str) -> int:
    """The minute at which it must fire."""
    return case.before + case.crosses + minutes(rule_of(case, severity)[1].lasts)


def firing_case(case: AlertCase, severity: str) -> Json:
    """Pending until the very minute at which it must fire; then firing, with all labels and texts."""
    _, rule = rule_of(case, severity)
    begins, fires = case.before + case.crosses, fires_at(case, severity)
    phases: list[Phase] = [(case.good, case.before)] if case.before else []
    return {
        "interval": "1m",
        "name": f"{case.name} {severity} fires",
        "input_series": input_series(
            case, *phases, (case.bad[severity], case.crosses + minutes(rule.lasts) + 2)
        ),
        "promql_expr_test": [
            *([_state(case, severity, "firing", begins - 1, there=False)] if begins else []),
            *([_state(case, severity, "pending", begins)] if fires > begins else []),
            *([_state(case, severity, "firing", fires - 1, there=False)] if fires > begins else []),
            _state(case, severity, "firing", fires),
        ],
        "alert_rule_test": [
            {
                "eval_time": f"{fires}m",
                "alertname": case.name,
                "exp_alerts": _all_firing(case, severity, fires),
            }
        ],
    }


def silent_case(case: AlertCase, severity: str) -> Json:
    """Silent as long as the value is just on the good side."""
    _, rule = rule_of(case, severity)
    if rule.threshold is None:
        value = case.good
    else:
        sign = 1 if rule.alert.thresholds and rule.alert.thresholds.low_is_bad else -1
        value = rule.threshold * (1 + sign * case.near)
    length = case.crosses + minutes(rule.lasts) + 10
    phases: list[Phase] = [(case.good, case.before)] if case.before else []
    return {
        "interval": "1m",
        "name": f"{case.name} {severity} is silent below",
        "input_series": input_series(case, *phases, (value, length)),
        "promql_expr_test": [
            _state(case, severity, state, at, there=False)
            for state in ("firing", "pending")
            for at in (case.before + length - 1,)
        ],
    }


def recovery_case(case: AlertCase, severity: str) -> Json:
    """Firing on for as long as it says after the value is good again, and not a minute longer."""
    _, rule = rule_of(case, severity)
    bad = case.crosses + minutes(rule.lasts) + 2
    over = case.before + bad + case.recovers.get(severity, 0)
    ends = over + minutes(rule.alert.keeps_firing)
    phases: list[Phase] = [(case.good, case.before)] if case.before else []
    return {
        "interval": "1m",
        "name": f"{case.name} {severity} recovers",
        "input_series": input_series(
            case, *phases, (case.bad[severity], bad), (case.good, ends - case.before - bad + 2)
        ),
        "promql_expr_test": [
            _state(case, severity, "firing", ends - 1),
            _state(case, severity, "firing", ends, there=False),
        ],
    }


def no_data_case(case: AlertCase, severity: str) -> Json:
    """Silent while there is nothing to judge."""
    return {
        "interval": "1m",
        "name": f"{case.name} {severity} without data",
        "input_series": [],
        "promql_expr_test": [
            _state(case, severity, state, 120, there=False) for state in ("firing", "pending")
        ],
    }


def failure(promtool: Path, folder: Path, files: dict[str, Json], tests: Iterable[Json]) -> str | None:
    """Run tests of promtool over rule files; return what it found wrong, or None."""
    for name, content in files.items():
        (folder / name).write_text(yaml.safe_dump(content), encoding="utf-8")
    document = {"rule_files": list(files), "evaluation_interval": "1m", "tests": list(tests)}
    (folder / "test.yaml").write_text(json.dumps(document), encoding="utf-8")
    done = subprocess.run(
        [promtool, "test", "rules", "test.yaml"], cwd=folder, capture_output=True, text=True, check=False
    )
    return None if done.returncode == 0 else done.stdout + done.stderr


def only(name: str) -> dict[str, Json]:
    """The rule file of an alert, with its own rules alone."""
    (uid, _), *_ = RULES[name]
    (group,) = RULE_FILES[f"alerts-{uid}.yaml"]["groups"]
    mine = [rule for rule in group["rules"] if rule["alert"] == name]
    return {f"alerts-{uid}.yaml": {"groups": [{**group, "rules": mine}]}}


def _labels(case: AlertCase, severity: str) -> dict[str, str]:
    uid, _ = rule_of(case, severity)
    return {
        **case.labels,
        "severity": severity,
        "team": PARAMETERS.teams[uid],
        "dashboard": uid,
    }


def _state(case: AlertCase, severity: str, state: str, at: int, *, there: bool = True) -> Json:
    labels = {"alertname": case.name, "alertstate": state, **_labels(case, severity)}
    shown = ", ".join(f"{name}={json.dumps(value)}" for name, value in labels.items())
    chosen = f'{{alertname="{case.name}", severity="{severity}", alertstate="{state}"}}'
    return {
        "expr": f"ALERTS{chosen}",
        "eval_time": f"{at}m",
        "exp_samples": [{"labels": f"ALERTS{{{shown}}}", "value": 1}] if there else [],
    }


def _all_firing(case: AlertCase, severity: str, at: int) -> list[Json]:
    """The alert itself, and the milder rule of its name, whose condition holds, too."""
    expected = [_firing(case, severity, case.said[severity], at)]
    if severity == "critical" and len({rule.severity for _, rule in RULES[case.name]}) > 1:
        _, warning = rule_of(case, "warning")
        _, critical = rule_of(case, "critical")
        if minutes(warning.lasts) <= minutes(critical.lasts):
            worse, milder = (
                f"{{{{ {one.threshold!r} | {one.alert.shown} }}}}" for one in (critical, warning)
            )
            assert worse != milder
            said = _with_threshold_of(case)
            expected.append(_firing(case, "warning", said, at))
    return expected


def _with_threshold_of(case: AlertCase) -> str:
    """What the warning says of the critical value: the critical sentence, ending as the warning's."""
    ending = r"(, below|, above|, more than|, sooner than) .*$"
    found = re.search(ending, case.said["warning"])
    return re.sub(ending, found[0], case.said["critical"]) if found else case.said["critical"]


def _firing(case: AlertCase, severity: str, said: str, at: int) -> Json:
    uid, rule = rule_of(case, severity)
    (variables,) = [one.variables for one in DASHBOARDS if one.uid == uid]
    chosen = "".join(
        f"&var-{one.name}={case.labels[one.name]}"
        for one in variables
        if one.name in rule.alert.query.labels & case.labels.keys()
    )
    moment = at * 60_000
    return {
        "exp_labels": _labels(case, severity),
        "exp_annotations": {
            "summary": said,
            "description": rule.alert.description,
            "dashboard_url": (
                f"http://localhost:3000/d/{uid}?viewPanel=panel-{rule.alert.panel}"
                f"&from={moment - 3_600_000}&to={moment}{chosen}"
            ),
            "runbook_url": f"{PARAMETERS.runbook_url}{case.name}.md",
        },
    }
