"""The Kubernetes rights that it takes to deploy a stack, made from the objects that the stack registers.

`.venv/bin/python -m stacks.deployer_role STACK | kubectl --context NAME apply -f -`, by the cluster's
administrator, grants them to the group that `group` names; the steps are in docs/operations.md, the reasons
in docs/decisions/0014-deployer-role.md.
"""

import argparse
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from stacks import program, render, stack_file

Manifest = Mapping[str, Any]
Rule = dict[str, list[str]]

RBAC = "rbac.authorization.k8s.io"

#: What the provider does to an object. Waiting for one to be gone lists and watches all of its kind that are
#: in its namespace (pulumi-kubernetes, provider/pkg/await: condition/deleted.go, informers/factory.go).
_ANY_NAME = ("create", "list", "watch")
_ONE_NAME = ("delete", "get", "patch")

#: What the provider reads besides while it waits for an object to be ready (pulumi-kubernetes,
#: provider/pkg/await: deployment.go, statefulset.go, daemonset.go, service.go, ingress.go).
_READ_WHILE_WAITING: Mapping[str, tuple[tuple[str, str], ...]] = {
    "Deployment": (("apps", "replicasets"), ("", "pods"), ("", "persistentvolumeclaims")),
    "StatefulSet": (("", "pods"),),
    "DaemonSet": (("", "pods"),),
    "Service": (("", "endpoints"),),
    "Ingress": (("", "endpoints"), ("", "services")),
}

#: What is read of the whole cluster: by the wait for a claim, and by `stacks.preflight`.
_READ_OF_THE_CLUSTER: tuple[Rule, ...] = (
    {"apiGroups": ["storage.k8s.io"], "resources": ["storageclasses"], "verbs": ["get", "list"]},
    {"apiGroups": ["storage.k8s.io"], "resources": ["csidrivers"], "verbs": ["get"]},
    {"apiGroups": [""], "resources": ["nodes", "pods"], "verbs": ["list"]},
)


@dataclass(frozen=True, order=True, kw_only=True)
class Right:
    """One thing that the deployer may do, as an access review asks for it."""

    verb: str
    group: str = ""
    resource: str = ""
    name: str = ""
    """The object's name; empty for all of the kind."""
    namespace: str = ""
    """Empty for the whole cluster."""
    url: str = ""
    """A path of the API server that is no resource; all else is empty then."""

    def __str__(self) -> str:
        if self.url:
            return f"{self.verb} {self.url}"
        resource = f"{self.resource}.{self.group}" if self.group else self.resource
        where = f" in namespace {self.namespace}" if self.namespace else " in the whole cluster"
        return f"{self.verb} {resource}{f' {self.name}' if self.name else ''}{where}"


def group(namespace: str) -> str:
    """The group whose members may deploy the stack of a namespace."""
    return f"{namespace}-deployers"


def plural(kind: str) -> str:
    """A kind as paths of the API and rules write it, as apimachinery's UnsafeGuessKindToResource does."""
    word = kind.lower()
    if word.endswith("s"):
        return f"{word}es"
    return f"{word[:-1]}ies" if word.endswith("y") else f"{word}s"


def api_group(manifest: Manifest) -> str:
    """The API group of an object; empty for the core's."""
    return manifest["apiVersion"].rpartition("/")[0]


def role(objects: Sequence[Manifest], namespace: str) -> list[dict[str, Any]]:
    """The roles and bindings that a deployer of these objects needs, named by the stack's namespace.

    In its own namespaces the deployer may do as it likes with each kind that the stack has; of the whole
    cluster it may change only the objects that are the stack's. What the stack's roles grant it must have
    itself, since nobody may grant more. It may not create namespaces, nor roles that say more.
    """
    made = [*_role("ClusterRole", namespace, None, _cluster_rules(objects))]
    for place in sorted({item["metadata"].get("namespace", "") for item in objects} - {""}):
        inside = [item for item in objects if item["metadata"].get("namespace") == place]
        made += _role("Role", namespace, place, _namespace_rules(inside))
    return made


def rights(roles: Iterable[Manifest]) -> list[Right]:
    """Everything that roles grant, one by one, sorted."""
    found: set[Right] = set()
    for item in roles:
        if item["kind"] in ("Role", "ClusterRole"):
            place = item["metadata"].get("namespace", "")
            for rule in item["rules"]:
                found.update(_expanded(rule, place))
    return sorted(found)


