"""What the comment of real changes says, and that no plan makes it too long, unreadable or indiscreet."""

import dataclasses
import json
from typing import Any

import pytest
import yaml
from markdown_it import MarkdownIt

from review import comment as comments
from review.comment import comment
from review.limits import LIMIT, marker
from review.plan import plan
from stacks.images import IMAGES
from stacks.recording import Registration
from tests.review import plans

PLANTED = "s3cr3t-and-never-shown"


def with_file(config_map: str, name: str, text: str | None) -> dict[str, Registration]:
    """Dev with another text of a file; None is without the file."""
    registered = dict(plans.before())
    one = registered[f"ConfigMap {config_map}"]
    data = {**one.inputs["data"]} | ({name: text} if text is not None else {})
    if text is None:
        del data[name]
    registered[f"ConfigMap {config_map}"] = dataclasses.replace(one, inputs={**one.inputs, "data": data})
    return registered


def edited(config_map: str, name: str, document: Any) -> str:  # noqa: ANN401 - a document
    """The comment of a change to a file of dev."""
    text = json.dumps(document) if name.endswith(".json") else yaml.safe_dump(document)
    return comment(plan(plans.steps(plans.before(), with_file(config_map, name, text))), "dev")


def file_of(config_map: str, name: str) -> Any:  # noqa: ANN401 - a document
    text = plans.before()[f"ConfigMap {config_map}"].inputs["data"][name]
    return json.loads(text) if name.endswith(".json") else yaml.safe_load(text)


def row(text: str, *starts: str) -> str:
    """The one row of a table that begins with these codes."""
    wanted = "| " + " ".join(f"`{start}`" for start in starts) + " |"
    (found,) = [line for line in text.splitlines() if line.startswith(wanted)]
    return found


def test_a_threshold_is_told_old_and_new_in_alert_dashboard_and_diff() -> None:
    text = comment(plans.changing({"thresholds": {"queueDepth": {"warning": 90, "critical": 200}}}), "dev")
    assert text.splitlines()[0] == marker("dev")
    assert "### Preview of `dev`: 2 changed" in text
    assert "> 100`" in row(text, "QueueDepthHigh", "warning").split("→")[0]
    assert "> 90`" in row(text, "QueueDepthHigh", "warning").split("→")[1]
    assert "`critical` |" not in text
    assert "- **`Job Processing`** changed: changed `Total Queue Depth`" in text
    assert "panels.Total Queue Depth.fieldConfig.defaults.thresholds.steps[1].value: 90" in text
    assert "CAUTION" not in text


def test_an_image_is_told_with_whose_pods_restart() -> None:
    was = IMAGES["grafana"].reference()
    grafana = plans.before()["Deployment grafana"]
    inputs = json.loads(json.dumps(grafana.inputs).replace(was, "docker.io/grafana/grafana:99.0.0"))
    after = {**plans.before(), "Deployment grafana": dataclasses.replace(grafana, inputs=inputs)}
    text = comment(plan(plans.steps(plans.before(), after)), "dev")
    assert row(text, "grafana/grafana") == (
        f"| `grafana/grafana` | `{was}` → `docker.io/grafana/grafana:99.0.0` |"
    )
    assert "**Pods that restart:** Deployment `grafana`" in text


def test_a_dashboard_that_is_retired_is_told_with_both_folders() -> None:
    grafana = plans.before()["Deployment grafana"]

    def mounted(volume: str) -> Registration:
        inputs = json.loads(json.dumps(grafana.inputs))
        volumes = {one["name"]: one for one in inputs["spec"]["template"]["spec"]["volumes"]}
        volumes[volume]["projected"]["sources"].append({"configMap": {"name": "grafana-dashboard-codecs"}})
        return dataclasses.replace(grafana, inputs=inputs)

    was, now = ({"Deployment grafana": mounted(one)} for one in ("dashboards-custom", "dashboards-archive"))
    text = comment(plan(plans.steps(was, now)), "dev")
    line = "- `grafana-dashboard-codecs`: `dashboards-custom` → `dashboards-archive`"
    assert f"**Moved to another folder**\n\n{line}" in text
    assert "Moved" not in comment(plan(plans.steps(plans.before(), was)), "dev")


def test_no_image_is_told_where_none_changes() -> None:
    text = comment(plans.changing({"thresholds": {"queueDepth": {"warning": 90, "critical": 200}}}), "dev")
    assert "**Images**" not in text
    assert "restart" not in text


