"""Over real HTTP, with every library logging all it can: no secret gets out."""

from __future__ import annotations

import logging

import pytest
from vendor_systems import running_infigo, running_printiq

from countermand.bridge.ports import MisItemKind, MisRef, OrderKeys
from countermand.infigo import InfigoStorefront
from countermand.printiq import PrintIQMis


def test_infigo_logs(caplog: pytest.LogCaptureFixture) -> None:
    async def work(shop: InfigoStorefront) -> None:
        await shop.check()
        await shop.read_orders(["10001"])
        await shop.cancel("10001", None, note="")

    with caplog.at_level(logging.DEBUG), running_infigo() as infigo:
        infigo.use(work)
        infigo.use(work, auth_style="username", read_by="rest")
    assert infigo.calls["auth"] == 2
    assert "demo-infigo-token" not in caplog.text
    assert "demo-megascript-secret" not in caplog.text


def test_printiq_logs(caplog: pytest.LogCaptureFixture) -> None:
    job = MisRef(ref="J00001-01", kind=MisItemKind.JOB)

    async def work(mis: PrintIQMis) -> None:
        await mis.check()
        await mis.read([job])
        await mis.find(OrderKeys(order_id="10001"))
        await mis.cancel(job)

    with caplog.at_level(logging.DEBUG), running_printiq() as printiq:
        printiq.use(work)
        printiq.settings(token_styles=["form"])
        printiq.use(work)
    assert printiq.calls["RunEvent"] == 2
    assert "LoginToken" not in caplog.text
    for secret in ("demo-printiq-password", "demo-printiq-application-key", "demo-odata-token"):
        assert secret not in caplog.text
