"""Backups and what is kept of whom."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

JSONB = postgresql.JSONB(astext_type=sa.Text())


def upgrade() -> None:
    op.create_table(
        "chores",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("wants", JSONB, server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("asked_by", sa.Uuid(), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("progress", sa.String(), server_default="", nullable=False),
        sa.Column("said", JSONB, server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("fault", sa.String(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["asked_by"], ["users.id"], name=op.f("fk_chores_asked_by"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chores")),
    )
    op.create_index("ix_chores_asked_at", "chores", ["asked_at"], unique=False)
    op.create_index("uq_chores_waiting", "chores", ["kind"], unique=True, postgresql_where=sa.text("ended_at IS NULL"))
    op.create_table(
        "erasures",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("how", sa.String(), nullable=False),
        sa.Column("ids", JSONB, nullable=False),
        sa.Column("counts", JSONB, server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("consents", JSONB, server_default=sa.text("'[]'::jsonb"), nullable=False),
        sa.Column("needles", JSONB, server_default=sa.text("'[]'::jsonb"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erasures")),
    )
    op.create_index("ix_erasures_at", "erasures", ["at"], unique=False)
    op.create_index(
        "ix_erasures_unfinished", "erasures", ["at"], unique=False, postgresql_where=sa.text("finished_at IS NULL")
    )
    op.create_table(
        "rooms",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("free", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("kinds", JSONB, server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_rooms")),
    )


def downgrade() -> None:
    op.drop_table("rooms")
    op.drop_index("ix_erasures_unfinished", table_name="erasures", postgresql_where=sa.text("finished_at IS NULL"))
    op.drop_index("ix_erasures_at", table_name="erasures")
    op.drop_table("erasures")
    op.drop_index("uq_chores_waiting", table_name="chores", postgresql_where=sa.text("ended_at IS NULL"))
    op.drop_index("ix_chores_asked_at", table_name="chores")
    op.drop_table("chores")
