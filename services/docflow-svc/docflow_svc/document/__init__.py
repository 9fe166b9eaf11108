"""An outgoing document, from the draft on."""
