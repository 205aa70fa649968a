"""What every group of settings is made of."""

from dataclasses import dataclass
from ipaddress import ip_network
from typing import Annotated, Protocol, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    HttpUrl,
    TypeAdapter,
    model_validator,
)
from pydantic.alias_generators import to_camel

from stacks.quantities import Quantity, kubernetes_quantity

PROJECT = "dubbing-monitoring"

#: The cloud's metadata, which gives a node's credentials away, and what else is only for the node itself.
NODE_ONLY = ("169.254.0.0/16", "fd00:ec2::/32", "fe80::/10")

_DNS_LABEL = r"^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$"
_DNS_SUBDOMAIN = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"
_LABEL_KEY = r"^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([\w.-]{0,61}[A-Za-z0-9])?$"
_LABEL_VALUE = r"^([A-Za-z0-9]([\w.-]{0,61}[A-Za-z0-9])?)?$"
_ANY_URL = TypeAdapter(HttpUrl)


def _no_template(text: str) -> str:
    if "{{" in text or "}}" in text:
        raise ValueError("must have no {{ or }}: it stands in a template")
    return text


def _url(text: str) -> str:
    parts = _ANY_URL.validate_python(text)
    if parts.username is not None or parts.password is not None:
        raise ValueError("must have no user and no password: it is plain text wherever it goes")
    if any(character.isspace() for character in text):
        raise ValueError("must have no space")
    return _no_template(text)


def _cidr(text: str) -> str:
    try:
        return str(ip_network(text))
    except ValueError as error:
        msg = f"is no CIDR such as 203.0.113.0/24: {error}"
        raise ValueError(msg) from None


def _outside_the_node(text: str) -> str:
    network = ip_network(text)
    for node_only in map(ip_network, NODE_ONLY):
        if network.version == node_only.version and network.network_address in node_only:
            msg = f"is within {node_only}, which is for the node itself: credentials of the cloud are there"
            raise ValueError(msg)
    return text


class _Named(Protocol):
    @property
    def name(self) -> str: ...


_T = TypeVar("_T", bound=_Named)


def distinct(items: tuple[_T, ...]) -> tuple[_T, ...]:
    """The items, each with a name of its own.

    Raises:
        ValueError: two have the same name.
    """
    names = [item.name for item in items]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        msg = f"{', '.join(twice)} stands there more than once: each needs a name of its own"
        raise ValueError(msg)
    return items


def _own_namespace(name: str) -> str:
    if name == "default" or name.startswith("kube-"):
        raise ValueError("is the cluster's own: policies and Pod Security of the stack would break it")
    return name


def _no_boolean(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("true and false are no numbers")  # noqa: TRY004 - pydantic reports a ValueError
    return value


def namespace_of_service(host: str) -> str | None:
    """The namespace of the Service that a host's name may be: `NAME.NAMESPACE`, `NAME.NAMESPACE.svc`."""
    parts = host.rstrip(".").split(".")
    return parts[1] if len(parts) == 2 or parts[2:3] == ["svc"] else None  # noqa: PLR2004 - name, namespace


_NUMBER = BeforeValidator(_no_boolean)

Url = Annotated[str, AfterValidator(_url)]
Name = Annotated[str, Field(pattern=_DNS_LABEL)]
Host = Annotated[
    str, Field(pattern=r"^\w([\w.-]*\w)?\.?$", description="a host name or address, without its port")
]
Cidr = Annotated[str, AfterValidator(_cidr)]
InternetCidr = Annotated[Cidr, AfterValidator(_outside_the_node)]
OwnNamespace = Annotated[Name, AfterValidator(_own_namespace)]
#: Part of the names and labels of an exporter's objects, which have 63 characters at most.
ServerName = Annotated[Name, Field(max_length=40)]
ClassName = Annotated[str, Field(pattern=_DNS_SUBDOMAIN, max_length=253)]
Labels = dict[
    Annotated[str, Field(pattern=_LABEL_KEY, max_length=317)], Annotated[str, Field(pattern=_LABEL_VALUE)]
]
Text = Annotated[str, Field(min_length=1), AfterValidator(_no_template)]
Port = Annotated[int, _NUMBER, Field(ge=1, le=65535)]
Count = Annotated[int, _NUMBER, Field(ge=1)]
Region = Annotated[str, Field(pattern=r"^[a-z]{2}(-[a-z]+)+-\d$")]
Ratio = Annotated[float, _NUMBER, Field(gt=0, lt=1, description="a ratio between 0 and 1")]
Positive = Annotated[float, _NUMBER, Field(gt=0, allow_inf_nan=False, description="a number above 0")]
Celsius = Annotated[float, _NUMBER, Field(ge=40, le=110, description="degrees Celsius, 40 to 110")]
Times = Annotated[
    float, _NUMBER, Field(gt=1, le=100, description="a factor above 1: how many times the average")
]
Share = Annotated[
    float, _NUMBER, Field(gt=0, le=2, description="a share above 0 and at most 2, where 1 is all of it")
]


@dataclass(frozen=True, kw_only=True)
class Secret:
    """One secret of a stack's configuration: its flat key, what it is for, and whether it is an https URL."""

    key: str
    purpose: str
    is_url: bool = False


class SettingsModel(BaseModel):
    """What every group of settings shares: immutable, camelCase keys, unknown keys refused."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, validate_by_alias=True, validate_by_name=False
    )


class Amounts(SettingsModel):
    """CPU and memory as Kubernetes quantities; no CPU limit is the default, since throttling hides load."""

    cpu: Quantity | None = Field(default=None, description="a CPU quantity such as 100m")
    memory: Quantity = Field(description="a memory quantity such as 512Mi")

    def as_mapping(self) -> dict[str, str]:
        """The amounts under Kubernetes' resource names."""
        return {"memory": self.memory} | ({"cpu": self.cpu} if self.cpu else {})


class Resources(SettingsModel):
    """Requests and limits of a workload's container."""

    requests: Amounts
    limits: Amounts

    @model_validator(mode="after")
    def _limits_hold_the_requests(self) -> "Resources":
        for resource in ("cpu", "memory"):
            request, limit = getattr(self.requests, resource), getattr(self.limits, resource)
            if request and limit and kubernetes_quantity(request) > kubernetes_quantity(limit):
                msg = f"the {resource} request {request} is above the limit {limit}"
                raise ValueError(msg)
        return self


def resources(cpu: str, memory: str, memory_limit: str) -> Resources:
    """Requests, and a limit of the memory alone."""
    return Resources(
        requests=Amounts(cpu=cpu, memory=memory),
        limits=Amounts(memory=memory_limit),
    )
