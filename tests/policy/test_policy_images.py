"""The rule image-digest."""

import pytest
from policy_cases import CONTAINER, DIGEST, SERVICE, host, judge, platform, service

from policies.rules.images import IMAGE_DIGEST


@pytest.mark.parametrize("name", ["nginx", "localhost:5000/team/web:1.2", "web:latest"])
def test_a_service_may_name_its_image_by_digest(name: str) -> None:
    assert judge(IMAGE_DIGEST, SERVICE, service(image=f"{name}@{DIGEST}")) == []


@pytest.mark.parametrize("image", ["nginx", "nginx:latest", "localhost:5000/nginx"])
def test_an_image_that_is_the_latest_is_refused_as_one_that_moves(image: str) -> None:
    (message,) = judge(IMAGE_DIGEST, SERVICE, service(image=image))
    assert "a tag that moves" in message
    assert "`apps.web.image`" in message


@pytest.mark.parametrize(
    "image", ["nginx:1.25", "web@sha256:short", f"web@md5:{'a' * 64}", f"@{DIGEST}"]
)
def test_a_service_without_a_whole_digest_is_refused(image: str) -> None:
    (message,) = judge(IMAGE_DIGEST, SERVICE, service(image=image))
    assert "app web" in message
    assert "NAME@sha256:" in message


def test_a_service_cannot_run_an_image_that_one_host_alone_knows() -> None:
    (message,) = judge(IMAGE_DIGEST, SERVICE, service(image=DIGEST))
    assert "push it to the registry" in message


def test_a_container_may_run_an_image_of_this_machine_by_its_id() -> None:
    assert judge(IMAGE_DIGEST, CONTAINER, host()) == []
    assert judge(IMAGE_DIGEST, CONTAINER, host(image=DIGEST.partition(":")[2])) == []


def test_a_container_with_a_name_alone_is_refused() -> None:
    (message,) = judge(IMAGE_DIGEST, CONTAINER, host(image="horcrux-dev/host:1f2e"))
    assert "has no digest" in message


def test_a_service_of_the_platform_is_not_told_of_settings_that_it_does_not_have() -> None:
    (message,) = judge(IMAGE_DIGEST, SERVICE, platform("edge", image="edge:1"))
    assert "the platform's service edge" in message
    assert "apps." not in message
