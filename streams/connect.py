"""From settings to a Kafka client's arguments, in one place."""

from __future__ import annotations

import ssl
from typing import Any

from streams.settings import ConfigurationError, Settings


def client_arguments(settings: Settings) -> dict[str, Any]:
    """Arguments common to every aiokafka client: where the brokers are and how to prove who we are.

    Raises ConfigurationError with one sentence.
    """
    if not settings.brokers:
        raise ConfigurationError("no Kafka broker is configured: set DESKPULSE_BROKERS to host:port,host:port")
    arguments: dict[str, Any] = {"bootstrap_servers": _addresses(settings.brokers)}
    tls = settings.tls_ca is not None or settings.tls_cert is not None
    if tls:
        arguments["ssl_context"] = _tls_context(settings)
    if settings.sasl_mechanism:
        arguments["sasl_mechanism"] = settings.sasl_mechanism
        arguments["sasl_plain_username"] = settings.sasl_username
        arguments["sasl_plain_password"] = settings.sasl_password
    match tls, bool(settings.sasl_mechanism):
        case True, True:
            arguments["security_protocol"] = "SASL_SSL"
        case True, False:
            arguments["security_protocol"] = "SSL"
        case False, True:
            arguments["security_protocol"] = "SASL_PLAINTEXT"
        case _:
            arguments["security_protocol"] = "PLAINTEXT"
    return arguments


def _addresses(brokers: str) -> list[str]:
    addresses = [address.strip() for address in brokers.split(",")]
    for address in addresses:
        host, _, port = address.rpartition(":")
        if not host or not port.isdigit() or not 0 < int(port) < 65536:
            raise ConfigurationError(
                f"brokers: {address!r} is not an address: write host:port, several separated by commas"
            )
    return addresses


def _tls_context(settings: Settings) -> ssl.SSLContext:
    """Certificates are always verified; without tls_ca against the system's authorities."""
    if (settings.tls_cert is None) != (settings.tls_key is None):
        raise ConfigurationError("tls_cert goes with tls_key: set both or neither")
    for name in ("tls_ca", "tls_cert", "tls_key"):
        path = getattr(settings, name)
        if path is not None and not path.is_file():
            raise ConfigurationError(f"{name}: {path} does not exist: name a PEM file")
    try:
        context = ssl.create_default_context(cafile=settings.tls_ca)
        if settings.tls_cert is not None:
            context.load_cert_chain(settings.tls_cert, settings.tls_key)
    except (ssl.SSLError, OSError) as error:
        raise ConfigurationError(f"the TLS files cannot be read ({error}): they must be PEM files") from error
    return context
