"""One comment for a stack: what a reviewer must see first, then what changes, then the long of it."""

from collections.abc import Callable, Iterable, Iterator

from review import content
from review.content import Board, Rule
from review.difference import excerpt, lines_of
from review.limits import LIMIT, marker
from review.markdown import block, code, details, html, table
from review.plan import Inputs, Plan, Step
from review.seen import Seen, section
from review.structure import Difference, compare

#: How many rows or names a list may have before the rest is counted.
ROWS = 40

_DONE = {"delete": "deleted", "replace": "replaced", "update": "changed", "create": "created"}
#: What it hurts most to lose, so that a long list is not cut before it.
_WEIGHTY = ("PersistentVolumeClaim", "Namespace", "StatefulSet", "Deployment", "DaemonSet", "Service")
_LINES = 120
# What a phone shows of a cell without tiring anybody.
_CELL = 60
_RESERVE = 600


def comment(plan: Plan, stack: str, *, source: str = "", seen: Seen | None = None, limit: int = LIMIT) -> str:
    """Return the comment, whatever the plan's size.

    Args:
        plan: what would happen.
        stack: the stack's name.
        source: a line that says what was compared.
        seen: what was seen of the change on the simulated platform.
        limit: how many bytes it may have.
    """
    said = ", ".join(f"{plan.counts[one]} {done}" for one, done in _DONE.items() if plan.counts[one])
    head = [marker(stack), f"### Preview of {code(stack)}: {said or 'nothing changes'}"]
    if source:
        head.append(source)
    sections = [text for make in _SECTIONS if (text := make(plan))]
    if seen and (text := section(seen, stack, ROWS)):
        sections.append(text)
    return _fitting([*head, *sections], list(_details(plan)), limit)


def _fitting(head: list[str], more: list[tuple[str, str]], limit: int) -> str:
    """As much as fits, the first first; what does not is named or counted."""
    taken: list[str] = []
    left = limit - _RESERVE
    missing: list[str] = []
    for text, name in [*((one, "") for one in head), *more]:
        size = len(text.encode()) + 2
        if size <= left:
            taken.append(text)
            left -= size
        else:
            missing.append(name or code(text.splitlines()[0][:60]))
    if missing:
        named = ", ".join(missing[:5]) + (f" and {len(missing) - 5} more" if len(missing) > 5 else "")  # noqa: PLR2004
        taken.append(f"Too long for a comment, so left out here: {named[: _RESERVE - 80]}")
    return "\n\n".join(taken) + "\n"


def _loud(plan: Plan) -> str:
    lines: list[str] = []
    for operation, says in (("delete", "DELETED"), ("replace", "REPLACED: deleted and made again")):
        steps = sorted(plan.of(operation), key=_weight)
        if steps:
            lines.append(f"> **{len(steps)} {says}**")
            lines += [f"> - {_loud_line(step)}" for step in steps[:ROWS]]
            lines += [f"> - and {len(steps) - ROWS} more"] if len(steps) > ROWS else []
    return "\n".join(["> [!CAUTION]", *lines]) if lines else ""


def _loud_line(step: Step) -> str:
    reasons = f", since {', '.join(map(code, step.reasons))} cannot be changed" if step.reasons else ""
    what = "the object" if step.operation == "delete" else "the old object"
    kept = f"; {what} stays in the cluster" if step.kept else ""
    return f"{_label(step)}{reasons}{kept}"


def _weight(step: Step) -> int:
    return _WEIGHTY.index(step.kind) if step.kind in _WEIGHTY else len(_WEIGHTY)


def _label(step: Step) -> str:
    return f"{step.kind} {code(step.name)}"


def _alerts(plan: Plan) -> str:
    rules = content.alerts(plan)
    return _titled("Alerts", len(rules), table(("alert", "change"), map(_alert_row, rules[:ROWS])))


def _alert_row(rule: Rule) -> tuple[str, str]:
    name = f"{code(rule.name)} {rule.severity and code(rule.severity)}".strip()
    return (name, rule_change(rule))


def rule_change(rule: Rule) -> str:
    """What happens to a rule, in one cell: its query and threshold first, texts only named."""
    if rule.new is None:
        return f"**removed**: {_query(rule.old)}"
    if rule.old is None:
        waits = rule.new.get("for")
        return f"added: {_query(rule.new)}" + (f" for {code(str(waits))}" if waits else "")
    texts = [one for one in rule.differences if one.path.startswith("annotations")]
    others = [one for one in rule.differences if one not in texts]
    parts = [f"{code(one.path)}: {_arrow(one)}" for one in others]
    names = sorted({one.path.removeprefix("annotations.") for one in texts})
    return "<br>".join([*parts, *([f"text: {', '.join(map(code, names))}"] if names else [])])


