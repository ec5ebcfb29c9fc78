"""Changes of a stack file: what they keep, and how they are taken back."""

from pathlib import Path

import pytest

from horcrux.stack_edit import StackEdit, get_value, set_value

FILE = """\
# ours
config:
  horcrux:apps:
    web: # what people see
      image: web:1
      env: {GREETING: hello}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "stacks" / "Pulumi.dev.yaml"
    path.parent.mkdir()
    path.write_text(FILE)
    return path


def test_undo_leaves_the_file_as_it_was_to_the_letter(file: Path) -> None:
    edit = StackEdit(file.parents[1], "dev")
    edit.set(["apps", "web", "image"], "web:2")
    edit.set(["apps", "web", "env", "COLOUR"], "blue")
    assert "web:2" in file.read_text()
    edit.undo()
    assert file.read_text() == FILE


def test_undo_leaves_what_others_wrote_meanwhile(file: Path) -> None:
    edit = StackEdit(file.parents[1], "dev")
    edit.set(["apps", "web", "image"], "web:2")
    edit.set(["apps", "web", "env", "COLOUR"], "blue")
    file.write_text(set_value(file.read_text(), ["apps", "db", "image"], "db:7"))
    edit.undo()
    text = file.read_text()
    assert get_value(text, ["apps", "db", "image"]) == "db:7"
    assert get_value(text, ["apps", "web", "image"]) == "web:1"
    assert get_value(text, ["apps", "web", "env"]) == {"GREETING": "hello"}
    assert "# what people see" in text


@pytest.mark.parametrize("path", [["apps", "no", "image"], ["no"], ["apps", "web", "image", "x"]])
def test_what_is_not_there_is_none(path: list[str]) -> None:
    assert get_value(FILE, path) is None
