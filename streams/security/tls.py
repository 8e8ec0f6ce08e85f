"""Reads certificates with Python's own TLS, so that a bad file is an error that names its setting.

`ssl` is imported by who needs it: the producer of an app without TLS does not.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from watchline.schemas.errors import ConfigurationError

if TYPE_CHECKING:
    import ssl


def context(ca_file: Path | None, setting: str) -> ssl.SSLContext:
    """A client's context that checks certificate and host name, against one CA file or the system's.

    Raises ConfigurationError that names `setting` where the file can't be read or holds no certificate.
    """
    import ssl

    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError as error:  # ssl.SSLError is one
        raise ConfigurationError(f"{setting}: {ca_file}: {_reason(error)}") from None


def add_certificate(made: ssl.SSLContext, certificate: Path, key: Path, settings: tuple[str, str]) -> None:
    """Our own certificate, for mTLS. Raises ConfigurationError that names the settings of the two files."""
    for path, setting in zip((certificate, key), settings, strict=True):
        try:
            path.open("rb").close()
        except OSError as error:
            raise ConfigurationError(f"{setting}: {path}: {_reason(error)}") from None
    try:
        made.load_cert_chain(certificate, key, password="")
    except OSError as error:
        raise ConfigurationError(
            f"{settings[0]}, {settings[1]}: {certificate} and {key} are not a PEM certificate and its unencrypted key: "
            f"{_reason(error)}"
        ) from None


def refusal(error: BaseException) -> ssl.SSLCertVerificationError | None:
    """Why the other side's certificate was refused, where that is what an error is about."""
    import ssl

    cause: BaseException | None = error
    while cause is not None:
        # urllib3 has the reason in an attribute or among the arguments.
        for candidate in (cause, getattr(cause, "reason", None), *cause.args):
            if isinstance(candidate, ssl.SSLCertVerificationError):
                return candidate
        cause = cause.__cause__ or cause.__context__
    return None


def is_for_another_host(error: ssl.SSLCertVerificationError) -> bool:
    """Whether the certificate is valid, but for another host."""
    return error.verify_code in _OTHER_HOST


_OTHER_HOST = (62, 64)  # OpenSSL's X509_V_ERR_HOSTNAME_MISMATCH and X509_V_ERR_IP_ADDRESS_MISMATCH


def _reason(error: OSError) -> str:
    import ssl

    if isinstance(error, ssl.SSLError):
        return (error.reason or "no PEM certificates in it").replace("_", " ").lower()
    return error.strerror or type(error).__name__