def test_alerts_that_come_and_go_are_rows_of_their_own() -> None:
    rules = file_of("prometheus-rules", "alerts-job-processing.yaml")
    first = rules["groups"][0]["rules"].pop(0)
    rules["groups"][0]["rules"].append({**first, "alert": "Fresh", "for": "7m"})
    text = edited("prometheus-rules", "alerts-job-processing.yaml", rules)
    assert row(text, first["alert"], first["labels"]["severity"]).split(" | ")[1].startswith("**removed**: `")
    assert "added: `" in row(text, "Fresh", first["labels"]["severity"])
    assert "for `7m`" in row(text, "Fresh", first["labels"]["severity"])


def test_a_rule_that_only_moves_between_files_is_no_change_of_an_alert() -> None:
    rules = file_of("prometheus-rules", "alerts-job-processing.yaml")
    moved = with_file("prometheus-rules", "elsewhere.yaml", yaml.safe_dump(rules))
    one = moved["ConfigMap prometheus-rules"]
    data = {k: v for k, v in one.inputs["data"].items() if k != "alerts-job-processing.yaml"}
    moved["ConfigMap prometheus-rules"] = dataclasses.replace(one, inputs={**one.inputs, "data": data})
    text = comment(plan(plans.steps(plans.before(), moved)), "dev")
    assert "**Alerts**" not in text
    assert "# elsewhere.yaml (new)" in text
    assert "# alerts-job-processing.yaml (gone)" in text


def test_of_alerts_that_share_a_name_only_the_one_that_goes_is_told() -> None:
    text = comment(plans.changing({"redis": {"mode": "off"}}), "dev")
    told = row(text, "SourceAbsent", "warning")
    assert "**removed**" in told
    assert "redis-exporter" in told


def test_recorded_series_are_counted() -> None:
    rules = file_of("prometheus-rules", "jobs.yaml")
    gone = rules["groups"][0]["rules"].pop(0)
    text = edited("prometheus-rules", "jobs.yaml", rules)
    assert row(text, gone["record"]).startswith(f"| `{gone['record']}` | **removed**: `")
    assert "In series: 1 removed" in text


def test_a_panel_put_in_between_changes_no_other() -> None:
    board = file_of("grafana-dashboards", "job-processing.json")
    board["panels"].insert(3, {**board["panels"][3], "title": "Fresh"})
    for number, panel in enumerate(board["panels"]):
        panel["id"] = number
    text = edited("grafana-dashboards", "job-processing.json", board)
    (line,) = [line for line in text.splitlines() if line.startswith("- **`Job Processing`**")]
    assert "added `Fresh`" in line
    assert "; changed" not in line
    assert "moved" in line
    assert "Success Rate.targets" not in text


def test_a_line_of_a_query_is_in_the_diff() -> None:
    board = file_of("grafana-dashboards", "job-processing.json")
    target = board["panels"][4]["targets"][0]
    was, target["expr"] = target["expr"], "vector(42)"
    text = edited("grafana-dashboards", "job-processing.json", board)
    title = board["panels"][4]["title"]
    assert f"+ panels.{title}.targets[A].expr: vector(42)" in text
    assert f"- panels.{title}.targets[A].expr: {was[:20]}" in text


def test_deletes_and_replaces_come_first_and_loud() -> None:
    replaced = {**plans.step("replace", "StatefulSet", "prometheus"), "replaceReasons": ["spec.serviceName"]}
    kept = plans.step("delete", "PersistentVolumeClaim", "data-prometheus-0")
    kept = {**kept, "oldState": {**kept["oldState"], "retainOnDelete": True}}
    text = comment(
        plan(
            [
                plans.step("create", "Service", "fresh"),
                plans.step("delete", "Service", "old"),
                kept,
                plans.step("create-replacement", "StatefulSet", "prometheus"),
                replaced,
                plans.step("delete-replaced", "StatefulSet", "prometheus"),
            ]
        ),
        "prod",
    )
    assert text.splitlines()[:10] == [
        marker("prod"),
        "",
        "### Preview of `prod`: 2 deleted, 1 replaced, 1 created",
        "",
        "> [!CAUTION]",
        "> **2 DELETED**",
        "> - PersistentVolumeClaim `data-prometheus-0`; the object stays in the cluster",
        "> - Service `old`",
        "> **1 REPLACED: deleted and made again**",
        "> - StatefulSet `prometheus`, since `spec.serviceName` cannot be changed",
    ]


def test_a_long_list_is_not_cut_before_what_hurts_most() -> None:
    many = [plans.step("delete", "NetworkPolicy", f"n-{n}") for n in range(60)]
    text = comment(plan([*many, plans.step("delete", "PersistentVolumeClaim", "data")]), "dev")
    assert text.index("`data`") < text.index("`n-0`")
    assert "> - and 21 more" in text


