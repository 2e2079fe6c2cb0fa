"""Zoho CRM as the tests know it: a stateful server over HTTP that holds requests against Zoho's own OpenAPI files."""

from tests.zoho.faults import Faults
from tests.zoho.server import ZohoServer
from tests.zoho.spec import FOLDER, Spec
from tests.zoho.world import Grant, World

__all__ = ["FOLDER", "Faults", "Grant", "Spec", "World", "ZohoServer"]