def _query(rule: content.Document | None) -> str:
    return code(excerpt(str((rule or {}).get("expr")), "", _CELL)[0])


def _arrow(one: Difference) -> str:
    old, new = excerpt(_text(one.old), _text(one.new), _CELL)
    return f"{code(old)} → {code(new)}"


def _text(value: object) -> str:
    return "none" if value is None else str(value)


def _recordings(plan: Plan) -> str:
    rules = content.recordings(plan)
    count = {"added": 0, "removed": 0, "changed": 0}
    for rule in rules:
        count["added" if rule.old is None else "removed" if rule.new is None else "changed"] += 1
    counted = ", ".join(f"{number} {what}" for what, number in count.items() if number)
    rows = ((code(rule.name), rule_change(rule)) for rule in rules[:ROWS])
    note = f"In series: {counted} of what is recorded; one name is as many series as it has label values."
    return _titled("Recorded series", len(rules), table(("series", "change"), rows) + f"\n\n{note}")


def _images(plan: Plan) -> str:
    images = content.images(plan)
    rows = ((code(whose), f"{code(old)} → {code(new)}") for whose, old, new in images[:ROWS])
    return _titled("Images", len(images), table(("container", "change"), rows))


def _dashboards(plan: Plan) -> str:
    boards = content.boards(plan)
    return _titled("Dashboards", len(boards), "\n".join(f"- {_board(one)}" for one in boards[:ROWS]))


def _board(board: Board) -> str:
    by_change = {
        change: [code(title) for title, how in board.panels if how == change]
        for change in ("added", "removed", "changed", "moved")
    }
    told = [f"{change} {', '.join(names[:ROWS])}" for change, names in by_change.items() if names]
    what = "; ".join(told) or ("settings only" if board.change == "changed" else "")
    return f"**{code(board.title)}** {board.change}" + (f": {what}" if what else "")


def _restarts(plan: Plan) -> str:
    steps = content.restarts(plan)
    return f"**Pods that restart:** {', '.join(map(_label, steps[:ROWS]))}" if steps else ""


def _moved(plan: Plan) -> str:
    moved = content.moved(plan)
    lines = (f"- {code(name)}: {code(old)} → {code(new)}" for name, old, new in moved[:ROWS])
    return _titled("Moved to another folder", len(moved), "\n".join(lines))


def _titled(title: str, count: int, body: str) -> str:
    rest = f"\n\nand {count - ROWS} more" if count > ROWS else ""
    return f"**{title}**\n\n{body}{rest}" if count else ""


_SECTIONS: tuple[Callable[[Plan], str], ...] = (
    _loud,
    _alerts,
    _images,
    _restarts,
    _dashboards,
    _moved,
    _recordings,
)


def _details(plan: Plan) -> Iterator[tuple[str, str]]:
    """The diff of every resource that stays, then what is created; each with what to call it."""
    for step in plan.of("replace") + plan.of("update"):
        lines = list(_diff(step))
        shown = lines[:_LINES]
        if len(lines) > _LINES:
            shown.append(f"# and {len(lines) - _LINES} lines more")
        body = block(shown) if shown else "Only values that are secret."
        yield details(f"{_DONE[step.operation]} {step.kind} {html(step.name)}", body), _label(step)
    created = plan.of("create")
    if created:
        names = "\n".join(f"- {_label(step)}" for step in created)
        yield details(f"{len(created)} created", names), "what is created"


def _diff(step: Step) -> Iterable[str]:
    old, new = content.files(step.old), content.files(step.new)
    for name in sorted({*old, *new}):
        before, after = (
            content.by_panel(content.document(name, texts[name])) if name in texts else None
            for texts in (old, new)
        )
        found = lines_of(compare(before, after))
        if found:
            yield f"# {name}" + (" (new)" if name not in old else " (gone)" if name not in new else "")
            yield from found
    yield from lines_of(compare(_without_files(step.old), _without_files(step.new)))


def _without_files(inputs: Inputs) -> Inputs:
    return {key: value for key, value in inputs.items() if key != "data" or not content.files(inputs)}
