"""A client closes its session with a code and a reason; the server ends its side and serves the next."""

import harness
from conversation import begin
from harness import Case
from webtransport import WebTransport


async def case(case: Case) -> None:
    async with case.serve() as server:
        async with case.connect(server, WebTransport) as client:
            await client.open_session()
            await begin(client, "datagram")
            client.close_session(4_242, "all is said — danke")
            await server.saw_close(4_242, "all is said — danke")
            # The end of CONNECT, or of the whole connection without an error (draft section 6).
            await client.until(lambda: client.session_closed or client.termination, "the server's end of the session")
            if client.termination:
                assert client.termination.error_code in (0, 0x100), client.termination
        async with case.connect(server, WebTransport) as client:
            await client.open_session()
            await begin(client, "datagram")


if __name__ == "__main__":
    harness.run(case)
