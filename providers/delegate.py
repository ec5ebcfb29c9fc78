"""The one dynamic provider: it calls the functions of the module that it was made for.

The module may have `create(props) -> (id, outputs)`, `diff(old, new) -> bool | list[str]` (changed or not, or
the names of properties that force a replacement), `update(old, new) -> outputs` and `delete(props)`; and
`check(old, new) -> list[(property, reason)]`, called at preview too. Neither `check` nor `diff` is asked
about properties of which a part is not known yet: at preview, or while what they come from is being replaced.
"""

import pickle
from typing import Any

from pulumi.dynamic import (
    CheckFailure,
    CheckResult,
    CreateResult,
    DiffResult,
    ResourceProvider,
    UpdateResult,
)

# Pulumi wraps this method anew for each dynamic resource, and leaves the wrapping there: some nine
# hundred resources in one program would be a RecursionError.
_Pickler: Any = pickle._Pickler
_SAVE_ITEMS = _Pickler._batch_setitems


class Delegate(ResourceProvider):
    """Calls `module`'s functions; imports happen in the provider's own process."""

    serialize_as_secret_always = False

    def __init__(self, module: str) -> None:
        super().__init__()
        _Pickler._batch_setitems = _SAVE_ITEMS
        self.module = module

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Is anything wrong with it, as far as that can be known before it is made?"""
        functions = self._functions()
        if not hasattr(functions, "check") or _has_unknown(news):
            return CheckResult(news, [])
        found = functions.check(_olds, news)
        return CheckResult(news, [CheckFailure(name, reason) for name, reason in found])

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Make the thing."""
        id_, outputs = self._functions().create(props)
        return CreateResult(id_, outputs)

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        """Does it have to change, and may it change in place?"""
        if _has_unknown(_news):
            return DiffResult(changes=True, replaces=[], delete_before_replace=False)
        found = self._functions().diff(_olds, _news)
        replaces = found if isinstance(found, list) else []
        return DiffResult(changes=bool(found), replaces=replaces, delete_before_replace=False)

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        """Change the thing in place."""
        return UpdateResult(self._functions().update(_olds, _news))

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        """Take the thing away, where there is something to take away."""
        functions = self._functions()
        if hasattr(functions, "delete"):
            functions.delete(_props)

    def _functions(self) -> Any:
        import importlib

        return importlib.import_module(self.module)


def _has_unknown(value: Any) -> bool:
    """Whether any part of it is not known yet."""
    from pulumi.output import Unknown

    if isinstance(value, dict):
        return any(map(_has_unknown, value.values()))
    if isinstance(value, list):
        return any(map(_has_unknown, value))
    return isinstance(value, Unknown)
