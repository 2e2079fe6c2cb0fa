"""What the CRM knows of our leads, and how we reach it."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

JSONB = postgresql.JSONB(astext_type=sa.Text())


def upgrade() -> None:
    op.create_table(
        "crm_accounts",
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("live", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("settings", JSONB, server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("secrets", JSONB, server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("mapping", JSONB, server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("token", sa.String(), server_default="", nullable=False),
        sa.Column("token_number", sa.Integer(), server_default="0", nullable=False),
        sa.Column("token_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("api_url", sa.String(), server_default="", nullable=False),
        sa.Column("renewing_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("renewals", JSONB, server_default=sa.text("'[]'::jsonb"), nullable=False),
        sa.Column("paused_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("trouble", JSONB, server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reported_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tested_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("kind", name=op.f("pk_crm_accounts")),
    )
    op.create_index("uq_crm_accounts_live", "crm_accounts", ["live"], unique=True, postgresql_where=sa.text("live"))
    op.create_table(
        "crm_leads",
        sa.Column("lead_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("remote", sa.String(), server_default="", nullable=False),
        sa.Column("sent", JSONB, server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("noted_seq", sa.Integer(), server_default="0", nullable=False),
        sa.Column("quotes", JSONB, server_default=sa.text("'[]'::jsonb"), nullable=False),
        sa.Column("run", sa.Integer(), server_default="1", nullable=False),
        sa.Column("resume_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["lead_id"], ["leads.id"], name=op.f("fk_crm_leads_lead_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("lead_id", "kind", name=op.f("pk_crm_leads")),
    )
    op.create_table(
        "crm_attempts",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("lead_id", sa.Uuid(), nullable=False),
        sa.Column("parcel_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("run", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.String(), server_default="", nullable=False),
        sa.Column("why", JSONB, server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("requests", sa.Integer(), server_default="0", nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["lead_id"], ["leads.id"], name=op.f("fk_crm_attempts_lead_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_crm_attempts")),
    )
    op.create_index("ix_crm_attempts_at", "crm_attempts", ["at"], unique=False)
    op.create_index("ix_crm_attempts_lead_id", "crm_attempts", ["lead_id"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_crm_attempts_lead_id", table_name="crm_attempts")
    op.drop_index("ix_crm_attempts_at", table_name="crm_attempts")
    op.drop_table("crm_attempts")
    op.drop_table("crm_leads")
    op.drop_index("uq_crm_accounts_live", table_name="crm_accounts", postgresql_where=sa.text("live"))
    op.drop_table("crm_accounts")
