"""What a Grafana that exists is told by its API: folders, data sources, dashboards, the contact point.

Importing it imports the provider's SDK, which a stack that provisions from files does without.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumiverse_grafana as grafana

from stacks.grafana_provisioning import (
    CONTACT_POINT,
    FOLDERS,
    GROUP_BY,
    SENDER,
    TEMPLATE,
    TEXT,
    TITLE,
    Store,
    data_sources,
    folder_uid,
    message_template,
    workspace_store,
)
from stacks.grafana_settings import Api
from stacks.notification_settings import ROOT, Slack
from stacks.remote_write import Workspace

#: The folder that editors may change; all else they read.
EDITORS_FOLDER = "sandbox"


@dataclass(frozen=True, kw_only=True)
class GrafanaApiArgs:
    """What an existing Grafana is told."""

    url: str
    token: pulumi.Output[str]
    """Of a service account that is an Admin."""
    data_sources: Sequence[Mapping[str, Any]]
    """As `told_data_sources` gives them."""
    dashboards: Mapping[str, Mapping[str, str]]
    """By their folder, one of `FOLDERS`: file name to JSON."""
    slack: Slack | None
    """The channel of the contact point for alerts that people build in Grafana."""
    notification_policy: bool
    """Whether the contact point gets everything, in place of the policies that are there."""
    secrets: Mapping[str, pulumi.Output[str]]
    """The stack's secrets, by key."""


class GrafanaApi(pulumi.ComponentResource):
    """What is provisioned from files otherwise, in a Grafana that somebody else runs.

    Raises:
        ValueError: dashboards are for a folder that is not one of `FOLDERS`.
    """

    def __init__(self, name: str, args: GrafanaApiArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        if missing := sorted(args.dashboards.keys() - FOLDERS.keys()):
            msg = (
                f"dashboards are for the folder {', '.join(missing)}, which Grafana at {args.url} "
                f"would not have. Nothing of it was registered. Mend: one of {', '.join(FOLDERS)}"
            )
            raise ValueError(msg)
        super().__init__("dubbing:monitoring:GrafanaApi", name, None, opts)
        provider = grafana.Provider(
            f"{name}-provider",
            url=args.url,
            auth=pulumi.Output.secret(args.token),
            opts=pulumi.ResourceOptions(parent=self),
        )
        child = pulumi.ResourceOptions(parent=self, provider=provider)
        folders = {folder: _folder(name, folder, title, child) for folder, title in FOLDERS.items()}
        sources = [_data_source(name, source, child) for source in args.data_sources]
        # A dashboard that comes before its data source would show errors meanwhile.
        after = pulumi.ResourceOptions.merge(child, pulumi.ResourceOptions(depends_on=sources))
        for folder, files in args.dashboards.items():
            for file, text in files.items():
                # A retired one stays the resource that it was: deleting an old one would delete the uid.
                of = "custom" if folder == "archive" else folder
                grafana.oss.Dashboard(
                    f"{name}-{of}-{file.removesuffix('.json')}",
                    config_json=text,
                    folder=folders[folder].uid,
                    overwrite=True,
                    opts=after,
                )
        if args.slack:
            point = _contact_point(name, args.slack, args.secrets[f"slackWebhookUrl-{ROOT}"], child)
            if args.notification_policy:
                grafana.alerting.NotificationPolicy(
                    f"{name}-notification-policy",
                    contact_point=point.name,
                    group_bies=list(GROUP_BY),
                    opts=child,
                )
        self.register_outputs({})


def told_data_sources(
    told: Api, scrape_interval: str, workspace: Workspace | None
) -> Sequence[Mapping[str, Any]]:
    """The data sources of a Grafana that exists: the workspace is Prometheus where no other one is told."""
    kept = workspace_store(workspace.query_url, workspace.region, told.workspace_type) if workspace else None
    near = Store(url=told.prometheus_url) if told.prometheus_url else kept
    if near is None:
        msg = "neither grafana.api.prometheusUrl nor a workspace: the settings refuse that"
        raise ValueError(msg)
    return data_sources(
        scrape_interval,
        prometheus=near,
        alertmanager_url=told.alertmanager_url,
        long_term=kept if near is not kept else None,
    )


def _folder(name: str, folder: str, title: str, opts: pulumi.ResourceOptions) -> grafana.oss.Folder:
    """A folder that all may read, and editors change where it is theirs."""
    made = grafana.oss.Folder(
        f"{name}-{folder}",
        title=title,
        uid=folder_uid(folder),
        # A deleted folder takes along what people made in it.
        prevent_destroy_if_not_empty=True,
        opts=opts,
    )
    grafana.oss.FolderPermission(
        f"{name}-{folder}-permissions",
        folder_uid=made.uid,
        permissions=[
            {"role": "Viewer", "permission": "View"},
            {"role": "Editor", "permission": "Edit" if folder == EDITORS_FOLDER else "View"},
        ],
        opts=opts,
    )
    return made


def _data_source(
    name: str, source: Mapping[str, Any], opts: pulumi.ResourceOptions
) -> grafana.oss.DataSource:
    return grafana.oss.DataSource(
        f"{name}-{source['uid']}",
        name=source["name"],
        type=source["type"],
        uid=source["uid"],
        access_mode=source["access"],
        url=source["url"],
        is_default=source.get("isDefault", False),
        json_data_encoded=json.dumps(source["jsonData"], sort_keys=True),
        opts=opts,
    )


def _contact_point(
    name: str, slack: Slack, url: pulumi.Output[str], opts: pulumi.ResourceOptions
) -> grafana.alerting.ContactPoint:
    """The contact point, and the words that it speaks in."""
    template = grafana.alerting.MessageTemplate(
        f"{name}-message-template", name=TEMPLATE, template=message_template(), opts=opts
    )
    return grafana.alerting.ContactPoint(
        f"{name}-contact-point",
        name=CONTACT_POINT,
        slacks=[
            {
                "url": pulumi.Output.secret(url),
                "recipient": slack.channel,
                "username": SENDER,
                "title": TITLE,
                "text": TEXT,
            }
        ],
        # Grafana refuses a contact point that names a template which is not there.
        opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[template])),
    )
