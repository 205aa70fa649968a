"""The right numbers for GPUs, worked out by hand: shared, split, idle, moved, by old and new names."""

from functools import partial
from pathlib import Path

from tests.dashboards.promql_cases import Case, failure, panel

models = partial(panel, uid="model-performance")
costs = partial(panel, uid="cost-performance")

GIB = 1024**3


def labels(gpu: int, pod: str = "", instance: str = "") -> str:
    held = f', namespace="dubbing", pod="{pod}", container="server"' if pod else ""
    split = f', GPU_I_ID="{instance}", GPU_I_PROFILE="1g.5gb"' if instance else ""
    return (
        f'cluster="dev", job="dcgm-exporter", node="node-1", gpu="{gpu}", UUID="GPU-{gpu}"'
        f', Hostname="node-1"{held}{split}'
    )


def pod(name: str, service: str, model: str) -> str:
    return (
        f'kube_pod_labels{{cluster="dev", job="kube-state-metrics", namespace="dubbing", pod="{name}"'
        f', uid="{name}", label_app_kubernetes_io_name="{service}", label_dubbing_model="{model}"}}'
    )


PODS = {
    pod("whisper-1", "asr", "whisper"): "1x300",
    pod("xtts-1", "tts", "xtts"): "1x300",
}


def test_a_pod_that_moves_takes_its_model_along_and_no_gpu_counts_twice(
    promtool: Path, tmp_path: Path
) -> None:
    # For an hour the pod holds GPU 0, then GPU 1; the other one idles, without a pod.
    series = PODS | {
        f"DCGM_FI_DEV_GPU_UTIL{{{labels(0, 'whisper-1')}}}": "80x59 stale _x240",
        f"DCGM_FI_DEV_GPU_UTIL{{{labels(0)}}}": "_x60 0x240",
        f"DCGM_FI_DEV_GPU_UTIL{{{labels(1)}}}": "0x59 stale _x240",
        f"DCGM_FI_DEV_GPU_UTIL{{{labels(1, 'whisper-1')}}}": "_x60 60x240",
        f"DCGM_FI_DEV_FB_USED{{{labels(0, 'whisper-1')}}}": "2048x59 stale _x240",
        f"DCGM_FI_DEV_FB_USED{{{labels(0)}}}": "_x60 0x240",
        f"DCGM_FI_DEV_FB_USED{{{labels(1)}}}": "0x59 stale _x240",
        f"DCGM_FI_DEV_FB_USED{{{labels(1, 'whisper-1')}}}": "_x60 2048x240",
    }
    by_model, of_all = models("GPU Utilization by Model"), models("Average GPU Utilization")
    memory = models("Model Memory Usage")
    found = failure(
        promtool,
        tmp_path,
        series,
        Case(expression=by_model, at="30m", expected={'{model="whisper"}': 0.8, '{model="none"}': 0}),
        Case(expression=of_all, at="30m", expected={"{}": 0.4}),
        # A minute after the move the old GPU is nobody's, at once.
        Case(expression=by_model, at="62m", expected={'{model="whisper"}': 0.6, '{model="none"}': 0}),
        Case(expression=of_all, at="62m", expected={"{}": 0.3}),
        Case(expression=of_all, at="62m", expected={"{}": 0.6}, chosen={"model": "whisper"}),
        Case(expression=memory, at="62m", expected={'{model="whisper"}': 2 * GIB, '{model="none"}': 0}),
        Case(expression=models("Total GPU Memory Used"), at="62m", expected={"{}": 2 * GIB}),
    )
    assert found is None


