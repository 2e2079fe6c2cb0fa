"""Looks at the certificates on which our mail and our customers' browsers depend: are they good, and for how long."""

from __future__ import annotations

import smtplib
import socket
import ssl


class BadCertificate(Exception):
    """A certificate that nobody will trust; the message says why."""


def of_mail_server(host: str, port: int, security: str, patience: float) -> float | None:
    """When the server's certificate ends, in seconds since the epoch; None where the connection has none.

    Greets the server and leaves again, without a login. Raises `BadCertificate`, or `OSError` where it does not serve.
    """
    trust = ssl.create_default_context()
    try:
        if security == "tls":
            with smtplib.SMTP_SSL(host, port, timeout=patience, context=trust) as server:
                return _end(server.sock)
        with smtplib.SMTP(host, port, timeout=patience) as server:
            if security == "starttls":
                server.starttls(context=trust)
            else:
                server.noop()
            return _end(server.sock)
    except ssl.SSLCertVerificationError as error:
        raise BadCertificate(error.verify_message) from error
    except smtplib.SMTPException as error:  # a kind of OSError already, but its words are not always plain
        raise OSError(str(error)) from error


def of_site(host: str, port: int, patience: float) -> float | None:
    """The same of a site behind TLS."""
    trust = ssl.create_default_context()
    try:
        with (
            socket.create_connection((host, port), timeout=patience) as plain,
            trust.wrap_socket(plain, server_hostname=host) as secure,
        ):
            return _end(secure)
    except ssl.SSLCertVerificationError as error:
        raise BadCertificate(error.verify_message) from error


def _end(connection: socket.socket | None) -> float | None:
    if not isinstance(connection, ssl.SSLSocket):
        return None
    ends = (connection.getpeercert() or {}).get("notAfter")
    return ssl.cert_time_to_seconds(ends) if isinstance(ends, str) else None
