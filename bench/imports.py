"""What a preview's start costs: importing and rendering the dashboards, against importing the provider.

`python -m bench.imports` prints both in seconds, each the best of five new processes, and their ratio, which
should stay below 1 on any machine.
"""

import subprocess
import sys
import time

DASHBOARDS = (
    "from dashboards.parameters import Parameters; from dashboards.render import dashboards, rules; "
    "dashboards(Parameters()); rules(Parameters())"
)
PROVIDER = "import pulumi_kubernetes"
RUNS = 5


def seconds(program: str) -> float:
    """Return the best time of a Python program as a whole process, less that of an empty one."""
    return _best(program) - _best("pass")


def _best(program: str) -> float:
    times = list[float]()
    for _ in range(RUNS):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", program], check=True)
        times.append(time.perf_counter() - start)
    return min(times)


if __name__ == "__main__":
    dashboards, provider = seconds(DASHBOARDS), seconds(PROVIDER)
    print(f"dashboards {dashboards:.3f} s, pulumi_kubernetes {provider:.3f} s")
    print(f"ratio {dashboards / provider:.2f}")
