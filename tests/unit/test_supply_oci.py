"""What manifests name, what a registry's question says, and what is neither."""

import json

import pytest

from supply import challenge, oci
from tests.support.upstream import image

BLOB = {"digest": oci.digest_of(b"blob"), "size": 4}
DOCKER_IMAGE = "application/vnd.docker.distribution.manifest.v2+json"


def document(**parts: object) -> bytes:
    return json.dumps({"schemaVersion": 2, **parts}).encode()


def test_an_image_names_its_configuration_and_layers() -> None:
    made = image(1000, 2000)
    data, media_type = made.manifests[made.digest]
    found = oci.manifest(data)
    assert (found.digest, found.media_type) == (made.digest, media_type)
    assert {r.digest: r.size for r in found.references} == {
        d: len(b) for d, b in made.blobs.items()
    }
    assert {r.kind for r in found.references} == {"blob"}


def test_an_index_names_other_manifests() -> None:
    made = image(1000, index=True)
    found = oci.manifest(made.manifests[made.digest][0])
    (child,) = found.references
    assert (child.kind, child.digest in made.manifests) == ("manifest", True)


def test_a_layer_that_is_kept_elsewhere_is_not_ours_to_fetch() -> None:
    foreign = {**BLOB, "digest": oci.digest_of(b"windows"), "urls": ["https://example.com/x"]}
    found = oci.manifest(document(config=BLOB, layers=[foreign, BLOB]))
    assert {r.digest for r in found.references} == {BLOB["digest"]}


@pytest.mark.parametrize(
    ("told", "content_type", "seen"),
    [
        (DOCKER_IMAGE, "text/plain", DOCKER_IMAGE),
        (None, f"{DOCKER_IMAGE}; charset=utf-8", DOCKER_IMAGE),
        (None, "application/json", oci.IMAGE_TYPES[0]),
        ("application/vnd.unheard.of", "", oci.IMAGE_TYPES[0]),
    ],
)
def test_a_manifest_says_what_it_is_and_else_its_content_type_does(
    told: str | None, content_type: str, seen: str
) -> None:
    own = {"mediaType": told} if told else {}
    assert oci.manifest(document(config=BLOB, layers=[], **own), content_type).media_type == seen


@pytest.mark.parametrize(
    "data",
    [
        b"<html>log in to this network</html>",
        b"",
        b"\xff\xfe",
        b"[]",
        b"[" * 100_000,
        b'{"errors": [{"code": "DENIED"}]}',
        json.dumps({"schemaVersion": 1, "fsLayers": []}).encode(),
        document(),
        document(layers=[BLOB]),
        document(config=BLOB, layers=["text"]),
        document(config=BLOB, layers=[{"size": 4}]),
        document(config=BLOB, layers=[{**BLOB, "size": None}]),
        document(config=BLOB, layers=[{**BLOB, "size": "four"}]),
        document(config={**BLOB, "digest": "sha256:../../etc"}, layers=[]),
        document(manifests=[{**BLOB, "digest": "md5:0"}]),
    ],
)
def test_what_is_no_manifest_is_refused(data: bytes) -> None:
    with pytest.raises(oci.ManifestError):
        oci.manifest(data)


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        (BLOB["digest"], True),
        (f"{BLOB['digest']}\n", False),
        (str(BLOB["digest"]).upper(), False),
        ("latest", False),
        ("sha256:", False),
    ],
)
def test_a_digest_is_told_from_a_tag(text: str, seen: bool) -> None:
    assert oci.is_digest(text) is seen


def test_an_error_has_the_specification_s_shape() -> None:
    assert oci.error("DENIED", "no") == {
        "errors": [{"code": "DENIED", "message": "no", "detail": None}]
    }


def test_docker_hub_s_question_is_read() -> None:
    found = challenge.parse(
        'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",'
        'scope="repository:library/nginx:pull,push"'
    )
    assert found == challenge.Challenge(
        "bearer",
        {
            "realm": "https://auth.docker.io/token",
            "service": "registry.docker.io",
            "scope": "repository:library/nginx:pull,push",
        },
    )


@pytest.mark.parametrize(
    ("header", "scheme", "parameters"),
    [
        ('basic realm="x"', "basic", {"realm": "x"}),
        ("BEARER Realm=https://a/token , Service=s", "bearer", {"realm": "https://a/token", "service": "s"}),
        ('Bearer realm="https://a/token",error="invalid_token"', "bearer",
         {"realm": "https://a/token", "error": "invalid_token"}),
        ("Basic", "basic", {}),
    ],
)  # fmt: skip
def test_questions_are_read_however_they_are_written(
    header: str, scheme: str, parameters: dict[str, str]
) -> None:
    assert challenge.parse(header) == challenge.Challenge(scheme, parameters)


@pytest.mark.parametrize("header", ["", "Negotiate", 'Digest realm="x"', "  "])
def test_a_question_that_we_cannot_answer_is_none(header: str) -> None:
    assert challenge.parse(header) is None
