"""how far destinations outside have been told of what happened"""

import sqlalchemy as sa
from alembic import op

revision = "0003_pre_told"
down_revision = "0002_pre_ids_in_a_connection"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "told",
        sa.Column("destination", sa.String(length=64), nullable=False),
        sa.Column("chain", sa.String(length=64), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("destination", "chain", name=op.f("pk_told")),
    )
