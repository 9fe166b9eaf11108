"""All events, one file per service that emits them."""
