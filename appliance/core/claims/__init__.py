"""The claim gate: no price, stock, code, figure, link or promise reaches a customer that no row and no text shows."""

from appliance.core.claims.gate import Verdict, check, check_record
from appliance.core.claims.goods import Row, Shown

__all__ = ["Row", "Shown", "Verdict", "check", "check_record"]
