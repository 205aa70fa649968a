"""The settings of Grafana: where it keeps what people make, and how people reach it."""

from ipaddress import ip_address
from typing import Annotated, Literal, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from stacks.quantities import Quantity
from stacks.settings_base import (
    Cidr,
    Count,
    Host,
    Labels,
    Name,
    Port,
    Resources,
    Secret,
    SettingsModel,
    Url,
    resources,
)

ADMIN_PASSWORD = "grafanaAdminPassword"  # noqa: S105 - a key
SECRET_KEY = "grafanaSecretKey"  # noqa: S105 - a key
DATABASE_PASSWORD = "grafanaDatabasePassword"  # noqa: S105 - a key
OAUTH_CLIENT_SECRET = "grafanaOauthClientSecret"  # noqa: S105 - a key
TOKEN = "grafanaToken"  # noqa: S105 - a key
SECRET_KEYS = (ADMIN_PASSWORD, SECRET_KEY, DATABASE_PASSWORD, OAUTH_CLIENT_SECRET, TOKEN)

#: Where a port-forward makes the stack's own Grafana reachable.
FORWARDED_URL = "http://localhost:3000/"

#: The annotation that tells an AWS load balancer its certificate.
CERTIFICATE_ARN = "alb.ingress.kubernetes.io/certificate-arn"

#: What stands in a connection string without quotes.
Identifier = Annotated[
    str, Field(pattern=r"^\w[\w.-]*$", description="a name of letters, digits, _, . and -")
]


_T = TypeVar("_T")


def _https(url: str) -> str:
    if not url.startswith("https://"):
        raise ValueError("must start with https://")
    return url


def _https_or_inside(url: str) -> str:
    parts = urlsplit(url)
    # Two parts alone may be a public domain, and the client secret goes there.
    inside = (parts.hostname or "").split(".")[2:3] == ["svc"]
    if parts.scheme == "http" and inside:
        return url
    return _https(url)


#: None of these may have what Grafana or a JMESPath expression reads as more than text.
Word = Annotated[str, Field(pattern=r"^[\w./:@~+-]+$", description="text without spaces and quotes")]
Group = Annotated[str, Field(pattern=r"^[\w./:@~+ -]+$", description="a group's name, without quotes")]
Domain = Annotated[str, Field(pattern=r"^[a-z0-9-]+(\.[a-z0-9-]+)+$", description="a domain")]
BrowsersUrl = Annotated[Url, AfterValidator(_https)]
ServersUrl = Annotated[Url, AfterValidator(_https_or_inside)]


class Database(SettingsModel):
    """A database outside of Grafana, for what people make in it; its password is a secret."""

    type: Literal["postgres", "mysql"]
    host: Host
    port: Port | None = Field(
        default=None, description="a port, 1 to 65535; by default 5432 of postgres, 3306 of mysql"
    )
    name: Identifier = "grafana"
    user: Identifier = "grafana"
    ssl_mode: Literal["disable", "require", "verify-full"] = Field(
        default="verify-full",
        description="verify-full (a certificate that the image knows), require (any certificate) or disable",
    )

    @property
    def port_number(self) -> int:
        """Its port."""
        return self.port or {"postgres": 5432, "mysql": 3306}[self.type]

    @property
    def secret(self) -> Secret:
        """The password of the user."""
        return Secret(
            key=DATABASE_PASSWORD,
            purpose=f"password of {self.user} on {self.host}:{self.port_number}; "
            "no space, quote or backslash",
        )


