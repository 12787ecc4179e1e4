"""The keys that sign the tokens of service accounts: one file of PEM keys, the newest first.

The first key signs, all of them verify: to rotate, put a new private key at the top of the file,
and take the old one out when its tokens have ended. A public key verifies and never signs.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from concurrent import futures
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from staticlet.host import osfault, secretfile
from staticlet.kube import refusal

BITS = 2048
"""How large a new key is; what is smaller is not taken."""

_BLOCK = re.compile(rb"-----BEGIN ([A-Z ]+)-----.*?-----END \1-----", re.DOTALL)
_MOST = 32


class KeyFault(Exception):
    """The key file cannot be used; the text names it and says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verifier:
    """A key that tells whether a token is genuine.

    Attributes:
        id: The digest of the key by which tokens name it.
        key: The key.
    """

    id: str
    key: rsa.RSAPublicKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """The keys of one file.

    Attributes:
        signer: What signs.
        verifiers: What verifies; the signer's own is the first.
    """

    signer: rsa.RSAPrivateKey
    verifiers: Sequence[Verifier]

    def named(self, key_id: str | None) -> Sequence[Verifier]:
        """The keys that may have signed a token which names this one."""
        if not key_id:
            return self.verifiers
        return [one for one in self.verifiers if one.id == key_id]


class Source(Protocol):
    """Keys that sign and verify, whether they are there or coming."""

    @property
    def signer(self) -> rsa.RSAPrivateKey:
        """What signs."""
        ...

    @property
    def verifiers(self) -> Sequence[Verifier]:
        """What verifies; the signer's own is the first."""
        ...

    def named(self, key_id: str | None) -> Sequence[Verifier]:
        """The keys that may have signed a token which names this one."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Coming:
    """Keys that are being made, which may take half a second; nothing was signed with them yet.

    Who has something signed meanwhile waits, and everybody with him: that can only be in the very
    first moment of a server.

    Attributes:
        made: The keys, or a KeyFault.
    """

    made: futures.Future[Keys]

    @property
    def signer(self) -> rsa.RSAPrivateKey:
        """What signs.

        Raises:
            refusal.Refusal: 500: it could not be made.
        """
        return self._there().signer

    @property
    def verifiers(self) -> Sequence[Verifier]:
        """What verifies.

        Raises:
            refusal.Refusal: 500: it could not be made.
        """
        return self._there().verifiers

    def named(self, key_id: str | None) -> Sequence[Verifier]:
        """The keys that may have signed a token: none before they are there."""
        if not self.made.done() or self.made.exception() is not None:
            return ()
        return self.made.result().named(key_id)

    def _there(self) -> Keys:
        try:
            return self.made.result()
        except KeyFault as fault:
            raise refusal.internal(str(fault)) from fault


def load(path: Path) -> Keys:
    """Read the keys, or make the file where there is none.

    Raises:
        KeyFault: It cannot be read or made, or holds something else than keys; it is left alone.
    """
    return found(path) or make(path)


def found(path: Path) -> Keys | None:
    """Read the keys; None where there is no file.

    Raises:
        KeyFault: It cannot be read, or holds something else than keys.
    """
    try:
        data = secretfile.read(path)
    except OSError as fault:
        raise _unusable(path, fault) from fault
    except ValueError as fault:
        raise KeyFault(f"the service account key file {path} {fault}") from fault
    return None if data is None else read(data, str(path))


def make(path: Path) -> Keys:
    """Make a key and its file; the search for primes takes 10 to 500 ms, and lets others run.

    Raises:
        KeyFault: It cannot be written.
    """
    data = _new()
    try:
        secretfile.write(path, data)
    except OSError as fault:
        raise _unusable(path, fault) from fault
    return read(data, str(path))


def _unusable(path: Path, fault: OSError) -> KeyFault:
    return KeyFault(f"cannot use the service account key file {osfault.words(fault, path)}")


def read(data: bytes, name: str) -> Keys:
    """Read PEM keys.

    Args:
        data: The text of the file.
        name: What the file is called in words of refusal.

    Raises:
        KeyFault: They cannot be used.
    """
    blocks = [match[0] for match in _BLOCK.finditer(data)]
    if not blocks or len(blocks) > _MOST:
        raise KeyFault(f"{name}: holds {len(blocks)} keys in PEM form; 1 to {_MOST} are needed")
    private: list[rsa.RSAPrivateKey] = []
    public: list[rsa.RSAPublicKey] = []
    for number, block in enumerate(blocks, 1):
        key = _key(block, f"{name}: key {number}")
        if isinstance(key, rsa.RSAPrivateKey):
            private.append(key)
            public.append(key.public_key())
        else:
            public.append(key)
    if not private:
        raise KeyFault(f"{name}: holds no private key: tokens could not be signed")
    signing = private[0].public_key()
    ordered = [signing, *(key for key in public if key != signing)]
    return Keys(
        signer=private[0],
        verifiers=tuple(Verifier(id=key_id(key), key=key) for key in ordered),
    )


def _key(block: bytes, where: str) -> rsa.RSAPrivateKey | rsa.RSAPublicKey:
    try:
        if b"PRIVATE KEY" in block.partition(b"\n")[0]:
            key: object = serialization.load_pem_private_key(block, password=None)
        else:
            key = serialization.load_pem_public_key(block)
    except (ValueError, TypeError, UnsupportedAlgorithm) as fault:
        raise KeyFault(
            f"{where}: is no key in PEM form without a password: mend the file, or move it away "
            "to have a new one; the tokens of the old one end with it"
        ) from fault
    if not isinstance(key, (rsa.RSAPrivateKey, rsa.RSAPublicKey)):
        raise KeyFault(f"{where}: is not an RSA key, and tokens are signed with RS256")
    if key.key_size < BITS:
        raise KeyFault(f"{where}: has {key.key_size} bits; {BITS} are the least")
    return key


def key_id(key: rsa.RSAPublicKey) -> str:
    """The name of a key in tokens: the digest of its public half, as kube-apiserver makes it."""
    der = key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return base64.urlsafe_b64encode(hashlib.sha256(der).digest()).rstrip(b"=").decode("ascii")


def _new() -> bytes:
    key = rsa.generate_private_key(public_exponent=65537, key_size=BITS)
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