def test_nothing_to_do_says_so() -> None:
    assert "nothing changes" in comment(plan(plans.steps(plans.before(), plans.before())), "dev")


def secret_plan(place: dict[str, object], kind: str) -> str:
    other = {**plans.step("update", kind, "one")}
    old = {"kind": kind, "metadata": {"name": "one"}, "type": "Opaque"}
    return comment(
        plan([{**other, "oldState": {"inputs": old}, "newState": {"inputs": {**old, **place}}}]), "dev"
    )


@pytest.mark.parametrize(
    ("place", "kind"),
    [
        ({"stringData": {"key": PLANTED}}, "Secret"),
        ({"data": {"key": PLANTED}}, "Secret"),
        ({"stringData": PLANTED}, "Secret"),
        (
            {
                "spec": [
                    {
                        "deep": {
                            "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
                            "plaintext": PLANTED,
                        }
                    }
                ]
            },
            "Deployment",
        ),
    ],
)
def test_a_secret_is_never_shown(place: dict[str, object], kind: str) -> None:
    text = secret_plan(place, kind)
    assert PLANTED not in text
    assert "1 changed" in text


def test_what_is_no_secret_would_be_seen() -> None:
    assert PLANTED in secret_plan({"data": {"key": PLANTED}}, "ConfigMap")


def test_a_changed_secret_is_told_without_its_value() -> None:
    step = plans.step("update", "Secret", "grafana", stringData={"admin-password": PLANTED})
    text = comment(plan([step]), "dev")
    assert "Only values that are secret." in text
    assert PLANTED not in text


def test_no_size_breaks_the_limit_and_what_is_left_out_is_said() -> None:
    before = {"kind": "ConfigMap", "data": {f"{n}.txt": "old\n" * 200 for n in range(20)}}
    after = {"kind": "ConfigMap", "data": {f"{n}.txt": f"new {n} ä\n" * 200 for n in range(20)}}
    many = [
        {
            "op": "update",
            "urn": f"urn:pulumi:dev::p::kubernetes:core/v1:ConfigMap::one-{n}",
            "oldState": {"inputs": {**before, "metadata": {"name": f"one-{n}"}}},
            "newState": {"inputs": {**after, "metadata": {"name": f"one-{n}"}}},
        }
        for n in range(300)
    ]
    text = comment(plan([*many, plans.step("delete", "Service", "x" * 70_000)]), "dev")
    assert len(text.encode()) <= LIMIT
    assert "left out here" in text
    assert "300 changed" in text
    whole = comment(plan(many[:1]), "dev")
    assert "left out here" not in whole


def test_no_text_becomes_markup_a_link_or_a_mention() -> None:
    evil = "`` @team [x](https://example.com) <img src=x> | `\n```\n# out"
    step = plans.step("update", "ConfigMap", evil)
    board = {"uid": "x", "title": evil, "panels": [{"title": evil, "type": "x"}]}
    rule = {"groups": [{"rules": [{"alert": evil, "expr": evil, "labels": {"severity": evil}}]}]}
    files = {"x.json": json.dumps(board), "rules.yaml": yaml.safe_dump(rule), evil: evil}
    new = {**step["newState"]["inputs"], "data": files}
    text = comment(
        plan([{**step, "newState": {"inputs": new}}, plans.step("delete", "Service", evil)]), "dev"
    )
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    inline = [one for token in tokens for one in token.children or ()]
    assert not [one for one in inline if one.type in ("link_open", "image")]
    assert not [one.content for one in inline if one.type == "text" and "@team" in one.content]
    blocks = "".join(one.content for one in tokens if one.type == "html_block")
    assert "<img" not in blocks
    assert "<img" not in "".join(one.content for one in inline if one.type == "html_inline")
    assert "out" in "".join(one.content for one in tokens if one.type == "fence")


def test_the_fence_of_markdown_would_find_a_link() -> None:
    inline = MarkdownIt("commonmark").enable("table").parse("[x](https://example.com)")[1].children or []
    assert next(one.type for one in inline) == "link_open"


def test_a_phone_shows_no_wide_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comments, "ROWS", 1000)
    text = comment(plan(plans.steps({}, plans.before())), "dev")
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert len(rows) > 50
    assert {line.count(" | ") for line in rows} == {1}
    cells = [cell for line in rows for cell in line.split(" | ")]
    assert max(map(len, cells)) < 1000
