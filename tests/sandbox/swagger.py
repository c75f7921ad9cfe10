"""Swagger UI for `make serve`: a page beside the function, out of the files that Powertools brings along.

The function has no page of its own, so that it carries neither the script nor what would serve it.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import aws_lambda_powertools

from tests.sandbox.gateway import Gateway
from tests.sandbox.responses import Response

PAGE: Final = "/swagger"

POLICY: Final = "; ".join(
    [
        *("default-src 'none'", "script-src 'self'", "connect-src 'self'", "img-src 'self' data:"),
        # Swagger UI writes styles into the page's elements.
        "style-src 'self' 'unsafe-inline'",
        *("base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"),
    ]
)
"""Nothing runs or loads on the page but its own files, and no other page may frame it."""

_HTML: Final = """<!DOCTYPE html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <title>update-group-counter</title>
  <link rel="icon" href="data:,">
  <link rel="stylesheet" href="swagger/swagger-ui.min.css">
</head>
<body>
  <div id="swagger-ui"></div>
  <script src="swagger/swagger-ui-bundle.min.js"></script>
  <script src="swagger/start.js"></script>
</body>
</html>
"""

# A token that is typed in lasts as long as the page: nothing is kept in the browser's storage.
_START: Final = """SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  docExpansion: "list",
  persistAuthorization: false,
  tryItOutEnabled: true,
  validatorUrl: null,
});
"""

_FOLDER: Final = Path(aws_lambda_powertools.__file__).parent / "event_handler" / "openapi" / "swagger_ui"
_BROUGHT: Final[Mapping[str, str]] = {
    f"{PAGE}/swagger-ui-bundle.min.js": "text/javascript",
    f"{PAGE}/swagger-ui.min.css": "text/css",
}


class SwaggerGateway(Gateway):
    """A gateway that answers `/swagger`, and asks the function for all the rest."""

    def respond(self, method: str, target: str, headers: list[tuple[str, str]], body: bytes) -> Response:
        path = target.partition("?")[0]
        if method != "GET" or not f"{path}/".startswith(f"{PAGE}/"):
            return super().respond(method, target, headers, body)
        if path == PAGE:
            return _file("text/html; charset=utf-8", _HTML.encode())
        if path == f"{PAGE}/start.js":
            return _file("text/javascript", _START.encode())
        if path in _BROUGHT:
            return _file(_BROUGHT[path], (_FOLDER / path.rpartition("/")[2]).read_bytes())
        return super().respond(method, target, headers, body)


def _file(content_type: str, content: bytes) -> Response:
    headers = {
        "Content-Type": content_type,
        "Content-Security-Policy": POLICY,
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
    }
    return Response(200, tuple(headers.items()), content)
