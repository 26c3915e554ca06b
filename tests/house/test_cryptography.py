"""Which algorithms the program uses, and where chance comes from: read off the code, against two lists.

docs/security/inventory.md says what each is for. Codes that people type have fewer random bits: they are lookup secrets
behind limits (ASVS 6.5.4), and stand in the second list one by one.
"""

import ast
import importlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from app.accounts.oidc.claims import ALGORITHMS, SMALLEST_RSA_BITS

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("app", "commons", "polls", "ballots", "results")
FILES = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
LIBRARIES = {"argon2", "cryptography", "hashlib", "hmac", "joserfc", "pyotp", "secrets", "ssl"}
ELSEWHERE = {
    "Crypto",
    "Cryptodome",
    "OpenSSL",
    "bcrypt",
    "crypt",
    "ecdsa",
    "jose",
    "jwt",
    "md5",
    "nacl",
    "passlib",
    "rsa",
}
USED = {
    "argon2.PasswordHasher",
    "argon2.low_level.Type",
    "argon2.low_level.hash_secret_raw",
    "cryptography.hazmat.primitives.asymmetric.ed25519.Ed25519PrivateKey",
    "cryptography.hazmat.primitives.asymmetric.ed25519.Ed25519PublicKey",
    "cryptography.hazmat.primitives.asymmetric.x25519.X25519PrivateKey",
    "cryptography.hazmat.primitives.asymmetric.x25519.X25519PublicKey",
    "cryptography.hazmat.primitives.ciphers.aead.AESGCM",
    "cryptography.hazmat.primitives.hashes.SHA256",
    "cryptography.hazmat.primitives.hpke.AEAD.AES_256_GCM",
    "cryptography.hazmat.primitives.hpke.KDF.HKDF_SHA256",
    "cryptography.hazmat.primitives.hpke.KEM.X25519",
    "cryptography.hazmat.primitives.hpke.Suite",
    "cryptography.hazmat.primitives.kdf.hkdf.HKDF",
    "hashlib.sha256",
    "hmac.compare_digest",
    "hmac.digest sha256",
    "joserfc.jwk.ECKey",
    "joserfc.jwk.KeySet",
    "joserfc.jwk.OKPKey",
    "joserfc.jwk.RSAKey",
    "joserfc.jws",
    "pyotp.TOTP",  # HMAC-SHA-1: RFC 6238 and the apps know no other; what it lacks, a MAC does not need
    "pyotp.random_base32",
    "ssl.SSLSocket",
    "ssl.create_default_context",
}
TOOLS = {"app/static/make.py hashlib.sha512"}  # compares vendored files, and is run by hand
SAID_ONLY = (
    "cryptography.exceptions.",
    "argon2.exceptions.",
    "joserfc.errors.",
    "cryptography.hazmat.primitives.serialization.",
)
FEWEST_BITS = 128
SHORTER = {
    "app/accounts/factors/recovery.py secrets.randbelow": "recovery codes: 40 bits each, ten for a person, slow hash",
    "app/accounts/roll/codes.py secrets.randbits 90": "codes of voters, behind a limit",
    "app/accounts/sealing.py secrets.token_bytes 96": "the nonce of AES-GCM, which is no secret",
    "ballots/sealing.py secrets.token_bytes 96": "the nonce of AES-GCM, which is no secret",
    "ballots/files.py secrets.token_hex 32": "the name of an unfinished file",
    "results/attack.py random": "which ballots stand for all in the attack on a release, the same ones each time",
    "app/demo/town.py secrets.choice": "words that the demonstration prints",
    "app/accounts/phones/messages.py secrets.randbelow": "codes for a telephone: 10 digits, 15 minutes, five open",
    "app/jobs/notices.py secrets.SystemRandom": "the order of letters",
    "app/jobs/notices.py secrets.randbelow": "the moment of a letter",
    "app/demo/town.py secrets.randbelow": "words that the demonstration prints",
    "app/web/errors.py secrets.randbelow": "seconds until somebody tries again",
}
DRAWN_FOR_SHOW = {"app/demo/votes.py"}  # invented voters, the same at every start