def _cluster_rules(objects: Sequence[Manifest]) -> list[Rule]:
    names: dict[tuple[str, str], set[str]] = {}
    for item in objects:
        if "namespace" not in item["metadata"]:
            names.setdefault((api_group(item), plural(item["kind"])), set()).add(item["metadata"]["name"])
    rules: list[Rule] = []
    for (of, resource), known in sorted(names.items()):
        # A right to create cannot be limited to names. Namespaces are the administrator's to create.
        verbs = [verb for verb in _ANY_NAME if (resource, verb) != ("namespaces", "create")]
        rules.append({"apiGroups": [of], "resources": [resource], "verbs": verbs})
        rules.append(
            {
                "apiGroups": [of],
                "resources": [resource],
                "verbs": [*_ONE_NAME],
                "resourceNames": sorted(known),
            }
        )
    return [*rules, *_READ_OF_THE_CLUSTER, *_bound(objects, "ClusterRole"), *_granted(objects, "ClusterRole")]


def _namespace_rules(objects: Sequence[Manifest]) -> list[Rule]:
    kinds = sorted({(api_group(item), plural(item["kind"])) for item in objects})
    read = sorted({pair for item in objects for pair in _READ_WHILE_WAITING.get(item["kind"], ())})
    verbs = sorted((*_ANY_NAME, *_ONE_NAME))
    return [
        *({"apiGroups": [of], "resources": [resource], "verbs": [*verbs]} for of, resource in kinds),
        *(
            {"apiGroups": [of], "resources": [resource], "verbs": ["get", "list", "watch"]}
            for of, resource in read
            if (of, resource) not in kinds
        ),
        *_bound(objects, "Role"),
        *_granted(objects, "Role"),
    ]


def _bound(objects: Sequence[Manifest], kind: str) -> Iterator[Rule]:
    """Binding the stack's own roles, by name: a preview binds them while they do not exist.

    Without this the API server would look into them for what they grant, and find none.
    """
    if names := sorted(item["metadata"]["name"] for item in objects if item["kind"] == kind):
        yield {"apiGroups": [RBAC], "resources": [plural(kind)], "verbs": ["bind"], "resourceNames": names}


def _granted(objects: Sequence[Manifest], kind: str) -> Iterator[Rule]:
    """What the stack's own roles grant."""
    # Objects are registered in another order each time.
    for item in sorted(objects, key=lambda item: item["metadata"]["name"]):
        if item["kind"] == kind:
            yield from ({key: list(value) for key, value in rule.items()} for rule in item["rules"])


def _role(kind: str, name: str, place: str | None, rules: list[Rule]) -> Iterator[dict[str, Any]]:
    metadata = {"name": group(name), **({"namespace": place} if place else {})}
    yield {"apiVersion": f"{RBAC}/v1", "kind": kind, "metadata": metadata, "rules": rules}
    yield {
        "apiVersion": f"{RBAC}/v1",
        "kind": f"{kind}Binding",
        "metadata": metadata,
        "roleRef": {"apiGroup": RBAC, "kind": kind, "name": group(name)},
        "subjects": [{"apiGroup": RBAC, "kind": "Group", "name": group(name)}],
    }


def _expanded(rule: Mapping[str, Sequence[str]], place: str) -> Iterator[Right]:
    for verb in rule["verbs"]:
        yield from (Right(verb=verb, url=url) for url in rule.get("nonResourceURLs", ()))
        for of in rule.get("apiGroups", ()):
            for resource in rule.get("resources", ()):
                for name in rule.get("resourceNames") or ("",):
                    yield Right(verb=verb, group=of, resource=resource, name=name, namespace=place)


def of_stack(stack: str) -> list[dict[str, Any]]:
    """The roles and bindings for the stack of a stack file.

    Raises:
        SettingsError: the stack file has mistakes.
    """
    settings = stack_file.read_stack_file(stack_file.stack_file(stack))
    registered = render.registrations(stack)
    objects = [item.inputs for item in registered if item.is_kubernetes_object]
    return role(objects, settings.kubernetes.namespace)


def main() -> int:
    """The command line: 0 when the roles were printed, 1 with what to mend otherwise."""
    parser = argparse.ArgumentParser(prog="python -m stacks.deployer_role", description=__doc__)
    parser.add_argument("stack", help="the stack's name, such as dev")
    arguments = parser.parse_args()
    try:
        print(yaml.safe_dump_all(of_stack(arguments.stack), sort_keys=False), end="")
    except program.REFUSALS as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
