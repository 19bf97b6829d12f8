"""The server's HTTP/3 SETTINGS hold what aioquic and both browsers look for."""

import harness
from harness import Case
from webtransport import WebTransport

H3_DATAGRAM = 0x33
ENABLE_CONNECT_PROTOCOL = 0x8
ENABLE_WEBTRANSPORT = 0x2B603742  # draft-ietf-webtrans-http3-02, which today's browsers speak


async def case(case: Case) -> None:
    async with case.serve() as server, case.connect(server, WebTransport) as client:
        await client.until(lambda: client.http and client.http.received_settings, "SETTINGS")
        assert client.http is not None and client.http.received_settings is not None
        settings = client.http.received_settings
        print({hex(name): value for name, value in settings.items()})
        for name in (H3_DATAGRAM, ENABLE_CONNECT_PROTOCOL, ENABLE_WEBTRANSPORT):
            assert settings.get(name) == 1, f"setting {name:#x} is {settings.get(name)}"


if __name__ == "__main__":
    harness.run(case)
