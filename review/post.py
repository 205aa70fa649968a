"""`python -m review.post COMMAND STACK FILE`: puts a comment where it belongs, once, and keeps it current.

`comment` writes to the open pull request whose head is `HEAD_SHA` of `HEAD_REPOSITORY`, branch
`HEAD_BRANCH`: nothing that the file's maker says decides where it goes. `drift` keeps one issue for a stack:
opened with what the file says, closed when it says nothing. `GITHUB_API_URL`, `GITHUB_REPOSITORY` and
`GITHUB_TOKEN` are those of the workflow that runs it. It takes nothing but Python.
"""

import argparse
import json
import os
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from review.limits import LIMIT, marker

#: Who the token of a workflow writes as: what somebody else wrote is never taken for ours.
AUTHOR = "github-actions[bot]"

_PAGE = 100
_TIMEOUT = 30
_FENCE = re.compile(r"^(`{3,})diff\n(?:.*\n)*? {0,3}\1`*[ \t]*$\n?", re.MULTILINE)
_SPAN = re.compile(r"(?<!`)(`+)(?!`)(?:(?!\n).)+?(?<!`)\1(?!`)")
_NAME = re.compile(r"<code>[^<>\n]*</code>")
_TAGS = re.compile(r"</?(?:details|summary)>|<br>|\[!CAUTION\]")
_PLAIN = re.compile(r"[\w\s.,:;*|#()!→>+-]*")
_TELLING = re.compile(r"www\.|#\d", re.IGNORECASE)


class UnsafeError(ValueError):
    """A comment that this project's own code never makes."""


class Unanswered(Exception):  # noqa: N818 - nothing failed
    """There is nowhere to put the comment any more."""


def validated(raw: bytes, stack: str) -> str:
    """Return a comment that somebody else's code made, if it can be nothing else than one.

    Text outside of code may be words and punctuation only: no link, picture, mention, or other HTML.

    Raises:
        UnsafeError: it is anything else.
    """
    if len(raw) > LIMIT:
        raise UnsafeError(f"more than the {LIMIT} bytes that GitHub takes")
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        raise UnsafeError(f"no UTF-8: {error.reason}") from None
    first, _, rest = text.partition("\n")
    if first != marker(stack):
        raise UnsafeError(f"its first line is not the marker of {stack}")
    # Within HTML nothing is code: a fence counts after an empty line alone.
    rest = re.sub(r"(?<=\n\n)" + _FENCE.pattern, "", rest, flags=re.MULTILINE)
    for code in (_SPAN, _NAME, _TAGS):
        rest = code.sub("", rest)
    if not _PLAIN.fullmatch(rest):
        strange = sorted(set(_PLAIN.sub("", rest)))
        raise UnsafeError(f"outside of code it has {' '.join(strange)}")
    if found := _TELLING.search(rest):
        raise UnsafeError(f"outside of code it has {found[0]}")
    return text


@dataclass(frozen=True, kw_only=True)
class GitHub:
    """GitHub's API for one repository."""

    api: str
    repository: str
    token: str

    def pull_request(self, *, repository: str, branch: str, commit: str) -> int:
        """Return the number of the open pull request with this head.

        Raises:
            Unanswered: there is none any more.
        """
        owner = repository.partition("/")[0]
        for pull in self._all("pulls", state="open", head=f"{owner}:{branch}"):
            # A fork's repository may be gone.
            source = (pull["head"]["repo"] or {}).get("full_name")
            if (source, pull["head"]["sha"]) == (repository, commit):
                return int(pull["number"])
        raise Unanswered(f"No open pull request has {commit} of {repository} as its head any more.")

    def keep_comment(self, number: int, text: str) -> None:
        """Write the comment, in the place of the one that begins with the same line."""
        first = text.partition("\n")[0]
        for one in self._all(f"issues/{number}/comments"):
            if _is_ours(one, first):
                self._ask("PATCH", f"issues/comments/{one['id']}", {"body": text})
                return
        self._ask("POST", f"issues/{number}/comments", {"body": text})

    def keep_issue(self, title: str, text: str, first: str) -> None:
        """Keep one open issue with the text, or none where there is no text.

        Args:
            title: its title.
            text: what it says; empty closes it.
            first: the line by which it is found again.
        """
        opened = [
            one
            for one in self._all("issues", state="open", creator=AUTHOR)
            if _is_ours(one, first) and "pull_request" not in one
        ]
        body = {"title": title, "body": f"{first}\n{text}"}
        if opened and text:
            self._ask("PATCH", f"issues/{opened[0]['number']}", body)
        elif text:
            self._ask("POST", "issues", body)
        for one in opened if not text else opened[1:]:
            self._ask("PATCH", f"issues/{one['number']}", {"state": "closed"})

    def _all(self, path: str, **question: str) -> Iterator[dict[str, Any]]:
        page = 1
        while found := self._ask("GET", f"{path}?{urlencode({**question, 'per_page': _PAGE, 'page': page})}"):
            yield from found
            if len(found) < _PAGE:
                return
            page += 1

    def _ask(self, method: str, path: str, body: Mapping[str, str] | None = None) -> Any:  # noqa: ANN401 - JSON
        request = Request(  # noqa: S310 - the workflow's own API
            f"{self.api}/repos/{self.repository}/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Accept": "application/vnd.github+json",
                "Authorization": f"Bearer {self.token}",
                "Content-Type": "application/json",
                "X-GitHub-Api-Version": "2022-11-28",
            },
        )
        with urlopen(request, timeout=_TIMEOUT) as answer:  # noqa: S310 - the same
            return json.load(answer)


def _is_ours(one: Mapping[str, Any], first: str) -> bool:
    return (one["user"] or {}).get("login") == AUTHOR and (one["body"] or "").startswith(first)


def drift_marker(stack: str) -> str:
    """The hidden line by which the issue of a stack is found again."""
    return f"<!-- dubbing-monitoring:drift:{stack} -->"


def _made(file: Path) -> bytes:
    """What was made, or no more of it than tells that it is too long."""
    if file.is_symlink() or not file.is_file():
        raise Unanswered(f"There is no {file.name}: the preview made none.")
    with file.open("rb") as opened:
        return opened.read(LIMIT + 1)


def main() -> int:
    """The command line: 0 when it is where it belongs, or belongs nowhere any more; 1 when it is refused."""
    parser = argparse.ArgumentParser(prog="python -m review.post", description=__doc__)
    parser.add_argument("command", choices=("comment", "drift"))
    parser.add_argument("stack", help="the stack's name: dev or prod")
    parser.add_argument("file", type=Path, help="what to put there")
    arguments = parser.parse_args()
    stack, file = arguments.stack, arguments.file
    asked = os.environ
    github = GitHub(
        api=asked["GITHUB_API_URL"], repository=asked["GITHUB_REPOSITORY"], token=asked["GITHUB_TOKEN"]
    )
    try:
        if arguments.command == "drift":
            github.keep_issue(f"Drift of {stack}", file.read_text(), drift_marker(stack))
            return 0
        text = validated(_made(file), stack)
        number = github.pull_request(
            repository=asked["HEAD_REPOSITORY"], branch=asked["HEAD_BRANCH"], commit=asked["HEAD_SHA"]
        )
        github.keep_comment(number, text)
    except UnsafeError as error:
        print(f"Refused: the comment on {stack} is not one that this project makes: {error}", file=sys.stderr)
        return 1
    except Unanswered as reason:
        print(reason)
    return 0


if __name__ == "__main__":
    sys.exit(main())
