"""Which customers and goods a manager hears of: languages and groups of the catalogue; none stands for all."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

COLUMNS = ("languages", "goods")


def upgrade() -> None:
    for name in COLUMNS:
        value = sa.Column(name, postgresql.JSONB(), nullable=False, server_default=sa.text("'[]'::jsonb"))
        op.add_column("users", value)


def downgrade() -> None:
    for name in reversed(COLUMNS):
        op.drop_column("users", name)
