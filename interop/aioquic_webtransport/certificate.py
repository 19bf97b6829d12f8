"""The certificate that serve makes is one that browsers take by its hash: P-256, valid, for two weeks at most."""

import datetime

import harness
from cryptography.hazmat.primitives.asymmetric import ec
from harness import Case
from webtransport import WebTransport


async def case(case: Case) -> None:
    # That its hash is the one announced, every case checks as it connects.
    async with case.serve() as server, case.connect(server, WebTransport) as client:
        certificate = client.quic.tls._peer_certificate
        assert certificate is not None
        key = certificate.public_key()
        assert isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1), key
        start, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        assert start <= datetime.datetime.now(datetime.timezone.utc) < end, f"valid from {start} to {end}"
        assert end - start <= datetime.timedelta(days=14), f"valid for {end - start}"


if __name__ == "__main__":
    harness.run(case)
