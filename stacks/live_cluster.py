"""What `stacks.preflight` asks the API server of a kubeconfig context; it changes nothing."""

import json
import os
from collections.abc import Generator, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any, cast

import urllib3
from kubernetes.client import ApiClient, Configuration
from kubernetes.client.exceptions import ApiException
from kubernetes.config import ConfigException, new_client_from_config

from stacks import kubeconfig
from stacks.deployer_role import Manifest, Right, plural

Json = dict[str, Any]

#: How many questions are under way at once, and how many objects one answer holds.
PARALLEL = 16
PAGE = 500

#: How long one answer may take, in seconds.
ANSWER_SECONDS = 30


class NoAnswerError(Exception):
    """The cluster answers no question of this user's at all; the text says why."""


class RefusedError(Exception):
    """The API server did not answer one question; the text says which and why."""


class LiveCluster:
    """The cluster of a kubeconfig context, as its user sees it."""

    def __init__(self, client: ApiClient) -> None:
        self._client = client

    @classmethod
    @contextmanager
    def connect(cls, context: str) -> Generator["LiveCluster"]:
        """Open the cluster of a context of the kubeconfig that kubectl would read.

        Raises:
            NoAnswerError: the kubeconfig cannot be used.
        """
        # One that is busy or restarts is not asked again: the finding says so.
        configuration = Configuration(connection_pool_maxsize=PARALLEL, retries=urllib3.Retry(total=0))
        try:
            client = new_client_from_config(
                # The library reads KUBECONFIG when it is imported, which may be too early.
                os.pathsep.join(map(str, kubeconfig.paths())),
                context,
                persist_config=False,
                client_configuration=configuration,
            )
        except (ConfigException, OSError, ValueError) as error:
            msg = f"the kubeconfig's context {context!r} cannot be used: {error}"
            raise NoAnswerError(msg) from error
        with client:
            yield cls(client)

    def get(self, path: str, **query: str) -> Json | None:
        """What lies under a path of the API, or None where there is nothing.

        Raises:
            RefusedError: the user may not, or the server has a reason of its own.
            NoAnswerError: the server does not answer, or does not know the user.
        """
        return self._request("GET", path, query)

    def items(self, path: str) -> list[Json]:
        """All objects of a collection.

        Raises:
            RefusedError: the user may not, or the server has a reason of its own.
            NoAnswerError: the server does not answer, or does not know the user.
        """
        found: list[Json] = []
        query = {"limit": str(PAGE)}
        while True:
            page = self.get(path, **query) or {}
            found += page.get("items") or []
            rest = page.get("metadata", {}).get("continue", "")
            if not rest:
                return found
            query["continue"] = rest

    def existing(self, objects: Sequence[Manifest]) -> list[Json | None]:
        """The live object of each manifest's kind, namespace and name, or None.

        Raises:
            RefusedError: the user may not, or the server has a reason of its own.
            NoAnswerError: the server does not answer, or does not know the user.
        """
        with ThreadPoolExecutor(PARALLEL) as pool:
            return list(pool.map(self.get, map(path_of, objects)))

    def denied(self, rights: Iterable[Right]) -> list[Right]:
        """Those of some rights that the user lacks, by an access review of each.

        Raises:
            RefusedError: the user may not, or the server has a reason of its own.
            NoAnswerError: the server does not answer, or does not know the user.
        """
        asked = list(rights)
        # Who may do everything is not asked for each thing.
        if not asked or self._allowed(Right(verb="*", group="*", resource="*")):
            return []
        with ThreadPoolExecutor(PARALLEL) as pool:
            answers = list(pool.map(self._allowed, asked))
        return [right for right, allowed in zip(asked, answers, strict=True) if not allowed]

    def _allowed(self, right: Right) -> bool:
        if right.url:
            spec: Json = {"nonResourceAttributes": {"verb": right.verb, "path": right.url}}
        else:
            resource, _, subresource = right.resource.partition("/")
            attributes = {
                "verb": right.verb,
                "group": right.group,
                "resource": resource,
                "subresource": subresource,
                "name": right.name,
                "namespace": right.namespace,
            }
            spec = {"resourceAttributes": {key: value for key, value in attributes.items() if value}}
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": spec,
        }
        path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
        answer = self._request("POST", path, {}, review) or {}
        return bool(answer.get("status", {}).get("allowed"))

    def _request(
        self, method: str, path: str, query: Mapping[str, str], body: Json | None = None
    ) -> Json | None:
        request = self._client.param_serialize(
            method,
            path,
            query_params=list(query.items()),
            header_params={"Accept": "application/json", "Content-Type": "application/json"},
            body=body,
            auth_settings=["BearerToken"],
        )
        try:
            response = self._client.call_api(*request, _request_timeout=ANSWER_SECONDS)
            text = response.read()
        except (ApiException, urllib3.exceptions.HTTPError, OSError) as error:
            msg = f"{method} {path}: {error}"
            raise NoAnswerError(msg) from error
        if response.status == HTTPStatus.UNAUTHORIZED:
            msg = f"the cluster does not know the user: {method} {path}: {_reason(text, response.status)}"
            raise NoAnswerError(msg)
        if response.status == HTTPStatus.NOT_FOUND:
            return None
        if response.status >= HTTPStatus.BAD_REQUEST:
            msg = f"{method} {path}: {_reason(text, response.status)}"
            raise RefusedError(msg)
        try:
            answer = json.loads(text)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            host = self._client.configuration.host
            msg = f"{host} answers, but not as a Kubernetes API server: {method} {path} brings no JSON object"
            raise NoAnswerError(msg)
        return cast("Json", answer)


def path_of(manifest: Manifest) -> str:
    """The API's path of an object."""
    version, metadata = manifest["apiVersion"], manifest["metadata"]
    root = f"/apis/{version}" if "/" in version else f"/api/{version}"
    within = f"/namespaces/{metadata['namespace']}" if "namespace" in metadata else ""
    return f"{root}{within}/{plural(manifest['kind'])}/{metadata['name']}"


def _reason(text: bytes, status: int) -> str:
    try:
        return str(json.loads(text)["message"])
    except (ValueError, KeyError, TypeError):
        return f"HTTP status {status}"
