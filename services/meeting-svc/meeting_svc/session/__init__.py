"""A session: preparation, opening, handover of the chair, papers handed out, close."""
