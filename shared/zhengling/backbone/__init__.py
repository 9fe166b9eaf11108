"""Nothing sent is lost, nothing received is applied twice: outbox, relay, inbox, consumer, timers."""