def named(tree: ast.AST) -> dict[str, str]:
    """Give what the names of a file stand for, as dotted paths."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for each in node.names:
                found[each.asname or each.name.split(".")[0]] = each.name if each.asname else each.name.split(".")[0]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {each.asname or each.name: f"{node.module}.{each.name}" for each in node.names}
    return found


@cache
def parsed(text: str) -> tuple[ast.AST, dict[str, str]]:
    """Read a file once for both lists."""
    tree = ast.parse(text)
    return tree, named(tree)


def dotted(node: ast.expr, names: dict[str, str]) -> str:
    """Write out `a.b.c`, where a is imported; nothing for anything else."""
    if isinstance(node, ast.Name):
        return names.get(node.id, "")
    if isinstance(node, ast.Attribute):
        before = dotted(node.value, names)
        return f"{before}.{node.attr}" if before else ""
    return ""


def used_in(text: str) -> set[str]:
    """Find all that a file takes from a library of cryptography."""
    tree, names = parsed(text)
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and dotted(node.func, names) == "hmac.digest":
            kind = node.args[2]
            found.add(f"hmac.digest {kind.value if isinstance(kind, ast.Constant) else '?'}")
        elif isinstance(node, ast.Name | ast.Attribute):
            found.add(dotted(node, names))
    # Of a path only the whole is of interest: `hashlib` and `hashlib.sha256` are one use.
    found = {each for each in found if not any(other.startswith((f"{each}.", f"{each} ")) for other in found)}
    return {
        each for each in found if each.partition(".")[0] in LIBRARIES | ELSEWHERE and not each.startswith("secrets")
    }


def on_the_list(path: str) -> bool:
    """Tell whether a use is on the list, itself or as a part of what is, such as a way to read a key."""
    return any(f"{path}.".startswith(f"{each}.") for each in USED)


def drawn_in(text: str, module: str = "") -> Iterator[str]:
    """Yield each way a file draws by chance, with the bits where they can be read off."""
    tree, names = parsed(text)
    for node in ast.walk(tree):
        path = dotted(node, names) if isinstance(node, ast.Attribute | ast.Name) else ""
        if path.startswith(("random.", "numpy.random")):
            yield "random"
        if path.startswith("uuid.uuid") and path != "uuid.uuid4":
            yield "no random id"
        if not isinstance(node, ast.Call):
            continue
        way = dotted(node.func, names)
        if way.startswith("secrets.") and way != "secrets.compare_digest":
            yield f"{way} {bits}" if (bits := _bits(way, node, module)) else way


def _bits(way: str, node: ast.Call, module: str) -> int:
    if way.partition(".")[2] not in {"token_bytes", "token_hex", "token_urlsafe", "randbits"} or not node.args:
        return 0
    there = vars(importlib.import_module(module)) if module else {}
    return _number(node.args[0], there) * (1 if way.endswith("randbits") else 8)


def _number(node: ast.expr, there: dict[str, object]) -> int:
    """Work out a number, a name that stands for one, or a product; 0 for anything else."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        return _number(node.left, there) * _number(node.right, there)
    value = node.value if isinstance(node, ast.Constant) else there.get(getattr(node, "id", ""))
    return value if isinstance(value, int) else 0


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_no_other_algorithm_or_library_is_used_than_those_on_the_list() -> None:
    found: dict[str, str] = {}
    for path in FILES:
        found |= {f"{name(path)} {each}": each for each in used_in(path.read_text("utf-8"))}
    of_use = {where: each for where, each in found.items() if not each.startswith(SAID_ONLY)}
    assert {where for where, each in of_use.items() if not on_the_list(each)} == TOOLS
    gone = {each for each in USED if not any(f"{other}.".startswith(f"{each}.") for other in of_use.values())}
    assert gone == set()


def test_signatures_of_a_provider_are_of_public_keys_and_long_enough() -> None:
    assert {each[:2] for each in ALGORITHMS} == {"RS", "PS", "ES", "Ed"}
    assert not [each for each in ALGORITHMS if each in {"none", "ES256K"} or each.startswith("HS")]
    assert SMALLEST_RSA_BITS >= 2048


def test_what_must_not_be_guessed_has_128_random_bits() -> None:
    shorter, long_enough = set(), 0
    for path in FILES:
        if name(path) in DRAWN_FOR_SHOW:
            continue
        module = name(path).removesuffix(".py").replace("/", ".")
        for way in drawn_in(path.read_text("utf-8"), module):
            bits = way.rpartition(" ")[2]
            if bits.isdigit() and int(bits) >= FEWEST_BITS:
                long_enough += 1
            else:
                shorter.add(f"{name(path)} {way}")
    assert shorter == set(SHORTER)
    assert long_enough >= 10


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("import hashlib\nhashlib.md5(b'')", {"hashlib.md5"}),
        ("from hashlib import sha1 as s\ns(b'')", {"hashlib.sha1"}),
        ("import hashlib as h\nh.new('md4')", {"hashlib.new"}),
        ("import hmac\nhmac.digest(b'', b'', 'md5')", {"hmac.digest md5"}),
        ("import hmac\nhmac.digest(b'', b'', kind)", {"hmac.digest ?"}),
        ("from cryptography.hazmat.primitives.ciphers import Cipher, modes\nCipher(a, modes.ECB())",
         {"cryptography.hazmat.primitives.ciphers.Cipher", "cryptography.hazmat.primitives.ciphers.modes.ECB"}),
        ("from Crypto.Cipher import DES\nDES.new(b'')", {"Crypto.Cipher.DES.new"}),
    ],
)  # fmt: skip
def test_an_algorithm_that_is_planted_is_found(text: str, found: set[str]) -> None:
    assert used_in(text) == found
    assert not [each for each in found if on_the_list(each)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("import secrets\nsecrets.token_urlsafe(8)", "secrets.token_urlsafe 64"),
        ("from secrets import randbits\nrandbits(5 * 18)", "secrets.randbits 90"),
        ("import secrets\nsecrets.token_hex()", "secrets.token_hex"),
        ("import random\nrandom.random()", "random"),
        ("from uuid import uuid1\nuuid1()", "no random id"),
    ],
)
def test_chance_that_is_planted_is_found(text: str, found: str) -> None:
    assert found in set(drawn_in(text))