class Roles(SettingsModel):
    """Whose members have a role, the highest first; whoever is in no group is not let in."""

    admin: tuple[Group, ...] = Field(default=(), description="a list of groups, names without quotes")
    editor: tuple[Group, ...] = Field(default=(), description="a list of groups, names without quotes")
    viewer: tuple[Group, ...] = Field(
        default=(), validate_default=True, description="a list of groups, names without quotes"
    )

    @field_validator("viewer")
    @classmethod
    def _somebody_gets_in(cls, viewer: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if not viewer and not info.data.get("admin", True) and not info.data.get("editor", True):
            raise ValueError("nobody would be let in: name a group in admin, editor or viewer")
        return viewer


class OAuth(SettingsModel):
    """An identity provider over OpenID Connect; its client secret is a secret."""

    client_id: Word
    auth_url: BrowsersUrl = Field(description="the authorization endpoint, where browsers are sent")
    token_url: ServersUrl = Field(
        description="the token endpoint, which Grafana asks (http:// only of NAME.NAMESPACE.svc)"
    )
    api_url: ServersUrl = Field(description="the UserInfo endpoint, which Grafana asks")
    scopes: tuple[Word, ...] = Field(
        default=("openid", "profile", "email"), description="a list of scopes, each a word"
    )
    groups_claim: Word = Field(default="groups", description="the claim that lists a person's groups")
    roles: Roles = Field(description="the groups of each role: admin, editor, viewer")
    allowed_domains: tuple[Domain, ...] = Field(
        default=(), description="a list of domains of mail addresses; with none, all"
    )


class Auth(SettingsModel):
    """How people log in; nobody is let in without."""

    login_form: bool = Field(description="whether users of Grafana's own log in by name and password")
    oauth: OAuth | None = Field(
        default=None, validate_default=True, description="an identity provider: clientId, URLs and roles"
    )

    @field_validator("oauth")
    @classmethod
    def _there_is_a_way_in(cls, oauth: OAuth | None, info: ValidationInfo) -> OAuth | None:
        if oauth is None and info.data.get("login_form") is False:
            raise ValueError("nobody could log in: loginForm is false, so say how else")
        return oauth

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """The client secret, where there is a client."""
        if self.oauth is None:
            return ()
        return (Secret(key=OAUTH_CLIENT_SECRET, purpose=f"client secret of {self.oauth.client_id}"),)


class AskingPods(SettingsModel):
    """The pods that requests come from."""

    namespace: Name = Field(description="the namespace of its pods")
    labels: Labels = Field(min_length=1, description="the labels of its pods")


class Ingress(SettingsModel):
    """An Ingress for the host of `rootUrl`, over TLS alone."""

    class_name: Name = Field(description="the class of Ingress, such as nginx or alb")
    annotations: dict[str, str] = Field(default={}, description="annotations that the controller reads")
    tls_secret: Name | None = Field(
        default=None, validate_default=True, description="the Secret of the certificate, in the namespace"
    )
    controller: AskingPods | None = Field(
        default=None, description="the controller's pods: namespace and labels"
    )
    cidrs: tuple[Cidr, ...] = Field(
        default=(),
        validate_default=True,
        description="a list of CIDRs that a load balancer outside the cluster asks from",
    )

    @field_validator("tls_secret")
    @classmethod
    def _has_a_certificate(cls, secret: str | None, info: ValidationInfo) -> str | None:
        annotations = info.data.get("annotations", {CERTIFICATE_ARN: ""})
        if secret is None and CERTIFICATE_ARN not in annotations:
            msg = (
                "passwords would be sent in the clear: name the Secret of the certificate (that cert-manager "
                f"makes, where it does), or the certificate in the annotation {CERTIFICATE_ARN}"
            )
            raise ValueError(msg)
        return secret

    @field_validator("cidrs")
    @classmethod
    def _comes_from_somewhere(cls, cidrs: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if not cidrs and info.data.get("controller", True) is None:
            raise ValueError("no policy would let it in: say who asks, in controller or cidrs")
        return cidrs


class Api(SettingsModel):
    """What a Grafana that exists is told by its API."""

    prometheus_url: Url | None = Field(
        default=None,
        description="the URL of Prometheus as that Grafana reaches it; with none, the workspace of aws",
    )
    alertmanager_url: Url | None = Field(
        default=None,
        description="the URL of Alertmanager as that Grafana reaches it; with none, it is left out",
    )
    workspace_type: Literal["prometheus", "grafana-amazonprometheus-datasource"] = Field(
        default="prometheus",
        description="prometheus, or grafana-amazonprometheus-datasource where that Grafana has the plugin "
        "(from Grafana 13 it must): the type of the data source of the workspace of aws",
    )
    pods: AskingPods | None = Field(
        default=None,
        description="the pods of that Grafana, or of what leads it here, where they are in this cluster",
    )
    notification_policy: bool = Field(
        default=False,
        description="true to replace the whole tree of notification policies of that Grafana",
    )


class Grafana(SettingsModel):
    """Grafana: one that the stack deploys, or one that exists."""

    delivery: Literal["provisioned", "api"] = Field(
        default="provisioned",
        description="provisioned (a Grafana of the stack's own, from files) or api (one that exists)",
    )
    root_url: Url = Field(
        default=FORWARDED_URL,
        validate_default=True,
        description="the URL under which people reach Grafana in their browser, and the deployer its API",
    )
    api: Api | None = Field(
        default=None,
        validate_default=True,
        description="where a Grafana that exists finds its data: a group",
    )
    replicas: Count = Field(default=1, description="a number from 1; several share a database")
    database: Database | None = Field(
        default=None, validate_default=True, description="a database outside: type, host, name and user"
    )
    volume: Quantity = Field(
        default="5Gi", description="the size of the volume of Grafana's own database, such as 5Gi"
    )
    resources: Resources = resources("100m", "512Mi", "1280Mi")
    auth: Auth | None = Field(
        default=None, description="how people log in: loginForm and oauth; unasked, by the form"
    )
    ingress: Ingress | None = Field(
        default=None, description="an Ingress: className, a certificate and who asks"
    )

    @field_validator("root_url")
    @classmethod
    def _leads_to_one_that_exists(cls, url: str, info: ValidationInfo) -> str:
        if info.data.get("delivery") != "api":
            return url
        if url == FORWARDED_URL:
            raise ValueError("delivery is api, so it must be the URL of the Grafana that exists")
        parts = urlsplit(url)
        if parts.scheme != "https" and parts.hostname not in ("localhost", "127.0.0.1"):
            raise ValueError("delivery is api, so it must start with https://: the token is sent there")
        return url

    @field_validator("api")
    @classmethod
    def _finds_its_data(cls, api: Api | None, info: ValidationInfo) -> Api | None:
        delivery = info.data.get("delivery")
        if delivery == "provisioned" and api is not None:
            raise ValueError("is for a Grafana that exists: remove it, or grafana.delivery: api")
        has_workspace: bool = (info.context or {}).get("workspace", False)
        if delivery == "api" and not has_workspace and (api is None or api.prometheus_url is None):
            raise ValueError(
                "delivery is api, so prometheusUrl must say where that Grafana reaches Prometheus, unless "
                "aws.managedPrometheus keeps samples where it does"
            )
        return api

    @field_validator("replicas", "database", "volume", "resources", "auth", "ingress")
    @classmethod
    def _is_of_an_own_one(cls, value: _T, info: ValidationInfo) -> _T:
        if info.data.get("delivery") == "api" and value is not None:
            raise ValueError("delivery is api, and whoever runs that Grafana decides this: remove it")
        return value

    @field_validator("ingress")
    @classmethod
    def _is_fit_to_be_reached(cls, ingress: Ingress | None, info: ValidationInfo) -> Ingress | None:
        if ingress is None:
            return None
        root = urlsplit(info.data.get("root_url", "https://unknown/"))
        reasons = {
            "people log in through it, so grafana.rootUrl must start with https://": root.scheme != "https",
            "it is for all of a host: grafana.rootUrl must be a host's name without a path": (
                root.path not in ("", "/") or _is_address(root.hostname)
            ),
            "say in grafana.auth how people log in, even if by {loginForm: true} alone": (
                info.data.get("auth", True) is None
            ),
        }
        if any(reasons.values()):
            raise ValueError("; ".join(reason for reason, holds in reasons.items() if holds))
        return ingress

    @property
    def is_deployed(self) -> bool:
        """Whether the stack deploys it."""
        return self.delivery == "provisioned"

    @property
    def told(self) -> Api:
        """What one that exists is told."""
        return self.api or Api()

    @property
    def checksum_key(self) -> str:
        """The key of a secret that is random, and so is fit to key checksums of those that are not."""
        return SECRET_KEY if self.is_deployed else TOKEN

    @property
    def host(self) -> str:
        """The host under which people reach it."""
        return urlsplit(self.root_url).hostname or ""

    @field_validator("database")
    @classmethod
    def _several_share_one(cls, database: Database | None, info: ValidationInfo) -> Database | None:
        replicas = info.data.get("replicas", 1)
        if database is None and replicas > 1:
            msg = (
                f"{replicas} replicas cannot share Grafana's own, a file that one of them writes: say which "
                "database they share, or set grafana.replicas: 1"
            )
            raise ValueError(msg)
        return database

    def secrets_needed(self) -> tuple[Secret, ...]:
        """The secrets that it needs."""
        if not self.is_deployed:
            purpose = f"token of a service account with the role Admin in Grafana at {self.root_url}"
            return (Secret(key=TOKEN, purpose=purpose),)
        return (
            Secret(key=ADMIN_PASSWORD, purpose="password of Grafana's user admin, 8 characters or more"),
            Secret(key=SECRET_KEY, purpose="key that encrypts what Grafana stores; keep it for ever"),
            *([self.database.secret] if self.database else []),
            *(self.auth.secrets if self.auth else ()),
        )


def _is_address(host: str | None) -> bool:
    try:
        ip_address(host or "")
    except ValueError:
        return False
    return True
