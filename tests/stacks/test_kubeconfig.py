"""A kubeconfig that cannot be used is told by its file and what is wrong, never by what stands in it."""

from pathlib import Path
from urllib.parse import SplitResult

import pytest
import yaml

from stacks import kubeconfig, program
from stacks.stack_file import SettingsError
from tests.stacks.conftest import write_kubeconfig

SECRET = "bearer-of-nobody"  # noqa: S105 - it is planted


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The kubeconfig, not there yet."""
    for variable in ("HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY"):
        monkeypatch.delenv(variable, raising=False)
        monkeypatch.delenv(variable.lower(), raising=False)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
    return tmp_path / "config"


@pytest.mark.parametrize(
    ("text", "part"),
    [
        (f"users: [{{name: me, user: {{token: {SECRET}}}", "it is no YAML, see line 1"),
        (f"a: 2024-99-99 # {SECRET}", "it is no YAML"),
        (f"\tcontexts: {SECRET}", "it is no YAML, see line 1"),
        (f"token: !{SECRET} x", "it is no YAML, see line 1"),
        (f"[{SECRET}]", "the whole file: input should be a valid mapping"),
        (SECRET, "the whole file: input should be a valid mapping"),
        ("contexts: [null]", "contexts.0: input should be a valid mapping"),
        ("contexts: {dubbing-dev: {cluster: one}}", "contexts: input should be a valid list"),
        (f"contexts: [{{name: dubbing-dev, context: {SECRET}}}]", "contexts.0.context: input should be"),
        ("contexts: [{context: {cluster: one}}]", "contexts.0.name: field required"),
        ("clusters: [{name: one, cluster: {server: [a]}}]", "clusters.0.cluster.server: input should be"),
        (f"users: [{{name: me, user: {SECRET}}}]", "users.0.user: input should be a valid mapping"),
    ],
)
def test_what_is_wrong_is_told_without_what_stands_there(config: Path, text: str, part: str) -> None:
    config.write_text(text)
    with pytest.raises(SettingsError) as refused:
        program.refuse_unreachable("dubbing-dev")
    told = str(refused.value)
    for expected in (f"The kubeconfig {config} cannot be used", "Nothing was created", part, "config view"):
        assert expected in told
    assert SECRET not in told


def test_no_text_at_all_is_told(config: Path) -> None:
    config.write_bytes(b"\xff\x00\xff")
    with pytest.raises(SettingsError, match="it is no YAML"):
        kubeconfig.read()


def test_what_cannot_be_read_is_told(config: Path) -> None:
    config.mkdir()  # whoever may do everything can read every file, but no folder
    with pytest.raises(SettingsError, match="it cannot be read: Is a directory"):
        kubeconfig.read()


@pytest.mark.parametrize("url", ["https://127.0.0.1:notaport", "https://[::1", "https://127.0.0.1:99999"])
def test_a_server_that_is_no_url_is_told_where_it_is_asked_for(config: Path, server: str, url: str) -> None:
    write_kubeconfig(config, {"dubbing-dev": url, "dubbing-prod": server})
    program.refuse_unreachable("dubbing-prod")
    with pytest.raises(SettingsError, match=f"{config} cannot be used(.|\n)* is no URL: "):
        program.refuse_unreachable("dubbing-dev")


def test_a_host_that_is_no_name_does_not_answer(config: Path) -> None:
    write_kubeconfig(config, {"dubbing-dev": f"https://{'a' * 64}.invalid"})
    with pytest.raises(SettingsError, match="does not answer"):
        program.refuse_unreachable("dubbing-dev")


def test_what_kubectl_reads_is_read(config: Path, server: str) -> None:
    assert kubeconfig.read().contexts == {}, "no file is an empty one"
    config.write_text("")
    assert kubeconfig.read().contexts == {}
    config.write_text("contexts:\nclusters: null\nusers: [{name: me, user: null}]\n")
    assert kubeconfig.read().contexts == {}
    config.write_text(
        yaml.safe_dump(
            {
                "preferences": {"colors": True},
                "contexts": [{"name": 1, "context": {"cluster": 2, "user": "me"}}, {"name": "empty"}],
                "clusters": [{"name": 2, "cluster": {"server": server, "insecure-skip-tls-verify": True}}],
            }
        )
    )
    read = kubeconfig.read()
    assert read.server("1").url.geturl() == server
    assert not read.server("empty").url.hostname
    program.refuse_unreachable("1")


def test_the_first_file_that_names_something_wins(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_kubeconfig(config, {"one": "https://first.invalid"})
    write_kubeconfig(tmp_path / "second", {"one": "https://second.invalid", "two": "https://two.invalid"})
    monkeypatch.setenv("KUBECONFIG", f"{config}:{tmp_path / 'missing'}:{tmp_path / 'second'}")
    read = kubeconfig.read()
    assert read.server("one").url.hostname == "first.invalid"
    assert read.server("two").url.hostname == "two.invalid"


def test_a_server_behind_a_proxy_is_the_providers_to_judge(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str | None] = []

    def ask(server: SplitResult) -> None:
        asked.append(server.hostname)

    monkeypatch.setattr(program, "_ask", ask)
    write_kubeconfig(config, {"away": "https://cluster.invalid:6443", "here": "https://127.0.0.1:6443"})
    for context in ("away", "here"):
        program.refuse_unreachable(context)
    assert asked == ["cluster.invalid", "127.0.0.1"]
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.invalid:3128")
    asked.clear()
    for context in ("away", "here"):
        program.refuse_unreachable(context)
    assert asked == ["127.0.0.1"]
    monkeypatch.setenv("NO_PROXY", ".invalid")
    program.refuse_unreachable("away")
    assert asked == ["127.0.0.1", "cluster.invalid"]
