"""oversight-svc: the supervision ledger."""
