"""How the store may fail. Apart from the rest, so that whoever only catches these loads no database library."""


class StoreUnavailable(Exception):
    """The database cannot be reached. Nothing is lost: what was stored stays, what was not is asked for again."""


class ClaimLost(Exception):
    """Somebody else answers now (a manager took over, or another process went on): the draft is dropped."""


class WrongToken(Exception):
    """The session's token is not the one that was given out, or it is too old; the widget opens a new session."""


class TakenOver(Exception):
    """A manager has the conversation; the assistant says nothing more in it."""
