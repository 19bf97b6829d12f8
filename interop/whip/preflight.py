"""OPTIONS, as a browser asks for any page: the fields it wants are allowed, Location and ETag may be read, SDP may be posted."""

import harness
from calls import CALLS, SDP, WHIP, signalling
from harness import Case

WANTED = ["authorization", "content-type", "x-openai-agents-sdk", "x-stainless-lang"]


async def case(case: Case) -> None:
    async with case.serve() as server, signalling(server) as http:
        assert server.http_url is not None, "no plain HTTP for pages on this machine"
        for base in (http.base, server.http_url):
            for path in (CALLS, WHIP):
                headers = {
                    "Origin": "https://page.example",
                    "Access-Control-Request-Method": "POST",
                    "Access-Control-Request-Headers": ",".join(WANTED),
                }
                reply = await http.request("OPTIONS", base + path, headers=headers)
                assert reply.status in (200, 204), reply.status
                assert reply.headers["access-control-allow-origin"] in ("*", "https://page.example"), reply.headers
                allowed = [name.strip().lower() for name in reply.headers["access-control-allow-headers"].split(",")]
                assert set(WANTED) <= set(allowed), allowed
                assert "POST" in reply.headers["access-control-allow-methods"], reply.headers
                assert reply.headers["accept-post"] == SDP, reply.headers
            # An error must be as readable for the page as an answer.
            reply = await http.request("POST", base + CALLS, data=b"", headers={"Origin": "null", "Content-Type": SDP})
            reply.expect_error(400)
            assert reply.headers["access-control-allow-origin"] in ("*", "null"), reply.headers
            exposed = reply.headers["access-control-expose-headers"].lower()
            assert "location" in exposed and "etag" in exposed, exposed


if __name__ == "__main__":
    harness.run(case)
