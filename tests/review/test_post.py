"""Only a comment of ours is posted, to the pull request that it was made of, once."""

import dataclasses
import functools
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from review.comment import comment
from review.limits import LIMIT, marker
from review.plan import plan
from review.post import AUTHOR, UnsafeError, drift_marker, main, validated
from tests.review import plans

HEAD = "0123456789abcdef0123456789abcdef01234567"
FORK = "somebody/dubbing-monitoring"


@functools.cache
def a_comment() -> str:
    """What a change of threshold and a deletion come to."""
    after = dict(plans.registered({"thresholds": {"queueDepth": {"warning": 90, "critical": 200}}}))
    del after["Deployment grafana"]
    source = "`012345` deployed on an embedded cluster, `abc` with edits previewed over it; no cloud account."
    return comment(plan(plans.steps(plans.before(), after)), "dev", source=source)


def test_a_comment_of_ours_passes_unchanged() -> None:
    text = a_comment()
    assert "CAUTION" in text
    assert "```diff" in text
    assert validated(text.encode(), "dev") == text


def test_what_everything_new_comes_to_passes() -> None:
    text = comment(plan(plans.steps({}, plans.before())), "dev")
    assert validated(text.encode(), "dev") == text


@pytest.mark.parametrize(
    "evil",
    [
        "@team look",
        "[x](https://example.com)",
        "https://example.com",
        "www.example.com",
        "![x](y)",
        "<img src=x>",
        "<a href=x>y</a>",
        "&#64;team",
        "fixes #12",
        "\\`@team\\`",
        "a ` b\nc `@team` d",
        "` @team",
        "~~~\n~~~",
        "<!-- dubbing-monitoring:preview:prod -->",
        "<details>\n```diff\n<img src=x>\n```\n</details>",
        "\n```diff\nx\n   ```\n@team\n```\n",
        "\n````diff\nx\n```\n````\n@team",
        "<code>\n@team\n</code>",
        "<pre>\n\n```diff\n</pre>@team\n```",
    ],
)
def test_what_ours_never_has_is_refused(evil: str) -> None:
    with pytest.raises(UnsafeError):
        validated(f"{marker('dev')}\n\n{evil}\n".encode(), "dev")


@pytest.mark.parametrize("tame", ["a `@team` b", "\n```diff\n@team <img>\n```\n", "<code>@team</code>"])
def test_the_same_within_code_passes(tame: str) -> None:
    text = f"{marker('dev')}\n\n{tame}\n"
    assert validated(text.encode(), "dev") == text


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"no marker",
        f"{marker('prod')}\nx".encode(),
        f"x\n{marker('dev')}\nx".encode(),
        f"{marker('dev')}\n".encode() + b"\xff",
        f"{marker('dev')}\n".encode() + b"x" * LIMIT,
    ],
)
def test_another_marker_size_or_coding_is_refused(raw: bytes) -> None:
    with pytest.raises(UnsafeError):
        validated(raw, "dev")


@dataclasses.dataclass
class Api:
    """A stand-in for GitHub: what it has, and what was written to it."""

    pulls: list[dict[str, Any]]
    comments: list[dict[str, Any]]
    issues: list[dict[str, Any]]
    written: list[tuple[str, str, dict[str, Any]]] = dataclasses.field(
        default_factory=list[tuple[str, str, dict[str, Any]]]
    )
    url: str = ""

    def answer(self, path: str, query: dict[str, list[str]]) -> list[dict[str, Any]]:
        """A page of what is asked for."""
        every = {
            "pulls": [one for one in self.pulls if query.get("head") == [one["head"]["label"]]],
            "comments": self.comments,
            "issues": self.issues,
        }[path.rpartition("/")[2]]
        size, page = int(query["per_page"][0]), int(query["page"][0])
        return every[size * (page - 1) : size * page]


def pull(number: int, commit: str = HEAD, repository: str = FORK, branch: str = "mine") -> dict[str, Any]:
    label = f"{repository.partition('/')[0]}:{branch}"
    return {"number": number, "head": {"sha": commit, "label": label, "repo": {"full_name": repository}}}


