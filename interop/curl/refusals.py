"""What is no call is refused with its status and a JSON error, never with text in the place of an SDP."""

import harness
from harness import Case
from signalling import SDP, curl


async def case(case: Case) -> None:
    sdp_type = ("-H", "Content-Type: application/sdp")
    large = case.logs / "large.sdp"
    large.write_bytes(b"x" * 200_000)
    async with case.serve() as server:
        path = "/v1/realtime/calls"
        (await curl(server, path, "-X", "POST", *sdp_type)).expect_error(400, "empty_sdp")
        for sdp in ("v=0", "GET / HTTP/1.1", "m=audio", "\u00e9"):
            refused = await curl(server, path, *sdp_type, "--data-binary", sdp)
            assert refused.status == 400 and refused.json["error"]["code"], refused
        (await curl(server, path, *sdp_type, "--data-binary", f"@{large}")).expect_error(413, "request_too_large")
        (await curl(server, path)).expect_error(405, "method_not_allowed")
        (await curl(server, path + "/rtc_none")).expect_error(405, "method_not_allowed")
        (await curl(server, "/nowhere")).expect_error(404, "not_found")
        (await curl(server, path + "/rtc_none/accept", "-X", "POST")).expect_error(404, "unsupported_endpoint")
        (await curl(server, path, *SDP)).expect(201)


if __name__ == "__main__":
    harness.run(case)
