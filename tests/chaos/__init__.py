"""Chaos: the real processes under load and faults, the institutions' books as the judge. `./dev chaos --seeds 1 2 3`.

Real are: gunicorn with the portal's pages and with the notices' own process, the worker, the live feed, PostgreSQL
with fsync, the sandbox; each a process, started by the commands of `./dev run`. Between them stands a TCP proxy
(`proxy.py`): portal and PostgreSQL, sandbox and the portal's notices, portal and the sandbox's gateway.

One seed (`plan.py`, a pure function): payments by plate and by static code in both wallets, refunds by the owners'
pages (whole, in parts, two rivals at once, a double tap), and faults at places counted in payments. `storm.py` lives
through them, `healing.py` lets everything come to rest (the business clock walks) and a night pass, in which the
portal's own nightly job fetches both bills; `judging.py` compares, `report.py` tells.

A run is bad, and the exit code 1, when anything was lost, doubled, over-refunded, a fen off, forgotten (a notice that
was answered "taken" and is not in the inbox; a refund whose number its owner saw), broken (cached sums, gaps in a
feed, chains), not balanced by the portal's own reconciliation, or not at rest after 180 seconds; and when the product
does not start. The lines that begin with `!` say which.

For a source that was changed on purpose:

    python -m tests.chaos --root COPY --seeds 1 --payments 300 --faults 40 --fail-fast

`--root` is the folder whose `app.py`, `portal/`, `sandbox/`, `migrations/`, `templates/` and `static/` are run;
harness and database starter stay this tree's own. About 40 seconds of start, then some 10 payments a second on two
idle cores. `live_through` in `running.py` is the same as a function. Faults need not be of every kind in a short run:
those that kill the database are what shows a commit that was not durable, rivals and double taps what shows a check
before an insert.
"""
