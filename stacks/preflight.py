"""Reads the cluster that a stack goes to, and tells all that stands in the way at once; it changes nothing.

`python -m stacks.preflight STACK` is `make preflight`; every `up` begins with the same.
"""

import argparse
import shlex
import sys
from collections.abc import Iterator, Mapping

from stacks import program, render, stack_file
from stacks.live_cluster import Json, LiveCluster, NoAnswerError, RefusedError
from stacks.preflight_checks import CHECKS
from stacks.preflight_situation import Finding, Situation
from stacks.settings import Settings
from stacks.settings_base import PROJECT

_WORDS = {"error": "error:  ", "warning": "warning:", "note": "well:   "}


def findings(settings: Settings, values: Mapping[str, str], stack: str) -> list[Finding]:
    """All that is found on the cluster of a configuration, errors first.

    Args:
        settings: what `values` were read into.
        values: the configuration, as the engine hands it to a program.
        stack: the stack's name.
    """
    planned = tuple(render.planned(settings, values, stack))
    try:
        with LiveCluster.connect(settings.kubernetes.context) as cluster:
            # Without a right to it, one reason is told for all that needs it.
            pods, nodes, found = _listed(cluster)
            situation = Situation(
                stack=stack, settings=settings, registrations=planned, cluster=cluster, pods=pods, nodes=nodes
            )
            for check in CHECKS:
                found += _judged(check.__name__.replace("_", " "), check(situation))
    except NoAnswerError as error:
        mend = f"kubectl --context {shlex.quote(settings.kubernetes.context)} auth whoami tells who asks"
        return [Finding(level="error", text=str(error), mend=mend)]
    return sorted(found, key=lambda finding: list(_WORDS).index(finding.level))


def _listed(
    cluster: LiveCluster,
) -> tuple[tuple[Json, ...] | None, tuple[Json, ...] | None, list[Finding]]:
    lists: list[tuple[Json, ...] | None] = []
    found: list[Finding] = []
    for kind in ("pods", "nodes"):
        try:
            lists.append(tuple(cluster.items(f"/api/v1/{kind}")))
        except RefusedError as error:
            lists.append(None)
            found.append(_unseen(kind, error))
    return lists[0], lists[1], found


def _judged(name: str, check: Iterator[Finding]) -> list[Finding]:
    found: list[Finding] = []
    try:
        found.extend(check)
    except RefusedError as error:
        found.append(_unseen(name, error))
    return found


def _unseen(what: str, error: RefusedError) -> Finding:
    return Finding(level="warning", text=f"could not look at {what}: {error}")


def text(finding: Finding) -> str:
    """A finding as a person reads it."""
    lines = f"{_WORDS[finding.level]} {finding.text}"
    return f"{lines}\n  Mend: {finding.mend}" if finding.mend else lines


def refuse(settings: Settings, values: Mapping[str, str], stack: str) -> list[str]:
    """Judge the cluster before an `up`, and return its warnings.

    Raises:
        SettingsError: with every error and how to mend it.
    """
    found = findings(settings, values, stack)
    told = [finding for finding in found if finding.level != "note"]
    if any(finding.level == "error" for finding in told):
        msg = (
            f"The cluster of context {settings.kubernetes.context!r} is not ready for stack {stack}. "
            "Nothing was created.\n" + "\n".join(map(text, told))
        )
        raise stack_file.SettingsError(msg)
    return [f"{finding.text} (make preflight tells how to mend it)" for finding in told]


def main() -> int:
    """The command line: 0 where nothing stands in the way, 1 with what to mend otherwise."""
    parser = argparse.ArgumentParser(prog="python -m stacks.preflight", description=__doc__)
    parser.add_argument("stack", help="the stack's name, such as dev")
    parser.add_argument("--context", default="", help="another kubeconfig context than the stack file's")
    arguments = parser.parse_args()
    try:
        settings, values = _configured(arguments.stack, arguments.context)
        program.refuse_unreachable(settings.kubernetes.context)
        found = findings(settings, values, arguments.stack)
    except program.REFUSALS as error:
        print(error, file=sys.stderr)
        return 1
    print(f"Stack {arguments.stack} on context {settings.kubernetes.context}:")
    for finding in found:
        print(text(finding))
    return 1 if any(finding.level == "error" for finding in found) else 0


def _configured(stack: str, context: str) -> tuple[Settings, Mapping[str, str]]:
    path = stack_file.stack_file(stack)
    settings, values = stack_file.read_stack_file(path), stack_file.raw_values(path)
    if context:
        chosen = settings.kubernetes.model_copy(update={"context": context})
        settings = settings.model_copy(update={"kubernetes": chosen})
        values |= {f"{PROJECT}:kubernetes": chosen.model_dump_json(by_alias=True)}
    return settings, values


if __name__ == "__main__":
    sys.exit(main())
