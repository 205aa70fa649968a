"""Whatever a stack file holds is accepted, or refused with what, where and how to mend; never a traceback."""

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import yaml
from hypothesis import strategies as st

from stacks import stack_file
from stacks.program import REFUSALS
from stacks.settings import Settings
from stacks.settings_base import PROJECT
from stacks.stack_file import SettingsError
from tests.stacks.conftest import EVERY_STACK, PLANTED, run_main, write_kubeconfig
from tests.stacks.test_switches import SEVERAL


def with_optional_settings() -> str:
    """Prod's file with groups that neither committed file has."""
    document = yaml.safe_load(stack_file.stack_file("prod").read_text())
    document["config"][f"{PROJECT}:grafana"] = SEVERAL
    return yaml.safe_dump(document)


#: Files of which mistakes are made, each with its stack.
FILES = [
    *((stack, stack_file.stack_file(stack).read_text()) for stack in EVERY_STACK),
    ("prod", with_optional_settings()),
]
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-1, 3),
    st.integers(),
    st.floats(),
    st.dates(),
    st.binary(max_size=4),
    st.text(max_size=8),
    st.sampled_from(
        ["", " ", "0", "1e999", "-1Gi", "1Gi", "1h", "9" * 400, "https://", "a\nb", "{{", "$(X)"]
    ),
    st.lists(st.integers() | st.text(max_size=3), max_size=3),
    st.dictionaries(st.text(max_size=5) | st.integers(0, 3), st.text(max_size=3), max_size=2),
)
BOUNDED = hypothesis.settings(
    suppress_health_check=[
        hypothesis.HealthCheck.function_scoped_fixture,
        hypothesis.HealthCheck.filter_too_much,
    ],
)


def places(value: object, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to each value inside a document."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for key, one in inner for place in [(*path, key), *places(one, (*path, key))]]


def change(document: Any, place: tuple[Any, ...], how: str, odd: object) -> None:  # noqa: ANN401 - any YAML
    """Make one mistake, where there still is such a place."""
    for key in place[:-1]:
        try:
            document = document[key]
        except (KeyError, IndexError, TypeError):
            return
    with contextlib.suppress(KeyError, IndexError, TypeError, AttributeError):
        if how == "replaced":
            document[place[-1]] = odd
        elif how == "removed":
            del document[place[-1]]
        else:
            document[odd] = document.pop(place[-1])


@st.composite
def mistaken(draw: Callable[[st.SearchStrategy[Any]], Any]) -> tuple[str, str]:
    """A stack, and its file with one to three values replaced, removed or under another key."""
    stack, text = draw(st.sampled_from(FILES))
    document = yaml.safe_load(text)
    for place in draw(st.lists(st.sampled_from(places(document)), min_size=1, max_size=3)):
        change(document, place, draw(st.sampled_from(["replaced", "removed", "renamed"])), draw(ODD))
    return stack, yaml.safe_dump(document, allow_unicode=True)


def judged(folder: Path, stack: str, content: bytes) -> Settings | SettingsError:
    """The settings of a stack file of this content, or its refusal."""
    path = folder / f"Pulumi.{stack}.yaml"
    path.write_bytes(content)
    try:
        return stack_file.read_stack_file(path)
    except SettingsError as error:
        return error


def check(verdict: Settings | SettingsError) -> None:
    """A refusal says what is wrong, and in which setting or file."""
    if isinstance(verdict, SettingsError):
        text = str(verdict)
        assert "Pulumi." in text or (
            "mistake" in text and text.count("  mend:  ") == text.count("  takes: ") > 0
        )


@BOUNDED
@hypothesis.given(made=mistaken())
def test_a_mistake_anywhere_in_the_file_is_refused_clearly_or_none(
    tmp_path: Path, made: tuple[str, str]
) -> None:
    stack, text = made
    check(judged(tmp_path, stack, text.encode()))


@BOUNDED
@hypothesis.given(
    file=st.sampled_from(FILES), at=st.floats(0, 1), cut=st.integers(0, 40), put=st.binary(max_size=6)
)
def test_a_file_that_was_cut_or_overwritten_somewhere_is_refused_clearly_or_none(
    tmp_path: Path, file: tuple[str, str], at: float, cut: int, put: bytes
) -> None:
    stack, content = file[0], file[1].encode()
    place = int(at * len(content))
    check(judged(tmp_path, stack, content[:place] + put + content[place + cut :]))


@pytest.mark.slow
@hypothesis.settings(BOUNDED, max_examples=40)
@hypothesis.given(made=mistaken())
def test_what_is_accepted_makes_a_stack_or_is_refused_by_the_program(
    tmp_path: Path, server: str, made: tuple[str, str]
) -> None:
    stack, text = made
    settings = judged(tmp_path, stack, text.encode())
    hypothesis.assume(isinstance(settings, Settings))
    assert isinstance(settings, Settings)
    hypothesis.assume(settings.grafana.is_deployed)  # No other one is there to answer.
    write_kubeconfig(tmp_path / "config", {settings.kubernetes.context: server})
    values = stack_file.raw_values(tmp_path / f"Pulumi.{stack}.yaml")
    secrets = {
        f"{PROJECT}:{secret.key}": ("https://" if secret.is_url else "") + PLANTED + secret.key
        for secret in settings.secrets_needed()
    }
    removed = stack_file.raw_values(stack_file.stack_file(stack)).keys() - values.keys()
    with pytest.MonkeyPatch.context() as patch, contextlib.suppress(*REFUSALS):
        patch.setenv("KUBECONFIG", str(tmp_path / "config"))
        run_main(stack, values, secrets, without=removed)


def test_a_refusal_that_says_nothing_would_be_seen() -> None:
    with pytest.raises(AssertionError):
        check(SettingsError("wrong"))
