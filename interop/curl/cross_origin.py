"""Any page may ask with any fields, preflight and refusals included; health and transports are told."""

import harness
from harness import Case
from signalling import curl


async def case(case: Case) -> None:
    origin = ("-H", "Origin: https://page.example")
    async with case.serve() as server:
        wishes = ("authorization,x-openai-agents-sdk", "POST")
        granted = await curl(
            server, "/v1/realtime/calls", "-X", "OPTIONS", *origin,
            "-H", f"Access-Control-Request-Headers: {wishes[0]}", "-H", f"Access-Control-Request-Method: {wishes[1]}",
        )  # fmt: skip
        granted.expect(200)
        assert granted.fields["access-control-allow-origin"] == "https://page.example"
        assert granted.fields["access-control-allow-headers"] == wishes[0]
        assert wishes[1] in granted.fields["access-control-allow-methods"]
        assert granted.fields["accept-post"] == "application/sdp"
        refused = await curl(server, "/v1/realtime/calls", "-X", "POST", *origin)
        refused.expect_error(415, "unsupported_media_type")
        assert refused.fields["access-control-allow-origin"] == "https://page.example"
        assert "Location" in refused.fields["access-control-expose-headers"]
        assert (await curl(server, "/healthz")).expect(200).json["status"] == "ok"
        told = (await curl(server, "/v1/realtime/transports")).expect(200).json
        assert told["certificate"]["sha256_hex"] == server.certificate_sha256
        assert {entry["transport"] for entry in told["transports"]} == {"webtransport", "roq", "webrtc", "websocket"}
        assert all(entry["port"] == server.port for entry in told["transports"])


if __name__ == "__main__":
    harness.run(case)
