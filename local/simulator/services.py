"""What the simulated platform consists of, and the values of its metrics' labels that several modules use."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from local.inventory import Pod

NAMESPACE = "dubbing"
NAME_LABEL = "app.kubernetes.io/name"
STAGE_LABEL = "dubbing/stage"
MODEL_LABEL = "dubbing/model"

TIERS = {"free": 0.35, "pro": 0.45, "enterprise": 0.20}
"""The subscription tiers, with their shares of the work."""

JOBS_PER_SECOND = 2 / 60
"""Dubbing jobs that end, on average over a week."""

STAGES = ("transcription", "translation", "voice-synthesis", "lip-sync")
"""The stages that a job passes through, in order."""

WHISPER, NLLB, XTTS, WAV2LIP = MODELS = ("whisper-large", "nllb-200", "xtts-v2", "wav2lip")
"""The model that each stage asks."""


@dataclass(frozen=True, kw_only=True)
class Service:
    """One Deployment of the platform.

    Attributes:
        name: Its name, and that of its container.
        replicas: How many pods it has; what all of them do together is shared out among so many.
        cores: CPU that a pod requests.
        gibibytes: Memory that a pod requests.
        labels: Labels that tell what it does, besides its name.
        gpus: GPUs that a pod asks for.
        claims: Volume claims that its pods mount, with the path of each.
    """

    name: str
    replicas: int = 1
    cores: float
    gibibytes: float
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    gpus: int = 0
    claims: Mapping[str, str] = field(default_factory=dict[str, str])


def _worker(stage: str, replicas: int, claims: Mapping[str, str] | None = None) -> Service:
    return Service(
        name=f"worker-{stage}",
        replicas=replicas,
        cores=0.5,
        gibibytes=1,
        labels={STAGE_LABEL: stage},
        claims=claims or {},
    )


def _model(model: str, claims: Mapping[str, str] | None = None) -> Service:
    return Service(
        name=model, cores=3, gibibytes=12, labels={MODEL_LABEL: model}, gpus=1, claims=claims or {}
    )


API = Service(name="api", replicas=2, cores=0.5, gibibytes=1)

VIDEOS = "videos"
"""The claim that videos lie on while they are worked on."""

CLAIMS = {VIDEOS: "500Gi", "models": "200Gi"}
"""The platform's volume claims and their sizes."""

SERVICES = (
    API,
    _worker(STAGES[0], 2),
    _worker(STAGES[1], 2),
    _worker(STAGES[2], 2),
    _worker(STAGES[3], 1, {VIDEOS: "/videos"}),
    _model(WHISPER, {"models": "/models"}),
    _model(NLLB),
    _model(XTTS),
    _model(WAV2LIP),
)

_BY_NAME = {service.name: service for service in SERVICES}
_OTHER_CORES, _OTHER_GIBIBYTES = 0.1, 0.25


def replicas(pod: Pod) -> int:
    """Return how many pods share the work of a pod's service."""
    service = _BY_NAME.get(pod.labels.get(NAME_LABEL, ""))
    return service.replicas if service else 1


def requested(pod: Pod) -> tuple[float, float]:
    """Return the cores and GiB that a container of a pod requests; a usual figure for those of others."""
    service = _BY_NAME.get(pod.labels.get(NAME_LABEL, ""))
    return (service.cores, service.gibibytes) if service else (_OTHER_CORES, _OTHER_GIBIBYTES)
