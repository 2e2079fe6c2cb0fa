"""The sample history: months of believable dialogues, leads and quotations of a shop that does not exist."""

from appliance.history.write import Written, write_history

__all__ = ["Written", "write_history"]
