"""The JavaScript host: what a MegaScript sees of Infigo, and where one that misbehaves is stopped."""

import contextlib
import gc
import json

import pytest
import quickjs
from infigo_shops import open_shop, place

from countermand.simulators.infigo.megascript import ScriptError, ScriptRequest, ScriptResponse, run_script


def test_the_host_gives_orders_and_lines_exactly_the_named_members() -> None:
    shop = open_shop()
    place(shop)
    script = """
      var order = Run.Orders.FindById(10001);
      Run.Response.ReturnText(JSON.stringify({
        run: Object.keys(Run), request: Object.keys(Run.Request), orders: Object.keys(Run.Orders),
        search: Object.keys(Run.Orders.StartSearch()), order: Object.keys(order),
        kinds: [typeof order.OrderLineItems[0].JobId, typeof order.OrderNotes[0]],
        line: Object.keys(order.OrderLineItems[0]), latest: order.OrderLineItems[0].GetLatestStatus() }));
    """
    members = json.loads(run_script(script, ScriptRequest(), shop).content)
    assert set(members["order"]) == {
        "Id", "OrderStatus", "ShippingStatus", "PaymentStatus", "TrackingNumber", "OrderNotes",
        "OrderLineItems", "ExtraData", "CreatedOnUtc", "Cancel", "SetStatus", "UpdateShippingStatus",
        "SetTrackingNumber", "AddOrderNotes", "SetExtraData",
    }  # fmt: skip
    assert set(members["line"]) == {
        "Id", "OrderId", "JobId", "TypeLetter", "Quantity", "ShippedQuantity", "OrderProductStatus",
        "IsCancelled", "Quote", "ExtraData", "Cancel", "SetStatus", "GetLatestStatus",
    }  # fmt: skip
    assert set(members["run"]) == {"Request", "Response", "Orders", "ExternalApi"}
    assert set(members["request"]) == {"Method", "Form", "Query", "Headers", "Body", "ClientIpAddress"}
    assert set(members["orders"]) == {"FindById", "FindByOrderProductVariantId", "StartSearch"}
    assert set(members["search"]) == {"WithOrderStatus", "WithShippingStatus", "Since", "Until", "FindAll"}
    assert members["kinds"] == ["string", "string"]
    assert members["latest"] == {"Id": 50001, "Info": "", "Status": "Ordered", "CustomStatus": ""}


def test_a_search_answers_with_a_page_as_the_published_types_have_it() -> None:
    shop = open_shop()
    place(shop)
    place(shop)
    script = """
      var search = Run.Orders.StartSearch(), said = [search.FindAll(1, 1), search.FindAll(2, 1)];
      try { search.FindAll(0, 1); } catch (error) { said.push(error.message); }
      Run.Response.ReturnText(JSON.stringify(said));
    """
    first, second, refusal = json.loads(run_script(script, ScriptRequest(), shop).content)
    assert set(first) == {"TotalCount", "PageIndex", "PageSize", "List"}
    assert (second["TotalCount"], second["PageIndex"], second["PageSize"]) == (2, 2, 1)
    assert [page["List"][0]["Id"] for page in (first, second)] == [10001, 10002]
    assert "from 1" in refusal


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("while (true) {}", "took too long"),
        ("for (;;) { try { Run.Orders.FindById(Math.random()) } catch (e) {} }", "took too long"),
        ("var a = []; while (true) a.push(new Array(10000).fill(1));", "out of memory"),
        ("(function f() { f(); })()", "call stack"),
        ("nothing.here", "is not defined"),
        ("}{", "SyntaxError"),
        ("for (var i = 0; i < 500; i++) Run.Orders.FindById(i)", "more than 400 calls"),
        ("Run.Response.ReturnData('x', 'text/plain', 'six')", "unusable"),
        ("Run.Orders.FindById(1).Cancel()", "null"),
    ],
)
def test_a_script_that_misbehaves_is_stopped_with_a_sentence(script: str, says: str) -> None:
    # Four hundred calls take a while on a busy machine; only the endless scripts have to run out of time.
    seconds = 1.0 if says == "took too long" else 30.0
    with pytest.raises(ScriptError, match=says) as error:
        run_script(script, ScriptRequest(), open_shop(), seconds=seconds)
    assert str(error.value).endswith(".")


