// Reports one error, one check-in and one transaction to the DSN that the environment names, then ends.
import * as Sentry from "@sentry/node";

const { DSN, TUNNEL, HAPPENED_AT } = process.env;

Sentry.init({
  dsn: DSN,
  tunnel: TUNNEL || undefined,
  release: "shop@1.2.0",
  environment: "production",
  tracesSampleRate: 1,
  defaultIntegrations: false,
  beforeSend: (event) => ({ ...event, timestamp: Number(HAPPENED_AT) }),
});

Sentry.captureException(new RangeError("no connection within 30 s"));
await Sentry.flush(10_000);
Sentry.captureCheckIn({ monitorSlug: "nightly-invoices", status: "ok", duration: 4.2 });
Sentry.startSpan({ name: "GET /checkout", op: "http.server" }, () => {});
await Sentry.close(10_000);
