"""The commands of the program, a group a file; each adds itself to the parser and says what it runs."""

from types import ModuleType

from appliance.commands import alerts, backup, catalog, crm, judge, models, privacy, roles, staff

ALL: tuple[ModuleType, ...] = (roles, catalog, models, judge, staff, alerts, backup, privacy, crm)
