"""The commented example of every setting: right, and complete."""

from collections.abc import Iterator
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_origin

import pytest
import yaml
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from pydantic import BaseModel

from horcrux.settings import Settings, parse
from horcrux.settings.reference import schema

EXAMPLE = Path(__file__).parents[2] / "docs" / "example-stack.yaml"
# Of which an app can have one only: the example has another, and names these in comments.
INSTEAD = {
    "apps.elastic.target.cpu",
    "apps.elastic.target.latency_p95",
    "apps.elastic.target.queue",
    "apps.smoke.command",
}


def example() -> dict[str, Any]:
    """The example's settings, without the prefix."""
    config = yaml.safe_load(EXAMPLE.read_text())["config"]
    return {key.removeprefix("horcrux:"): value for key, value in config.items()}


def unused(model: type[BaseModel], values: list[Any], path: str = "") -> Iterator[str]:
    """The keys of a model, and of those inside it, that none of `values` has."""
    for name, field in model.model_fields.items():
        here = f"{path}{name}"
        given = [value[name] for value in values if name in value]
        if not given:
            yield here
            continue
        inner, given = elements(field.annotation, given)
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from unused(inner, given, f"{here}.")


def elements(kind: Any, values: list[Any]) -> tuple[Any, list[Any]]:
    """The type inside optional ones, mappings and lists, and the values there."""
    if get_origin(kind) is UnionType:
        return elements(next(k for k in get_args(kind) if k is not type(None)), values)
    if get_origin(kind) is dict:
        return elements(get_args(kind)[1], [v for value in values for v in value.values()])
    if get_origin(kind) is tuple:
        return elements(get_args(kind)[0], [v for value in values for v in value])
    return kind, values


def test_the_example_is_valid() -> None:
    settings = parse(example(), "example", str(EXAMPLE))
    assert settings.apps["shop"].bind == ("database",)


def test_editors_find_nothing_wrong_with_the_example() -> None:
    document = yaml.safe_load(EXAMPLE.read_text())
    assert [e.message for e in Draft202012Validator(schema()).iter_errors(document)] == []


def test_every_setting_occurs_in_the_example() -> None:
    missing = set(unused(Settings, [example()]))
    assert missing == INSTEAD, (
        "add them, with a word on what each is for, to docs/example-stack.yaml"
    )


def test_a_setting_that_the_example_lacks_would_be_found() -> None:
    lacking = example()
    del lacking["apps"]["shop"]["edge"]["rate_limit"]
    del lacking["hosts"]
    del lacking["monitoring"]["receivers"]["operations"]["sign"]
    assert set(unused(Settings, [lacking])) - INSTEAD == {
        "hosts",
        "monitoring.receivers.sign",
        "apps.edge.rate_limit",
    }


@pytest.mark.parametrize("setting", sorted(INSTEAD))
def test_what_can_stand_in_another_s_place_is_named_in_a_comment(setting: str) -> None:
    comments = [line.partition(" # ")[2] for line in EXAMPLE.read_text().splitlines()]
    assert any(f"{setting.rpartition('.')[2]}: " in comment for comment in comments)
