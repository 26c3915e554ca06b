"""A passkey made of software: it keeps a P-256 key, counts, and says what it is told to, lies included.

What stands here is written from the W3C recommendation (Web Authentication, §6.1 authenticator data, §5.8.1 client
data, §8.7 attestation "none") and shares no code with the package that checks it.
"""

import base64
import hashlib
import json
import secrets
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256

PRESENT, VERIFIED, NEW_KEY = 0x01, 0x04, 0x40


def text_of(data: bytes) -> str:
    """Write bytes as base64url without padding, as browsers do."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def bytes_of(text: str) -> bytes:
    """Read them back."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass
class SoftPasskey:
    """One passkey in a browser at an address.

    host, origin: where the browser is. verifies: whether it makes sure of its owner. count: how often it signed.
    owner:        the account that it was made for.
    """

    host: str
    origin: str
    verifies: bool = True
    count: int = 0
    owner: bytes = b""
    key: EllipticCurvePrivateKey = field(default_factory=lambda: generate_private_key(SECP256R1()))
    credential_id: bytes = field(default_factory=lambda: secrets.token_bytes(32))

    def make(self, options: dict[str, Any], **lies: Any) -> str:  # noqa: ANN401
        """Answer `navigator.credentials.create()`. lies: as `_client`."""
        self.owner = bytes_of(options["user"]["id"])
        client = self._client("webauthn.create", options, **lies)
        known = len(self.credential_id).to_bytes(2) + self.credential_id + self._cose()
        data = self._data(NEW_KEY) + bytes(16) + known
        # {"fmt": "none", "attStmt": {}, "authData": data} as CBOR
        attestation = b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData" + _cbor_bytes(data)
        return self._written({"clientDataJSON": client, "attestationObject": attestation})

    def show(self, options: dict[str, Any], **lies: Any) -> str:  # noqa: ANN401
        """Answer `navigator.credentials.get()`, and count. lies: as `_client`."""
        client, data = self._client("webauthn.get", options, **lies), self._data(0)
        signature = self.key.sign(data + hashlib.sha256(client).digest(), ECDSA(SHA256()))
        return self._written(
            {"clientDataJSON": client, "authenticatorData": data, "signature": signature, "userHandle": self.owner}
        )

    def _client(self, kind: str, options: dict[str, Any], **lies: Any) -> bytes:  # noqa: ANN401
        """Write what the browser says of itself. lies: other words in it, such as origin or challenge."""
        told = {"type": kind, "challenge": options["challenge"], "origin": self.origin, "crossOrigin": False}
        return json.dumps(told | lies).encode()

    def _data(self, flags: int) -> bytes:
        """Write what the authenticator says: where, whether somebody was there and was verified, and its count."""
        flags |= PRESENT | (VERIFIED if self.verifies else 0)
        return hashlib.sha256(self.host.encode()).digest() + bytes([flags]) + self.count.to_bytes(4)

    def _cose(self) -> bytes:
        """Write the public key: {1: 2 (EC2), 3: -7 (ES256), -1: 1 (P-256), -2: x, -3: y}."""
        point = self.key.public_key().public_numbers()
        x, y = point.x.to_bytes(32), point.y.to_bytes(32)
        return b"\xa5\x01\x02\x03\x26\x20\x01\x21" + _cbor_bytes(x) + b"\x22" + _cbor_bytes(y)

    def _written(self, response: dict[str, bytes]) -> str:
        named = {name: text_of(data) for name, data in response.items()}
        told = {"id": text_of(self.credential_id), "rawId": text_of(self.credential_id), "type": "public-key"}
        return json.dumps(told | {"response": named})


def _cbor_bytes(data: bytes) -> bytes:
    size = len(data)
    if size < 24:
        return bytes([0x40 | size]) + data
    return (b"\x58" + bytes([size]) if size < 256 else b"\x59" + size.to_bytes(2)) + data
