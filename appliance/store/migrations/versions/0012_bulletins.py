"""What managers hear on schedule of the house, and when they heard that the CRM is well again."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "bulletins",
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("every", sa.String(), nullable=True),
        sa.Column("weekday", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.Column("hour", sa.Integer(), nullable=False, server_default=sa.text("9")),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.text("now()")),
        sa.PrimaryKeyConstraint("kind", name=op.f("pk_bulletins")),
    )
    op.execute(
        "INSERT INTO bulletins (kind, told_at) SELECT 'crm', max(reported_at) FROM crm_accounts "
        "HAVING max(reported_at) IS NOT NULL"
    )
    op.drop_column("crm_accounts", "reported_at")
    op.add_column("crm_accounts", sa.Column("well_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("crm_accounts", "well_at")
    op.add_column("crm_accounts", sa.Column("reported_at", sa.DateTime(timezone=True), nullable=True))
    op.execute(
        "UPDATE crm_accounts SET reported_at = (SELECT told_at FROM bulletins WHERE bulletins.kind = 'crm') WHERE live"
    )
    op.drop_table("bulletins")
