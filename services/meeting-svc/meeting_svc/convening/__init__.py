"""The convening of a meeting: call, postpone, cancel, entrust the chair, sound recording."""
