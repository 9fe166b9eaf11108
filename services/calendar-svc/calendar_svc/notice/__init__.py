"""Holiday arrangements as the State Council's office publishes them."""
