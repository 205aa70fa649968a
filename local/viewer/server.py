"""The viewer's addresses. Only `/receive/…` takes anything in; all else is read-only."""

import functools
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from xml.etree.ElementTree import Element

from plotly.offline import get_plotlyjs
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from local.simulator.incidents import Schedule
from local.viewer import alert_list, message_cards, pages
from local.viewer.answers import ask
from local.viewer.choices import choices
from local.viewer.dashboard import ALL, Dashboard, Folder
from local.viewer.errors import ViewerError
from local.viewer.html import element
from local.viewer.looks import DARK, LIGHT, theme_styles
from local.viewer.messages import Messages, now, read
from local.viewer.panels import draw, time_zone
from local.viewer.servers import Alertmanager, Prometheus
from local.viewer.times import TimeRange, time_range

RECEIVER_DOWN = "receiver-down"
"""The incident during which nothing that is sent is taken."""

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_STATIC = Path(__file__).parent / "static"
_RUNBOOKS = Path(__file__).parents[2] / "docs" / "runbooks"
_NARROWEST, _WIDEST = 100, 4000


class Viewer:
    """Answers for the dashboards of one folder, on one Prometheus and one Alertmanager."""

    def __init__(
        self, *, prometheus: str, alertmanager: str, dashboards: Path, messages: Path, incidents: Path
    ) -> None:
        """Keep where everything is.

        Args:
            prometheus: Prometheus' address.
            alertmanager: Alertmanager's address.
            dashboards: The folder of the dashboards' JSON.
            messages: The file that the messages are kept in.
            incidents: The file of the schedule of incidents.
        """
        self._prometheus = Prometheus(prometheus)
        self._alertmanager = Alertmanager(alertmanager)
        self._folder = Folder(dashboards)
        self._messages = Messages(messages)
        self._incidents = incidents

    def application(self, names: Sequence[str] = ()) -> Starlette:
        """Return the application that answers, on loopback's names and these."""
        return Starlette(
            routes=[
                Route("/", self._overview),
                Route("/-/ready", _ready),
                Route("/alerts", self._alerts),
                Route("/messages", self._shown_messages),
                Route("/messages.json", self._listed_messages),
                Route("/plotly.js", _plotly),
                Route("/theme.css", _theme),
                Route("/runbooks/{alert}", self._runbook),
                Route("/receive/{receiver}", self._receive, methods=["POST"]),
                Route("/d/{uid}", self._dashboard),
                Route("/d/{uid}/grid.css", self._grid),
                # Grafana writes the dashboard's name behind its uid.
                Route("/d/{uid}/{name}", self._dashboard),
                Route("/d/{uid}/panels/{number:int}", self._panel),
                Mount("/static", StaticFiles(directory=_STATIC)),
            ],
            middleware=[
                # A page of the web that names its own host 127.0.0.1 gets nothing.
                Middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost", *names]),
                Middleware(BaseHTTPMiddleware, dispatch=_with_policy),
            ],
            exception_handlers={ViewerError: self._problem, HTTPException: self._problem},
        )

    def _overview(self, _: Request) -> Response:
        return self._page("Dashboards", pages.overview(self._folder.dashboards()), here="/")

    def _dashboard(self, request: Request) -> Response:
        found = self._known(request)
        shown = _shown(found, request.query_params)
        chosen = _chosen(request.query_params)
        number = request.query_params.get("viewPanel", "").removeprefix("panel-")
        panel = found.panel(int(number)) if number.isdecimal() else None
        if number and panel is None:
            raise ViewerError(f"{found.title} has no panel {number}")
        view = pages.View(
            dashboard=found,
            shown=shown,
            choices=choices(found, chosen, prometheus=self._prometheus, shown=shown, offers=True),
            panel=panel,
        )
        return self._page(
            found.title,
            *pages.dashboard(view),
            here=f"/d/{found.uid}",
            styles=None if panel else f"/d/{found.uid}/grid.css",
            query=request.query_params,
        )

    def _grid(self, request: Request) -> Response:
        return Response(pages.grid_styles(self._known(request)), media_type="text/css")

    def _panel(self, request: Request) -> Response:
        found = self._known(request)
        panel = found.panel(request.path_params["number"])
        if panel is None:
            raise HTTPException(404, f"{found.title} has no panel {request.path_params['number']}")
        asked = request.query_params
        width = asked.get("width", "")
        try:
            shown = _shown(found, asked)
            chosen = choices(found, _chosen(asked), prometheus=self._prometheus, shown=shown, offers=False)
            answer = ask(
                panel,
                prometheus=self._prometheus,
                choices=chosen,
                shown=shown,
                width=min(max(int(width) if width.isdecimal() else 0, _NARROWEST), _WIDEST),
                scrape_interval=self._prometheus.scrape_interval(),
            )
            drawn = draw(
                panel,
                answer,
                DARK if asked.get("dark") == "true" else LIGHT,
                time_zone(found.timezone, asked.get("zone", "")),
            )
        except ViewerError as error:
            return JSONResponse({"error": str(error)}, status_code=502)
        return JSONResponse({"html": drawn.html, "figure": drawn.figure})

    def _alerts(self, _: Request) -> Response:
        try:
            content = alert_list.listed(
                self._alertmanager.alerts(), datetime.now(UTC), list(self._folder.dashboards())
            )
        except ViewerError as error:
            content = pages.problem(error)
        return self._page("Firing alerts", *pages.live(content), here="/alerts")

    def _strip_of_alerts(self) -> Element:
        try:
            alerts = self._alertmanager.alerts()
        except ViewerError as error:
            return pages.problem(error)
        return alert_list.strip(alerts, datetime.now(UTC), list(self._folder.dashboards()))

    def _shown_messages(self, _: Request) -> Response:
        content = message_cards.cards(
            self._messages.all(), list(self._folder.dashboards()), self._alertmanager.url
        )
        return self._page("Messages", *pages.live(content), here="/messages")

    def _listed_messages(self, _: Request) -> Response:
        return JSONResponse([one.model_dump(mode="json") for one in self._messages.all()])

    def _runbook(self, request: Request) -> Response:
        alert = request.path_params["alert"]
        # Looked up among the names, not put into a path.
        files = {path.stem: path for path in _RUNBOOKS.glob("[A-Z]*.md")}
        if alert not in files:
            raise HTTPException(404, f"there is no runbook {alert}")
        _, _, text = files[alert].read_text().partition("\n\n")
        return self._page(alert, element("pre", text, class_="page"), here=request.url.path)

    async def _receive(self, request: Request) -> Response:
        body = await request.body()
        return await run_in_threadpool(self._take, request.path_params["receiver"], body)

    def _take(self, receiver: str, body: bytes) -> Response:
        if Schedule.read(self._incidents).lasts(RECEIVER_DOWN, time.time()):
            return PlainTextResponse("the receiver is down\n", status_code=503)
        try:
            message = read(receiver, body, now())
        except ValidationError as error:
            return PlainTextResponse(f"no message that the viewer knows: {error}\n", status_code=400)
        self._messages.add(message)
        if message.kind == "pagerduty":
            said = {"status": "success", "message": "Event processed", "dedup_key": message.key}
            return JSONResponse(said, status_code=202)
        # To Alertmanager, a JSON answer to a Slack message is a failure.
        return PlainTextResponse("ok")

    def _known(self, request: Request) -> Dashboard:
        uid = request.path_params["uid"]
        found = self._folder.dashboards().get(uid)
        if found is None:
            raise HTTPException(404, f"there is no dashboard {uid}")
        return found

    def _page(
        self,
        title: str,
        *content: Element | None,
        here: str,
        styles: str | None = None,
        query: QueryParams | None = None,
        status: int = 200,
    ) -> Response:
        links = [(one.title, _link(one, query)) for one in self._folder.dashboards().values()]
        frame = pages.Frame(dashboards=links, strip=None if here == "/alerts" else self._strip_of_alerts())
        return HTMLResponse(pages.page(frame, title, *content, here=here, styles=styles), status)

    def _problem(self, request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 400
        text = error.detail if isinstance(error, HTTPException) else str(error)
        content = element("p", text, class_="problem", role="alert")
        return self._page("This can't be shown", content, here=request.url.path, status=status)


def _shown(found: Dashboard, asked: QueryParams) -> TimeRange:
    return time_range(asked.get("from", found.time.from_), asked.get("to", found.time.to), time.time())


def _chosen(asked: QueryParams) -> dict[str, list[str]]:
    names = {name for name in asked if name.startswith("var-")}
    return {name.removeprefix("var-"): asked.getlist(name) for name in names}


def _link(found: Dashboard, query: QueryParams | None) -> str:
    """Return the address of a dashboard at the time, and with those of the choices, that are shown now."""
    if query is None:
        return f"/d/{found.uid}"
    names = {"from", "to"} | {f"var-{one.name}" for one in found.variables}
    kept = [(name, value) for name, value in query.multi_items() if name in names and value != ALL]
    return f"/d/{found.uid}?{QueryParams(kept)}" if kept else f"/d/{found.uid}"


@functools.cache
def _library() -> bytes:
    return get_plotlyjs().encode()


def _ready(_: Request) -> Response:
    return PlainTextResponse("ready\n")


def _theme(_: Request) -> Response:
    return Response(theme_styles(), media_type="text/css")


def _plotly(_: Request) -> Response:
    return Response(
        _library(), media_type="text/javascript", headers={"Cache-Control": "private, max-age=86400"}
    )


async def _with_policy(request: Request, answer: Callable[[Request], Awaitable[Response]]) -> Response:
    response = await answer(request)
    response.headers["Content-Security-Policy"] = _POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers.setdefault("Cache-Control", "no-store")
    return response
