"""The database: rows never leave it, and `Store.transaction()` is the only commit."""
