"""The server's distribution: version and dependencies from the tree's own pyproject.toml, rooms from the tree."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.metadata.plugin.interface import MetadataHookInterface


class OfTheTree(MetadataHookInterface):
    """What both distributions share stands in one file."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Fill in what is dynamic."""
        tree = tomllib.loads((Path(self.root).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))
        metadata["version"] = tree["project"]["version"]
        metadata["dependencies"] = tree["dependency-groups"]["server"]
        metadata["optional-dependencies"] = {"otel": tree["dependency-groups"]["otel"]}


class Rooms(BuildHookInterface):  # type: ignore[type-arg]
    """The wheel holds the server's rooms; an editable install finds them where they are."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the rooms to a wheel that is shipped."""
        if version == "standard":
            tree = Path(self.root).parents[1]
            build_data["force_include"] |= {
                str(tree / room): room for room in ("bot", "store", "policies", "templates")
            }
