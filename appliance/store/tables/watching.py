"""Which processes of the house live, wherever they run."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from appliance.store.tables.base import NOW, Base


class BeatRow(Base):
    """The last sign of life of a process, under the number by which it is known among its like."""

    __tablename__ = "beats"

    instance: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    role: Mapped[str]
    about: Mapped[dict[str, Any]] = mapped_column(server_default=sql("'{}'::jsonb"))
    began_at: Mapped[datetime] = mapped_column(server_default=NOW)
    at: Mapped[datetime] = mapped_column(server_default=NOW)
