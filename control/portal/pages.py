"""The HTML of the portal's pages. What is put into them is escaped, and no secret of the account's."""

import html
from pathlib import Path
from string import Template

from aiohttp import web

from control.portal.files import Files

FOLDER = Path(__file__).parent / "templates"


class Pages:
    """Fills the templates."""

    def __init__(self, files: Files, environment: str) -> None:
        self._page, self._login, self._error = (
            Template((FOLDER / name).read_text(encoding="utf-8"))
            for name in ("page.html", "login.html", "error.html")
        )
        static = f"/static/{files.version}"
        self._common = {
            "static": static,
            "environment": environment,
            "charts": f"{static}/chart.min.js" if "chart.min.js" in files.files else "",
        }
        self._modules = "\n".join(
            f'<link rel="modulepreload" href="{static}/{name}">'
            for name in sorted(files.files)
            if name.endswith(".js") and name != "chart.min.js"
        )

    def page(self, user: str, csrf: str) -> web.Response:
        """The page itself."""
        return self._fill(self._page, {"user": user, "csrf": csrf}, modules=self._modules)

    def login(self, token: str, problem: str = "", status: int = 200) -> web.Response:
        """The login page, with what was wrong the last time."""
        return self._fill(self._login, {"token": token, "problem": problem}, status)

    def error(self, status: int, text: str) -> web.Response:
        """What was wrong, and the way back."""
        return self._fill(self._error, {"text": text}, status)

    def _fill(
        self, template: Template, values: dict[str, str], status: int = 200, modules: str = ""
    ) -> web.Response:
        escaped = {k: html.escape(v) for k, v in {**self._common, **values}.items()}
        text = template.substitute(escaped, modules=modules)
        return web.Response(text=text, status=status, content_type="text/html", charset="utf-8")
