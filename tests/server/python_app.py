"""An application with sentry-sdk, as `tests.server.test_sdks` runs it: it does what its arguments say, in order.

error, check-in, session, transaction, log; each is sent before the next one happens. The
environment names the DSN, the compression and when the error happened.
"""

import os
import sys

import sentry_sdk
import sentry_sdk.logger
from sentry_sdk.crons import capture_checkin


class PoolIsEmptyError(Exception):
    """What fails here."""


def stamped(event, hint):
    event["timestamp"] = os.environ["HAPPENED_AT"]
    return event


def main() -> None:
    sentry_sdk.init(
        dsn=os.environ["DSN"],
        release="shop@1.2.0",
        environment="production",
        traces_sample_rate=1.0,
        auto_session_tracking=False,
        default_integrations=False,
        auto_enabling_integrations=False,
        before_send=stamped,
        enable_logs=True,
        # Else each flush reports what was not sent, which is an envelope too.
        send_client_reports=False,
        _experiments={"transport_compression_algo": os.environ.get("COMPRESSION", "gzip")},
    )
    for what in sys.argv[1:]:
        if what == "error":
            try:
                raise PoolIsEmptyError("no connection within 30 s")
            except PoolIsEmptyError as wrong:
                sentry_sdk.capture_exception(wrong)
        elif what == "check-in":
            capture_checkin(monitor_slug="nightly-invoices", status="ok", duration=4.2)
        elif what == "session":
            scope = sentry_sdk.get_isolation_scope()
            scope.start_session(session_mode="application")
            scope.end_session()
        elif what == "transaction":
            with sentry_sdk.start_transaction(name="GET /checkout", op="http.server"):
                pass
        elif what == "log":
            sentry_sdk.logger.warning("the pool is nearly empty")
        else:
            raise SystemExit(f"{what}?")
        sentry_sdk.flush(timeout=120)


if __name__ == "__main__":
    main()
