"""What a machine lacks, said plainly."""

import shutil
import subprocess
from collections.abc import Mapping, Sequence

WHERE: Mapping[str, str] = {
    "docker": "https://docs.docker.com/engine/install/",
    "kind": "https://kind.sigs.k8s.io/docs/user/quick-start/#installation",
    "kubectl": "https://kubernetes.io/docs/tasks/tools/",
    "pulumi": "https://www.pulumi.com/docs/install/",
}


def missing(programs: Sequence[str], questions: Sequence[Sequence[str]]) -> list[str]:
    """Return a line for each program that is not there, and for each command that fails though it is."""
    absent = [program for program in programs if shutil.which(program) is None]
    lines = [f"{program} is not on PATH: {WHERE[program]}" for program in absent]
    for question in questions:
        if question[0] in absent:
            continue
        asked = subprocess.run(question, check=False, capture_output=True, text=True, timeout=60)
        if asked.returncode != 0:
            said = (asked.stderr.strip() or asked.stdout.strip()).splitlines()[:1]
            lines.append(f"`{' '.join(question)}` fails: {' '.join(said)}")
    return lines
