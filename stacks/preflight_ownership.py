"""What is there already, whose it is, and what the user may do: a part of `stacks.preflight_checks`."""

from collections.abc import Iterator

from stacks import deployer_role, workload
from stacks.deployer_role import Right, api_group, group
from stacks.live_cluster import Json, RefusedError
from stacks.preflight_situation import Finding, Situation, identity, lives

_PULUMI = "pulumi-kubernetes"
_MANAGED_BY = "app.kubernetes.io/managed-by"
_PART_OF = "app.kubernetes.io/part-of"

#: How many of somebody else's pods are named.
_NAMED = 3


def existing_objects(situation: Situation) -> Iterator[Finding]:
    """Whether objects of the stack's names are there that Pulumi did not make.

    What outlives a stack is taken over, as long as nobody else says that it is his.
    """
    items = [item for item in situation.registrations if item.is_kubernetes_object and not item.import_id]
    live = situation.cluster.existing([item.inputs for item in items])
    strangers = [
        (item, found)
        for item, found in zip(items, live, strict=True)
        if found is not None
        and not _is_managed(found)
        and not (item.retain_on_delete and _MANAGED_BY not in (found["metadata"].get("labels") or {}))
    ]
    for item, found in strangers:
        setting, known_as = situation.setting(item), identity(found)
        yield Finding(
            level="error",
            text=f"{item.inputs['kind']} {known_as} exists already, and Pulumi did not make it",
            mend=f'take it over with the option import_="{known_as}" of {item.name} ({item.type}), see '
            "docs/operations.md"
            + (f", leave it to whoever runs it with {setting}.mode: external" if setting else "")
            + (", set kubernetes.namespace to another one" if "namespace" not in found["metadata"] else "")
            + ", or delete it",
        )
    if not strangers:
        made = sum(found is not None for found in live)
        text = f"none of the stack's {len(items)} objects belongs to somebody else; {made} are there already"
        yield Finding(level="note", text=text)


def occupied_namespaces(situation: Situation) -> Iterator[Finding]:
    """Whether somebody else's pods live in a namespace that would become the stack's.

    They would be denied all traffic, and by the first namespace's Pod Security also their next start.
    """
    kubernetes = situation.settings.kubernetes
    places = situation.of_kind("Namespace") if situation.pods is not None else []
    for place, found in zip(places, situation.cluster.existing(places), strict=True):
        if found is None or _is_managed(found):
            continue
        name = place["metadata"]["name"]
        others = sorted(
            identity(pod)
            for pod in situation.pods or ()
            if pod["metadata"]["namespace"] == name and not _is_of_a_stack(pod) and lives(pod)
        )
        if not others:
            continue
        key = "nodeNamespace" if name == kubernetes.node_namespace else "namespace"
        level = place["metadata"]["labels"]["pod-security.kubernetes.io/enforce"]
        yield Finding(
            level="error",
            text=f"namespace {name} has {len(others)} pods of somebody else, such as "
            f"{', '.join(others[:_NAMED])}: the stack's network policies and its Pod Security level {level} "
            "would be theirs, too",
            mend=f"kubernetes.{key} in the stack file names a namespace of the stack's own",
        )


def rights(situation: Situation) -> Iterator[Finding]:
    """Which rights the user lacks to deploy the stack."""
    namespace = situation.settings.kubernetes.namespace
    needed = deployer_role.rights(deployer_role.role(situation.objects, namespace))
    places = situation.of_kind("Namespace")
    try:
        live = situation.cluster.existing(places)
        absent = [place for place, found in zip(places, live, strict=True) if found is None]
        to_make, condition = absent, ""
    except RefusedError:
        # Who may not look at a namespace lacks that right, too.
        absent, to_make, condition = [], places, "; the namespaces only where they are missing"
    needed += [
        Right(verb="create", group=api_group(place), resource="namespaces", name=place["metadata"]["name"])
        for place in absent[:1]
    ]
    lacking = situation.cluster.denied(needed)
    if not lacking:
        yield Finding(level="note", text=f"the user has all {len(needed)} rights that it takes")
        return
    steps = [
        *(f"{situation.kubectl} create namespace {place['metadata']['name']}" for place in to_make),
        f".venv/bin/python -m stacks.deployer_role {situation.stack} | {situation.kubectl} apply -f -",
    ]
    yield Finding(
        level="error",
        text=f"the user lacks {len(lacking)} of {len(needed)} rights that it takes:\n"
        + "\n".join(f"  {right}" for right in lacking),
        mend=f"the cluster's administrator gives them to the group {group(namespace)} (docs/operations.md)"
        f"{condition}:\n" + "\n".join(f"  {step}" for step in steps),
    )


def _is_managed(live: Json) -> bool:
    """Whether Pulumi made or takes care of an object: by its manager of fields, or by its label."""
    managers = live["metadata"].get("managedFields") or ()
    return any(str(entry.get("manager", "")).startswith(_PULUMI) for entry in managers) or (
        (live["metadata"].get("labels") or {}).get(_MANAGED_BY) == "pulumi"
    )


def _is_of_a_stack(pod: Json) -> bool:
    return (pod["metadata"].get("labels") or {}).get(_PART_OF) == workload.PART_OF
