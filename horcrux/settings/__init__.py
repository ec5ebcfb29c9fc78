"""The settings of an environment: what `stacks/Pulumi.<environment>.yaml` may say.

`parse` turns a stack's configuration into a frozen `Settings`, or raises one `SettingsError` that
lists everything that is wrong with it. It does no I/O; `stack_file` reads the files.
"""

from horcrux.settings.app import App
from horcrux.settings.checks import SettingsError
from horcrux.settings.environment import Settings
from horcrux.settings.hosts import Host, layout
from horcrux.settings.parse import parse

__all__ = ["App", "Host", "Settings", "SettingsError", "layout", "parse"]
