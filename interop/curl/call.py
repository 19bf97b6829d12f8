"""A call by HTTP/1.1 and by HTTP/2: answered, restarted, ended; at OpenAI's path and at WHIP's."""

import harness
from harness import Case
from signalling import SDP, curl

FRAGMENT = "a=ice-ufrag:efgh\r\na=ice-pwd:abcdefghijklmnopqrstuvwy\r\n"


async def case(case: Case) -> None:
    async with case.serve() as server:
        for version, path in (("--http1.1", "/v1/realtime/calls"), ("--http2", "/whip")):
            made = (await curl(server, path, version, *SDP)).expect(201)
            assert made.version == {"--http1.1": "HTTP/1.1", "--http2": "HTTP/2"}[version], made.version
            assert made.fields["content-type"] == "application/sdp"
            assert f" 127.0.0.1 {server.port} typ host" in made.body, "the candidate is the server's UDP port"
            assert "a=ice-lite" in made.body
            location = made.fields["location"]
            assert location.startswith(path + "/rtc_"), location
            patch = ("-X", "PATCH", "-H", "Content-Type: application/trickle-ice-sdpfrag", "--data-binary", FRAGMENT)
            (await curl(server, location, *patch)).expect_error(428, "precondition_required")
            (await curl(server, location, *patch, "-H", 'If-Match: "other"')).expect_error(412, "precondition_failed")
            restarted = (await curl(server, location, *patch, "-H", "If-Match: *")).expect(200)
            assert restarted.fields["etag"] != made.fields["etag"]
            assert "a=ice-ufrag:" in restarted.body
            (await curl(server, location, "-X", "DELETE")).expect(200)
            (await curl(server, location, "-X", "DELETE")).expect_error(404, "call_not_found")


if __name__ == "__main__":
    harness.run(case)
