"""The API server, addressed by kind, namespace and name.

The official client library reads the kubeconfig, keeps credentials fresh and carries the requests. Its
models of every kind are left alone: an object here is the JSON that the server sends.
"""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final
from urllib.parse import urlencode

import urllib3
import yaml
from kubernetes.client import ApiClient, Configuration
from kubernetes.config import ConfigException, list_kube_config_contexts, new_client_from_config
from kubernetes.config.kube_config import new_client_from_config_dict

from local.kubernetes_provider.kinds import Kind
from local.provider_wire import Json, JsonObject

CONNECT_SECONDS: Final = 5
READ_SECONDS: Final = 30
PARALLEL_CONNECTIONS: Final = 64


class UnreachableError(Exception):
    """The kubeconfig cannot be used, or the API server does not answer."""


class ApiError(Exception):
    """The API server refused a request.

    Attributes:
        code: the HTTP status.
        reason: the API's word for it, such as `AlreadyExists`.
        about: the plural of the kind that the refusal is about, if the server says so.
    """

    def __init__(self, status: JsonObject, code: int) -> None:
        super().__init__(str(status.get("message") or status.get("reason") or f"HTTP status {code}"))
        self.code = code
        self.reason = str(status.get("reason", ""))
        self.about = str((status.get("details") or {}).get("kind", ""))

    @property
    def namespace_missing(self) -> bool:
        """Whether the object's namespace does not exist."""
        return self.reason == "NotFound" and self.about == "namespaces"


class Cluster:
    """One cluster, as the kubeconfig names it."""

    def __init__(self, client: ApiClient, namespace: str) -> None:
        self.namespace = namespace
        self._client = client

    @classmethod
    def connect(cls, kubeconfig: str, context: str) -> "Cluster":
        """Open the cluster and see that it answers this user.

        Args:
            kubeconfig: a path or the contents; empty for the ambient KUBECONFIG.
            context: a context of the kubeconfig; empty for its current one.

        Raises:
            UnreachableError: no such kubeconfig or context, or no answer within the connection timeout.
        """
        configuration = Configuration(
            connection_pool_maxsize=PARALLEL_CONNECTIONS, retries=urllib3.Retry(total=0, redirect=3)
        )
        try:
            if _is_contents(kubeconfig):
                contents = yaml.safe_load(kubeconfig)
                contexts, active = contents.get("contexts") or [], contents.get("current-context", "")
                client = new_client_from_config_dict(
                    contents, context or None, persist_config=False, client_configuration=configuration
                )
            else:
                listed: tuple[list[Json], Json] = list_kube_config_contexts(kubeconfig or None)
                contexts, active = listed[0], listed[1]["name"] if listed[1] else ""
                _require_context(context, contexts)
                client = new_client_from_config(
                    kubeconfig or None,
                    context or None,
                    persist_config=False,
                    client_configuration=configuration,
                )
        except (ConfigException, OSError, yaml.YAMLError) as error:
            raise UnreachableError(
                "unable to load Kubernetes client configuration from kubeconfig file. Make sure that "
                f"KUBECONFIG names a kubeconfig with the context that the provider is given: {error}"
            ) from error
        chosen = next((item["context"] for item in contexts if item["name"] == (context or active)), {})
        cluster = cls(client, chosen.get("namespace") or "default")
        try:
            cluster.request("GET", "/api/v1")
        except (ApiError, UnreachableError) as error:
            raise UnreachableError(
                f"unable to load schema information from the API server: {error}"
            ) from error
        return cluster

    def request(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: object = None,
        content_type: str = "application/json",
    ) -> JsonObject:
        """Send one request and return the object that the server answers with.

        Raises:
            ApiError: the server refused.
            UnreachableError: no answer in time.
        """
        headers = {"Accept": "application/json", "Content-Type": content_type}
        self._client.update_params_for_auth(headers, [], ["BearerToken"], path, method, body)
        url = f"{self._client.configuration.host}{path}" + (f"?{urlencode(query)}" if query else "")
        try:
            response = self._client.rest_client.pool_manager.request(
                method,
                url,
                headers=headers,
                body=None if body is None else json.dumps(body),
                timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS),
            )
        except urllib3.exceptions.HTTPError as error:
            cause = error.reason if isinstance(error, urllib3.exceptions.MaxRetryError) else error
            raise UnreachableError(f"{method} {url.partition('?')[0]}: {cause}") from error
        try:
            answer = json.loads(response.data)
        except ValueError:
            answer = {"message": response.data.decode(errors="replace").strip()}
        if response.status >= HTTPStatus.BAD_REQUEST:
            raise ApiError(answer, response.status)
        return answer

    def get(self, kind: Kind, namespace: str, name: str) -> JsonObject | None:
        """The live object, or None if there is none.

        Raises:
            ApiError: the server refused for another reason.
            UnreachableError: no answer in time.
        """
        try:
            return self.request("GET", kind.path(namespace, name))
        except ApiError as error:
            if error.code == HTTPStatus.NOT_FOUND:
                return None
            raise

    def items(self, api_version: str, plural: str, namespace: str) -> list[JsonObject]:
        """The objects of a namespace's collection.

        Raises:
            ApiError: the server refused.
            UnreachableError: no answer in time.
        """
        listed = Kind(api_version=api_version, name="", plural=plural).path(namespace)
        return self.request("GET", listed)["items"]


def _is_contents(kubeconfig: str) -> bool:
    return "\n" in kubeconfig or kubeconfig.lstrip().startswith("{")


def _require_context(context: str, contexts: list[JsonObject]) -> None:
    names = [str(item["name"]) for item in contexts]
    if context and context not in names:
        raise ConfigException(f'context "{context}" does not exist; the kubeconfig has {", ".join(names)}')
