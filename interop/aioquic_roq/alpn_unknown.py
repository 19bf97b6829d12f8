"""A client that offers no protocol that the server speaks is refused by TLS, no_application_protocol."""

import harness
from attachment import Unexpected
from harness import Case
from roq import RoQ

NO_APPLICATION_PROTOCOL = 0x100 + 120  # RFC 9001 section 4.8, RFC 7301 section 3.2


async def case(case: Case) -> None:
    async with case.serve() as server:
        async with case.dial(server, RoQ, alpn=["roq-99"]) as client:
            end = await client.terminated()
            if end.error_code != NO_APPLICATION_PROTOCOL:
                raise Unexpected(f"ended with {end}")


if __name__ == "__main__":
    harness.run(case)
