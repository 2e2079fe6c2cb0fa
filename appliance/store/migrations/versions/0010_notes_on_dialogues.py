"""What managers note of dialogues, how leads ended, and the indexes by which both are looked for."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
WORDS = "(to_tsvector('russian'::regconfig, text) || to_tsvector('english'::regconfig, text))"
REACH = ("name", "phone", "email", "company")
TRIGRAMS = ("ix_messages_trigrams", "ix_leads_trigrams")


def upgrade() -> None:
    _notes()
    _marks()
    _reads()
    op.add_column("leads", sa.Column("outcome", sa.String(), server_default="", nullable=False))
    op.add_column("users", sa.Column("on_duty", sa.Boolean(), server_default=sa.text("true"), nullable=False))
    _indexes()


def _notes() -> None:
    op.create_table(
        "notes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("conversation_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid()),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("at", MOMENT, server_default=sa.func.now(), nullable=False),
        _reference("notes", "conversation_id", "conversations", "CASCADE"),
        _reference("notes", "user_id", "users", "SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notes")),
    )
    op.create_index("ix_notes_conversation_id", "notes", ["conversation_id", "at"])


def _marks() -> None:
    op.create_table(
        "marks",
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("conversation_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid()),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("comment", sa.String(), server_default="", nullable=False),
        sa.Column("at", MOMENT, server_default=sa.func.now(), nullable=False),
        sa.Column("settled_at", MOMENT),
        sa.Column("settled_by", sa.Uuid()),
        _reference("marks", "message_id", "messages", "CASCADE"),
        _reference("marks", "conversation_id", "conversations", "CASCADE"),
        _reference("marks", "user_id", "users", "SET NULL"),
        _reference("marks", "settled_by", "users", "SET NULL"),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_marks")),
    )
    op.create_index("ix_marks_at", "marks", ["at", "message_id"])
    op.create_index("ix_marks_conversation_id", "marks", ["conversation_id"])


def _reads() -> None:
    op.create_table(
        "reads",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("conversation_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        _reference("reads", "user_id", "users", "CASCADE"),
        _reference("reads", "conversation_id", "conversations", "CASCADE"),
        sa.PrimaryKeyConstraint("user_id", "conversation_id", name=op.f("pk_reads")),
    )
    op.create_index("ix_reads_conversation_id", "reads", ["conversation_id"])


def _indexes() -> None:
    said = sa.text("last_seq > 0")
    op.create_index("ix_conversations_recent", "conversations", ["updated_at", "id"], postgresql_where=said)
    manned = sa.text("owner <> 'bot'")
    op.create_index("ix_conversations_waiting", "conversations", ["owner", "updated_at"], postgresql_where=manned)
    rated = sa.text("rating IS NOT NULL")
    op.create_index("ix_messages_rated", "messages", ["conversation_id"], postgresql_where=rated)
    op.create_index("ix_leads_status", "leads", ["status", "updated_at", "id"])
    op.create_index("ix_messages_words", "messages", [sa.text(WORDS)], postgresql_using="gin")
    if _trigrams():
        by_trigrams = {"text": "gin_trgm_ops"}
        op.create_index(
            "ix_messages_trigrams", "messages", ["text"], postgresql_using="gin", postgresql_ops=by_trigrams
        )
        by_trigrams = dict.fromkeys(REACH, "gin_trgm_ops")
        op.create_index("ix_leads_trigrams", "leads", list(REACH), postgresql_using="gin", postgresql_ops=by_trigrams)


def _trigrams() -> bool:
    """Whether pg_trgm is there, or can be added; without it parts of words and numbers are not found, and all else is."""
    connection = op.get_bind()
    there = connection.execute(sa.text("SELECT 1 FROM pg_available_extensions WHERE name = 'pg_trgm'")).first()
    if there is None:
        return False
    try:
        with connection.begin_nested():
            connection.execute(sa.text("CREATE EXTENSION IF NOT EXISTS pg_trgm"))
    except sa.exc.DBAPIError:  # an account that may not add extensions, and nobody has
        return False
    return True


def _reference(table: str, column: str, other: str, deleted: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{other}.id"], name=op.f(f"fk_{table}_{column}"), ondelete=deleted)


def downgrade() -> None:
    for name in TRIGRAMS:
        op.execute(f"DROP INDEX IF EXISTS {name}")
    for name, table in (
        ("ix_messages_words", "messages"),
        ("ix_leads_status", "leads"),
        ("ix_messages_rated", "messages"),
        ("ix_conversations_waiting", "conversations"),
        ("ix_conversations_recent", "conversations"),
    ):
        op.drop_index(name, table)
    op.drop_column("users", "on_duty")
    op.drop_column("leads", "outcome")
    for table in ("reads", "marks", "notes"):
        op.drop_table(table)
