"""The words of Grafana's own alerts, rendered by Alertmanager's tool, whose templates they are."""

import json
import subprocess
from pathlib import Path

from local.toolchain import binary
from stacks.grafana_provisioning import TEXT, TITLE, message_template

STARTED = "2026-01-02T03:04:05Z"
FIRING = {
    "status": "firing",
    "labels": {"alertname": "Slow"},
    "annotations": {
        "summary": "It is slow",
        "description": "12 s a request.",
        "runbook_url": "https://runbooks",
    },
    "startsAt": STARTED,
    "generatorURL": "https://panel",
    "fingerprint": "https://silence",
}
RESOLVED = {"status": "resolved", "labels": {"alertname": "Slow"}, "annotations": {}, "startsAt": STARTED}


def said(text: str, folder: Path, *alerts: object, common: dict[str, str]) -> str:
    """What the template says of alerts; Grafana's two links stand in fields of Alertmanager's alerts."""
    template = message_template().replace(".PanelURL", ".GeneratorURL").replace(".SilenceURL", ".Fingerprint")
    (folder / "words.tmpl").write_text(template)
    data = {
        "receiver": "slack-alerts",
        "status": "firing",
        "alerts": alerts,
        "groupLabels": {},
        "commonLabels": common,
        "commonAnnotations": {},
        "externalURL": "https://grafana",
    }
    (folder / "data.json").write_text(json.dumps(data))
    command = [
        str(binary("amtool")),
        "template",
        "render",
        f"--template.glob={folder / 'words.tmpl'}",
        f"--template.text={text}",
        f"--template.data={folder / 'data.json'}",
    ]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_the_title_counts_what_fires(tmp_path: Path) -> None:
    assert said(TITLE, tmp_path, FIRING, common={"alertname": "Slow"}) == "FIRING: Slow"
    assert said(TITLE, tmp_path, FIRING, FIRING, common={}) == "FIRING: several alerts (2 firing)"


def test_the_text_says_what_since_when_and_where_to_look(tmp_path: Path) -> None:
    assert said(TEXT, tmp_path, FIRING, RESOLVED, common={}).splitlines() == [
        "FIRING It is slow",
        "12 s a request.",
        "Since 2 Jan 03:04 UTC. Panel: https://panel Silence: https://silence",
        "Runbook: https://runbooks",
        "",
        "RESOLVED Slow",
        "Since 2 Jan 03:04 UTC.",
    ]


def test_no_variable_of_a_file_is_in_it() -> None:
    """Grafana puts environment variables in place of `$NAME` in provisioning files."""
    assert "$" not in message_template()
