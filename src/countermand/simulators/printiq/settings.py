"""The settings of the printIQ simulator; a comment marks every one that stands for an unknown (GUESS)."""

from typing import Annotated, Literal

import msgspec

HookFormat = Literal["json", "xml"]
CancelObstacle = Literal["dispatched", "complete", "invoiced"]
TokenStyle = Literal["query", "form", "get"]


class Hook(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One subscriber: a public POST address and the events it wants (none named = all)."""

    url: str
    events: tuple[str, ...] = ()
    format: HookFormat = "json"


class Account(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One integration login of this tenant."""

    username: str
    password: str
    application_name: str
    application_key: str


#: The login that the Infigo simulator's plug-in uses unless told otherwise.
INFIGO_ACCOUNT = Account(
    username="infigo",
    password="demo-printiq-password",  # noqa: S106  # a demo value
    application_name="Infigo",
    application_key="demo-printiq-application-key",
)


class PrintIQSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One printIQ tenant as the simulator plays it."""

    name: str = "acme"

    # Doors and keys (demo values).
    username: str = "countermand"
    password: str = "demo-printiq-password"  # noqa: S105  # a demo value
    application_name: str = "Countermand"
    application_key: str = "demo-printiq-application-key"
    other_accounts: tuple[Account, ...] = (INFIGO_ACCOUNT,)
    token_life_seconds: int = 600  # GUESS: clients keep a token for ten minutes
    #: Which spellings of the token call this instance answers; clients try them in this order.
    token_styles: tuple[TokenStyle, ...] = ("query", "form", "get")
    webhook_svc_name: str = "countermand"
    webhook_svc_key: str = "demo-webhook-key"
    odata_token: str = "demo-odata-token"  # noqa: S105  # a demo value

    # What can be read back.
    odata_job_entity: str = "Jobs"  # GUESS: no job entity is known; empty switches it off
    odata_sales_order_entity: str = "SalesOrders"  # GUESS: as above
    acceptance_carries_status: bool = True  # GUESS: not known whether GetAcceptanceDetails does

    # Production status by SOAP.
    soap_systems: tuple[str, ...] = ("EnfocusSwitchScript", "prinergy", "esko")
    require_file_refs: bool = False  # GUESS: said to be required, not known to be enforced
    refuse_cancel_when: tuple[CancelObstacle, ...] = ()  # GUESS: not known to refuse anything
    cancelled_can_dispatch: bool = True  # GUESS: nothing is known to stop it

    # Quotes and jobs.
    any_product_code: bool = True  # the stand-in cannot know a shop's products; false: only its own
    any_customer_code: bool = True  # as above, for customers
    accept_unpriced: bool = False
    first_status_id: int = 22  # GUESS: where an accepted job starts
    deliveries_per_job: Annotated[int, msgspec.Meta(ge=1, le=99)] = 1
    status_labels: dict[int, str] = {}
    #: GUESS: status ids beyond the documented list, as a later version or a tenant's own may have.
    extra_status_ids: tuple[int, ...] = ()

    # Messages out. Event names beyond the vendor's list, and all payloads, are a GUESS.
    hooks: tuple[Hook, ...] = ()
    fires_cancel_hook: bool = True  # GUESS: `JobStatusChanged`, fired for every status change
    infigo_changestatus_url: str = ""
    infigo_updatejobstatus_url: str = ""
    infigo_updateorderstatus_url: str = ""
    #: GUESS: the push says *dispatched* once per storefront order, or for each job as it leaves.
    infigo_push_per: Literal["order", "job"] = "order"

    @property
    def accounts(self) -> tuple[Account, ...]:
        own = Account(
            username=self.username,
            password=self.password,
            application_name=self.application_name,
            application_key=self.application_key,
        )
        return (own, *self.other_accounts)
