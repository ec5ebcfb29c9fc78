"""Print, as JSON, the packages of the interpreter that runs this.

It runs by its text in the program's own environment (`python -c`), which may be an older Python
without this project; so it stands alone.
"""

import importlib.metadata
import importlib.util
import json
import os
import re
from typing import Any, Dict, List, Optional, Set  # noqa: UP035 - for the Python of a program


def normal(name: str) -> str:
    """Return a package's name in the form in which names are compared."""
    return re.sub("[-_.]+", "-", name).lower()


def plugin_file(name: str) -> Optional[Any]:  # noqa: UP045
    """Return what a package says in pulumi-plugin.json; None where it has none."""
    try:
        spec = importlib.util.find_spec(name.replace("-", "_"))
    except (ImportError, ValueError):
        return None
    for folder in (spec and spec.submodule_search_locations) or []:
        path = os.path.join(folder, "pulumi-plugin.json")  # noqa: PTH118
        if os.path.isfile(path):  # noqa: PTH113
            with open(path, encoding="utf-8") as file:  # noqa: PTH123
                return json.load(file)
    return None


def packages() -> List[Dict[str, Any]]:  # noqa: UP006
    """Return name, version, whether nothing else requires it, and its plugin file, for each."""
    versions: Dict[str, str] = {}  # noqa: UP006
    required: Set[str] = set()  # noqa: UP006
    for found in importlib.metadata.distributions():
        name = normal(found.metadata["Name"] or "")
        if not name or name in versions:
            continue
        versions[name] = found.version
        for line in found.requires or []:
            needed = re.match("[A-Za-z0-9._-]+", line)
            if needed and "extra ==" not in line:
                required.add(normal(needed[0]))
    return [
        {
            "name": name,
            "version": version,
            "direct": name not in required,
            "plugin": plugin_file(name),
        }
        for name, version in versions.items()
    ]


if __name__ == "__main__":
    print(json.dumps(packages()))
