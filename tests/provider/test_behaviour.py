"""What the stand-in does with a request, without a cluster: a table, each row with its official source.

Sources are places of pulumi/pulumi-kubernetes under provider/pkg, as of 4.34.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import pytest
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from local.kubernetes_provider.kinds import KINDS, kind_of
from local.kubernetes_provider.objects import checkpoint
from local.provider_wire import UNKNOWN, Secret, decode, encode
from tests.provider.conftest import Connect, kubeconfig

Object = dict[str, Any]
MUTABLE = {"enableConfigMapMutable": "true", "enableSecretMutable": "true"}


def urn(token: str, name: str = "thing") -> str:
    return f"urn:pulumi:stack::project::{token}::{name}"


def thing(kind: str, *, name: str = "a", api_version: str = "v1", **fields: object) -> Object:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name, "namespace": "n"}, **fields}


def app(kind: str, **spec: object) -> Object:
    return thing(kind, api_version="apps/v1", spec=spec)


@dataclass(frozen=True, kw_only=True)
class Row:
    """One change of an object, and what the provider has to make of it.

    Attributes:
        says: the behaviour, in words.
        source: where the official provider has it.
        old: the inputs that the object was made with.
        new: the inputs that the program has now.
        live: what the cluster holds beside the old inputs.
        options: of the provider resource.
        changes: the expected property paths, each with the protocol's word.
        deletes_first: whether the old object has to go before the new one comes.
        ignored: the program's `ignore_changes`.
    """

    says: str
    source: str
    old: Object
    new: Object
    live: Object = field(default_factory=dict[str, Any])
    options: Mapping[str, str] = field(default_factory=dict[str, str])
    changes: Mapping[str, str]
    deletes_first: bool = False
    ignored: tuple[str, ...] = ()


def volume(size: str) -> Object:
    return {"metadata": {"name": "data"}, "spec": {"resources": {"requests": {"storage": size}}}}


DIFFS = (
    Row(
        says="nothing changed: nothing to do, whatever the server filled in",
        source="provider/provider.go Diff, pruneLiveState",
        old=app("Deployment", replicas=1),
        new=app("Deployment", replicas=1),
        live={"status": {"replicas": 1}, "spec": {"replicas": 1, "revisionHistoryLimit": 10}},
        changes={},
    ),
    Row(
        says="a quantity in the server's notation is no change",
        source="provider/provider.go normalizeInputs, clients.Normalize",
        old=app("Deployment", resources={"limits": {"cpu": "1000m"}, "requests": {"memory": "1024Mi"}}),
        new=app("Deployment", resources={"limits": {"cpu": "1000m"}, "requests": {"memory": "1024Mi"}}),
        live={"spec": {"resources": {"limits": {"cpu": "1"}, "requests": {"memory": "1Gi"}}}},
        changes={},
    ),
    Row(
        says="an empty value that the server does not store is no change",
        source="provider/provider.go normalizeInputs, clients.Normalize",
        old=app("Deployment", hostNetwork=False, egress=[]),
        new=app("Deployment", hostNetwork=False, egress=[]),
        live={"spec": {}},
        changes={},
    ),
    Row(
        says="what drifted in the cluster is put back",
        source="provider/provider.go Diff, oldLivePruned",
        old=app("Deployment", replicas=1),
        new=app("Deployment", replicas=1),
        live={"spec": {"replicas": 5}},
        changes={"spec.replicas": "UPDATE"},
    ),
    Row(
        says="another name replaces, without deleting first",
        source="provider/diff.go metadataForceNewProperties",
        old=thing("ServiceAccount", name="a"),
        new=thing("ServiceAccount", name="b"),
        changes={"metadata.name": "UPDATE_REPLACE"},
    ),
    Row(
        says="another namespace replaces, without deleting first",
        source="provider/diff.go metadataForceNewProperties",
        old=thing("ServiceAccount"),
        new=thing("ServiceAccount") | {"metadata": {"name": "a", "namespace": "m"}},
        changes={"metadata.namespace": "UPDATE_REPLACE"},
    ),
    Row(
        says="ConfigMap data replaces, deleting first since the name stays",
        source="provider/diff.go forceNewProperties; provider.go Diff, deleteBeforeReplace",
        old=thing("ConfigMap", data={"a.yml": "1"}),
        new=thing("ConfigMap", data={"a.yml": "2"}),
        changes={'data["a.yml"]': "UPDATE_REPLACE"},
        deletes_first=True,
    ),
    Row(
        says="ConfigMap data is updated in place with enableConfigMapMutable",
        source="provider/diff.go forceNewProperties",
        old=thing("ConfigMap", data={"a": "1", "gone": "x"}),
        new=thing("ConfigMap", data={"a": "2", "new": "y"}),
        options=MUTABLE,
        changes={"data.a": "UPDATE", "data.gone": "DELETE", "data.new": "ADD"},
    ),
    Row(
        says="an immutable ConfigMap is replaced even with enableConfigMapMutable",
        source="provider/diff.go forceNewProperties, clients.IsImmutable",
        old=thing("ConfigMap", data={"a": "1"}, immutable=True),
        new=thing("ConfigMap", data={"a": "2"}, immutable=True),
        options=MUTABLE,
        changes={"data.a": "UPDATE_REPLACE"},
        deletes_first=True,
    ),
    Row(
        says="labels of a ConfigMap are updated in place",
        source="provider/diff.go forceNew",
        old=thing("ConfigMap"),
        new=thing("ConfigMap") | {"metadata": {"name": "a", "namespace": "n", "labels": {"x": "y"}}},
        changes={"metadata.labels": "ADD"},
    ),
    Row(
        says="Secret data replaces",
        source="provider/diff.go forceNewProperties",
        old=thing("Secret", stringData={"a": "1"}),
        new=thing("Secret", stringData={"a": "2"}),
        live={"data": {"a": "MQ=="}},
        changes={"stringData.a": "UPDATE_REPLACE"},
        deletes_first=True,
    ),
    Row(
        says="Secret data is updated in place with enableSecretMutable",
        source="provider/diff.go forceNewProperties",
        old=thing("Secret", data={"a": "MQ=="}),
        new=thing("Secret", data={"a": "Mg=="}),
        options=MUTABLE,
        changes={"data.a": "UPDATE"},
    ),
    Row(
        says="unchanged stringData is no change, though the server answers it as data",
        source="provider/provider.go checkpointObject",
        old=thing("Secret", stringData={"a": "1"}),
        new=thing("Secret", stringData={"a": "1"}),
        live={"data": {"a": "MQ=="}},
        changes={},
    ),
    Row(
        says="base64 over several lines is no change",
        source="clients/unstructured.go Normalize",
        old=thing("Secret", data={"a": "MQ=="}),
        new=thing("Secret", data={"a": "MQ\n==\n"}),
        changes={},
    ),
    Row(
        says="a Secret's type replaces even with enableSecretMutable",
        source="provider/diff.go forceNew, Secret",
        old=thing("Secret", type="Opaque"),
        new=thing("Secret", type="example.com/other"),
        options=MUTABLE,
        changes={"type": "UPDATE_REPLACE"},
        deletes_first=True,
    ),
    Row(
        says="volumeClaimTemplates of a StatefulSet replace",
        source="provider/diff.go statefulSet",
        old=app("StatefulSet", volumeClaimTemplates=[volume("1Gi")]),
        new=app("StatefulSet", volumeClaimTemplates=[volume("2Gi")]),
        changes={"spec.volumeClaimTemplates[0].spec.resources.requests.storage": "UPDATE_REPLACE"},
        deletes_first=True,
    ),
    Row(
        says="serviceName, podManagementPolicy and revisionHistoryLimit of a StatefulSet replace",
        source="provider/diff.go statefulSet",
        old=app("StatefulSet", serviceName="a", podManagementPolicy="Parallel", revisionHistoryLimit=1),
        new=app("StatefulSet", serviceName="b", podManagementPolicy="OrderedReady", revisionHistoryLimit=2),
        changes={
            "spec.podManagementPolicy": "UPDATE_REPLACE",
            "spec.revisionHistoryLimit": "UPDATE_REPLACE",
            "spec.serviceName": "UPDATE_REPLACE",
        },
        deletes_first=True,
    ),
    Row(
        says="replicas and template of a StatefulSet are updated in place",
        source="provider/diff.go statefulSet",
        old=app("StatefulSet", replicas=1, template={"spec": {"containers": [{"image": "a:1"}]}}),
        new=app("StatefulSet", replicas=2, template={"spec": {"containers": [{"image": "a:2"}]}}),
        changes={"spec.replicas": "UPDATE", "spec.template.spec.containers[0].image": "UPDATE"},
    ),
    *(
        Row(
            says=f"the selector of a {kind} replaces",
            source=f"provider/diff.go {kind.lower()}",
            old=app(kind, selector={"matchLabels": {"app": "a"}}),
            new=app(kind, selector={"matchLabels": {"app": "b"}}),
            changes={"spec.selector.matchLabels.app": "UPDATE_REPLACE"},
            deletes_first=True,
        )
        for kind in ("Deployment", "DaemonSet")
    ),
    Row(
        says="a field that comes with a whole new part replaces too",
        source="openapi PatchPropertiesChanged",
        old=thing("Deployment", api_version="apps/v1"),
        new=app("Deployment", selector={"matchLabels": {"app": "a"}}),
        changes={"spec": "ADD_REPLACE"},
        deletes_first=True,
    ),
    Row(
        says="a claim's class and modes replace, its size does not",
        source="provider/diff.go core, PersistentVolumeClaim",
        old=thing(
            "PersistentVolumeClaim", spec={"storageClassName": "a", "resources": {"requests": {"storage": 1}}}
        ),
        new=thing(
            "PersistentVolumeClaim", spec={"storageClassName": "b", "resources": {"requests": {"storage": 2}}}
        ),
        changes={"spec.resources.requests.storage": "UPDATE", "spec.storageClassName": "UPDATE_REPLACE"},
        deletes_first=True,
    ),
    Row(
        says="a Service's cluster address replaces, its ports do not",
        source="provider/diff.go core, Service",
        old=thing("Service", spec={"clusterIP": "None", "ports": [{"port": 1}, {"port": 2}]}),
        new=thing("Service", spec={"ports": [{"port": 3}]}),
        changes={
            "spec.clusterIP": "DELETE_REPLACE",
            "spec.ports[0].port": "UPDATE",
            "spec.ports[1]": "DELETE",
        },
        deletes_first=True,
    ),
    Row(
        says="the role of a binding replaces",
        source="provider/diff.go roleBinding",
        old=thing("RoleBinding", api_version="rbac.authorization.k8s.io/v1", roleRef={"name": "a"}),
        new=thing("RoleBinding", api_version="rbac.authorization.k8s.io/v1", roleRef={"name": "b"}),
        changes={"roleRef.name": "UPDATE_REPLACE"},
        deletes_first=True,
    ),
    Row(
        says="the provisioner and parameters of a StorageClass replace, and a namespace on it is ignored",
        source="provider/diff.go storage.k8s.io; provider.go Diff, SetNamespace",
        old={
            "apiVersion": "storage.k8s.io/v1",
            "kind": "StorageClass",
            "metadata": {"name": "a"},
            "provisioner": "x",
        },
        new=thing("StorageClass", api_version="storage.k8s.io/v1", provisioner="y", parameters={"t": "1"}),
        changes={"parameters": "ADD_REPLACE", "provisioner": "UPDATE_REPLACE"},
        deletes_first=True,
    ),
    Row(
        says="a PodDisruptionBudget of policy/v1 is updated in place",
        source="provider/diff.go forceNew: only v1beta1 is listed",
        old=thing("PodDisruptionBudget", api_version="policy/v1", spec={"minAvailable": 1}),
        new=thing("PodDisruptionBudget", api_version="policy/v1", spec={"minAvailable": 2}),
        changes={"spec.minAvailable": "UPDATE"},
    ),
    Row(
        says="a value that is not known yet is a change",
        source="provider/provider.go addPatchValueToDiff, resource.Computed",
        old=thing("ConfigMap", data={"a": "1"}),
        new=thing("ConfigMap", data={"a": UNKNOWN}),
        options=MUTABLE,
        changes={"data.a": "UPDATE"},
    ),
    Row(
        says="an object named by the provider is replaced without deleting first",
        source="provider/provider.go Diff, metadata.IsAutonamed",
        old=thing("ConfigMap", data={"a": "1"}),
        new=thing("ConfigMap", data={"a": "2"})
        | {"metadata": {"name": "a", "namespace": "n", "annotations": {"pulumi.com/autonamed": "true"}}},
        changes={"data.a": "UPDATE_REPLACE", "metadata.annotations": "ADD"},
    ),
    Row(
        says="ignored paths are no change",
        source="provider/provider.go Diff, IgnoreChanges",
        old=app("StatefulSet", replicas=1, volumeClaimTemplates=[volume("1Gi")]),
        new=app("StatefulSet", replicas=2, volumeClaimTemplates=[volume("2Gi")]),
        ignored=("spec.volumeClaimTemplates",),
        changes={"spec.replicas": "UPDATE"},
    ),
)


def token_of(item: Object) -> str:
    return next(
        kind.token for kind in KINDS if (kind.api_version, kind.name) == (item["apiVersion"], item["kind"])
    )


@pytest.mark.parametrize("row", DIFFS, ids=lambda row: row.says)
def test_a_change_is_what_the_official_provider_makes_of_it(connect: Connect, row: Row) -> None:
    live = row.old | {"metadata": {**row.old["metadata"], "uid": "1"}} | row.live
    state = checkpoint(row.old, live, row.old, row.old["apiVersion"], "pulumi-kubernetes-1")
    answer = connect(**row.options).Diff(
        provider_pb2.DiffRequest(
            urn=urn(token_of(row.new)),
            olds=encode(state),
            news=encode(row.new),
            ignoreChanges=row.ignored,
        )
    )
    names = provider_pb2.PropertyDiff.Kind.Name
    assert {path: names(change.kind) for path, change in answer.detailedDiff.items()} == dict(row.changes)
    assert set(answer.replaces) == {path for path, word in row.changes.items() if word.endswith("REPLACE")}
    assert answer.deleteBeforeReplace == row.deletes_first
    some, none = provider_pb2.DiffResponse.DIFF_SOME, provider_pb2.DiffResponse.DIFF_NONE
    assert answer.changes == (some if row.changes else none)


Autonaming = provider_pb2.CheckRequest.AutonamingOptions


def check(
    stub: provider_pb2_grpc.ResourceProviderStub,
    new: Object,
    old: Object | None = None,
    *,
    of_type: str = "",
    autonaming: Autonaming | None = None,
) -> provider_pb2.CheckResponse:
    return stub.Check(
        provider_pb2.CheckRequest(
            urn=urn(of_type or token_of(new)),
            news=encode(new),
            olds=encode(old or {}),
            autonaming=autonaming,
        )
    )


def test_an_object_without_a_namespace_gets_the_providers_then_the_contexts(connect: Connect) -> None:
    """Source: provider/provider.go Check, defaultNamespace."""
    nameless = thing("ConfigMap") | {"metadata": {"name": "a"}}
    ours = decode(check(connect(), nameless).inputs)
    theirs = decode(check(connect(namespace="theirs"), nameless).inputs)
    assert (ours["metadata"]["namespace"], theirs["metadata"]["namespace"]) == ("default", "theirs")


def test_a_kind_without_namespaces_gets_none(connect: Connect) -> None:
    """Source: provider/provider.go Check, IsNamespacedKind."""
    item = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a"}}
    assert decode(check(connect(namespace="theirs"), item).inputs) == item


def test_an_object_without_a_name_is_named_and_keeps_its_name(connect: Connect) -> None:
    """Source: metadata/naming.go AssignNameIfAutonamable, AdoptOldAutonameIfUnnamed."""
    stub, nameless = connect(), {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {}}
    first = decode(check(stub, nameless).inputs)
    assert first["metadata"]["name"].startswith("thing-")
    assert first["metadata"]["annotations"] == {"pulumi.com/autonamed": "true"}
    assert decode(check(stub, nameless, first).inputs) == first


def test_the_engine_may_propose_the_name_or_forbid_to_make_one(connect: Connect) -> None:
    """Source: metadata/naming.go AssignNameIfAutonamable, engineAutonaming."""
    stub, nameless = connect(), {"apiVersion": "v1", "kind": "ConfigMap"}
    proposal = Autonaming(mode=Autonaming.PROPOSE, proposed_name="better")
    assert decode(check(stub, nameless, autonaming=proposal).inputs)["metadata"]["name"] == "better"
    with pytest.raises(grpc.RpcError, match="autonaming is disabled"):
        check(stub, nameless, autonaming=Autonaming(mode=Autonaming.DISABLE))


def test_secrets_and_unknown_values_pass_through_check(connect: Connect) -> None:
    """Source: provider/provider.go Check, annotateSecrets; hasComputedValue."""
    item = thing("ConfigMap", data={"a": Secret("hidden"), "b": UNKNOWN, "c": "plain"})
    checked = decode(check(connect(), item).inputs)
    assert checked["data"] == {"a": Secret("hidden"), "b": UNKNOWN, "c": "plain"}


def test_all_data_of_a_secret_is_secret(connect: Connect) -> None:
    """Source: provider/provider.go annotateSecrets, secretKind."""
    checked = decode(check(connect(), thing("Secret", data={"a": "MQ=="}, stringData={"b": "2"})).inputs)
    assert (checked["data"], checked["stringData"]) == (Secret({"a": "MQ=="}), Secret({"b": "2"}))


def test_a_list_with_a_secret_is_secret_as_a_whole_in_state() -> None:
    """Source: provider/provider.go annotateSecrets, its note on arrays."""
    item = app("Deployment", env=[{"value": Secret("hidden")}, {"value": "seen"}])
    live = app("Deployment", env=[{"value": "hidden"}, {"value": "seen"}])
    state = checkpoint(live, live, item, "apps/v1", "manager")
    assert isinstance(state["spec"]["env"], Secret)
    assert isinstance(state["__inputs"]["spec"]["env"], Secret)


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        (thing("ConfigMap", api_version="v2"), "apiVersion has to be v1"),
        (thing("Pod"), "kind has to be ConfigMap"),
        (thing("ConfigMap") | {"metadata": {"generateName": "a-"}}, "generateName"),
        (
            thing("ConfigMap") | {"metadata": {"name": "a", "annotations": {"pulumi.com/waitFor": "x"}}},
            "pulumi.com/waitFor",
        ),
    ],
)
def test_what_the_stand_in_cannot_do_is_refused_by_name(connect: Connect, item: Object, reason: str) -> None:
    failures = check(connect(), item, of_type="kubernetes:core/v1:ConfigMap").failures
    assert [reason in failure.reason for failure in failures] == [True]


def test_another_kind_is_refused_by_name(connect: Connect) -> None:
    with pytest.raises(grpc.RpcError, match=r"does not support kubernetes:batch/v1:Job"):
        check(connect(), thing("Job", api_version="batch/v1"), of_type="kubernetes:batch/v1:Job")


def test_a_kind_inside_a_component_is_found() -> None:
    nested = "urn:pulumi:stack::project::a:b:Component$kubernetes:core/v1:Secret::thing"
    assert kind_of(nested).name == "Secret"


def test_a_preview_with_unknown_values_answers_with_the_inputs(connect: Connect) -> None:
    """Source: provider/provider.go Create and Update, hasComputedValue."""
    stub, item = connect(), thing("ConfigMap", data={"a": UNKNOWN})
    token = urn("kubernetes:core/v1:ConfigMap")
    created = stub.Create(provider_pb2.CreateRequest(urn=token, properties=encode(item), preview=True))
    updated = stub.Update(provider_pb2.UpdateRequest(urn=token, news=encode(item), preview=True))
    assert decode(created.properties) == decode(updated.properties) == item


def test_a_context_that_does_not_exist_fails_the_first_check(connect: Connect, tmp_path: Path) -> None:
    """Source: provider/provider.go Configure, clusterUnreachableReason."""
    path = tmp_path / "kubeconfig"
    path.write_text(kubeconfig("http://127.0.0.1:1"), "utf-8")
    with pytest.raises(grpc.RpcError, match='context "nowhere" does not exist; the kubeconfig has'):
        check(connect(kubeconfig=str(path), context="nowhere"), thing("ConfigMap"))


def test_a_cluster_that_does_not_answer_fails_the_first_check(connect: Connect) -> None:
    """Source: provider/provider.go Configure, 'unable to load schema information from the API server'."""
    with pytest.raises(grpc.RpcError, match=r"cluster is unreachable: unable to load schema .*refused"):
        check(connect(kubeconfig=kubeconfig("http://127.0.0.1:1")), thing("ConfigMap"))


@pytest.mark.parametrize(
    ("old", "new", "differing", "replaces"),
    [
        ({"context": "a"}, {"context": "a"}, [], []),
        ({"context": "a"}, {"context": "b"}, ["context"], []),
        ({}, {"enableConfigMapMutable": "true"}, ["enableConfigMapMutable"], []),
        ({"context": "a"}, {"context": UNKNOWN}, ["context"], ["context"]),
        ({"kubeconfig": kubeconfig("http://a")}, {"kubeconfig": kubeconfig("http://a", "b")},
         ["kubeconfig"], []),
        ({"kubeconfig": kubeconfig("http://a")}, {"kubeconfig": kubeconfig("http://b")},
         ["kubeconfig"], ["kubeconfig"]),
        ({"clusterIdentifier": "a", "context": "a"}, {"clusterIdentifier": "a", "context": UNKNOWN},
         ["context"], []),
        ({"clusterIdentifier": "a"}, {"clusterIdentifier": "b"},
         ["clusterIdentifier"], ["clusterIdentifier"]),
        ({}, {"clusterIdentifier": "b"}, ["clusterIdentifier"], []),
    ],
)  # fmt: skip
def test_only_another_cluster_replaces_what_the_provider_manages(
    connect: Connect, old: Object, new: Object, differing: list[str], replaces: list[str]
) -> None:
    """Source: provider/provider.go DiffConfig; util.go getActiveClusterFromConfig."""
    request = provider_pb2.DiffRequest(olds=encode(old), news=encode(new))
    answer = connect().DiffConfig(request)
    assert (list(answer.diffs), list(answer.replaces)) == (differing, replaces)


@pytest.mark.parametrize("option", ["renderYamlToDirectory", "deleteUnreachable", "kubeClientSettings"])
def test_a_provider_option_that_the_stand_in_does_not_have_is_refused(connect: Connect, option: str) -> None:
    answer = connect().CheckConfig(provider_pb2.CheckRequest(news=encode({option: "true", "context": "a"})))
    assert [failure.property for failure in answer.failures] == [option]


def test_client_side_apply_is_refused(connect: Connect) -> None:
    options = encode({"enableServerSideApply": "false"})
    answer = connect().CheckConfig(provider_pb2.CheckRequest(news=options))
    assert [failure.property for failure in answer.failures] == ["enableServerSideApply"]


def test_the_answers_to_configure_are_the_official_ones(connect: Connect, kubeconfig_text: str) -> None:
    """Source: provider/provider.go Configure, ConfigureResponse."""
    answer = connect().Configure(
        provider_pb2.ConfigureRequest(variables={"kubernetes:config:kubeconfig": kubeconfig_text})
    )
    assert answer == provider_pb2.ConfigureResponse(
        acceptSecrets=True, supportsPreview=True, supports_autonaming_configuration=True
    )
