"""The stack's TLS: an authority and a certificate of its own for this machine's names, made at the first start."""

from pathlib import Path

from cift.settings.secrets import private_write

NAMES = ("localhost", "127.0.0.1")


def certificates_ensure(folder: Path) -> dict[str, Path]:
    """Return where `authority`, `certificate` (with its chain) and `key` are, all PEM."""
    import trustme  # noqa: PLC0415 - a package of developers' machines

    files = {name: folder / "tls" / f"{name}.pem" for name in ("authority", "certificate", "key")}
    if not all(file.exists() for file in files.values()):
        (folder / "tls").mkdir(mode=0o700, parents=True, exist_ok=True)
        for file in files.values():
            file.unlink(missing_ok=True)
        authority = trustme.CA()
        issued = authority.issue_cert(*NAMES)
        chain = b"".join(blob.bytes() for blob in issued.cert_chain_pems)
        private_write(files["authority"], authority.cert_pem.bytes().decode())
        private_write(files["certificate"], chain.decode())
        private_write(files["key"], issued.private_key_pem.bytes().decode())
    return files
