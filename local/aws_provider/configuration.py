"""What a program may set on the provider resource."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from local.provider_wire import Json, JsonObject

SUPPORTED: Final = frozenset(
    {
        "allowedAccountIds",
        "defaultTags",
        "region",
        "skipCredentialsValidation",
        "skipMetadataApiCheck",
        "skipRegionValidation",
        "skipRequestingAccountId",
        "version",
    }
)
_VARIABLE: Final = "aws:config:"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings of one provider resource.

    Attributes:
        region: Where objects are made.
        allowed: The accounts that it may work in; none for any.
        default_tags: Tags that every object gets that takes tags.
    """

    region: str = ""
    allowed: tuple[str, ...] = ()
    default_tags: Mapping[str, str] = field(default_factory=dict[str, str])

    @classmethod
    def read(cls, variables: Mapping[str, str]) -> "Settings":
        """Read what the engine configures a provider with."""
        given = {key.removeprefix(_VARIABLE): value for key, value in variables.items()}
        tags = _nested(given.get("defaultTags")) or {}
        return cls(
            region=given.get("region", ""),
            allowed=tuple(_nested(given.get("allowedAccountIds")) or ()),
            default_tags=tags.get("tags") or {},
        )


def _nested(value: Json) -> Json:
    """A list or an object, which travels as JSON in a text."""
    return json.loads(value) if isinstance(value, str) else value


def failures(options: JsonObject) -> list[tuple[str, str]]:
    """Say what is wrong with options: each by its name."""
    found = [
        (key, f'the stand-in of the AWS provider does not have the option "{key}"')
        for key in sorted(set(options) - SUPPORTED)
    ]
    if not options.get("region"):
        found.append(("region", "Missing region configuration"))
    return found


def changed(olds: JsonObject, news: JsonObject) -> list[str]:
    """The options that differ; none of them makes other objects."""
    return sorted(key for key in {*olds, *news} if olds.get(key) != news.get(key))
