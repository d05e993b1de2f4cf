"""A printIQ that answers from lists, with what most tests need already in place."""

from __future__ import annotations

from typing import Any

import httpx2 as httpx
from vendor_fakes import FakeClock, FakeVendor, json_answer

from countermand.bridge.ports import MisItemKind, MisRef
from countermand.printiq import PrintIQMis, PrintIQSettings

PASSWORD = "password of the user"
TOKEN = "token-1"
TOKEN_PATH = "getapplicationlogintoken"
DETAILS = "getacceptancedetails"


def settings(**values: Any) -> PrintIQSettings:
    defaults: dict[str, Any] = {
        "base_url": "https://acme.example.com/iq",
        "username": "countermand",
        "password": PASSWORD,
        "application_name": "Countermand",
        "application_key": "key-of-the-application",
        "odata_token": "token-of-odata",
        "burst": 1000,
    }
    return PrintIQSettings(**defaults | values)


class PrintIQ(FakeVendor):
    """Mints `token-1`, `token-2`, ... and has a clock."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = FakeClock()
        self.minted = 0
        self.on(TOKEN_PATH, self._mint)

    def mis(self, **values: Any) -> PrintIQMis:
        return PrintIQMis(
            settings(**values), clock=self.clock, transport=self.transport, sleep=self.clock.sleep
        )

    @property
    def calls(self) -> list[str]:
        """The last part of each path that was called."""
        return [path.rpartition("/")[2] for path in self.paths]

    def _mint(self, _: httpx.Request) -> httpx.Response:
        self.minted += 1
        return json_answer(f"token-{self.minted}")


def envelope(error: str = "", **fields: Any) -> httpx.Response:
    return json_answer({**fields, "IsError": bool(error), "ErrorMessage": error or None})


def acceptance(*rows: dict[str, Any], stock: tuple[dict[str, Any], ...] = ()) -> httpx.Response:
    return envelope(AcceptanceProductDeliveryDetails=list(rows), AcceptanceItemDeliveryDetails=list(stock))


def delivery(job_no: str = "J29328-01", **fields: Any) -> dict[str, Any]:
    row = {
        "FDKey": 9001,
        "JobNo": job_no,
        "AcceptanceKey": 7001,
        "CustomerReference": "10001",
        "ExternalJobReference": "s2001",
        "Quantity": 250,
        "ProductionStatusID": 22,
        "ProductionStatus": "Renamed label",
        "ConsignmentNo": "",
        "ConsignmentTrackingCode": "",
        "ConsignmentTrackingURL": "",
    }
    return row | fields


def stock_row(number: str = "SO881", **fields: Any) -> dict[str, Any]:
    row = {
        "FDKey": 9101,
        "SalesOrderNo": number,
        "AcceptanceKey": 7001,
        "CustomerReference": "10001",
        "Notes": "10001/s2002",
        "Quantity": 5,
        "Status": "Confirmed",
        "ConsignmentNo": "",
    }
    return row | fields


def job(ref: str = "J29328-01", group: str = "7001") -> MisRef:
    return MisRef(ref=ref, kind=MisItemKind.JOB, group=group)


def sales_order(ref: str = "SO881", group: str = "7001") -> MisRef:
    return MisRef(ref=ref, kind=MisItemKind.SALES_ORDER, group=group)
