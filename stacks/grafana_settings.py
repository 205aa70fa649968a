"""The settings of Grafana: where it keeps what people make, and how people reach it."""

from pydantic import Field

from stacks.quantities import Quantity
from stacks.settings_base import Resources, SettingsModel, Url, resources


class Grafana(SettingsModel):
    """Grafana."""

    root_url: Url = Field(
        default="http://localhost:3000/",
        description="the URL under which people reach Grafana in their browser",
    )
    volume: Quantity = Field(default="5Gi", description="the size of the volume, such as 5Gi")
    resources: Resources = resources("100m", "512Mi", "1280Mi")