def test_a_shared_gpu_counts_once_in_totals_and_for_each_of_its_models(
    promtool: Path, tmp_path: Path
) -> None:
    series = PODS | {
        f"{field}{{{labels(0, holder)}}}": f"{value}x300"
        for holder in ("whisper-1", "xtts-1")
        for field, value in (
            ("DCGM_FI_DEV_GPU_UTIL", 90),
            ("DCGM_FI_DEV_FB_USED", 1024),
            ("DCGM_FI_DEV_FB_FREE", 3072),
            ("DCGM_FI_DEV_GPU_TEMP", 70),
            ("DCGM_FI_DEV_POWER_USAGE", 250),
        )
    }
    found = failure(
        promtool,
        tmp_path,
        series,
        Case(expression=models("Average GPU Utilization"), at="10m", expected={"{}": 0.9}),
        Case(expression=models("Total GPU Memory Used"), at="10m", expected={"{}": GIB}),
        Case(
            expression=models("GPU Utilization by Model"),
            at="10m",
            expected={'{model="whisper"}': 0.9, '{model="xtts"}': 0.9},
        ),
        Case(
            expression=costs("GPU Utilization by Service", number=103),
            at="10m",
            expected={'{service="asr"}': 0.9, '{service="tts"}': 0.9},
        ),
        Case(expression=models("GPU Temperature"), at="10m", expected={'{node="node-1", gpu="0"}': 70}),
        Case(expression=models("GPU Power Usage"), at="10m", expected={'{node="node-1", gpu="0"}': 250}),
        Case(expression=costs("GPU Memory Usage"), at="10m", expected={'{node="node-1", gpu="0"}': GIB}),
        Case(expression=costs("GPU Memory Usage", 1), at="10m", expected={'{node="node-1"}': 4 * GIB}),
        # One GPU for 301 minutes.
        Case(expression=costs("Total GPU Hours (24h)", 0), at="300m", expected={"{}": 301 / 60}),
        Case(expression=costs("Total GPU Hours (24h)", 1), at="300m", expected={"{}": 301 / 60}),
    )
    assert found is None


def test_the_mean_of_a_service_is_that_of_its_gpus_wherever_they_are(promtool: Path, tmp_path: Path) -> None:
    # Three GPUs in one namespace and one in the other; a pod without a service, and a GPU without a pod.
    elsewhere = labels(3, "whisper-1").replace('"dubbing"', '"staging"')
    there = pod("whisper-1", "asr", "whisper").replace('"dubbing"', '"staging"')
    busy = {
        labels(0, "whisper-1"): 90,
        labels(1, "whisper-1"): 60,
        labels(2, "whisper-1"): 30,
        elsewhere: 20,
        labels(4, "unknown-1"): 40,
        labels(5): 0,
    }
    series = PODS | {there: "1x300"}
    for held, value in busy.items():
        series |= {
            f"DCGM_FI_DEV_GPU_UTIL{{{held}}}": f"{value}x300",
            f"DCGM_FI_DEV_FB_USED{{{held}}}": "1x300",
        }
    asr, none = '{service="asr"}', '{service="none"}'
    cases = [
        Case(expression=expression, at="10m", expected=expected, chosen=chosen)
        for expression in (costs("GPU Utilization by Service", number=n) for n in (103, 301))
        for chosen, expected in (
            ({}, {asr: 0.5, none: 0.2}),
            ({"service": "asr"}, {asr: 0.5}),
            ({"namespace": "staging"}, {asr: 0.2}),
            ({"namespace": "dubbing"}, {asr: 0.6, none: 0.4}),
        )
    ]
    cases.append(
        Case(
            expression="service:dcgm_utilization:avg",
            at="10m",
            expected={
                f'service:dcgm_utilization:avg{{cluster="dev", namespace="{namespace}", service="asr"}}': mean
                for namespace, mean in (("dubbing", 0.6), ("staging", 0.2))
            },
        )
    )
    assert failure(promtool, tmp_path, series, *cases) is None


