"""An image as a folder: the OCI image specification's layout, which tools read."""

import json
from pathlib import Path

from tests.support.image import Image

TAG = "org.opencontainers.image.ref.name"


def write(folder: Path, image: Image) -> Path:
    """The folder, with the image under the tag `made`."""
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True, exist_ok=True)
    manifests = {digest: data for digest, (data, _) in image.manifests.items()}
    for digest, content in (image.blobs | manifests).items():
        (blobs / digest.partition(":")[2]).write_bytes(content)
    data, media_type = image.manifests[image.digest]
    described = {"mediaType": media_type, "digest": image.digest, "size": len(data)}
    index = {"schemaVersion": 2, "manifests": [{**described, "annotations": {TAG: "made"}}]}
    (folder / "index.json").write_text(json.dumps(index))
    (folder / "oci-layout").write_text(json.dumps({"imageLayoutVersion": "1.0.0"}))
    return folder