def written_by(login: str, body: str, number: int = 1) -> dict[str, Any]:
    return {"id": number, "number": number, "user": {"login": login}, "body": body}


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    found = Api(pulls=[pull(7)], comments=[], issues=[])

    class Handler(BaseHTTPRequestHandler):
        def reply(self, body: object) -> None:
            assert self.headers["Authorization"] == "Bearer a-token"
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def do_GET(self) -> None:
            url = urlsplit(self.path)
            self.reply(found.answer(url.path, parse_qs(url.query)))

        def write(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            found.written.append((self.command, self.path, body))
            self.reply({})

        do_POST = do_PATCH = write  # noqa: N815 - http.server's names

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    environment = {
        "GITHUB_API_URL": f"http://127.0.0.1:{server.server_port}",
        "GITHUB_REPOSITORY": "owner/project",
        "GITHUB_TOKEN": "a-token",
        "HEAD_REPOSITORY": FORK,
        "HEAD_BRANCH": "mine",
        "HEAD_SHA": HEAD,
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    yield found
    server.shutdown()
    thread.join()
    server.server_close()


def run(monkeypatch: pytest.MonkeyPatch, command: str, file: Path) -> int:
    monkeypatch.setattr("sys.argv", ["post", command, "dev", str(file)])
    return main()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "dev.md"
    path.write_text(a_comment())
    return path


def test_the_first_comment_is_made(api: Api, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(monkeypatch, "comment", file) == 0
    assert api.written == [("POST", "/repos/owner/project/issues/7/comments", {"body": file.read_text()})]


def test_the_next_one_takes_its_place_though_many_are_before_it(
    api: Api, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = [written_by("person", "words", n) for n in range(120)]
    mine = written_by(AUTHOR, f"{marker('dev')}\nold", 500)
    forged = written_by("person", f"{marker('dev')}\nforged", 400)
    api.comments = [forged, written_by(AUTHOR, f"{marker('prod')}\nold", 401), *others, mine]
    assert run(monkeypatch, "comment", file) == 0
    assert [(kind, path) for kind, path, _ in api.written] == [
        ("PATCH", "/repos/owner/project/issues/comments/500")
    ]


@pytest.mark.parametrize(
    "other",
    [
        pull(8, commit="f" * 40),
        pull(8, repository="somebody/other"),
        pull(8, branch="other"),
        {"number": 8, "head": {"sha": HEAD, "label": "somebody:mine", "repo": None}},
    ],
)
def test_another_head_gets_no_comment(
    api: Api, file: Path, monkeypatch: pytest.MonkeyPatch, other: dict[str, Any]
) -> None:
    api.pulls = [other]
    assert run(monkeypatch, "comment", file) == 0
    assert api.written == []


def test_what_is_refused_is_not_posted(api: Api, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text(f"{marker('dev')}\n@team")
    assert run(monkeypatch, "comment", file) == 1
    assert api.written == []


def test_a_link_or_no_file_is_not_posted(api: Api, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    link = file.with_name("link.md")
    link.symlink_to(file)
    assert run(monkeypatch, "comment", link) == 0
    assert run(monkeypatch, "comment", file.with_name("none.md")) == 0
    assert api.written == []


def test_drift_opens_one_issue_keeps_it_and_closes_it(
    api: Api, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(monkeypatch, "drift", file) == 0
    opened = {"title": "Drift of dev", "body": f"{drift_marker('dev')}\n{file.read_text()}"}
    assert api.written.pop() == ("POST", "/repos/owner/project/issues", opened)
    api.issues = [written_by(AUTHOR, opened["body"], 11), written_by("person", opened["body"], 12)]
    assert run(monkeypatch, "drift", file) == 0
    assert api.written.pop() == ("PATCH", "/repos/owner/project/issues/11", opened)
    file.write_text("")
    assert run(monkeypatch, "drift", file) == 0
    assert api.written == [("PATCH", "/repos/owner/project/issues/11", {"state": "closed"})]


def test_no_drift_and_no_issue_is_nothing_to_do(
    api: Api, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_text("")
    assert run(monkeypatch, "drift", file) == 0
    assert api.written == []
