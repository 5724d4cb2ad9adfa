"""Is it well: snapshots, health findings, run evaluation, day audits, metrics, alerts, the report."""
