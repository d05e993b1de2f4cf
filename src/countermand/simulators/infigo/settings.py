"""Settings of the Infigo stand-in; a default that no public page confirms says GUESS."""

from typing import Annotated, Literal

import msgspec

Seconds = Annotated[float, msgspec.Meta(ge=0, le=3600)]


class Webhook(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One entry of Configuration > Integrations / API > Webhooks (Academy 1951)."""

    url: str
    method: Literal["POST", "GET"] = "POST"
    delivery: Literal["Immediate", "Delayed"] = "Immediate"
    #: How long a Delayed webhook gathers rows before it sends them in one body (GUESS).
    delay_seconds: Seconds = 5.0


class PluginSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The `Mis.PrintIQ` plugin: towards printIQ, and which of its inbound handlers are on."""

    enabled: bool = True
    #: Base address of printIQ; empty means that orders stay in the storefront.
    printiq_url: str = ""
    printiq_username: str = "infigo"
    printiq_password: str = "demo-printiq-password"  # noqa: S105  a demo default
    printiq_application_name: str = "Infigo"
    printiq_application_key: str = "demo-printiq-application-key"
    customer_code: str = "WEBSHOP"
    quote_mode: Literal["per_line", "per_order"] = "per_line"
    customer_reference: Literal["order_id", "po_number"] = "order_id"
    handler_changestatus: bool = True
    #: The vendor's guide says that cancels do not arrive, so both cancel handlers start off.
    handler_updatejobstatus: bool = False
    handler_updateorderstatus: bool = False
    delay_seconds: Seconds = 0.0
    #: How often one order is tried before a person has to press "send again", and the wait between (GUESS).
    attempts: Annotated[int, msgspec.Meta(ge=1, le=10)] = 3
    retry_seconds: Seconds = 1.0
    timeout_seconds: Annotated[float, msgspec.Meta(gt=0, le=300)] = 10.0
    #: Where an AcceptQuote that never answered is looked up (GUESS); empty means a person must look.
    odata_token: str = "demo-odata-token"  # noqa: S105  a demo default
    odata_job_entity: str = "Jobs"
    odata_sales_order_entity: str = "SalesOrders"


class InfigoSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The storefront as it stands; every field can be changed while it runs."""

    storefront_id: str = "acme-print"
    storefront_name: str = "Acme Print Store"
    #: Where others reach this storefront; artwork links start with it.
    public_url: str = "http://127.0.0.1:8101"
    token: str = "demo-infigo-token"  # noqa: S105  a demo default
    #: nopCommerce generations differ on this.
    cancelled_order_can_ship: bool = False
    #: GUESS: `order/detail` carries the three statuses and whole lines; off, it carries what is documented.
    rest_status_fields: bool = True
    #: GUESS: where a MegaScript that is triggered via the API answers.
    megascript_path: str = "/services/api/megascript/countermand"
    megascript_secret: str = "demo-megascript-secret"  # noqa: S105  a demo default
    megascript_seconds: Annotated[float, msgspec.Meta(gt=0, le=30)] = 2.0
    webhooks: tuple[Webhook, ...] = ()
    plugin: PluginSettings = PluginSettings()
