"""Security headers of every answer: what a browser may load, run, frame and remember.

One policy for pages, one for everything else (API, files, event streams). Cookies are made where
they are set; this file adds headers only.
"""

from flask import Flask, Response, request

PAGE_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types dompurify",
    )
)
DATA_POLICY = "default-src 'none'; frame-ancestors 'none'"
_EVERYWHERE = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
_TWO_YEARS = 63_072_000
ASSETS = "/assets/"
VENDORED = "/assets/vendor/"


def install(app: Flask) -> None:
    """Every answer of `app` carries the headers; reached by https, browsers are told to stay."""

    @app.after_request
    def _protect(response: Response) -> Response:
        services = app.extensions.get("parvis")
        return protect(response, https=services is not None and services.settings.secure_cookies)


def protect(response: Response, *, https: bool) -> Response:
    """The response with its headers; MUST be the last hand on it before it leaves."""
    for name, value in _EVERYWHERE.items():
        response.headers[name] = value
    is_page = response.mimetype == "text/html"
    response.headers["Content-Security-Policy"] = PAGE_POLICY if is_page else DATA_POLICY
    if https:
        response.headers["Strict-Transport-Security"] = f"max-age={_TWO_YEARS}; includeSubDomains"
    if not request.path.startswith(ASSETS):
        response.headers.setdefault("Cache-Control", "no-store")
    elif "v" in request.args or request.path.startswith(VENDORED):
        # the address carries a digest or a version, so a changed file has a new address
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    else:
        response.headers["Cache-Control"] = "no-cache"
    return response
