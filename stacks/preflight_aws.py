"""What is looked at for a stack that has something in AWS."""

from collections.abc import Iterator

from stacks.live_cluster import Json
from stacks.preflight_situation import Finding, Situation, lives

AGENT = "eks-pod-identity-agent"


def pod_identity(situation: Situation) -> Iterator[Finding]:
    """Whether the agent is there that gives pods their credentials, where they get them from it."""
    aws = situation.settings.aws
    if aws is None or aws.identity != "podIdentity" or situation.pods is None:
        return
    if any(_is_agent(pod) and lives(pod) for pod in situation.pods):
        yield Finding(level="note", text=f"DaemonSet kube-system/{AGENT} has pods: it gives credentials")
        return
    yield Finding(
        # EKS Auto Mode has it on its nodes without a pod that shows.
        level="warning",
        text=f"no pod of DaemonSet kube-system/{AGENT} is seen: without it, pods get no credentials of AWS, "
        "and nothing reaches the workspace or the topic",
        mend=f"aws eks create-addon --addon-name {AGENT} --cluster-name {aws.eks_cluster} "
        f"--region {aws.region}, or aws.identity: irsa. EKS Auto Mode has it built in",
    )


def _is_agent(pod: Json) -> bool:
    metadata = pod["metadata"]
    owners = metadata.get("ownerReferences") or ()
    return metadata["namespace"] == "kube-system" and any(
        owner["kind"] == "DaemonSet" and owner["name"] == AGENT for owner in owners
    )
