"""What leaves the printIQ simulator: hooks, and the vendor's own push to the storefront."""

from collections.abc import Iterator
from time import monotonic, sleep
from typing import Any

import httpx2 as httpx
import msgspec
import pytest
from lxml import etree
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from countermand.simulators.kit import ServerThread
from countermand.simulators.printiq import Hook, PrintIQSettings, create_app


class Receiver:
    """Somebody who subscribed: keeps each message as its path, content type and body."""

    def __init__(self) -> None:
        self.got: list[tuple[str, str, bytes]] = []
        self.app = Starlette(routes=[Route("/{path:path}", self._take, methods=["POST"])])

    async def _take(self, request: Request) -> Response:
        self.got.append((request.url.path, request.headers["content-type"], await request.body()))
        return Response(status_code=204)

    def until(self, count: int) -> list[tuple[str, str, bytes]]:
        deadline = monotonic() + 5
        while len(self.got) < count:
            assert monotonic() < deadline, f"only {len(self.got)} of {count} messages came within 5 s"
            sleep(0.005)
        return self.got

    def json_at(self, path: str) -> list[dict[str, Any]]:
        return [msgspec.json.decode(body) for at, _, body in self.got if at == path]


@pytest.fixture
def receiver() -> Iterator[tuple[Receiver, str]]:
    receiver = Receiver()
    with ServerThread(receiver.app) as server:
        yield receiver, server.url


def _printiq(**settings: Any) -> ServerThread:
    return ServerThread(create_app(PrintIQSettings(**settings), control=True))


def _post(url: str, body: object) -> Any:
    answer = httpx.post(f"{url}/_sim/orders", json=body, trust_env=False)
    assert answer.status_code == 201
    return answer.json()


def _staff(url: str, path: str, body: object) -> None:
    assert httpx.post(f"{url}/_sim/{path}", json=body, trust_env=False).status_code == 200


ORDER = {
    "jobs": [{"CustomerReference": "10001", "ExternalJobReference": "s2001"}],
    "salesorders": [{"CustomerReference": "10001", "Notes": "10001/s2003"}],
}


def test_hooks_tell_in_order_in_json_and_xml(receiver: tuple[Receiver, str]) -> None:
    inbox, url = receiver
    hooks = (Hook(url=f"{url}/json"), Hook(url=f"{url}/xml", format="xml", events=("CreateConsignment",)))
    with _printiq(hooks=hooks) as printiq:
        job_no = _post(printiq.url, {"jobs": ORDER["jobs"]})["orders"][0]["jobs"][0]
        _staff(printiq.url, f"jobs/{job_no}/status", {"ProdStatusID": 21})
        _staff(
            printiq.url, f"jobs/{job_no}/dispatch", {"ConsignmentNo": "C9", "ConsignmentTrackingCode": "T9"}
        )
        inbox.until(7)
    told = inbox.json_at("/json")
    assert [each["Event"] for each in told] == [
        "CreateQuote",
        "AcceptanceCreated",
        "CreateJob",
        "JobStatusChanged",
        "CompleteJob",
        "CreateConsignment",
    ]
    assert told[2] == {
        "Event": "CreateJob",
        "JobNo": job_no,
        "AcceptanceKey": 41001,
        "CustomerReference": "10001",
        "ExternalJobReference": "s2001",
    }
    assert told[3] == {"Event": "JobStatusChanged", "JobNo": job_no, "ProductionStatusID": 21}
    assert told[5]["Jobs"] == [job_no]
    ((_, content_type, body),) = [each for each in inbox.got if each[0] == "/xml"]
    assert content_type.startswith("application/xml")
    assert etree.fromstring(body).findtext("ConsignmentTrackingCode") == "T9"


def test_the_vendors_push_tells_the_storefront_on_three_paths(receiver: tuple[Receiver, str]) -> None:
    inbox, url = receiver
    urls = {f"infigo_{name}_url": f"{url}/{name}" for name in ("changestatus", "updatejobstatus")}
    with _printiq(**urls, infigo_updateorderstatus_url=f"{url}/updateorderstatus") as printiq:
        made = _post(printiq.url, {"orders": [ORDER, {"jobs": [{"CustomerReference": "10002"}]}]})["orders"]
        (job_no,), (number,) = made[0]["jobs"], made[0]["salesorders"]
        _staff(printiq.url, f"jobs/{job_no}/status", {"ProdStatusID": 17})
        _staff(printiq.url, f"salesorders/{number}/cancel", {})
        (other,) = made[1]["jobs"]
        tracking = {"ConsignmentTrackingCode": "T1", "ConsignmentTrackingURL": "https://t.example/T1"}
        _staff(printiq.url, f"jobs/{other}/dispatch", tracking)
        inbox.until(3)
    assert inbox.json_at("/updatejobstatus") == [
        {"OrderId": "10001", "JobNo": job_no, "ExternalJobReference": "s2001", "Status": "Cancelled"}
    ]
    assert inbox.json_at("/updateorderstatus") == [
        {"OrderId": "10001", "SalesOrderNo": number, "Notes": "10001/s2003", "Status": "Cancelled"}
    ]
    assert inbox.json_at("/changestatus") == [
        {
            "OrderId": "10002",
            "JobNo": other,
            "Status": "Dispatched",
            "TrackingNumber": "T1",
            "TrackingUrl": "https://t.example/T1",
        }
    ]


def test_nothing_leaves_when_nothing_is_set() -> None:
    with _printiq() as printiq:
        _post(printiq.url, {"count": 3})
        log = httpx.get(f"{printiq.url}/_sim/outbox", trust_env=False).json()
    assert log == {"pending": 0, "attempts": []}


def test_an_ignored_write_tells_nobody(receiver: tuple[Receiver, str]) -> None:
    inbox, url = receiver
    with _printiq(hooks=(Hook(url=f"{url}/json", events=("CreateQuote",)),)) as printiq:
        login = {
            "UserName": "infigo",
            "Password": "demo-printiq-password",
            "ApplicationName": "Infigo",
            "ApplicationKey": "demo-printiq-application-key",
        }
        with httpx.Client(base_url=f"{printiq.url}/api/QuoteProcess", trust_env=False) as http:
            token = http.post("/GetApplicationLogInToken", params=login).json()
            price = {
                "CustomerCode": "WEBSHOP",
                "ProductCode": "FLY-A5-150",
                "SelectedQuantity": {"Quantity": 1},
            }
            fault = {"calls": [{"match": "GetPrice", "kind": "ok-but-ignored", "times": 1}]}
            httpx.put(f"{printiq.url}/_sim/faults", json=fault, trust_env=False)
            for _ in range(2):
                answer = http.post("/GetPrice", params={"LoginToken": token}, json=price)
                assert answer.json()["IsError"] is False
        inbox.until(1)
        log = httpx.get(f"{printiq.url}/_sim/outbox", trust_env=False).json()
    assert [attempt["outcome"] for attempt in log["attempts"]] == ["delivered"]
    assert len(inbox.got) == 1


def test_an_address_that_does_not_answer_is_logged_and_stops_nothing(receiver: tuple[Receiver, str]) -> None:
    inbox, url = receiver
    hooks = (Hook(url="http://127.0.0.1:9/nobody", events=("CreateJob",)), Hook(url=f"{url}/json"))
    with _printiq(hooks=hooks) as printiq:
        _post(printiq.url, {"count": 1})
        inbox.until(3)
        log = httpx.get(f"{printiq.url}/_sim/outbox", trust_env=False).json()
    assert [attempt["outcome"] for attempt in log["attempts"]].count("failed") == 1
