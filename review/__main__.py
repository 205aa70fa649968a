"""`pulumi preview --json | python -m review STACK`: the comment of a preview, on standard output."""

import argparse
import json
import sys
from pathlib import Path

from review.comment import comment
from review.plan import plan
from review.seen import Seen


def main() -> int:
    """The command line: 0 when the comment was written, 1 when the preview failed, with its errors."""
    parser = argparse.ArgumentParser(prog="python -m review", description=__doc__)
    parser.add_argument("stack", help="the stack's name: dev or prod")
    parser.add_argument("--drift", action="store_true", help="write nothing where nothing changes")
    parser.add_argument("--source", default="", help="a line that says what was compared")
    parser.add_argument("--seen", type=Path, help="what `python -m local look` wrote of the same change")
    arguments = parser.parse_args()
    text = sys.stdin.read()
    try:
        preview = json.loads(text)
    except ValueError as error:
        why = error if text.strip() else "nothing came in; why stands above"
        print(f"No preview of {arguments.stack} to read: {why}", file=sys.stderr)
        return 1
    errors = [one["message"] for one in preview.get("diagnostics", ()) if one.get("severity") == "error"]
    if errors:
        print("\n".join(errors), file=sys.stderr)
        return 1
    found = plan(preview.get("steps", ()))
    if found.steps or not arguments.drift:
        seen = Seen.read(arguments.seen.read_text()) if arguments.seen else None
        print(comment(found, arguments.stack, source=arguments.source, seen=seen), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
