"""What the choices at the top put into a query."""

from typing import Any

import pytest

from local.viewer.choices import address, choices, link
from local.viewer.dashboard import Dashboard, Variable
from local.viewer.errors import ViewerError
from local.viewer.interpolation import Choice, interpolate, query_values
from local.viewer.servers import Prometheus
from local.viewer.times import TimeRange, steps, time_range

SHOWN = time_range("now-6h", "now", 1_700_000_000)


class Offering(Prometheus):
    """Offers three values, and keeps what it was asked."""

    def __init__(self) -> None:
        super().__init__("http://127.0.0.1:9")
        self.asked: list[tuple[str, str | None]] = []

    def label_values(self, label: str, selector: str | None, shown: TimeRange) -> list[str]:
        assert shown is SHOWN
        self.asked.append((label, selector))
        return ["a", "b.c", "d"]


def a_choice(*chosen: str, multi: bool = True, all_value: str | None = ".*") -> Choice:
    variable = Variable(name="x", type="query", multi=multi, include_all=multi, all_value=all_value)
    return Choice(variable=variable, offered=("a", "b.c"), chosen=chosen)


@pytest.mark.parametrize(
    ("choice", "text"),
    [
        (a_choice("$__all"), ".*"),
        (a_choice("$__all", all_value=None), r"(a|b\\.c)"),
        (a_choice("a"), "a"),
        (a_choice("a", "b.c"), r"(a|b\\.c)"),
        (a_choice("/v1/jobs/{id}"), r"/v1/jobs/\\{id\\}"),
        (a_choice("back\\slash"), r"back\\\\slash"),
        (a_choice('quo"te', multi=False), 'quo\\"te'),
        (a_choice("b.c", multi=False), "b.c"),
    ],
)
def test_chosen_values_are_escaped_as_grafana_escapes_them(choice: Choice, text: str) -> None:
    assert choice.in_query() == text


def test_a_query_gets_the_values_and_grafanas_own_variables() -> None:
    dense = steps(SHOWN, points=1000, scrape_interval=30)
    values = query_values({"x": a_choice("a")}, SHOWN, dense)
    expression = 'rate(m{x=~"$x", y=~"${x}"}[$__rate_interval]) + $__interval $__range $unknown "$1"'
    assert interpolate(expression, values) == ('rate(m{x=~"a", y=~"a"}[120s]) + 30s 21600s $unknown "$1"')
    with pytest.raises(ViewerError, match="format 'csv'"):
        interpolate("${x:csv}", values)


def a_dashboard(*variables: dict[str, Any]) -> Dashboard:
    return Dashboard.model_validate({"uid": "u", "title": "T", "templating": {"list": variables}})


CLUSTER = {
    "name": "cluster",
    "type": "query",
    "multi": True,
    "includeAll": True,
    "allValue": ".*",
    "query": {"query": "label_values(up, cluster)"},
}
STAGE = {**CLUSTER, "name": "stage", "query": {"query": 'label_values(q{cluster=~"$cluster"}, stage)'}}


def test_a_choice_offers_what_fits_the_choice_before_it() -> None:
    offering = Offering()
    made = choices(
        a_dashboard(CLUSTER, STAGE), {"cluster": ["b.c"]}, prometheus=offering, shown=SHOWN, offers=True
    )
    assert offering.asked == [("cluster", "up"), ("stage", r'q{cluster=~"b\\.c"}')]
    assert made["stage"].is_all
    assert made["cluster"].chosen == ("b.c",)


def test_a_panel_does_not_ask_for_what_it_does_not_need() -> None:
    offering = Offering()
    choices(a_dashboard(CLUSTER, STAGE), {}, prometheus=offering, shown=SHOWN, offers=False)
    assert offering.asked == []


def test_a_value_beside_all_is_what_was_meant() -> None:
    made = choices(
        a_dashboard(CLUSTER), {"cluster": ["$__all", "a"]}, prometheus=Offering(), shown=SHOWN, offers=False
    )
    assert made["cluster"].chosen == ("a",)


def test_variables_without_a_query_offer_what_they_list() -> None:
    made = choices(
        a_dashboard(
            {"name": "step", "type": "interval", "query": "1m,5m"},
            {"name": "who", "type": "custom", "query": "a, b", "current": {"value": "b"}},
            {"name": "fixed", "type": "constant", "query": "c", "hide": 2},
            {**CLUSTER, "name": "first", "includeAll": False, "regex": "/(.)\\.c/"},
        ),
        {},
        prometheus=Offering(),
        shown=SHOWN,
        offers=True,
    )
    assert {name: one.chosen for name, one in made.items()} == {
        "step": ("1m",),
        "who": ("b",),
        "fixed": ("c",),
        "first": ("b",),
    }


def test_what_the_viewer_does_not_know_is_said() -> None:
    unknown = [{"name": "n", "type": "adhoc"}, {"name": "n", "type": "query", "query": "metrics(x)"}]
    for one in unknown:
        with pytest.raises(ViewerError, match="viewer"):
            choices(a_dashboard(one), {}, prometheus=Offering(), shown=SHOWN, offers=True)


def test_addresses_are_as_grafana_writes_them() -> None:
    chosen = {"cluster": ("$__all",), "stage": ("a b", "c&d")}
    assert address("u", since="now-6h", until="now", chosen=chosen, panel=7) == (
        "/d/u?viewPanel=panel-7&from=now-6h&to=now&var-cluster=%24__all&var-stage=a+b&var-stage=c%26d"
    )
    url = "/d/${__dashboard.uid}?${__url_time_range}&${__all_variables}&viewPanel=panel-2"
    assert link(url, "u", shown=SHOWN, chosen={"cluster": ("a",)}) == (
        "/d/u?from=now-6h&to=now&var-cluster=a&viewPanel=panel-2"
    )
