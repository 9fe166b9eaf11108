"""The agenda of a meeting: schedule, order, approval, rhythm."""
