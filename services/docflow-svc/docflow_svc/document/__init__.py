"""An outgoing document (发文), from its draft on."""
