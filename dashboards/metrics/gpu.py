"""What NVIDIA's DCGM exporter exposes: up to 4.8 under one set of names, from 4.9 on under another."""

from dashboards.contract import Metric, MetricType, Source

DCGM = Source(
    name="dcgm-exporter",
    version="4.8",
    labels={"cluster": "dev", "job": "dcgm-exporter", "instance": "10.0.0.4:9400", "node": "ip-10-0-1-7"},
)
# From the dcgm-exporter 4.9.0 release notes: base units, and the unit in the name.
DCGM_NEW = Source(name=DCGM.name, version="4.9", labels=DCGM.labels)

# Hostname became hostname in 4.8.3. An idle GPU has no pod, namespace and container; only MIG instances have
# the GPU_I labels.
_GPU = {
    "gpu": "0",
    "UUID": "GPU-7f3c",
    "pci_bus_id": "00000000:00:1E.0",
    "device": "nvidia0",
    "modelName": "NVIDIA A10G",
    "Hostname": "ip-10-0-1-7",
    "hostname": "ip-10-0-1-7",
    "GPU_I_ID": "",
    "GPU_I_PROFILE": "",
    "namespace": "dubbing",
    "pod": "whisper-6c5f7d8b9-abcde",
    "container": "server",
}


def _field(name: str, unit: str, meaning: str, source: Source = DCGM) -> Metric:
    return Metric(name=name, type=MetricType.GAUGE, unit=unit, labels=_GPU, source=source, meaning=meaning)


_UTILIZATION = (
    "Share of the time in which the GPU ran anything at all; not to be had from a GPU split by MIG."
)
_ENGINE = "Share of the time in which the graphics engine was active; to be had from MIG instances, too."
_TEMPERATURE = "Temperature of the GPU."
_POWER = "Power that the GPU draws."
_MEMORY = "Memory of the GPU, or of the MIG instance, that is in use."
_FREE = "Memory of the GPU, or of the MIG instance, that is free."

UTILIZATION = _field("DCGM_FI_DEV_GPU_UTIL", "percent", _UTILIZATION)
UTILIZATION_RATIO = _field("DCGM_FI_DEV_GPU_UTIL_RATIO", "ratio", _UTILIZATION, DCGM_NEW)
ENGINE_ACTIVE = _field("DCGM_FI_PROF_GR_ENGINE_ACTIVE", "ratio", _ENGINE)
ENGINE_RATIO = _field("DCGM_FI_PROF_GR_ENGINE_UTIL_RATIO", "ratio", _ENGINE, DCGM_NEW)
TEMPERATURE = _field("DCGM_FI_DEV_GPU_TEMP", "degrees Celsius", _TEMPERATURE)
TEMPERATURE_CELSIUS = _field("DCGM_FI_DEV_GPU_TEMP_CELSIUS", "degrees Celsius", _TEMPERATURE, DCGM_NEW)
POWER = _field("DCGM_FI_DEV_POWER_USAGE", "watts", _POWER)
POWER_WATTS = _field("DCGM_FI_DEV_BOARD_POWER_WATTS", "watts", _POWER, DCGM_NEW)
MEMORY_USED = _field("DCGM_FI_DEV_FB_USED", "MiB", _MEMORY)
MEMORY_USED_BYTES = _field("DCGM_FI_DEV_FB_USED_BYTES", "bytes", _MEMORY, DCGM_NEW)
MEMORY_FREE = _field("DCGM_FI_DEV_FB_FREE", "MiB", _FREE)
MEMORY_FREE_BYTES = _field("DCGM_FI_DEV_FB_FREE_BYTES", "bytes", _FREE, DCGM_NEW)
