"""What every group of settings is made of."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, HttpUrl, TypeAdapter
from pydantic.alias_generators import to_camel

PROJECT = "dubbing-monitoring"

_DNS_LABEL = r"^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$"
_ANY_URL = TypeAdapter(HttpUrl)


def _url(text: str) -> str:
    _ANY_URL.validate_python(text)
    return text


Url = Annotated[str, AfterValidator(_url)]
Name = Annotated[str, Field(pattern=_DNS_LABEL)]
Port = Annotated[int, Field(ge=1, le=65535)]
Ratio = Annotated[float, Field(gt=0, lt=1)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


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
