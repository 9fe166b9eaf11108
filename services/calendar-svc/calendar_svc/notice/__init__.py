"""Holiday arrangements as published by the State Council's office."""
