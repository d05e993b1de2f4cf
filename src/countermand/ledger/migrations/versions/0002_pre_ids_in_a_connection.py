"""writes and cancellations are numbered within their connection

Their numbers begin with the order's, which another connection's storefront may give as well.
"""

from alembic import op

revision = "0002_pre_ids_in_a_connection"
down_revision = "0001_pre_first_tables"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("command", "cancellation"):
        with op.batch_alter_table(table) as batch_op:
            batch_op.drop_constraint(batch_op.f(f"pk_{table}"), type_="primary")
            batch_op.create_primary_key(batch_op.f(f"pk_{table}"), ["connection", "id"])
