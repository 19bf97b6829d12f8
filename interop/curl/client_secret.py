"""A client secret is made by the server's secret, opens calls, and is refused where it is wrong."""

import time

import harness
from harness import Case
from signalling import SDP, curl


def bearer(token: str) -> tuple[str, str]:
    return ("-H", f"Authorization: Bearer {token}")


async def case(case: Case) -> None:
    async with case.serve("--secret", "sk-server") as server:
        wish = '{"expires_after":{"anchor":"created_at","seconds":60},"session":{"type":"realtime","model":"echo"}}'
        path = "/v1/realtime/client_secrets"
        (await curl(server, path, "-d", wish)).expect_error(401, "invalid_api_key")
        made = (await curl(server, path, "-d", wish, *bearer("sk-server"))).expect(200).json
        assert made["value"].startswith("ek_")
        assert abs(made["expires_at"] - time.time() - 60) < 5, made["expires_at"]
        assert made["session"]["model"] == "echo" and made["session"]["object"] == "realtime.session"
        (await curl(server, path, "-d", wish, *bearer(made["value"]))).expect_error(401, "invalid_api_key")
        (await curl(server, path, "-d", wish.replace("60", "9"), *bearer("sk-server"))).expect_error(400, "invalid_value")
        for token, status in ((made["value"], 201), ("sk-server", 201), ("ek_guess", 401), ("sk-guess", 401)):
            (await curl(server, "/v1/realtime/calls", *SDP, *bearer(token))).expect(status)
        (await curl(server, "/v1/realtime/calls", *SDP)).expect_error(401, "invalid_api_key")


if __name__ == "__main__":
    harness.run(case)
