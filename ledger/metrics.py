"""What a service counts, for Prometheus. All of it stands here, so that all of it can be read.

No label narrows down a claim: routes are templates, outcomes are kinds. Nothing is counted by
merchant, policy, lane or address, and no entry or decision of a sandbox is counted at all. Where
there are several processes, each writes files of its own and any of them can add them up
(``multiprocess_mode``).
"""

from prometheus_client import Counter, Gauge, Histogram

__all__ = [
    "BATCH",
    "CLAIMS_UNDER_WAY",
    "DECISIONS",
    "ENTRIES",
    "RATE_LIMITED",
    "REQUESTS",
    "RINGS",
    "STREAMS",
    "VERIFYING",
    "WEBHOOKS",
    "WITNESS_ANSWERED",
]

REQUESTS = Histogram(
    "kvitto_http_request_seconds",
    "From the head of a request to the end of its answer.",
    ["method", "route", "status"],
    buckets=(0.005, 0.01, 0.025, 0.06, 0.1, 0.25, 1, 5),
)
DECISIONS = Counter(
    "kvitto_decisions",
    "Claims and transfers by what became of them: approved, repeated, refused, failed, or the"
    " reason of a decline. The only trace of one that was not approved.",
    ["kind", "outcome"],
)
BATCH = Histogram(
    "kvitto_claim_batch_size",
    "Claims that were judged together.",
    buckets=(1, 2, 4, 8, 16, 32, 64),
)
CLAIMS_UNDER_WAY = Gauge(
    "kvitto_claims_under_way",
    "Claims that wait or are being decided; 256 in a process are the most.",
    multiprocess_mode="livesum",
)
VERIFYING = Histogram(
    "kvitto_verify_seconds",
    "Checking the proofs of a batch.",
    buckets=(0.01, 0.02, 0.04, 0.08, 0.16, 0.5),
)
RINGS = Counter("kvitto_ring_cache", "Rings that were asked for, hit or miss.", ["result"])
STREAMS = Gauge(
    "kvitto_streams",
    "Streams of events that are open; 1,000 in a process are the most.",
    multiprocess_mode="livesum",
)
ENTRIES = Counter("kvitto_entries", "Entries that became durable in logs.", ["log"])
WITNESS_ANSWERED = Gauge(
    "kvitto_witness_answered_timestamp_seconds",
    "When a witness last cosigned what it was asked for.",
    ["witness"],
    multiprocess_mode="max",
)
RATE_LIMITED = Counter("kvitto_rate_limited", "Requests answered with 429.", ["budget"])
WEBHOOKS = Counter(
    "kvitto_webhooks",
    "Messages to merchants' addresses by what came of them: delivered, or why not.",
    ["outcome"],
)
