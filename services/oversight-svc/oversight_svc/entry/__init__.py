"""An entry of the supervision ledger."""
