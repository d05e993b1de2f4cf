"""The inbound JSON service `webhook.svc`: customers, with a name and a key in the headers.

How a bad key is answered is a GUESS (401).
"""

from hmac import compare_digest

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from countermand.simulators.kit import token_is_expired
from countermand.simulators.kit.control import json_answer
from countermand.simulators.printiq.catalogue import CUSTOMERS
from countermand.simulators.printiq.instance import Instance

PATH = "/webservice/webhook.svc/json"


def webhook_svc_routes(instance: Instance) -> list[Route]:
    def refused(request: Request) -> Response | None:
        settings = instance.settings
        name = request.headers.get("PrintIQ-API-Name", "")
        key = request.headers.get("PrintIQ-API-Key", "")
        good = name == settings.webhook_svc_name and compare_digest(
            key.encode(), settings.webhook_svc_key.encode()
        )
        if good and not token_is_expired(request):
            return None
        return json_answer({"IsError": True, "ErrorMessage": "Invalid API name or key"}, 401)

    async def customers(request: Request) -> Response:
        return refused(request) or json_answer(list(CUSTOMERS.values()))

    async def customer_by_code(request: Request) -> Response:
        found = CUSTOMERS.get(request.path_params["code"].upper())
        return refused(request) or json_answer([found] if found else [])

    return [
        Route(f"{PATH}/customers/", customers),
        Route(f"{PATH}/customerbycode/{{code}}", customer_by_code),
    ]