def test_a_gpu_split_by_mig_counts_once_with_the_mean_of_its_parts(promtool: Path, tmp_path: Path) -> None:
    # GPU 0 is split: 20 % and 60 % busy, and its own figure is a constant 0. GPU 1 is whole: 80 %.
    series = PODS | {
        f"DCGM_FI_PROF_GR_ENGINE_ACTIVE{{{labels(0, 'whisper-1', '1')}}}": "0.2x300",
        f"DCGM_FI_PROF_GR_ENGINE_ACTIVE{{{labels(0, 'xtts-1', '2')}}}": "0.6x300",
        f"DCGM_FI_DEV_GPU_UTIL{{{labels(0)}}}": "0x300",
        f"DCGM_FI_DEV_GPU_UTIL{{{labels(1, 'whisper-1')}}}": "80x300",
        f"DCGM_FI_PROF_GR_ENGINE_ACTIVE{{{labels(1, 'whisper-1')}}}": "0.1x300",
        f"DCGM_FI_DEV_FB_USED{{{labels(0, 'whisper-1', '1')}}}": "1024x300",
        f"DCGM_FI_DEV_FB_USED{{{labels(0, 'xtts-1', '2')}}}": "2048x300",
        f"DCGM_FI_DEV_FB_USED{{{labels(1, 'whisper-1')}}}": "4096x300",
        f"DCGM_FI_DEV_FB_FREE{{{labels(0, 'whisper-1', '1')}}}": "1536x300",
        f"DCGM_FI_DEV_FB_FREE{{{labels(0, 'xtts-1', '2')}}}": "512x300",
        f"DCGM_FI_DEV_FB_FREE{{{labels(1, 'whisper-1')}}}": "1024x300",
        f"DCGM_FI_DEV_GPU_TEMP{{{labels(0, 'whisper-1', '1')}}}": "70x300",
        f"DCGM_FI_DEV_GPU_TEMP{{{labels(0, 'xtts-1', '2')}}}": "70x300",
        f"DCGM_FI_DEV_GPU_TEMP{{{labels(1, 'whisper-1')}}}": "70x300",
    }
    found = failure(
        promtool,
        tmp_path,
        series,
        Case(expression=models("Average GPU Utilization"), at="10m", expected={"{}": 0.6}),
        Case(
            expression=models("GPU Utilization by Model"),
            at="10m",
            expected={'{model="whisper"}': 0.5, '{model="xtts"}': 0.6},
        ),
        Case(expression=models("Total GPU Memory Used"), at="10m", expected={"{}": 7 * GIB}),
        Case(
            expression=costs("GPU Memory Usage"),
            at="10m",
            expected={'{node="node-1", gpu="0"}': 3 * GIB, '{node="node-1", gpu="1"}': 4 * GIB},
        ),
        Case(
            expression=costs("GPU Memory Usage"),
            at="10m",
            expected={'{node="node-1", gpu="0"}': 2 * GIB},
            chosen={"service": "tts"},
        ),
        # Its part of GPU 0 is not what the GPU has.
        Case(
            expression=costs("GPU Memory Usage", 1),
            at="10m",
            expected={'{node="node-1"}': 5 * GIB},
            chosen={"service": "tts"},
        ),
        Case(expression=costs("Total GPU Hours (24h)", 0), at="299m", expected={"{}": 2 * 300 / 60}),
    )
    assert found is None


def test_the_exporters_new_names_and_units_give_the_same_figures(promtool: Path, tmp_path: Path) -> None:
    # Node 1's exporter is not updated yet.
    old, new = labels(0, "whisper-1"), labels(1, "xtts-1")
    series = PODS | {
        f"DCGM_FI_DEV_GPU_UTIL{{{old}}}": "40x20",
        f"DCGM_FI_DEV_GPU_UTIL_RATIO{{{new}}}": "0.6x20",
        f"DCGM_FI_DEV_FB_USED{{{old}}}": "1024x20",
        f"DCGM_FI_DEV_FB_USED_BYTES{{{new}}}": f"{GIB}x20",
        f"DCGM_FI_DEV_GPU_TEMP{{{old}}}": "50x20",
        f"DCGM_FI_DEV_GPU_TEMP_CELSIUS{{{new}}}": "60x20",
        f"DCGM_FI_DEV_POWER_USAGE{{{old}}}": "100x20",
        f"DCGM_FI_DEV_BOARD_POWER_WATTS{{{new}}}": "200x20",
    }
    found = failure(
        promtool,
        tmp_path,
        series,
        Case(expression=models("Average GPU Utilization"), at="10m", expected={"{}": 0.5}),
        Case(expression=models("Total GPU Memory Used"), at="10m", expected={"{}": 2 * GIB}),
        Case(
            expression=models("GPU Temperature"),
            at="10m",
            expected={'{node="node-1", gpu="0"}': 50, '{node="node-1", gpu="1"}': 60},
        ),
        Case(
            expression=models("GPU Power Usage"),
            at="10m",
            expected={'{node="node-1", gpu="0"}': 100, '{node="node-1", gpu="1"}': 200},
        ),
        Case(
            expression=models("GPU Utilization by Model"),
            at="10m",
            expected={'{model="whisper"}': 0.4, '{model="xtts"}': 0.6},
        ),
    )
    assert found is None


def test_a_kube_state_metrics_that_restarts_doubles_nothing(promtool: Path, tmp_path: Path) -> None:
    # Two pods of it answer for a while.
    other = {name.replace('job="kube', 'instance="b", job="kube'): values for name, values in PODS.items()}
    series = (
        PODS
        | other
        | {
            f"DCGM_FI_DEV_GPU_UTIL{{{labels(0, 'whisper-1')}}}": "40x20",
            f"DCGM_FI_DEV_FB_USED{{{labels(0, 'whisper-1')}}}": "1024x20",
        }
    )
    case = Case(expression=models("GPU Utilization by Model"), at="10m", expected={'{model="whisper"}': 0.4})
    assert failure(promtool, tmp_path, series, case) is None
