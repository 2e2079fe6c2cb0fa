"""The company's CRM: what it is to the house, and the two ways to one."""
