"""Where the MegaScript is triggered via the API, and the plugin's inbound handlers.

GUESS: the path of a triggered script, and that nothing but the script itself checks a secret there.
"""

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from countermand.simulators.infigo.book import NotFoundError, ShopError
from countermand.simulators.infigo.megascript import (
    ScriptError,
    ScriptRequest,
    installed_script,
    run_script,
)
from countermand.simulators.infigo.mishandler import HANDLERS, MisAnswer, MisMessage, handler_is_on
from countermand.simulators.infigo.storefront import Storefront
from countermand.simulators.infigo.wire import BadRequestError, any_case, read_json
from countermand.simulators.kit import Message, is_ignored, token_is_expired

SECRET_HEADER = "x-countermand-secret"  # noqa: S105  a header's name


def script_endpoint(storefront: Storefront) -> Route:
    """Return the route that runs the MegaScript; it takes any path and looks at the setting itself."""

    async def trigger(request: Request) -> Response:
        if not is_script_path(request.url.path, storefront):
            return JSONResponse({"Message": "There is nothing at this address."}, 404)
        try:
            script_request = await _script_request(request)
        except UnicodeDecodeError:
            return JSONResponse({"Message": "The body is not UTF-8 text."}, 400)
        settings = storefront.settings
        try:
            with storefront.at_work(request) as shop:
                result = run_script(
                    installed_script(settings.megascript_secret),
                    script_request,
                    shop,
                    seconds=settings.megascript_seconds,
                    post=_ignore if is_ignored(request) else lambda url, body: _post(storefront, url, body),
                )
        except ScriptError as error:
            return JSONResponse({"Message": str(error)}, 500)
        return Response(result.content, result.status, media_type=result.content_type)

    return Route("/{anything:path}", trigger, methods=["GET", "POST", "PUT", "DELETE"])


def is_script_path(path: str, storefront: Storefront) -> bool:
    return path.lower().rstrip("/") == storefront.settings.megascript_path.lower().rstrip("/")


async def _script_request(request: Request) -> ScriptRequest:
    headers = dict(request.headers)
    if token_is_expired(request):
        headers.pop(SECRET_HEADER, None)
    body = (await request.body()).decode("utf-8")
    is_form = headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
    form = {name: str(value) for name, value in (await request.form()).items()} if is_form else {}
    return ScriptRequest(
        method=request.method,
        form=form,
        query=dict(request.query_params),
        headers=headers,
        body=body,
        client_ip_address=request.client.host if request.client else "",
    )


def _ignore(_url: str, _body: str) -> None:
    return None


def _post(storefront: Storefront, url: str, body: str) -> None:
    """GUESS: `PostJson` is sent and its answer not waited for."""
    json = {"Content-Type": "application/json"}
    storefront.outbox.enqueue(Message(url=url, headers=json, body=body.encode(), kind="PostJson"))


def mishandler_route(storefront: Storefront) -> Route:
    """Return the route of the plugin's three handlers; one that is off answers 404."""

    async def handle(request: Request) -> Response:
        name = request.path_params["handler"].lower()
        settings = storefront.settings
        handler = HANDLERS.get(name)
        here = request.path_params["storefront"].lower() == settings.storefront_id.lower()
        if handler is None or not here or not handler_is_on(name, settings.plugin):
            return _reply(MisAnswer(False, "There is no such handler, or it is switched off."), 404)
        try:
            message = await read_json(request, MisMessage)
            with storefront.at_work(request) as shop:
                return _reply(handler(shop, message))
        except BadRequestError as error:
            return _reply(MisAnswer(False, str(error)), error.status)
        except NotFoundError as error:
            return _reply(MisAnswer(False, str(error)), 404)
        except ShopError as error:
            return _reply(MisAnswer(False, str(error)), 409)

    path = "/mishandler/{storefront}/Mis.PrintIQ/{handler}"
    return any_case(Route(path, handle, methods=["POST"]))


def _reply(result: MisAnswer, status: int = 200) -> Response:
    return Response(msgspec.json.encode(result), status, media_type="application/json")
