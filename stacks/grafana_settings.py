"""The settings of Grafana: where it keeps what people make, and how people reach it."""

from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from stacks.quantities import Quantity
from stacks.settings_base import Host, Port, Resources, Secret, SettingsModel, Url, resources

ADMIN_PASSWORD = "grafanaAdminPassword"  # noqa: S105 - a key
SECRET_KEY = "grafanaSecretKey"  # noqa: S105 - a key
DATABASE_PASSWORD = "grafanaDatabasePassword"  # noqa: S105 - a key

#: What stands in a connection string without quotes.
Identifier = Annotated[
    str, Field(pattern=r"^\w[\w.-]*$", description="a name of letters, digits, _, . and -")
]


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
    def number(self) -> int:
        """Its port."""
        return self.port or {"postgres": 5432, "mysql": 3306}[self.type]

    @property
    def secret(self) -> Secret:
        """The password of the user."""
        return Secret(
            key=DATABASE_PASSWORD,
            purpose=f"password of {self.user} on {self.host}:{self.number}; no space, quote or backslash",
        )


class Grafana(SettingsModel):
    """Grafana."""

    root_url: Url = Field(
        default="http://localhost:3000/",
        description="the URL under which people reach Grafana in their browser",
    )
    replicas: int = Field(default=1, ge=1, description="a number from 1; several share a database")
    database: Database | None = Field(
        default=None, validate_default=True, description="a database outside: type, host, name and user"
    )
    volume: Quantity = Field(
        default="5Gi", description="the size of the volume of Grafana's own database, such as 5Gi"
    )
    resources: Resources = resources("100m", "512Mi", "1280Mi")

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
        return (
            Secret(key=ADMIN_PASSWORD, purpose="password of Grafana's user admin, 8 characters or more"),
            Secret(key=SECRET_KEY, purpose="key that encrypts what Grafana stores; keep it for ever"),
            *([self.database.secret] if self.database else []),
        )
