"""What NVIDIA's DCGM exporter exposes of a node's GPUs, under the names of the version that is deployed."""

import uuid
from collections.abc import Callable, Iterator, Mapping

import numpy as np

from dashboards.contract import Metric
from dashboards.metrics import gpu
from local.inventory import Inventory, Node, Pod
from local.simulator import catalogue
from local.simulator.figures import gauge
from local.simulator.incidents import Incident, Schedule
from local.simulator.rhythm import Windows, during, rhythm
from local.simulator.series import Moments, Simulated
from local.simulator.services import MODEL_LABEL, NLLB, WHISPER, XTTS

MODEL_NAME = "NVIDIA A10G"
MEMORY_MIB = 23_028
DRIVER_MIB = 3

BUSY_PERCENT, SWING_PERCENT, IDLE_PERCENT = 72, 12, 0
IDLE_CELSIUS, CELSIUS_PER_PERCENT = 34, 0.45
IDLE_WATTS, WATTS_PER_PERCENT = 28, 2.2
HELD_MIB = {"default": 12_000, WHISPER: 11_500, NLLB: 15_200, XTTS: 9_800}

UTILIZATION_IN: Mapping[Incident, tuple[str, float]] = {
    catalogue.GPU_SATURATED: (WHISPER, 99),
    catalogue.GPU_IDLE: (NLLB, 4),
}
CELSIUS_IN: Mapping[Incident, tuple[str, float]] = {
    catalogue.GPU_WARM: (XTTS, 82),
    catalogue.GPU_OVERHEAT: (XTTS, 91),
}
"""Whose GPU an incident strikes, and what it brings it to."""


def dcgm(inventory: Inventory, schedule: Schedule, node: Node) -> Iterator[Simulated]:
    """Yield the series of a node's GPUs; an idle one carries no label of a pod."""
    holders = _holders(inventory, node)
    for number in range(node.gpus):
        holder = holders[number] if number < len(holders) else None
        yield from _gpu(schedule, node, number, holder)


def _holders(inventory: Inventory, node: Node) -> list[Pod]:
    """The pod that holds each GPU, in the order of the GPUs."""
    pods = sorted(
        (pod for pod in inventory.pods if pod.node == node.name and pod.gpus),
        key=lambda pod: (pod.namespace, pod.name),
    )
    return [pod for pod in pods for _ in range(pod.gpus)]


def _gpu(schedule: Schedule, node: Node, number: int, holder: Pod | None) -> Iterator[Simulated]:
    identity = str(uuid.uuid5(uuid.NAMESPACE_DNS, f"gpu-{number}.{node.name}"))
    labels = {
        "gpu": str(number),
        "UUID": f"GPU-{identity}",
        "pci_bus_id": f"00000000:00:{0x1B + number:02X}.0",
        "device": f"nvidia{number}",
        "modelName": MODEL_NAME,
        "hostname": node.name,
    }
    if holder:
        labels |= {
            "namespace": holder.namespace,
            "pod": holder.name,
            "container": holder.containers[0].name,
        }
    load = _Load(schedule, identity, holder)
    figures: Mapping[Metric, Callable[[Moments], Moments]] = {
        gpu.UTILIZATION: load.percent,
        gpu.ENGINE_ACTIVE: lambda moments: (load.percent(moments) * 0.0092).round(4),
        gpu.TEMPERATURE: load.celsius,
        gpu.POWER: lambda moments: (IDLE_WATTS + WATTS_PER_PERCENT * load.percent(moments)).round(1),
        gpu.MEMORY_USED: load.used,
        gpu.MEMORY_FREE: lambda moments: MEMORY_MIB - load.used(moments),
    }
    for metric, value in figures.items():
        yield gauge(metric, labels, value)


class _Load:
    """What one GPU has to do."""

    def __init__(self, schedule: Schedule, identity: str, holder: Pod | None) -> None:
        self._held = holder is not None
        model = holder.labels.get(MODEL_LABEL, "") if holder else ""
        self._rhythm = rhythm(identity, ripple=0.2)
        self._memory = HELD_MIB.get(model, HELD_MIB["default"]) if holder else DRIVER_MIB
        self._percent = _struck(schedule, UTILIZATION_IN, model)
        self._celsius = _struck(schedule, CELSIUS_IN, model)

    def percent(self, moments: Moments) -> Moments:
        usual = BUSY_PERCENT + SWING_PERCENT * (self._rhythm.at(moments) - 1) if self._held else IDLE_PERCENT
        value = np.full(moments.shape, IDLE_PERCENT) + usual
        for windows, percent in self._percent:
            value = np.where(windows.last(moments), percent, value)
        return value.round()

    def celsius(self, moments: Moments) -> Moments:
        value = IDLE_CELSIUS + CELSIUS_PER_PERCENT * self.percent(moments)
        for windows, celsius in self._celsius:
            value = np.where(windows.last(moments), np.maximum(value, celsius), value)
        return value.round()

    def used(self, moments: Moments) -> Moments:
        if not self._held:
            return np.full(moments.shape, float(self._memory))
        return (self._memory * (1 + 0.03 * (self._rhythm.at(moments) - 1))).round()


def _struck(
    schedule: Schedule, by: Mapping[Incident, tuple[str, float]], model: str
) -> list[tuple[Windows, float]]:
    return [(during(schedule, incident), value) for incident, (whose, value) in by.items() if whose == model]
