"""A session as it takes place: preparation, opening, handing over the chair, papers handed out, close."""
