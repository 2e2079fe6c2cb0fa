"""Texts that managers write, and uploaded catalogues on their way."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
JSON = postgresql.JSONB(astext_type=sa.Text())


def _text(name: str, default: str = "") -> sa.Column[Any]:
    return sa.Column(name, sa.String(), server_default=default, nullable=False)


def _json(name: str) -> sa.Column[Any]:
    return sa.Column(name, JSON, server_default=sa.text("'{}'::jsonb"), nullable=False)


def _flag(name: str, default: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Boolean(), server_default=sa.text(default), nullable=False)


def _now(name: str) -> sa.Column[Any]:
    return sa.Column(name, MOMENT, server_default=sa.func.now(), nullable=False)


def _author(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["author"], ["users.id"], name=op.f(f"fk_{table}_author"), ondelete="SET NULL")


def upgrade() -> None:
    for column in (
        _flag("draft", "false"),
        sa.Column("share", sa.Integer(), server_default="0", nullable=False),
        sa.Column("shared_at", MOMENT),
        _text("note"),
        sa.Column("author", sa.Uuid()),
        sa.Column("published_at", MOMENT),
    ):
        op.add_column("prompts", column)
    op.create_foreign_key(op.f("fk_prompts_author"), "prompts", "users", ["author"], ["id"], ondelete="SET NULL")
    _texts()
    _uploads()


def _texts() -> None:
    op.create_table(
        "texts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        _text("name"),
        _text("lang"),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("body", sa.String(), nullable=False),
        _json("about"),
        _flag("live", "false"),
        _flag("draft", "true"),
        sa.Column("author", sa.Uuid()),
        sa.Column("published_at", MOMENT),
        _now("created_at"),
        _author("texts"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_texts")),
        sa.UniqueConstraint("kind", "name", "lang", "version", name=op.f("uq_texts_kind_name_lang_version")),
    )
    live = sa.text("live")
    op.create_index("uq_texts_live", "texts", ["kind", "name", "lang"], unique=True, postgresql_where=live)


def _uploads() -> None:
    op.create_table(
        "uploads",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("file", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("author", sa.Uuid()),
        _now("at"),
        _text("lang", "en"),
        _text("how", "whole"),
        _text("source"),
        _json("options"),
        _text("task", "read"),
        _text("state", "queued"),
        _text("phase"),
        sa.Column("share", sa.Float(), server_default="0", nullable=False),
        sa.Column("lease", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("beat_at", MOMENT),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        _text("fault"),
        _text("layout"),
        _json("found"),
        _text("version"),
        _text("against"),
        _json("verdict"),
        _json("changes"),
        _author("uploads"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_uploads")),
    )
    due = sa.text("state IN ('queued', 'working')")
    op.create_index("ix_uploads_due", "uploads", ["at"], postgresql_where=due)
    op.create_index("ix_uploads_at", "uploads", ["at"])
    op.create_index("ix_uploads_version", "uploads", ["version"])
    op.create_table(
        "upload_lines",
        sa.Column("upload_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("place", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("body", JSON, nullable=False),
        sa.ForeignKeyConstraint(
            ["upload_id"], ["uploads.id"], name=op.f("fk_upload_lines_upload_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("upload_id", "kind", "place", name=op.f("pk_upload_lines")),
    )


def downgrade() -> None:
    op.drop_table("upload_lines")
    op.drop_table("uploads")
    op.drop_table("texts")
    op.drop_constraint(op.f("fk_prompts_author"), "prompts", type_="foreignkey")
    for column in ("published_at", "author", "note", "shared_at", "share", "draft"):
        op.drop_column("prompts", column)