def test_a_second_cancel_throws_in_the_script_and_status_calls_answer_true_or_false() -> None:
    shop = open_shop()
    place(shop)
    script = """
      var order = Run.Orders.FindByOrderProductVariantId(50001), said = [];
      said.push(order.SetStatus("Complete"), order.SetStatus("Nonsense"));
      said.push(order.UpdateShippingStatus("Nonsense"));
      said.push(order.Cancel(false, false), order.OrderStatus);
      try { order.Cancel(false, false); } catch (error) { said.push(error.message); }
      said.push(order.SetStatus("Pending"), order.UpdateShippingStatus("Shipped"));
      order.SetExtraData("a", "1"); order.SetExtraData("b", "2"); order.SetExtraData("a", null);
      order.OrderLineItems[0].SetStatus("Approved", "by hand");
      said.push(order.ExtraData, order.OrderLineItems[0].GetLatestStatus().Info);
      Run.Response.ReturnText(JSON.stringify(said));
    """
    said = json.loads(run_script(script, ScriptRequest(), shop).content)
    assert said == [
        True, False, False, True, "Cancelled", "Order 10001 is already cancelled.",
        False, False, {"b": "2"}, "by hand",
    ]  # fmt: skip


def test_each_call_takes_effect_once_however_often_the_script_is_begun_anew() -> None:
    shop = open_shop()
    place(shop)
    script = """
      for (var i = 0; i < 5; i++)
        Run.Orders.FindById(10001).AddOrderNotes("note " + i + " " + Math.random() + Date.now());
    """
    run_script(script, ScriptRequest(), shop)
    notes = [note.text.split()[1] for note in shop.order(10001).notes[1:]]
    assert notes == ["0", "1", "2", "3", "4"]


def test_post_json_goes_out_once_and_a_script_may_answer_nothing() -> None:
    sent: list[tuple[str, str]] = []
    script = 'Run.ExternalApi.PostJson("http://hook.example/x", {a: 1}); Run.Orders.FindById(3);'
    response = run_script(
        script, ScriptRequest(), open_shop(), post=lambda url, body: sent.append((url, body))
    )
    assert (response, sent) == (ScriptResponse(), [("http://hook.example/x", '{"a":1}')])


def test_the_host_leaves_nothing_of_its_own_in_the_scripts_world() -> None:
    script = "Run.Response.ReturnText(Object.getOwnPropertyNames(globalThis).join())"
    names = set(run_script(script, ScriptRequest(), open_shop()).content.split(","))
    bare = json.loads(quickjs.Context().eval("JSON.stringify(Object.getOwnPropertyNames(globalThis))"))
    assert names - set(bare) == {"Run"}


@pytest.mark.parametrize("script", ["Run.Orders.FindById(1);", "nonsense(", "throw new Error('no');"])
def test_a_run_leaves_no_context_to_the_garbage_collector(script: str) -> None:
    """The collector may come by in any thread, and only the thread that ran a context may free it."""
    shop = open_shop()
    gc.collect()
    gc.disable()
    try:
        with contextlib.suppress(ScriptError):
            run_script(script, ScriptRequest(), shop)
        left = [each for each in gc.get_objects() if isinstance(each, quickjs.JSException)]
        assert not left
        before = _alive()
        gc.collect()
        assert _alive() == before, "a context was in a reference cycle"
    finally:
        gc.enable()


def _alive() -> int:
    return sum(type(each).__name__ in ("Context", "Object") for each in gc.get_objects())
