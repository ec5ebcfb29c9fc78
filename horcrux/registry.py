"""An image by digest, before it is deployed: what the user saw by its tag is what runs."""

from docker.errors import DockerException, ImageNotFound

from horcrux.context import Outputs
from horcrux.docker_api import machine
from horcrux.exits import HorcruxError
from horcrux.images import resolve
from horcrux.progress import console


def pinned(outputs: Outputs, image: str) -> str:
    """An image of the environment's registry, or one that its cache can tell, by digest.

    Any other, and one that this machine's engine has, as it is: the program resolves it. Raises
    HorcruxError when the registry has no such image.
    """
    registry = outputs.values["registry"]
    inside = f"registry.{outputs.project.environment}.internal:5000"
    if "@" in image:
        return image
    if resolve.in_registry({"name": inside, **registry}, image):
        return resolve.of_registry(registry, image).written
    cache = outputs.values.get("cache")
    if not cache or not resolve.is_cached(cache, image) or _is_here(image):
        return image
    try:
        answer = resolve.of_cache(cache, image)
    except HorcruxError as error:
        _tell(
            f"{image} is not pinned by the cache, but by its own registry, if that answers: {error}"
        )
        return image
    if answer.stale:
        _tell(f"{image}: {answer.stale}; deploying that: {answer.digest}")
    return answer.written


def _is_here(image: str) -> bool:
    """Whether this machine's engine has it: then that is what is meant, and pushed."""
    try:
        with machine() as engine:
            engine.images.get(image)
    except ImageNotFound:
        return False
    except DockerException:
        return True  # an engine that does not answer says so in the update, with what to do
    return True


def _tell(text: str) -> None:
    console().print(f"! {text}", markup=False)
