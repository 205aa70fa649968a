"""How this project writes YAML."""

import yaml


def to_yaml(document: object) -> str:
    """YAML in the order written, one item a line, so that a diff shows what changed."""
    # libyaml's writer, which PyYAML's wheels bring: the other one took a tenth of a second of every preview.
    return yaml.dump(
        document,
        Dumper=yaml.CSafeDumper,
        sort_keys=False,
        default_flow_style=False,
        width=1000,
        allow_unicode=True,
    )
