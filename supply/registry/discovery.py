"""What the specification calls content discovery, which distribution 2.8 has only a part of."""

import asyncio
import json
from dataclasses import dataclass

from aiohttp import web

from supply import oci
from supply.registry import answers, referrers
from supply.registry.distribution import Distribution
from supply.registry.referrers import Referrers
from supply.registry.tag_list import PageError, page
from supply.registry.tokens import Tokens


@dataclass
class Discovery:
    """Lists of tags by pages, and of what refers to a manifest."""

    tokens: Tokens
    distribution: Distribution
    about: Referrers

    def routes(self) -> list[web.RouteDef]:
        """What nginx asks of it; see nginx.conf."""
        repository = "/v2/{repository:.+}"
        return [
            web.get(f"{repository}/tags/list", self.tags),
            web.get(f"{repository}/referrers/{{digest}}", self.referrers),
        ]

    async def tags(self, request: web.Request) -> web.Response:
        """A repository's tags, or a page of them."""
        answer = await self.distribution.pass_on(request)
        if answer.status != 200:
            return answer
        told = json.loads(str(answer.text))
        try:
            found = page(told.get("tags") or (), request.query)
        except PageError as error:
            return answers.refused(400, "PAGINATION_NUMBER_INVALID", str(error))
        headers = {"Link": f'<{request.path}?{found.after}>; rel="next"'} if found.after else None
        return web.json_response({"name": told.get("name"), "tags": found.tags}, headers=headers)

    async def referrers(self, request: web.Request) -> web.Response:
        """What refers to a manifest, of one type where one is asked for."""
        repository, digest = request.match_info["repository"], request.match_info["digest"]
        if not self.tokens.allows(request.headers.get("Authorization"), repository, "pull"):
            # The same refusal, with the same way to a token.
            return await self.distribution.pass_on(request, path=f"/v2/{repository}/tags/list")
        if not oci.REPOSITORY.fullmatch(repository):
            return answers.refused(404, "NAME_INVALID", f"{repository} is no repository's name")
        if not oci.is_digest(digest):
            return answers.refused(400, "DIGEST_INVALID", f"{digest} is no digest of SHA-256")
        found = await asyncio.to_thread(self.about.of, repository, digest)
        kind, headers = request.query.get("artifactType"), {}
        if kind:
            found = [its for its in found if its.get("artifactType") == kind]
            headers["OCI-Filters-Applied"] = "artifactType"
        body = json.dumps(referrers.index(found)).encode()
        return web.Response(body=body, content_type=oci.INDEX_TYPES[0], headers=headers)
