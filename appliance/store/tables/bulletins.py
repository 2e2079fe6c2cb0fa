"""What managers hear of the house on schedule."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from appliance.store.tables.base import NOW, Base


class BulletinRow(Base):
    """When a bulletin goes out, as the console has it, and when it last did; without `every` the settings say."""

    __tablename__ = "bulletins"

    kind: Mapped[str] = mapped_column(primary_key=True)  # box, crm
    every: Mapped[str | None]
    weekday: Mapped[int] = mapped_column(server_default="0")
    hour: Mapped[int] = mapped_column(server_default="9")
    told_at: Mapped[datetime] = mapped_column(server_default=NOW)
