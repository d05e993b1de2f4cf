"""A write that is wanted is not forgotten when a message arrives in between."""

from bridge_fakes import AT_ONCE, Small, run
from msgspec.structs import replace

from countermand.core.policy import EmptiedOrder


def test_a_message_between_wanting_and_writing_does_not_put_the_write_off() -> None:
    async def story() -> None:
        small = Small(replace(AT_ONCE, close_emptied_order=EmptiedOrder.CANCEL))
        await small.in_production("10001", "s1", "s2")
        for number, line_id in ((1, "s1"), (2, "s2")):
            small.mis.cancel_by_hand(f"J10001-{number:02}")
            small.job_hook(f"J10001-{number:02}")
            await small.step()
            small.order_hook("10001")  # the echo of our own write
            await small.settle()
            case = await small.case("10001")
            line = case.line(line_id)
            assert line is not None
            assert line.rule == "both-cancelled"
        assert small.storefront.orders["10001"].cancelled

    run(story())
